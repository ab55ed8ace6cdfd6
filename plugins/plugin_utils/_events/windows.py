# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events to send for a subscription, given what was reported about it before.

A subscription enters a window once for each expiry. If it enters several between two polls, only the narrowest is
reported.
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

# From the widest to the narrowest, named by their days, with both ends included.
WINDOW_DAYS = (*reversed(EXPIRY_WINDOWS), 1)
EXPIRED, RENEWED = "expired", "renewed"
WINDOWS = (*(f"expires_in_{days}" for days in WINDOW_DAYS), EXPIRED)


@dataclass(frozen=True)
class Reported:
    """What was last reported about a PBX: its expiry and the narrowest window entered with that; None for no window."""

    expires_at: datetime
    window: Optional[str] = None


def window_of(expires_at: datetime, span: Optional[Span], now: datetime) -> Optional[str]:
    """The narrowest window that an expiry is in, or may be in, at an instant; expired only if that is certain."""
    if bounds(expires_at, span)[1] <= now:
        return EXPIRED
    within = [name for name, days in zip(WINDOWS, WINDOW_DAYS) if is_within(expires_at, span, now, days)]
    return within[-1] if within else None


def events_of(
    row: Mapping[str, Any], reported: Optional[Reported], now: datetime
) -> tuple[list[dict[str, Any]], Optional[Reported]]:
    """The events to send for a PBX, and what is reported after that. An unknown expiry changes nothing."""
    if row["expires_at"] is None:
        return [], reported
    expires_at = parse_instant(row["expires_at"])
    events = []
    if reported is None:
        reported = Reported(expires_at)
    elif expires_at > reported.expires_at and not same_expiry(expires_at, reported.expires_at):
        events.append(_event(RENEWED, row, expires_at, reported.expires_at, now))
        reported = Reported(expires_at)
    elif not same_expiry(expires_at, reported.expires_at):
        reported = Reported(expires_at, reported.window)
    window = window_of(expires_at, span_in(row["expires_between"]), now)
    if _rank(window) > _rank(reported.window):
        events.append(_event(str(window), row, expires_at, None, now))
        reported = Reported(reported.expires_at, window)
    return events, reported


def _rank(window: Optional[str]) -> int:
    return -1 if window is None else WINDOWS.index(window)


def _event(
    entered: str, row: Mapping[str, Any], expires_at: datetime, before: Optional[datetime], now: datetime
) -> dict[str, Any]:
    """An event. Its texts are made inert, since it becomes a variable of a play, which may contain templates."""
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
    """Put a text on one line, without braces and leading #, which may start a template or a Jinja header."""
    return " ".join(text.split()).lstrip("# ").replace("{", "(").replace("}", ")")


def reported_as_document(reported: Mapping[str, Reported]) -> dict[str, Any]:
    """What was reported, by PBX, as it is stored."""
    return {
        product_no: {"expires_at": format_instant(one.expires_at), "window": one.window}
        for product_no, one in sorted(reported.items())
    }


def read_reported(document: object) -> dict[str, Reported]:
    """Read `reported_as_document`. Raises ValueError for anything else."""
    if not isinstance(document, Mapping):
        raise ValueError("expected what was reported, by serial number")
    reported = {}
    for product_no, one in document.items():
        if not isinstance(one, Mapping) or one.get("window") not in (None, *WINDOWS):
            raise ValueError(f"expected expires_at and window of {product_no}")
        reported[product_no] = Reported(parse_instant(one.get("expires_at")), one["window"])
    return reported
