# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict list of HTTP exchanges in place of `Http`: one too many, another, or one left over fails.

`Bench` is a transport over such a list. Below them are the answers and the exchanges that such lists are made of.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, Union

from requests.structures import CaseInsensitiveDict

from ansible_collections.pbxops.yeastar.plugins.module_utils import _concurrency as _pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import transport as _transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, Connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN

UNCHECKED: Any = object()

EXPIRES, RENEWED_UNTIL = "2026-12-05", "2027-12-05"
PRODUCT = "/product/openapi/instance_product/v1"
REQUEST_ID = "505af21ce5429362eef1f29958dd2bde"
JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True)
class Call:
    """One expected exchange. What is UNCHECKED may be anything; ``body`` is compared as parsed JSON."""

    method: str
    path: str
    outcome: Union[Answer, BaseException]
    token: Any = UNCHECKED
    params: Any = UNCHECKED
    form: Any = UNCHECKED
    body: Any = UNCHECKED

    def differences(self, method: str, path: str, token: Optional[str], payload: dict[str, Any]) -> list[str]:
        """What a real exchange has other than expected, in words."""
        data = payload.get("data")
        seen = {
            "method": method,
            "path": path,
            "token": token,
            "params": None if payload.get("params") is None else dict(payload["params"]),
            "form": data if isinstance(data, dict) else None,
            "body": json.loads(data) if isinstance(data, bytes) else None,
        }
        return [
            f"{name} is {value!r}, expected {getattr(self, name)!r}"
            for name, value in seen.items()
            if getattr(self, name) is not UNCHECKED and getattr(self, name) != value
        ]


class ExpectedCalls:
    """Stands in for `_portal.http_client.Http`. As a context manager it also fails on calls that never came."""

    def __init__(self, *calls: Call) -> None:
        """``calls`` must come in this order, and no others."""
        self._left = list(calls)
        self._mistakes: list[str] = []
        self.payloads: list[dict[str, Any]] = []

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Check one exchange against the list and give the answer that was prepared for it."""
        self.payloads.append(payload)
        if not self._left:
            self._fail(f"one call too many: {method} {path}")
        call = self._left.pop(0)
        differences = call.differences(method, path, token, payload)
        if differences:
            self._fail(f"{method} {path}: {'; '.join(differences)}")
        if isinstance(call.outcome, BaseException):
            raise call.outcome
        return call.outcome

    def _fail(self, mistake: str) -> None:
        self._mistakes.append(mistake)
        raise AssertionError(mistake)

    def __enter__(self) -> ExpectedCalls:
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        if error is None:
            assert not self._mistakes, "; ".join(self._mistakes)
            assert not self._left, f"calls that never came: {[f'{call.method} {call.path}' for call in self._left]}"


class Bench:
    """A transport over expected calls, and everything it says to its surroundings."""

    def __init__(
        self,
        *calls: Call,
        pool: Optional[_pool.Pool] = None,
        http: Any = None,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Optional[Callable[[float], None]] = None,
        may_write: bool = True,
        **connection: Any,
    ) -> None:
        """Logs in with credentials unless ``connection`` says otherwise; ``http`` stands in for the expected calls.

        ``sleeps`` has how long it slept, unless ``sleep`` is given.
        """
        self.calls = ExpectedCalls(*calls)
        self.secrets: list[str] = []
        self.warnings: list[str] = []
        self.sleeps: list[float] = []
        options = {"client_id": "an-id", "client_secret": "canary-secret", **connection}
        self.transport = _transport.Transport(
            Connection("https://portal.example", **options),
            secrets=Secrets(on_issued=self.secrets.append),
            on_warning=self.warnings.append,
            sleep=sleep or self.sleeps.append,
            pool=pool,
            http=http or self.calls,
            clock=clock,
            monotonic=monotonic,
            may_write=may_write,
        )

    def __enter__(self) -> Bench:
        self.calls.__enter__()
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        self.calls.__exit__(kind, error, trace)


def raw(content: bytes, status: int = 200, content_type: Optional[str] = JSON_TYPE, **headers: str) -> Answer:
    """An answer of any bytes. Header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        named["Content-Type"] = content_type
    return Answer(status, CaseInsensitiveDict(named), content)


def envelope(result: Any, /, **members: Any) -> bytes:
    """The vendor's envelope of a success, with other members where they are given; UNCHECKED leaves one out."""
    whole = {"code": "success", "detailMessage": "", "requestId": REQUEST_ID, "result": result, "status": 200}
    return json.dumps({name: value for name, value in {**whole, **members}.items() if value is not UNCHECKED}).encode()


def success(result: Any, **headers: str) -> Answer:
    """A success of the API."""
    return raw(envelope(result), **headers)


def refusal(status: int, code: str = "some_error", detail: str = "some detail", **headers: str) -> Answer:
    """An error in the vendor's own envelope, HTTP and envelope agreeing."""
    return raw(envelope({}, code=code, detailMessage=detail, status=status), status=status, **headers)


def page(rows: list[Any], size: Optional[int] = None, **members: Any) -> dict[str, Any]:
    """The ``result`` of one page of a listing; ``size`` is the total, ``members`` replace what it says."""
    count = len(rows) if size is None else size
    sizes = {"count": count, "pageNo": 1, "pageSize": 25, "total": count, "totalPage": -(-count // 25)}
    return {**sizes, "results": rows, **members}


def login(token: str = "token-1", expires_in: Any = "1800", /, **members: Any) -> Call:
    """An expected login that succeeds."""
    details = {"token": token, "refreshToken": f"refresh-{token}", "expiresIn": expires_in, "tokenHead": "Bearer "}
    form = {"client_id": "an-id", "client_secret": "canary-secret", "grant_type": "pp_credentials"}
    return Call("POST", _transport.TOKEN_PATH, success({**details, **members}), token=None, form=form)


# --- the exchanges of a whole run about one PBX of the tutorial ------------------------------------------------------


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
    """The reads that a decision needs besides the PBX: the catalog, the billing contacts, and a list without orders."""
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
