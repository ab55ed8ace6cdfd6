# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol for one order: lock, intent, read again, one request, record, settle from evidence, verify.

The steps are in docs/architecture.md, 1. Nothing that may have been ordered is ever sent again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .._decide.planner import Plan, settled
from .._decide.reconcile import LOOK_BEFORE_ANYTHING_ELSE
from .._ledger.database import LedgerError
from .._ledger.ledger import IntentConflict, LockTimeout
from .._model.decision import Decision
from .._model.intent import Intent
from .._model.order import OrderRequest
from .._model.vocabulary import IntentStatus, Reason
from .._portal.errors import Ambiguous, NotSent, Rejected, Withheld
from .._portal.sender import OrderSender
from .decisions import Decisions
from .facts import Facts
from .follow import Follow
from .notes import Notes
from .refusals import Refusals

LONGEST_HESITATION = 30.0  # s, at most, before a run without a ledger reads the orders again (docs/reliability.md, 40)


@dataclass
class _Departure:
    """Whether an order is on its way, and its intent as last noted."""

    intent: Intent
    has_begun: bool = False


class Orders:
    """Sends the orders of a run, each of them once."""

    def __init__(
        self, facts: Facts, notes: Notes, decisions: Decisions, follow: Follow, sender: OrderSender, account: str
    ) -> None:
        """``sender`` is the run's only way to order; ``account`` is noted in the ledger."""
        self._facts = facts
        self._context = facts.context
        self._report = facts.report
        self._notes = notes
        self._decisions = decisions
        self._follow = follow
        self._refusals = Refusals(facts, notes, decisions, follow)
        self._sender = sender
        self._account = account

    def hesitate(self, plan: Plan) -> None:
        """Without a ledger, give other runs' orders time to show before sending the first one. Raises ReadError."""
        if plan.due() and not self._context.ledger.is_kept:
            longest = min(LONGEST_HESITATION, self._context.wait_timeout)
            self._context.sleep(random.uniform(0, longest))  # noqa: S311 (a pause, not a secret)
            self._facts.read_orders()

    def order(self, decision: Decision) -> None:
        """Order a due PBX while no other run that shares the ledger can; the report says what became of it."""
        product_no = decision.product_no
        try:
            with self._context.ledger.lock(product_no, self._context.sleep):
                self._order(decision)
        except (LockTimeout, IntentConflict) as error:
            self._report.record(settled(decision, Reason.WAITING, f"{error}; {LOOK_BEFORE_ANYTHING_ELSE}"))
        except LedgerError as error:
            if not self._report.outcomes[product_no].may_have_ordered:
                self._report.record(settled(decision, Reason.LEDGER, f"the order was not placed: {error}"))
            self._facts.stop(product_no, str(error))

    def _order(self, decision: Decision) -> None:
        """Run the protocol for one order; after a refusal before processing, repeat it once from the intent on."""
        for is_last in (False, True):
            intent = self._intent_for(decision)
            try:
                self._context.ledger.intend(intent)
            except IntentConflict:
                self._report.record(self._decisions.decide_after_another_run(decision))
                return
            fresh = self._look_again(decision, intent)
            if fresh.order is None:
                self._notes.close(intent, IntentStatus.NOT_SENT, fresh.message)
                self._report.record(fresh)
                return
            request = replace(fresh.order, po_number=intent.po_number)
            if not self._send(fresh, request, intent, is_last):
                return
            decision = self._decisions.decide_after_refusal(decision)
            if decision.order is None:
                self._report.record(decision)
                return

    def _intent_for(self, decision: Decision) -> Intent:
        if decision.order is None or decision.terms is None:
            raise ValueError("expected a decision that is due")
        return Intent(
            portal=self._context.ledger.portal,
            product_no=decision.product_no,
            expires_at=decision.terms.expires_at,
            account=self._account,
            run_id=self._facts.policy.run_id,
            status=IntentStatus.INTENDED,
            generation=decision.generation,
            billing_cycle=decision.terms.billing_cycle,
            quantity=decision.terms.quantity,
            po_number=decision.order.po_number or "",
            uncertain_since=self._context.clock(),
            portal_uncertain_since=self._facts.portal_now(),
            note="to be ordered",
            plan_id=decision.order.plan_id,
            service_ids=" ".join(sorted(decision.order.service_ids)),
            price_amount=None if decision.price is None else f"{decision.price.amount:f}",
            price_currency=None if decision.price is None else decision.price.currency,
            orders_before="\n".join(order.key for order in self._facts.orders_that_may_be_of(decision.product_no)),
            unreported_by=self._facts.caps.holder,
        )

    def _look_again(self, decision: Decision, intent: Intent) -> Decision:
        """Read again under the intent; if interrupted, close the intent, since nothing has been sent yet."""
        try:
            return self._decisions.look_again(decision)
        except BaseException:  # raised again
            self._notes.close(intent, IntentStatus.NOT_SENT, "the run was interrupted before it was sent")
            raise

    def _send(self, decision: Decision, request: OrderRequest, intent: Intent, is_last: bool) -> bool:
        """Send an order once. Returns whether the protocol may run again."""
        departure = _Departure(intent)
        try:
            order = self._sender.send(request, lambda: self._let_leave(decision, departure))
        except Withheld:
            self._report.record(self._decisions.not_attempted(decision))
            self._notes.close(intent, IntentStatus.NOT_SENT, f"not sent: {self._facts.stopped_by}")
        except NotSent as error:
            self._report.record(settled(decision, Reason.NOT_SENT, f"the order was not placed: {error}"))
            self._notes.close(departure.intent, IntentStatus.NOT_SENT, str(error))
        except Rejected as error:
            return self._refusals.handle(decision, departure.intent, error, is_last)
        except Ambiguous as error:
            self._follow.add_uncertain(decision, departure.intent, str(error))
            self._facts.portal.slow_down(error, self._context.wait_timeout)
        except (IntentConflict, LedgerError):
            raise  # from the departure, so nothing was sent
        except BaseException as error:
            self._interrupted(decision, departure, str(error))
            raise
        else:
            self._follow.add_accepted(decision, departure.intent, order)
        return False

    def _let_leave(self, decision: Decision, departure: _Departure) -> bool:
        """Record in report and ledger that an order may have been sent, unless the run is to order no more.

        Called when nothing is left to wait for, so that the settle window begins when the order leaves.
        """
        if self._facts.stopped_by is None and not self._context.is_awaited():
            self._facts.stopped_by = (
                "nothing waits for this run any more: what has started it has ended, or given it up"
            )
        if self._facts.stopped_by is not None:
            return False
        since = {"uncertain_since": self._context.clock(), "portal_uncertain_since": self._facts.portal_now()}
        departure.intent = self._context.ledger.update(departure.intent, **since, note="sending")
        sent = settled(
            decision, Reason.AMBIGUOUS, f"the run broke off while it was ordering; {LOOK_BEFORE_ANYTHING_ELSE}"
        )
        self._report.record(sent, may_have_ordered=True)
        departure.has_begun = True
        return True

    def _interrupted(self, decision: Decision, departure: _Departure, problem: str) -> None:
        if departure.has_begun:
            self._follow.still_uncertain(departure.intent, "interrupted while it was ordering")
        else:
            self._report.record(settled(decision, Reason.STOPPED, f"not attempted: {problem or 'the run broke off'}"))
            self._notes.close(departure.intent, IntentStatus.NOT_SENT, "the run was interrupted before it was sent")
