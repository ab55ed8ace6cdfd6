# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping, as a process and in a thread, and the admin endpoints."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests import simulator
from tests.simulator import Fleet, Simulator
from tests.simulator.__main__ import main

ROOT = Path(simulator.__file__).parents[2]
SN = "3658B431119665QJ"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_ends_cleanly(tmp_path, number):
    port_file = tmp_path / "port"
    arguments = ["--fleet", "tests/simulator/fleets/six.yml", "--profile", "slashed", "--now", "2026-11-23T00:00:00Z"]
    command = [sys.executable, "-m", "tests.simulator", *arguments, "--port-file", str(port_file), "--latency", "1"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        deadline = time.monotonic() + 10
        while not port_file.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        with urllib.request.urlopen(f"{url}/_admin/state") as answer:
            state = json.load(answer)
        assert state["profile"] == "slashed" and len(state["pbxs"]) == 6 and state["now"] == "2026-11-23T00:00:00Z"
    finally:
        process.send_signal(number)
        output, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")
    for line in (f"export YEASTAR_BASE_URL={url}", "export YEASTAR_CLIENT_ID=demo-client"):
        assert line in output.splitlines()
    assert "export YEASTAR_CLIENT_SECRET=" in output


def test_profiles_are_listed(capsys):
    assert main(["--list-profiles"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(simulator.PROFILES)


@pytest.mark.parametrize(
    "arguments", [["--fleet", "none.yml"], ["--now", "soon"], ["--generate", "2", "--due", "3"], ["--profile", "x"]]
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert main(arguments) == 2
    except SystemExit as end:
        assert end.code == 2
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert "error:" in capsys.readouterr().err


def test_start_and_stop_are_quick_and_leave_nothing(connect):
    threads, started = set(threading.enumerate()), time.monotonic()
    portal = Simulator(Fleet.generated(1000, 100)).start()
    clients = [connect(portal) for dummy in range(5)]  # five connections that stay open
    assert time.monotonic() - started < 1
    port = int(portal.url.rpartition(":")[2])
    started = time.monotonic()
    portal.stop()
    portal.stop()
    assert time.monotonic() - started < 1 and set(threading.enumerate()) <= threads
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert len(clients) == 5


def test_a_stop_cuts_a_delay_short(connect):
    portal = Simulator().start()
    client = connect(portal)
    portal.fault("delay", seconds=60)
    client.connection.request("GET", "/", headers=client.headers)
    time.sleep(0.05)
    started = time.monotonic()
    portal.stop()
    assert time.monotonic() - started < 2


def test_parallel_orders_are_all_counted(portal, connect, body):
    clients = [connect(portal) for dummy in range(8)]
    workers = [threading.Thread(target=lambda c=c: [c.save(body) for dummy in range(5)]) for c in clients]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({invoice.order_no for invoice in portal.invoices}) == 40
    assert portal.pbx(SN).expires_at.year == 2066


def test_requests_are_quick(client):
    started = time.monotonic()
    for dummy in range(100):
        client.detail()
    assert time.monotonic() - started < 1


# admin


def test_admin_shows_the_ledger(portal, client, body):
    client.save({**body, "poNumber": "PO-5"})
    [invoice] = client.admin("invoices")[1]
    assert (invoice["amount"], invoice["paid"], invoice["po_number"]) == ("1680.00", True, "PO-5")
    assert invoice["expiry_before"] == "2026-12-05T00:00:00Z" and json.loads(invoice["raw_body"])["productId"] == 13
    response = client.raw("GET", "/_admin/invoices?format=text")
    text = response.read().decode()
    assert "1680.00 USD" in text and "2027-12-05" in text and "1 invoice\n" in text
    assert client.admin("orders")[1][-1]["order_no"] == invoice["order_no"]
    assert [entry["path"] for entry in client.admin("log")[1]] == [entry.path for entry in portal.log]
    assert not any("_admin" in entry.path for entry in portal.log)


def test_admin_faults_and_clock(portal, client):
    status, queue = client.admin("faults", [{"verb": "html", "skip": 1}, {"verb": "list_lag", "reads": 3}])
    assert status == 200 and [fault["verb"] for fault in queue] == ["html", "list_lag"]
    assert client.admin("faults") == (200, queue) and portal.faults == queue
    assert client.admin("faults", [{"verb": "html"}, {}])[0] == 400 and len(portal.faults) == 2
    assert client.admin("clock", {"hold": "2027-01-01"})[1] == {"now": "2027-01-01T00:00:00Z"}
    assert client.admin("clock", {"advance": 60})[1] == {"now": "2027-01-01T00:01:00Z"}
    assert client.admin("clock", {"release": True})[0] == 200
    for wrong in ({"hold": "soon"}, {"advance": "x"}, {"stop": 1}, [1], {}):
        assert client.admin("clock", wrong)[0] == 400


def test_admin_changes_a_pbx_and_an_order(portal, client, body):
    changes = {"quantity": 101, "expires_at": "2027-03-01", "services": [], "auto_renewal": True, "comment": "<b>"}
    status, pbx = client.admin(f"pbx/{SN}", changes)
    assert status == 200 and pbx["expires_at"] == "2027-03-01T00:00:00Z"
    detail = client.detail()
    assert (detail["extensionNum"], detail["serviceList"], detail["autoRenew"]) == (101, [], True)
    for wrong in (
        {"quantity": "1"},
        {"seats": 1},
        {"services": ["Fax"]},
        {"quantity": 5, "plan": "Free"},
        [],
        {"plan": []},
    ):
        assert client.admin(f"pbx/{SN}", wrong)[0] == 400
    assert portal.pbx(SN).quantity == 101
    order_no = portal.orders[0].order_no
    assert client.admin(f"orders/{order_no}", {"status": "refunded"})[1]["status"] == "refunded"
    assert client.admin(f"orders/{order_no}", {"status": "lost"})[0] == 400
    assert client.admin("orders/BN0", {"status": "succeed"})[0] == client.admin("pbx/0", {})[0] == 404
    assert client.admin("nothing")[0] == client.admin("log", {})[0] == 404


def test_reset(portal, client, body):
    client.save(body)
    portal.fault("html", path="nowhere")
    portal.clock.advance(10)
    assert client.admin("reset", {}) == (200, {"reset": True})
    assert portal.invoices == [] and portal.log == [] and portal.faults == [] and len(portal.orders) == 2
    assert f"{portal.pbx(SN).expires_at:%F}" == "2026-12-05" and f"{portal.clock.now():%T}" == "00:00:00"
    client.products()
