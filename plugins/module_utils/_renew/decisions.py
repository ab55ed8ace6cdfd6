# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide about single PBXs with all that the run knows, and decide again just before an order."""

from __future__ import annotations

from dataclasses import replace
from typing import Union

from .._decide.changes import unless_changed
from .._decide.planner import decide, screen, settled, undecided
from .._decide.reconcile import (
    recorded_order,
    unless_lost,
)
from .._ledger.location import NONE
from .._model.dates import format_instant
from .._model.decision import Decision, Terms
from .._model.vocabulary import IntentStatus, Reason, State
from .._portal.errors import AccessError, ReadError
from .facts import Facts
from .notes import Notes
from .questions import Questions
from .settlements import Settlements


class Decisions:
    """Decides about the PBXs of a run. What earlier runs left open is settled first."""

    def __init__(self, facts: Facts, notes: Notes, settlements: Settlements) -> None:
        """Decides nothing yet."""
        self._facts = facts
        self._notes = notes
        self._settlements = settlements
        self._warn = facts.context.warn
        self._questions = Questions(facts.portal, facts.context, facts.report.now)

    def conclude(self, screened: tuple[str, Union[Decision, Terms]]) -> Decision:
        """Settle what an earlier run left open; if that does not decide about the PBX, decide."""
        product_no, screening = screened
        facts = self._facts
        if product_no in facts.snapshot.subscriptions and facts.intent_to_settle(product_no) is not None:
            settlement = self._settlements.of_earlier_run(product_no)
            if settlement is not None:
                return settlement
            if product_no not in facts.due:
                return self._announce(self._screen_again(product_no))
        if isinstance(screening, Terms):
            return self._announce(self.decide_next_to_others(product_no))
        return self._announce(self._answered(screening))

    def not_decided_yet(self, product_no: str, screening: Union[Decision, Terms]) -> Decision:
        """What the report says about a PBX while only the subscriptions are known."""
        if isinstance(screening, Terms):
            return undecided(self._facts.subscription(product_no), screening)
        return screening

    def not_attempted(self, decision: Decision) -> Decision:
        """The outcome of a due PBX once the run orders nothing more."""
        return settled(decision, Reason.STOPPED, f"not attempted: {self._facts.stopped_by}")

    def decide_next_to_others(self, product_no: str) -> Decision:
        """Decide; if an order has appeared since the listing was read, read the PBX again and decide once more."""
        decision = self.decide_in_full(product_no)
        if decision.reason not in (Reason.RECENT_ORDER, Reason.AWAITING_EXPIRY):
            return decision
        try:
            self._facts.snapshot.reread(product_no)
        except ReadError as error:
            self._warn(f"{product_no}: {error}")
            return decision
        return self.decide_in_full(product_no)

    def decide_in_full(self, product_no: str) -> Decision:
        """Decide, including the questions that must be asked for this PBX alone."""
        return self._answered(self._decide(product_no))

    def decide_by_orders(self, product_no: str) -> Decision:
        """What the orders alone say about a PBX, ignoring what this run itself has left open in the ledger."""
        facts = self._facts
        intents = [one for one in facts.evidence.intents.get(product_no, ()) if not one.is_unsettled]
        evidence = replace(facts.evidence, intents={product_no: tuple(intents)})
        declaration, subscription = facts.declarations[product_no], facts.subscription(product_no)
        return decide(declaration, subscription, evidence, facts.policy, facts.report.now)

    def decide_after_another_run(self, decision: Decision) -> Decision:
        """Decide about a PBX that this run holds and another run has just tried to renew (docs/reliability.md, 38)."""
        product_no = decision.product_no
        try:
            self._facts.read_ledger_of(product_no)
            self._facts.read_orders()
            fresh = self._settlements.of_held(product_no)
            if fresh is None:
                self._facts.snapshot.reread(product_no)
                fresh = self.decide_in_full(product_no)
        except ReadError as error:
            return settled(decision, Reason.NOT_READABLE, str(error))
        if fresh.order is not None:
            return settled(fresh, Reason.STOPPED, "not attempted: another run has just tried to renew it; run again")
        return fresh

    def decide_after_refusal(self, decision: Decision) -> Decision:
        """Decide with what is known after a refusal; if the order or its price has changed, nothing is bought."""
        try:
            return unless_changed(decision, self.decide_next_to_others(decision.product_no))
        except AccessError as error:
            self._facts.stop(decision.product_no, "access was refused")
            return settled(decision, Reason.NOT_READABLE, str(error))

    def look_again(self, decision: Decision) -> Decision:
        """Read a due PBX again and decide again; it stays due only if the order is still the same."""
        product_no = decision.product_no
        try:
            self._facts.refresh_orders()
            self._facts.snapshot.reread(product_no, compares=True)
            self._facts.check_clock()
            fresh = self.decide_in_full(product_no)
        except ReadError as error:
            if isinstance(error, AccessError):
                self._facts.stop(product_no, "access was refused")
            return settled(decision, Reason.NOT_READABLE, str(error))
        return unless_changed(decision, fresh)

    def _screen_again(self, product_no: str) -> Decision:
        """The decision about a PBX that was not due, after it was read again."""
        facts = self._facts
        screening = screen(
            facts.declarations[product_no], facts.subscription(product_no), facts.policy, facts.report.now
        )
        return self.not_decided_yet(product_no, screening)

    def _announce(self, decision: Decision) -> Decision:
        """Report that an earlier run renewed this PBX, if no result has said so yet."""
        for intent in self._facts.evidence.intents.get(decision.product_no, ()):
            if intent.status == IntentStatus.RENEWED and intent.unreported_by not in (None, self._facts.caps.holder):
                order = recorded_order(intent)
                by = f"order {order}" if order else "an order that is not in the list"
                news = (
                    f"renewed by {by} from {format_instant(intent.expires_at)} on, sent by a run that was interrupted"
                    " or has not ended yet"
                )
                self._warn(f"{decision.product_no}: {news}")
                self._notes.announced.add(decision.product_no)
                decision = replace(decision, message=f"{decision.message}; {news}")
        return decision

    def _decide(self, product_no: str) -> Decision:
        facts, ledger = self._facts, self._facts.context.ledger
        declaration, subscription = facts.declarations[product_no], facts.subscription(product_no)
        decision = decide(declaration, subscription, facts.evidence, facts.policy, facts.report.now)
        gap = facts.snapshot.orders_gap
        decision = decision if gap is None or ledger.name != NONE else _unless_hidden(decision, gap)
        changed_at = ledger.server_changed_at
        if changed_at is None and ledger.has_moved and facts.report.is_check_mode:
            changed_at = facts.times.now  # what a run that orders would note
        return unless_lost(decision, changed_at, facts.times)

    def _answered(self, decision: Decision) -> Decision:
        try:
            declaration = self._facts.declarations[decision.product_no]
            return self._questions.put(decision, declaration, self._facts.evidence)
        except AccessError:
            raise
        except ReadError as error:
            return settled(decision, Reason.NOT_READABLE, str(error))


def _unless_hidden(decision: Decision, gap: str) -> Decision:
    """Without a ledger, only the order list can show what another run ordered, and a ``gap`` in it may hide that."""
    if decision.state != State.DUE:
        return decision
    return settled(
        decision,
        Reason.RECENT_ORDER,
        f"the order list may not be whole: {gap}. It may hide the renewal of this term, and without a ledger nothing"
        " else would show it; keep one (`ledger`), which every run uses, or look at the orders in the portal and renew"
        " it in the portal",
    )
