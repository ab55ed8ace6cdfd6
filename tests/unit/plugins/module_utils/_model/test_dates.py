# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model import dates as _time
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import utc

EPOCH = 1796464800  # 2026-12-05T10:00:00Z
TEN = utc(2026, 12, 5, 10)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(EPOCH, TEN, id="epoch-seconds-number"),
        pytest.param(str(EPOCH), TEN, id="epoch-seconds-digits"),
        pytest.param(f" {EPOCH} ", TEN, id="epoch-seconds-digits-blanks"),
        pytest.param(EPOCH * 1000, TEN, id="epoch-milliseconds-number"),
        pytest.param(str(EPOCH * 1000), TEN, id="epoch-milliseconds-digits"),
        pytest.param(EPOCH * 1000 + 7, TEN + timedelta(milliseconds=7), id="epoch-milliseconds-keeps-them"),
        pytest.param(Decimal(f"{EPOCH}.5"), TEN + timedelta(seconds=0.5), id="epoch-decimal-of-the-envelope"),
        pytest.param(946684800, utc(2000, 1, 1), id="epoch-first-second-of-2000"),
        pytest.param(4102444799, utc(2099, 12, 31, 23, 59, 59), id="epoch-last-second-of-2099"),
        pytest.param(946684800000, utc(2000, 1, 1), id="epoch-milliseconds-first-of-2000"),
        pytest.param("2026-12-05", utc(2026, 12, 5), id="bare-date-is-its-first-instant"),
        pytest.param("2026/12/05", utc(2026, 12, 5), id="slashed-date"),
        pytest.param("2026/3/4", utc(2026, 3, 4), id="slashed-date-without-zeros"),
        pytest.param("2026-12-05 10:00", TEN, id="blank-and-minutes"),
        pytest.param("2026-12-05 10:00:00", TEN, id="blank-and-seconds"),
        pytest.param("2026/12/05 10:00:00", TEN, id="slashed-with-time"),
        pytest.param("2026-12-05T10:00:00", TEN, id="iso-without-zone-is-utc"),
        pytest.param("2026-12-05T10:00:00Z", TEN, id="iso-z"),
        pytest.param("2026-12-05t10:00:00z", TEN, id="iso-lower-case"),
        pytest.param("2026-12-05T18:00:00+08:00", TEN, id="iso-east"),
        pytest.param("2026-12-05T18:00:00+0800", TEN, id="iso-east-without-colon"),
        pytest.param("2026-12-05T18:00:00+08", TEN, id="iso-east-without-minutes"),
        pytest.param("2026-12-05T04:30:00-05:30", TEN, id="iso-west-with-minutes"),
        pytest.param("2026-12-05 10:00:00 UTC", TEN, id="utc"),
        pytest.param("2026-12-05 10:00:00 gmt", TEN, id="gmt"),
        pytest.param("2026-12-05T04:30:00-05:30", TEN, id="iso-west"),
        pytest.param("2026-12-06T00:00:00+14:00", TEN, id="iso-farthest-east"),
        pytest.param("2026-12-05T10:00:00.250Z", TEN + timedelta(milliseconds=250), id="iso-fraction"),
        pytest.param("2026-12-05T10:00:00,250Z", TEN + timedelta(milliseconds=250), id="iso-fraction-with-comma"),
        pytest.param("2026-12-05T10:00:00.123456789Z", TEN + timedelta(microseconds=123456), id="iso-nanoseconds"),
        pytest.param(f"{EPOCH}.0", TEN, id="epoch-seconds-text-with-a-fraction"),
        pytest.param(f"{EPOCH}000.0", TEN, id="epoch-milliseconds-text-with-a-fraction"),
        pytest.param("2026-12-05T18:00:00+8", TEN, id="iso-east-one-digit"),
        pytest.param("2026-12-05T18:00:00 +08:00", TEN, id="iso-east-after-a-blank"),
        pytest.param("2026-12-05 18:00:00 UTC+8", TEN, id="utc-and-hours"),
        pytest.param("2026-12-05 18:00:00 GMT+08:00", TEN, id="gmt-and-offset"),
        pytest.param("2026-12-05 18:00:00 (UTC+08:00)", TEN, id="utc-and-offset-in-brackets"),
        pytest.param("2026-12-05T18:00:00+08:00[Asia/Shanghai]", TEN, id="iso-with-the-name-of-the-zone"),
        pytest.param("2026-12-05T04:30:00\u221205:30", TEN, id="iso-west-with-a-minus-sign"),
        pytest.param("2026-12-05T13:45:00+03:45", TEN, id="iso-quarter-hours"),
        pytest.param("2026-12-05 9:59:59Z", TEN - timedelta(seconds=1), id="hour-of-one-digit"),
        pytest.param("2026-12-05 10:00:00 AM", TEN, id="before-noon"),
        pytest.param("2026-12-05 12:00:00 am Z", utc(2026, 12, 5), id="midnight-of-twelve-hours"),
        pytest.param("2026-12-05 12:00 PM", utc(2026, 12, 5, 12), id="noon-of-twelve-hours"),
        pytest.param("2026-12-05 11:59:59 PM +08:00", utc(2026, 12, 5, 15, 59, 59), id="evening-with-a-zone"),
        pytest.param("2028-02-29", utc(2028, 2, 29), id="leap-day"),
        pytest.param("2000-01-01", utc(2000, 1, 1), id="first-day"),
        pytest.param("2099-12-31T23:59:59Z", utc(2099, 12, 31, 23, 59, 59), id="last-second"),
    ],
)
def test_an_unambiguous_instant_is_read(value: Any, expected: datetime) -> None:
    instant = _time.parse_instant(value)
    assert instant == expected
    assert instant.utcoffset() == timedelta(0)


@pytest.mark.faults(49)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("03/04/2026", id="day-or-month-first"),
        pytest.param("13/04/2026", id="day-first"),
        pytest.param("04-03-26", id="two-digit-year"),
        pytest.param("2026-12/05", id="mixed-separators"),
        pytest.param("20261205", id="eight-digits"),
        pytest.param("202612051200", id="twelve-digits"),
        pytest.param("20261205120000", id="fourteen-digits"),
        pytest.param("25/12/2026", id="day-first-in-one-reading-alone"),
        pytest.param("05.12.2026", id="dotted"),
        pytest.param("08/12/2026 23:59:59", id="day-or-month-first-with-a-time"),
        pytest.param("2026-12-05 13:00:00 PM", id="thirteen-of-twelve-hours"),
        pytest.param("2026-12-05 0:30 AM", id="zero-of-twelve-hours"),
        pytest.param("2026-12-05 10:00:00 UTC+25", id="utc-and-too-many-hours"),
        pytest.param("2026-12-05 10:00:00 [Asia/Shanghai]", id="name-of-a-zone-alone"),
        pytest.param("2026-12-05T10", id="hour-only"),
        pytest.param("2026-12-05T10:00:00 CET", id="named-zone"),
        pytest.param("2026-12-05Z", id="date-with-zone"),
        pytest.param("2027-02-29", id="leap-day-of-a-common-year"),
        pytest.param("2100-02-29", id="leap-day-of-2100"),
        pytest.param("2026-02-30", id="no-such-day"),
        pytest.param("2026-13-01", id="no-such-month"),
        pytest.param("2026-00-10", id="month-zero"),
        pytest.param("0000-00-00", id="zeros"),
        pytest.param("2026-12-05 25:00:00", id="no-such-hour"),
        pytest.param("1999-12-31T23:59:59Z", id="before-2000"),
        pytest.param("2100-01-01", id="at-2100"),
        pytest.param("2000-01-01T00:00:00+00:01", id="before-2000-by-its-zone"),
        pytest.param("2099-12-31T23:59:59-00:01", id="after-2100-by-its-zone"),
        pytest.param("9999-12-31", id="forever"),
        pytest.param(946684799, id="epoch-before-2000"),
        pytest.param(4102444800, id="epoch-at-2100"),
        pytest.param(0, id="epoch-zero"),
        pytest.param(-1, id="epoch-negative"),
        pytest.param(20261205, id="eight-digit-number"),
        pytest.param(10**30, id="epoch-absurd"),
        pytest.param("0", id="digit-zero"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
        pytest.param(1796464800.0, id="float"),
        pytest.param(float("nan"), id="float-nan"),
        pytest.param(float("inf"), id="float-infinity"),
        pytest.param(Decimal("NaN"), id="decimal-nan"),
        pytest.param(Decimal("Infinity"), id="decimal-infinity"),
        pytest.param("nan", id="text-nan"),
        pytest.param("never", id="word"),
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param(None, id="none"),
        pytest.param([2026, 12, 5], id="list"),
    ],
)
def test_any_other_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        _time.parse_instant(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("0001-01-01T00:00:00+08:00", id="the-first-instant-of-net-in-china"),
        pytest.param("9999-12-31T23:59:59-05:00", id="the-last-instant-in-the-west"),
    ],
)
def test_a_sentinel_at_the_end_of_the_calendar_is_refused_like_any_other_date(value: str) -> None:
    with pytest.raises(ValueError):
        _time.parse_instant(value)


@pytest.mark.parametrize("zone", ["+99:99", "-24:00", "+08:60", "+25:00"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(ValueError):
        _time.parse_instant(f"2026-12-05T10:00:00{zone}")


def test_a_refusal_quotes_the_value() -> None:
    with pytest.raises(ValueError, match="03/04/2026"):
        _time.parse_instant("03/04/2026")


@pytest.mark.parametrize(
    ("value", "readings"),
    [
        pytest.param("08/12/2026", "2026-12-08 with the day first or 2026-08-12 with the month first", id="both"),
        pytest.param("8.12.2026 23:59", "2026-12-08 with the day first or 2026-08-12 with the month first", id="dots"),
        pytest.param("25/12/2026", "2026-12-25 with the day first", id="only-the-day-first"),
        pytest.param("12-25-2026", "2026-12-25 with the month first", id="only-the-month-first"),
    ],
)
def test_a_date_whose_year_comes_last_is_refused_with_what_it_may_be(value: str, readings: str) -> None:
    expected = rf"{re.escape(repr(value))} is not an unambiguous date: it may be {readings} \(expected YYYY-MM-DD"
    with pytest.raises(ValueError, match=expected):
        _time.parse_instant(value)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        pytest.param(utc(2026, 12, 5), "2026-12-05T00:00:00Z", id="utc"),
        pytest.param(
            datetime(2026, 12, 5, 1, tzinfo=timezone(timedelta(hours=8))), "2026-12-04T17:00:00Z", id="other-zone"
        ),
        pytest.param(utc(2026, 12, 5, 1, 2, 3, 999999), "2026-12-05T01:02:03Z", id="fraction-is-dropped"),
    ],
)
def test_an_instant_is_shown_in_utc_to_the_second(instant: datetime, expected: str) -> None:
    assert _time.format_instant(instant) == expected


@pytest.mark.parametrize(
    ("instant", "cycle", "count", "expected"),
    [
        pytest.param(utc(2026, 12, 5, 7), "annually", 1, utc(2027, 12, 5, 7), id="year"),
        pytest.param(utc(2026, 11, 5, 7), "monthly", 1, utc(2026, 12, 5, 7), id="month"),
        pytest.param(utc(2026, 12, 5), "monthly", 1, utc(2027, 1, 5), id="month-over-new-year"),
        pytest.param(utc(2026, 1, 5), "monthly", -1, utc(2025, 12, 5), id="month-back-over-new-year"),
        pytest.param(utc(2027, 1, 31), "monthly", 1, utc(2027, 2, 28), id="31-january"),
        pytest.param(utc(2028, 1, 31), "monthly", 1, utc(2028, 2, 29), id="31-january-of-a-leap-year"),
        pytest.param(utc(2027, 3, 31), "monthly", -1, utc(2027, 2, 28), id="31-march-back"),
        pytest.param(utc(2027, 10, 31), "monthly", 1, utc(2027, 11, 30), id="31-october"),
        pytest.param(utc(2027, 2, 28), "monthly", 1, utc(2027, 3, 28), id="28-february-stays-the-28th"),
        pytest.param(utc(2028, 2, 29), "annually", 1, utc(2029, 2, 28), id="leap-day-a-year-on"),
        pytest.param(utc(2028, 2, 29), "annually", 4, utc(2032, 2, 29), id="leap-day-four-years-on"),
        pytest.param(utc(2028, 2, 29), "annually", -1, utc(2027, 2, 28), id="leap-day-a-year-back"),
        pytest.param(utc(2026, 12, 5), "monthly", 25, utc(2029, 1, 5), id="25-months"),
        pytest.param(utc(2026, 12, 5), "annually", 0, utc(2026, 12, 5), id="none"),
    ],
)
def test_a_cycle_is_a_calendar_month_or_year(instant: datetime, cycle: str, count: int, expected: datetime) -> None:
    assert _time.add_cycles(instant, cycle, count) == expected


def test_a_cycle_that_is_not_known_is_refused() -> None:
    with pytest.raises(KeyError):
        _time.add_cycles(utc(2026, 12, 5), "once")


@pytest.mark.faults(48)
@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(timedelta(days=30), 30, id="exactly-30"),
        pytest.param(timedelta(days=30) - timedelta(seconds=1), 29, id="a-second-less"),
        pytest.param(timedelta(days=29.99999), 29, id="29.99999-days"),
        pytest.param(timedelta(seconds=1), 0, id="a-second-left"),
        pytest.param(timedelta(0), 0, id="now"),
        pytest.param(timedelta(seconds=-1), -1, id="a-second-ago"),
        pytest.param(timedelta(days=-1), -1, id="a-day-ago"),
        pytest.param(timedelta(days=-1, seconds=-1), -2, id="more-than-a-day-ago"),
    ],
)
def test_days_left_are_rounded_down(left: timedelta, expected: int) -> None:
    assert _time.whole_days(utc(2026, 11, 23) + left, utc(2026, 11, 23)) == expected
