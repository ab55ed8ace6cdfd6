# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A portal that asks for nothing twice: what a first contact has read is what its decisions rest on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import replace
from typing import Any, Optional, Union

from .._model.catalog import Catalog
from .._model.money import Money
from .._model.order import Order, OrderRequest
from .._model.undetermined import Undetermined
from .._portal.client import Portal
from .._portal.errors import ReadError
from .._portal.fields import Fields
from .._portal.listing import Listing
from .._portal.order_rows import Row, id_of
from .._portal.transport import Transport


class Memory:
    """What was read from one account, refusals included."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._outcomes: dict[Hashable, Any] = {}

    def get(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """What was read under a key; read now if it was not yet. Raises ReadError, the same one each time."""
        if key not in self._outcomes:
            try:
                self._outcomes[key] = read()
            except ReadError as error:
                self._outcomes[key] = error
        outcome = self._outcomes[key]
        if isinstance(outcome, ReadError):
            raise outcome
        return outcome


class AccountAsRead(Portal):
    """Answers from a memory, and asks the portal only for what is not in it."""

    def __init__(
        self,
        transport: Transport,
        fields: Fields,
        memory: Memory,
        product_nos: Optional[Collection[str]] = None,
        order_ids: Optional[Collection[str]] = frozenset(),
    ) -> None:
        """``product_nos`` are the PBXs that the product list is narrowed to, None for all; ``order_ids`` the orders
        whose details may be read, None for all.
        """
        super().__init__(transport, fields)
        self._memory = memory
        self._product_nos = product_nos
        self._order_ids = order_ids
        self.price_problems: dict[str, str] = {}  # why prices are unknown, by PBX

    def subscription_rows(self) -> Listing:
        """The product list, without the PBXs that it is not narrowed to."""
        listing: Listing = self._memory.get("product list", super().subscription_rows)
        numbers = self._product_nos
        return listing if numbers is None else _without(listing, lambda row: number_of(row) not in numbers)

    def subscription_detail(self, product_no: str) -> Row:
        """The detail of one PBX."""
        read = super().subscription_detail
        detail: Row = self._memory.get(("detail", product_no), lambda: read(product_no))
        return detail

    def catalog_answer(self) -> Any:
        """The plans and services that can be ordered."""
        return self._memory.get("catalog", super().catalog_answer)

    def billing_contact_rows(self) -> list[Row]:
        """The billing contacts."""
        rows: list[Row] = self._memory.get("billing contacts", super().billing_contact_rows)
        return rows

    def auto_renewal_answer(self, product_no: str) -> Any:
        """The portal's answer about the auto-renewal of a PBX."""
        read = super().auto_renewal_answer
        return self._memory.get(("auto-renewal", product_no), lambda: read(product_no))

    def price_answer(self, path: str, params: Mapping[str, str]) -> Any:
        """The portal's answer about the price of one plan or service."""
        read = super().price_answer
        return self._memory.get(("price", path, *sorted(params.items())), lambda: read(path, params))

    def renewal_price(self, order: OrderRequest, catalog: Catalog) -> Union[Money, Undetermined]:
        """The price of a renewal, or why it is unknown; also if it is refused, since only limits on money need it."""
        try:
            price = super().renewal_price(order, catalog)
        except ReadError as error:
            price = Undetermined("price", str(error), reported=True)
        if isinstance(price, Undetermined):
            self.price_problems[order.product_no] = price.why
        return price

    def all_orders(self) -> Listing:
        """The order list."""
        listing: Listing = self._memory.get("orders", super().order_listing)
        return listing

    def order_listing(self) -> Listing:
        """The order list without the orders that name no PBX and whose details were not read."""
        return _without(self.all_orders(), self._is_left_out)

    def order_with_detail(self, row: Row) -> Order:
        """Read an order from its row and its detail."""
        return self.order(self.order_detail(row))

    def order_detail(self, row: Row) -> Row:
        """The detail of an order, laid over its row."""
        read = super().order_in_detail
        detail: Row = self._memory.get(("order", id_of(row, "id")), lambda: read(row))
        return detail

    def _is_left_out(self, row: Row) -> bool:
        if self._order_ids is None:
            return False
        order = self.order(row)
        return order.product_no is None and not order.is_for_other_product and id_of(row, "id") not in self._order_ids


def number_of(row: Row) -> str:
    """The serial number in a row of the product list."""
    return str(row["productNo"]).strip()


def _without(listing: Listing, is_left_out: Callable[[Row], bool]) -> Listing:
    """A listing that never had some of its rows."""
    kept = [row for row in listing.rows if not is_left_out(row)]
    left_out = len(listing.rows) - len(kept)
    total = None if listing.total is None else listing.total - left_out
    return replace(listing, rows=kept, count=listing.count - left_out, total=total)
