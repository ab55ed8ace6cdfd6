# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instants in the form in which a recorded field has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y"),
    *("%d-%b-%Y", "%a, %d %b %Y", "%a, %b %d, %Y", "%A, %B %d, %Y"),
)
_CLOCKS = ("", "T%H:%M:%S", " %H:%M:%S", "T%H:%M", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_END = re.compile(r"(?P<fraction>[.,]\d+)?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?))?(?P<name>\[.*\])?$")
_FIRST_MILLISECOND = 10**11
_EPOCH = re.compile(r"\d{9,14}")


def instant_of(value: Any) -> datetime | None:
    """The instant that a field says, in UTC if it names no zone; None if it is in no form that can be written again."""
    if _is_epoch(value):
        number = int(value)
        return datetime.fromtimestamp(number / (1000 if number >= _FIRST_MILLISECOND else 1), UTC)
    form = _form(value) if isinstance(value, str) else None
    return None if form is None else form[0] - form[1]


def like(value: Any, instant: datetime) -> Any:
    """An instant in the form of a value for which `instant_of` knows an instant."""
    if _is_epoch(value):
        seconds = int(instant.timestamp())
        return type(value)(seconds * 1000 if int(value) >= _FIRST_MILLISECOND else seconds)
    dummy, offset, pattern, end = _form(value)
    fraction = re.sub(r"\d", "0", end["fraction"] or "")
    return (instant + offset).strftime(pattern) + fraction + (end["zone"] or "") + (end["name"] or "")


def _is_epoch(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool) and bool(_EPOCH.fullmatch(str(value)))


def _form(text: str) -> Any:
    """The local time of a text, its offset from UTC, its pattern, and what follows; None if it has no known form."""
    for date, clock in product(_DATES, _CLOCKS):
        end = _END.search(text if clock else "")
        core = text[: end.start()] if clock else text
        try:
            local = datetime.strptime(core, date + clock).replace(tzinfo=UTC)
            return local, _offset(end["zone"] or ""), date + clock, end
        except ValueError:
            continue
    return None


def _offset(zone: str) -> timedelta:
    digits = re.sub(r"\D", "", zone)
    if not digits:
        return timedelta(0)
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if "-" in zone else offset
