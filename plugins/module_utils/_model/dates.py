# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instants, calendar cycles and time windows. Every instant is an aware datetime in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple, Optional

from .._text import quoted

ANNUALLY = "annually"
MONTHLY = "monthly"
CYCLE_MONTHS = {ANNUALLY: 12, MONTHLY: 1}

DAY = timedelta(days=1)

# Epoch numbers of at least this size are milliseconds (docs/portal-api.md, 9.6).
_FIRST_MILLISECOND_VALUE = 10**11
EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2100, 1, 1, tzinfo=timezone.utc)

_EPOCH = re.compile(r"\d{9,14}(?:\.\d{1,6})?")
_OFFSET = r"[+-](?:[01]?\d|2[0-3])(?::?[0-5]\d)?"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AP]M))?"
    # Java adds the name of the zone in brackets.
    rf"(?: ?(?P<zone>Z|(?:UTC|GMT)?{_OFFSET}|UTC|GMT|\((?:UTC|GMT){_OFFSET}\))(?:\[[A-Z0-9_+/-]+\])?)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?"
_CALENDARS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<year>\d{{4}})(?P<separator>[-/])(?P<month>\d{{1,2}})(?P=separator)(?P<day>\d{{1,2}})(?:[T ]{_CLOCK})?",
        rf"{_WEEKDAY}{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})(?:,? {_CLOCK})?",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?P<separator>[ -]){_MONTH}(?P=separator)(?P<year>\d{{4}})(?:,? {_CLOCK})?",
    )
)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")


def utc_now() -> datetime:
    """The controller's clock, in UTC."""
    return datetime.now(timezone.utc)


class Clock:
    """The controller's clock, or one that was set to another instant and runs on from there."""

    def __init__(self, start: Optional[datetime] = None) -> None:
        """``start`` is what it shows now; None means the controller's own time."""
        self.ahead = timedelta(0) if start is None else start - utc_now()

    def now(self) -> datetime:
        """The instant that it shows now."""
        return utc_now() + self.ahead


class Reading(NamedTuple):
    """An instant as read in UTC, and whether the text named a zone and a time of day."""

    instant: datetime
    has_zone: bool
    has_clock: bool


def parse_instant(value: object) -> datetime:
    """Like `read_instant`: without a zone the value is UTC, and a bare date is its first instant."""
    return read_instant(value).instant


def read_instant(value: object) -> Reading:
    """Read an instant in any unambiguous form (docs/portal-api.md, 11.2).

    Accepted are epoch seconds and milliseconds (number or text), ISO 8601, ``YYYY-MM-DD[ HH:MM:SS]``, ``YYYY/MM/DD…``
    and dates with the English name of the month. A date in digits with the year last is refused, even if only one order
    of day and month is possible: otherwise it would be readable on some days and not on others.

    Raises ValueError if the value has another form, does not exist, or lies outside 2000-2100.
    """
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        reading = Reading(_from_epoch(Decimal(value), value), True, True)
    elif isinstance(value, str) and _EPOCH.fullmatch(value.strip()):
        reading = Reading(_from_epoch(Decimal(value.strip()), value), True, True)
    elif isinstance(value, str):
        try:
            reading = _from_calendar(" ".join(value.replace("\u2212", "-").split()))
        except OverflowError:
            raise ValueError(f"{quoted(value)} lies outside the years 2000-2100") from None
    else:
        raise ValueError(f"expected a date or an epoch number, got {quoted(value)}")
    if not EARLIEST <= reading.instant < LATEST:
        raise ValueError(f"{quoted(value)} lies outside the years 2000-2100")
    return reading


def _from_epoch(number: Decimal, value: object) -> datetime:
    if not number.is_finite() or not 0 <= number < 10**14:
        raise ValueError(f"{quoted(value)} lies outside the years 2000-2100")
    seconds = number / 1000 if number >= _FIRST_MILLISECOND_VALUE else number
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=int(seconds * 10**6))


def _from_calendar(text: str) -> Reading:
    match = next(filter(None, (calendar_form.fullmatch(text) for calendar_form in _CALENDARS)), None)
    if match is None:
        seen = f"{quoted(text)} is not an unambiguous date{_readings_of(text)}"
        raise ValueError(f"{seen} (expected YYYY-MM-DD, ISO 8601 or an epoch number)")
    part = match.groupdict()
    instant = datetime(
        int(part["year"]),
        int(part["month"]) if part["month"].isdigit() else _MONTHS.index(part["month"][:3].casefold()) + 1,
        int(part["day"]),
        _hour(int(part["hour"] or 0), part["half"]),
        int(part["minute"] or 0),
        int(part["second"] or 0),
        int((part["fraction"] or "").ljust(6, "0")[:6]),
        tzinfo=timezone.utc,
    )
    return Reading(instant - _zone_offset(part["zone"] or "Z"), part["zone"] is not None, part["hour"] is not None)


def _readings_of(text: str) -> str:
    """The possible meanings of a date with the year last, as a clause for people; empty for any other text."""
    match = _YEAR_LAST.match(text)
    if not match:
        return ""
    first, second, year = map(int, match.groups())
    readings = [
        f"{year:04}-{month:02}-{day:02} with the {which} first"
        for month, day, which in ((second, first, "day"), (first, second, "month"))
        if 1 <= month <= 12 and 1 <= day <= 31
    ]
    return f": it may be {' or '.join(readings)}" if readings else ""


def _hour(hour: int, half: Optional[str]) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"expected an hour from 1 to 12 before {half}, got {hour}")
    return hour % 12 + (12 if half.upper() == "PM" else 0)


def _zone_offset(zone: str) -> timedelta:
    offset = zone.upper().strip("()").lstrip("UTCGMZ")
    if not offset:
        return timedelta(0)
    digits = offset[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    length = timedelta(hours=int(hours), minutes=int(minutes))
    return -length if offset[0] == "-" else length


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with a trailing ``Z``, to the second."""
    return instant.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def add_cycles(instant: datetime, billing_cycle: str, count: int = 1) -> datetime:
    """Move an instant by whole billing cycles; a day that the month lacks becomes the last day of the month.

    ``billing_cycle`` is ``annually`` or ``monthly``; ``count`` may be negative.
    """
    months = instant.year * 12 + instant.month - 1 + CYCLE_MONTHS[billing_cycle] * count
    year, month = divmod(months, 12)
    day = min(instant.day, calendar.monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)


def whole_days(expires_at: datetime, now: datetime) -> int:
    """Days from ``now`` to ``expires_at``, rounded down; negative once expired. For display, never for a decision."""
    return (expires_at - now) // DAY


def in_words(span: timedelta) -> str:
    """A span of time for people: to the minute, or in whole days from two days on."""
    if span >= 2 * DAY:
        return f"{span // DAY} days"
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
