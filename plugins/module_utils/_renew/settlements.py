# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settle the intents that earlier runs left open, by what the portal shows now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Optional

from .._decide.planner import settled, unless_overdue
from .._decide.reconcile import LOOK_BEFORE_ANYTHING_ELSE, Settlement, orders_of_intent, settle
from .._ledger.ledger import LockTimeout
from .._model.dates import DAY, in_words
from .._model.decision import Decision
from .._model.intent import Intent
from .._model.vocabulary import IntentStatus, Reason, State
from .._portal.errors import AccessError, ReadError
from .facts import Facts
from .notes import Notes

OPEN_TOO_LONG = DAY  # after which an order that is still open causes a warning (docs/reliability.md, 58)
_NO_TIME = 1.0  # s of waiting after which what was read before counts as outdated


class Settlements:
    """Judges intents by the facts of a run, and notes what became of them."""

    def __init__(self, facts: Facts, notes: Notes) -> None:
        """Settles nothing yet."""
        self._facts = facts
        self._notes = notes

    def of_earlier_run(self, product_no: str) -> Optional[Decision]:
        """Settle the intent of an earlier run, once no other run is in the middle of ordering this PBX.

        None if it does not decide about the PBX.
        """
        context = self._facts.context
        asked_at = context.monotonic()
        try:
            with context.ledger.lock(product_no, context.sleep):
                self._facts.read_ledger_of(product_no)
                if context.monotonic() - asked_at > _NO_TIME:
                    self._facts.read_orders()
                return self.of_held(product_no)
        except LockTimeout as error:
            return settled(self._facts.decision(product_no), Reason.WAITING, f"{error}; {LOOK_BEFORE_ANYTHING_ELSE}")

    def of_held(self, product_no: str) -> Optional[Decision]:
        """Like `of_earlier_run`, for a PBX that this run holds."""
        intent = self._facts.intent_to_settle(product_no)
        if intent is None:
            return None
        known = self._facts.decision(product_no)
        try:
            subscription = self._facts.snapshot.reread(product_no)
            settlement = self.judge(intent)
        except AccessError:
            raise
        except ReadError as error:
            return settled(known, Reason.NOT_READABLE, f"{error}; the ledger has an intent for {intent}")
        self._notes.settle(intent, settlement)
        if settlement.reason == Reason.EXPIRY_MOVED or settlement.status == IntentStatus.ABSENT:
            return None
        decision = replace(known, subscription=subscription, known_order=settlement.order)
        decision = settled(decision, settlement.reason, settlement.message)
        ordered_at = settlement.order.created_at if settlement.order is not None else None
        since = ordered_at or intent.uncertain_since
        if known.state != State.CURRENT:  # also if it has expired, or cannot be decided about
            return unless_overdue(decision, since, self._facts.report.now)
        self._warn_of_age(decision, since)
        return decision

    def judge(self, intent: Intent) -> Settlement:
        """Judge an intent by its orders and its PBX as they were last read.

        The declared expiry is used if the portal does not report one. Raises ReadError if an order's detail is needed
        and cannot be read.
        """
        facts, product_no = self._facts, intent.product_no
        own, strays = facts.orders_for(intent)
        for order in orders_of_intent(intent, own).possible:
            if order.product_no is not None:
                own[own.index(order)] = facts.snapshot.order_in_full(order)
        declared, term_starts = facts.declarations[product_no].expires_at, facts.policy.term_starts
        settlement = settle(intent, facts.subscription(product_no), own, strays, facts.times, declared, term_starts)
        if settlement.doubt is not None:
            facts.context.warn(f"{product_no}: {settlement.doubt}")
        return settlement

    def _warn_of_age(self, decision: Decision, since: datetime) -> None:
        age = self._facts.context.clock() - since
        if decision.state == State.PENDING and age > OPEN_TOO_LONG:
            self._facts.context.warn(f"{decision.product_no}: for {in_words(age)} now: {decision.message}")
