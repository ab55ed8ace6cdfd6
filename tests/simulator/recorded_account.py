# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an account that begins as recorded."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from . import endpoints, views
from .account import STEP, Account
from .answer import Invalid, Refused
from .clock import MONTHS, Clock
from .fleet import Fleet
from .profiles import DOCUMENTED
from .recorded_dates import instant_of, like
from .recorded_facts import Facts, RecordedPbx, contacts_of
from .recording import Recorded, RecordedListing, Recording, leaves
from .records import Order, Pbx

OPEN = ("pending", "confirming")
PRODUCT_ID = 13


class RecordedAccount(Account):
    """PBXs and orders of a recording; what happens from then on is as in any other account."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self.recording, self.facts = recording, Facts(recording.field_map)
        self.products = RecordedListing.of(recording.of(endpoints.PRODUCT_LIST_PATH))
        self.order_list = RecordedListing.of(recording.of(endpoints.ORDER_LIST_PATH))
        self.order_details = {_tail(one): one for one in recording.of(endpoints.ORDER_DETAIL_PATH) if one.is_success}
        plans = self.facts.plans([one.result for one in self.successes(endpoints.CATALOG_PATH)])
        contacts = contacts_of([one.result for one in self.successes(endpoints.CONTACTS_PATH)])
        profile = replace(DOCUMENTED, name="recorded", order_sort=self._is_newest_first())
        super().__init__(Fleet((), plans=tuple(plans), contacts=tuple(contacts)), profile, clock)
        self._add_pbxs(plans)
        self._rows: dict[str, dict[str, Any]] = {}
        self._recorded_status: dict[str, str] = {}
        rows = self.order_list.rows
        for row in reversed(rows) if self._is_newest_first() else rows:
            self._add_order(row)
        self._template = self._newest_row()
        prices = [*self.successes(endpoints.PLAN_INFO_PATH), *self.successes(endpoints.ADD_ON_INFO_PATH)]
        self._prices = {_tail(one): one for one in prices}

    def successes(self, pattern: str) -> list[Recorded]:
        """The successful answers of an endpoint."""
        return [one for one in self.recording.of(pattern) if one.is_success]

    # what was recorded

    def _add_pbxs(self, plans: list[Any]) -> None:
        details = {
            one.query.get("productNo", ""): one.result
            for one in self.successes(endpoints.PRODUCT_DETAIL_PATH)
            if isinstance(one.result, dict)
        }
        listed: dict[str, list[dict[str, Any]]] = {}
        for row in self.products.rows:
            if str(row.get("productId", PRODUCT_ID)) == str(PRODUCT_ID):
                listed.setdefault(str(row.get("productNo")).strip(), []).append(row)
        for product_no, rows in listed.items():
            self.pbxs[product_no] = self.facts.pbx(product_no, rows, details.get(product_no), plans)

    def _add_order(self, row: dict[str, Any]) -> None:
        number, status = str(row.get("id")), str(row.get("orderStatus", ""))
        order = Order(
            id=number,
            order_no=str(row.get("orderNo", "")),
            transaction_no=str(row.get("transactionNo", "")),
            product_no=str(row.get("productNo", "")),
            status=status,
            operation=str(row.get("operationType", "")),
            created_at=instant_of(row.get("createTime")) or datetime(2000, 1, 1, tzinfo=UTC),
            po_number=self.facts.read(row, "po_number"),
            invoice_no=str(row.get("invoiceNo", "")),
            amount=Decimal(0),
            currency="",
            billing_id="",
            moves=str(row.get("productNo", "")),
            moved=status.lower() not in OPEN,
        )
        self.orders.append(order)
        self._rows[number], self._recorded_status[number] = row, status

    def _is_newest_first(self) -> bool:
        rows = self.order_list.rows
        times = [found for row in rows if (found := instant_of(row.get("createTime")))]
        return not times or times[0] >= times[-1]

    def _newest_row(self) -> dict[str, Any] | None:
        """The order whose form new ones take: a successful one if there is any, of this product."""
        rows = [self._rows[order.id] for order in reversed(self.orders)]
        rows = [row for row in rows if str(row.get("productId", PRODUCT_ID)) == str(PRODUCT_ID)]
        done = [row for row in rows if str(row.get("orderStatus", "")).lower() == "succeed"]
        return next(iter(done or rows), None)

    # orders

    @contextmanager
    def completed(self, body: Any) -> Iterator[None]:
        """What the recording does not say about a PBX, an order decides, for good if it is accepted."""
        pbx = self.find(body.get("productNo")) if isinstance(body, dict) else None
        lines = body.get("serviceList") if isinstance(body, dict) else None
        if pbx is None or not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines) or not lines:
            yield
            return
        before = replace(pbx)
        try:
            self._complete(pbx, lines)
            yield
        except Refused:
            for name in ("plan", "services", "quantity", "billing_cycle"):
                setattr(pbx, name, getattr(before, name))
            raise

    def _complete(self, pbx: Pbx, lines: list[dict[str, Any]]) -> None:
        first, *others = lines
        if pbx.plan is None:
            pbx.plan = next((plan.name for plan in self.plans if plan.plan_id == str(first.get("serviceId"))), None)
        if pbx.plan is None:
            raise Invalid("serviceList[0].serviceId", "exists", "is not a plan of the recorded catalog")
        if pbx.services is None:
            ids = {service.service_id: service.name for service in self.plan(pbx.plan).services}
            pbx.services = [ids[str(line.get("serviceId"))] for line in others if str(line.get("serviceId")) in ids]
        quantity = first.get("quantity")
        is_number = isinstance(quantity, int) and not isinstance(quantity, bool)
        if pbx.quantity is None and is_number and quantity > 0:
            pbx.quantity = quantity
        if pbx.billing_cycle is None and first.get("billingCycle") in MONTHS:
            pbx.billing_cycle = first["billingCycle"]

    def price(self, pbx: Pbx, names: list[str]) -> Decimal:
        """The sum of the recorded prices; 0 if one of them was not recorded."""
        amounts = []
        plan = next((plan for plan in self.plans if plan.name == pbx.plan), None)
        ids = {plan.name: plan.pricing_plan_id} if plan else {}
        ids |= {service.name: service.pricing_service_id for service in plan.services} if plan else {}
        for name in names:
            found = self.recorded_price(ids.get(name, ""), pbx.product_no)
            amount = self.facts.read(found.result, "amount") if found and isinstance(found.result, dict) else None
            try:
                amounts.append(Decimal(str(amount)))
            except InvalidOperation:
                return Decimal(0)
        return sum(amounts, Decimal(0)) * self.prices.factor

    def recorded_price(self, pricing_id: str, product_no: str) -> Recorded | None:
        """The recorded answer about a price of a PBX, or else of another one with the same plan or service."""
        patterns = (endpoints.PLAN_INFO_PATH, endpoints.ADD_ON_INFO_PATH)
        own = [one for pattern in patterns for one in self.recording.about(pattern, product_no)]
        return next((one for one in own if one.is_success and _tail(one) == pricing_id), self._prices.get(pricing_id))

    def _new_order(self, pbx: Pbx, at: datetime, status: str, operation: str, po_number: str | None) -> Order:
        order = super()._new_order(pbx, at, status, operation, po_number)
        recorded = list(self._rows)
        if recorded and all(number.isascii() and number.isdigit() for number in recorded):
            order.id = str(max(map(int, recorded)) + STEP * (len(self.orders) - len(recorded)))
        template = str((self._template or {}).get("orderNo", ""))
        prefix = re.match(r"\D*", template)[0]
        digits = template.removeprefix(prefix)
        if digits.isascii() and digits.isdigit():
            order.order_no = prefix + str(int(digits) + STEP * (len(self.orders) - len(recorded))).zfill(len(digits))
        return order

    def _move(self, order: Order, at: datetime) -> None:
        pbx = self.pbxs.get(order.moves)
        if pbx is not None and (pbx.expires_at is None or pbx.billing_cycle is None):
            order.moved = order.moved or order.status == "succeed"
            return
        super()._move(order, at)

    def visible_orders(self) -> list[Order]:
        """The orders that one reading of the order list shows, in the recorded order, new ones last."""
        visible = {order.id for order in super().visible_orders()}
        return [order for order in self.orders if order.id in visible]

    # how orders are shown

    def order_row(self, order: Order) -> dict[str, Any]:
        """A row of the order list: as recorded, or in the form of a recorded one."""
        if order.id in self._rows:
            return self._as_recorded(self._rows[order.id], order)
        return views.order_row(self, order) if self._template is None else self._like(self._template, order)

    def order_detail(self, order: Order) -> dict[str, Any]:
        """The detail of an order: as recorded, or in the form of a recorded one."""
        recorded = self._detail_of(order.id, order.order_no)
        if recorded is not None:
            return self._as_recorded(recorded, order)
        if order.id in self._rows:
            return {"orderInformation": self.order_row(order)}
        templates = [one.result for one in self.order_details.values() if isinstance(one.result, dict)]
        own = self._template and self._detail_of(str(self._template.get("id")), str(self._template.get("orderNo")))
        if not templates:
            return views.order_detail(self, order)
        detail = self._like(own or templates[-1], order)
        self._put_lines(detail, order)
        return detail

    def _detail_of(self, *numbers: str) -> dict[str, Any] | None:
        found = [self.order_details[number].result for number in numbers if number in self.order_details]
        return next((result for result in found if isinstance(result, dict)), None)

    def _as_recorded(self, recorded: dict[str, Any], order: Order) -> dict[str, Any]:
        shown = copy.deepcopy(recorded)
        if order.status != self._recorded_status[order.id]:
            for row in leaves(shown):
                row.update({"orderStatus": order.status} if "orderStatus" in row else {})
        return shown

    def _like(self, recorded: dict[str, Any], order: Order) -> dict[str, Any]:
        shown = copy.deepcopy(recorded)
        own = {"id": order.id, "orderNo": order.order_no, "productNo": order.product_no, "orderId": order.id}
        own |= {"transactionNo": order.transaction_no, "invoiceNo": order.invoice_no, "operationType": order.operation}
        own |= {"orderStatus": order.status, "billingContactId": order.billing_id, "customReferenceNo": ""}
        all_rows = list(leaves(shown))
        names = [name for name in self.facts.names("po_number") if any(name in row for row in all_rows)]
        for row in all_rows:
            row.update({name: _of_type(row[name], value) for name, value in own.items() if name in row})
            if "createTime" in row and instant_of(row["createTime"]):
                row["createTime"] = like(row["createTime"], order.created_at)
            if names and names[0] in row:
                row[names[0]] = order.po_number or ""
        return shown

    def _put_lines(self, detail: dict[str, Any], order: Order) -> None:
        """Write the lines of an order in the form of the recorded ones, wherever the detail has them."""
        for node in leaves(detail):
            for name, value in node.items():
                is_lines = isinstance(value, list) and value and all(isinstance(line, dict) for line in value)
                if is_lines and {"serviceId", "planId"} & set(value[0]):
                    node[name] = [self._line(value, line) for line in order.lines]
                    return

    def _line(self, recorded: list[dict[str, Any]], line: dict[str, Any]) -> dict[str, Any]:
        alike = [one for one in recorded if one.get("serviceType") == line["serviceType"]]
        shown = copy.deepcopy((alike or recorded)[0])
        values = {
            **line,
            "planId": line["serviceId"] if line["serviceType"] == "plan" else line.get("connectionPlanId"),
        }
        names = dict.fromkeys(self.facts.names("quantity"), line.get("quantity"))
        names |= dict.fromkeys(self.facts.names("billing_cycle"), line["billingCycle"])
        for name, value in {**names, **values}.items():
            if name in shown and value is not None:
                shown[name] = _of_type(shown[name], value)
        return shown

    # what is not known

    def gaps(self) -> list[str]:
        """What the recording leaves open, as sentences for the person who rehearses."""
        pbxs = [pbx for pbx in self.pbxs.values() if isinstance(pbx, RecordedPbx)]
        fixed = [pbx.product_no for pbx in pbxs if pbx.expires_at is None]
        without = [pbx.product_no for pbx in pbxs if pbx.detail is None]
        asked = {one.query.get("productNo") for one in self.recording.of(endpoints.AUTO_RENEWAL_PATH)}
        silent = [pbx.product_no for pbx in pbxs if pbx.product_no not in asked]
        said = [
            (fixed, "no field with an expiry is mapped or known; orders are accepted, and the expiry does not move"),
            (without, "the detail was not recorded; the row of the product list stands in for it"),
            (silent, "auto-renewal was not recorded; the answer is that of the other PBXs if they all have the same"),
        ]
        return [f"{_counted(numbers)}: {what}." for numbers, what in said if numbers]


def _tail(one: Recorded) -> str:
    return one.path.rpartition("/")[2]


def _counted(numbers: list[str]) -> str:
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return ", ".join(numbers[:3]) + more


def _of_type(value: Any, new: Any) -> Any:
    return int(new) if isinstance(value, int) and str(new).isdigit() else str(new) if isinstance(value, str) else new
