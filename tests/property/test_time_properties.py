# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._model import dates as _time

# Hypothesis takes naive bounds, and adds the zone.
FIRST, LAST = datetime(2000, 1, 2), datetime(2099, 12, 30)  # noqa: DTZ001 (Hypothesis wants them naive)
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(timezone.utc))
INSTANTS = MOMENTS.map(lambda instant: instant.replace(microsecond=0))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
CYCLES = st.sampled_from([_time.ANNUALLY, _time.MONTHLY])
NUMBERS = st.one_of(st.integers(), st.floats(), st.decimals(), st.booleans())
ANYTHING = st.one_of(NUMBERS, st.text(), st.none(), st.binary(), st.lists(st.integers()))
DATE_LIKE = st.from_regex(r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?([+-][0-9]{4}|Z)?)?")

exact = settings(deadline=None, max_examples=200, derandomize=True)


@exact
@given(INSTANTS)
def test_what_is_shown_reads_back_as_itself(instant: datetime) -> None:
    assert _time.parse_instant(_time.format_instant(instant)) == instant


@exact
@given(INSTANTS)
def test_every_form_of_an_instant_is_the_same_instant(instant: datetime) -> None:
    seconds = int(instant.timestamp())
    forms = [seconds, seconds * 1000, str(seconds), str(seconds * 1000)]
    forms += [instant.strftime("%Y-%m-%d %H:%M:%S"), instant.strftime("%Y/%m/%d %H:%M:%S")]
    assert {_time.parse_instant(form) for form in forms} == {instant}


@pytest.mark.faults(47)
@exact
@given(INSTANTS, ZONES)
def test_a_zone_changes_the_writing_and_not_the_instant(instant: datetime, zone: timezone) -> None:
    local = instant.astimezone(zone)
    clock, offset = local.strftime("%Y-%m-%d %H:%M:%S"), local.isoformat()[-6:]
    compact = offset.replace(":", "")
    writings = [f"{clock}{offset}", f"{clock} {compact}", f"{clock} UTC{offset}", f"{clock} (GMT{compact})"]
    writings += [f"{local.strftime('%Y/%m/%d %I:%M:%S %p')} {offset}", f"{local.isoformat()}[Some/Place]"]
    assert {_time.parse_instant(writing) for writing in [local.isoformat(), *writings]} == {instant}


@pytest.mark.faults(49)
@exact
@given(st.one_of(ANYTHING, DATE_LIKE))
def test_anything_at_all_is_an_instant_of_this_century_or_a_value_error(value: object) -> None:
    try:
        instant = _time.parse_instant(value)
    except ValueError:
        return
    assert 2000 <= instant.year < 2100
    assert instant.utcoffset() == timedelta(0)


@pytest.mark.faults(47)
@exact
@given(MOMENTS, CYCLES, st.integers(-24, 24))
def test_cycles_there_and_back_stay_within_three_days(instant: datetime, cycle: str, count: int) -> None:
    there = _time.add_cycles(instant, cycle, count)
    assert timedelta(0) <= instant - _time.add_cycles(there, cycle, -count) <= timedelta(days=3)


@exact
@given(MOMENTS, CYCLES)
def test_a_cycle_is_as_long_as_a_month_or_a_year(instant: datetime, cycle: str) -> None:
    length = _time.add_cycles(instant, cycle) - instant
    shortest, longest = {"annually": (365, 366), "monthly": (28, 31)}[cycle]
    assert timedelta(days=shortest) <= length <= timedelta(days=longest)


@pytest.mark.faults(48)
@exact
@given(MOMENTS, st.timedeltas(timedelta(days=-800), timedelta(days=800)))
def test_days_left_never_promise_more_than_there_is(now: datetime, left: timedelta) -> None:
    days = _time.whole_days(now + left, now)
    assert timedelta(days=days) <= left < timedelta(days=days + 1)
