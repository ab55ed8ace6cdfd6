# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the portal about everything that a renewal rests on, one line for each part; a failure ends no other part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Optional, TypeVar

from .._model.undetermined import Undetermined
from .._portal.auto_renewal_fields import read_answer
from .._portal.client import (
    AUTO_RENEWAL,
    BILLING_CONTACTS,
    CATALOG,
    ORDER_DETAIL,
    ORDER_LIST,
    PRODUCT_DETAIL,
    PRODUCT_LIST,
)
from .._portal.errors import AccessError, NoAnswer, ReadError
from .._portal.order_rows import Row, id_of
from .._portal.transport import TOKEN_PATH, Transport
from .account_as_read import AccountAsRead, number_of
from .exchange import Exchange
from .line import Line, Standing, quoted_problems
from .orders_seen import order_fields_line
from .sample import Sample
from .traffic_seen import clock_line, listing_line, times_line, token_line

SAMPLED_ORDERS = 5
MOST_OPEN_ORDERS = 50  # without a PBX in the list, whose details are read
ROWS = 200
NO_PBX = "there is no PBX to ask about"

T = TypeVar("T")


class Examination:
    """Reads a sample of one account, and keeps what it has read for inference and decisions."""

    def __init__(
        self,
        portal: AccountAsRead,
        transport: Transport,
        exchanges: Sequence[Exchange],
        sample: Optional[int],
        progress: Callable[[int, int], None],
    ) -> None:
        """``sample`` is how many PBXs are looked at closely, None for all; ``exchanges`` grows as requests are made."""
        self._portal = portal
        self._transport = transport
        self._exchanges = exchanges
        self._sample = sample
        self._progress = progress
        self.lines: list[Line] = []
        self.listed: dict[str, Row] = {}
        self.details: dict[str, Row] = {}
        self.catalog: Any = None
        self.orders: list[Row] = []
        self.order_details: list[Row] = []
        self.contacts: list[Row] = []
        self.answered: set[str] = set()  # concepts that need no field, since the portal answers about each PBX

    def examine(self) -> None:
        """Ask about everything, and fill in `lines`."""
        if not self._signs_in():
            return
        self._products()
        self.lines.append(clock_line(self._portal.clock_offset))
        self._details()
        self._catalog()
        self._auto_renewals()
        self._orders()
        self._contacts()

    def sample(self, now: datetime) -> Sample:
        """What was read, for inference; prices are asked for later."""
        return Sample(
            rows={number: self.listed[number] for number in self.compared()},
            details=self.details,
            catalog=self.catalog,
            orders=self.orders,
            order_details=self.order_details,
            plan_prices=(),
            service_prices=(),
            contacts=self.contacts,
            now=now,
        )

    def conclude(self) -> None:
        """Add what only shows once everything was asked, decisions included."""
        self.lines.append(times_line(self._exchanges))

    def _of(self, path: str) -> list[Exchange]:
        return [one for one in self._exchanges if one.path == path]

    def _attempt(self, topic: str, asked: str, read: Callable[[], T], means: str) -> Optional[T]:
        """What was read; None after a failure, which becomes a line."""
        try:
            return read()
        except ReadError as error:
            self.lines.append(Line(topic, Standing.FAILED, asked, str(error), means, _next_step(error)))
            return None

    def _signs_in(self) -> bool:
        call = f"POST {TOKEN_PATH}"
        if not self._transport.can_sign_in:
            self.lines.append(
                Line("token", Standing.NOT_TRIED, call, "access_token was given", "a run ends when that token expires")
            )
            return True
        means = "nothing else can be asked without a token"
        asked = f"{call}: an access token for client_id"
        if self._attempt("token", asked, self._transport.bearer_token, means) is None:
            others = ("product_list", "clock", "details", "catalog", "auto_renewal", "orders", "billing_contacts")
            self.lines += [Line(topic, Standing.NOT_TRIED, "nothing", "no access token", means) for topic in others]
            return False
        self.lines.append(token_line(self._of(TOKEN_PATH), call))
        return True

    def _products(self) -> None:
        call = f"GET {PRODUCT_LIST}"
        listing = self._attempt(
            "product_list", call, self._portal.subscription_rows, "no PBX can be renewed without the list"
        )
        if listing is not None:
            for row in listing.rows:
                self.listed.setdefault(number_of(row), row)
            exchanges = self._of(PRODUCT_LIST)
            self.lines.append(listing_line("product_list", "PBXs", call, listing, exchanges, "productNo"))

    def sampled(self) -> list[str]:
        """The PBXs that are looked at closely, evenly spread over the product list."""
        return self._spread(self._sample)

    def compared(self) -> list[str]:
        """The PBXs whose rows are compared with each other: those that are looked at closely, and up to ROWS others."""
        return list(dict.fromkeys([*self.sampled(), *self._spread(ROWS)]))

    def _spread(self, count: Optional[int]) -> list[str]:
        numbers = list(self.listed)
        if count is None or count >= len(numbers):
            return numbers
        return [numbers[index * len(numbers) // count] for index in range(count)]

    def _details(self) -> None:
        numbers, refusals = self.sampled(), []
        call = f"GET {PRODUCT_DETAIL}, {len(numbers)} of {len(self.listed)} PBXs"

        def read(indexed: tuple[int, str]) -> None:
            try:
                self.details[indexed[1]] = self._portal.subscription_detail(indexed[1])
            except ReadError as error:
                refusals.append(error)
            self._progress(indexed[0] + 1, len(numbers))

        self._portal.pool.map(read, enumerate(numbers))
        seen = f"{len(self.details)} details" + quoted_problems(refusals)
        if refusals and not self.details:
            means = "a pending switch of plans is not seen, and everything that the list lacks must be declared"
            self.lines.append(Line("details", Standing.FAILED, call, seen, means, _next_step(refusals[0])))
        elif refusals:
            means = "these PBXs cannot be renewed until their details can be read"
            self.lines.append(Line("details", Standing.ATTENTION, call, seen, means, _next_step(refusals[0])))
        elif numbers:
            self.lines.append(Line("details", Standing.OK, call, seen, "they are read again before each order"))
        else:
            self.lines.append(
                Line("details", Standing.NOT_TRIED, call, "there is no PBX to ask about", "nothing is known of it")
            )

    def _catalog(self) -> None:
        call = f"GET {CATALOG}"
        means = "an order needs the ids of the plan and its services, so nothing can be ordered"
        self.catalog = self._attempt("catalog", call, self._portal.catalog_answer, means)
        if self.catalog is None:
            return
        catalog = self._portal.catalog(self.catalog)
        entries = [*catalog.plans, *catalog.services]
        priced = sum(entry.pricing_id is not None for entry in entries)
        seen = f"{len(catalog.plans)} plans, {len(catalog.services)} services, {priced} of them with a pricing id"
        if not catalog.plans:
            self.lines.append(Line("catalog", Standing.FAILED, call, seen, means, "report what the portal answers"))
        elif priced < len(entries):
            means = "prices of the others cannot be asked for"
            step = "map pricing_plan_id and pricing_service_id, if other fields have them"
            self.lines.append(Line("catalog", Standing.ATTENTION, call, seen, means, step))
        else:
            self.lines.append(Line("catalog", Standing.OK, call, seen, "plans, services and prices can be looked up"))

    def _auto_renewals(self) -> None:
        numbers = self.sampled()
        call = f"GET {AUTO_RENEWAL}, {len(numbers)} PBXs (documented for another product)"
        if not numbers:
            self.lines.append(Line("auto_renewal", Standing.NOT_TRIED, call, NO_PBX, "nothing is known of it"))
            return
        try:
            answers = self._portal.pool.map(
                lambda number: read_answer(self._portal.auto_renewal_answer(number)), numbers
            )
        except ReadError as error:
            answers = [Undetermined("auto_renewal", str(error))]
        unknown = [one.why for one in answers if isinstance(one, Undetermined)]
        seen = f"on: {answers.count(True)}, off: {answers.count(False)}, unknown: {len(unknown)}" + quoted_problems(
            unknown
        )
        if unknown:
            means = "whether the portal renews a PBX by itself, which would be a second charge, may stay unknown"
            step = "declare auto_renewal, map it, or set on_unknown_auto_renewal to block or allow"
            self.lines.append(Line("auto_renewal", Standing.ATTENTION, call, seen, means, step))
        else:
            self.answered.add("auto_renewal")
            means = "a PBX that the portal renews by itself is not ordered"
            self.lines.append(Line("auto_renewal", Standing.OK, call, seen, means))

    def _orders(self) -> None:
        call = f"GET {ORDER_LIST}"
        means = "without the orders nothing is ordered, since one may exist already"
        listing = self._attempt("orders", call, self._portal.all_orders, means)
        if listing is None:
            return
        self.orders = listing.rows
        self.lines.append(listing_line("orders", "orders", call, listing, self._of(ORDER_LIST), "id"))
        if listing.rows:
            self._order_fields(listing.rows)

    def _order_fields(self, rows: Sequence[Row]) -> None:
        chosen, unread = self._orders_to_read(rows)
        refusals: list[ReadError] = []

        def read(row: Row) -> list[Row]:
            try:
                return [self._portal.order_detail(row)]
            except ReadError as error:
                refusals.append(error)
                return []

        self.order_details = [detail for details in self._portal.pool.map(read, chosen) for detail in details]
        refused = quoted_problems(refusals)
        if refusals and not self.order_details and self._is_found_by_number(chosen[0]):
            refused += "; an order is found by its orderNo instead of its id"
        orders, details = map(self._portal.order, rows), map(self._portal.order, self.order_details)
        call = f"GET {ORDER_LIST}, and GET {ORDER_DETAIL}<id> for {len(chosen)} orders"
        self.lines.append(order_fields_line(call, list(orders), list(details), rows, refused, unread))

    def _orders_to_read(self, rows: Sequence[Row]) -> tuple[list[Row], int]:
        """The orders whose details are read, and how many others may hold renewals back without being seen.

        An open order whose row names no PBX may be for one of those that are looked at.
        """
        chosen = list(rows[:: max(1, len(rows) // SAMPLED_ORDERS)][:SAMPLED_ORDERS])
        nameless = []
        for row in rows:
            order = self._portal.order(row)
            if order.product_no is None and not order.is_dead and not order.is_for_other_product and row not in chosen:
                nameless.append((row, order))
        chosen += [row for row, order in nameless if order.is_open][:MOST_OPEN_ORDERS]
        return chosen, 0 if self._sample is None else len(nameless) - sum(row in chosen for row, dummy in nameless)

    def _is_found_by_number(self, row: Row) -> bool:
        try:
            return bool(self._portal.order_detail({**row, "id": row.get("orderNo")}))
        except ReadError:
            return False

    def _contacts(self) -> None:
        call = f"GET {BILLING_CONTACTS}"
        rows = self._attempt(
            "billing_contacts", call, self._portal.billing_contact_rows, "an order needs a billing contact"
        )
        if rows is None:
            return
        self.contacts = rows
        seen, topic = f"{len(rows)} billing contact{'s' if len(rows) != 1 else ''}", "billing_contacts"
        if len(rows) == 1:
            self.lines.append(Line(topic, Standing.OK, call, seen, "it receives the invoices"))
        elif rows:
            means = "which one receives the invoice is not guessed"
            self.lines.append(Line(topic, Standing.ATTENTION, call, seen, means, "set billing_contact"))
        else:
            means = "an order needs a billing contact"
            self.lines.append(Line(topic, Standing.FAILED, call, seen, means, "add one in the portal"))


def _next_step(error: ReadError) -> str:
    if isinstance(error, AccessError) or error.status in (401, 403):
        return "check the credentials, and in the portal under System > API the permission and Client IP Restriction"
    if isinstance(error, NoAnswer) or (error.status is not None and not error.has_envelope):
        return "check base_url, the network and any proxy, and run again"
    if error.is_answer or error.status is None:
        return "report what the portal answers, with the requestId"
    return "run again later, and report what the portal answers if it stays so"


def order_ids_of(rows: Sequence[Row]) -> frozenset[str]:
    """The ids of orders whose details were read."""
    return frozenset(order_id for order_id in (id_of(row, "id") for row in rows) if order_id is not None)
