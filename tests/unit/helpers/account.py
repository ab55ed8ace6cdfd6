# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account in memory in place of `Http`: what is ordered is charged, and shows late, if at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import page, refusal, success

ENTERPRISE, HA, CONTACT = 3048571730026938368, 3048573935752720384, 3197218168379846218


@dataclass
class Invoice:
    """An order that was accepted, and so charged."""

    order_no: str
    product_no: str
    po_number: str
    created_at: datetime
    status: str = "succeed"
    has_moved: bool = False
    lines: Any = None


class Account:
    """Stands in for `_portal.http_client.Http`: the portal of one account, whose clock is that of the run.

    Accepted orders show in the list after ``list_lag`` seconds and at the expiry, which they move by ``cycles`` years,
    after ``expiry_lag``. ``echoes`` says whether the list tells purchase order numbers. An order's detail tells its
    kind and its lines; of what a person has placed neither. ``before`` has what happens before a request, by the last
    part of its path; an Answer that it returns is given instead. ``save`` answers orders.
    """

    def __init__(self, list_lag: float = 0, expiry_lag: float = 0, echoes: bool = True, **days_left: int) -> None:
        """``days_left`` is that of each PBX, by serial number."""
        self.list_lag, self.expiry_lag, self.echoes = timedelta(seconds=list_lag), timedelta(seconds=expiry_lag), echoes
        self.pbxs = {number: self._pbx(number, days) for number, days in days_left.items()}
        self.details: dict[str, dict[str, Any]] = {number: {} for number in self.pbxs}
        # Rows and details of orders that a person has placed.
        self.orders: list[dict[str, Any]] = []
        self.order_details: dict[str, Any] = {}
        # What the query of the auto-renewal status answers, by PBX; 404 where nothing is set.
        self.auto_renewals: dict[str, Any] = {}
        self.log: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.invoices: list[Invoice] = []
        self.cycles = 1
        self.saved_status = "succeed"
        self.dates_orders = True
        self.save: Callable[[str], Answer] = self.accept
        self.before: dict[str, Callable[[], Any]] = {}
        # How far the portal's clock is ahead of the run's; None where its answers have no Date.
        self.ahead: Optional[timedelta] = timedelta(0)
        self.now: Callable[[], datetime] = lambda: NOW

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        answer = self._answer(path, payload)
        if self.ahead is not None:
            answer.headers["Date"] = format_datetime(self._portal_now(), usegmt=True)
        return answer

    def accept(self, number: str) -> Answer:
        """Charge for the last order that was sent for a PBX."""
        body = [body for body in self.sent if body["productNo"] == number][-1]
        return success(self.charge(number, body.get("poNumber", ""), body["serviceList"]))

    def charge(self, number: str, po_number: str = "", lines: Any = None) -> dict[str, Any]:
        """Accept an order; what its answer says."""
        order_no = f"BN{len(self.invoices) + 1}"
        self.invoices.append(Invoice(order_no, number, po_number, self._portal_now(), self.saved_status, lines=lines))
        return {"orderNo": order_no, "orderStatus": self.saved_status, "productNo": number, "transactionNo": "QO1"}

    def move(self, number: str) -> None:
        expiry = datetime.fromisoformat(self.pbxs[number]["expireDate"])
        self.pbxs[number]["expireDate"] = expiry.replace(year=expiry.year + self.cycles).isoformat()

    def ordered(self) -> list[str]:
        """The PBXs for which an order was sent."""
        return [body["productNo"] for body in self.sent]

    def charged(self) -> list[str]:
        """The tags of the invoices that are not dead."""
        dead = ("failed", "invalid", "cancelled", "refunded")
        return [invoice.po_number for invoice in self.invoices if invoice.status not in dead]

    def rows(self) -> list[dict[str, Any]]:
        """The list of orders, as it is now."""
        shown = [one for one in self.invoices if self._portal_now() - one.created_at >= self.list_lag]
        return [*self.orders, *map(self._row, shown)]

    def _pbx(self, number: str, days_left: int) -> dict[str, Any]:
        plan = {"planName": "Enterprise Plan", "serviceList": ["HA"], "quantity": 100, "billingCycle": "annually"}
        return {"productNo": number, "expireDate": (NOW + timedelta(days_left)).isoformat(), **plan}

    def _portal_now(self) -> datetime:
        return self.now() + (self.ahead or timedelta(0))

    def _answer(self, path: str, payload: dict[str, Any]) -> Answer:
        name = "order" if "/get/" in path else path.rsplit("/", 1)[1]
        self.log.append(name)
        if name in self.before:
            instead = self.before[name]()
            if isinstance(instead, Answer):
                return instead
        if name == "save":
            self.sent.append(json.loads(payload["data"]))
            return self.save(self.sent[-1]["productNo"])
        params = payload.get("params") or {}
        if name == "existed_auto_renew":
            answer = self.auto_renewals.get(params["productNo"], refusal(404))
            return answer if isinstance(answer, Answer) else success(answer)
        self._let_orders_take_effect()
        return success(self._read(name, path, params))

    def _let_orders_take_effect(self) -> None:
        for invoice in self.invoices:
            is_over = invoice.status == "succeed" and self._portal_now() - invoice.created_at >= self.expiry_lag
            if is_over and not invoice.has_moved:
                invoice.has_moved = True
                self.move(invoice.product_no)

    def _read(self, name: str, path: str, params: dict[str, str]) -> Any:
        if name == "token":
            return {"token": f"token-{self.log.count('token')}", "expiresIn": 1800}
        if name == "detail":
            return {**self.pbxs[params["productNo"]], **self.details[params["productNo"]]}
        if name == "order":
            return self._detail(path.rsplit("/", 1)[1])
        plan = {"planId": ENTERPRISE, "planName": "Enterprise Plan", "services": [{"serviceId": HA, "name": "HA"}]}
        return {
            "instance_product_list": page(list(self.pbxs.values())),
            "purchase_product_info": {"plans": [plan]},
            "billing_contact_list": [{"billingContactId": str(CONTACT), "emailAddress": "a@example.com"}],
            "page": page(self.rows()),
        }[name]

    def _detail(self, order_id: str) -> Any:
        if order_id in self.order_details:
            return self.order_details[order_id]
        (invoice,) = (one for one in self.invoices if one.order_no == order_id)
        if invoice.lines is None:
            return {"basicInformation": {"productNo": invoice.product_no}}
        return {"operationType": "renew_plan", "orderSummary": {"serviceList": invoice.lines}}

    def _row(self, invoice: Invoice) -> dict[str, Any]:
        row = {"id": invoice.order_no, "orderNo": invoice.order_no, "orderStatus": invoice.status}
        row.update(productNo=invoice.product_no)
        if self.dates_orders:
            row.update(createTime=invoice.created_at.isoformat())
        return {**row, "poNumber": invoice.po_number} if self.echoes else row
