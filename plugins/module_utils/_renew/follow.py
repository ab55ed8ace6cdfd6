# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the orders that a run has sent by their PBXs, and follow them until their effect shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._decide.planner import settled
from .._decide.reconcile import LOOK_BEFORE_ANYTHING_ELSE, columns_of
from .._model.decision import Decision
from .._model.intent import ACCEPTED_AS, Intent
from .._model.order import Order
from .._model.undetermined import Undetermined
from .._model.vocabulary import IntentStatus, Reason, State
from .._portal.errors import ReadError
from .facts import Facts
from .notes import Notes
from .settlements import Settlements

_FIRST_POLL = 2.0  # s
_SLOWEST_POLL = 15.0  # s


@dataclass(frozen=True)
class Sent:
    """An order of this run that was or may have been accepted; ``is_followed`` says whether to wait for it."""

    decision: Decision
    intent: Intent
    is_followed: bool = True


class Follow:
    """Keeps what a run has sent, and sees it through."""

    def __init__(self, facts: Facts, notes: Notes, settlements: Settlements) -> None:
        """Nothing has been sent yet."""
        self._facts = facts
        self._report = facts.report
        self._notes = notes
        self._settlements = settlements
        self._sent: dict[str, Sent] = {}

    @property
    def has_sent(self) -> bool:
        """Whether this run may have bought something."""
        return bool(self._sent)

    def add(self, decision: Decision, intent: Intent, is_followed: bool = True) -> None:
        """Add an order that was or may have been accepted."""
        self._sent[decision.product_no] = Sent(decision, intent, is_followed)

    def add_accepted(self, decision: Decision, intent: Intent, order: Order) -> None:
        """Add an order that the portal has accepted; it is noted and verified."""
        message = f"order {order} is accepted; not verified: the run broke off before that; run again later"
        accepted = replace(settled(decision, Reason.AWAITING_EXPIRY, message), known_order=order)
        self._report.record(accepted, may_have_ordered=True)
        note = f"{ACCEPTED_AS} {order}"
        self.add(accepted, self._notes.change(intent, status=IntentStatus.ACCEPTED, note=note, **columns_of(order)))
        self.verify(decision.product_no)

    def add_uncertain(self, decision: Decision, intent: Intent, problem: str) -> None:
        """Add an order that may or may not have been accepted; the run orders nothing more."""
        uncertain = settled(decision, Reason.AMBIGUOUS, f"{problem}; {LOOK_BEFORE_ANYTHING_ELSE}")
        self._report.record(uncertain, may_have_ordered=True)
        self._facts.stop(decision.product_no, "its order is uncertain")
        self.add(uncertain, self.still_uncertain(intent, problem))

    def still_uncertain(self, intent: Intent, problem: str) -> Intent:
        """Start the settle window again, since the portal may still be processing the order.

        What it made may be as old as the request, though, so the portal's own instant stays.
        """
        now = self._facts.context.clock()
        return self._notes.change(intent, status=IntentStatus.UNKNOWN, note=problem, uncertain_since=now)

    def verify(self, product_no: str, reread: bool = True) -> None:
        """Check an order that was sent against the PBX and the orders as they are now."""
        sent = self._sent[product_no]
        try:
            if reread:
                self._facts.snapshot.reread(product_no)
        except ReadError as error:
            decision = self._facts.decision(product_no)
            if decision is sent.decision and decision.known_order is not None:
                message = f"order {decision.known_order} is accepted; not verified: {error}; run again later"
                self._report.record(replace(decision, message=message), may_have_ordered=True)
            return
        settlement = self._settlements.judge(sent.intent)
        self._sent[product_no] = replace(sent, intent=self._notes.settle(sent.intent, settlement))
        if settlement.status == IntentStatus.UNKNOWN and settlement.reason == Reason.WAITING:
            return
        if settlement.status == IntentStatus.ABSENT:
            reason = Reason.REJECTED if sent.decision.reason == Reason.REJECTED else Reason.NOT_SENT
            self._report.record(settled(sent.decision, reason, f"{settlement.message}; run again to order it"))
            return
        decision = settled(sent.decision, settlement.reason, settlement.message)
        expires_after = settlement.expires_after
        if expires_after is None and decision.state == State.PENDING:
            expires_after = sent.decision.expires_after
        verified = replace(decision, known_order=settlement.order, expires_after=expires_after)
        self._report.record(verified, may_have_ordered=True)
        if settlement.reason in (Reason.VERIFICATION_FAILED, Reason.DUPLICATE_DETECTED):
            self._facts.stop(product_no, "its order did not lead to one cycle more")

    def look_for_duplicates(self) -> None:
        """Read the orders once after the run, so that a second charge cannot go unseen (docs/reliability.md, 35)."""
        if not self._sent:
            return
        try:
            self._facts.read_orders()
        except ReadError as error:
            self._facts.context.warn(f"the orders of this run could not be held against the portal's list: {error}")
            return
        self._facts.portal.pool.map(self._verify_in_the_end, list(self._sent))

    def _verify_in_the_end(self, product_no: str) -> None:
        self.verify(product_no, reread=self._facts.decision(product_no).state != State.RENEWED)

    def follow(self) -> None:
        """Look again, less and less often, for orders that are uncertain or show no effect yet.

        (docs/reliability.md, 16 to 18 and 58)
        """
        context = self._facts.context
        deadline = context.monotonic() + context.wait_timeout
        delay = _FIRST_POLL
        while True:
            followed = [product_no for product_no in self._sent if self._can_show(product_no)]
            states = {product_no: self._facts.decision(product_no).state for product_no in followed}
            waiting = [number for number, state in states.items() if state in (State.PENDING, State.UNKNOWN)]
            delay = min(delay, deadline - context.monotonic())
            if not waiting or delay <= 0 or not context.is_awaited():
                return
            context.sleep(delay)
            delay = min(delay * 2, _SLOWEST_POLL)
            try:
                if State.UNKNOWN in states.values():
                    self._facts.read_orders()
            except ReadError as error:
                context.warn(f"while orders were followed: {error}")
                continue
            self._facts.portal.pool.map(self.verify, waiting)

    def _can_show(self, product_no: str) -> bool:
        """Whether waiting may show what became of an order: not if the portal shows no expiry for the PBX."""
        is_uncertain = self._facts.decision(product_no).state == State.UNKNOWN
        shows_expiry = not isinstance(self._facts.subscription(product_no).expires_at, Undetermined)
        return self._sent[product_no].is_followed and (is_uncertain or shows_expiry)
