# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges that are stopped in the middle: what was read, carried out and sent by then, and what happens after."""

from __future__ import annotations

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulator import POINTS, Held, Simulator

SAVE = "/order/openapi/order/v1/save"
NOT_READ = ("on_accept", "after_headers", "half_body")
UNCOMMITTED = (*NOT_READ, "before_commit")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as executor:
        yield executor


def hold(portal, point, **options):
    portal.fault("hold", point=point, **({} if point == "on_accept" else {"path": SAVE}), **options)


def send(client, body):
    """Send an order on a new connection; the answer is not waited for."""
    client.connection.close()
    client.connection.request(
        "POST", SAVE, json.dumps(body).encode(), {**client.headers, "Content-Type": "application/json"}
    )
    return client.connection.sock


def received(sock):
    """What has come in so far."""
    sock.setblocking(False)
    try:
        return sock.recv(100_000)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("point", POINTS)
def test_it_stops_exactly_there_and_a_living_client_is_served_after(portal, client, body, point):
    hold(portal, point)
    sock = send(client, body)
    named = (None, None) if point == "on_accept" else ("POST", SAVE)
    assert portal.wait_held() == portal.held == [Held(point, *named)]
    assert len(portal.invoices) == (point not in UNCOMMITTED)
    assert len([entry for entry in portal.log if entry.path == SAVE]) == (point not in NOT_READ)
    begun = received(sock)
    if point == "half_head":
        assert begun.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in begun
    elif point == "half_answer":
        assert b"\r\n\r\n{" in begun and not begun.endswith(b"}")
    else:
        assert begun.endswith(b"}") if point == "after_answer" else begun == b""
    portal.release()
    assert portal.held == [] and len(portal.invoices) == 1
    answer = begun + received(sock)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "success"
    entry = portal.log[-1]
    assert (entry.path, entry.status, entry.fault) == (SAVE, 200, "hold")


@pytest.mark.parametrize("point", POINTS)
def test_without_the_client_what_was_read_whole_is_carried_out(portal, client, body, point):
    hold(portal, point)
    send(client, body)
    portal.wait_held()
    client.connection.close()
    portal.release()
    assert len(portal.invoices) == (point not in NOT_READ)
    if point in ("after_headers", "half_body"):
        entry = portal.log[-1]
        assert (entry.path, entry.status, entry.fault, entry.body) == (SAVE, None, "hold", None)
        whole = json.dumps(body)
        assert entry.raw_body == ("" if point == "after_headers" else whole[: len(whole) // 2])
    if point == "on_accept":
        assert portal.log[-1].path != SAVE


def test_several_are_held_and_let_go_together(portal, connect, body, pool):
    clients = [connect(portal) for dummy in range(4)]
    hold(portal, "before_commit", times=4)
    answers = [pool.submit(client.save, body) for client in clients]
    assert len(portal.wait_held(count=4)) == 4 and portal.invoices == []
    portal.release()
    assert [answer.result(5)[0] for answer in answers] == [200] * 4
    assert len(portal.invoices) == 4


def test_a_request_meets_a_hold_and_another_fault(portal, client, body, pool):
    hold(portal, "after_commit")
    portal.fault("error_after", path=SAVE)
    answer = pool.submit(client.save, body)
    portal.wait_held()
    assert portal.faults == [] and len(portal.invoices) == 1
    portal.release()
    assert answer.result(5)[0] == 500 and portal.log[-1].fault == "error_after"


def test_a_connection_and_its_request_can_both_be_held(portal, client, body):
    hold(portal, "on_accept")
    hold(portal, "after_commit")
    send(client, body)
    assert portal.wait_held()[0].point == "on_accept"
    portal.release()
    assert portal.wait_held()[0].point == "after_commit"
    portal.release()
    assert len(portal.invoices) == 1


def test_connections_can_be_skipped_and_other_requests_pass(portal, client, connect, body):
    portal.fault("hold", point="on_accept", skip=1)
    portal.fault("hold", point="before_commit", method="POST", path=SAVE, skip=1)
    connect(portal)
    client.detail()
    assert client.save(body)[0] == 200
    assert portal.held == [] and len(portal.faults) == 2


def test_close_makes_the_next_request_come_on_a_new_connection(portal, client, body):
    portal.fault("close", path="/detail")
    portal.fault("hold", point="on_accept")
    client.detail()
    assert client.connection.sock is None
    client.connection.request(
        "POST", SAVE, json.dumps(body).encode(), {**client.headers, "Content-Type": "application/json"}
    )
    assert portal.wait_held() == [Held("on_accept")]
    portal.release()
    assert json.load(client.connection.getresponse())["code"] == "success"
    client.detail()
    assert [entry.fault for entry in portal.log[-2:]] == ["hold", None]


def test_waiting_and_releasing_in_vain_is_an_error(portal, client):
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0 of 2 exchanges are held after 0\.01 s"):
        portal.wait_held(0.01, count=2)
    assert time.monotonic() - started < 1
    with pytest.raises(ValueError, match="nothing is held"):
        portal.release()


def test_a_release_tells_of_an_exchange_that_is_not_over(portal, connect):
    portal.fault("hold", point="on_accept")
    idle = http.client.HTTPConnection(portal.url.removeprefix("http://"))
    idle.connect()
    portal.wait_held()
    with pytest.raises(TimeoutError, match=r"not over after 0\.2 s"):
        portal.release(0.2)
    idle.close()


@pytest.mark.parametrize("end", [Simulator.stop, Simulator.reset])
def test_stop_and_reset_let_everything_go(connect, body, end):
    threads = set(threading.enumerate())
    with Simulator() as portal:
        client = connect(portal)
        hold(portal, "before_commit")
        send(client, body)
        portal.wait_held()
        started = time.monotonic()
        end(portal)
        assert portal.held == []
    assert time.monotonic() - started < 2 and set(threading.enumerate()) <= threads


def test_a_connection_cannot_be_chosen_by_path(portal):
    for wrong in ({"path": SAVE}, {"method": "POST"}):
        with pytest.raises(ValueError, match="neither method nor path at on_accept"):
            portal.fault("hold", point="on_accept", **wrong)
    with pytest.raises(ValueError, match="point must be"):
        portal.fault("hold", point="nowhere")


def test_admin_waits_and_releases(portal, client, connect, body, pool):
    assert client.admin("held") == (200, [])
    assert client.admin("held?timeout=0.01")[0] == client.admin("held?timeout=x")[0] == 400
    assert client.admin("release", {}) == (400, {"error": "nothing is held"})
    other = connect(portal)
    assert client.admin("faults", {"verb": "hold", "point": "before_commit", "path": SAVE})[0] == 200
    answer = pool.submit(other.save, body)
    expected = [{"point": "before_commit", "method": "POST", "path": SAVE}]
    assert client.admin("held?timeout=5") == client.admin("held") == (200, expected)
    assert client.admin("release", {}) == (200, {"released": True})
    assert answer.result(5)[0] == 200 and client.admin("held") == (200, [])
