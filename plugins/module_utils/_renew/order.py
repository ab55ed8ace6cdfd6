# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the orders of a run, each once: lock, intent, read again, one request, record, settle from evidence, verify.

The steps are in docs/architecture.md, 1. Nothing that may have been ordered is ever sent again; only a refusal that
says it came before any processing, 401 or 429, leads to the protocol once more. A refusal that is not definite leaves
its intent open: the portal may have made the order all the same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Optional

from .._decide.changes import unless_changed
from .._decide.planner import Plan, settled
from .._decide.reconcile import LOOK_BEFORE_ANYTHING_ELSE, living, orders_of_intent, until_freed
from .._ledger.database import LedgerError
from .._ledger.ledger import Busy, Taken
from .._model import intent as _intent
from .._model.decision import Decision
from .._model.declaration import Declaration
from .._model.intent import Intent
from .._model.order import OrderRequest
from .._portal.client import OrderingPortal
from .._portal.errors import AccessError, Ambiguous, NotSent, ReadError, Rejected, Withheld
from .._portal.transport import MAX_RETRY_AFTER
from .facts import Setting
from .follow import FollowingRun, Sent
from .report import Report

LONGEST_HESITATION = 30.0  # s, at most, before a run without a ledger reads the orders again (docs/reliability.md, 40)
_NO_TIME = 1.0  # s of waiting after which what was read before counts as old
_BEFORE_PROCESSING = (401, 429)


@dataclass
class _Departure:
    """Whether an order is on its way, and its intent as that was noted."""

    intent: Intent
    has_begun: bool = False


class OrderingRun(FollowingRun):
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
        super().__init__(portal, setting, report, wait_timeout, sleep)
        self._ordering_portal = portal
        self._account = account

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """As `Run.execute`, and then follow the orders whose effect does not show yet."""
        try:
            super().execute(declarations)
            self._look_for_duplicates()
            self._follow()
        finally:
            self._note_reported()

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

    def _count(self, plan: Plan) -> Optional[tuple[str, str]]:
        """Reserve what is due, before the first order, so that no other process of the run can use up the caps."""
        return self._ledger.reserve(self._caps, plan.reservations(), self._approved.digest if self._approved else None)

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
                self._report.record(settled(planned, "ledger", f"the order was not placed: {error}"))
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
            orders_before="\n".join(order.key for order in self._orders_that_may_be_of(planned.product_no)),
            unreported_by=self._caps.holder,
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
        """The decision for a PBX for which another run has written an intent meanwhile (docs/reliability.md, 38)."""
        try:
            self._read_ledger_of(planned.product_no)
            self._read_orders()
            decision = super()._settle_earlier(planned.product_no)
            if decision is None:
                self._snapshot.reread(planned.product_no)
                decision = self._decide_in_full(planned.product_no)
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
            self._close(intent, _intent.NOT_SENT, f"not sent: {self._stopped_by}")
        except NotSent as error:
            self._report.record(settled(decision, "not_sent", f"the order was not placed: {error}"))
            self._close(departure.intent, _intent.NOT_SENT, str(error))
        except Rejected as error:
            return self._refused(decision, departure.intent, error, is_last)
        except Ambiguous as error:
            self._uncertain(decision, departure.intent, str(error))
            self._portal.slow_down(error, self._wait_timeout)
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
        if self._stopped_by is None and not self._is_awaited():
            self._stopped_by = "nothing waits for this run any more: what has started it has ended, or given it up"
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
        if not error.is_definite:
            self._refused_in_doubt(decision, intent, error)
            return False
        reason = "rate_limited" if error.status == 429 else "rejected"
        self._report.record(settled(decision, reason, f"the order was not placed: {error}"))
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

    def _refused_in_doubt(self, decision: Decision, intent: Intent, error: Rejected) -> None:
        """What was refused with a code that nobody knows may be there all the same; other PBXs go on."""
        intent = self._still_uncertain(intent, f"refused: {error}")
        freed = until_freed(intent.uncertain_since + self._policy.settle_window)
        message = f"{error}; what this refusal means is not known, so it may have been ordered all the same: {freed}"
        self._report.record(settled(decision, "rejected", message), may_have_ordered=True)
        refused = self._report.outcomes[decision.product_no].decision
        self._sent[decision.product_no] = Sent(refused, intent, is_followed=False)
        self._is_there_already(decision, intent, error)

    def _is_there_already(self, decision: Decision, intent: Intent, error: Rejected) -> bool:
        """Whether an order explains the refusal, maybe ours, replayed by a proxy (docs/reliability.md, 35 and 37)."""
        try:
            self._read_orders()
            found = orders_of_intent(intent, self._orders_for(intent)[0])
        except ReadError as failure:
            self._warn(f"{decision.product_no}: after the refusal of its order: {failure}")
            return True
        own, possible = living(found.certain), living((*found.agreeing, *found.possible))
        # Not every portal tells numbers. What is refused before processing is not refused for the sake of its replay.
        nameless = [one for one in possible if not one.po_number and error.status not in _BEFORE_PROCESSING]
        if own:
            message = f"order {own[0]} is accepted (and refused as well: {error})"
            adopted = replace(settled(decision, "already_ordered", message), known_order=own[0])
            self._report.record(adopted, may_have_ordered=True)
            self._sent[decision.product_no] = Sent(decision, intent)
            self._verify(decision.product_no)
        elif nameless:
            self._uncertain(decision, intent, f"{error}, and yet order {nameless[0]} has come since, which may be ours")
        else:
            fresh = self._decide_by_orders(decision.product_no)
            if fresh.known_order is None:
                return False
            message = f"{fresh.message} (asked all the same: {error})"
            self._report.record(replace(fresh, message=message), may_have_ordered=not error.is_definite)
        return True

    # the ledger
