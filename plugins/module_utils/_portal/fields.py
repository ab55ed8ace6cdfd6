# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The response fields whose names are not public: ordered candidates, the user's `field_map`, and "cannot determine".

The candidates are guesses based on the vendor's conventions (docs/portal-api.md, 11.1). If two disagree, or none is
reported, the value is `Undetermined`; nothing is ever assumed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Optional, Union
from zoneinfo import ZoneInfo

from .._model import dates as _time
from .._model import money as _money
from .._model.money import Money
from .._model.span import Span, common, span_of
from .._model.undetermined import Undetermined, known
from .._secrets import is_confidential
from .._text import HIDDEN, LONGEST_ID, MARK, one_line, quoted
from .auto_renewal_fields import manners_of_renewal, read_auto_renewal, read_switch
from .envelope import read_count
from .suggestions import suggestions

# Concepts of `field_map` and the keys tried for each, in order (docs/architecture.md, 5).
CANDIDATES = {
    "expires_at": (
        "expireDate",
        "expireTime",
        "expirationDate",
        "expiryDate",
        "planExpireDate",
        "planExpirationDate",
        "endTime",
    ),
    "plan": ("planName", "plan"),
    "plan_id": ("planId",),
    "quantity": ("quantity", "extensions", "extensionNum", "extensionQuantity", "extensionCapacity"),
    "billing_cycle": ("billingCycle", "cycle"),
    "services": ("serviceList", "services", "addOnList", "addOns"),
    "service_id": ("serviceId", "id"),
    "service_name": ("serviceName", "name"),
    "auto_renewal": ("autoRenew", "autoRenewal", "autoRenewStatus"),
    "po_number": ("poNumber", "customReferenceNo"),
    "amount": ("amount", "totalAmount", "totalPrice", "payAmount", "price"),
    "currency": ("currencyCode", "currency"),
    "pricing_plan_id": ("pricingPlanId",),
    "pricing_service_id": ("pricingServiceId",),
}
# The name alone does not tell whether these are the price of the whole order or of one extension.
_MAY_BE_OF_ONE_UNIT = ("price", "amount")

_BILLING_CYCLES = {
    _time.ANNUALLY: re.compile(
        "annual|annually|yearly|year|(a|per|each|every) ?(year|annum)|(1|one) ?(years?|yr)|p1y"
        "|(12|twelve) ?months?|p12m"
    ),
    _time.MONTHLY: re.compile("monthly|month|(a|per|each|every) ?month|(1|one) ?(months?|mo)|p1m"),
}
_MOST_EXTENSIONS = 10**9  # a larger number is not a quantity
_ZERO_FRACTION = re.compile(r"\.0{1,2}$")


def read_text(value: Any) -> str:
    """Read a name, a comment or a status, on one line and stripped. Raises ValueError for anything but text."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {quoted(value)}")
    return one_line(value)


def read_id(value: Any) -> str:
    """Read an id, a number or a string in the answer, as a string with every digit (docs/portal-api.md, 9.1 and 9.2).

    Raises ValueError for anything else, including text with a secret or a character that cannot be shown: cleaned, it
    would be a different id.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"expected an id, got {quoted(value)}")
    text = str(value).strip()
    if HIDDEN in text:
        raise ValueError("expected an id, got text with a secret in it; have it corrected in the portal")
    if not text or MARK in text or len(text) > LONGEST_ID:
        raise ValueError(f"expected an id that can be shown, got {quoted(value)}; have it corrected in the portal")
    return text


def _read_quantity(value: Any) -> int:
    """Read a number of extensions, also 100.0 or "100.00"; not "1.000", which is a thousand in some countries."""
    if isinstance(value, Decimal) and 0 < value < _MOST_EXTENSIONS and value == value.to_integral_value():
        value = int(value)
    elif isinstance(value, str):
        value = _ZERO_FRACTION.sub("", value.strip())
    quantity = read_count(value)
    if quantity == 0:
        raise ValueError("expected at least one extension, got 0")
    return quantity


def _read_billing_cycle(value: Any) -> str:
    word = " ".join(re.sub("[_-]", " ", str(value).casefold().replace("(s)", "")).split())
    for billing_cycle, spelling in _BILLING_CYCLES.items():
        if spelling.fullmatch(word):
            return billing_cycle
    raise ValueError(f"expected a year or a month, such as annually, 1 Year or 12 months, got {quoted(value)}")


def _read_rows(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {quoted(value)}")
    return tuple(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "expires_at": _time.parse_instant,
    "plan": read_text,
    "plan_id": read_id,
    "quantity": _read_quantity,
    "billing_cycle": _read_billing_cycle,
    "services": _read_rows,
    "service_id": read_id,
    "service_name": read_text,
    "auto_renewal": read_switch,
    "po_number": read_text,
    "amount": _money.parse_amount,
    "currency": _money.parse_currency,
    "pricing_plan_id": read_id,
    "pricing_service_id": read_id,
}


class Fields:
    """Reads concepts from the portal's rows."""

    def __init__(
        self, field_map: Mapping[str, Union[str, Sequence[str]]], time_zone: Optional[ZoneInfo] = None
    ) -> None:
        """``field_map`` names the key of a concept, or several keys, which replace the candidates.

        A key of a nested field is a dotted path. ``time_zone`` is that of expiries without one; None if unknown.

        Raises ValueError if ``field_map`` names a concept that does not exist, or a key that is not text.
        """
        unknown = sorted(set(field_map) - set(CANDIDATES))
        if unknown:
            raise ValueError(
                f"field_map names {', '.join(unknown)}; expected concepts are {', '.join(sorted(CANDIDATES))}"
            )
        self._keys = {**CANDIDATES, **{concept: _mapped(concept, keys) for concept, keys in field_map.items()}}
        self._time_zone = time_zone

    def read(self, row: Mapping[str, Any], concept: str) -> Any:
        """The value of a concept in a row, or an `Undetermined` that says which keys were tried and what they have."""
        if self._searches_for_auto_renewal and concept == "auto_renewal":
            value = read_auto_renewal(row, CANDIDATES[concept])
            return self._not_reported(concept) if value is None else value
        return self._read(row, concept, _READERS[concept])

    def _read(self, row: Mapping[str, Any], concept: str, reader: Callable[[Any], Any]) -> Any:
        found: dict[str, Any] = {}
        unreadable = []
        for key, value in self._reported(row, concept).items():
            try:
                found[key] = reader(value)
            except ValueError as error:
                unreadable.append(f"{key} cannot be read: {error}")
        values = list(found.values())
        if concept == "auto_renewal" and True in values:
            return True  # any "on" wins, as without field_map
        mappings = tuple(f"{concept}: {key}" for key in found)
        if unreadable:
            why = f"{concept}: {'; '.join(unreadable)}"
            return self._with_suggestions(row, Undetermined(concept, why, True, tuple(values), mappings), reader)
        if not found:
            return self._with_suggestions(row, self._not_reported(concept), reader)
        if concept == "expires_at" and max(values) - min(values) < _time.DAY:
            return min(values)  # a date and an instant of that day are the same expiry
        if any(value != values[0] for value in values[1:]):
            differing = ", ".join(f"{key} says {_shown(value)}" for key, value in found.items())
            why = f"{concept}: the fields {', '.join(found)} disagree: {differing}"
            return Undetermined(concept, why, True, tuple(values), mappings)
        return values[0]

    def span(self, row: Mapping[str, Any]) -> Optional[Span]:
        """The span in which the expiry of a row lies; None if the instant is certain.

        Of several fields, one with time of day and zone is more exact than the others.
        """
        values = list(self._reported(row, "expires_at").values())
        readings = [_time.parse_instant(value) for value in values]
        spans = [span_of(value, self._time_zone) or Span(read, read) for value, read in zip(values, readings)]
        found = functools.reduce(_more_exact, spans)
        return None if found == Span(min(readings), min(readings)) else found

    def reported_keys(self, row: Mapping[str, Any], concept: str) -> list[str]:
        """The keys under which a row reports a concept."""
        return list(self._reported(row, concept))

    def _with_suggestions(
        self, row: Mapping[str, Any], value: Undetermined, reader: Callable[[Any], Any]
    ) -> Undetermined:
        """Add the names of unmapped fields that look like the concept."""
        concept = value.concept
        found = suggestions(row, concept, CANDIDATES[concept], self._keys[concept], reader)
        if not found:
            return value
        why = f"{value.why}; {', '.join(found)} {'looks' if len(found) == 1 else 'look'} like it"
        return replace(value, why=why, mappings=(*value.mappings, *(f"{concept}: {path}" for path in found)))

    def names(self, concept: str, path: str) -> bool:
        """Whether the field at a path is tried for a concept."""
        return path in self._keys[concept]

    def read_as(self, concept: str, value: Any) -> Any:
        """Read a single value as a concept; None if that is impossible."""
        try:
            return _READERS[concept](value)
        except ValueError:
            return None

    def texts(self, row: Mapping[str, Any], concept: str) -> list[str]:
        """The texts in the fields of a concept, which may disagree."""
        values = (_at(row, key) for key in self._keys[concept])
        return [value.strip() for value in values if isinstance(value, str)]

    def renewal_manners(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """What a row says about how it is renewed, for a person to judge; nothing if `field_map` names the field."""
        return manners_of_renewal(row) if self._searches_for_auto_renewal else ()

    @property
    def _searches_for_auto_renewal(self) -> bool:
        return self._keys["auto_renewal"] is CANDIDATES["auto_renewal"]

    def _not_reported(self, concept: str) -> Undetermined:
        return Undetermined(concept, f"{concept}: none of the fields {', '.join(self._keys[concept])} is reported")

    def _reported(self, row: Mapping[str, Any], concept: str) -> dict[str, Any]:
        """The values of a concept in a row that are not empty, by key."""
        values = {key: _at(row, key) for key in self._keys[concept]}
        return {key: value for key, value in values.items() if value is not None and not _is_blank(value)}

    def price(self, info: Mapping[str, Any]) -> Union[Money, Undetermined]:
        """The price of renewing a plan or a service in the portal's answer about it, or why it is unknown.

        A price of 0 counts as unknown: it may only mean that the price is not set.
        """
        currency = self.read(info, "currency")
        amount = self._read(info, "amount", lambda value: _money.parse_price(value, known(currency)))
        if not isinstance(amount, Undetermined):
            keys = list(self._reported(info, "amount"))
            if amount == 0:
                why = f"amount: {keys[0]} is 0, which may mean that it is not set"
                return Undetermined("amount", why, reported=True)
            if self._keys["amount"] is CANDIDATES["amount"] and _is_of_one_unit(keys, info):
                why = f"amount: {keys[0]} may be the price of one unit; if it is for the whole order, map it"
                return Undetermined("amount", why, reported=True)
        for value in (amount, currency):
            if isinstance(value, Undetermined):
                return value
        return Money(amount, currency)


def _more_exact(one: Span, other: Span) -> Span:
    return common(one, other) or min(one, other, key=lambda span: span.earliest)


def _is_of_one_unit(keys: list[str], info: Mapping[str, Any]) -> bool:
    """Whether the amount under these keys may be the price of one extension."""
    if not set(keys) <= set(_MAY_BE_OF_ONE_UNIT):
        return False
    names = [key for key in info if "currency" not in key.casefold()]
    tells_units = any("unit" in name.casefold() or name in CANDIDATES["quantity"] for name in names)
    return tells_units or keys == ["price"]


def _mapped(concept: str, names: Union[str, Sequence[str]]) -> tuple[str, ...]:
    """The keys that `field_map` names for a concept. Raises ValueError."""
    keys = tuple(names) if isinstance(names, (list, tuple)) else (names,)
    wrong = [quoted(key) for key in keys if not isinstance(key, str) or not key.strip()]
    if wrong or not keys:
        got = wrong[0] if wrong else "an empty list"
        raise ValueError(f"field_map: expected the name of a field for {concept}, or a list of names, got {got}")
    for key in keys:
        if any(is_confidential(part) for part in key.split(".")):
            raise ValueError(f"field_map: {key} of {concept} is confidential and never read")
    return tuple(key.strip() for key in keys)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not one_line(value)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return _time.format_instant(value)
    return f"a list of {len(value)}" if isinstance(value, tuple) else str(value)


def _at(row: Mapping[str, Any], key: str) -> Any:
    if "." not in key:
        return row.get(key)
    value: Any = row
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
