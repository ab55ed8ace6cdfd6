# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the refusal of an order means: nothing was bought, or there is an order all the same.

Only a refusal that says it came before any processing, 401 or 429, lets the protocol run once more. A refusal that is
not definite leaves its intent open: the portal may have made the order all the same.
"""

from __future__ import annotations

from dataclasses import replace

from .._decide.planner import settled
from .._decide.reconcile import living, orders_of_intent, until_freed
from .._model.decision import Decision
from .._model.intent import Intent
from .._model.vocabulary import IntentStatus, Reason
from .._portal.errors import ReadError, Rejected
from .._portal.transport import MAX_RETRY_AFTER
from .decisions import Decisions
from .facts import Facts
from .follow import Follow
from .notes import Notes

_BEFORE_PROCESSING = (401, 429)


class Refusals:
    """Finds out from each refusal what is known about its order."""

    def __init__(self, facts: Facts, notes: Notes, decisions: Decisions, follow: Follow) -> None:
        """``follow`` sees through what may have been ordered all the same."""
        self._facts = facts
        self._report = facts.report
        self._notes = notes
        self._decisions = decisions
        self._follow = follow

    def handle(self, decision: Decision, intent: Intent, error: Rejected, is_last: bool) -> bool:
        """Return whether the protocol may run again, after the pause that the refusal asks for."""
        if not error.is_definite:
            self._handle_in_doubt(decision, intent, error)
            return False
        reason = Reason.RATE_LIMITED if error.status == 429 else Reason.REJECTED
        self._report.record(settled(decision, reason, f"the order was not placed: {error}"))
        intent = self._notes.close(intent, IntentStatus.REJECTED, str(error))
        if self._facts.stopped_by is not None:
            return False
        delay = error.retry_after if error.status in _BEFORE_PROCESSING and not is_last else None
        if delay is not None and delay <= MAX_RETRY_AFTER:
            with self._facts.portal.send_gate.closed():
                self._facts.context.sleep(delay)
            return not self._is_there_already(decision, intent, error)
        if error.status in (*_BEFORE_PROCESSING, 403):
            self._facts.stop(decision.product_no, "the portal refuses orders")
        self._is_there_already(decision, intent, error)
        return False

    def _handle_in_doubt(self, decision: Decision, intent: Intent, error: Rejected) -> None:
        """Treat an order refused with an unknown code as one that may exist all the same; other PBXs go on."""
        intent = self._follow.still_uncertain(intent, f"refused: {error}")
        freed = until_freed(intent.uncertain_since + self._facts.policy.settle_window)
        message = f"{error}; what this refusal means is not known, so it may have been ordered all the same: {freed}"
        refused = settled(decision, Reason.REJECTED, message)
        self._report.record(refused, may_have_ordered=True)
        self._follow.add(refused, intent, is_followed=False)
        self._is_there_already(decision, intent, error)

    def _is_there_already(self, decision: Decision, intent: Intent, error: Rejected) -> bool:
        """Whether an existing order explains the refusal, possibly our own, replayed by a proxy.

        (docs/reliability.md, 35 and 37)
        """
        try:
            self._facts.read_orders()
            found = orders_of_intent(intent, self._facts.orders_for(intent)[0])
        except ReadError as failure:
            self._facts.context.warn(f"{decision.product_no}: after the refusal of its order: {failure}")
            return True
        own, possible = living(found.certain), living((*found.agreeing, *found.possible))
        # Not every portal shows numbers. A refusal before processing cannot come from a replay of our own order.
        nameless = [one for one in possible if not one.po_number and error.status not in _BEFORE_PROCESSING]
        if own:
            message = f"order {own[0]} is accepted (and refused as well: {error})"
            adopted = replace(settled(decision, Reason.ALREADY_ORDERED, message), known_order=own[0])
            self._report.record(adopted, may_have_ordered=True)
            self._follow.add(decision, intent)
            self._follow.verify(decision.product_no)
        elif nameless:
            problem = f"{error}, and yet order {nameless[0]} has come since, which may be ours"
            self._follow.add_uncertain(decision, intent, problem)
        else:
            fresh = self._decisions.decide_by_orders(decision.product_no)
            if fresh.known_order is None:
                return False
            message = f"{fresh.message} (asked all the same: {error})"
            self._report.record(replace(fresh, message=message), may_have_ordered=not error.is_definite)
        return True
