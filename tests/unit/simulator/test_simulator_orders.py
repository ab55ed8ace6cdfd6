# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strict check of order bodies, and what an accepted order does."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.simulator import Fleet, Simulator
from tests.simulator.clock import add_cycles
from tests.simulator.fleet import PbxSpec

SN = "3658B431119665QJ"
PLAN, SERVICE = ("serviceList", 0), ("serviceList", 1)
MISSING = object()


def changed(body, path, value):
    """The body with one value changed, added or taken away."""
    body = copy.deepcopy(body)
    *parents, last = path
    node = body
    for key in parents:
        node = node[key]
    if value is MISSING:
        del node[last]
    else:
        node[last] = value
    return body


WRONG = [
    (("operationType",), "renew_service"),
    (("operationType",), MISSING),
    (("productId",), "13"),
    (("productId",), 12),
    (("productId",), True),
    (("productNo",), "3658B431119665QK"),
    (("productNo",), 3658),
    (("productNo",), ["3658B431119665QJ"]),
    (("billingId",), "3197218168379846218"),
    (("billingId",), 3197218168379846144),
    (("billingId",), 3197218168379846218.0),
    (("poNumber",), ""),
    (("poNumber",), 7),
    (("poNumber",), None),
    (("assignId",), "1"),
    (("serviceList",), {}),
    (("serviceList",), []),
    ((*PLAN, "serviceId"), "3048571730026938368"),
    ((*PLAN, "serviceId"), 3048572026291630080),
    ((*PLAN, "quantity"), 99),
    ((*PLAN, "quantity"), "100"),
    ((*PLAN, "quantity"), 100.0),
    ((*PLAN, "quantity"), MISSING),
    ((*PLAN, "purchaseType"), "purchase"),
    ((*PLAN, "billingModel"), MISSING),
    ((*PLAN, "billingModel"), "once"),
    ((*PLAN, "billingCycle"), "monthly"),
    ((*PLAN, "multiCycle"), 1),
    ((*PLAN, "multiCycle"), False),
    ((*PLAN, "multiCycle"), "0"),
    ((*PLAN, "connectionPlanId"), 3048571730026938368),
    ((*PLAN, "serviceType"), "service"),
    ((*SERVICE, "serviceType"), "plan"),
    ((*SERVICE, "serviceType"), MISSING),
    ((*SERVICE, "serviceId"), "3048573935752720384"),
    ((*SERVICE, "serviceId"), 3048573759449317376),
    ((*SERVICE, "serviceId"), 3048573935928881152),  # the trial of the same service
    ((*SERVICE, "connectionPlanId"), MISSING),
    ((*SERVICE, "connectionPlanId"), 3048572026291630080),
    ((*SERVICE, "connectionPlanId"), "3048571730026938368"),
    ((*SERVICE, "quantity"), 100),
    ((*SERVICE, "billingModel"), "recurring"),
    ((*SERVICE, "purchaseType"), "trial"),
    ((*SERVICE, "billingCycle"), "monthly"),
    ((*SERVICE, "multiCycle"), 0.0),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_body_is_refused_by_field_and_changes_nothing(portal, client, body, path, value):
    before = [copy.copy(pbx) for pbx in portal.pbxs]
    status, answer = client.save(changed(body, path, value))
    assert (status, answer["status"], answer["code"]) == (400, 400, "parameter_validation_failed")
    name = answer["result"]["field"]
    assert name == "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    assert portal.invoices == [] and portal.pbxs == before and len(portal.orders) == 2


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([0], "serviceList"),
        ([1], "serviceList[0].serviceType"),
        ([1, 0], "serviceList[0].serviceType"),
        ([0, 0, 1], "serviceList[1].serviceType"),
        ([0, 1, 1], "serviceList[2].serviceId"),
    ],
)
def test_one_plan_line_first_and_each_service_once(portal, client, body, lines, field):
    body["serviceList"] = [body["serviceList"][number] for number in lines]
    status, answer = client.save(body)
    assert (status, answer["result"]["field"]) == (400, field)
    assert portal.invoices == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b'{"productId": NaN}', "body"),
        (b'{"productId": 13, "productId": 13}', "productId"),
        (b"[" * 100_000, "body"),
        (b"[" + b"9" * 5000 + b"]", "body"),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(client, text, field):
    status, answer = client.save(text)
    assert (status, answer["result"]["field"]) == (400, field)


def test_only_json_is_accepted(client, body):
    status, answer = client.call("POST", "/order/openapi/order/v1/save", json.dumps(body).encode())
    assert (status, answer["result"]["field"]) == (400, "Content-Type")


def test_the_sample_is_accepted_and_has_its_price(portal, client, body):
    body["poNumber"] = "PO-1"
    status, answer = client.save(body)
    assert status == 200
    assert list(answer["result"]) == ["instanceId", "orderNo", "orderStatus", "productNo", "transactionNo"]
    assert answer["result"]["orderStatus"] == "succeed" and answer["result"]["instanceId"] == "1282352"
    assert answer["result"]["orderNo"].startswith("BN") and answer["result"]["transactionNo"].startswith("QO")
    [invoice] = portal.invoices
    assert (invoice.order_no, invoice.product_no) == (answer["result"]["orderNo"], SN)
    assert (invoice.amount, invoice.currency, invoice.cycle) == (Decimal("1680.00"), "USD", "annually")
    assert (f"{invoice.expiry_before:%F}", f"{invoice.expiry_after:%F}") == ("2026-12-05", "2027-12-05")
    assert invoice.paid and invoice.po_number == "PO-1" and json.loads(invoice.raw_body) == body
    assert client.detail()["expireDate"] == "2027-12-05"
    assert int(portal.orders[-1].id) > 2**53


def test_the_sample_without_its_service_fits_a_pbx_that_has_none(portal, client, body):
    portal.pbx(SN).services.clear()
    body["serviceList"].pop()
    assert client.save(body)[0] == 200


def test_every_accepted_order_is_one_invoice(portal, client, body):
    numbers = {client.save(body)[1]["result"]["orderNo"] for dummy in range(3)}
    assert {invoice.order_no for invoice in portal.invoices} == numbers and len(numbers) == 3
    assert f"{portal.pbx(SN).expires_at:%F}" == "2029-12-05"


@pytest.mark.parametrize(
    ("before", "cycle", "after"),
    [
        ("2026-01-31", "monthly", "2026-02-28"),
        ("2028-01-31", "monthly", "2028-02-29"),
        ("2026-12-31", "monthly", "2027-01-31"),
        ("2026-03-31", "monthly", "2026-04-30"),
        ("2028-02-29", "annually", "2029-02-28"),
        ("2027-02-28", "annually", "2028-02-28"),
        ("2026-12-05", "annually", "2027-12-05"),
    ],
)
def test_one_cycle_moves_an_expiry_by_the_calendar(before, cycle, after):
    start = datetime.fromisoformat(before + "T13:14:15+00:00")
    assert add_cycles(start, cycle).isoformat() == after + "T13:14:15+00:00"


def test_no_cycle_and_two_cycles():
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert add_cycles(start, "monthly", 0) == start
    assert add_cycles(start, "monthly", 2).isoformat()[:10] == "2026-03-31"


@pytest.mark.parametrize(
    ("profile", "days", "after"),
    [("documented", -3, "2027-11-20"), ("datetime", -3, "2027-11-23"), ("datetime", 12, "2027-12-05")],
)
def test_an_expired_pbx_is_renewed_as_the_profile_says(connect, body, profile, days, after):
    spec = PbxSpec(SN, "Enterprise Plan", 100, "annually", days, ("High Availability",))
    with Simulator(Fleet(pbxs=(spec,)), profile, "2026-11-23T00:00:00Z") as portal:
        assert connect(portal).save(body)[0] == 200
        assert f"{portal.pbx(SN).expires_at:%F}" == after


def test_a_pending_switch_is_no_hindrance_to_an_order(portal, client, body):
    portal.pbx(SN).pending_plan = "Ultimate Plan"
    assert client.detail()["currentPlan"] == "Enterprise Plan"
    assert client.save(body)[0] == 200


def test_paying_later_moves_the_expiry_once(portal, client, body):
    portal.fault("order_pending")
    order_no = client.save(body)[1]["result"]["orderNo"]
    [invoice] = portal.invoices
    assert (invoice.paid, invoice.expiry_after, f"{portal.pbx(SN).expires_at:%F}") == (False, None, "2026-12-05")
    for dummy in range(2):
        portal.set_order_status(order_no, "succeed")
        [invoice] = portal.invoices
        assert (invoice.paid, f"{portal.pbx(SN).expires_at:%F}") == (True, "2027-12-05")
    portal.set_order_status(order_no, "refunded")
    assert f"{portal.pbx(SN).expires_at:%F}" == "2027-12-05"


def test_a_cancelled_order_moves_nothing(portal, client, body):
    portal.fault("order_pending")
    order_no = client.save(body)[1]["result"]["orderNo"]
    portal.set_order_status(order_no, "cancelled")
    assert not portal.invoices[0].paid and f"{portal.pbx(SN).expires_at:%F}" == "2026-12-05"
    with pytest.raises(ValueError, match="unknown order status"):
        portal.set_order_status(order_no, "paid")
    with pytest.raises(KeyError):
        portal.set_order_status("BN0", "succeed")
