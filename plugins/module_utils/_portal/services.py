# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the services of a PBX, from the rows that list them, and expiries in its row other than the plan's.

It is not known whether a portal lists only what a PBX has (docs/portal-api.md, 11.6). A row with its own status, cycle
or expiry is a service of the PBX only if it matches the plan; otherwise it is doubtful, and a declaration decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Optional, Union

from .._model.catalog import Between, Offer
from .._model.dates import DAY, format_instant, parse_instant
from .._model.undetermined import Undetermined, known
from .._text import quoted
from .fields import CANDIDATES, Fields, read_text
from .suggestions import folded, leaves

Row = Mapping[str, Any]
Services = Union[tuple[Offer, ...], Undetermined]

# What a field of a service means, by its folded name; the first match counts.
_KINDS = {
    "nothing": re.compile("autorenew|multicycle"),
    "no": re.compile("cancel(?!l?able)|suspend|unsubscri|terminat|delete|disabl|refund(?!able)|trial$|^(is)?expired$"),
    "cycle": re.compile("cycle$"),
    "expiry": re.compile("expir|valid(to|through|until|till)$|(end|due)(date|time)$"),
    "status": re.compile("(status|state)$"),
    "yes": re.compile("^(is)?(enabled?|active|subscribed|valid|purchased)$"),
    "model": re.compile("^billingmodel$"),
    "type": re.compile("type$"),
    "quantity": re.compile(f"^({'|'.join(map(folded, CANDIDATES['quantity']))})$"),
}
_ACTIVE = ("active", "activated", "enabled", "normal", "valid", "subscribed", "running", "inuse", "using", "on", "true")
_YES, _NO = ("true", "yes", "y", "1", "on"), ("false", "no", "n", "0", "off")


@lru_cache(maxsize=4096)  # the rows of a listing have the same fields
def _kind_of(name: str) -> str:
    word = folded(name)
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(word)), "nothing")


def services_of(
    row: Row, fields: Fields, billing_cycle: Union[str, Undetermined], expires_at: Union[datetime, Undetermined]
) -> Services:
    """The services of a PBX, in the portal's order, from names or objects. The plan's own line is left out.

    ``billing_cycle`` and ``expires_at`` are those of the plan, from the same row.
    """
    plan = _Plan(fields, known(billing_cycle), known(expires_at))
    entries = fields.read(row, "services")
    if not isinstance(entries, Undetermined):
        return _listed(entries, plan)
    bounds = [_bounds(_listed(one, plan)) for one in entries.seen]
    return replace(entries, seen=() if None in bounds else tuple(bounds))


def _bounds(services: Services) -> Optional[Between]:
    if not isinstance(services, Undetermined):
        return Between(services, services)
    return services.seen[0] if services.seen else None


@dataclass(frozen=True)
class _Plan:
    """How to read a row, and what is known about its plan."""

    fields: Fields
    billing_cycle: Optional[str]
    expires_at: Optional[datetime]


def _listed(entries: Sequence[Any], plan: _Plan) -> Services:
    services, certain, doubts = [], [], []
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("serviceType") == "plan":
            continue
        if isinstance(entry, str) and entry.strip():
            services.append(Offer(None, read_text(entry)))
            certain.append(services[-1])
            continue
        if not isinstance(entry, Mapping):
            return Undetermined("services", "services: an entry is neither a name nor an object", reported=True)
        offer = offer_of(entry, plan.fields, "services", "service_id", "service_name")
        if isinstance(offer, Undetermined):
            return replace(offer, why=f"services: {offer.why}", reported=True, seen=())
        services.append(offer)
        clauses = [f"{offer}: {clause}" for clause in _doubts_about(entry, plan)]
        doubts += clauses
        certain += [] if clauses else [offer]
    if doubts:
        between = Between(tuple(certain), tuple(services))
        return Undetermined("services", f"services: {'; '.join(doubts)}", True, (between,))
    return tuple(services)


def _doubts_about(entry: Row, plan: _Plan) -> Iterator[str]:
    """The fields in the row of a service that raise a doubt whether the PBX has it for this term, and why."""
    for path, value in leaves(entry):
        if value is not None and value != "" and not isinstance(value, (Mapping, list)):
            name = ".".join(path)
            of_plan = {"billing_cycle": "cycle", "expires_at": "expiry"}
            kinds = [kind for concept, kind in of_plan.items() if plan.fields.names(concept, name)]
            why = _doubt(kinds[0] if kinds else _kind_of(path[-1]), value, plan)
            if why is not None:
                yield f"{name} is {why}"


def _doubt(kind: str, value: Any, plan: _Plan) -> Optional[str]:
    if kind == "nothing":
        return None
    if kind == "expiry":
        return _expiry_doubt(value, plan)
    if kind == "cycle":
        differs = plan.billing_cycle is None or plan.fields.read_as("billing_cycle", value) != plan.billing_cycle
        return f"{quoted(value)}, and the plan's {_known_or_not(plan.billing_cycle)}" if differs else None
    word = folded(str(value))
    if kind == "status":
        return None if word in _ACTIVE else f"{quoted(value)}, which is not a known word for active"
    is_as_expected = {
        "yes": word in _YES,
        "no": word in _NO,
        "model": word == "recurring",
        "type": word != "trial",
        "quantity": word.strip("0") != "",
    }
    return None if is_as_expected[kind] else quoted(value)


def _expiry_doubt(value: Any, plan: _Plan) -> Optional[str]:
    instant = plan.fields.read_as("expires_at", value)
    if not isinstance(instant, datetime):
        # A number of days, or a flag for a reminder, is not an expiry.
        return f"{quoted(value)}, which is not a date" if isinstance(value, str) else None
    if plan.expires_at is not None and abs(instant - plan.expires_at) < DAY:
        return None
    of_plan = None if plan.expires_at is None else format_instant(plan.expires_at)
    return f"{format_instant(instant)}, and the plan's {_known_or_not(of_plan)}"


def _known_or_not(of_plan: Optional[str]) -> str:
    return "cannot be determined" if of_plan is None else f"is {of_plan}"


def other_expiries(
    row: Row, fields: Fields, expires_at: Union[datetime, Undetermined]
) -> tuple[tuple[str, datetime], ...]:
    """Every expiry in the row of a PBX that is not the plan's, as pairs of field and instant, sorted by field.

    They are only shown: a service is renewed with its plan.
    """
    found = dict(_expiries(row, lambda name: fields.names("expires_at", name)))
    entries = fields.read(row, "services")
    for entry in () if isinstance(entries, Undetermined) else entries:
        for name, instant in _expiries(entry) if isinstance(entry, Mapping) else ():
            if isinstance(expires_at, Undetermined) or abs(instant - expires_at) >= DAY:
                offer = offer_of(entry, fields, "services", "service_id", "service_name")
                found[f"{offer if isinstance(offer, Offer) else 'a service'}: {name}"] = instant
    return tuple(sorted(found.items()))


def _expiries(row: Row, is_of_plan: Callable[[str], bool] = lambda name: False) -> Iterator[tuple[str, datetime]]:
    for path, value in leaves(row):
        name = ".".join(path)
        if _kind_of(path[-1]) == "expiry" and not folded(name).startswith("currentplan") and not is_of_plan(name):
            try:
                yield name, parse_instant(value)
            except ValueError:
                continue


def offer_of(row: Row, fields: Fields, concept: str, id_concept: str, name_concept: str) -> Union[Offer, Undetermined]:
    """Join id and name. One of them is enough, but whatever the row reports must be readable.

    If it is not, ``seen`` has the other one, or if there is none, every value that could be read.
    """
    offer_id, name = fields.read(row, id_concept), fields.read(row, name_concept)
    values = [value for value in (name, offer_id) if isinstance(value, Undetermined)]
    unclear = [value for value in values if value.reported] or values
    if len(values) < 2 and not any(value.reported for value in values):
        return Offer(known(offer_id), known(name))
    ids = offer_id.seen if isinstance(offer_id, Undetermined) else ()
    names = name.seen if isinstance(name, Undetermined) else ()
    certain = [] if len(values) > 1 else [Offer(known(offer_id), known(name))]
    return Undetermined(
        concept,
        "; ".join(value.why for value in unclear),
        any(value.reported for value in unclear),
        tuple(certain or [*(Offer(one, None) for one in ids), *(Offer(None, one) for one in names)]),
        tuple(mapping for value in unclear for mapping in value.mappings),
    )
