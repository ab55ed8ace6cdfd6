# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variant A: a bare script with `requests`. It sends what the module sends, and checks and notes nothing.

`python bare.py POOL`, with the portal in the environment; POOL 1 is in turn. Renews whatever expires within 30 days.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

BASE = os.environ["YEASTAR_BASE_URL"]
LIST, DETAIL = (
    "/product/openapi/instance_product/v1/client/instance_product_list",
    "/product/openapi/instance_product/v1/detail",
)
CATALOG, CONTACTS = (
    "/pricing/openapi/purchase/v1/purchase_product_info",
    "/user/openapi/user/v1/client/billing_contact_list",
)
ORDERS, SAVE = "/order/openapi/order/v1/page", "/order/openapi/order/v1/save"
AUTO_RENEWAL = "/order/openapi/order/v1/check/existed_auto_renew"
_own = threading.local()
_token: list[str] = []


def session() -> requests.Session:
    """The session of this thread."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.headers.update({"User-Agent": "OpenAPI", "Authorization": f"Bearer {_token[0]}"})
    return _own.session


def get(path: str, **params: Any) -> Any:
    """The result of a read."""
    answer = session().get(BASE + path, params=params, timeout=30)
    answer.raise_for_status()
    return answer.json()["result"]


def pages(pool: ThreadPoolExecutor, path: str, **params: Any) -> list[Any]:
    """All rows of a listing."""
    first = get(path, pageNo=1, pageSize=25, **params)
    rest = pool.map(lambda number: get(path, pageNo=number, pageSize=25, **params), range(2, first["totalPage"] + 1))
    return [*first["results"], *(row for page in rest for row in page["results"])]


def renew(row: dict[str, Any], catalog: dict[str, Any], contact: str) -> None:
    """Ask whether the portal renews a PBX itself, read it, order, and read it again."""
    number = row["productNo"]
    if get(AUTO_RENEWAL, productNo=number, productId=13)["autoRenew"]:
        return
    detail = get(DETAIL, productNo=number, productId=13)
    plan_id = int(detail["planId"])
    common = {"purchaseType": "renew", "billingCycle": detail["billingCycle"], "multiCycle": 0}
    lines = [
        {"serviceType": "plan", "serviceId": plan_id, "quantity": detail["extensionNum"], "billingModel": "recurring"}
    ]
    lines += [
        {"serviceType": "service", "serviceId": int(service["serviceId"]), "connectionPlanId": plan_id}
        for service in detail["serviceList"]
        if service.get("serviceType") != "plan"
    ]
    body = {
        "operationType": "renew_plan",
        "productId": 13,
        "productNo": number,
        "billingId": int(contact),
        "serviceList": [{**line, **common} for line in lines],
    }
    session().post(BASE + SAVE, json=body, timeout=30).raise_for_status()
    get(DETAIL, productNo=number, productId=13)


def main() -> None:
    """Log in, read, renew, read the orders again."""
    size = int(sys.argv[1])
    form = {
        "client_id": os.environ["YEASTAR_CLIENT_ID"],
        "client_secret": os.environ["YEASTAR_CLIENT_SECRET"],
        "grant_type": "pp_credentials",
    }
    answer = requests.post(
        f"{BASE}/auth/openapi/v1/oauth/token", data=form, headers={"User-Agent": "OpenAPI"}, timeout=30
    )
    _token.append(answer.json()["result"]["token"])
    with ThreadPoolExecutor(size) as pool:
        rows = pages(pool, LIST, productId=13)
        catalog = get(CATALOG, productId=13)
        contact = get(CONTACTS)[0]["billingContactId"]
        pages(pool, ORDERS)
        soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        due = [row for row in rows if row["expireDate"] <= soon]
        list(pool.map(lambda row: renew(row, catalog, contact), due))
        pages(pool, ORDERS)
    print(f"{len(due)} renewed")


if __name__ == "__main__":
    main()
