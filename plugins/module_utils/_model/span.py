# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: an instant without a time zone, or a bare date, and the span within which it lies.

Two reports of an instant are compared by their readings in UTC, and ledger and tags keep that reading. The clock is
compared with the ends of the span: an expiry is due by its earliest instant, and has certainly passed by its latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Optional
from zoneinfo import ZoneInfo

from .._text import quoted
from .dates import DAY, EARLIEST, LATEST, format_instant, parse_instant, read_instant, whole_days

# How far the time zones in use reach from UTC (IANA time zone database): the first to begin a day, the last to end it.
FIRST, LAST = timedelta(hours=14), timedelta(hours=12)

# What a time of day in a known zone may span: clocks are put back by at most this much.
_PUT_BACK = timedelta(hours=3)

# Days before an expiry by which hosts are grouped, reports are sorted and events are sent.
EXPIRY_WINDOWS = (7, 14, 30)


@dataclass(frozen=True)
class Span:
    """The earliest and the latest that an instant may be, in UTC; ``zone`` is the IANA name of the assumed zone."""

    earliest: datetime
    latest: datetime
    zone: Optional[str] = None


def zone_of(name: object) -> ZoneInfo:
    """Look up a time zone by its IANA name. Raises ValueError if this controller does not know it."""
    try:
        return ZoneInfo(str(name).strip())
    except (KeyError, OSError, ValueError):
        raise ValueError(
            f"expected an IANA name such as Asia/Shanghai, got {quoted(name)}, which is not in the time zone database"
            " of this controller (Python package tzdata)"
        ) from None


def span_of(value: object, zone: Optional[ZoneInfo]) -> Optional[Span]:
    """The span of an instant that names no zone, or no time of day; None if it names both.

    ``zone`` is the zone in which it is meant; None stands for all. Raises ValueError like `read_instant`.
    """
    reading = read_instant(value)
    if reading.has_zone:
        return None
    end = reading.instant if reading.has_clock else reading.instant + DAY
    if zone is None:
        return Span(_readable(reading.instant - FIRST), _readable(end + LAST))
    return Span(_readable(min(_in_utc(reading.instant, zone))), _readable(max(_in_utc(end, zone))), zone.key)


def _readable(instant: datetime) -> datetime:
    """The nearest instant that `read_instant` accepts: an expiry of 2099-12-31 often stands for never."""
    return min(max(instant, EARLIEST), LATEST - timedelta(seconds=1))


def _in_utc(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Both instants that a local time may be when clocks are put back."""
    return [local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]


def common(one: Span, other: Span) -> Optional[Span]:
    """The overlap of two spans of the same instant; None if there is none."""
    earliest, latest = max(one.earliest, other.earliest), min(one.latest, other.latest)
    if earliest > latest:
        return None
    narrower = (span for span in (one, other) if (span.earliest, span.latest) == (earliest, latest))
    return next(narrower, Span(earliest, latest, one.zone or other.zone))


def bounds(reading: datetime, span: Optional[Span]) -> tuple[datetime, datetime]:
    """The earliest and the latest that an instant may be; both are its reading if that is certain."""
    return (reading, reading) if span is None else (span.earliest, span.latest)


def same_expiry(left: datetime, right: datetime) -> bool:
    """Whether two instants are the same expiry: less than a day apart.

    A bare date has no zone (docs/portal-api.md, 11.2), and one term differs from the next by at least 28 days.
    """
    return abs(left - right) < DAY


def agrees(declared: datetime, declared_span: Optional[Span], expires_at: datetime, span: Optional[Span]) -> bool:
    """Whether a declared expiry may be the portal's: the same reading or, if it is certain, one within its span."""
    return same_expiry(declared, expires_at) or certain_within(declared, declared_span, span) is not None


def certain_within(declared: datetime, declared_span: Optional[Span], span: Optional[Span]) -> Optional[Span]:
    """The declared expiry, if it is certain and lies within the portal's span."""
    certain = declared_span or Span(declared, declared)
    if span is None or certain.earliest != certain.latest:
        return None
    return certain if span.earliest <= certain.earliest <= span.latest else None


def is_within(reading: datetime, span: Optional[Span], now: datetime, days: int) -> bool:
    """Whether an instant may be at most ``days`` days away; what has passed is within every window."""
    return bounds(reading, span)[0] - now <= timedelta(days=days)


def shown(reading: datetime, span: Optional[Span]) -> datetime:
    """The instant to show: for a span in no known zone, its reading in UTC."""
    is_placed = span is not None and (span.zone is not None or span.earliest == span.latest)
    return span.earliest if span is not None and is_placed else reading


def whole_day(span: Optional[Span]) -> Optional[date]:
    """The day of a bare date, in the zone in which it is meant; None for an instant with a time of day.

    The width of the span tells both apart. Its middle is on that day even where clocks are changed at midnight.
    """
    if span is None or span.latest - span.earliest <= (FIRST + LAST if span.zone is None else _PUT_BACK):
        return None
    middle = span.earliest + (span.latest - span.earliest) / 2
    return middle.astimezone(timezone.utc if span.zone is None else zone_of(span.zone)).date()


def in_text(reading: datetime, span: Optional[Span]) -> str:
    """An instant for people, with the zone that was assumed."""
    text = format_instant(shown(reading, span))
    if span is None or (span.zone is None and span.earliest == span.latest):
        return text
    return f"{text} ({'UTC' if span.zone is None else span.zone} assumed)"


def days_left(reading: datetime, span: Optional[Span], now: datetime) -> int:
    """Whole days until the instant shown, rounded down; negative once it has certainly passed. For display only."""
    days = whole_days(shown(reading, span), now)
    return days if bounds(reading, span)[1] <= now else max(0, days)


def span_as_result(span: Optional[Span]) -> Optional[dict[str, Optional[str]]]:
    """A span for users and files; null for an instant that is certain."""
    if span is None:
        return None
    return {"earliest": format_instant(span.earliest), "latest": format_instant(span.latest), "time_zone": span.zone}


def span_in(result: object) -> Optional[Span]:
    """Read `span_as_result`. Raises ValueError for anything else."""
    if result is None:
        return None
    if not isinstance(result, Mapping) or set(result) != {"earliest", "latest", "time_zone"}:
        raise ValueError("expected earliest, latest and time_zone")
    zone: Any = result["time_zone"]
    if not (zone is None or isinstance(zone, str)):
        raise ValueError("time_zone: expected a name or null")
    return Span(parse_instant(result["earliest"]), parse_instant(result["latest"]), zone)
