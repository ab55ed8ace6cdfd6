# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a run: read, decide, read again, send each order once, verify. Nothing is ever sent twice.

The steps are those of the architecture's "The protocol for one order". A report that was given before the run is kept
truthful at every step, so that whoever is interrupted can still say what may have been ordered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Optional, Union

from . import _states
from ._model import Decision, Declaration, Evidence, Order, OrderRequest, Policy, Terms, Undetermined
from ._planner import (
    advanced_by_one_cycle,
    changed_since,
    current_term_began,
    decide,
    make_plan,
    not_found,
    priced,
    screen,
    settled,
    undecided,
)
from ._portal import OrderingPortal, Portal
from ._results import Report
from ._snapshot import Snapshot
from ._terms import same_expiry
from ._time import format_instant
from ._transport import AccessError, Ambiguous, NotSent, ReadError, Rejected

ORDERS_MAX_AGE = 30.0  # s after which what others may have ordered is looked at again (faults, row 40)
_FIRST_POLL = 2.0  # s
_SLOWEST_POLL = 15.0  # s

_LOOK_BEFORE_ANYTHING_ELSE = (
    "it may have been ordered: look in the portal under Orders and at the expiry of the PBX before anything else"
)


class Run:
    """One run over one account: what is decided for each declared PBX, up to but without the order itself."""

    def __init__(self, portal: Portal, policy: Policy, report: Report) -> None:
        """``report`` is filled as the run goes on; its ``now`` is the instant of every decision."""
        self._portal = portal
        self._policy = policy
        self._report = report
        self._snapshot = Snapshot(portal)
        self._declarations: dict[str, Declaration] = {}
        self._evidence = Evidence()
        self._due: dict[str, Terms] = {}
        self._orders_read_at = 0.0
        self._stopped_by: Optional[str] = None

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """Decide about every PBX; then take those that are due one by one, the most urgent first.

        Raises ReadError when what all decisions need cannot be read; nothing was ordered then. Whatever else is raised
        leaves a report in which nothing is called due that was not attempted.
        """
        try:
            self._execute(declarations)
        except BaseException as error:
            self._report.break_off(str(error) or type(error).__name__)
            raise

    def _execute(self, declarations: Iterable[Declaration]) -> None:
        self._declarations = {declaration.product_no: declaration for declaration in declarations}
        self._snapshot.read_listing()
        screened = {product_no: self._screen(product_no) for product_no in self._declarations}
        due = {product_no: terms for product_no, terms in screened.items() if isinstance(terms, Terms)}
        for product_no, settlement in screened.items():
            if isinstance(settlement, Terms):
                self._report.record(undecided(self._snapshot.subscriptions[product_no], settlement))
            else:
                self._report.record(settlement)
        if due:
            self._due = due
            self._read_evidence()
        decisions = [
            settlement if isinstance(settlement, Decision) else self._decide_with_price(product_no)
            for product_no, settlement in screened.items()
        ]
        plan = make_plan(decisions, self._policy)
        self._report.excess = plan.excess
        for decision in plan.decisions:
            self._report.record(decision)
        planned = [decision for decision in plan.decisions if decision.order is not None]
        for decision in sorted(planned, key=lambda one: (one.expires_at or self._report.now, one.product_no)):
            self._take(decision)

    def _screen(self, product_no: str) -> Union[Decision, Terms]:
        """Screen with the listing's row; where that does not tell enough, with the detail as well."""
        declaration = self._declarations[product_no]
        subscription = self._snapshot.subscriptions.get(product_no)
        if subscription is None:
            return not_found(product_no, self._snapshot.subscriptions)
        screened = screen(declaration, subscription, self._policy, self._report.now)
        if isinstance(screened, Terms) or screened.reason != "cannot_determine":
            return screened
        try:
            subscription = self._snapshot.complete(product_no)
        except AccessError:
            raise
        except ReadError as error:
            return settled(screened, "not_readable", str(error))
        return screen(declaration, subscription, self._policy, self._report.now)

    def _read_evidence(self) -> None:
        self._evidence = Evidence(
            catalog=self._portal.catalog(self._portal.catalog_answer()),
            contacts=tuple(map(self._portal.billing_contact, self._portal.billing_contact_rows())),
        )
        self._read_orders()

    def _read_orders(self) -> None:
        since = min(current_term_began(terms) for terms in self._due.values())
        self._evidence = replace(self._evidence, orders=self._snapshot.orders_of(self._due, since))
        self._orders_read_at = time.monotonic()

    def _decide(self, product_no: str) -> Decision:
        subscription = self._snapshot.subscriptions[product_no]
        return decide(self._declarations[product_no], subscription, self._evidence, self._policy, self._report.now)

    def _decide_with_price(self, product_no: str) -> Decision:
        decision = self._decide(product_no)
        if decision.order is None or not self._policy.needs_prices:
            return decision
        try:
            price = self._portal.renewal_price(decision.order, self._evidence.catalog)
        except AccessError:
            raise
        except ReadError as error:
            return settled(decision, "not_readable", str(error))
        return priced(decision, price, self._policy)

    def _take(self, planned: Decision) -> None:
        """Read a due PBX again and decide again; what is still due, and still the same order, is handed on."""
        if self._stopped_by is not None:
            self._report.record(settled(planned, "stopped", f"not attempted: {self._stopped_by}"))
            return
        try:
            if time.monotonic() - self._orders_read_at > ORDERS_MAX_AGE:
                self._read_orders()
            self._snapshot.reread(planned.product_no)
        except ReadError as error:
            self._report.record(settled(planned, "not_readable", str(error)))
            if isinstance(error, AccessError):
                self._stop(planned, "access was refused")
            return
        fresh = self._decide_with_price(planned.product_no)
        changes = changed_since(planned, fresh) if fresh.order is not None else []
        if changes:
            message = f"changed while the run was under way: {'; '.join(changes)}; run again to decide anew"
            fresh = settled(fresh, "stale_plan", message)
        self._report.record(fresh)
        if fresh.order is not None and fresh.terms is not None:
            self._hand_on(fresh, fresh.order, fresh.terms)

    def _hand_on(self, decision: Decision, request: OrderRequest, terms: Terms) -> None:
        """A dry run ends here: the decision stands as `due`."""

    def _stop(self, decision: Decision, why: str) -> None:
        self._stopped_by = f"{decision.product_no}: {why}"


class OrderingRun(Run):
    """A run that sends the orders."""

    def __init__(
        self,
        portal: OrderingPortal,
        policy: Policy,
        report: Report,
        wait_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``wait_timeout`` (s) bounds how long accepted orders are followed until the expiry shows them."""
        super().__init__(portal, policy, report)
        self._ordering_portal = portal
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self._accepted: list[tuple[Decision, Order, Terms]] = []

    def execute(self, declarations: Iterable[Declaration]) -> None:
        """As `Run.execute`, and then follow the orders that the portal has accepted but not carried out yet."""
        super().execute(declarations)
        self._follow()

    def _hand_on(self, decision: Decision, request: OrderRequest, terms: Terms) -> None:
        """Send the order, once. Before it leaves, the report says that it may have been sent."""
        sent = settled(decision, "ambiguous", f"the run broke off while it was ordering; {_LOOK_BEFORE_ANYTHING_ELSE}")
        self._report.record(sent, may_have_ordered=True)
        try:
            order = self._ordering_portal.save_order(request)
        except NotSent as error:
            self._report.record(settled(decision, "not_sent", f"nothing was ordered: {error}"))
        except Rejected as error:
            reason = "rate_limited" if error.status == 429 else "rejected"
            self._report.record(settled(decision, reason, f"nothing was ordered: {error}"))
            if error.status in (401, 403, 429):
                self._stop(decision, "the portal refuses orders")
        except Ambiguous as error:
            message = f"{error}; {_LOOK_BEFORE_ANYTHING_ELSE}"
            self._report.record(settled(decision, "ambiguous", message), may_have_ordered=True)
            self._stop(decision, "its order is uncertain")
        else:
            accepted = replace(settled(decision, "awaiting_expiry", "accepted"), known_order=order)
            self._report.record(accepted, may_have_ordered=True)
            self._accepted.append((accepted, order, terms))
            self._verify(accepted, order, terms)

    def _verify(self, accepted: Decision, order: Order, terms: Terms) -> None:
        """Compare the expiry with the order. Only an expiry that moved by one cycle is a renewal."""
        before = terms.expires_at
        if order.status in _states.DEAD_STATUSES:
            message = f"order {order} was accepted and not carried out; see in the portal why"
            self._record_accepted(replace(accepted, expires_after=None), "rejected", message)
            return
        try:
            expires_at = self._snapshot.reread(accepted.product_no).expires_at
        except ReadError as error:
            self._record_accepted(accepted, _reason_of_open(order), f"order {order} is accepted; not verified: {error}")
            return
        if isinstance(expires_at, Undetermined):
            message = f"order {order} is accepted; check it in the portal, which does not tell here: {expires_at.why}"
            self._record_accepted(accepted, _reason_of_open(order), message)
        elif same_expiry(before, expires_at):
            message = (
                f"order {order} is accepted; the expiry still is {format_instant(before)}; see in the portal whether it"
                " is to be paid, or run again later: it is not ordered again"
            )
            self._record_accepted(accepted, _reason_of_open(order), message)
        elif advanced_by_one_cycle(terms, expires_at, self._report.now):
            message = f"renewed by order {order.order_no}: {format_instant(before)} -> {format_instant(expires_at)}"
            self._record_accepted(replace(accepted, expires_after=expires_at), "expiry_moved", message)
        else:
            moved = f"{format_instant(before)} -> {format_instant(expires_at)}"
            message = f"order {order} was for one cycle, but the expiry moved {moved}; look in the portal"
            self._record_accepted(replace(accepted, expires_after=expires_at), "verification_failed", message)
            self._stop(accepted, "its expiry did not move by one cycle")

    def _record_accepted(self, accepted: Decision, reason: str, message: str) -> None:
        self._report.record(settled(accepted, reason, message), may_have_ordered=True)

    def _follow(self) -> None:
        """Look again, ever less often, at what was accepted and does not show yet (faults, row 58)."""
        deadline = time.monotonic() + self._wait_timeout
        delay = _FIRST_POLL
        while True:
            waiting = [
                (accepted, order, terms)
                for accepted, order, terms in self._accepted
                if self._report.outcomes[accepted.product_no].decision.state == _states.PENDING
            ]
            delay = min(delay, deadline - time.monotonic())
            if not waiting or delay <= 0:
                return
            self._sleep(delay)
            delay = min(delay * 2, _SLOWEST_POLL)
            for accepted, order, terms in waiting:
                self._verify(accepted, order, terms)


def _reason_of_open(order: Order) -> str:
    if order.status == _states.DONE_STATUS:
        return "awaiting_expiry"
    return "unpaid" if order.status == _states.UNPAID_STATUS else "pending_confirmation"
