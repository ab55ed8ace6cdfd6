# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only way to send an order: one POST, sent once and never repeated.

The outcome is the order, or one of three exceptions: `NotSent`, `Rejected`, `Ambiguous` (docs/reliability.md, 15 to
37). A run in check mode, or for a plan, has no sender.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .._model.order import Order, OrderRequest
from .envelope import Envelope
from .errors import Ambiguous, NotSent, ReadError, Rejected, Withheld
from .http_client import Answer, ExchangeError
from .order_rows import PRODUCT_ID, id_of, named_id_of, status_of, text_of
from .response import advice_on_partner_id, is_definite, is_refusal, problem_of
from .transport import Transport

ORDER_SAVE = "/order/openapi/order/v1/save"
_CALL = f"POST {ORDER_SAVE}"


class OrderSender:
    """Sends renewal orders to one portal."""

    def __init__(self, transport: Transport) -> None:
        """``transport`` is the one that the run also reads with, so that they share token, turns and pauses."""
        self._transport = transport

    def send(self, order: OrderRequest, may_leave: Callable[[], bool] = lambda: True) -> Order:
        """Send one renewal order, once (docs/portal-api.md, 12.4), if ``may_leave`` still allows it at the last moment.

        Raises NotSent, Withheld if it may not leave, Rejected (a 4xx in the vendor's own envelope, definite or not) or
        Ambiguous (everything else).
        """
        try:
            content = json.dumps(order_body(order), ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise NotSent(_CALL, "the order contains text that is not valid Unicode") from None
        try:
            token = self._transport.bearer_token()
        except ReadError as error:
            raise NotSent(_CALL, f"no access token: {error}") from None
        answer = self._post(content, token, may_leave)
        envelope = self._transport.read_envelope(answer)
        if envelope is None or not envelope.is_complete:
            raise Ambiguous(_CALL, problem_of(answer, envelope), answer, envelope)
        if is_refusal(answer, envelope):
            raise self._refusal(answer, envelope, token)
        if answer.status != 200 or not envelope.is_success:
            raise Ambiguous(_CALL, problem_of(answer, envelope), answer, envelope)
        self._transport.accept_content_type(_CALL, answer, envelope)
        return _accepted_order(order, envelope)

    def _post(self, content: bytes, token: str, may_leave: Callable[[], bool]) -> Answer:
        with self._transport.turn():
            if not may_leave():
                raise Withheld(_CALL, "held back")
            self._transport.traffic.write += 1
            try:
                headers = {"Content-Type": "application/json"}
                return self._transport.exchange_now("POST", ORDER_SAVE, token, data=content, headers=headers)
            except ExchangeError as error:
                raise (Ambiguous if error.sent else NotSent)(_CALL, str(error)) from None

    def _refusal(self, answer: Answer, envelope: Envelope, token: str) -> Rejected:
        refusal = Rejected(_CALL, "the portal refused the order" + advice_on_partner_id(envelope), answer, envelope)
        refusal.is_definite = is_definite(answer, envelope)
        if refusal.status == 401:
            self._transport.forget(token)
            refusal.retry_after = 0.0 if self._transport.can_sign_in else None
        return refusal


def _accepted_order(order: OrderRequest, envelope: Envelope) -> Order:
    result = envelope.result
    order_no, product_no = id_of(result, "orderNo"), named_id_of(result, "productNo")
    if order_no is None:
        raise Ambiguous(_CALL, "the portal claims success but gives no order number", envelope=envelope)
    if product_no not in (None, order.product_no):
        problem = f"ordered for {order.product_no}, the portal answered for {product_no}"
        raise Ambiguous(_CALL, problem, envelope=envelope)
    return Order(
        order_id=None,
        order_no=order_no,
        status=status_of(result),
        created_at=None,
        product_no=order.product_no,
        po_number=order.po_number,
        transaction_no=text_of(result, "transactionNo"),
    )


def order_body(order: OrderRequest) -> dict[str, Any]:
    """The body of a renewal order, exactly as in the tutorial: ids as integers, all lines in one order."""
    plan_id = int(order.plan_id)
    plan_line = {
        "serviceType": "plan",
        "serviceId": plan_id,
        "quantity": order.quantity,
        "purchaseType": "renew",
        "billingModel": "recurring",
        "billingCycle": order.billing_cycle,
        "multiCycle": 0,
    }
    service_lines = [
        {
            "connectionPlanId": plan_id,
            "serviceType": "service",
            "serviceId": int(service_id),
            "purchaseType": "renew",
            "billingCycle": order.billing_cycle,
            "multiCycle": 0,
        }
        for service_id in order.service_ids
    ]
    body: dict[str, Any] = {
        "operationType": "renew_plan",
        "productId": PRODUCT_ID,
        "productNo": order.product_no,
        "billingId": int(order.billing_contact_id),
        "serviceList": [plan_line, *service_lines],
    }
    if order.po_number is not None:
        body["poNumber"] = order.po_number
    return body
