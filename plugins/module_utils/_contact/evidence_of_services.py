# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which field of the PBXs may list their services, and which fields of its entries may be ids and names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from .._model.catalog import same_name
from .._portal.order_rows import Row, id_of
from .._portal.suggestions import folded, leaves
from .evidence_of_plans import entry_of, is_sharp_id, is_sharp_name
from .ranking import NEARLY_ALL, Judgement, Strength, name_weight, read_with, readings_of
from .sample import Facts, Field, fields_of

_LEAST_LISTS = 2  # PBXs with services
_NOT_OWN = re.compile(
    "former|past|previous|old|expired|ended|cancel|terminat|histor|available|offer|eligible|possible|optional|upgrade"
    "|trial|recommend|suggest|all(service|addon)|catalog|pending|next|request|wish"
)


@dataclass(frozen=True)
class _Lists:
    """The lists of one field, as sets of services by PBX, and how many entries are none."""

    sets: Mapping[str, frozenset[str]]
    is_sharp: bool
    others: int


def service_lists(fields: Sequence[Field], facts: Facts) -> list[Judgement]:
    """Fields that are lists of services of the catalog; without a catalog, those that are called so."""
    found = []
    for field in fields:
        if not all(isinstance(value, list) for value in field.values.values()):
            continue
        lists = _lists(field, facts)
        filled = sum(bool(one) for one in lists.sets.values())
        weight = name_weight(field.path, "services")
        if filled:
            found.append(_judged(field, lists, filled, facts))
        elif weight > 0 and any(field.values.values()) and not facts.services:
            strength = Strength.CONTRARY if _is_called_otherwise(field) else Strength.NAMED
            claim = "is called like the services"
            found.append(Judgement(field, strength, field.values, len(field.values), claim))
    return found


def _judged(field: Field, lists: _Lists, filled: int, facts: Facts) -> Judgement:
    claim = f"lists services of the catalog, or none ({filled} list some)"
    if lists.others:
        claim = f"lists services of the catalog, and {lists.others} entries that are none"
        return Judgement(field, Strength.POSSIBLE, lists.sets, filled, claim)
    is_constant = len(lists.sets) > _LEAST_LISTS and len(set(lists.sets.values())) == 1
    if _is_called_otherwise(field):
        return Judgement(field, Strength.CONTRARY, lists.sets, len(lists.sets), f"{claim}, but is called otherwise")
    agrees = _agrees_with_orders(lists.sets, facts)
    if is_constant or agrees is False or not lists.is_sharp:
        why = ", the same in every PBX" if is_constant else ", others than the last orders" if agrees is False else ""
        return Judgement(field, Strength.LIKELY, lists.sets, len(lists.sets), claim + why)
    is_varied = filled >= _LEAST_LISTS and len(set(lists.sets.values())) > 1
    one = Judgement(field, Strength.SHOWN, lists.sets, len(lists.sets), claim)
    is_said = agrees is True or name_weight(field.path, "services") > 0
    return replace(one, may_be_certain=is_varied and is_said and one.is_complete)


def _is_called_otherwise(field: Field) -> bool:
    return _NOT_OWN.search(folded("".join(field.path))) is not None


def _lists(field: Field, facts: Facts) -> _Lists:
    sets, others, is_sharp = {}, 0, True
    for key, entries in field.values.items():
        found = [_service_of(entry, facts) for entry in entries if not _is_plan(entry)]
        others += found.count(None)
        known = [one for one in found if one is not None]
        is_sharp = is_sharp and all(map(is_sharp_name, known))
        sets[key] = frozenset(known)
    return _Lists(sets, is_sharp, others)


def _is_plan(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("serviceType") == "plan"


def _service_of(entry: Any, facts: Facts) -> Optional[str]:
    """What identifies the service of an entry: the catalog's name, or its id if it has none."""
    if isinstance(entry, str):
        name = entry_of(entry, facts.services)
        return name and name.casefold()
    if not isinstance(entry, Mapping):
        return None
    for path, dummy in leaves(entry):
        service_id = id_of(_parent(entry, path), path[-1])
        if service_id is not None and service_id in facts.services and is_sharp_id(service_id):
            return (facts.services[service_id] or service_id).casefold()
    names = (entry_of(value, facts.services) for dummy, value in leaves(entry) if isinstance(value, str))
    name = next(filter(None, names), None)
    return name and name.casefold()


def _parent(entry: Row, path: tuple[str, ...]) -> Any:
    node: Any = entry
    for part in path[:-1]:
        node = node[part]
    return node


def _agrees_with_orders(sets: Mapping[str, frozenset[str]], facts: Facts) -> Optional[bool]:
    """Whether lists and last orders have the same services in most PBXs; None if too few orders show any."""
    ordered = {
        number: frozenset(
            (facts.services[line.id] or line.id).casefold() for line in order.lines if line.id in facts.services
        )
        for number, order in facts.last_orders.items()
        if order.lines
    }
    compared = [number for number in sets if number in ordered]
    if sum(bool(ordered[number]) for number in compared) < _LEAST_LISTS:
        return None
    return sum(sets[number] == ordered[number] for number in compared) >= 0.8 * len(compared)


def entries_of(fields: Sequence[Field]) -> dict[str, Row]:
    """The entries of lists that are objects, by field, PBX and place; a plan's own line is left out."""
    return dict(_entries(fields))


def _entries(fields: Sequence[Field]) -> Iterator[tuple[str, Row]]:
    for field in fields:
        for key, entries in field.values.items():
            for index, entry in enumerate(entries):
                if isinstance(entry, Mapping) and not _is_plan(entry):
                    yield f"{field.name} {key} {index}", entry


def service_ids(entries: Mapping[str, Row], facts: Facts) -> list[Judgement]:
    """Fields of the entries whose values are ids of services of the catalog; without one, those called so."""
    return list(_parts(entries, "service_id", facts.services, is_sharp_id, "is the id of a service of the catalog"))


def service_names(entries: Mapping[str, Row], facts: Facts) -> list[Judgement]:
    """Fields of the entries whose values are names of services of the catalog; without one, those called so."""
    names = {one: one for one in facts.services.values() if one}
    claim = "is the name of a service of the catalog"
    return list(_parts(entries, "service_name", names, is_sharp_name, claim))


def _parts(
    entries: Mapping[str, Row], concept: str, catalog: Mapping[str, str], is_sharp: Any, claim: str
) -> Iterator[Judgement]:
    for field in fields_of(entries):
        readings = readings_of(field, read_with(concept))
        known = [one for one in readings.values() if one in catalog or _is_named(concept, one, catalog)]
        if known:
            is_shown = all(map(is_sharp, known)) and len(known) == len(field.values)
            strength = Strength.SHOWN if is_shown else Strength.LIKELY
            one = Judgement(field, strength, readings, len(known), claim)
            yield replace(one, may_be_certain=is_shown and len(known) >= NEARLY_ALL * field.of)
        elif readings and not catalog and name_weight(field.path, concept) > 0:
            yield Judgement(field, Strength.NAMED, readings, len(readings), f"is called like the {concept}")


def _is_named(concept: str, name: str, catalog: Mapping[str, str]) -> bool:
    return concept == "service_name" and any(same_name(name, one) for one in catalog)
