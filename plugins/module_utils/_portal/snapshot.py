# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything read from one account: the listing, details for what it does not report, and orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Optional

from .._model.declaration import Declaration
from .._model.intent import Intent
from .._model.order import Order
from .._model.po_number import is_tag
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .agreement import CONCEPTS, Answer, disagreements, merge_rows, reconciled, without_lag
from .client import PRODUCT_DETAIL, PRODUCT_LIST, Portal
from .errors import ReadError
from .listing import Row
from .pending_plan import CURRENT_PLAN, without_running_plan

NOTHING_DECLARED: Mapping[str, Declaration] = MappingProxyType({})
_NEEDED = ("plan", "services", "quantity", "billing_cycle")  # for an order; the expiry is in the list, or declared


class DetailRefused(ReadError):
    """The portal refuses the details of the PBXs, but not their list."""


class Snapshot:
    """The subscriptions and orders of an account. Every method may raise ReadError.

    ``subscriptions`` has what is known about each PBX. ``orders_gap`` says why an order that was not listed may still
    exist; it is None if the list was complete. ``unplaced`` has the orders whose PBX cannot be determined, each with
    the reason.
    """

    def __init__(self, portal: Portal, declarations: Mapping[str, Declaration] = NOTHING_DECLARED) -> None:
        """Reads nothing yet. ``declarations`` decide which of several answers about a PBX is right."""
        self._portal = portal
        self._declarations = declarations
        self._rows: dict[str, list[Row]] = {}
        self._is_read_twice = False
        self._missing = ""
        self._lacks_rows = False
        self._others: frozenset[str] = frozenset()
        self._always_has_current_plan = False
        self.subscriptions: dict[str, Subscription] = {}
        self.orders: dict[str, tuple[Order, ...]] = {}
        self.unplaced: tuple[tuple[Order, str], ...] = ()
        self.orders_gap: Optional[str] = None
        self._order_rows: dict[str, Row] = {}

    def read_listing(self) -> dict[str, list[Row]]:
        """Read the product list and return the rows of each PBX, usually one."""
        self._read_rows()
        self.subscriptions = {number: self._listed(number, rows) for number, rows in self._rows.items()}
        return self._rows

    def _read_rows(self) -> None:
        listing = self._portal.subscription_rows()
        rows: dict[str, list[Row]] = {}
        for row in listing.rows:
            rows.setdefault(str(row["productNo"]).strip(), []).append(row)
        self._others = frozenset(str(row.get("productNo")).strip() for row in listing.others)
        # It is filled while a switch is pending (docs/portal-api.md, 4.2.3), which is not likely for every PBX at once.
        self._always_has_current_plan = len(rows) > 1 and all(row.get(CURRENT_PLAN) for row in listing.rows)
        self._lacks_rows = listing.total is not None and listing.count < listing.total
        self._missing = f"the product list may be incomplete: {listing.gap}" if listing.gap else ""
        self._rows = rows  # assigned last, since other threads of the pool read it meanwhile

    def require_all_rows(self) -> None:
        """Raise ReadError if the product list announced more rows than it returned; for callers that need all PBXs."""
        if self._lacks_rows:
            raise ReadError(f"GET {PRODUCT_LIST}", f"the listing could not be read completely: {self._missing}")

    def why_not_found(self, product_no: str) -> str:
        """A possible explanation for a PBX missing from the product list, as a clause; empty if there is none."""
        if product_no in self._others:
            return "it is listed as another product, which is not renewed here"
        return self._missing

    def _listed(self, product_no: str, rows: list[Row]) -> Subscription:
        subscriptions = [self._portal.subscription(product_no, row) for row in rows]
        if len(rows) == 1:
            return self._without_running_plan(subscriptions[0])
        merged = merge_rows(subscriptions, rows, self._declarations.get(product_no))
        return self._without_running_plan(merged)

    def _without_running_plan(self, subscription: Subscription) -> Subscription:
        return without_running_plan(subscription) if self._always_has_current_plan else subscription

    def complete(self, product_no: str) -> Subscription:
        """Read the detail of a PBX, and take from the listing what the detail does not report.

        Raises DetailRefused if the portal refuses details but not the list.
        """
        return self._complete(product_no, self._detail(product_no))

    def _detail(self, product_no: str) -> Row:
        """The detail; an empty one if it is refused and everything that an order needs is declared."""
        try:
            return self._portal.subscription_detail(product_no)
        except ReadError as error:
            declaration = self._declarations.get(product_no)
            missing = [name for name in _NEEDED if getattr(declaration, name, None) is None]
            if error.status != 403 or not error.is_refusal:
                raise
            if missing:
                raise DetailRefused(
                    f"GET {PRODUCT_DETAIL}",
                    f"{error}; the product list was not refused, so the permission for details may be missing. Have it"
                    " granted, since only the detail shows a pending switch of plans; or declare what is to be renewed:"
                    f" {', '.join(missing)}",
                ) from None
            return {}

    def _complete(self, product_no: str, row: Row) -> Subscription:
        detail = self._portal.subscription(product_no, row)
        subscription = self._joined(product_no, detail)
        if product_no in self._rows:
            subscription = self._reconciled(product_no, row, detail, subscription)
        self.subscriptions[product_no] = subscription
        return subscription

    def _joined(self, product_no: str, detail: Subscription) -> Subscription:
        """A detail, with the values that it does not report taken from what was known before.

        Values on which several rows disagree stay undetermined: the detail may belong to any of the rows.
        """
        known = self.subscriptions.get(product_no)
        subscription = detail if known is None else detail.completed_by(known)
        rows = self._rows.get(product_no, [])
        if len(rows) > 1:
            listed = self._listed(product_no, rows)
            disputed = {name: getattr(listed, name) for name in CONCEPTS if _is_disputed(listed, name)}
            subscription = replace(subscription, **disputed)
        return self._without_running_plan(subscription)

    def _reconciled(self, product_no: str, row: Row, detail: Subscription, subscription: Subscription) -> Subscription:
        """Compare a subscription with the row of the listing: values that differ are undetermined.

        Before reporting a difference, the listing is read again, since the PBX may just have changed. Once in a run is
        enough: if it still differs, the portal itself is inconsistent.
        """
        if not self._answers(product_no, row, detail):
            return subscription
        if not self._is_read_twice:
            self._is_read_twice = True
            self._read_rows()
        answers = self._answers(product_no, row, detail)
        return reconciled(subscription, answers, self._declarations.get(product_no))

    def _answers(self, product_no: str, row: Row, detail: Subscription) -> list[Answer]:
        """The answers of list and detail, if they differ for a PBX that is listed once."""
        rows = self._rows.get(product_no, [])
        if len(rows) != 1:
            return []
        listed = without_lag(self._listed(product_no, rows), detail)
        answers = [
            Answer("the product list", listed, self._portal.fields_of(rows[0])),
            Answer("the detail", detail, self._portal.fields_of(row)),
        ]
        return answers if disagreements(answers) else []

    def reread(self, product_no: str, compares: bool = False) -> Subscription:
        """Read a PBX again, and the listing too if only that has the expiry or the quantity.

        With ``compares``, as before an order, values that differ from the listing are undetermined. Without it, the
        detail has precedence: after an order, the listing may lag behind.
        """
        row = self._detail(product_no)
        detail = self._portal.subscription(product_no, row)
        if isinstance(detail.expires_at, Undetermined) or isinstance(detail.quantity, Undetermined):
            # Only for this PBX: more, or something newer, may already be known about the others.
            self._read_rows()
            self.subscriptions.pop(product_no, None)
            rows = self._rows.get(product_no)
            if rows is not None:
                self.subscriptions[product_no] = self._listed(product_no, rows)
        if compares:
            return self._complete(product_no, row)
        self.subscriptions[product_no] = self._joined(product_no, detail)
        return self.subscriptions[product_no]

    def read_orders(self, since: datetime, intents: Iterable[Intent] = ()) -> Optional[datetime]:
        """Read the account's orders that are unpaid or not older than ``since`` into `orders`, by PBX.

        Returns the `Date` of the oldest page, None without one. If a row does not name its PBX, the order's detail does
        (docs/portal-api.md, 6.3), or the ledger's ``intents``. An order that could be for any PBX
        (docs/reliability.md, 63) goes into `unplaced`, with the reason.
        """
        listing = self._portal.order_listing()
        self.orders_gap = listing.gap
        wanted = [
            (row, order)
            for row, order in self._orders_once(listing.rows)
            if not order.is_for_other_product
            and (order.is_unpaid or order.created_at is None or order.created_at >= since)
        ]
        owners = {number: intent.product_no for intent in intents for number in _order_numbers(intent)}
        placed = self._portal.pool.map(lambda one: self._placed(one, owners), wanted)
        self.unplaced = tuple((order, why) for order, why in placed if why)
        self._order_rows = {order.key: listed[0] for listed, (order, dummy) in zip(wanted, placed)}
        by_folded = {product_no.casefold(): product_no for product_no in self.subscriptions}
        orders: dict[str, tuple[Order, ...]] = {}
        for order, dummy in placed:
            if order.product_no is not None and not order.is_for_other_product:
                product_no = by_folded.get(order.product_no.casefold(), order.product_no)
                orders[product_no] = (*orders.get(product_no, ()), order)
        self.orders = orders
        return listing.as_of

    def order_in_full(self, order: Order) -> Order:
        """An order of `orders`, completed from its detail unless that is refused. Raises ReadError."""
        try:
            return replace(self._portal.order_with_detail(self._order_rows[order.key]), product_no=order.product_no)
        except ReadError as error:
            if not error.is_refusal:
                raise
            return order

    def _orders_once(self, rows: Iterable[Row]) -> list[tuple[Row, Order]]:
        """Each order once; of several rows for one order, the one in which it may still take effect."""
        orders: dict[str, tuple[Row, Order]] = {}
        for row in rows:
            order, number = self._portal.order(row), str(row["id"]).strip()
            if number not in orders or _is_less_final(order, orders[number][1]):
                orders[number] = (row, order)
        return list(orders.values())

    def _placed(self, listed: tuple[Row, Order], owners: Mapping[str, str]) -> tuple[Order, str]:
        """An order with its PBX, or with the reason why that is unknown; empty if the order does not matter."""
        row, order = listed
        if order.product_no is not None:
            return order, ""
        why = "neither list nor detail says"
        try:
            order = self._portal.order_with_detail(row)
        except ReadError as error:
            if not error.is_refusal:
                raise
            why = f"the list does not say, and the refused detail ({error}) cannot say"
        owner = owners.get(order.order_no or "") or owners.get(order.po_number or "")
        if order.product_no is None and owner is not None:
            order = replace(order, product_no=owner)
        # A dead order without a PBX proves nothing about any PBX.
        if order.product_no is None and not order.is_for_other_product and not order.is_dead:
            return order, why
        return order, ""


def _order_numbers(intent: Intent) -> list[str]:
    """What identifies the order of an intent in the order list: its number, and the tag that it was sent with."""
    tag = intent.po_number if is_tag(intent.po_number) else None
    return [number for number in (intent.order_no, tag) if number]


def _is_less_final(order: Order, other: Order) -> bool:
    return _finality(order) < _finality(other)


def _finality(order: Order) -> int:
    return 0 if order.is_open else 2 if order.is_dead else 1


def _is_disputed(subscription: Subscription, concept: str) -> bool:
    value = getattr(subscription, concept)
    return isinstance(value, Undetermined) and value.reported
