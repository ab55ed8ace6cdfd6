# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run knows: the account as it was read, the ledger, the orders and how recent they are."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Optional

from .._concurrency import Gate
from .._decide.caps import caps_of
from .._decide.cycles import current_term_began
from .._decide.reconcile import UNKNOWN_SKEW, Times
from .._decide.saved_plan import SavedPlan
from .._ledger.ledger import Ledger
from .._model.dates import in_words
from .._model.decision import Decision, Terms
from .._model.declaration import Declaration, Policy
from .._model.evidence import Evidence
from .._model.intent import Intent
from .._model.order import Order
from .._model.po_number import related_orders
from .._model.span import same_expiry
from .._model.subscription import Subscription
from .._model.vocabulary import IntentStatus
from .._portal.client import Portal
from .._portal.errors import ReadError
from .._portal.snapshot import Snapshot
from .report import Report

ORDERS_MAX_AGE = 30.0  # s after which the orders are read again, since others may order too (docs/reliability.md, 40)
SKEW_TO_WARN_OF = timedelta(minutes=5)
SKEW_TO_REFUSE = timedelta(hours=12)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class RunContext:
    """What a run works with besides the portal: its policy, the ledger, the clocks, and where to warn.

    ``clock`` gives the controller's instant, ``monotonic`` seconds that never jump; ``ahead`` is how far ``clock`` has
    been set ahead of the controller's own, for a simulator that does not follow it. ``approved`` is the saved plan to
    carry out, if there is one; ``progress`` receives how many due PBXs are done, and out of how many. Once
    ``is_awaited`` returns False, nothing more is ordered or followed. ``wait_timeout`` (s) bounds how long orders are
    followed.
    """

    policy: Policy
    ledger: Ledger
    clock: Callable[[], datetime]
    warn: Callable[[str], None]
    ahead: timedelta = timedelta(0)
    approved: Optional[SavedPlan] = None
    progress: Callable[[int, int], None] = lambda through, due: None
    is_awaited: Callable[[], bool] = lambda: True
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait_timeout: float = 0.0


class Facts:
    """What is known of an account in one run."""

    def __init__(self, portal: Portal, context: RunContext, report: Report) -> None:
        """``report`` is filled in as the run goes on; its ``now`` is the instant of every decision."""
        self.portal = portal
        self.context = context
        self.policy = context.policy
        self.report = report
        self.caps = caps_of(self.policy, holder=uuid.uuid4().hex)
        self.declarations: dict[str, Declaration] = {}
        self.snapshot = Snapshot(portal, self.declarations)
        self._intents: dict[str, tuple[Intent, ...]] = {}  # changed in place: copying it at each order would add up
        self._intents_of_all: tuple[Intent, ...] = ()  # of every PBX of the portal, when the run began
        self.evidence = Evidence(intents=self._intents)
        self.due: dict[str, Terms] = {}
        self._orders_by_number: dict[str, list[tuple[str, Order]]] = {}
        self._orders_read_at = 0.0
        self._reading_orders = Gate(portal.pool)
        # When the orders were read; long ago before that.
        self.times = Times(_LONG_AGO, _LONG_AGO, self.policy.settle_window)
        # Why nothing more is ordered; None while orders may be sent.
        self.stopped_by: Optional[str] = None

    def subscription(self, product_no: str) -> Subscription:
        """A PBX as it was last read."""
        return self.snapshot.subscriptions[product_no]

    def decision(self, product_no: str) -> Decision:
        """What the report says about a PBX at this moment."""
        return self.report.outcomes[product_no].decision

    def stop(self, product_no: str, why: str) -> None:
        """Order nothing more in this run."""
        self.stopped_by = f"{product_no}: {why}"

    def check_clock(self) -> None:
        """Compare the controller's clock with the portal's (docs/reliability.md, 47). Raises ReadError if far off."""
        offset = self.portal.clock_offset
        if offset is None:
            return
        off = self._off(offset)
        if off <= SKEW_TO_WARN_OF:
            return
        seen = f"this controller's clock is {in_words(off)} {'behind' if offset > timedelta(0) else 'ahead of'}"
        if off > SKEW_TO_REFUSE:
            raise ReadError("clocks", f"{seen} the portal's: set it, since every decision here depends on the date")
        self.context.warn(f"{seen} the portal's; set it, since every decision here depends on the date")

    def read_ledger_of(self, product_no: str) -> None:
        """Read again what the ledger has on one PBX; what this run is doing about others stays untouched."""
        self._intents[product_no] = tuple(self.context.ledger.intents_of(product_no))
        self.evidence = replace(self.evidence, unrelated=self.context.ledger.unrelated_orders())

    def read_ledger(self) -> None:
        """Read what the ledger has on the PBXs of this run, and on all other PBXs to match their orders."""
        self._intents.clear()
        self._intents_of_all = tuple(self.context.ledger.intents())
        for intent in self._intents_of_all:
            if intent.product_no in self.declarations:
                self._intents[intent.product_no] = (*self._intents.get(intent.product_no, ()), intent)
        self.evidence = replace(self.evidence, unrelated=self.context.ledger.unrelated_orders())

    def read_evidence(self) -> None:
        """Read what the account holds, if anything is due or unsettled."""
        reads = [self._read_catalog, self._read_contacts] if self.due else []
        if self.due or self._unsettled():
            reads.append(self.read_orders)
        self.portal.pool.map(lambda read: read(), reads)

    def _read_catalog(self) -> None:
        catalog = self.portal.catalog(self.portal.catalog_answer())
        self.evidence = replace(self.evidence, catalog=catalog)

    def _read_contacts(self) -> None:
        contacts = tuple(map(self.portal.billing_contact, self.portal.billing_contact_rows()))
        self.evidence = replace(self.evidence, contacts=contacts)

    def _unsettled(self) -> list[Intent]:
        return [intent for intents in self.evidence.intents.values() for intent in intents if intent.is_unsettled]

    def read_orders(self) -> None:
        """Read the whole order list, back to what any decision or settlement needs. Raises ReadError.

        One reading runs at a time, so that an older one never replaces a newer one.
        """
        with self._reading_orders.alone():
            self._read_orders_now()

    def _read_orders_now(self) -> None:
        begins = [current_term_began(terms) for terms in self.due.values()]
        begins += [intent.uncertain_since - UNKNOWN_SKEW for intent in self._unsettled()]
        # Taken before the list is read: an order may appear while it is being read.
        asked_at = self.context.clock()
        # Not from the ledger: what was sent must be checked against the orders even if the ledger has since lost it.
        intents = [*self._intents_of_all, *(one for own in self._intents.values() for one in own)]
        as_of = self.snapshot.read_orders(min(begins, default=self.report.now), intents)
        # A clock set for a test is the only one used, since the portal's does not follow it.
        portal = None if self.context.ahead else as_of
        self.times = Times(asked_at, portal, self.policy.settle_window, self.snapshot.orders_gap)
        orders = self.snapshot.orders
        self.evidence = replace(self.evidence, orders=orders, unplaced=self.snapshot.unplaced)
        self._orders_by_number = {}
        for number, order in ((number, order) for number, own in orders.items() for order in own):
            self._orders_by_number.setdefault(order.po_number or "", []).append((number, order))
        self._orders_read_at = self.context.monotonic()

    def intent_to_settle(self, product_no: str) -> Optional[Intent]:
        """The intent of a PBX that is unsettled, or that counts as renewed although its old expiry has come back."""
        terms = self.due.get(product_no)
        for intent in self.evidence.intents.get(product_no, ()):
            came_back = terms is not None and same_expiry(intent.expires_at, terms.expires_at)
            if intent.is_unsettled or (intent.status == IntentStatus.RENEWED and came_back):
                return intent
        return None

    def orders_for(self, intent: Intent) -> tuple[list[Order], list[Order]]:
        """The orders of an intent's PBX, and those of others with its number, unless a person called them unrelated.

        The former include orders that may be for any PBX, but their lines prove nothing.
        """
        same_number = self._orders_by_number.get(intent.po_number, ())
        strays = [order for product_no, order in same_number if product_no != intent.product_no]
        related = [order for order in strays if not self.evidence.is_unrelated(intent.product_no, order)]
        unplaced = [replace(order, lines=None) for order, dummy in self.evidence.unplaced_for(intent.product_no)]
        return [*related_orders(self.evidence, intent.product_no), *unplaced], related

    def orders_that_may_be_of(self, product_no: str) -> list[Order]:
        """The orders of a PBX, and those that may be for any PBX, even if a person called them unrelated."""
        return [*self.evidence.orders.get(product_no, ()), *(order for order, dummy in self.evidence.unplaced)]

    def portal_now(self) -> Optional[datetime]:
        """The portal's instant; None if it is unknown, or so far off that it proves nothing."""
        offset = self.portal.clock_offset
        return None if offset is None or self._off(offset) > SKEW_TO_REFUSE else self.context.clock() + offset

    def _off(self, offset: timedelta) -> timedelta:
        """How far apart two clocks are, one of which may have been set for a test."""
        return min(abs(offset), abs(offset + self.context.ahead))

    def remember(self, intent: Intent) -> None:
        """Keep what became of an intent, for the decisions of this run."""
        others = [
            other
            for other in self.evidence.intents.get(intent.product_no, ())
            if not same_expiry(other.expires_at, intent.expires_at)
        ]
        self._intents[intent.product_no] = (*others, intent)

    def refresh_orders(self) -> None:
        """Read the orders again, unless they are recent. Raises ReadError."""
        with self._reading_orders.alone():
            if self.context.monotonic() - self._orders_read_at > ORDERS_MAX_AGE:
                self._read_orders_now()
