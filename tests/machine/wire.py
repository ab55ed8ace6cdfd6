# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for `Http`: calls the simulator directly, and handles its answer as the real one would."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from requests.structures import CaseInsensitiveDict

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.body import MAX_BODY
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import ORDER_LIST, PRODUCT_DETAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import ORDER_SAVE
from tests.machine.world import Post, World
from tests.simulator import answer as portal
from tests.simulator.clock import parse_instant
from tests.simulator.endpoints import Request

if TYPE_CHECKING:
    from tests.machine.controller import Controller

LATENCY = 0.1  # s, each way
_LARGEST_HEAD = 4096  # bytes


class _NoHold:
    """A hold that never stops."""

    verb = None

    def at(self, point: str) -> None:
        """Continue."""


def _is_plain_refusal(answer: portal.Answer) -> bool:
    """Whether a complete answer in the vendor's envelope reaches the client and says that nothing was carried out."""
    members = ("code", "detailMessage", "requestId", "result", "status")
    if answer.body is not None or answer.wire not in ("whole", "close", "hang_up"):
        return False
    if any(answer.payload.get(name) is None for name in members):
        return False
    status = answer.payload["status"]
    is_known = str(answer.payload["code"]).startswith("parameter_validation_f") and status < 500
    return answer.status in (200, status) and (status in (401, 403, 429) or is_known)


class Wire:
    """The connection of one run to the portal."""

    def __init__(self, world: World, run: Controller, timeout: float) -> None:
        self._world, self._run, self._timeout = world, run, timeout

    def exchange(self, method: str, path: str, token: str | None = None, **payload: Any) -> Answer:
        """As `_portal.http_client.Http.exchange`. Things may happen to the run just before and just after."""
        self._run.reach("before", path)
        self._world.counts["requests"] += 1
        try:
            outcome: Answer | ExchangeError = self._exchange(self._request(method, path, token, payload))
        except ExchangeError as error:
            outcome = error
        self._run.reach("after", path)
        if self._run.loses_answer:
            self._run.loses_answer = False
            raise ExchangeError("the connection broke")
        if isinstance(outcome, ExchangeError):
            raise outcome
        return outcome

    def _request(self, method: str, path: str, token: str | None, payload: dict[str, Any]) -> Request:
        headers = CaseInsensitiveDict({"User-Agent": "OpenAPI", **payload.get("headers", {})})
        data = payload.get("data", b"")
        if not isinstance(data, bytes):
            data = urlencode(data).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return Request(method, unquote(path), list((payload.get("params") or {}).items()), headers, data)

    def _exchange(self, request: Request) -> Answer:
        if self._run.is_cut_off():
            self._world.advance(LATENCY)
            raise ExchangeError(
                "no connection: is base_url right, and is the host reachable?", request.path != ORDER_SAVE
            )
        self._world.advance(LATENCY)
        post = self._post(request) if request.path == ORDER_SAVE else None
        if request.path == ORDER_LIST:
            self._look_at_orders()
        world = self._world
        before, world.now_sending, world.patience = world.now_sending, post, self._timeout
        try:
            answer, dummy = world.simulator.exchange(request, _NoHold())  # type: ignore[arg-type]
        finally:
            world.now_sending = before
        if request.path == PRODUCT_DETAIL and (pbx := world.pbx(dict(request.query)["productNo"])) is not None:
            self._run.read_at[pbx.product_no] = (self._run.transactions, pbx.expires_at)
        world.advance(LATENCY)
        if post is not None:
            post.is_refused = not post.is_committed and _is_plain_refusal(answer)
        return self._as_seen(answer)

    def _as_seen(self, answer: portal.Answer) -> Answer:
        """What the client gets to see of an answer. Raises ExchangeError as `_portal.http_client.Http` does."""
        if answer.wire in ("drop", "reset"):
            raise ExchangeError("the connection broke")
        body = answer.encoded()
        if answer.wire == "truncate" and answer.missing and body:
            raise ExchangeError("the answer broke off")
        if answer.wire == "break_off" and answer.sent < len(body) + _LARGEST_HEAD:
            raise ExchangeError("the connection broke")
        if answer.wire == "drip":
            duration = len(body) * answer.seconds
            self._world.advance(min(duration, self._timeout))
            if duration >= self._timeout:
                raise ExchangeError(f"no complete answer within {self._timeout:g} s")
        headers = {
            "Date": format_datetime(self._world.simulator.clock.now(), usegmt=True),
            "Content-Type": answer.content_type,
            **answer.headers,
        }
        if answer.wire != "close_delimited" and answer.status != 204:
            headers["Content-Length"] = str(len(body))
        encoding = answer.headers.get("Content-Encoding")
        if encoding not in (None, "gzip"):
            raise ExchangeError(f"expected an uncompressed answer, got {encoding}")
        content = gzip.decompress(body) if encoding == "gzip" else body
        if len(content) > MAX_BODY:
            raise ExchangeError(f"the answer is larger than {MAX_BODY} bytes")
        return Answer(answer.status, CaseInsensitiveDict(headers), content)

    # invariants at the moment an order is sent

    def _post(self, request: Request) -> Post:
        world, run, body = self._world, self._run, json.loads(request.body)
        product_no, po_number = body["productNo"], body.get("poNumber")
        pbx = world.pbx(product_no)
        assert pbx is not None
        world.counts["orders sent"] += 1
        if run.is_read_only:
            world.violations.append(f"an order was sent for {product_no} by a run that may only read")
        rows = world.rows(
            "SELECT expires_at, generation FROM yeastar_intent"
            " WHERE product_no = ? AND po_number = ? AND status = ? AND run_id = ?",
            *(product_no, po_number, IntentStatus.INTENDED, run.run_id),
        )
        if len(rows) != 1:
            world.violations.append(f"an order for {product_no} left without an intent in the ledger: {rows}")
        if world.locks.get(f"https://portal.example {product_no}") is not run:
            world.violations.append(f"an order for {product_no} left without the lock")
        transactions, expiry = run.read_at.get(product_no, (-9, None))
        if transactions < run.transactions - 1:
            world.violations.append(f"an order for {product_no} left without a re-read under its intent")
        elif rows and expiry is not None and abs(parse_instant(rows[0][0]) - expiry) > timedelta(days=1):
            world.violations.append(f"an order for {product_no} of {rows[0][0]} left, but {expiry} was read last")
        key = (rows[0][0], rows[0][1]) if rows else None
        post = Post(run, product_no, po_number, pbx.expires_at, run.noted_at, key)
        self._refuse_what_was_shown(post)
        world.posts.append(post)
        run.posts.append(post)
        return post

    def _refuse_what_was_shown(self, post: Post) -> None:
        """With or without the ledger: nothing is ordered again that the order list showed to this run."""
        for earlier in self._world.posts:
            if (earlier.product_no, earlier.expiry) != (post.product_no, post.expiry) or not earlier.is_living:
                continue
            shown = [order.order_no for order in earlier.orders if order.order_no in self._run.shown]
            if shown:
                self._world.violations.append(f"ordered again although the portal shows {shown}: {earlier}")

    def _look_at_orders(self) -> None:
        """Record what the portal is about to show, and what it still hides after the settle window."""
        world, now = self._world, self._world.simulator.clock.now()
        orders = world.simulator.account.orders
        hidden = {
            order.order_no
            for order in orders
            if order.hidden_reads or (order.hidden_until is not None and order.hidden_until > now)
        }
        self._run.shown = {order.order_no for order in orders} - hidden
        for post in world.posts:
            is_over = world.seconds - post.noted_at >= self._run.settle_window
            is_hidden = post.is_under_way or any(order.order_no in hidden and not order.moved for order in post.orders)
            if is_over and is_hidden and not post.is_excused:
                post.is_excused = True
                world.counts["orders hidden beyond the settle window"] += 1
