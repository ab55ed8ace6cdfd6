# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note in the ledger what becomes of intents, and remember it for the decisions of this run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .._decide.reconcile import Settlement, columns_of
from .._ledger.database import LedgerError
from .._ledger.ledger import IntentConflict
from .._model.intent import Intent
from .._model.vocabulary import IntentStatus, Reason
from .facts import Facts


class Notes:
    """Changes intents. If one cannot be noted, the run stops, since nobody can rely on it later."""

    def __init__(self, facts: Facts) -> None:
        """``facts`` hold the ledger; a run without orders has one that is never written."""
        self._facts = facts
        self._ledger = facts.context.ledger
        # PBXs that an earlier run renewed without reporting it.
        self.announced: set[str] = set()

    def change(self, intent: Intent, **changes: Any) -> Intent:
        """Note what became of an order. If that fails, this run orders no more, and the next relies on evidence."""
        try:
            changed = self._ledger.update(intent, **changes)
        except IntentConflict as taken:
            changed = taken.intent  # another run has settled it, or continued from there
        except LedgerError as error:
            self._facts.context.warn(f"{intent.product_no}: what became of its order could not be noted: {error}")
            self._facts.stop(intent.product_no, str(error))
            changed = replace(intent, **changes)
        self._facts.remember(changed)
        return changed

    def close(self, intent: Intent, status: IntentStatus, note: str) -> Intent:
        """Note that nothing came of an intent, and why."""
        return self.change(intent, status=status, note=note)

    def settle(self, intent: Intent, settlement: Settlement) -> Intent:
        """Note what the evidence says about an intent, with the order that it shows."""
        if settlement.reason == Reason.WAITING and settlement.status == intent.status:
            return intent
        order = settlement.order
        is_of_the_pbx = order is not None and order.product_no in (None, intent.product_no)
        columns = columns_of(order) if order is not None and is_of_the_pbx else {}
        return self.change(intent, status=settlement.status, note=settlement.message, **columns)

    def note_reported(self, has_sent: bool) -> None:
        """Note what this run's result reports, if anyone is there to read it, so that later runs do not repeat it."""
        if not (has_sent or self.announced) or not self._facts.context.is_awaited():
            return
        try:
            self._ledger.note_reported(self._facts.caps.holder, self.announced)
        except LedgerError as error:
            self._facts.context.warn(f"the next run says again what this one has bought: {error}")
