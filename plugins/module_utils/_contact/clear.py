# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what a recording keeps in clear. Everything else is replaced, see `disguise`.

This is the whole list; the guide "Your first day" repeats it for users.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Union

from .._model.dates import read_instant
from .._portal.auto_renewal_fields import SWITCHES
from .._portal.fields import CANDIDATES
from .._secrets import Secrets

FieldMap = Mapping[str, Union[str, Sequence[str]]]

# Words that say nothing about anyone; a value that is one of them is kept in any field.
WORDS = frozenset(
    (
        *SWITCHES,
        *(
            "normal",
            "valid",
            "invalid",
            "subscribed",
            "unsubscribed",
            "running",
            "inuse",
            "using",
            "expired",
            "stopped",
        ),
        *("suspended", "terminated", "deleted", "cancelled", "canceled", "refunded", "unknown", "pending", "trial"),
        *("succeed", "success", "failed", "confirming", "confirmed", "completed", "paid", "unpaid", "processing"),
        *("plan", "service", "renew", "purchase", "switch", "renew_plan", "renew_service", "recurring", "once"),
        *("annually", "annual", "yearly", "year", "monthly", "month", "p1y", "p12m", "p1m"),
    )
)
# Fields of the vendor whose plain short words are kept, known or not: which words there are is what a recording is for.
WORD_FIELDS = frozenset(
    ("orderStatus", "operationType", "activationStatus", "purchaseType", "serviceType", "billingModel", "sort")
)
PAGING = frozenset(("total", "count", "pageNo", "pageSize", "totalPage"))
# Fields of the catalog with ids and names of plans and services.
_CATALOG_CONCEPTS = ("plan", "plan_id", "service_id", "service_name", "pricing_plan_id", "pricing_service_id")
_ENVELOPE = ("code", "detailMessage", "requestId", "result", "status")
# Documented names (docs/portal-api.md, 4 to 7), which remain names even if they are somewhere a value.
_DOCUMENTED = (
    *("productNo", "productId", "productName", "comment", "createTime", "currentPlan", "currentPlanExpireDate"),
    *("id", "orderNo", "customReferenceNo", "invoiceNo", "transactionNo", "partnerId", "results", "records", "list"),
    *("rows", "basicInformation", "billingInformation", "orderInformation", "orderSummary", "billingContactId"),
    *("city", "company", "country", "emailAddress", "firstName", "lastName", "phoneNumber", "remark", "stateProvince"),
    *("street", "taxNum", "zipCode", "expiresIn", "status", "state", "type", "name"),
)
_LEAST_ID = 8  # characters of a catalog id that is recognized within a longer text

_WORD = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+){0,3}")
_CYCLE = re.compile(r"(?:\d{1,2} ?)?[A-Za-z]+(?:[ _-][A-Za-z]+){0,2}(?:\(s\))?|P\d{1,2}[YM]", re.IGNORECASE)
_LONGEST_WORD, _LONGEST_DATE = 24, 50  # characters
_QUANTITY = re.compile(r"\d{1,6}(?:\.0{1,2})?")
_YEAR_LAST = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?:19|20)\d{2}(?: \d{1,2}:\d{2}(?::\d{2})?)?")
_EPOCH = re.compile(r"\d{9,14}")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OF_TIME = re.compile(
    "(?:.*(?:expire|end|start|due|create|birth))?date|.*(?:time|timestamp|expiry|expires?|expiration)"
    "|until|till|through|at|validto"
)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_MANY_DIGITS = re.compile(r"(?:\D*\d){4}")


class Clear:
    """Decides which values and which keys of a recording are kept as they are."""

    def __init__(self, field_map: FieldMap, catalogs: Iterable[Any], secrets: Secrets) -> None:
        """``catalogs`` are the catalog's answers; ``secrets`` are never kept, wherever they are."""
        self._secrets = secrets
        self._names = {concept: frozenset(_names(concept, field_map)) for concept in CANDIDATES}
        self._keys = {*_ENVELOPE, *PAGING, *WORD_FIELDS, *_DOCUMENTED, *frozenset().union(*self._names.values())}
        self._keys |= {part for paths in field_map.values() for path in _listed(paths) for part in path.split(".")}
        catalog = {_plain(value) for answer in catalogs for value in self._of_catalog(answer)} - {""}
        self._catalog = frozenset(catalog)
        self.ids = frozenset(value for value in catalog if value.isdigit() and len(value) >= _LEAST_ID)

    @property
    def texts(self) -> Iterator[str]:
        """All texts that are kept in any field, which no replacement may look like."""
        yield from WORDS
        yield from self._catalog

    def keeps(self, names: tuple[str, ...], value: Union[str, int, Decimal]) -> bool:
        """Whether a text or a number is kept; ``names`` are the keys that lead to it from the top of the answer."""
        text = str(value).strip()
        return self._is_on_the_list(names, text) and self._secrets.hide(text) == text

    def _is_on_the_list(self, names: tuple[str, ...], text: str) -> bool:
        if text in ("", "0", "1") or text.casefold() in WORDS or _plain(text) in self._catalog:
            return True
        if self._is_of_its_field(names, text) or _is_date(text):
            return True
        return _is_epoch(text) and _is_of_time(names, self._names)

    def _is_of_its_field(self, names: tuple[str, ...], text: str) -> bool:
        name = names[-1] if names else ""
        if names == ("status",) or name == "productId":
            return text.isdigit() and len(text) <= 3
        if len(text) <= _LONGEST_WORD and (names == ("code",) or name in WORD_FIELDS):
            return _WORD.fullmatch(text.lstrip("-")) is not None
        if name in self._names["billing_cycle"]:
            return len(text) <= _LONGEST_WORD and _CYCLE.fullmatch(text) is not None
        if name in self._names["currency"]:
            return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()
        if name in self._names["quantity"]:
            return _QUANTITY.fullmatch(text) is not None
        is_paging = name in PAGING and names in ((name,), ("result", name))
        return (is_paging or names == ("result", "expiresIn")) and text.isdigit() and len(text) <= 7

    def keeps_key(self, key: str) -> bool:
        """Whether a key is the name of a field, and not data such as a serial number."""
        if key in self._keys:
            return True
        if _PLAIN_KEY.fullmatch(key) is None or _MANY_DIGITS.match(key):
            return False
        return self._secrets.hide(key) == key

    def is_known_key(self, key: str) -> bool:
        """Whether a key is a name that the collection or the user's ``field_map`` reads."""
        return key in self._keys

    def _of_catalog(self, node: Any) -> Iterator[str]:
        """The ids and names of the plans and services in a catalog, at any depth."""
        if isinstance(node, list):
            for item in node:
                yield from self._of_catalog(item)
        if not isinstance(node, Mapping):
            return
        wanted = {"name", *(name for concept in _CATALOG_CONCEPTS for name in self._names[concept])}
        if {"planId", "serviceId"} & set(node):
            yield from (str(value) for name, value in node.items() if name in wanted and _is_scalar(value))
        for value in node.values():
            yield from self._of_catalog(value)


def _names(concept: str, field_map: FieldMap) -> Iterator[str]:
    """The names of the fields of a concept: the usual candidates, and the last part of each mapped path."""
    yield from CANDIDATES[concept]
    yield from (path.rpartition(".")[2] for path in _listed(field_map.get(concept, ())))


def _listed(paths: Union[str, Sequence[str]]) -> Sequence[str]:
    return (paths,) if isinstance(paths, str) else paths


def _plain(text: str) -> str:
    """A name or an id as it is compared: case, and the number and kind of blanks, do not matter."""
    return " ".join(text.split()).casefold()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def is_date_text(text: str) -> bool:
    """Whether a text is wholly a date or an instant, including forms in which it is open which number is the month."""
    return "[" not in text and _is_date(text)


def _is_date(text: str) -> bool:
    if _YEAR_LAST.fullmatch(text):
        return True
    if len(text) > _LONGEST_DATE or text.replace(".", "").isdigit() or "[" in text or not text.isprintable():
        return False
    return _is_instant(text)


def _is_epoch(text: str) -> bool:
    return _EPOCH.fullmatch(text) is not None and text.isascii() and _is_instant(text)


def _is_instant(text: str) -> bool:
    try:
        read_instant(text)
    except ValueError:
        return False
    return True


def _is_of_time(names: tuple[str, ...], concepts: Mapping[str, frozenset[str]]) -> bool:
    """Whether the name of a field says that it holds a moment, such as createTime, validUntil or expires_at."""
    name = names[-1] if names else ""
    words = [word.lower() for word in _CAMEL.findall(name)]
    last = "".join(words[-2:]) if words[-2:] == ["valid", "to"] else "".join(words[-1:])
    return name in concepts["expires_at"] or _OF_TIME.fullmatch(last) is not None
