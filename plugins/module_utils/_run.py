# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over one account, up to but without the order: read, settle what earlier runs left open, decide, read again.

A report that was given before the run is kept truthful at every step, so that whoever is interrupted can still say what
may have been ordered.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Optional, Union

from . import _intent, _states
from ._intent import Intent
from ._ledger import Caps, Ledger
from ._model import Decision, Declaration, Evidence, Order, Policy, Subscription, Terms
from ._money import Money
from ._planner import (
    Plan,
    current_term_began,
    decide,
    make_plan,
    not_found,
    screen,
    settled,
    undecided,
    unless_changed,
    unless_lapsed,
    without_orders,
)
from ._pool import Gate
from ._portal import Portal
from ._prices import priced
from ._results import Report
from ._saved_plan import SavedPlan
from ._settlement import UNKNOWN_SKEW, Settlement, Times, settle
from ._snapshot import Snapshot
from ._terms import effective, same_expiry
from ._time import DAY, in_words
from ._transport import AccessError, ReadError

ORDERS_MAX_AGE = 30.0  # s after which what others may have ordered is looked at again (faults, row 40)
SKEW_TO_WARN_OF = timedelta(minutes=5)
SKEW_TO_REFUSE = timedelta(hours=12)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)
OPEN_TOO_LONG = DAY  # after which an order that is still open is warned of (faults, row 58)


@dataclass(frozen=True)
class Setting:
    """What a run works with beside the portal: its policy, the ledger, the controller's clock, and where to warn.

    ``ahead`` is how far ``clock`` has been set ahead of the controller's own, for a simulator that does not follow it;
    ``approved`` is the plan that is carried out, if one is; ``tell`` is told how many of how many due PBXs are through.
    """

    policy: Policy
    ledger: Ledger
    clock: Callable[[], datetime]
    warn: Callable[[str], None]
    ahead: timedelta = timedelta(0)
    approved: Optional[SavedPlan] = None
    tell: Callable[[int, int], None] = lambda through, due: None


class Run:
    """A run that orders nothing, and writes nothing into the ledger."""

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
        self._caps = Caps(self._policy.run_id, self._policy.max_orders, self._policy.max_total, uuid.uuid4().hex)
        self._report = report
        self._snapshot = Snapshot(portal)
        self._declarations: dict[str, Declaration] = {}
        self._intents: dict[str, tuple[Intent, ...]] = {}  # changed in place: a copy at each order would add up
        self._evidence = Evidence(intents=self._intents)
        self._due: dict[str, Terms] = {}
        self._orders_by_number: dict[str, list[tuple[str, Order]]] = {}
        self._orders_read_at = 0.0
        self._reading_orders = Gate(self._pool)
        # As of which instants the orders are; before they are read, long ago.
        self._times = Times(_LONG_AGO, _LONG_AGO, self._policy.settle_window)
        self._stopped_by: Optional[str] = None

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """Decide about every PBX; then take those that are due, the most urgent first, as many at once as the pool may.

        Raises ReadError when what all decisions need cannot be read, LedgerError when the ledger cannot be trusted;
        nothing was ordered then. Whatever else is raised leaves a report in which nothing is called due that was not
        attempted.
        """
        try:
            self._execute(declarations)
        except BaseException as error:
            self._report.break_off(str(error) or type(error).__name__)
            raise

    def _execute(self, declarations: Iterable[Declaration]) -> None:
        self._declarations = {declaration.product_no: declaration for declaration in declarations}
        self._snapshot.read_listing()
        self._check_clock()
        self._read_ledger()
        screened = dict(zip(self._declarations, self._pool.map(self._screen, self._declarations)))
        self._due = {product_no: terms for product_no, terms in screened.items() if isinstance(terms, Terms)}
        for product_no, screening in screened.items():
            self._report.record(self._not_decided_yet(product_no, screening))
        self._read_evidence()
        decisions = self._pool.map(self._conclude, screened.items())
        self._carry_out(make_plan(decisions, self._policy))

    def _carry_out(self, plan: Plan) -> None:
        """Hold the plan against the caps of the whole run, record it, and take what is due, the most urgent first."""
        excess = self._count({decision.product_no: decision.price for decision in plan.due()})
        if excess is not None:
            plan = without_orders(plan.decisions, *excess)
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

    def _count(self, prices: Mapping[str, Optional[Money]]) -> Optional[tuple[str, str]]:
        if self._approved is not None:
            self._ledger.refuse_spent(self._approved.digest)
        return self._ledger.excess(self._caps, prices)

    def _take(self, planned: Decision) -> None:
        self._report.record(self._look_again(planned))

    # the facts

    def _check_clock(self) -> None:
        """Hold the controller's clock against the portal's (faults, row 47). Raises ReadError if one is far off."""
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
        for intent in self._ledger.intents():
            if intent.product_no in self._declarations:
                self._intents[intent.product_no] = (*self._intents.get(intent.product_no, ()), intent)
        self._evidence = replace(self._evidence, unrelated=self._ledger.unrelated_orders())

    def _screen(self, product_no: str) -> Union[Decision, Terms]:
        """Screen with the listing's row; where that does not tell enough, with the detail as well."""
        declaration = self._declarations[product_no]
        subscription = self._snapshot.subscriptions.get(product_no)
        if subscription is None:
            return not_found(product_no, self._snapshot.subscriptions)
        screened = screen(declaration, subscription, self._policy, self._report.now)
        if isinstance(screened, Terms):
            # A listing that names no services may just not have them, and they have a price of their own.
            if screened.services or not (declaration.services or self._policy.needs_prices):
                return screened
        elif screened.reason != "cannot_determine":
            return screened
        try:
            subscription = self._snapshot.complete(product_no)
        except AccessError:
            raise
        except ReadError as error:
            known = screened if isinstance(screened, Decision) else undecided(subscription, screened)
            return settled(known, "not_readable", str(error))
        return screen(declaration, subscription, self._policy, self._report.now)

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
        # A clock that was set for a test counts alone, since the portal's does not follow it.
        portal_now = None if self._ahead else self._portal_now()
        times = Times(self._clock(), portal_now, self._policy.settle_window)
        orders = self._snapshot.read_orders(min(begins, default=self._report.now))
        self._times = times
        self._evidence = replace(self._evidence, orders=orders)
        self._orders_by_number = {}
        for number, order in ((number, order) for number, own in orders.items() for order in own):
            self._orders_by_number.setdefault(order.po_number or "", []).append((number, order))
        self._orders_read_at = time.monotonic()

    # the decision

    def _conclude(self, screened: tuple[str, Union[Decision, Terms]]) -> Decision:
        """Settle what an earlier run left open; if nothing is left of it, decide."""
        product_no, screening = screened
        if product_no in self._snapshot.subscriptions and self._intent_to_settle(product_no) is not None:
            settlement = self._settle_earlier(product_no)
            if settlement is not None:
                return settlement
            if product_no not in self._due:
                return self._screened_anew(product_no)
        if isinstance(screening, Terms):
            return self._decide_beside_others(product_no)
        return screening if self._approved is None else self._approved.hold(screening)

    def _not_decided_yet(self, product_no: str, screening: Union[Decision, Terms]) -> Decision:
        if isinstance(screening, Terms):
            return undecided(self._snapshot.subscriptions[product_no], screening)
        return screening

    def _decide_beside_others(self, product_no: str) -> Decision:
        """Decide; where an order has come since the listing was read, with what the PBX tells by now."""
        decision = self._decide_with_price(product_no)
        if decision.reason not in ("recent_order", "awaiting_expiry"):
            return decision
        try:
            self._snapshot.reread(product_no)
        except ReadError as error:
            self._warn(f"{product_no}: {error}")
            return decision
        return self._decide_with_price(product_no)

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
        except AccessError:
            raise
        except ReadError as error:
            return settled(known, "not_readable", f"{error}; the ledger has an intent for {intent}")
        settlement = self._settle(intent, subscription)
        self._keep(intent, settlement)
        if settlement.reason == "expiry_moved" or settlement.status == _intent.ABSENT:
            return None
        known = replace(known, subscription=subscription, known_order=settlement.order)
        decision = settled(known, settlement.reason, settlement.message)
        self._warn_of_age(decision, intent.uncertain_since)
        return unless_lapsed(decision, intent.uncertain_since, self._report.now)

    def _settle(self, intent: Intent, subscription: Subscription) -> Settlement:
        """Judge an intent by its orders and its PBX, with the declared expiry where the portal does not report one."""
        declared = self._declarations[subscription.product_no].expires_at
        told = replace(subscription, expires_at=effective(declared, subscription.expires_at))
        settlement = settle(intent, told, *self._orders_for(intent), self._times)
        if settlement.doubt is not None:
            self._warn(f"{intent.product_no}: {settlement.doubt}")
        return settlement

    def _intent_to_settle(self, product_no: str) -> Optional[Intent]:
        """The intent of a PBX that is unsettled, or that says renewed of an expiry that has come back."""
        terms = self._due.get(product_no)
        for intent in self._evidence.intents.get(product_no, ()):
            came_back = terms is not None and same_expiry(intent.expires_at, terms.expires_at)
            if intent.is_unsettled or (intent.status == _intent.RENEWED and came_back):
                return intent
        return None

    def _orders_for(self, intent: Intent) -> tuple[list[Order], list[Order]]:
        """The orders of an intent's PBX that no person has called unrelated, and those of others with its number."""
        unrelated = self._evidence.unrelated
        own = [order for order in self._evidence.orders.get(intent.product_no, ()) if order.order_no not in unrelated]
        same_number = self._orders_by_number.get(intent.po_number, ())
        return own, [order for product_no, order in same_number if product_no != intent.product_no]

    def _portal_now(self) -> Optional[datetime]:
        offset = self._portal.clock_offset
        return None if offset is None or self._off(offset) > SKEW_TO_REFUSE else self._clock() + offset

    def _off(self, offset: timedelta) -> timedelta:
        """How far two clocks are apart, of which one may have been set for a test."""
        return min(abs(offset), abs(offset + self._ahead))

    def _keep(self, intent: Intent, settlement: Settlement) -> Intent:
        """Remember what an intent has come to, for the decisions of this run."""
        changed = replace(intent, status=settlement.status)
        self._remember(changed)
        return changed

    def _remember(self, intent: Intent) -> None:
        others = [
            other
            for other in self._evidence.intents.get(intent.product_no, ())
            if not same_expiry(other.expires_at, intent.expires_at)
        ]
        self._intents[intent.product_no] = (*others, intent)

    def _warn_of_age(self, decision: Decision, since: datetime) -> None:
        age = self._clock() - since
        if decision.state == _states.PENDING and age > OPEN_TOO_LONG:
            self._warn(f"{decision.product_no}: for {in_words(age)} now: {decision.message}")

    def _decide(self, product_no: str) -> Decision:
        declaration, subscription = self._declarations[product_no], self._snapshot.subscriptions[product_no]
        decision = decide(declaration, subscription, self._evidence, self._policy, self._report.now)
        if decision.known_order is not None and decision.known_order.created_at is not None:
            self._warn_of_age(decision, decision.known_order.created_at)
        return decision

    def _decide_with_price(self, product_no: str) -> Decision:
        decision = self._decide(product_no)
        if decision.order is not None and self._policy.needs_prices:
            try:
                price = self._portal.renewal_price(decision.order, self._evidence.catalog)
            except AccessError:
                raise
            except ReadError as error:
                return settled(decision, "not_readable", str(error))
            decision = priced(decision, price, self._policy, self._evidence.intents.get(product_no, ()))
        return decision if self._approved is None else self._approved.hold(decision)

    def _look_again(self, planned: Decision) -> Decision:
        """Read a due PBX again and decide again; it is still due only if it is still the same order."""
        try:
            self._refresh_orders()
            self._snapshot.reread(planned.product_no)
            self._check_clock()
            fresh = self._decide_with_price(planned.product_no)
        except ReadError as error:
            if isinstance(error, AccessError):
                self._stop(planned, "access was refused")
            return settled(planned, "not_readable", str(error))
        return unless_changed(planned, fresh)

    def _refresh_orders(self) -> None:
        with self._reading_orders.alone():
            if time.monotonic() - self._orders_read_at > ORDERS_MAX_AGE:
                self._read_orders_now()

    def _stop(self, decision: Decision, why: str) -> None:
        self._stopped_by = f"{decision.product_no}: {why}"
