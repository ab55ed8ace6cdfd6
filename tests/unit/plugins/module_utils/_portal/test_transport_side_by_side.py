# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests side by side: one login for all, one pause for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import Ambiguous, Rejected, Withheld
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import ORDER_SAVE
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import TOKEN_PATH
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    raw,
    refusal,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.side_by_side import Line, Wire

Serve = Callable[[str, Optional[str], dict[str, Any]], Answer]


def _token(number: int) -> Answer:
    return success({"token": f"token-{number}", "expiresIn": "1800"})


def test_whoever_needs_the_first_token_it_is_asked_for_once() -> None:
    line = Line(4, lambda path, token, payload: _token(1) if path == TOKEN_PATH else success(token))
    assert line.pool.map(line.transport.get, ["/a", "/b", "/c", "/d", "/e"]) == ["token-1"] * 5
    assert line.logins() == 1 and line.transport.traffic.token == 1 and line.most == 4


def test_a_token_that_is_refused_to_all_at_once_is_renewed_once() -> None:
    line = Line(4, lambda path, token, payload: success({}))
    wire = Wire(line.pool, 4)

    def serve(path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        if path == TOKEN_PATH:
            return _token(line.logins())
        if token == "token-1":
            wire.wait()
            return refusal(401)
        return success(token)

    line.serve = serve
    assert line.pool.map(line.transport.get, ["/a", "/b", "/c", "/d"]) == ["token-2"] * 4
    assert line.logins() == 2


def test_a_refused_order_does_not_take_the_token_from_those_that_have_a_newer_one() -> None:
    line = Line(2, lambda path, token, payload: success({}))
    wire = Wire(line.pool, 2)

    def serve(path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        if path == TOKEN_PATH:
            return _token(line.logins())
        if token == "token-1":
            wire.wait()
            line.pool.sleep(0.05 if path == ORDER_SAVE else 0)
            return refusal(401)
        return success(token)

    def send(path: str) -> Any:
        if path == "/order":
            with pytest.raises(Rejected):
                line.send()
            return None
        return line.transport.get(path)

    line.serve = serve
    line.transport.bearer_token()
    assert line.pool.map(send, ["/order", "/read"]) == [None, "token-2"]
    assert line.transport.get("/read") == "token-2" and line.logins() == 2


def test_a_portal_that_asks_for_less_is_asked_nothing_by_anyone_until_the_time_is_over() -> None:
    pauses: list[int] = []
    sent_in_pause: list[int] = []

    def serve(path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        if path == "/0" and not pauses:
            return refusal(429, Retry_After="7")
        return success(path)

    def sleep(seconds: float) -> None:
        assert seconds == 7
        line.pool.sleep(0.05)  # those that were under way come to their end
        pauses.append(len(line.log))
        line.pool.sleep(0.2)
        sent_in_pause.append(len(line.log) - pauses[0])

    line = Line(4, serve, sleep, access_token="given")
    paths = [f"/{number}" for number in range(40)]
    assert line.pool.map(line.transport.get, paths) == paths
    assert sent_in_pause == [0] and len(line.log) == 41
    assert pauses[0] < 12  # it was told early, and most were still to come


def test_an_order_waits_for_the_end_of_the_pause_and_is_held_back_if_it_may_not_leave_any_more() -> None:
    line = Line(2, lambda path, token, payload: success({"orderNo": "1"}), access_token="given")
    may_leave = [True]

    def pause(_item: int) -> None:
        with line.transport.send_gate.closed():
            line.pool.sleep(0.05)
            may_leave[0] = False

    def order(_item: int) -> None:
        with pytest.raises(Withheld):
            line.send(lambda: may_leave[0])

    line.pool.map(lambda work: work(0), [pause, order])
    assert line.log == [] and line.transport.traffic.write == 0


@pytest.mark.parametrize("on_order", [False, True])
def test_once_a_request_was_one_too_many_they_go_one_at_a_time(on_order: bool) -> None:
    line = Line(4, lambda path, token, payload: success({"orderNo": "1"}), access_token="given")
    most: list[int] = []

    def serve(path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        most.append(line.under_way)
        if len(most) == 1:
            return raw(b"", 429, Retry_After="0") if on_order else refusal(429, Retry_After="0")
        return success({"orderNo": "1"})

    def send(path: str) -> Any:
        return line.send() if path.startswith("/order") else line.transport.get(path)

    line.serve = serve
    if on_order:
        with pytest.raises(Ambiguous):
            send("/order")
    else:
        send("/read")
    line.pool.map(send, [f"/{kind}/{number}" for number in range(5) for kind in ("order", "read")])
    assert set(most) == {1} and len(most) == 11 + (not on_order)


def test_an_order_that_waits_for_its_turn_is_held_back_if_it_may_not_leave_any_more() -> None:
    limited = [refusal(429, Retry_After="0")]
    line = Line(2, lambda path, token, payload: limited.pop() if limited else success({}), access_token="given")
    may_leave = [True]

    def serve(path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        line.pool.sleep(0.05)
        may_leave[0] = False
        return success({"orderNo": "1"})

    def order(path: str) -> None:
        if path == "/first":
            line.send()
        else:
            with pytest.raises(Withheld):
                line.send(lambda: may_leave[0])

    line.transport.get("/too many")
    line.serve = serve
    line.pool.map(order, ["/first", "/second"])
    assert line.log == ["/too many", "/too many", ORDER_SAVE]
