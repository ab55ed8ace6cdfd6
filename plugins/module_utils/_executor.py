# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the orders of a run, each once: lock, intent, read again, one request, record, settle from evidence, verify.

The steps are those of the architecture's "The protocol for one order". Nothing that may have been ordered is ever sent
again; only a refusal that says it came before any processing, 401 or 429, leads to the protocol once more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from . import _intent, _states
from ._database import LedgerError
from ._intent import Intent
from ._ledger import Busy, Taken
from ._model import Decision, Declaration, Order, OrderRequest
from ._money import Money
from ._planner import Plan, settled, unless_changed
from ._portal import OrderingPortal
from ._results import Report
from ._run import Run, Setting
from ._settlement import LOOK_BEFORE_ANYTHING_ELSE, Settlement, columns_of, living, orders_of_intent
from ._transport import MAX_RETRY_AFTER, AccessError, Ambiguous, NotSent, ReadError, Rejected, Withheld

LONGEST_HESITATION = 30.0  # s, at most, before a run without a ledger looks at the orders again (faults, row 40)
_FIRST_POLL = 2.0  # s
_SLOWEST_POLL = 15.0  # s
_NO_TIME = 1.0  # s of waiting after which what was read before counts as old
_BEFORE_PROCESSING = (401, 429)


@dataclass
class _Departure:
    """Whether an order is on its way, and its intent as that was noted."""

    intent: Intent
    has_begun: bool = False


@dataclass(frozen=True)
class _Sent:
    """An order that this run has sent and that has been or may have been accepted."""

    decision: Decision
    intent: Intent


class OrderingRun(Run):
    """A run that sends the orders."""

    def __init__(
        self,
        portal: OrderingPortal,
        setting: Setting,
        report: Report,
        account: str,
        wait_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``wait_timeout`` (s) bounds how long orders are followed that are open or uncertain.

        ``account`` is noted in the ledger.
        """
        super().__init__(portal, setting, report)
        self._ordering_portal = portal
        self._account = account
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self._sent: dict[str, _Sent] = {}

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """As `Run.execute`, and then follow the orders whose effect does not show yet."""
        super().execute(declarations)
        self._look_for_duplicates()
        self._follow()

    def _carry_out(self, plan: Plan) -> None:
        try:
            if plan.due() and not self._ledger.is_kept:
                self._sleep(random.uniform(0, min(LONGEST_HESITATION, self._wait_timeout)))  # noqa: S311 (no secret)
                self._read_orders()
            super()._carry_out(plan)
        finally:
            outcomes = self._report.outcomes
            due = [decision.product_no for decision in plan.due()]
            self._release([product_no for product_no in due if not outcomes[product_no].may_have_ordered])

    def _count(self, prices: Mapping[str, Optional[Money]]) -> Optional[tuple[str, str]]:
        """Reserve what is due, before the first order, so that no other process of the run can use up the caps."""
        return self._ledger.reserve(self._caps, prices, self._approved.digest if self._approved else None)

    def _release(self, product_nos: Collection[str]) -> None:
        """Take what was not ordered out of the count. What stays in it by a failure only makes the cap narrower."""
        try:
            self._ledger.release(self._caps, product_nos)
        except LedgerError as error:
            self._warn(f"what was not ordered still counts towards the caps of the run {self._caps.run_id}: {error}")

    def _take(self, planned: Decision) -> None:
        try:
            with self._ledger.lock(planned.product_no, self._sleep):
                self._order(planned)
        except (Busy, Taken) as error:
            self._report.record(settled(planned, "waiting", f"{error}; {LOOK_BEFORE_ANYTHING_ELSE}"))
        except LedgerError as error:
            if not self._report.outcomes[planned.product_no].may_have_ordered:
                self._report.record(settled(planned, "ledger", f"nothing was ordered: {error}"))
            self._stop(planned, str(error))

    def _order(self, planned: Decision) -> None:
        """The protocol for one order; after a refusal before processing, once more from the intent on."""
        for is_last in (False, True):
            intent = self._intent_for(planned)
            try:
                self._ledger.intend(intent)
            except Taken:
                self._report.record(self._decide_after_another_run(planned))
                return
            fresh = self._look_again_with(intent, planned)
            if fresh.order is None:
                self._close(intent, _intent.NOT_SENT, fresh.message)
                self._report.record(fresh)
                return
            if not self._send(fresh, replace(fresh.order, po_number=intent.po_number), intent, is_last):
                return
            planned = self._decide_again(planned)
            if planned.order is None:
                self._report.record(planned)
                return

    def _decide_again(self, planned: Decision) -> Decision:
        """Decide with what is known after a refusal; what has become of the price meanwhile is not bought."""
        try:
            return unless_changed(planned, self._decide_beside_others(planned.product_no))
        except AccessError as error:
            self._stop(planned, "access was refused")
            return settled(planned, "not_readable", str(error))

    def _intent_for(self, planned: Decision) -> Intent:
        if planned.order is None or planned.terms is None:
            raise ValueError("expected a decision that is due")
        return Intent(
            portal=self._ledger.portal,
            product_no=planned.product_no,
            expires_at=planned.terms.expires_at,
            account=self._account,
            run_id=self._policy.run_id,
            status=_intent.INTENDED,
            generation=planned.generation,
            billing_cycle=planned.terms.billing_cycle,
            quantity=planned.terms.quantity,
            po_number=planned.order.po_number or "",
            uncertain_since=self._clock(),
            portal_uncertain_since=self._portal_now(),
            note="to be ordered",
            plan_id=planned.order.plan_id,
            service_ids=" ".join(sorted(planned.order.service_ids)),
            price_amount=None if planned.price is None else f"{planned.price.amount:f}",
            price_currency=None if planned.price is None else planned.price.currency,
        )

    def _look_again_with(self, intent: Intent, planned: Decision) -> Decision:
        """Read again under an intent that is closed if that is interrupted, since nothing has been sent yet."""
        try:
            return self._look_again(planned)
        except BaseException:  # raised again
            self._close(intent, _intent.NOT_SENT, "the run was interrupted before it was sent")
            raise

    def _settle_earlier(self, product_no: str) -> Optional[Decision]:
        """As in `Run`, once no other run is in the middle of ordering this PBX."""
        asked_at = time.monotonic()
        try:
            with self._ledger.lock(product_no, self._sleep):
                self._read_ledger_of(product_no)
                if time.monotonic() - asked_at > _NO_TIME:
                    self._read_orders()
                return super()._settle_earlier(product_no)
        except Busy as error:
            known = self._report.outcomes[product_no].decision
            return settled(known, "waiting", f"{error}; {LOOK_BEFORE_ANYTHING_ELSE}")

    def _decide_after_another_run(self, planned: Decision) -> Decision:
        """What is to be said of a PBX for which another run has written an intent in the meantime (faults, row 38)."""
        try:
            self._read_ledger_of(planned.product_no)
            self._read_orders()
            decision = super()._settle_earlier(planned.product_no)
            if decision is None:
                self._snapshot.reread(planned.product_no)
                decision = self._decide_with_price(planned.product_no)
        except ReadError as error:
            return settled(planned, "not_readable", str(error))
        if decision.order is not None:
            return settled(decision, "stopped", "not attempted: another run has just tried to renew it; run again")
        return decision

    def _send(self, decision: Decision, request: OrderRequest, intent: Intent, is_last: bool) -> bool:
        """Send an order, once; whether the protocol may run again."""
        departure = _Departure(intent)
        try:
            order = self._ordering_portal.save_order(request, lambda: self._let_leave(decision, departure))
        except Withheld:
            self._report.record(self._not_attempted(decision))
            self._close(intent, _intent.NOT_SENT, "another order has stopped the run")
        except NotSent as error:
            self._report.record(settled(decision, "not_sent", f"nothing was ordered: {error}"))
            self._close(departure.intent, _intent.NOT_SENT, str(error))
        except Rejected as error:
            return self._refused(decision, departure.intent, error, is_last)
        except Ambiguous as error:
            self._uncertain(decision, departure.intent, str(error))
        except (Taken, LedgerError):
            raise  # of the departure, which did not take place then
        except BaseException as error:
            self._interrupted(decision, departure, str(error))
            raise
        else:
            self._accepted(decision, departure.intent, order)
        return False

    def _let_leave(self, decision: Decision, departure: _Departure) -> bool:
        """Have report and ledger say that an order may have been sent, unless the run is to order no more.

        Asked when nothing is left to be waited for, so that the settle window begins when the order leaves.
        """
        if self._stopped_by is not None:
            return False
        since = {"uncertain_since": self._clock(), "portal_uncertain_since": self._portal_now()}
        departure.intent = self._ledger.update(departure.intent, **since, note="sending")
        sent = settled(decision, "ambiguous", f"the run broke off while it was ordering; {LOOK_BEFORE_ANYTHING_ELSE}")
        self._report.record(sent, may_have_ordered=True)
        departure.has_begun = True
        return True

    def _interrupted(self, decision: Decision, departure: _Departure, problem: str) -> None:
        if departure.has_begun:
            uncertain = {"status": _intent.UNKNOWN, "note": "interrupted while it was ordering"}
            self._book(departure.intent, **uncertain, uncertain_since=self._clock())
        else:
            self._report.record(settled(decision, "stopped", f"not attempted: {problem or 'the run broke off'}"))
            self._close(departure.intent, _intent.NOT_SENT, "the run was interrupted before it was sent")

    # what has become of it

    def _refused(self, decision: Decision, intent: Intent, error: Rejected, is_last: bool) -> bool:
        """Whether the protocol may run again, after the pause that the refusal asks for."""
        reason = "rate_limited" if error.status == 429 else "rejected"
        self._report.record(settled(decision, reason, f"nothing was ordered: {error}"))
        intent = self._close(intent, _intent.REJECTED, str(error))
        if self._stopped_by is not None:
            return False
        delay = error.retry_after if error.status in _BEFORE_PROCESSING and not is_last else None
        if delay is not None and delay <= MAX_RETRY_AFTER:
            with self._portal.unhurried.closed():
                self._sleep(delay)
            return not self._is_there_already(decision, intent, error)
        if error.status in (*_BEFORE_PROCESSING, 403):
            self._stop(decision, "the portal refuses orders")
        self._is_there_already(decision, intent, error)
        return False

    def _is_there_already(self, decision: Decision, intent: Intent, error: Rejected) -> bool:
        """Whether an order was refused, or may have been, since one is there: even ours, replayed (rows 35 and 37)."""
        try:
            self._read_orders()
        except ReadError as failure:
            self._warn(f"{decision.product_no}: after the refusal of its order: {failure}")
            return True
        own, possible = (living(orders) for orders in orders_of_intent(intent, self._orders_for(intent)[0]))
        # Not every portal tells numbers. What is refused before processing is not refused for the sake of its replay.
        nameless = [one for one in possible if not one.po_number and error.status not in _BEFORE_PROCESSING]
        if own:
            message = f"order {own[0]} is accepted (and refused as well: {error})"
            adopted = replace(settled(decision, "already_ordered", message), known_order=own[0])
            self._report.record(adopted, may_have_ordered=True)
            self._sent[decision.product_no] = _Sent(decision, intent)
            self._verify(decision.product_no)
        elif nameless:
            self._uncertain(decision, intent, f"{error}, and yet order {nameless[0]} has come since, which may be ours")
        else:
            fresh = self._decide(decision.product_no)
            if fresh.state != _states.PENDING:
                return False
            self._report.record(replace(fresh, message=f"{fresh.message} (asked all the same: {error})"))
        return True

    def _uncertain(self, decision: Decision, intent: Intent, problem: str) -> None:
        message = f"{problem}; {LOOK_BEFORE_ANYTHING_ELSE}"
        self._report.record(settled(decision, "ambiguous", message), may_have_ordered=True)
        self._stop(decision, "its order is uncertain")
        # The window starts anew, for the portal may still be at it. What it has made may be as old as the request,
        # though, so its own clock's instant stays.
        intent = self._book(intent, status=_intent.UNKNOWN, note=problem, uncertain_since=self._clock())
        self._sent[decision.product_no] = _Sent(self._report.outcomes[decision.product_no].decision, intent)

    def _accepted(self, decision: Decision, intent: Intent, order: Order) -> None:
        message = f"order {order} is accepted; not verified: the run broke off before that; run again later"
        accepted = replace(settled(decision, "awaiting_expiry", message), known_order=order)
        self._report.record(accepted, may_have_ordered=True)
        intent = self._book(intent, status=_intent.ACCEPTED, note=f"accepted as {order}", **columns_of(order))
        self._sent[decision.product_no] = _Sent(accepted, intent)
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
            self._report.record(settled(sent.decision, "not_sent", f"{settlement.message}; run again to order it"))
            return
        decision = settled(sent.decision, settlement.reason, settlement.message)
        known = replace(decision, known_order=settlement.order, expires_after=settlement.expires_after)
        if settlement.expires_after is None and decision.state == _states.PENDING:
            known = replace(known, expires_after=sent.decision.expires_after)
        self._report.record(known, may_have_ordered=True)
        if settlement.reason in ("verification_failed", "duplicate_detected"):
            self._stop(decision, "its order did not lead to one cycle more")

    def _look_for_duplicates(self) -> None:
        """Look once at the orders as they are after the run: what was charged twice must not stay unseen (row 35)."""
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
        """Look again, ever less often, at what is uncertain or does not show yet (faults, rows 16 to 18 and 58)."""
        deadline = time.monotonic() + self._wait_timeout
        delay = _FIRST_POLL
        while True:
            states = {product_no: self._report.outcomes[product_no].decision.state for product_no in self._sent}
            waiting = [number for number, state in states.items() if state in (_states.PENDING, _states.UNKNOWN)]
            delay = min(delay, deadline - time.monotonic())
            if not waiting or delay <= 0:
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

    # the ledger

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
