# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which field of the PBXs may be the expiry: dates in plausible terms, whole cycles after a beginning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional

from .._model.dates import ANNUALLY, DAY, MONTHLY, add_cycles, parse_instant
from .._portal.suggestions import folded
from .ranking import NEARLY_ALL, Judgement, Strength, is_called_an_id, name_weight, readings_of
from .sample import Field

_LONGEST_AGO, _FURTHEST_AHEAD = timedelta(days=2 * 366), timedelta(days=6 * 366)
_TOLERANCE = timedelta(hours=36)  # a term may end the day before, in another zone
_LEAST_TERMS = 3  # PBXs whose terms are whole cycles, so that it is no chance
_LEAST_DATES = 2  # different ones
_DAYS_OF_CYCLE = {ANNUALLY: 365.2425, MONTHLY: 30.436875}
_OF_THE_PBX = "(subscription|licen[cs]e|plan|product|instance|pbx|term|period|validity|data|info|details?|attributes)"
_SAYS_SO = re.compile(
    f"{_OF_THE_PBX}*(expir(e|es|ed|y|ation)(date|time|at|on|day)?|valid(to|through|until|till))"
    f"|{_OF_THE_PBX}+end(s|sat|son|date|time)?"
)
_OTHER_DATE = re.compile(
    "remind|notif|support|maintenance|warrant|certificate|cert|trial|record|service(expir|valid)|addon|invoice|debit"
    "|instal|token|password|promo|discount|offer|quote|card|currentplan|backup|domain|grace|delet|^sla|insur"
    "|hardware|leas(e|ing)"
)
_YEAR_LAST = re.compile(r"\s*\d{1,2}[-/.]\d{1,2}[-/.](\d{4})(?!\d).*", re.DOTALL)

Instants = Mapping[str, datetime]


def expiries(fields: Sequence[Field], cycles: Mapping[str, str], now: datetime) -> list[Judgement]:
    """Fields whose values can be expiries; ``cycles`` are the billing cycles that are certain, by PBX.

    Nothing is certain while a date is there that cannot be read: it may be the expiry.
    """
    instants = [(field, readings_of(field, parse_instant)) for field in fields]
    beginnings = [found for dummy, found in instants if found and max(found.values()) <= now]
    found = [
        _judged(field, readings, beginnings, cycles)
        for field, readings in instants
        if _is_plausible(field, readings, now)
    ]
    rivals = [one for one in found if one.strength > Strength.CONTRARY and 2 * len(one.readings) >= one.field.of]
    is_unclear = any(_is_unreadable_date(field, now) for field in fields)
    return [replace(one, may_be_certain=not is_unclear and _may_be_certain(one, rivals)) for one in found]


def _may_be_certain(one: Judgement, rivals: Sequence[Judgement]) -> bool:
    """Whether it is whole terms or is called an expiry, and no other date ahead may be the expiry instead.

    Terms need not be whole, since some people have all of theirs end on one day. So another date that follows none of
    its own may be the expiry, unless it lies as many days from this one in each PBX, as a reminder does.
    """
    others = [other for other in rivals if other is not one and not _same(one.readings, other.readings)]
    if one.strength is Strength.SHOWN:
        return one.is_complete and all(
            other.strength < Strength.LIKELY and _follows(one.readings, other.readings) for other in others
        )
    return one in rivals and _is_said(one) and not others


def _follows(one: Instants, other: Instants) -> bool:
    """Whether one date always lies as many days before or after another."""
    shared = [key for key in one if key in other]
    distances = [one[key] - other[key] for key in shared]
    return len(shared) >= _LEAST_TERMS and max(distances) - min(distances) < DAY


def _is_plausible(field: Field, readings: Instants, now: datetime) -> bool:
    """Whether dates are as those of terms that run: in the years around now, and most of them ahead."""
    values = list(readings.values())
    if not values or len(values) < NEARLY_ALL * len(field.values) or is_called_an_id(field):
        return False
    if any(not now - _LONGEST_AGO <= value <= now + _FURTHEST_AHEAD for value in values):
        return False
    return 2 * sum(value > now for value in values) > len(values)


def _differ(readings: Instants) -> bool:
    return len(set(readings.values())) >= _LEAST_DATES


def _judged(field: Field, readings: Instants, beginnings: Sequence[Instants], cycles: Mapping[str, str]) -> Judgement:
    names = (folded("".join(field.path)), *map(folded, field.path))  # as one word, or as several
    if any(map(_OTHER_DATE.search, names)) or name_weight(field.path, "expires_at") < 0:
        claim = "is a date ahead, but is called like another one"
        return Judgement(field, Strength.CONTRARY, readings, len(readings), claim)
    if len(readings) > 1 and not _differ(readings):
        return Judgement(field, Strength.NAMED, readings, len(readings), "is the same date ahead in all of them")
    known_cycles = [key for key in readings if key in cycles]
    by_cycle = _whole_terms(readings, beginnings, cycles)
    if by_cycle >= NEARLY_ALL * len(readings) and by_cycle >= _LEAST_TERMS:
        claim = "is a whole number of billing cycles after a beginning"
        return Judgement(field, Strength.SHOWN, readings, by_cycle, claim)
    by_year = _whole_terms(readings, beginnings, dict.fromkeys(readings, ANNUALLY))
    if by_year >= NEARLY_ALL * len(readings) and by_year >= _LEAST_TERMS and not known_cycles:
        claim = "is a whole number of years after a beginning"
        return Judgement(field, Strength.SHOWN, readings, by_year, claim)
    by_month = _whole_terms(readings, beginnings, dict.fromkeys(readings, MONTHLY))
    if by_month >= NEARLY_ALL * len(readings) and by_month >= _LEAST_TERMS and not known_cycles:
        claim = "is a whole number of months after a beginning"
        return Judgement(field, Strength.LIKELY, readings, by_month, claim)
    return Judgement(field, Strength.POSSIBLE, readings, len(readings), "is a date within plausible terms")


def _whole_terms(readings: Instants, beginnings: Sequence[Instants], cycles: Mapping[str, str]) -> int:
    """In how many PBXs dates lie whole cycles after the same field of another date, which has passed."""
    return max((sum(_is_whole(readings, one, cycles, key) for key in readings) for one in beginnings), default=0)


def _is_whole(readings: Instants, beginning: Instants, cycles: Mapping[str, str], key: str) -> bool:
    if key not in beginning or key not in cycles:
        return False
    start, end, cycle = beginning[key], readings[key], cycles[key]
    count = round((end - start) / DAY / _DAYS_OF_CYCLE[cycle])
    terms = (add_cycles(start, cycle, one) for one in (count - 1, count, count + 1) if one > 0)
    return any(abs(term - end) <= _TOLERANCE for term in terms)


def _is_said(one: Judgement) -> bool:
    """Whether the whole path of dates that differ says that they are expiries of the PBX, and of nothing in it."""
    name = folded("".join(one.field.path))
    return one.is_complete and _differ(one.readings) and _SAYS_SO.fullmatch(name) is not None


def _same(one: Instants, other: Instants) -> bool:
    shared = [key for key in one if key in other]
    return bool(shared) and all(abs(one[key] - other[key]) < DAY for key in shared)


def _is_unreadable_date(field: Field, now: datetime) -> bool:
    """Whether a field has dates with the year last, of which one may lie ahead."""
    years = [_year_of(value) for value in field.values.values()]
    return any(year is not None and year >= now.year for year in years)


def _year_of(value: object) -> Optional[int]:
    match = _YEAR_LAST.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None
