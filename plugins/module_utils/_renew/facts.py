# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run knows: the account as it was read, the ledger, the orders and as of when they are."""

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
from .._model import intent as _intent
from .._model.dates import in_words
from .._model.decision import Terms
from .._model.declaration import Declaration, Policy
from .._model.evidence import Evidence
from .._model.intent import Intent
from .._model.order import Order
from .._model.po_number import related_orders
from .._model.span import same_expiry
from .._portal.client import Portal
from .._portal.errors import ReadError
from .._portal.snapshot import Snapshot
from .questions import Questions
from .report import Report

ORDERS_MAX_AGE = 30.0  # s after which what others may have ordered is looked at again (docs/reliability.md, 40)
SKEW_TO_WARN_OF = timedelta(minutes=5)
SKEW_TO_REFUSE = timedelta(hours=12)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Setting:
    """What a run works with beside the portal: its policy, the ledger, the controller's clock, and where to warn.

    ``ahead`` is how far ``clock`` has been set ahead of the controller's own, for a simulator that does not follow it;
    ``approved`` is the plan that is carried out, if one is; ``tell`` is told how many of how many due PBXs are through.
    Once ``is_awaited`` says no, nothing is ordered or followed any more.
    """

    policy: Policy
    ledger: Ledger
    clock: Callable[[], datetime]
    warn: Callable[[str], None]
    ahead: timedelta = timedelta(0)
    approved: Optional[SavedPlan] = None
    tell: Callable[[int, int], None] = lambda through, due: None
    is_awaited: Callable[[], bool] = lambda: True


class Facts:
    """What is known of an account in one run."""

    def __init__(self, portal: Portal, setting: Setting, report: Report) -> None:
        """``report`` is filled as the run goes on; its ``now`` is the instant of every decision."""
        self._portal = portal
        self._pool = portal.pool
        self._policy = setting.policy
        self._ledger = setting.ledger
        self._clock = setting.clock
        self._warn = setting.warn
        self._ahead = setting.ahead
        self._approved = setting.approved
        self._tell = setting.tell
        self._caps = caps_of(self._policy, holder=uuid.uuid4().hex)
        self._report = report
        self._declarations: dict[str, Declaration] = {}
        self._snapshot = Snapshot(portal, self._declarations)
        self._questions = Questions(portal, self._policy, self._approved, report.now, self._warn)
        self._intents: dict[str, tuple[Intent, ...]] = {}  # changed in place: a copy at each order would add up
        self._intents_of_all: tuple[Intent, ...] = ()  # of every PBX of the portal, as the run began
        self._evidence = Evidence(intents=self._intents)
        self._due: dict[str, Terms] = {}
        self._orders_by_number: dict[str, list[tuple[str, Order]]] = {}
        self._orders_read_at = 0.0
        self._reading_orders = Gate(self._pool)
        # As of which instants the orders are; before they are read, long ago.
        self._times = Times(_LONG_AGO, _LONG_AGO, self._policy.settle_window)
        self._stopped_by: Optional[str] = None
        # PBXs that an earlier run has renewed without ever saying so.
        self._announced: set[str] = set()

    def _check_clock(self) -> None:
        """Compare the controller's clock with the portal's (docs/reliability.md, 47). Raises ReadError if far off."""
        offset = self._portal.clock_offset
        if offset is None:
            return
        off = self._off(offset)
        if off <= SKEW_TO_WARN_OF:
            return
        seen = f"this controller's clock is {in_words(off)} {'behind' if offset > timedelta(0) else 'ahead of'}"
        if off > SKEW_TO_REFUSE:
            raise ReadError("clocks", f"{seen} the portal's: set it, since every decision here depends on the date")
        self._warn(f"{seen} the portal's; set it, since every decision here depends on the date")

    def _read_ledger_of(self, product_no: str) -> None:
        """Read anew what the ledger has of one PBX; what this run is doing about others meanwhile is not touched."""
        self._intents[product_no] = tuple(self._ledger.intents_of(product_no))
        self._evidence = replace(self._evidence, unrelated=self._ledger.unrelated_orders())

    def _read_ledger(self) -> None:
        self._intents.clear()
        self._intents_of_all = tuple(self._ledger.intents())
        for intent in self._intents_of_all:
            if intent.product_no in self._declarations:
                self._intents[intent.product_no] = (*self._intents.get(intent.product_no, ()), intent)
        self._evidence = replace(self._evidence, unrelated=self._ledger.unrelated_orders())

    def _read_evidence(self) -> None:
        """Read what the account holds, as far as anything is due or unsettled."""
        reads = [self._read_catalog, self._read_contacts] if self._due else []
        if self._due or self._unsettled():
            reads.append(self._read_orders)
        self._pool.map(lambda read: read(), reads)

    def _read_catalog(self) -> None:
        catalog = self._portal.catalog(self._portal.catalog_answer())
        self._evidence = replace(self._evidence, catalog=catalog)

    def _read_contacts(self) -> None:
        contacts = tuple(map(self._portal.billing_contact, self._portal.billing_contact_rows()))
        self._evidence = replace(self._evidence, contacts=contacts)

    def _unsettled(self) -> list[Intent]:
        return [intent for intents in self._evidence.intents.values() for intent in intents if intent.is_unsettled]

    def _read_orders(self) -> None:
        """Read the whole order list, back to what any decision or settlement needs. Raises ReadError.

        One reading at a time, so that an older one never comes after a newer one.
        """
        with self._reading_orders.alone():
            self._read_orders_now()

    def _read_orders_now(self) -> None:
        begins = [current_term_began(terms) for terms in self._due.values()]
        begins += [intent.uncertain_since - UNKNOWN_SKEW for intent in self._unsettled()]
        # From before the list is read: what it does not show may have come to it since.
        asked_at = self._clock()
        # Not from the ledger: what was sent must be held against the orders also where that has been lost since.
        intents = [*self._intents_of_all, *(one for own in self._intents.values() for one in own)]
        as_of = self._snapshot.read_orders(min(begins, default=self._report.now), intents)
        # A clock that was set for a test counts alone, since the portal's does not follow it.
        portal = None if self._ahead else as_of
        self._times = Times(asked_at, portal, self._policy.settle_window, self._snapshot.orders_gap)
        orders = self._snapshot.orders
        self._evidence = replace(self._evidence, orders=orders, unplaced=self._snapshot.unplaced)
        self._orders_by_number = {}
        for number, order in ((number, order) for number, own in orders.items() for order in own):
            self._orders_by_number.setdefault(order.po_number or "", []).append((number, order))
        self._orders_read_at = time.monotonic()

    def _intent_to_settle(self, product_no: str) -> Optional[Intent]:
        """The intent of a PBX that is unsettled, or that says renewed of an expiry that has come back."""
        terms = self._due.get(product_no)
        for intent in self._evidence.intents.get(product_no, ()):
            came_back = terms is not None and same_expiry(intent.expires_at, terms.expires_at)
            if intent.is_unsettled or (intent.status == _intent.RENEWED and came_back):
                return intent
        return None

    def _orders_for(self, intent: Intent) -> tuple[list[Order], list[Order]]:
        """The orders of an intent's PBX, and those of others with its number, that no person has called unrelated.

        An order that may be for any PBX is among the former, but proves nothing by its lines.
        """
        same_number = self._orders_by_number.get(intent.po_number, ())
        strays = [order for product_no, order in same_number if product_no != intent.product_no]
        related = [order for order in strays if not self._evidence.is_unrelated(intent.product_no, order)]
        unplaced = [replace(order, lines=None) for order, dummy in self._evidence.unplaced_for(intent.product_no)]
        return [*related_orders(self._evidence, intent.product_no), *unplaced], related

    def _orders_that_may_be_of(self, product_no: str) -> list[Order]:
        """The orders of a PBX, and those that may be for any, whatever a person has said of them."""
        return [*self._evidence.orders.get(product_no, ()), *(order for order, dummy in self._evidence.unplaced)]

    def _portal_now(self) -> Optional[datetime]:
        offset = self._portal.clock_offset
        return None if offset is None or self._off(offset) > SKEW_TO_REFUSE else self._clock() + offset

    def _off(self, offset: timedelta) -> timedelta:
        """How far two clocks are apart, of which one may have been set for a test."""
        return min(abs(offset), abs(offset + self._ahead))

    def _remember(self, intent: Intent) -> None:
        others = [
            other
            for other in self._evidence.intents.get(intent.product_no, ())
            if not same_expiry(other.expires_at, intent.expires_at)
        ]
        self._intents[intent.product_no] = (*others, intent)

    def _refresh_orders(self) -> None:
        with self._reading_orders.alone():
            if time.monotonic() - self._orders_read_at > ORDERS_MAX_AGE:
                self._read_orders_now()
