# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over one account: read, settle what earlier runs left open, decide, order, verify, follow.

The caller's report is kept true at every step, so that even an interrupted run can say what may have been ordered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Optional

from .._decide.planner import Plan, make_plan, without_orders
from .._ledger.database import LedgerError
from .._ledger.ledger import DryRunLedger
from .._model.decision import Decision, Terms
from .._model.declaration import Declaration
from .._portal.client import Portal
from .._portal.sender import OrderSender
from .decisions import Decisions
from .facts import Facts, RunContext
from .follow import Follow
from .notes import Notes
from .order import Orders
from .report import Report
from .screening import Screening
from .settlements import Settlements


class Run:
    """A run that orders if it is given a sender. Without one it does not write to the ledger either."""

    def __init__(
        self,
        portal: Portal,
        context: RunContext,
        report: Report,
        sender: Optional[OrderSender] = None,
        account: str = "",
    ) -> None:
        """``report`` is filled in as the run goes on; ``account`` is noted in the ledger with each order."""
        if sender is None:
            context = replace(context, ledger=DryRunLedger(context.ledger))
        facts = self._facts = Facts(portal, context, report)
        self._context = context
        self._report = report
        self._notes = Notes(facts)
        settlements = Settlements(facts, self._notes)
        self._decisions = Decisions(facts, self._notes, settlements)
        self._follow = Follow(facts, self._notes, settlements)
        self._orders: Optional[Orders] = None
        if sender is not None:
            self._orders = Orders(facts, self._notes, self._decisions, self._follow, sender, account)

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """Decide about every PBX; then take those that are due, most urgent first, as many at once as the pool allows.

        In the end, orders whose effect does not show yet are followed. Raises ReadError if what all decisions need
        cannot be read, LedgerError if the ledger cannot be trusted; this run has then ordered nothing. After any other
        error, the report calls nothing due that was not attempted.
        """
        try:
            self._decide_and_order(declarations)
            self._follow.look_for_duplicates()
            self._follow.follow()
        finally:
            self._notes.note_reported(self._follow.has_sent)

    def _decide_and_order(self, declarations: Iterable[Declaration]) -> None:
        try:
            self._carry_out(self._decide(declarations))
        except BaseException as error:
            self._report.break_off(str(error) or type(error).__name__)
            raise

    def _decide(self, declarations: Iterable[Declaration]) -> Plan:
        """Read the account, settle, and decide about every PBX."""
        facts = self._facts
        facts.declarations.update((declaration.product_no, declaration) for declaration in declarations)
        facts.snapshot.read_listing()
        facts.check_clock()
        facts.read_ledger()
        screening = Screening(facts.snapshot, facts.policy, self._report.now, self._context.warn)
        screened = screening.screen_all(facts.declarations, facts.portal.pool)
        facts.due = {product_no: terms for product_no, terms in screened.items() if isinstance(terms, Terms)}
        for product_no, one in screened.items():
            self._report.record(self._decisions.not_decided_yet(product_no, one))
        facts.read_evidence()
        return make_plan(facts.portal.pool.map(self._decisions.conclude, screened.items()))

    def _carry_out(self, plan: Plan) -> None:
        """Check the plan against the caps of the whole run, record it, and take what is due, the most urgent first."""
        due = plan.due()
        through = count(1)

        def take(decision: Decision) -> None:
            self._take(decision)
            self._context.progress(next(through), len(due))

        try:
            if self._orders is not None:
                self._orders.hesitate(plan)
            plan = self._within_caps(plan)
            self._report.excess = plan.excess
            for decision in plan.decisions:
                self._report.record(decision)
            self._facts.portal.pool.map(take, plan.due())
        finally:
            self._release(due)

    def _within_caps(self, plan: Plan) -> Plan:
        """Reserve what is due before the first order, so that no other process of the run can use up the caps."""
        approved = self._context.approved
        digest = None if approved is None else approved.digest
        excess = self._context.ledger.reserve(self._facts.caps, plan.reservations(), digest)
        return plan if excess is None else without_orders(plan, *excess)

    def _take(self, decision: Decision) -> None:
        if self._facts.stopped_by is not None:
            self._report.record(self._decisions.not_attempted(decision))
        elif self._orders is None:
            self._report.record(self._decisions.look_again(decision))
        else:
            self._orders.order(decision)

    def _release(self, due: list[Decision]) -> None:
        """Stop counting what was not ordered. If that fails, the caps only become narrower."""
        outcomes = self._report.outcomes
        product_nos = [one.product_no for one in due if not outcomes[one.product_no].may_have_ordered]
        try:
            self._context.ledger.release(self._facts.caps, product_nos)
        except LedgerError as error:
            run_id = self._facts.caps.run_id
            self._context.warn(f"what was not ordered still counts towards the caps of the run {run_id}: {error}")
