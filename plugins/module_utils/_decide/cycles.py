# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what one more billing cycle does to an expiry, and from when the portal counts it."""

from __future__ import annotations

from datetime import datetime

from .._model.dates import DAY, add_cycles
from .._model.decision import Terms
from .._model.declaration import FROM_ORDER, Policy
from .._model.span import shown

# How far a calendar cycle and the portal's own calculation may differ (docs/reliability.md, 47).
CYCLE_TOLERANCE = 3 * DAY


def advanced_by_one_cycle(
    before: datetime, billing_cycle: str, after: datetime, ordered_at: datetime, term_starts: str
) -> bool:
    """Whether an expiry lies one cycle after the old one or, for a PBX that had expired, one cycle after the order.

    It is not known whether a late renewal counts from the old expiry or from the order (docs/portal-api.md, 6.1.24).
    If ``term_starts`` says that terms start at the order, an early one may count from there as well.
    """
    starts = [before] if before > ordered_at and term_starts != FROM_ORDER else [before, ordered_at]
    return any(abs(add_cycles(start, billing_cycle) - after) <= CYCLE_TOLERANCE for start in starts)


def expiry_after(terms: Terms, policy: Policy, now: datetime) -> datetime:
    """When the PBX should expire if it is renewed now."""
    start = now.replace(microsecond=0) if policy.term_starts == FROM_ORDER else shown(terms.expires_at, terms.span)
    return add_cycles(start, terms.billing_cycle)


def days_lost(before: datetime, billing_cycle: str, after: datetime) -> int:
    """How many whole days of the running term a renewal loses; 0 if it adds a whole cycle."""
    return max(0, (add_cycles(before, billing_cycle) - after) // DAY)


def current_term_began(terms: Terms) -> datetime:
    """An instant at which the current term had certainly begun: later orders are for it or the next, not its start."""
    return add_cycles(terms.expires_at, terms.billing_cycle, -1) + CYCLE_TOLERANCE
