# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which fields of the PBXs may be the plan and its id: ids and names of the catalog that contradict nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from .._model.catalog import same_name
from .._portal.suggestions import folded
from .ranking import Judgement, Strength, name_weight, read_with, readings_of
from .sample import Facts, Field

_LEAST_DIGITS = 8  # of an id that no other number has by chance
_LEAST_LETTERS = 8  # of a name that no other text has by chance
_LEAST_PLANS = 2  # different ones
_LEAST_NAMES = 5  # PBXs
_LEAST_ORDERS = 2
_MOST_ORDERED = 0.8  # of the PBXs have the plan that was ordered last; the others were switched since
_OTHER_PLAN = re.compile(
    "default|previous|former|last|old|next|pending|target|new|upgrad|downgrad|avail|recommend|trial|partner|reseller"
    "|parent|currentplan"
)


def is_sharp_id(text: str) -> bool:
    """Whether an id is so long that another number is not the same by chance."""
    return len(text) >= _LEAST_DIGITS


def is_sharp_name(text: str) -> bool:
    """Whether a name is so long that another text is not the same by chance."""
    return len(text) >= _LEAST_LETTERS


def entry_of(name: str, entries: Mapping[str, str]) -> Optional[str]:
    """The catalog's name that is this one, as names are compared."""
    return next((one for one in entries.values() if one and same_name(one, name)), None)


def plans(fields: Sequence[Field], facts: Facts) -> tuple[list[Judgement], list[Judgement]]:
    """Fields that are ids of plans, and fields that are names of them.

    Nothing is certain if an id and a name that may be those of the plan contradict each other.
    """
    ids, names = _plan_ids(fields, facts), _plan_names(fields, facts)
    shown = [[one for one in some if one.strength is Strength.SHOWN and one.is_complete] for some in (ids, names)]
    if any(_contradict(one, other, facts) for one in shown[0] for other in shown[1]):
        return [replace(one, may_be_certain=False) for one in ids], [
            replace(one, may_be_certain=False) for one in names
        ]
    return ids, names


def _contradict(ids: Judgement, names: Judgement, facts: Facts) -> bool:
    pairs = [(facts.plans.get(ids.readings[key]), name) for key, name in names.readings.items() if key in ids.readings]
    return any(name and not same_name(name, other) for name, other in pairs)


def _plan_ids(fields: Sequence[Field], facts: Facts) -> list[Judgement]:
    found = []
    for field in fields:
        readings = readings_of(field, read_with("plan_id"))
        known = {key: value for key, value in readings.items() if value in facts.plans}
        if known:
            is_sharp = all(map(is_sharp_id, known.values())) or _names_agree(known, fields, facts)
            one = Judgement(field, Strength.SHOWN, readings, len(known), "is the id of a plan of the catalog")
            found.append(_weighed(one, known, is_sharp, facts))
        elif readings and name_weight(field.path, "plan_id") > 0:
            found.append(Judgement(field, Strength.NAMED, readings, len(readings), "is called like the id of a plan"))
    return found


def _weighed(one: Judgement, ids: Mapping[str, str], is_sharp: bool, facts: Facts) -> Judgement:
    """A field that has ids or names of plans, as far as its name and the last orders let it be the plan's."""
    if _OTHER_PLAN.search(folded("".join(one.field.path))):
        return replace(one, strength=Strength.CONTRARY, claim=f"{one.claim}, but is called like another plan")
    compared = [key for key in ids if key in facts.last_orders]
    ordered = [key for key in compared if any(line.id == ids[key] for line in facts.last_orders[key].lines or ())]
    if len(compared) >= _LEAST_ORDERS and len(ordered) < _MOST_ORDERED * len(compared):
        return replace(one, strength=Strength.LIKELY, claim=f"{one.claim}, but others were ordered last")
    if not is_sharp or len(ids) < len(one.field.values):
        return replace(one, strength=Strength.LIKELY)
    return replace(one, may_be_certain=one.is_complete)


def _names_agree(ids: Mapping[str, str], fields: Sequence[Field], facts: Facts) -> bool:
    """Whether a field that is called like the plan always has the names of these, in enough PBXs not to be chance."""
    if len(set(ids.values())) < _LEAST_PLANS or len(ids) < _LEAST_NAMES:
        return False
    names = {key: facts.plans[plan_id] for key, plan_id in ids.items()}
    called = [field for field in fields if name_weight(field.path, "plan") > 0]
    return any(all(_is_called(field.values.get(key), name) for key, name in names.items()) for field in called)


def _is_called(value: Any, name: str) -> bool:
    return isinstance(value, str) and same_name(value, name)


def _plan_names(fields: Sequence[Field], facts: Facts) -> list[Judgement]:
    ids = {name.casefold(): plan_id for plan_id, name in facts.plans.items()}
    found = []
    for field in fields:
        readings = readings_of(field, read_with("plan"))
        known = {key: entry_of(value, facts.plans) for key, value in readings.items()}
        named = {key: ids[name.casefold()] for key, name in known.items() if name}
        weight = name_weight(field.path, "plan")
        if named:
            is_sharp = weight > 0 or all(is_sharp_name(name) for name in known.values() if name)
            same_texts = {key: " ".join(value.split()).casefold() for key, value in readings.items()}
            one = Judgement(field, Strength.SHOWN, same_texts, len(named), "is the name of a plan of the catalog")
            found.append(_weighed(one, named, is_sharp, facts))
        elif readings and weight > 0:
            found.append(Judgement(field, Strength.NAMED, readings, len(readings), "is called like the name of a plan"))
    return found
