# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges side by side: a session for each that is under way, kept for the next, and none that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import BrokenOff, Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection, Http
from ansible_collections.pbxops.yeastar.tests.unit.helpers.side_by_side import CallerEnded, listening, tell_main_thread


class _Server(ThreadingHTTPServer):
    """Answers each request once ``together`` of them are there."""

    daemon_threads = True
    together = threading.Barrier(1)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections: set[Any] = set()
        self.paths: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.connections.add(self.client_address)
        self.server.paths.append(self.path)
        with suppress(threading.BrokenBarrierError):  # the test is over
            self.server.together.wait(10)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def _http(server: _Server, pool: Pool) -> Http:
    return Http(Connection(f"http://127.0.0.1:{server.server_address[1]}", timeout=20), pool)


def test_as_many_are_under_way_as_the_pool_has_places_on_as_many_connections(server: _Server) -> None:
    pool = Pool(4)
    http = _http(server, pool)
    server.together = threading.Barrier(4)
    answers = pool.map(lambda number: http.exchange("GET", f"/{number}"), range(20))
    assert [answer.status for answer in answers] == [200] * 20
    assert len(server.paths) == 20 and len(server.connections) == 4


def test_with_one_place_one_connection_does(server: _Server) -> None:
    http = _http(server, Pool())
    for number in range(5):
        http.exchange("GET", f"/{number}")
    assert len(server.connections) == 1


def test_who_is_told_to_end_waits_for_no_answer_and_sends_nothing_more(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(2)
    http = _http(server, pool)
    begun: list[str] = []
    send = http._send

    def note(session: Any, method: str, path: str, **payload: Any) -> Any:
        begun.append(path)
        return send(session, method, path, **payload)

    monkeypatch.setattr(http, "_send", note)
    server.together = threading.Barrier(9)

    def work(number: int) -> None:
        if number == 1:
            while len(server.paths) < 1:
                pool.sleep(0.01)
            tell_main_thread()
            try:
                pool.sleep(20)
            finally:
                http.exchange("GET", "/sent by who was told to end")
        http.exchange("GET", f"/{number}")

    started = time.monotonic()
    with listening(), pytest.raises(CallerEnded):
        pool.map(work, range(4))
    assert time.monotonic() - started < 10
    time.sleep(0.5)  # on a busy machine, what is sent after all takes its time
    assert server.paths == begun == ["/0"]
    server.together.abort()


class _SlowSession:
    """Connects until it may go on, and then asks for the body, as a session does."""

    def __init__(self) -> None:
        self.connected, self.ended = threading.Event(), threading.Event()
        self.sent: Any = None

    def request(self, *_arguments: Any, data: Any, **_options: Any) -> None:
        self.connected.wait(10)
        try:
            self.sent = data.read()
        except OSError as error:
            self.sent = error
        self.ended.set()
        raise OSError("closed")


@pytest.mark.parametrize("told", [KeyboardInterrupt, SystemExit, BrokenOff])
def test_an_order_does_not_leave_after_whoever_sends_it_was_told_to_end(told: type[BaseException]) -> None:
    pool, session = Pool(), _SlowSession()
    http = Http(Connection("http://127.0.0.1:1", timeout=20), pool)
    http._sessions.append(session)

    def wait(future: Any, timeout: Any = None) -> Any:
        raise told

    pool.wait = wait  # type: ignore[method-assign]
    with pytest.raises(told):
        http.exchange("POST", "/order", data=b"{}")
    session.connected.set()
    assert session.ended.wait(10)
    assert isinstance(session.sent, OSError)
