# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the portal that shows raw answers."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode

from tests.simulator import Simulator

SN = "3658B431119665QJ"


class Client:
    """One connection to a portal; answers are (status, parsed body)."""

    def __init__(self, portal: Simulator, log_in: bool = True) -> None:
        self.address = portal.url.removeprefix("http://")
        self.credentials = {"client_id": portal.client_id, "client_secret": portal.client_secret}
        self.connection = http.client.HTTPConnection(self.address, timeout=5)
        self.headers = {"User-Agent": "OpenAPI"}
        if log_in:
            self.log_in()

    def log_in(self) -> None:
        status, body = self.token(grant_type="pp_credentials", **self.credentials)
        assert status == 200, body
        self.headers["Authorization"] = "Bearer " + body["result"]["token"]

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        self.connection.request(method, path, body, self.headers if headers is None else headers)
        return self.connection.getresponse()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        response = self.raw(method, path, body, {**self.headers, **headers})
        return response.status, json.loads(response.read())

    def token(self, **form: str) -> tuple[int, Any]:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", "/auth/openapi/v1/oauth/token", urlencode(form).encode(), **kind)

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def result(self, path: str, **query: Any) -> Any:
        status, body = self.get(path, **query)
        assert (status, body["code"], body["status"]) == (200, "success", 200), body
        return body["result"]

    def products(self, **query: Any) -> Any:
        return self.result("/product/openapi/instance_product/v1/client/instance_product_list", productId=13, **query)

    def detail(self, product_no: str = SN) -> Any:
        return self.result("/product/openapi/instance_product/v1/detail", productId=13, productNo=product_no)

    def orders(self, **query: Any) -> Any:
        return self.result("/order/openapi/order/v1/page", **query)

    def save(self, body: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", "/order/openapi/order/v1/save", data, **{"Content-Type": "application/json"})

    def admin(self, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        return self.call("GET" if body is None else "POST", f"/_admin/{path}", data)


def sample_body() -> dict[str, Any]:
    """The tutorial's sample request."""
    plan_id = 3048571730026938368
    common = {"purchaseType": "renew", "billingCycle": "annually", "multiCycle": 0}
    return {
        "operationType": "renew_plan",
        "productId": 13,
        "productNo": SN,
        "billingId": 3197218168379846218,
        "serviceList": [
            {"serviceType": "plan", "serviceId": plan_id, "quantity": 100, "billingModel": "recurring", **common},
            {"connectionPlanId": plan_id, "serviceType": "service", "serviceId": 3048573935752720384, **common},
        ],
    }
