# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from one account: the listing once, details where the listing is silent, orders where they matter."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from ._errors import ReadError
from ._model import Order, Subscription, Undetermined
from ._order_rows import Row
from ._portal import ORDER_LIST, Portal
from ._states import DEAD_STATUSES, UNPAID_STATUS


class Snapshot:
    """The subscriptions and orders of an account. Every method may raise ReadError."""

    def __init__(self, portal: Portal) -> None:
        """Reads nothing yet."""
        self._portal = portal
        self.subscriptions: dict[str, Subscription] = {}
        self.orders: dict[str, tuple[Order, ...]] = {}
        self._order_rows: dict[str, Row] = {}

    def read_listing(self) -> dict[str, Row]:
        """Read the product list and return its rows; `subscriptions` then holds every PBX of the account."""
        rows = self._rows()
        self.subscriptions = {number: self._portal.subscription(number, row) for number, row in rows.items()}
        return rows

    def _rows(self) -> dict[str, Row]:
        return {str(row["productNo"]): row for row in self._portal.subscription_rows()}

    def complete(self, product_no: str) -> Subscription:
        """Read the detail of a PBX, and take from the listing what the detail does not report."""
        listed = self.subscriptions[product_no]
        detail = self._portal.subscription(product_no, self._portal.subscription_detail(product_no))
        self.subscriptions[product_no] = detail.completed_by(listed)
        return self.subscriptions[product_no]

    def reread(self, product_no: str) -> Subscription:
        """Read a PBX anew. Where only the listing tells expiry or quantity, that is read anew as well."""
        detail = self._portal.subscription(product_no, self._portal.subscription_detail(product_no))
        listed = self.subscriptions.get(product_no)
        if isinstance(detail.expires_at, Undetermined) or isinstance(detail.quantity, Undetermined):
            # Of this PBX alone: of the others more may be known by now, or something newer.
            row = self._rows().get(product_no)
            listed = None if row is None else self._portal.subscription(product_no, row)
        if listed is not None:
            detail = detail.completed_by(listed)
        self.subscriptions[product_no] = detail
        return detail

    def read_orders(self, since: datetime) -> Optional[datetime]:
        """Read the account's orders that are unpaid or not older than ``since`` into `orders`, by PBX.

        Returns the `Date` of the answer, None without one. Where a row does not tell its PBX, the order's detail does
        (contract, section 6.3). An order that nobody can tell the PBX of may be anyone's, so it is a ReadError (faults,
        row 63).
        """
        orders: dict[str, tuple[Order, ...]] = {}
        by_folded = {product_no.casefold(): product_no for product_no in self.subscriptions}
        listing = self._portal.order_listing()
        listed = [(row, self._portal.order(row)) for row in listing.rows]
        wanted = [
            (row, order)
            for row, order in listed
            if not order.is_for_other_product
            and (order.status == UNPAID_STATUS or order.created_at is None or order.created_at >= since)
        ]
        for (row, dummy), order in zip(wanted, self._portal.pool.map(self._placed, wanted)):
            if order.product_no is not None and not order.is_for_other_product:
                product_no = by_folded.get(order.product_no.casefold(), order.product_no)
                orders[product_no] = (*orders.get(product_no, ()), order)
                self._order_rows[order.key] = row
        self.orders = orders
        return listing.as_of

    def order_in_full(self, order: Order) -> Order:
        """An order of `orders` with what only its detail tells. Raises ReadError."""
        return self._portal.order_with_detail(self._order_rows[order.key])

    def _placed(self, listed: tuple[Row, Order]) -> Order:
        """An order with its PBX; of one that is for another product, or that proves nothing, perhaps without."""
        row, order = listed
        if order.product_no is not None:
            return order
        order = self._portal.order_with_detail(row)
        # A dead order that nobody can place proves nothing of any PBX.
        if order.product_no is None and not order.is_for_other_product and order.status not in DEAD_STATUSES:
            raise ReadError(f"GET {ORDER_LIST}", f"neither list nor detail tells which PBX order {order} is for")
        return order
