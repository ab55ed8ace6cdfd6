# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the subscriptions of an account to an inventory: what is cached, their variables and their groups.

A row is a subscription as in `_renew.report`, without `days_left`, which is calculated when the row is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import parse_instant
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import (
    EXPIRY_WINDOWS,
    Span,
    bounds,
    days_left,
    is_within,
    span_in,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import quoted

Row = Mapping[str, Any]

SCHEMA = 3  # of the cache; increase it with each change of the rows
EXPIRY_GROUPS = {f"expires_in_{days}": days for days in EXPIRY_WINDOWS}
EXPIRED, EXPIRY_UNKNOWN = "expired", "expiry_unknown"
EVERY_GROUP = (*EXPIRY_GROUPS, EXPIRED, EXPIRY_UNKNOWN)

_TEXT, _TEXTS = (str, type(None)), (list, type(None))
_KINDS: dict[str, Any] = {
    "product_no": str,
    "expires_at": _TEXT,
    "expires_between": (Mapping, type(None)),
    "plan": _TEXT,
    "plan_id": _TEXT,
    "services": _TEXTS,
    "service_ids": _TEXTS,
    "quantity": (int, type(None)),
    "billing_cycle": _TEXT,
    "auto_renewal": (bool, type(None)),
    "pending_plan": _TEXT,
    "activation_status": _TEXT,
    "comment": _TEXT,
    "other_expiries": Mapping,
    "undetermined": Mapping,
}
PRODUCT_NO_VARIABLE = "pce_renewal_product_no"

Evaluator = Callable[[str, Row], Any]

# Starts with a letter or digit, and has no character with a meaning in a pattern, a path or a terminal.
_HOST_NAME = re.compile(r"\w[\w.@-]{0,252}")
_TAKEN = ("all", "ungrouped", "localhost")


@dataclass(frozen=True)
class Choice:
    """Which PBXs an inventory contains, and how.

    ``role_variables`` are the same for all hosts; ``hostname`` is a template, None for the serial number.
    """

    filters: Filters
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hostname: Optional[str] = None
    prefix: str = "yeastar_"
    role_variables: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Host:
    """A PBX in an inventory. The names of its groups are not sanitized yet."""

    name: str
    variables: Row
    groups: Sequence[str]


def rows_of(subscriptions: Iterable[Row]) -> list[Row]:
    """Convert subscriptions of `_renew.report` to rows."""
    return [{name: value for name, value in one.items() if name != "days_left"} for one in subscriptions]


def payload_of(rows: list[Row], fingerprint: str) -> dict[str, Any]:
    """The content of the cache: no secrets, and nothing that depends on the time."""
    return {"schema": SCHEMA, "fingerprint": fingerprint, "subscriptions": rows}


def cached_rows(payload: object, fingerprint: str) -> Optional[list[Row]]:
    """The rows of a payload; None if it belongs to another account or schema, or is incomplete."""
    if not isinstance(payload, Mapping) or (payload.get("schema"), payload.get("fingerprint")) != (SCHEMA, fingerprint):
        return None
    rows = payload.get("subscriptions")
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        return None
    return list(rows)


def _is_row(row: object) -> bool:
    if not isinstance(row, Mapping) or set(row) != set(_KINDS):
        return False
    if not all(isinstance(row[name], kind) for name, kind in _KINDS.items()):
        return False
    try:
        _expiry(row)
        span_in(row["expires_between"])
    except ValueError:
        return False
    return True


def row_at(row: Row, now: datetime) -> dict[str, Any]:
    """A row with the days left at an instant; null if the expiry is unknown."""
    expires_at = _expiry(row)
    return {**row, "days_left": None if expires_at is None else days_left(expires_at, _span(row), now)}


def is_wanted(row: Row, filters: Filters) -> bool:
    """Whether the filters match a subscription, as far as it is known."""
    offer = Offer(row["plan_id"], row["plan"]) if row["plan"] is not None else None
    return filters.match_facts(_expiry(row), _span(row), offer)


def groups_of(row: Row, now: datetime) -> list[str]:
    """The groups of a PBX; that of its plan is not sanitized yet. Wider windows include narrower ones, and both ends.

    A PBX that has certainly expired is in no window: it is not renewed unless the user explicitly wants that.
    """
    expires_at, span = _expiry(row), _span(row)
    if expires_at is None:
        groups = [EXPIRY_UNKNOWN]
    elif bounds(expires_at, span)[1] <= now:
        groups = [EXPIRED]
    else:
        groups = [name for name, days in EXPIRY_GROUPS.items() if is_within(expires_at, span, now, days)]
    return groups if row["plan"] is None else [*groups, f"plan_{row['plan']}"]


def hosts_of(rows: Iterable[Row], choice: Choice, evaluate: Evaluator, render: Evaluator) -> list[Host]:
    """The wanted PBXs, each as a host with a unique name.

    ``evaluate`` returns the value of an expression with variables, ``render`` the text of a template. Raises ValueError
    for any error of these: otherwise the host would be missing without notice.
    """
    hosts: dict[str, Host] = {}
    for row in rows:
        reported = row_at(row, choice.filters.now)
        variables = {f"{choice.prefix}{name}": value for name, value in reported.items()}
        if not is_wanted(row, choice.filters) or not _is_chosen(row, choice, variables, evaluate):
            continue
        name = _name_of(row, choice, variables, render)
        if name in hosts:
            other = hosts[name].variables[PRODUCT_NO_VARIABLE]
            raise ValueError(
                f"hostname: {other} and {row['product_no']} would both be the host {name!r}; make the names unique, for"
                " instance with the serial number"
            )
        own = {**choice.role_variables, PRODUCT_NO_VARIABLE: row["product_no"]}
        hosts[name] = Host(name, {**variables, **own}, groups_of(row, choice.filters.now))
    return list(hosts.values())


def _is_chosen(row: Row, choice: Choice, variables: Row, evaluate: Evaluator) -> bool:
    def hold(conditions: Iterable[str]) -> list[bool]:
        return [_truth_of(condition, row, variables, evaluate) for condition in conditions]

    included, excluded = hold(choice.include), hold(choice.exclude)
    return (not included or any(included)) and not any(excluded)


def _truth_of(condition: str, row: Row, variables: Row, evaluate: Evaluator) -> bool:
    value = _attempt(condition, row, variables, evaluate)
    if not isinstance(value, bool):
        raise ValueError(
            f"{condition}: expected true or false for {row['product_no']}, got {quoted(value)}; compare it"
        )
    return value


def _name_of(row: Row, choice: Choice, variables: Row, render: Evaluator) -> str:
    name = row["product_no"] if choice.hostname is None else _attempt(choice.hostname, row, variables, render)
    text = name.strip() if isinstance(name, str) else ""
    if _HOST_NAME.fullmatch(text) and text not in _TAKEN:
        return text
    raise ValueError(
        f"hostname: expected letters, digits and . _ @ - for {row['product_no']}, got {quoted(name)}; the filters"
        " default and regex_replace can turn it into a name"
    )


def _attempt(text: str, row: Row, variables: Row, evaluate: Evaluator) -> Any:
    try:
        return evaluate(text, variables)
    except Exception as error:
        raise ValueError(f"{text}: it cannot be evaluated for {row['product_no']}: {error}") from None


def check_not_taken(host: Host, present: Any) -> None:
    """Raise ValueError if ``present``, a host with the same name from another source, is another PBX."""
    product_no = host.variables[PRODUCT_NO_VARIABLE]
    other = product_no if present is None else present.vars.get(PRODUCT_NO_VARIABLE, product_no)
    if other != product_no:
        raise ValueError(f"hostname: {host.name!r} is {other} in another source and {product_no} here; rename one")


def _span(row: Row) -> Optional[Span]:
    return span_in(row["expires_between"])


def _expiry(row: Row) -> Optional[datetime]:
    return None if row["expires_at"] is None else parse_instant(row["expires_at"])
