# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault verbs that change orders, listings and the account, and the queue of faults."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

import pytest

from tests.simulator import VERBS

SN = "3658B431119665QJ"
SAVE = "/order/v1/save"
SAVE_PATH = "/order/openapi/order/v1/save"
LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
BEFORE, AFTER = "2026-12-05", "2027-12-05"


def expiry(portal):
    return f"{portal.pbx(SN).expires_at:%F}"


# what becomes of an order


@pytest.mark.parametrize(("verb", "params"), [("order_pending", {}), ("order_status", {"status": "pending"})])
def test_order_pending(portal, client, body, verb, params):
    portal.fault(verb, **params)
    client.products()  # not the order call: the fault waits
    assert client.save(body)[1]["result"]["orderStatus"] == "pending"
    assert client.orders()["results"][0]["orderStatus"] == "pending"
    assert [invoice.paid for invoice in portal.invoices] == [False] and expiry(portal) == BEFORE


def test_list_lag_by_reads(portal, client, body):
    portal.fault("list_lag", reads=2)
    order_no = client.save(body)[1]["result"]["orderNo"]
    seen = [order_no in json.dumps(client.orders()) for dummy in range(3)]
    assert seen == [False, False, True]


def test_list_lag_by_time(portal, client, body):
    portal.fault("list_lag", seconds=60)
    order_no = client.save(body)[1]["result"]["orderNo"]
    assert order_no not in json.dumps(client.orders())
    portal.clock.advance(60)
    assert order_no in json.dumps(client.orders())


def test_expiry_late_by_reads(portal, client, body):
    portal.fault("expiry_late", reads=2)
    client.save(body)
    assert portal.invoices[0].paid and portal.invoices[0].expiry_after is None
    assert [client.detail()["expireDate"] for dummy in range(3)] == [BEFORE, BEFORE, AFTER]
    assert f"{portal.invoices[0].expiry_after:%F}" == AFTER


def test_expiry_late_by_time(portal, client, body):
    portal.fault("expiry_late", seconds=60)
    client.save(body)
    assert client.detail()["expireDate"] == BEFORE
    portal.clock.advance(60)
    assert client.detail()["expireDate"] == AFTER


@pytest.mark.parametrize("status", [500, None])
def test_commit_late(portal, client, body, status):
    portal.fault("commit_late", seconds=600, status=status)
    if status:
        assert client.save(body)[0] == 500
    else:
        with pytest.raises(http.client.RemoteDisconnected):
            client.save(body)
    portal.clock.advance(599)
    assert portal.invoices == [] and expiry(portal) == BEFORE
    portal.clock.advance(5)
    [invoice] = portal.invoices
    assert f"{invoice.created_at:%T}" == "00:10:00" and expiry(portal) == AFTER


def test_commit_late_of_a_pbx_that_has_gone(portal, client, body):
    portal.fault("commit_late", seconds=1)
    client.save(body)
    portal.fault("shift_listing", product_no=SN)
    client.products()
    portal.clock.advance(2)
    assert len(portal.invoices) == 1 and client.products()["total"] == 5


def test_commit_late_never_hides_a_refusal(portal, client, body):
    portal.fault("commit_late", seconds=1)
    body["serviceList"][0]["quantity"] = 1
    assert client.save(body)[0] == 400
    portal.clock.advance(2)
    assert portal.invoices == []


def test_double_commit(portal, client, body):
    portal.fault("double_commit")
    body["poNumber"] = "PO-9"
    order_no = client.save(body)[1]["result"]["orderNo"]
    assert [invoice.po_number for invoice in portal.invoices] == ["PO-9", "PO-9"]
    assert portal.invoices[1].order_no == order_no and expiry(portal) == "2028-12-05"


@pytest.mark.parametrize(("cycles", "after"), [(0, BEFORE), (2, "2028-12-05")])
def test_wrong_advance(portal, client, body, cycles, after):
    portal.fault("wrong_advance", cycles=cycles)
    assert client.save(body)[1]["result"]["orderStatus"] == "succeed"
    assert expiry(portal) == after and len(portal.invoices) == 1


def test_wrong_advance_of_another_pbx(portal, client, body):
    portal.fault("wrong_advance", cycles=1, product_no="3658B431119001QK")
    client.save(body)
    assert expiry(portal) == BEFORE and f"{portal.pbx('3658B431119001QK').expires_at:%F}" == "2027-12-02"


# listings


def listed(page):
    return [row["productNo"] for row in page["results"]]


@pytest.mark.parametrize(("action", "second", "total"), [("remove", slice(4, 6), 5), ("insert", slice(2, 5), 7)])
def test_shift_listing(portal, client, action, second, total):
    numbers = listed(client.products())
    portal.fault("shift_listing", action=action)
    assert listed(client.products(pageSize=3)) == numbers[:3]
    page = client.products(pageSize=3, pageNo=2)
    assert page["total"] == total and listed(page) == numbers[second]


def test_short_listing(portal, client):
    portal.fault("short_listing", missing=2)
    page = client.products()
    assert (len(page["results"]), page["total"], page["count"]) == (4, 6, 6)


def test_repeat_page(portal, client):
    portal.fault("repeat_page", skip=1)
    first, second, again = (client.products(pageSize=3, pageNo=number) for number in (1, 2, 2))
    assert listed(first) == listed(second) != listed(again) and second["pageNo"] == 2


def test_hide_product(portal, client):
    portal.fault("hide_product", product_no=SN)
    page = client.products()
    assert SN not in listed(page) and page["total"] == 5 and client.detail()["productNo"] == SN


def test_bad_paging(portal, client):
    portal.fault("bad_paging", kind="zero_pages")
    portal.fault("bad_paging", kind="size_ignored", size=2)
    portal.fault("bad_paging", kind="endless", times=2)
    assert client.products()["totalPage"] == 0
    page = client.products(pageSize=50)
    assert (len(page["results"]), page["pageSize"], page["totalPage"]) == (2, 2, 3)
    assert client.products()["totalPage"] == 2
    page = client.products(pageNo=9)
    assert page["totalPage"] == 10 and len(page["results"]) == 6


# the account changes


def test_quantity_change(portal, client, body):
    portal.fault("quantity_change", path=SAVE, quantity=120)
    status, answer = client.save(body)
    assert (status, answer["result"]["field"]) == (400, "serviceList[0].quantity")
    assert portal.invoices == [] and client.detail()["extensionNum"] == 120


@pytest.mark.parametrize("order", [True, False])
def test_renewed_by_person(portal, client, order):
    portal.fault("renewed_by_person", path="detail", skip=1, order=order)
    number = "3658B431119001QK"
    assert [client.detail(number)["expireDate"] for dummy in range(2)] == ["2026-12-02", "2027-12-02"]
    assert portal.invoices == [] and client.orders()["total"] == 2 + order


def test_price_change(portal, client, body):
    portal.fault("price_change", factor=1.5, path=LIST)
    client.products()
    client.save(body)
    assert str(portal.invoices[0].amount) == "2520.00"


# the queue


def test_faults_are_used_in_order_and_counted(portal, client):
    portal.fault("error_before", method="GET", path=LIST, times=2, skip=1, status=500)
    portal.fault("error_before", status=502)
    statuses = [client.get(LIST, productId=13)[0] for dummy in range(5)]
    assert statuses == [502, 500, 500, 200, 200]
    assert [entry.fault for entry in portal.log[1:]] == ["error_before"] * 3 + [None] * 2 and portal.faults == []


@pytest.mark.parametrize(
    ("verb", "params", "message"),
    [
        ("explode", {}, "unknown fault verb"),
        ("delay", {}, "seconds is missing"),
        ("delay", {"seconds": "1"}, "seconds must be"),
        ("delay", {"seconds": 1, "when": "never"}, "when must be"),
        ("drop_after", {"seconds": 1}, "unknown parameter 'seconds'"),
        ("empty", {"status": 201}, "status must be"),
        ("drop_after", {"times": 0}, "times must be"),
        ("drop_after", {"path": 3}, "path must be"),
        ("order_status", {"status": True}, "status must be"),
    ],
)
def test_wrong_faults_are_refused(portal, client, verb, params, message):
    with pytest.raises(ValueError, match=message):
        portal.fault(verb, **params)
    status, answer = client.admin("faults", {"verb": verb, **params})
    assert status == 400 and message in answer["error"] and portal.faults == []


def test_the_readme_and_these_files_name_every_verb():
    from tests import simulator

    readme = Path(simulator.__file__).with_name("README.md").read_text(encoding="utf-8")
    here = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_simulator_fault*.py"))
    for name, verb in VERBS.items():
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{parameter}`" in row for parameter in verb.parameters), row
        assert f'"{name}"' in here
    assert all(f"`{name}`" in readme for name in simulator.PROFILES)


def test_half_a_request_changes_nothing(portal, client, body):
    data = json.dumps(body).encode()
    host, port = client.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {SAVE_PATH} HTTP/1.1\r\nUser-Agent: x\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert portal.invoices == [] and portal.log[-1].status is None and portal.log[-1].path == SAVE_PATH
