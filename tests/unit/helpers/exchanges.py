# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchanges of a whole run about one PBX of the tutorial, and plugins that talk to them instead of the network."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import transport as _transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http import Connection
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Call,
    ExpectedCalls,
    page,
    success,
)

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."
SN = "3658B431119665QJ"
NOW = "2026-11-23T00:00:00Z"
EXPIRES, RENEWED_UNTIL = "2026-12-05", "2027-12-05"
PRODUCT = "/product/openapi/instance_product/v1"


def pbx(expire_date: str = EXPIRES, product_no: str = SN) -> dict[str, Any]:
    """A PBX as the portal lists it."""
    return {
        "productNo": product_no,
        "expireDate": expire_date,
        "planId": 3048571730026938368,
        "planName": "Enterprise Plan",
        "serviceList": [],
        "quantity": 100,
        "billingCycle": "annually",
    }


def listing(*rows: dict[str, Any]) -> Call:
    """The product list is read, and holds these rows."""
    return Call("GET", f"{PRODUCT}/client/instance_product_list", success(page(list(rows))))


def detail(expire_date: str = EXPIRES, product_no: str = SN) -> Call:
    """The detail of a PBX is read."""
    params = {"productNo": product_no, "productId": "13"}
    return Call("GET", f"{PRODUCT}/detail", success(pbx(expire_date, product_no)), params=params)


def evidence() -> list[Call]:
    """What a decision needs beside the PBX is read: the catalog, the billing contacts and the orders, of which none."""
    plan = {"planId": 3048571730026938368, "planName": "Enterprise Plan", "pricingPlanId": 1001}
    contact = {"billingContactId": 3197218168379846218, "emailAddress": "billing@example.com"}
    return [
        Call("GET", "/pricing/openapi/purchase/v1/purchase_product_info", success({"plans": [plan]})),
        Call("GET", "/user/openapi/user/v1/client/billing_contact_list", success([contact])),
        Call("GET", "/order/openapi/order/v1/page", success(page([]))),
    ]


def auto_renewal(result: Any = None, product_no: str = SN) -> Call:
    """It is asked whether the portal renews a PBX itself; it does not, unless another ``result`` is given."""
    params = {"productNo": product_no, "productId": "13"}
    answer = {"autoRenew": False} if result is None else result
    return Call("GET", "/order/openapi/order/v1/check/existed_auto_renew", success(answer), params=params)


def order() -> Call:
    """An order is sent, and has succeeded."""
    answer = {"orderNo": "BN1", "orderStatus": "succeed", "productNo": SN, "transactionNo": "QO1"}
    return Call("POST", "/order/openapi/order/v1/save", success(answer))


def decision() -> list[Call]:
    """All that is read, after a login, until one PBX is found due."""
    return [listing(pbx()), *evidence(), auto_renewal(), detail()]


def renewal() -> list[Call]:
    """All that happens, after a login, when one PBX is due and renewed, and its order is looked for at the end."""
    return [*decision(), order(), detail(RENEWED_UNTIL), evidence()[-1]]


@contextmanager
def portal(monkeypatch: pytest.MonkeyPatch, *calls: Call) -> Iterator[list[Connection]]:
    """Exactly these exchanges take place, in this order. Gives the connections that were asked for."""
    connections: list[Connection] = []
    expected = ExpectedCalls(*calls)

    def connect(connection: Connection, _pool: Pool) -> ExpectedCalls:
        connections.append(connection)
        return expected

    monkeypatch.setattr(_transport, "Http", connect)
    with expected:
        yield connections


def shown_by(output: str) -> dict[str, Any]:
    """The result that a module has printed, in which there is no secret and nothing that a core will take away."""
    result: dict[str, Any] = json.loads(output)
    result.pop("_ansible_new_secrets", None)  # what ansible-core 2.22 is to hide, and takes out of every result
    assert "canary" not in json.dumps(result), "a secret is shown"
    assert "deprecations" not in result
    return result


def run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, *calls: Call, **arguments: Any
) -> dict[str, Any]:
    """The result of a module, which must talk to the portal in just these calls. Options of Ansible have a `_`."""
    options = {"client_id": "an-id", "client_secret": "canary-secret", "now": NOW, **arguments}
    content = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", None)
    with portal(monkeypatch, *calls), pytest.raises(SystemExit) as end:
        import_module(MODULES + name).main()
    result = shown_by(capsys.readouterr().out)
    assert end.value.code == (1 if result.get("failed") else 0)
    return result
