# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of results and of the ledger, each in its own type, so that none is mistaken for another."""

from __future__ import annotations

from enum import Enum


class Vocabulary(str, Enum):
    """Words that are also texts: they compare, format and serialise to JSON as what users read."""

    def __str__(self) -> str:
        return str(self.value)


class State(Vocabulary):
    """What became of a PBX. A summary shows the states in this order."""

    RENEWED = "renewed"
    DUE = "due"
    CURRENT = "current"
    SKIPPED = "skipped"
    PENDING = "pending"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"

    @property
    def is_failing(self) -> bool:
        """Whether it fails a task. So does a PBX that is due and was not attempted: nobody else takes care of it."""
        return self in (State.BLOCKED, State.FAILED, State.UNKNOWN, State.NOT_ATTEMPTED)


class Reason(Vocabulary):
    """Why a PBX is in its state. Each reason belongs to one state."""

    state: State

    def __new__(cls, word: str, state: State) -> Reason:
        """A word with its state."""
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.state = state
        return reason

    ENOUGH_TIME = ("enough_time", State.CURRENT)
    AUTO_RENEWAL = ("auto_renewal", State.SKIPPED)
    IN_WINDOW = ("in_window", State.DUE)
    EXPIRY_MOVED = ("expiry_moved", State.RENEWED)
    ALREADY_ORDERED = ("already_ordered", State.PENDING)
    UNPAID = ("unpaid", State.PENDING)
    PENDING_CONFIRMATION = ("pending_confirmation", State.PENDING)
    AWAITING_EXPIRY = ("awaiting_expiry", State.PENDING)
    CANNOT_DETERMINE = ("cannot_determine", State.BLOCKED)
    CONTRADICTION = ("contradiction", State.BLOCKED)
    INVALID_WINDOW = ("invalid_window", State.BLOCKED)
    EXPECTED_EXPIRY = ("expected_expiry", State.BLOCKED)
    EXPIRED = ("expired", State.BLOCKED)
    MAY_HAVE_EXPIRED = ("may_have_expired", State.BLOCKED)
    PLAN_SWITCH_PENDING = ("plan_switch_pending", State.BLOCKED)
    RECENT_ORDER = ("recent_order", State.BLOCKED)
    OVERDUE_ORDER = ("overdue_order", State.BLOCKED)
    BILLING_CONTACT = ("billing_contact", State.BLOCKED)
    PRICE_LIMIT = ("price_limit", State.BLOCKED)
    UNKNOWN_PRICE = ("unknown_price", State.BLOCKED)
    STALE_PLAN = ("stale_plan", State.BLOCKED)
    NOT_FOUND = ("not_found", State.FAILED)
    NOT_READABLE = ("not_readable", State.FAILED)
    NOT_SENT = ("not_sent", State.FAILED)
    REJECTED = ("rejected", State.FAILED)
    RATE_LIMITED = ("rate_limited", State.FAILED)
    VERIFICATION_FAILED = ("verification_failed", State.FAILED)
    DUPLICATE_DETECTED = ("duplicate_detected", State.FAILED)
    LEDGER = ("ledger", State.FAILED)
    AMBIGUOUS = ("ambiguous", State.UNKNOWN)
    WAITING = ("waiting", State.UNKNOWN)
    MAX_ORDERS = ("max_orders", State.NOT_ATTEMPTED)
    MAX_TOTAL = ("max_total", State.NOT_ATTEMPTED)
    NOT_IN_PLAN = ("not_in_plan", State.NOT_ATTEMPTED)
    STOPPED = ("stopped", State.NOT_ATTEMPTED)


class IntentStatus(Vocabulary):
    """What became of the intent to order one renewal."""

    # Written before anything is sent; the process that wrote it may have died at any point since.
    INTENDED = "intended"
    # Sent, with an unknown outcome.
    UNKNOWN = "unknown"
    # The portal has an order for it, and the expiry does not show it yet.
    ACCEPTED = "accepted"
    # The expiry has moved, or a person said so.
    RENEWED = "renewed"
    # Nothing was bought: it was not sent, was refused, certainly does not exist, or its order came to nothing.
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    ABSENT = "absent"
    DEAD = "dead"

    @property
    def is_unsettled(self) -> bool:
        """Whether its order may still take effect, or may have done so."""
        return self in (IntentStatus.INTENDED, IntentStatus.UNKNOWN, IntentStatus.ACCEPTED)

    @property
    def is_closed(self) -> bool:
        """Whether it bought nothing, so that another generation may be ordered."""
        return self in (IntentStatus.NOT_SENT, IntentStatus.REJECTED, IntentStatus.ABSENT, IntentStatus.DEAD)
