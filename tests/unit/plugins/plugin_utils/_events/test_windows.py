# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.windows import (
    WINDOWS,
    Reported,
    events_of,
    read_reported,
    reported_as_document,
    window_of,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN, utc

EXPIRY = utc(2026, 12, 31)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def row(expires_at: Any = EXPIRY, plan: Any = "Enterprise Plan", product_no: str = SN) -> dict[str, Any]:
    text = expires_at.isoformat() if isinstance(expires_at, datetime) else expires_at
    return {"product_no": product_no, "expires_at": text, "expires_between": None, "plan": plan}


def entered(reported: Any, now: datetime, expires_at: Any = EXPIRY) -> list[str]:
    return [event["entered"] for event in events_of(row(expires_at), reported, now)[0]]


@pytest.mark.parametrize(
    ("left", "window"),
    [
        (30 * DAY + SECOND, None),
        (30 * DAY, "expires_in_30"),
        (14 * DAY + SECOND, "expires_in_30"),
        (14 * DAY, "expires_in_14"),
        (7 * DAY + SECOND, "expires_in_14"),
        (7 * DAY, "expires_in_7"),
        (DAY + SECOND, "expires_in_7"),
        (DAY, "expires_in_1"),
        (SECOND, "expires_in_1"),
        (0 * DAY, "expired"),
        (-DAY, "expired"),
    ],
    ids=str,
)
def test_the_window_is_the_narrowest_and_both_ends_lie_in_it(left: timedelta, window: Any) -> None:
    assert window_of(EXPIRY, None, EXPIRY - left) == window


def test_every_window_is_told_once_as_time_goes_by() -> None:
    reported, heard = None, []
    for hours in range(40 * 24, -48, -1):
        events, reported = events_of(row(), reported, EXPIRY - timedelta(hours=hours))
        heard += [event["entered"] for event in events]
    assert heard == list(WINDOWS)


@pytest.mark.parametrize(
    ("left", "expected"), [(31, []), (20, ["expires_in_30"]), (3, ["expires_in_7"]), (-3, ["expired"])]
)
def test_who_comes_late_is_told_of_the_narrowest_window_alone(left: int, expected: list[str]) -> None:
    assert entered(None, EXPIRY - left * DAY) == expected
    assert entered(Reported(EXPIRY), EXPIRY - left * DAY) == expected


def test_a_clock_that_is_put_back_tells_nothing_again() -> None:
    assert entered(Reported(EXPIRY, "expires_in_7"), EXPIRY - 20 * DAY) == []


def test_a_renewal_is_told_once_and_the_windows_begin_anew() -> None:
    now, later = EXPIRY - 3 * DAY, EXPIRY + 365 * DAY
    (event,), reported = events_of(row(later), Reported(EXPIRY, "expires_in_7"), now)
    assert event == {
        "entered": "renewed",
        "product_no": SN,
        "plan": "Enterprise Plan",
        "expires_at": "2027-12-31T00:00:00Z",
        "expires_before": "2026-12-31T00:00:00Z",
        "days_left": 368,
    }
    assert reported == Reported(later)
    assert events_of(row(later), reported, now) == ([], reported)
    assert entered(reported, later - 30 * DAY, later) == ["expires_in_30"]


def test_a_monthly_renewal_may_enter_a_window_at_once() -> None:
    assert entered(Reported(EXPIRY, "expired"), EXPIRY + DAY, EXPIRY + 30 * DAY) == ["renewed", "expires_in_30"]


@pytest.mark.parametrize("moved", [-23, 1, 23])
def test_an_expiry_that_is_put_right_by_hours_is_the_same(moved: int) -> None:
    reported = Reported(EXPIRY, "expires_in_7")
    assert events_of(row(EXPIRY + timedelta(hours=moved)), reported, EXPIRY - 5 * DAY) == ([], reported)


def test_many_small_steps_are_a_renewal_in_the_end() -> None:
    reported, heard = Reported(EXPIRY, "expires_in_7"), []
    for hours in (10, 20, 30):
        events, after = events_of(row(EXPIRY + timedelta(hours=hours)), reported, EXPIRY - 5 * DAY)
        heard += [event["entered"] for event in events]
        assert after is not None
        reported = after
    assert heard == ["renewed", "expires_in_7"]


def test_an_expiry_that_moves_nearer_tells_only_of_a_narrower_window() -> None:
    now = EXPIRY - 20 * DAY
    assert entered(Reported(EXPIRY, "expires_in_30"), now, EXPIRY - 3 * DAY) == []
    assert entered(Reported(EXPIRY, "expires_in_30"), now, EXPIRY - 15 * DAY) == ["expires_in_7"]


def test_an_unknown_expiry_tells_nothing_and_forgets_nothing() -> None:
    reported = Reported(EXPIRY, "expires_in_7")
    assert events_of(row(None), reported, EXPIRY) == ([], reported)
    assert events_of(row(None), None, EXPIRY) == ([], None)


def test_what_becomes_a_variable_of_a_play_has_no_braces() -> None:
    hostile = row(EXPIRY, plan="{{ lookup('pipe', 'x') }}", product_no="{%x%}")
    ((event,), dummy) = events_of(hostile, None, EXPIRY)
    assert (event["plan"], event["product_no"]) == ("(( lookup('pipe', 'x') ))", "(%x%)")
    header = row(EXPIRY, plan="#jinja2:variable_start_string:'[%',variable_end_string:'%]'\n[% lookup('pipe', 'x') %]")
    plan = events_of(header, None, EXPIRY)[0][0]["plan"]
    assert plan == "jinja2:variable_start_string:'[%',variable_end_string:'%]' [% lookup('pipe', 'x') %]"
    assert events_of(row(EXPIRY, plan=None), None, EXPIRY)[0][0]["plan"] is None


@pytest.mark.parametrize("expires_at", [utc(2000, 1, 1), EXPIRY, utc(2099, 12, 31)], ids=str)
def test_values_are_text_and_numbers_that_a_rule_engine_of_32_bits_keeps(expires_at: datetime) -> None:
    reported = Reported(utc(1999, 1, 1))
    renewed = events_of(row(expires_at, product_no="36580000012345"), reported, EXPIRY)[0][0]
    assert renewed["entered"] == "renewed" and str(renewed["days_left"]).lstrip("-").isdigit()
    assert abs(renewed.pop("days_left")) < 2**31
    assert {type(value) for value in renewed.values()} == {str}


def test_what_was_told_is_read_as_it_was_written() -> None:
    reported = {"B": Reported(EXPIRY, "expired"), "A": Reported(EXPIRY)}
    assert read_reported(reported_as_document(reported)) == reported


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"A": None},
        {"A": {"expires_at": "2026-12-31", "window": "soon"}},
        {"A": {"expires_at": "some day", "window": None}},
        {"A": {"window": None}},
    ],
    ids=range(6),
)
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(ValueError):
        read_reported(document)
