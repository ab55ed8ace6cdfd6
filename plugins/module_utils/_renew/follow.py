# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the orders that a run has sent: noted in the ledger, verified by the PBX, followed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .._decide.planner import decide, settled
from .._decide.reconcile import LOOK_BEFORE_ANYTHING_ELSE, Settlement, columns_of
from .._ledger.database import LedgerError
from .._ledger.ledger import Taken
from .._model import intent as _intent
from .._model import states as _states
from .._model.decision import Decision
from .._model.intent import Intent
from .._model.order import Order
from .._model.undetermined import Undetermined
from .._portal.client import Portal
from .._portal.errors import ReadError
from .facts import Setting
from .report import Report
from .run import Run

_FIRST_POLL = 2.0  # s
_SLOWEST_POLL = 15.0  # s


@dataclass(frozen=True)
class Sent:
    """An order that this run has sent and that has been or may have been accepted; whether it is worth waiting for."""

    decision: Decision
    intent: Intent
    is_followed: bool = True


class FollowingRun(Run):
    """A run that knows what it has sent, and sees it through."""

    def __init__(
        self,
        portal: Portal,
        setting: Setting,
        report: Report,
        wait_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``wait_timeout`` (s) bounds how long orders are followed that are open or uncertain."""
        super().__init__(portal, setting, report)
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self._is_awaited = setting.is_awaited
        self._sent: dict[str, Sent] = {}

    def _decide_by_orders(self, product_no: str) -> Decision:
        """What the orders alone say of a PBX, whatever this run itself has left open in the ledger."""
        intents = [one for one in self._evidence.intents.get(product_no, ()) if not one.is_unsettled]
        evidence = replace(self._evidence, intents={product_no: tuple(intents)})
        declaration, subscription = self._declarations[product_no], self._snapshot.subscriptions[product_no]
        return decide(declaration, subscription, evidence, self._policy, self._report.now)

    def _uncertain(self, decision: Decision, intent: Intent, problem: str) -> None:
        message = f"{problem}; {LOOK_BEFORE_ANYTHING_ELSE}"
        self._report.record(settled(decision, "ambiguous", message), may_have_ordered=True)
        self._stop(decision, "its order is uncertain")
        intent = self._still_uncertain(intent, problem)
        self._sent[decision.product_no] = Sent(self._report.outcomes[decision.product_no].decision, intent)

    def _still_uncertain(self, intent: Intent, problem: str) -> Intent:
        """Start the settle window again, for the portal may still be at it.

        What it has made may be as old as the request, though, so its own clock's instant stays.
        """
        return self._book(intent, status=_intent.UNKNOWN, note=problem, uncertain_since=self._clock())

    def _accepted(self, decision: Decision, intent: Intent, order: Order) -> None:
        message = f"order {order} is accepted; not verified: the run broke off before that; run again later"
        accepted = replace(settled(decision, "awaiting_expiry", message), known_order=order)
        self._report.record(accepted, may_have_ordered=True)
        intent = self._book(intent, status=_intent.ACCEPTED, note=f"{_intent.ACCEPTED_AS} {order}", **columns_of(order))
        self._sent[decision.product_no] = Sent(accepted, intent)
        self._verify(decision.product_no)

    def _verify(self, product_no: str, reread: bool = True) -> None:
        """Hold an order that was sent against the PBX and the orders as they are now."""
        sent = self._sent[product_no]
        try:
            if reread:
                self._snapshot.reread(product_no)
        except ReadError as error:
            decision = self._report.outcomes[product_no].decision
            if decision is sent.decision and decision.known_order is not None:
                message = f"order {decision.known_order} is accepted; not verified: {error}; run again later"
                self._report.record(replace(decision, message=message), may_have_ordered=True)
            return
        subscription = self._snapshot.subscriptions[product_no]
        settlement = self._settle(sent.intent, subscription)
        self._sent[product_no] = replace(sent, intent=self._keep(sent.intent, settlement))
        if settlement.status == _intent.UNKNOWN and settlement.reason == "waiting":
            return
        if settlement.status == _intent.ABSENT:
            reason = "rejected" if sent.decision.reason == "rejected" else "not_sent"
            self._report.record(settled(sent.decision, reason, f"{settlement.message}; run again to order it"))
            return
        decision = settled(sent.decision, settlement.reason, settlement.message)
        known = replace(decision, known_order=settlement.order, expires_after=settlement.expires_after)
        if settlement.expires_after is None and decision.state == _states.PENDING:
            known = replace(known, expires_after=sent.decision.expires_after)
        self._report.record(known, may_have_ordered=True)
        if settlement.reason in ("verification_failed", "duplicate_detected"):
            self._stop(decision, "its order did not lead to one cycle more")

    def _look_for_duplicates(self) -> None:
        """Read the orders once after the run, so that no second charge stays unseen (docs/reliability.md, 35)."""
        if not self._sent:
            return
        try:
            self._read_orders()
        except ReadError as error:
            self._warn(f"the orders of this run could not be held against the portal's list: {error}")
            return
        self._pool.map(self._verify_in_the_end, list(self._sent))

    def _verify_in_the_end(self, product_no: str) -> None:
        self._verify(product_no, reread=self._report.outcomes[product_no].decision.state != _states.RENEWED)

    def _follow(self) -> None:
        """Look again, ever less often, at what is uncertain or does not show (docs/reliability.md, 16 to 18 and 58)."""
        deadline = time.monotonic() + self._wait_timeout
        delay = _FIRST_POLL
        while True:
            followed = [product_no for product_no in self._sent if self._can_show(product_no)]
            states = {product_no: self._report.outcomes[product_no].decision.state for product_no in followed}
            waiting = [number for number, state in states.items() if state in (_states.PENDING, _states.UNKNOWN)]
            delay = min(delay, deadline - time.monotonic())
            if not waiting or delay <= 0 or not self._is_awaited():
                return
            self._sleep(delay)
            delay = min(delay * 2, _SLOWEST_POLL)
            try:
                if _states.UNKNOWN in states.values():
                    self._read_orders()
            except ReadError as error:
                self._warn(f"while orders were followed: {error}")
                continue
            self._pool.map(self._verify, waiting)

    def _can_show(self, product_no: str) -> bool:
        """Whether waiting may tell what has become of an order: not where the portal tells no expiry of the PBX."""
        is_uncertain = self._report.outcomes[product_no].decision.state == _states.UNKNOWN
        tells_expiry = not isinstance(self._snapshot.subscriptions[product_no].expires_at, Undetermined)
        return self._sent[product_no].is_followed and (is_uncertain or tells_expiry)

    def _keep(self, intent: Intent, settlement: Settlement) -> Intent:
        if settlement.reason == "waiting" and settlement.status == intent.status:
            return intent
        columns = {} if settlement.order is None else columns_of(settlement.order)
        if settlement.order is not None and settlement.order.product_no not in (None, intent.product_no):
            columns = {}
        return self._book(intent, status=settlement.status, note=settlement.message, **columns)

    def _close(self, intent: Intent, status: str, note: str) -> Intent:
        return self._book(intent, status=status, note=note)

    def _book(self, intent: Intent, **changes: Any) -> Intent:
        """Note what has become of an order; if that fails, evidence tells the next run, and this one orders no more."""
        try:
            booked = self._ledger.update(intent, **changes)
        except Taken as taken:
            booked = taken.intent  # another run has settled it, or gone on from there
        except LedgerError as error:
            self._warn(f"{intent.product_no}: what became of its order could not be noted: {error}")
            self._stopped_by = f"{intent.product_no}: {error}"
            booked = replace(intent, **changes)
        self._remember(booked)
        return booked

    def _note_reported(self) -> None:
        """Spare later runs from saying what the result of this one says, if anybody is there to read that."""
        if not (self._sent or self._announced) or not self._is_awaited():
            return
        try:
            self._ledger.note_reported(self._caps.holder, self._announced)
        except LedgerError as error:
            self._warn(f"the next run says again what this one has bought: {error}")
