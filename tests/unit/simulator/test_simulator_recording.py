# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that was recorded: its form, its refusals, what orders do in it, and what it does not say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import fields
from tests.simulator import Simulator
from tests.simulator.recorded_dates import instant_of, like
from tests.simulator.recorded_facts import CANDIDATES
from tests.simulator.recording import Recording, RecordingError
from tests.support.client import SN, sample_body

LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
DETAIL = "/product/openapi/instance_product/v1/detail"
CATALOG = "/pricing/openapi/purchase/v1/purchase_product_info"
PRICE = "/pricing/openapi/purchase/v1/renew/plan_info/3048571730081464320"
CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
ORDERS = "/order/openapi/order/v1/page"
ORDER = "/order/openapi/order/v1/get/"
AUTO = "/order/openapi/order/v1/check/existed_auto_renew"
PLANS = {
    "planList": [
        {
            "planId": "3048571730026938368",
            "planName": "Enterprise Plan",
            "pricingPlanId": "3048571730081464320",
            "serviceList": [{"serviceId": "3048573935752720384", "serviceName": "High Availability"}],
        }
    ]
}
ROW = {
    "productNo": SN,
    "expireDate": "2026-12-05",
    "planName": "Enterprise Plan",
    "extensionNum": 100,
    "billingCycle": "annually",
    "serviceList": ["High Availability"],
}
OLD_ORDER = {
    "id": "3206243355614515200",
    "orderNo": "BN3206243356000391168",
    "orderStatus": "succeed",
    "createTime": 1764000000,
}


def answered(path: str, result: Any, **query: Any) -> dict[str, Any]:
    body = {"code": "success", "detailMessage": "", "requestId": "5" * 32, "result": result, "status": 200}
    return exchange(path, 200, query, body=body)


def exchange(path: str, status: int, query: dict[str, Any], **content: Any) -> dict[str, Any]:
    return {"method": "GET", "path": path, "query": query, "status": status, "headers": {}, "seconds": 0.1, **content}


def refused(path: str, status: int = 403, **query: Any) -> dict[str, Any]:
    return exchange(path, status, query, body={"code": "access_denied", "result": {}, "status": status})


def page_of(path: str, rows: list[Any], number: int = 1, size: int = 25, **more: Any) -> dict[str, Any]:
    result = {"count": len(rows), "pageNo": number, "pageSize": size, "total": len(rows), "totalPage": 1, **more}
    return answered(path, {**result, "results": rows}, pageNo=str(number), pageSize=str(size))


def account(**changes: Any) -> list[dict[str, Any]]:
    parts = {
        "list": page_of(LIST, [ROW]),
        "catalog": answered(CATALOG, PLANS, productId="13"),
        "contacts": answered(CONTACTS, [{"billingContactId": "3197218168379846218"}]),
        "auto": answered(AUTO, {"autoRenew": False}, productNo=SN, productId="13"),
        "orders": page_of(ORDERS, [OLD_ORDER]),
        **changes,
    }
    return [one for part in parts.values() if part for one in (part if isinstance(part, list) else [part])]


@pytest.fixture
def serve(tmp_path, connect):
    """Serves a recording with these exchanges, and connects to it."""
    portals = []

    def start(exchanges: list[dict[str, Any]], field_map: dict[str, Any] | None = None, now: str | None = None):
        document = {"format": "pbxops.yeastar.recording", "version": 1, "recorded_at": "2026-11-23T00:00:00Z"}
        document |= {"field_map": field_map or {}, "exchanges": exchanges}
        (tmp_path / "account.json").write_text(json.dumps(document))
        portals.append(Simulator(recording=tmp_path / "account.json", now=now).start())
        return portals[-1], connect(portals[-1])

    yield start
    for portal in portals:
        portal.stop()


def test_the_names_that_are_tried_are_those_of_the_collection():
    assert {concept: fields.CANDIDATES[concept] for concept in CANDIDATES} == CANDIDATES


def test_what_was_recorded_is_answered_again(serve):
    portal, client = serve(account(detail=answered(DETAIL, {**ROW, "unknownTo": {"any": [1.50]}}, productNo=SN)))
    assert client.products()["results"] == [ROW] and client.result(CATALOG, productId=13) == PLANS
    assert client.detail()["unknownTo"] == {"any": [1.5]} and '"any": [1.5]' in json.dumps(client.detail())
    assert client.orders()["results"] == [OLD_ORDER]
    assert client.result(AUTO, productId=13, productNo=SN) == {"autoRenew": False}
    assert portal.account.gaps() == []


def test_numbers_keep_their_digits(serve, tmp_path, connect):
    serve(account())
    path = tmp_path / "account.json"
    path.write_text(path.read_text().replace('"extensionNum": 100', '"extensionNum": 100.00'))
    with Simulator(recording=path) as again:
        raw = connect(again).raw("GET", f"{LIST}?productId=13").read()
    assert b'"extensionNum": 100.00' in raw


def test_an_accepted_order_moves_the_expiry_in_its_form_and_shows_in_the_order_list(serve):
    portal, client = serve(account(detail=answered(DETAIL, ROW, productNo=SN)))
    status, answer = client.save({**sample_body(), "poNumber": "PO-7"})
    assert status == 200, answer
    assert client.detail()["expireDate"] == client.products()["results"][0]["expireDate"] == "2027-12-05"
    [invoice] = portal.invoices
    new, old = client.orders()["results"]
    assert old == OLD_ORDER and set(new) == set(OLD_ORDER) and new["orderNo"] == invoice.order_no
    assert int(new["id"]) > int(old["id"]) and isinstance(new["id"], str) and len(str(new["createTime"])) == 10
    assert (invoice.expiry_before.date().isoformat(), invoice.expiry_after.date().isoformat()) == (
        "2026-12-05",
        "2027-12-05",
    )
    portal.reset()
    assert client.detail()["expireDate"] == "2026-12-05" and portal.invoices == []


@pytest.mark.parametrize(
    "change",
    [{"quantity": 99}, {"billingCycle": "monthly"}, {"serviceId": 3048572026291630080}],
    ids=lambda change: next(iter(change)),
)
def test_an_order_is_checked_against_what_was_recorded(serve, change):
    portal, client = serve(account())
    body = sample_body()
    body["serviceList"][0].update(change)
    assert client.save(body)[0] == 400 and portal.invoices == []


def test_what_the_recording_does_not_say_an_accepted_order_decides(serve):
    row = {"productNo": SN, "expireDate": "2026-12-05"}
    portal, client = serve(account(list=page_of(LIST, [row])))
    wrong = {**sample_body(), "billingId": 4711}
    wrong["serviceList"][0]["billingCycle"] = "monthly"
    assert client.save(wrong)[0] == 400 and portal.pbx(SN).billing_cycle is None
    assert client.save(sample_body())[0] == 200
    assert (portal.pbx(SN).quantity, portal.pbx(SN).services) == (100, ["High Availability"])
    assert client.products()["results"][0] == {"productNo": SN, "expireDate": "2027-12-05"}


def test_without_a_known_expiry_orders_are_accepted_and_the_start_says_so(serve):
    row = {**ROW, "expireDate": None, "endsOn": "5. 12. 2026"}
    portal, client = serve(account(list=page_of(LIST, [row])))
    assert any("the expiry does not move" in gap and SN in gap for gap in portal.account.gaps())
    assert client.save(sample_body())[0] == 200 and client.products()["results"] == [row]
    text = client.raw("GET", "/_admin/invoices?format=text").read().decode()
    assert len(portal.invoices) == 1 and "1 invoice" in text


def test_a_mapped_field_moves_wherever_it_is(serve):
    row = {**ROW, "expireDate": "2030-01-01", "subscription": {"validTo": "1796428800"}}
    dummy, client = serve(account(list=page_of(LIST, [row])), {"expires_at": "subscription.validTo"})
    assert client.save(sample_body())[0] == 200
    shown = client.products()["results"][0]
    assert shown["expireDate"] == "2030-01-01" and shown["subscription"]["validTo"] == str(1796428800 + 365 * 86400)


@pytest.mark.parametrize("path", [DETAIL, CATALOG, CONTACTS, ORDERS, AUTO, LIST])
def test_an_endpoint_that_refused_refuses_again(serve, path):
    names = {DETAIL: "detail", CATALOG: "catalog", CONTACTS: "contacts", ORDERS: "orders", AUTO: "auto", LIST: "list"}
    dummy, client = serve(account(**{names[path]: refused(path, productNo=SN)}))
    query = {"productNo": SN} if path in (DETAIL, AUTO) else {}
    query |= {} if path in (CONTACTS, ORDERS) else {"productId": 13}
    assert client.get(path, **query) == (403, {"code": "access_denied", "result": {}, "status": 403})


def test_what_is_no_json_is_answered_as_it_was(serve):
    html = exchange(CATALOG, 200, {}, text="<html>quux</html>")
    dummy, client = serve(account(catalog={**html, "headers": {"content-type": "text/html"}}))
    response = client.raw("GET", f"{CATALOG}?productId=13")
    assert response.read() == b"<html>quux</html>" and response.headers["Content-Type"] == "text/html"


def test_what_was_not_recorded_is_said_and_never_invented(serve):
    others = [{**ROW, "productNo": f"3658B43111900{number}QJ"} for number in range(3)]
    portal, client = serve(account(list=page_of(LIST, [ROW, *others])))
    number = others[0]["productNo"]
    assert client.result(AUTO, productId=13, productNo=number) == {"autoRenew": False}, "all that were asked agree"
    assert client.detail(number) == others[0]
    assert client.get(PRICE, productId=13, productNo=SN)[1]["code"] == "not_recorded"
    detail, auto = portal.account.gaps()
    assert "the row of the product list stands in for it" in detail and "and 1 more" in detail
    assert "auto-renewal was not recorded" in auto and SN not in auto
    both = [answered(AUTO, {"autoRenew": on}, productNo=no) for on, no in ((True, SN), (False, others[1]["productNo"]))]
    portal, client = serve(account(list=page_of(LIST, [ROW, *others]), auto=both))
    assert client.get(AUTO, productId=13, productNo=number)[1]["code"] == "not_recorded"


def test_pages_have_the_recorded_form(serve):
    rows = [{**ROW, "productNo": f"3658B4311190{number:02}QJ"} for number in range(7)]
    pages = [
        answered(
            LIST, {"records": rows[start : start + 3], "total": "9", "extra": None}, pageNo=str(page), pageSize="25"
        )
        for page, start in enumerate((0, 3, 6), 1)
    ]
    dummy, client = serve(account(list=[*pages, refused(LIST, 400, pageNo="4", pageSize="25")]))
    first = client.products(pageNo=1, pageSize=25)
    assert first == {"records": rows[:3], "total": "9", "extra": None}
    assert client.products(pageNo=3, pageSize=25)["records"] == rows[6:]
    assert client.get(LIST, productId=13, pageNo=4, pageSize=25)[0] == 400


def test_oldest_first_stays_oldest_first(serve):
    orders = [{**OLD_ORDER, "id": str(1000 + n), "createTime": 1764000000 + n} for n in range(3)]
    portal, client = serve(account(orders=page_of(ORDERS, orders)))
    client.save(sample_body())
    shown = client.orders()["results"]
    assert shown[:3] == orders and shown[3]["orderNo"] == portal.invoices[0].order_no


def test_a_new_order_has_a_detail_in_the_recorded_form(serve):
    lines = [{"serviceType": "plan", "serviceId": 1, "quantity": "5", "billingCycle": "1 Year"}]
    detail = {
        "basicInformation": {"productId": "13", "productNo": "3658B431119000QJ", "unknownTo": 1},
        "orderInformation": {**OLD_ORDER, "createTime": "2025-11-24 16:00:00", "poNumber": "PO-1"},
        "orderSummary": {"serviceList": lines},
    }
    portal, client = serve(account(details=answered(ORDER + OLD_ORDER["id"], detail)))
    assert client.result(ORDER + OLD_ORDER["id"]) == detail
    client.save({**sample_body(), "poNumber": "PO-7"})
    new = client.result(ORDER + portal.orders[-1].id)
    assert new["basicInformation"] == {"productId": "13", "productNo": SN, "unknownTo": 1}
    assert new["orderInformation"]["poNumber"] == "PO-7"
    assert new["orderInformation"]["createTime"].startswith("2026-11-23 00:0")
    plan, service = new["orderSummary"]["serviceList"]
    assert (plan["serviceId"], plan["quantity"]) == (3048571730026938368, "100") and service["serviceType"] == "service"


def test_without_any_recorded_order_new_ones_have_the_documented_form(serve):
    portal, client = serve(account(orders=page_of(ORDERS, [])))
    client.save(sample_body())
    [order] = client.orders()["results"]
    assert order["orderNo"] == portal.invoices[0].order_no and order["productNo"] == SN
    assert client.result(ORDER + order["id"])["basicInformation"]["productNo"] == SN


def test_the_clock_begins_with_the_recording_and_runs_on(serve):
    portal, dummy = serve(account())
    assert timedelta(0) <= portal.clock.now() - datetime(2026, 11, 23, tzinfo=UTC) < timedelta(minutes=1)
    held, dummy = serve(account(), now="2027-01-01")
    assert f"{held.clock.now():%F %T}" == "2027-01-01 00:00:00"


def test_faults_alter_recorded_answers_too(serve):
    portal, client = serve(account())
    portal.fault("alter_field", name="extensionNum", value=7, path="instance_product_list")
    assert client.products()["results"][0]["extensionNum"] == 7
    portal.fault("quantity_change", quantity=8)
    assert client.products()["results"][0]["extensionNum"] == 8
    portal.fault("shift_listing", action="insert")
    client.products()
    inserted, recorded = client.products()["results"]
    assert recorded["productNo"] == SN and inserted["productNo"] != SN and set(inserted) == set(ROW)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("2026-12-05", "2027-12-05"),
        ("2026/12/05", "2027/12/05"),
        ("2026-12-05 13:45:10", "2027-12-05 13:45:10"),
        ("2026-12-05T13:45:10.250+08:00", "2027-12-05T13:45:10.000+08:00"),
        ("2026-12-05T13:45:10Z", "2027-12-05T13:45:10Z"),
        ("2026-12-05T00:00:00+08:00[Asia/Shanghai]", "2027-12-05T00:00:00+08:00[Asia/Shanghai]"),
        ("Dec 05, 2026", "Dec 05, 2027"),
        ("5 December 2026", "05 December 2027"),
        ("2026-12-05 01:45 PM", "2027-12-05 01:45 PM"),
        (1796428800, 1827964800),
        ("1796428800000", "1827964800000"),
    ],
)
def test_an_instant_is_written_in_the_form_that_was_read(text, moved):
    assert like(text, instant_of(text) + timedelta(days=365)) == moved


@pytest.mark.parametrize("text", ["05/12/2026", "soon", "", None, True, 13, [], "2026-13-05"])
def test_what_cannot_be_written_again_is_no_instant(text):
    assert instant_of(text) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[]", "not a recording"),
        ("{", "it is not JSON"),
        ('{"format": "pbxops.yeastar.recording", "version": 2}', "expected version 1, got 2"),
        ('{"format": "pbxops.yeastar.recording", "version": 1}', "not a whole recording"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, content, why):
    path = tmp_path / "account.json"
    path.write_text(content)
    with pytest.raises(RecordingError, match=why):
        Recording.load(path)
    with pytest.raises(RecordingError, match="No such file"):
        Recording.load(tmp_path / "none.json")
