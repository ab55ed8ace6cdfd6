# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict list of HTTP exchanges in place of `_portal.http.Http`: one too many, another, or one left over fails."""

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
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http import Answer, Connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

UNCHECKED: Any = object()

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
    """Stands in for `_portal.http.Http`. As a context manager it also fails on calls that never came."""

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
        may_write: bool = True,
        **connection: Any,
    ) -> None:
        """Logs in with credentials unless ``connection`` says otherwise; ``http`` stands in for the expected calls."""
        self.calls = ExpectedCalls(*calls)
        self.secrets: list[str] = []
        self.warnings: list[str] = []
        self.sleeps: list[float] = []
        options = {"client_id": "an-id", "client_secret": "canary-secret", **connection}
        self.transport = _transport.Transport(
            Connection("https://portal.example", **options),
            secrets=Secrets(on_issued=self.secrets.append),
            on_warning=self.warnings.append,
            sleep=self.sleeps.append,
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
