# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an instant lies that is told without its zone, or as a date."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Optional
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import (
    Span,
    bounds,
    common,
    days_left,
    in_text,
    shown,
    span_as_result,
    span_in,
    span_of,
    whole_day,
    zone_of,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import utc

READING = utc(2026, 12, 5)
ANYWHERE = Span(utc(2026, 12, 4, 10), utc(2026, 12, 6, 12))
IN_SHANGHAI = Span(utc(2026, 12, 4, 16), utc(2026, 12, 5, 16), "Asia/Shanghai")
EXACT = Span(utc(2026, 12, 5, 15), utc(2026, 12, 5, 15))


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        pytest.param("2026-12-05T23:59:59Z", None, None, id="utc"),
        pytest.param("2026-12-05 23:59:59 +08:00", "Asia/Shanghai", None, id="an-offset-counts-before-the-option"),
        pytest.param(1796428799, "Asia/Shanghai", None, id="epoch"),
        pytest.param("2026-12-05", None, ANYWHERE, id="date"),
        pytest.param("2026-12-05", "Asia/Shanghai", IN_SHANGHAI, id="date-in-a-zone"),
        pytest.param(
            "2026-12-05 12:00:00", None, Span(utc(2026, 12, 4, 22), utc(2026, 12, 6, 0)), id="local-time-anywhere"
        ),
        pytest.param(
            "2026-10-25 02:30:00",
            "Europe/Berlin",
            Span(utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30), "Europe/Berlin"),
            id="an-hour-that-comes-twice",
        ),
        pytest.param(
            "2026-10-25",
            "Europe/Berlin",
            Span(utc(2026, 10, 24, 22), utc(2026, 10, 25, 23), "Europe/Berlin"),
            id="a-day-of-25-hours",
        ),
    ],
)
def test_what_says_no_zone_or_no_time_of_day_lies_in_a_span(
    value: Any, zone: Optional[str], expected: Optional[Span]
) -> None:
    assert span_of(value, None if zone is None else ZoneInfo(zone)) == expected


@pytest.mark.parametrize("name", ["Asia/Nowhere", "Asia", "/etc/localtime", "UTC+8", ""])
def test_a_zone_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="expected an IANA name such as Asia/Shanghai"):
        zone_of(name)


def test_what_two_spans_have_in_common_is_the_narrower() -> None:
    assert common(ANYWHERE, IN_SHANGHAI) == common(IN_SHANGHAI, ANYWHERE) == IN_SHANGHAI
    assert common(IN_SHANGHAI, EXACT) == EXACT, "what is exact is in no assumed zone"
    assert common(ANYWHERE, Span(utc(2026, 12, 7), utc(2026, 12, 8))) is None
    assert common(IN_SHANGHAI, Span(utc(2026, 12, 5), utc(2026, 12, 8))) == Span(
        utc(2026, 12, 5), utc(2026, 12, 5, 16), "Asia/Shanghai"
    )


@pytest.mark.parametrize(
    ("span", "instant", "text"),
    [
        (None, READING, "2026-12-05T00:00:00Z"),
        (ANYWHERE, READING, "2026-12-05T00:00:00Z (UTC assumed)"),
        (IN_SHANGHAI, utc(2026, 12, 4, 16), "2026-12-04T16:00:00Z (Asia/Shanghai assumed)"),
        (EXACT, utc(2026, 12, 5, 15), "2026-12-05T15:00:00Z"),
    ],
)
def test_the_zone_that_was_assumed_is_shown(span: Optional[Span], instant: datetime, text: str) -> None:
    assert shown(READING, span) == instant and in_text(READING, span) == text


@pytest.mark.parametrize(
    ("now", "span", "expected"),
    [
        pytest.param(READING - timedelta(days=7, hours=12), None, 7, id="rounded-down"),
        pytest.param(READING + timedelta(seconds=1), None, -1, id="expired"),
        pytest.param(READING + timedelta(hours=20), ANYWHERE, 0, id="a-date-of-today-has-not-expired-at-midnight"),
        pytest.param(ANYWHERE.latest - timedelta(seconds=1), ANYWHERE, 0, id="until-its-latest-instant"),
        pytest.param(ANYWHERE.latest, ANYWHERE, -2, id="expired-for-certain"),
        pytest.param(IN_SHANGHAI.earliest - timedelta(days=3), IN_SHANGHAI, 3, id="in-its-zone"),
    ],
)
def test_days_are_rounded_down_and_negative_only_once_it_has_passed_for_certain(
    now: datetime, span: Optional[Span], expected: int
) -> None:
    assert days_left(READING, span, now) == expected


@pytest.mark.parametrize("value", ["2099-12-31", "2099-12-31 23:59:59", "2000-01-01", "2000-01-01 00:00:00"])
@pytest.mark.parametrize("zone", [None, "America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_span_at_the_ends_of_what_is_read_is_read_again(value: str, zone: Optional[str]) -> None:
    span = span_of(value, None if zone is None else ZoneInfo(zone))
    assert span is not None and span_in(span_as_result(span)) == span


def test_a_span_is_written_and_read_again() -> None:
    for span in (None, ANYWHERE, IN_SHANGHAI, EXACT):
        assert span_in(span_as_result(span)) == span
    assert bounds(READING, None) == (READING, READING)
    written: dict[str, Any] = {**(span_as_result(ANYWHERE) or {})}
    for wrong in ({}, [], {**written, "time_zone": 5}, {**written, "latest": "soon"}, {**written, "more": 1}):
        with pytest.raises(ValueError, match=r"."):
            span_in(wrong)


# days


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", ["2000-01-01", "2026-03-08", "2026-12-05", "2099-12-31"])
def test_a_bare_date_is_a_whole_day_in_any_zone(day: str, zone: Optional[str]) -> None:
    span = span_of(day, None if zone is None else ZoneInfo(zone))
    assert whole_day(span) == whole_day(span_in(span_as_result(span))) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        pytest.param("2026-09-06", "America/Santiago", id="clocks-are-put-forward-at-midnight"),
        pytest.param("2026-04-04", "America/Santiago", id="clocks-are-put-back-at-its-end"),
        pytest.param("2026-10-25", "Europe/Berlin", id="25-hours"),
        pytest.param("2026-03-29", "Europe/Berlin", id="23-hours"),
    ],
)
def test_a_bare_date_is_a_whole_day_where_clocks_are_changed(day: str, zone: str) -> None:
    assert whole_day(span_of(day, ZoneInfo(zone))) == date.fromisoformat(day)


@pytest.mark.parametrize("zone", [None, "Asia/Shanghai", "Europe/Berlin"])
@pytest.mark.parametrize(
    "value", ["2026-12-05 00:00:00", "2026-12-05 23:59:59", "2026-10-25 02:30", "2026-12-05T00:00:00Z", 1796428799]
)
def test_a_time_of_day_is_not_a_whole_day(value: Any, zone: Optional[str]) -> None:
    assert whole_day(span_of(value, None if zone is None else ZoneInfo(zone))) is None


def test_a_date_that_another_field_gives_with_a_time_is_not_a_whole_day() -> None:
    moment = span_of("2026-12-05 23:59:59", None)
    assert moment is not None and whole_day(common(ANYWHERE, moment)) is None
    assert whole_day(EXACT) is None
