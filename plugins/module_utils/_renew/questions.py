# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the portal about single PBXs, each a request of its own: prices and auto-renewal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._decide.auto_renewal import Switch, held_to_auto_renewal, needs_answer
from .._decide.prices import priced
from .._model.decision import Decision
from .._model.declaration import Declaration
from .._model.evidence import Evidence
from .._model.undetermined import Undetermined
from .._portal.auto_renewal_fields import read_answer
from .._portal.client import AUTO_RENEWAL, Portal
from .facts import RunContext

ANSWER_MAX_AGE = 30.0  # s after which auto-renewal is asked for again, since anyone may have switched it on
MAX_REFUSALS = 3  # PBXs in a row, after which no more questions about auto-renewal are asked


class AutoRenewals:
    """What the portal answers about the auto-renewal of single PBXs (docs/portal-api.md, 6.4)."""

    def __init__(
        self, portal: Portal, warn: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``monotonic`` gives the seconds by which answers age."""
        self._portal = portal
        self._warn = warn
        self._monotonic = monotonic
        self._asked_at: dict[str, float] = {}
        self._refused: set[str] = set()  # in a row
        self._is_given_up = False
        self.answers: dict[str, Any] = {}  # as received

    def of(self, product_no: str) -> Switch:
        """Whether it is on, from a recent answer, or why that is unknown. Raises ReadError."""
        if self._is_old(product_no):
            if self._is_given_up:
                return Undetermined(
                    "auto_renewal", "auto_renewal: it was not asked for, since the portal refuses to say"
                )
            asked_at = self._monotonic()
            self.answers[product_no] = self._portal.auto_renewal_answer(product_no)
            self._asked_at[product_no] = asked_at
            self._note(product_no)
        return read_answer(self.answers[product_no])

    def _is_old(self, product_no: str) -> bool:
        asked_at = self._asked_at.get(product_no)
        return asked_at is None or self._monotonic() - asked_at > ANSWER_MAX_AGE

    def _note(self, product_no: str) -> None:
        """Give up asking after repeated refusals."""
        refusal = self.answers[product_no]
        if not isinstance(refusal, Undetermined) or refusal.reported:
            self._refused.clear()
            return
        self._refused.add(product_no)
        if len(self._refused) >= MAX_REFUSALS and not self._is_given_up:
            self._is_given_up = True
            self._warn(
                f"GET {AUTO_RENEWAL}: refused for {MAX_REFUSALS} PBXs in a row, and not asked for again in this run"
                f" ({refusal.why}); where it is not known whether auto-renewal is on, on_unknown_auto_renewal decides"
            )


class Questions:
    """Asks about a PBX that would be ordered, and decides by the answers."""

    def __init__(self, portal: Portal, context: RunContext, now: datetime) -> None:
        """``now`` is the instant of every decision."""
        self._portal = portal
        self._warn = context.warn
        self._policy = context.policy
        self._approved = context.approved
        self._now = now
        self._auto_renewals = AutoRenewals(portal, context.warn, context.monotonic)

    def put(self, decision: Decision, declaration: Declaration, evidence: Evidence) -> Decision:
        """Price a decision, check it against the approved plan, then ask whether the portal renews the PBX itself.

        Raises ReadError.
        """
        product_no = decision.product_no
        if decision.order is not None and self._policy.needs_prices:
            price = self._portal.renewal_price(decision.order, evidence.catalog)
            decision = priced(decision, price, self._policy, evidence.intents.get(product_no, ()))
        approved = None
        if self._approved is not None:
            decision = self._approved.hold(decision)
            approved = self._approved.items.get(product_no, {}).get("auto_renewal")
        if not needs_answer(decision):
            return decision
        if self._policy.prices_only:
            return replace(decision, message=f"{decision.message}; whether auto-renewal is on was not asked for")
        self._warn_of_manners(decision, declaration)
        answer = self._auto_renewals.of(product_no)
        return held_to_auto_renewal(decision, declaration, answer, self._policy, self._now, approved)

    def _warn_of_manners(self, decision: Decision, declaration: Declaration) -> None:
        subscription = decision.subscription
        if subscription is None or declaration.auto_renewal is not None:
            return
        for manner in subscription.renewal_manners or ():
            self._warn(
                f"the portal reports {manner}, which may mean that it renews PBXs by itself; look in the portal, and"
                " declare auto_renewal or name its field in field_map"
            )
