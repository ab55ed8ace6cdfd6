# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events a subscription is due, by what was told of it before.

A subscription enters a window once for each expiry. Whoever was away while it passed through several is told of the
narrowest alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import format_instant, parse_instant
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import (
    EXPIRY_WINDOWS,
    Span,
    bounds,
    days_left,
    is_within,
    same_expiry,
    span_in,
)

# From the widest to the narrowest; each is named by days, both ends included.
WINDOW_DAYS = (*reversed(EXPIRY_WINDOWS), 1)
EXPIRED, RENEWED = "expired", "renewed"
WINDOWS = (*(f"expires_in_{days}" for days in WINDOW_DAYS), EXPIRED)


@dataclass(frozen=True)
class Told:
    """What was last told of a PBX: the narrowest window that it entered with this expiry; None for no window yet."""

    expires_at: datetime
    window: Optional[str] = None


def window_of(expires_at: datetime, span: Optional[Span], now: datetime) -> Optional[str]:
    """The narrowest window that an expiry lies in at that instant, or may; expired is what is so for certain."""
    if bounds(expires_at, span)[1] <= now:
        return EXPIRED
    within = [name for name, days in zip(WINDOWS, WINDOW_DAYS) if is_within(expires_at, span, now, days)]
    return within[-1] if within else None


def events_of(
    row: Mapping[str, Any], told: Optional[Told], now: datetime
) -> tuple[list[dict[str, Any]], Optional[Told]]:
    """The events that a PBX is due, and what will have been told of it then. An unknown expiry changes nothing."""
    if row["expires_at"] is None:
        return [], told
    expires_at = parse_instant(row["expires_at"])
    events = []
    if told is None:
        told = Told(expires_at)
    elif expires_at > told.expires_at and not same_expiry(expires_at, told.expires_at):
        events.append(_event(RENEWED, row, expires_at, told.expires_at, now))
        told = Told(expires_at)
    elif not same_expiry(expires_at, told.expires_at):
        told = Told(expires_at, told.window)
    window = window_of(expires_at, span_in(row["expires_between"]), now)
    if _rank(window) > _rank(told.window):
        events.append(_event(str(window), row, expires_at, None, now))
        told = Told(told.expires_at, window)
    return events, told


def _rank(window: Optional[str]) -> int:
    return -1 if window is None else WINDOWS.index(window)


def _event(
    entered: str, row: Mapping[str, Any], expires_at: datetime, before: Optional[datetime], now: datetime
) -> dict[str, Any]:
    """An event. It becomes a variable of a play, where a text could be taken for a template."""
    plan = row["plan"]
    return {
        "entered": entered,
        "product_no": _inert(row["product_no"]),
        "plan": None if plan is None else _inert(plan),
        "expires_at": format_instant(expires_at),
        "expires_before": None if before is None else format_instant(before),
        "days_left": days_left(expires_at, span_in(row["expires_between"]), now),
    }


def _inert(text: str) -> str:
    """On one line, without braces and without a header that names others, as Ansible reads one at a text's begin."""
    return " ".join(text.split()).lstrip("# ").replace("{", "(").replace("}", ")")


def told_as_document(told: Mapping[str, Told]) -> dict[str, Any]:
    """What was told, by PBX, as it is written down."""
    return {
        product_no: {"expires_at": format_instant(one.expires_at), "window": one.window}
        for product_no, one in sorted(told.items())
    }


def told_in(document: object) -> dict[str, Told]:
    """Read `told_as_document`. Raises ValueError for anything else."""
    if not isinstance(document, Mapping):
        raise ValueError("expected what was told, by serial number")
    told = {}
    for product_no, one in document.items():
        if not isinstance(one, Mapping) or one.get("window") not in (None, *WINDOWS):
            raise ValueError(f"expected expires_at and window of {product_no}")
        told[product_no] = Told(parse_instant(one.get("expires_at")), one["window"])
    return told
