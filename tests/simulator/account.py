# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the account, and the only place where it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .answer import Refused
from .catalog import Plan, Prices
from .clock import Clock, add_cycles
from .fleet import STATUSES, Contact, Fleet, OrderSpec
from .order_check import CheckedOrder
from .patches import apply_changes
from .profiles import Profile
from .records import Handling, Invoice, Order, Pbx

FIRST_ORDER_NO = 3206243356000391168
TRANSACTION_AFTER_ORDER = 1577058305
FIRST_ORDER_ID = 3206243355614515200
STEP = 4194304
FIRST_INSTANCE = 1282352


class Account:
    """PBXs, orders and invoices. Hold `lock` around anything that spans several calls."""

    def __init__(self, fleet: Fleet, profile: Profile, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.profile, self.clock = profile, clock
        self.serve: Mapping[str, Callable[[Any], Any]] = {}  # endpoints of its own, by the pattern of their paths
        self.plans: tuple[Plan, ...] = fleet.plans
        self.contacts: list[Contact] = list(fleet.contacts)
        self.shown = fleet.shown
        self.others = fleet.others
        self.prices = Prices(fleet.prices.currency, fleet.prices.units)
        self.orders: list[Order] = []
        self.invoices: list[Invoice] = []
        self._deferred: list[tuple[datetime, Callable[[datetime], None]]] = []
        now = clock.now()
        self.pbxs: dict[str, Pbx] = {
            spec.product_no: Pbx(
                product_no=spec.product_no,
                plan=spec.plan,
                services=list(spec.services),
                quantity=spec.quantity,
                billing_cycle=spec.billing_cycle,
                expires_at=spec.expires_at(now),
                auto_renewal=spec.auto_renewal,
                auto_renewal_status=spec.auto_renewal_status,
                pending_plan=spec.pending_plan,
                comment=spec.comment,
                rows=spec.rows,
                created_at=add_cycles(spec.expires_at(now), "annually", -2),
                instance_id=str(FIRST_INSTANCE + index),
            )
            for index, spec in enumerate(fleet.pbxs)
        }
        for spec in sorted(fleet.orders, key=lambda spec: spec.created_at(now)):
            self._seed(spec, now)

    # reading

    def find(self, product_no: str) -> Pbx | None:
        """The PBX with that serial number, if the account has it."""
        return self.pbxs.get(product_no)

    def plan(self, name: str) -> Plan:
        """The plan with that name."""
        return next(plan for plan in self.plans if plan.name == name)

    def order(self, number: str) -> Order | None:
        """An order by its id or its order number."""
        return next((order for order in self.orders if number in (order.id, order.order_no)), None)

    def price(self, pbx: Pbx, names: list[str]) -> Decimal:
        """What one cycle of these plans and services costs for a PBX."""
        amounts = (self.prices.amount(name, pbx.billing_cycle, pbx.quantity) for name in names)
        return sum(amounts, Decimal(0))

    def gaps(self) -> list[str]:
        """What is not known about the account, as sentences; a fleet describes everything."""
        return []

    # time

    def settle(self) -> None:
        """Carry out everything that was delayed until now; called before every request and reading."""
        with self.lock:
            while due := [item for item in self._deferred if item[0] <= self.clock.now()]:
                first = min(due, key=lambda item: item[0])
                self._deferred.remove(first)
                first[1](first[0])

    def _later(self, seconds: float, action: Callable[[datetime], None]) -> None:
        self._deferred.append((self.clock.now() + timedelta(seconds=seconds), action))

    # orders

    def place(self, checked: CheckedOrder, handling: Handling) -> Order | None:
        """Carry out an accepted order; None if it is committed later."""
        pbx = self.pbxs[checked.product_no]
        if handling.commit_seconds:
            self._later(handling.commit_seconds, lambda at: self._commit(pbx, checked, handling, at))
            return None
        orders = [self._commit(pbx, checked, handling, self.clock.now()) for dummy in range(handling.copies)]
        return orders[-1]

    def _commit(self, pbx: Pbx, checked: CheckedOrder, handling: Handling, at: datetime) -> Order:
        order = self._new_order(pbx, at, handling.status, "renew_plan", checked.po_number)
        order.billing_id, order.lines = checked.billing_id, checked.lines
        order.cycles, order.moves = handling.cycles, handling.moves or pbx.product_no
        order.hidden_reads, order.late_reads = handling.hidden_reads, handling.late_reads
        order.hidden_until = at + timedelta(seconds=handling.hidden_seconds)
        self.invoices.append(
            Invoice(
                invoice_no=order.invoice_no,
                order_no=order.order_no,
                product_no=pbx.product_no,
                amount=order.amount,
                currency=order.currency,
                cycle=pbx.billing_cycle,
                expiry_before=pbx.expires_at,
                expiry_after=None,
                created_at=at,
                po_number=order.po_number,
                paid=order.status == "succeed",
                raw_body=checked.raw_body,
            )
        )
        if handling.late_seconds:
            self._later(handling.late_seconds, lambda due: self._move(order, due))
        elif not order.late_reads:
            self._move(order, at)
        return order

    def _new_order(self, pbx: Pbx, at: datetime, status: str, operation: str, po_number: str | None) -> Order:
        number = len(self.orders)
        order_no = FIRST_ORDER_NO + number * STEP
        order = Order(
            id=str(FIRST_ORDER_ID + number * STEP),
            order_no=f"BN{order_no}",
            transaction_no=f"QO{order_no + TRANSACTION_AFTER_ORDER}",
            product_no=pbx.product_no,
            status=status,
            operation=operation,
            created_at=at,
            po_number=po_number,
            invoice_no=f"INV{at.year}{number + 1:06d}",
            amount=self.price(pbx, [pbx.plan, *pbx.services]),
            currency=self.prices.currency,
            billing_id=self.contacts[0].id if self.contacts else "",
            moves=pbx.product_no,
        )
        self.orders.append(order)
        return order

    def _seed(self, spec: OrderSpec, now: datetime) -> None:
        pbx = self.pbxs[spec.product_no]
        order = self._new_order(pbx, spec.created_at(now), spec.status, spec.operation, spec.po_number)
        order.moved = spec.status == "succeed"

    def _move(self, order: Order, at: datetime) -> None:
        """Move the expiry for a successful order, once."""
        pbx = self.pbxs.get(order.moves)
        if order.moved or order.status != "succeed" or pbx is None:
            return
        order.moved = True
        start, profile = pbx.expires_at, self.profile
        if profile.term_starts == "order" or (start < at and profile.expired_from_now):
            start = at
        pbx.expires_at = add_cycles(start, pbx.billing_cycle, order.cycles, profile.cycle_length)
        for invoice in self.invoices:
            if invoice.order_no == order.order_no:
                invoice.expiry_after = pbx.expires_at

    def detail_read(self, pbx: Pbx) -> None:
        """Count a detail read for expiries that move after a number of them."""
        for order in self.orders:
            if order.moves == pbx.product_no and order.late_reads and order.status == "succeed":
                order.late_reads -= 1
                if not order.late_reads:
                    self._move(order, self.clock.now())

    def visible_orders(self) -> list[Order]:
        """The orders that one reading of the order list shows, oldest first."""
        now, visible = self.clock.now(), []
        for order in self.orders:
            if order.hidden_reads:
                order.hidden_reads -= 1
            elif order.hidden_until is None or order.hidden_until <= now:
                visible.append(order)
        return sorted(visible, key=lambda order: int(order.id))

    def set_order_status(self, number: str, status: str) -> Order:
        """Pay, cancel … an order: `succeed` moves the expiry if it has not moved yet, nothing moves it back."""
        if status not in STATUSES:
            raise ValueError(f"unknown order status {status!r}; choose one of {', '.join(STATUSES)}")
        with self.lock:
            self.settle()
            order = self.order(number)
            if order is None:
                raise KeyError(number)
            order.status = status
            for invoice in self.invoices:
                if invoice.order_no == order.order_no:
                    invoice.paid = invoice.paid or status == "succeed"
            self._move(order, self.clock.now())
            return order

    # what happens outside the API

    def renew_by_person(self, product_no: str, cycles: int = 1, order: bool = False) -> None:
        """A person renews on the portal's own pages: the expiry moves, the ledger of API orders does not change."""
        pbx = self.pbxs[product_no]
        pbx.expires_at = add_cycles(pbx.expires_at, pbx.billing_cycle, cycles)
        if order:
            self._new_order(pbx, self.clock.now(), "succeed", "renew_plan", None).moved = True

    def patch(self, product_no: str, changes: dict[str, Any]) -> Pbx:
        """Change fields of a PBX; raises KeyError for an unknown PBX and ValueError for a wrong field."""
        with self.lock:
            return apply_changes(self, self.pbxs[product_no], changes)


def required(pbx: Pbx | None, product_no: str) -> Pbx:
    """The PBX, or the portal's error that it does not exist."""
    if pbx is None:
        raise Refused(404, "product_not_found", f"There is no product {product_no!r} in this account.")
    return pbx
