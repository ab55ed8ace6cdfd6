# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the one read model of a report, from what the modules returned. Every format of `pce_report` shows only this.

Unknown values are None in it, come first, and are counted separately; no format shows them as a number. Every text is
one line of characters that any format can hold, so that a format only has to escape its own special characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._model import money as _money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import (
    ANNUALLY,
    DAY,
    MONTHLY,
    add_cycles,
    format_instant,
    parse_instant,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money, parse_amount
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import (
    EXPIRY_WINDOWS,
    Span,
    bounds,
    days_left,
    in_text,
    is_within,
    span_in,
    whole_day,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason, State
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import LONGEST_TEXT, MARK, UNSHOWABLE

UNKNOWN, EXPIRED, LATER = "unknown", "expired", "later"
# Windows before an expiry, in days.
WINDOWS = {f"within_{days}": days for days in EXPIRY_WINDOWS}
BANDS = (UNKNOWN, EXPIRED, *WINDOWS, LATER)

MONTHS = 12
WEEKS_OF_MONTH = 4

_FACTS = ("plan", "services", "quantity", "billing_cycle")
_MORE_FACTS = ("pending_plan", "activation_status", "comment", "other_expiries")


def cleaned(value: Any) -> Any:
    """A copy in which every text is one line of at most LONGEST_TEXT characters that can be shown anywhere."""
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(item) for item in value]
    if not isinstance(value, str):
        return value
    text = UNSHOWABLE.sub(MARK, " ".join(value.split()))
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def read_model(
    subscriptions: Sequence[Mapping[str, Any]],
    results: Optional[Sequence[Mapping[str, Any]]],
    prices: Sequence[Mapping[str, Any]],
    plan: Optional[Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Join what is known of each PBX.

    ``subscriptions`` are those of `yeastar_pce_info`; ``results`` those of `yeastar_pce_plan`, or None if nothing was
    decided; ``prices`` are further results, of which only the prices count; of a saved ``plan`` only its items are due.
    """
    seen, decided, priced = _by_number(subscriptions), _by_number(results or ()), _by_number(prices)
    items = [_item_of_result(row) for row in (results or ()) if row["state"] == State.DUE]
    if plan is not None:
        items = [_item_of_plan(item) for item in plan["items"]]
    planned = _by_number(items)
    if plan is not None:
        decided = {number: _held(number, seen, decided, planned) for number in {**decided, **planned}}
    rows = [
        _row(number, seen.get(number), decided.get(number), planned.get(number), priced.get(number), now)
        for number in {**seen, **decided, **planned}
    ]
    rows.sort(key=lambda row: (row["expires_at"] or "", row["product_no"]))
    bands, states = [row["band"] for row in rows], [row["state"] for row in rows]
    model = {
        "now": format_instant(now),
        "timestamp": int(now.timestamp()),
        "rows": rows,
        "attention": [row for row in rows if row["trouble"] is not None],
        "bands": {band: bands.count(band) for band in BANDS},
        "states": {state.value: states.count(state) for state in State if state in states},
        "assumed_zones": _assumed_zones(rows),
        "is_decided": results is not None or plan is not None,
        **_orders(items),
        "plan": None if plan is None else _header(plan, now),
        **_ahead(rows, now),
    }
    cleaned_model: dict[str, Any] = cleaned(model)
    return cleaned_model


def _orders(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is to be ordered, at what price, and for how many it is unknown whether the portal renews them itself."""
    unknown = sum(item["auto_renewal"] is None for item in items)
    return {"due": items, "unknown_auto_renewals": unknown, **_sums(items)}


def _by_number(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["product_no"]: row for row in rows}


def _row(
    product_no: str,
    seen: Optional[Mapping[str, Any]],
    decided: Optional[Mapping[str, Any]],
    item: Optional[Mapping[str, Any]],
    priced: Optional[Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    known, outcome = seen or {}, decided or {}
    expires_at, between = known.get("expires_at"), known.get("expires_between")
    if expires_at is None:
        expires_at, between = outcome.get("expires_before"), outcome.get("expires_between")
    instant = None if expires_at is None else parse_instant(expires_at)
    span = span_in(between)
    day = whole_day(span)
    row = {
        "product_no": product_no,
        **{name: known.get(name) if outcome.get(name) is None else outcome[name] for name in _FACTS},
        **{name: known.get(name) for name in _MORE_FACTS},
        "auto_renewal": _first_known(part.get("auto_renewal") for part in (outcome, item or {}, known)),
        "expires_at": expires_at,
        "expires_between": between,
        "expires_on": None if day is None else day.isoformat(),
        "not_after": None if instant is None else int(bounds(instant, span)[0].timestamp()),
        "days_left": None if instant is None else days_left(instant, span, now),
        "days_lost": (item or outcome).get("days_lost"),
        "band": _band(instant, span, now),
        "undetermined": known.get("undetermined") or {},
        "state": outcome.get("state"),
        "reason": outcome.get("reason"),
        "message": outcome.get("message"),
        "expires_after": (item or outcome).get("expires_after"),
        "price": (item or {}).get("price") or outcome.get("price") or (priced or {}).get("price"),
        "order": outcome.get("order"),
    }
    return {**row, "trouble": _trouble(row, instant, span, now)}


def _assumed_zones(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many expiries the portal reports without a zone, by the zone in which they are shown."""
    zones = Counter((row["expires_between"]["time_zone"] or "UTC") for row in rows if row["expires_between"])
    return dict(sorted(zones.items()))


def _first_known(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _band(expires_at: Optional[datetime], span: Optional[Span], now: datetime) -> str:
    if expires_at is None:
        return UNKNOWN
    if bounds(expires_at, span)[1] <= now:
        return EXPIRED
    windows = (name for name, days in WINDOWS.items() if is_within(expires_at, span, now, days))
    return next(windows, LATER)


def _held(
    product_no: str,
    seen: Mapping[str, Mapping[str, Any]],
    decided: Mapping[str, Mapping[str, Any]],
    planned: Mapping[str, Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What a run that applies a saved plan would say about a PBX, as far as known without prices."""
    decision, item = decided.get(product_no, {}), planned.get(product_no)
    is_due = decision.get("state") in (None, State.DUE)
    if item is None:
        if not is_due:
            return decision
        message = f"not part of the plan, so nothing is bought: {decision['message']}; plan again"
        return {**decision, **_outcome(Reason.NOT_IN_PLAN, message), "expires_after": None}
    if product_no not in seen:
        return _outcome(Reason.NOT_FOUND, "in the plan, but not among the PBXs of this account")
    if _has_moved(seen[product_no]["expires_at"], item["expires_before"]):
        message = f"the plan was made when it expired {item['expires_before']}; plan again"
        return {**decision, **_outcome(Reason.STALE_PLAN, message)}
    return {**decision, **_outcome(Reason[item["reason"].upper()], "in the plan")} if is_due else decision


def _outcome(reason: Reason, message: str) -> dict[str, str]:
    return {"state": reason.state.value, "reason": reason.value, "message": message}


def _has_moved(seen: Optional[str], planned: str) -> bool:
    """Whether an expiry differs from that in the plan; for the tolerance of a day, see `same_expiry`."""
    return seen is not None and abs(parse_instant(seen) - parse_instant(planned)) >= DAY


def _trouble(
    row: Mapping[str, Any], expires_at: Optional[datetime], span: Optional[Span], now: datetime
) -> Optional[str]:
    """Why a person should look at a PBX; None where nobody needs to."""
    if row["band"] == UNKNOWN:
        return "; ".join(row["undetermined"].values()) or row["message"] or "the expiry cannot be determined"
    if row["state"] is not None and State(row["state"]).is_failing:
        return str(row["message"])
    if expires_at is not None and bounds(expires_at, span)[0] <= now:
        certainly = "has" if row["band"] == EXPIRED else "may have"
        return str(row["message"] or f"it {certainly} expired on {in_text(expires_at, span)}")
    return None


def _item_of_result(row: Mapping[str, Any]) -> dict[str, Any]:
    """What would be ordered for a PBX that is due."""
    names = ("product_no", "reason", "expires_before", "expires_after", *_FACTS, "price")
    return {**{name: row[name] for name in names}, **{name: row.get(name) for name in ("auto_renewal", "days_lost")}}


def _item_of_plan(item: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(item["quantity"], int):
        raise ValueError("plan_file: expected the number of extensions as a number")
    return {
        **_item_of_result(item),
        **_instants(item, "expires_before", "expires_after"),
        "plan": _said(item["plan"]),
        "services": [_said(service) for service in item["services"]],
    }


def _instants(row: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Read instants from a file that anyone may have written. Raises ValueError for anything else."""
    return {name: format_instant(parse_instant(row[name])) for name in names}


def _said(offer: Mapping[str, Any]) -> str:
    return str(offer["name"] or f"id {offer['id']}")


def _header(plan: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    names = ("digest", "portal", "account", "has_changes", "policy")
    instants = _instants(plan, "created", "valid_until")
    return {**{name: plan[name] for name in names}, **instants, "is_valid": now <= parse_instant(plan["valid_until"])}


def _sums(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The known prices per currency, as text, and how many are unknown."""
    prices = [_price(item) for item in items]
    return {"totals": _texts(_money.total(prices)), "unknown_prices": prices.count(None)}


def _texts(sums: Mapping[str, Any]) -> dict[str, str]:
    return {currency: f"{sums[currency]:f}" for currency in sorted(sums)}


def _price(row: Mapping[str, Any]) -> Optional[Money]:
    price = row["price"]
    return None if price is None else Money(parse_amount(price["amount"]), price["currency"])


def _ahead(rows: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """What the coming months bring: expiries by quarter of the month, and renewals with their cost."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    starts = [add_cycles(first, MONTHLY, number) for number in range(MONTHS + 1)]
    by_month: list[list[Mapping[str, Any]]] = [[] for dummy in range(MONTHS)]
    expiring: list[list[Mapping[str, Any]]] = [[] for dummy in range(MONTHS * WEEKS_OF_MONTH)]
    for row in rows:
        for instant in _renewals(row, now, starts[-1]):
            by_month[_months_between(first, instant)].append(row)
        if row["expires_at"] is not None:
            instant = parse_instant(row["expires_at"])
            if first <= instant < starts[-1]:
                week = min((instant.day - 1) * WEEKS_OF_MONTH // 30, WEEKS_OF_MONTH - 1)
                expiring[_months_between(first, instant) * WEEKS_OF_MONTH + week].append(row)
    instants = [parse_instant(row["expires_at"]) for row in rows if row["expires_at"] is not None]
    months = [
        {"month": start.strftime("%Y-%m"), "renewals": len(renewed), **_sums(renewed)}
        for start, renewed in zip(starts, by_month)
    ]
    return {
        "months": months,
        "currencies": sorted({currency for month in months for currency in month["totals"]}),
        "timeline": [_bin(week, found) for week, found in enumerate(expiring)],
        "before_timeline": sum(instant < first for instant in instants),
        "after_timeline": sum(instant >= starts[-1] for instant in instants),
    }


def _bin(week: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What expires together, with the most urgent band; the rows are sorted by expiry."""
    return {
        "week": week,
        "count": len(rows),
        "band": rows[0]["band"] if rows else None,
        "product_nos": [row["product_no"] for row in rows[:5]],
    }


def _renewals(row: Mapping[str, Any], now: datetime, end: datetime) -> list[datetime]:
    """When a PBX is to be renewed before ``end``, as far as known. A pending order counts as done."""
    if row["expires_at"] is None:
        return []
    expires_at = parse_instant(row["expires_at"])
    if row["band"] == EXPIRED and row["state"] != State.DUE:
        return []
    cycle = row["billing_cycle"] or ANNUALLY
    instants = [] if row["state"] == State.PENDING else [max(expires_at, now)]
    number = 1
    while (instant := add_cycles(expires_at, cycle, number)) < end:
        if instant > now:
            instants.append(instant)
        number += 1
    return [instant for instant in instants if instant < end]


def _months_between(first: datetime, instant: datetime) -> int:
    return (instant.year - first.year) * 12 + instant.month - first.month
