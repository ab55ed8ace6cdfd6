# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: rank the fields that may carry a concept, and say when one of them is certain.

What a field's values show comes first; its name only decides between fields that show the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

from .._model.dates import DAY
from .._portal.fields import CANDIDATES, Fields
from .._portal.suggestions import folded, is_something_else, looks_like
from .sample import Field

MOST_CANDIDATES = 6  # of one concept
NEARLY_ALL = 0.9  # of the rows that have the field
LEAST_TWINS = 5  # rows in which two fields agree, with at least two different values, so that it is no chance
_MOST_UNREADABLE = 50  # values of a field that is not the concept, which saves most of the time
_USUAL = Fields({})
_ID = re.compile("(^|[_ -])[iI][dD]$|[a-z0-9]I[dD]$")


class Strength(IntEnum):
    """What the values of a field show."""

    CONTRARY = 0  # the name says that it is something else
    NAMED = 1  # only the name speaks for it
    POSSIBLE = 2  # the values can be read as the concept
    LIKELY = 3  # they fit other values of the same PBXs, but not sharply
    SHOWN = 4  # they are, or follow from, values that are known otherwise


@dataclass(frozen=True)
class Candidate:
    """A field that may carry a concept.

    ``path`` is dotted, as `field_map` takes it. It has the concept in ``matched`` of ``of`` rows, for which
    ``evidence`` is a clause for people. If it ``is_certain``, its values show it and nothing else is equally good.
    """

    concept: str
    path: str
    matched: int
    of: int
    evidence: str
    is_certain: bool


@dataclass(frozen=True)
class Judgement:
    """What speaks for a field.

    ``readings`` are its values as the concept, by row, ``matched`` those rows that speak for it. ``may_be_certain``
    says that this is enough if no other field is equally good. ``claim`` says what the field is in those rows.
    """

    field: Field
    strength: Strength
    readings: Mapping[str, Any]
    matched: int
    claim: str
    may_be_certain: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether nearly all rows that may have the field do, and speak for it."""
        return self.matched >= NEARLY_ALL * self.field.of and self.matched >= NEARLY_ALL * len(self.field.values)


def is_called_an_id(field: Field) -> bool:
    """Whether the name of a field ends in "id" as a word: userId, user_id, but not paid."""
    return _ID.search(field.path[-1]) is not None


def name_weight(path: tuple[str, ...], concept: str) -> int:
    """How much a name speaks for a concept: 2 for a usual one, 1 for one like it, -1 for that of something else."""
    if is_something_else(path, concept):
        return -1
    if path[-1] in CANDIDATES[concept] or ".".join(path) in CANDIDATES[concept]:
        return 2
    usual = {folded(name) for name in CANDIDATES[concept]}
    return 1 if folded(path[-1]) in usual or looks_like(path, concept, CANDIDATES[concept]) else 0


def ranked(concept: str, judgements: Sequence[Judgement], what: str) -> tuple[Candidate, ...]:
    """The best candidates, best first. ``what`` is what the rows are, in the plural."""

    def key(one: Judgement) -> tuple[Any, ...]:
        share = one.matched / one.field.of if one.field.of else 0
        return (-one.strength, -share, -name_weight(one.field.path, concept), len(one.field.path), one.field.path)

    order = sorted(judgements, key=key)
    if not order:
        return ()
    best = order[0]
    equals = [one for one in order[1:] if _is_rival(concept, one, best)]
    twins = [one for one in equals if _are_twins(one, best)]
    is_certain = best.may_be_certain and best.strength > Strength.CONTRARY and len(twins) == len(equals)
    found = [_candidate(concept, one, what) for one in order]
    if is_certain:
        found[0] = replace(found[0], is_certain=True)
    if twins and is_certain:
        names = " and ".join(f"`{one.field.name}`" for one in twins)
        always = f"; {names} always {'has' if len(twins) == 1 else 'have'} the same value, so that either is right"
        found[0] = replace(found[0], evidence=found[0].evidence + always)
    return tuple(found[:MOST_CANDIDATES])


def _candidate(concept: str, one: Judgement, what: str) -> Candidate:
    evidence = f"in {one.matched} of {one.field.of} {what} `{one.field.name}` {one.claim}"
    return Candidate(concept, one.field.name, one.matched, one.field.of, evidence, False)


def _is_rival(concept: str, one: Judgement, best: Judgement) -> bool:
    """Whether another field is as good as the best one, or has the better name and can be read as the concept too."""
    is_in_most = 2 * len(one.readings) >= one.field.of
    if one.strength >= best.strength:
        return is_in_most
    is_better_named = name_weight(one.field.path, concept) > name_weight(best.field.path, concept)
    return one.strength >= Strength.POSSIBLE and is_in_most and is_better_named


def _are_twins(one: Judgement, other: Judgement) -> bool:
    shared = [key for key in one.readings if key in other.readings]
    seen = {repr(one.readings[key]) for key in shared}
    is_enough = len(shared) >= LEAST_TWINS and len(seen) > 1 and 2 * len(shared) >= len(other.readings)
    return is_enough and all(_is_same(one.readings[key], other.readings[key]) for key in shared)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) < DAY
    return bool(one == other)


def readings_of(field: Field, reader: Callable[[Any], Any]) -> dict[str, Any]:
    """The values of a field that can be read, by row; none if the first ones cannot."""
    found: dict[str, Any] = {}
    for count, (key, value) in enumerate(field.values.items()):
        if count == _MOST_UNREADABLE and not found:
            break
        try:
            found[key] = reader(value)
        except ValueError:
            continue
    return found


def read_with(concept: str) -> Callable[[Any], Any]:
    """The reader of a concept, which raises ValueError for what cannot be read."""

    def read(value: Any) -> Any:
        reading = _USUAL.read_as(concept, value)
        if reading is None:
            raise ValueError(concept)
        return reading

    return read
