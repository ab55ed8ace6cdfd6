# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over one account, up to but without the order: read, settle what earlier runs left open, decide, read again.

A report that was given before the run is kept truthful at every step, so that whoever is interrupted can still say what
may have been ordered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Optional, Union

from .._decide.changes import unless_changed
from .._decide.planner import Plan, decide, make_plan, screen, settled, undecided, unless_overdue, without_orders
from .._decide.reconcile import Settlement, orders_of_intent, recorded_order, settle, unless_lost
from .._ledger.location import NONE
from .._model import intent as _intent
from .._model import states as _states
from .._model.dates import DAY, format_instant, in_words
from .._model.decision import Decision, Terms
from .._model.declaration import Declaration
from .._model.intent import Intent
from .._model.subscription import Subscription
from .._portal.errors import AccessError, ReadError
from .facts import Facts
from .screening import Screening

OPEN_TOO_LONG = DAY  # after which an order that is still open is warned of (docs/reliability.md, 58)


class Run(Facts):
    """A run that orders nothing, and writes nothing into the ledger."""

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """Decide about every PBX; then take those that are due, the most urgent first, as many at once as the pool may.

        Raises ReadError when what all decisions need cannot be read, LedgerError when the ledger cannot be trusted;
        this run has ordered nothing then. Whatever else is raised leaves a report in which nothing is called due that
        was not attempted.
        """
        try:
            self._execute(declarations)
        except BaseException as error:
            self._report.break_off(str(error) or type(error).__name__)
            raise

    def _execute(self, declarations: Iterable[Declaration]) -> None:
        self._declarations.update((declaration.product_no, declaration) for declaration in declarations)
        self._snapshot.read_listing()
        self._check_clock()
        self._read_ledger()
        screening = Screening(self._snapshot, self._policy, self._report.now, self._warn)
        screened = screening.screen_all(self._declarations, self._pool)
        self._due = {product_no: terms for product_no, terms in screened.items() if isinstance(terms, Terms)}
        for product_no, one in screened.items():
            self._report.record(self._not_decided_yet(product_no, one))
        self._read_evidence()
        decisions = self._pool.map(self._conclude, screened.items())
        self._carry_out(make_plan(decisions))

    def _carry_out(self, plan: Plan) -> None:
        """Hold the plan against the caps of the whole run, record it, and take what is due, the most urgent first."""
        excess = self._count(plan)
        if excess is not None:
            plan = without_orders(plan, *excess)
        self._report.excess = plan.excess
        for decision in plan.decisions:
            self._report.record(decision)
        due = plan.due()
        through = count(1)

        def take(decision: Decision) -> None:
            self._take_unless_stopped(decision)
            self._tell(next(through), len(due))

        self._pool.map(take, due)

    def _take_unless_stopped(self, planned: Decision) -> None:
        if self._stopped_by is None:
            self._take(planned)
        else:
            self._report.record(self._not_attempted(planned))

    def _not_attempted(self, planned: Decision) -> Decision:
        return settled(planned, "stopped", f"not attempted: {self._stopped_by}")

    def _count(self, plan: Plan) -> Optional[tuple[str, str]]:
        if self._approved is not None:
            self._ledger.refuse_spent(self._approved.digest)
        return self._ledger.excess(self._caps, plan.reservations())

    def _take(self, planned: Decision) -> None:
        self._report.record(self._look_again(planned))

    # the decision

    def _conclude(self, screened: tuple[str, Union[Decision, Terms]]) -> Decision:
        """Settle what an earlier run left open; if nothing is left of it, decide."""
        product_no, screening = screened
        if product_no in self._snapshot.subscriptions and self._intent_to_settle(product_no) is not None:
            settlement = self._settle_earlier(product_no)
            if settlement is not None:
                return settlement
            if product_no not in self._due:
                return self._announce(self._screened_anew(product_no))
        if isinstance(screening, Terms):
            return self._announce(self._decide_beside_others(product_no))
        return self._announce(self._answered(screening))

    def _announce(self, decision: Decision) -> Decision:
        """Say of what an earlier run has bought that it did, where no result has said so yet."""
        for intent in self._evidence.intents.get(decision.product_no, ()):
            if intent.status == _intent.RENEWED and intent.unreported_by not in (None, self._caps.holder):
                order = recorded_order(intent)
                by = f"order {order}" if order else "an order that is not in the list"
                news = (
                    f"renewed by {by} from {format_instant(intent.expires_at)} on, sent by a run that was interrupted"
                    " or has not ended yet"
                )
                self._warn(f"{decision.product_no}: {news}")
                self._announced.add(decision.product_no)
                decision = replace(decision, message=f"{decision.message}; {news}")
        return decision

    def _not_decided_yet(self, product_no: str, screening: Union[Decision, Terms]) -> Decision:
        if isinstance(screening, Terms):
            return undecided(self._snapshot.subscriptions[product_no], screening)
        return screening

    def _decide_beside_others(self, product_no: str) -> Decision:
        """Decide; where an order has come since the listing was read, with what the PBX tells by now."""
        decision = self._decide_in_full(product_no)
        if decision.reason not in ("recent_order", "awaiting_expiry"):
            return decision
        try:
            self._snapshot.reread(product_no)
        except ReadError as error:
            self._warn(f"{product_no}: {error}")
            return decision
        return self._decide_in_full(product_no)

    def _screened_anew(self, product_no: str) -> Decision:
        """The decision of a PBX that was not due, after it was read again."""
        subscription = self._snapshot.subscriptions[product_no]
        screening = screen(self._declarations[product_no], subscription, self._policy, self._report.now)
        return self._not_decided_yet(product_no, screening)

    def _settle_earlier(self, product_no: str) -> Optional[Decision]:
        """What the intent of an earlier run has come to, as far as it decides about the PBX; None if it does not."""
        intent = self._intent_to_settle(product_no)
        if intent is None:
            return None
        known = self._report.outcomes[product_no].decision
        try:
            subscription = self._snapshot.reread(product_no)
            settlement = self._settle(intent, subscription)
        except AccessError:
            raise
        except ReadError as error:
            return settled(known, "not_readable", f"{error}; the ledger has an intent for {intent}")
        self._keep(intent, settlement)
        if settlement.reason == "expiry_moved" or settlement.status == _intent.ABSENT:
            return None
        has_time_left = known.state == _states.CURRENT
        known = replace(known, subscription=subscription, known_order=settlement.order)
        decision = settled(known, settlement.reason, settlement.message)
        ordered_at = settlement.order.created_at if settlement.order is not None else None
        since = ordered_at or intent.uncertain_since
        if not has_time_left:  # also where it has expired, or cannot be decided about
            return unless_overdue(decision, since, self._report.now)
        self._warn_of_age(decision, since)
        return decision

    def _settle(self, intent: Intent, subscription: Subscription) -> Settlement:
        """Judge an intent by its orders and its PBX, with the declared expiry where the portal does not report one.

        Raises ReadError where an order's detail is needed and cannot be read.
        """
        declared = self._declarations[subscription.product_no].expires_at
        own, strays = self._orders_for(intent)
        for order in orders_of_intent(intent, own).possible:
            if order.product_no is not None:
                own[own.index(order)] = self._snapshot.order_in_full(order)
        settlement = settle(intent, subscription, own, strays, self._times, declared, self._policy.term_starts)
        if settlement.doubt is not None:
            self._warn(f"{intent.product_no}: {settlement.doubt}")
        return settlement

    def _keep(self, intent: Intent, settlement: Settlement) -> Intent:
        """Remember what an intent has come to, for the decisions of this run."""
        changed = replace(intent, status=settlement.status)
        self._remember(changed)
        return changed

    def _warn_of_age(self, decision: Decision, since: datetime) -> None:
        age = self._clock() - since
        if decision.state == _states.PENDING and age > OPEN_TOO_LONG:
            self._warn(f"{decision.product_no}: for {in_words(age)} now: {decision.message}")

    def _decide(self, product_no: str) -> Decision:
        declaration, subscription = self._declarations[product_no], self._snapshot.subscriptions[product_no]
        decision = decide(declaration, subscription, self._evidence, self._policy, self._report.now)
        gap = self._snapshot.orders_gap
        decision = decision if gap is None or self._ledger.name != NONE else _unless_hidden(decision, gap)
        changed_at = self._ledger.server_changed_at
        if changed_at is None and self._ledger.has_moved and self._report.is_check_mode:
            changed_at = self._times.now  # as a run that orders would note it
        return unless_lost(decision, changed_at, self._times)

    def _decide_in_full(self, product_no: str) -> Decision:
        """Decide, with what must be asked for this PBX alone."""
        return self._answered(self._decide(product_no))

    def _answered(self, decision: Decision) -> Decision:
        try:
            return self._questions.put(decision, self._declarations[decision.product_no], self._evidence)
        except AccessError:
            raise
        except ReadError as error:
            return settled(decision, "not_readable", str(error))

    def _look_again(self, planned: Decision) -> Decision:
        """Read a due PBX again and decide again; it is still due only if it is still the same order."""
        try:
            self._refresh_orders()
            self._snapshot.reread(planned.product_no, compares=True)
            self._check_clock()
            fresh = self._decide_in_full(planned.product_no)
        except ReadError as error:
            if isinstance(error, AccessError):
                self._stop(planned, "access was refused")
            return settled(planned, "not_readable", str(error))
        return unless_changed(planned, fresh)

    def _stop(self, decision: Decision, why: str) -> None:
        self._stopped_by = f"{decision.product_no}: {why}"


def _unless_hidden(decision: Decision, gap: str) -> Decision:
    """Without a ledger, only the order list could show what another run has ordered; with a ``gap`` it may not."""
    if decision.state != _states.DUE:
        return decision
    return settled(
        decision,
        "recent_order",
        f"the order list may not be whole: {gap}. It may hide the renewal of this term, and without a ledger nothing"
        " else would show it; keep one (`ledger`), which every run uses, or look at the orders in the portal and renew"
        " it in the portal",
    )
