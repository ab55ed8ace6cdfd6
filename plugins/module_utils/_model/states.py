# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a result: states, reasons, and which states fail a task."""

from __future__ import annotations

CURRENT = "current"
SKIPPED = "skipped"
DUE = "due"
RENEWED = "renewed"
PENDING = "pending"
BLOCKED = "blocked"
FAILED = "failed"
UNKNOWN = "unknown"
NOT_ATTEMPTED = "not_attempted"

# In the order in which a summary shows them.
STATES = (RENEWED, DUE, CURRENT, SKIPPED, PENDING, BLOCKED, FAILED, UNKNOWN, NOT_ATTEMPTED)
# What is due and was not attempted is not in order either: nobody else sees to it.
FAILING_STATES = frozenset({BLOCKED, FAILED, UNKNOWN, NOT_ATTEMPTED})

# Each reason belongs to one state.
REASONS = {
    "enough_time": CURRENT,
    "auto_renewal": SKIPPED,
    "in_window": DUE,
    "expiry_moved": RENEWED,
    "already_ordered": PENDING,
    "unpaid": PENDING,
    "pending_confirmation": PENDING,
    "awaiting_expiry": PENDING,
    "cannot_determine": BLOCKED,
    "contradiction": BLOCKED,
    "invalid_window": BLOCKED,
    "expected_expiry": BLOCKED,
    "expired": BLOCKED,
    "may_have_expired": BLOCKED,
    "plan_switch_pending": BLOCKED,
    "recent_order": BLOCKED,
    "overdue_order": BLOCKED,
    "billing_contact": BLOCKED,
    "price_limit": BLOCKED,
    "unknown_price": BLOCKED,
    "stale_plan": BLOCKED,
    "not_found": FAILED,
    "not_readable": FAILED,
    "not_sent": FAILED,
    "rejected": FAILED,
    "rate_limited": FAILED,
    "verification_failed": FAILED,
    "duplicate_detected": FAILED,
    "ledger": FAILED,
    "ambiguous": UNKNOWN,
    "waiting": UNKNOWN,
    "max_orders": NOT_ATTEMPTED,
    "max_total": NOT_ATTEMPTED,
    "not_in_plan": NOT_ATTEMPTED,
    "stopped": NOT_ATTEMPTED,
}
