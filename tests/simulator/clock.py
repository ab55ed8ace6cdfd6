# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's clock, and the calendar arithmetic of billing cycles."""

from __future__ import annotations

import calendar
import threading
from datetime import UTC, date, datetime, timedelta

MONTHS = {"annually": 12, "monthly": 1}


def parse_instant(value: object) -> datetime:
    """Turn a datetime, a date or an ISO 8601 text into an aware UTC instant.

    A bare date is its first instant; a time without a zone is UTC. Raises ValueError for anything else.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"not an ISO 8601 date or instant: {value!r}") from None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError(f"not a date or an instant: {value!r}")


DAYS = {"annually": 365, "monthly": 30}


def add_cycles(instant: datetime, cycle: str, cycles: int = 1, length: str = "calendar") -> datetime:
    """Move an instant by billing cycles; a day that the target month does not have becomes its last day.

    ``length`` is that of a cycle: in ``days``, with ``plus_day`` one more, or with ``overflow`` into the next month.
    """
    if length == "days":
        return instant + timedelta(days=DAYS[cycle] * cycles)
    months = instant.year * 12 + instant.month - 1 + MONTHS[cycle] * cycles
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    moved = instant.replace(year=year, month=month + 1, day=min(instant.day, last))
    over = max(0, instant.day - last) if length == "overflow" else int(length == "plus_day")
    return moved + timedelta(days=over)


class Clock:
    """Wall clock (UTC) that can be held at an instant and moved by hand."""

    def __init__(self, held: object = None) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._held = None if held is None else parse_instant(held)

    def now(self) -> datetime:
        """The current instant of the simulator, aware UTC."""
        with self._lock:
            return self._held or datetime.now(UTC) + self._offset

    def hold(self, instant: object) -> None:
        """Stop the clock at this instant."""
        held = parse_instant(instant)
        with self._lock:
            self._held = held

    def advance(self, seconds: float) -> None:
        """Move the clock, held or running, by a number of seconds."""
        with self._lock:
            if self._held:
                self._held += timedelta(seconds=seconds)
            else:
                self._offset += timedelta(seconds=seconds)

    def release(self) -> None:
        """Go back to the wall clock."""
        with self._lock:
            self._held, self._offset = None, timedelta(0)
