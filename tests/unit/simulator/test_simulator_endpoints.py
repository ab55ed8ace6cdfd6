# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, envelope, paging, profiles, log and clock."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from tests.simulator import PROFILES, Contact, Fleet, Simulator, endpoints
from tests.simulator.endpoints import ROUTES

NOW = "2026-11-23T00:00:00Z"
SN = "3658B431119665QJ"
LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
PRICING = "/pricing/openapi/purchase/v1"
AUTO_RENEWAL = "/order/openapi/order/v1/check/existed_auto_renew"


# tokens


def test_a_token_looks_like_the_vendors(portal, connect):
    status, answer = connect(portal, log_in=False).token(
        grant_type="pp_credentials", client_id="demo-client", client_secret="demo-secret"
    )
    result = answer["result"]
    assert status == 200 and set(result) == {"expiresIn", "refreshToken", "token", "tokenHead"}
    assert result["expiresIn"] == "1800"
    claims = json.loads(base64.urlsafe_b64decode(result["token"].split(".")[1] + "=="))
    assert claims["token_type"] == "openapi" and claims["exp"] == int(portal.clock.now().timestamp()) + 1800
    assert portal.tokens == [result["token"], result["refreshToken"]]


def test_a_multipart_form_is_a_form_too(portal, connect):
    fields = {"grant_type": "pp_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    data = ("".join(parts) + "--x--\r\n").encode()
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    status, answer = connect(portal, log_in=False).call("POST", "/auth/openapi/v1/oauth/token", data, **kind)
    assert status == 200, answer


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "pp_credentials", "client_id": "demo-client", "client_secret": "wrong"}, 401),
        ({"grant_type": "pp_credentials", "client_id": "demo-client"}, 400),
        ({"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "guess"}, 401),
        ({"grant_type": "pp_credentials", "client_id": "demo-client", "client_secret": "demo-secret", "x": "y"}, 400),
    ],
)
def test_wrong_token_requests_are_refused(portal, connect, form, status):
    assert connect(portal, log_in=False).token(**form)[0] == status
    assert portal.tokens == []


def test_tokens_end_by_the_simulators_clock(portal, client):
    portal.clock.advance(1799)
    client.products()
    portal.clock.advance(1)
    status, answer = client.get(LIST, productId=13)
    assert (status, answer["status"], answer["code"]) == (401, 401, "invalid_token")
    client.log_in()
    client.products()


def test_a_refresh_token_works_once(portal, client):
    refresh = portal.tokens[1]
    assert client.token(grant_type="refresh_token", refresh_token=refresh)[0] == 200
    assert client.token(grant_type="refresh_token", refresh_token=refresh)[0] == 401
    client.products()  # the older access token stays valid


@pytest.mark.parametrize(
    "headers", [{}, {"User-Agent": ""}, {"User-Agent": "x"}, {"User-Agent": "x", "Authorization": "x"}]
)
def test_headers_are_required(portal, client, headers):
    response = client.raw("GET", f"{LIST}?productId=13", headers=headers)
    assert response.status == 401 and json.loads(response.read())["status"] == 401


# envelope and parameters


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", LIST, 405),
        ("PUT", "/order/openapi/order/v1/save", 405),
        ("GET", LIST, 400),
        ("GET", f"{LIST}?productId=14", 400),
        ("GET", f"{LIST}?productId=13&productId=13", 400),
        ("GET", f"{LIST}?productId=13&status=due", 400),
        ("GET", f"{LIST}?productId=13&pageNo=0", 400),
        ("GET", f"{LIST}?productId=13&pageSize=51", 400),
        ("GET", f"{LIST}?productId=13&pageNo={'9' * 5000}", 400),
        ("GET", f"{LIST}?productId=13&pageSize=-1", 400),
        ("GET", "/product/openapi/instance_product/v1/detail?productId=13", 400),
        ("GET", "/product/openapi/instance_product/v1/detail?productId=13&productNo=3658B431119665QK", 404),
        ("GET", f"{AUTO_RENEWAL}?productNo={SN}", 400),
        ("GET", f"{AUTO_RENEWAL}?productId=12&productNo={SN}", 400),
        ("GET", f"{AUTO_RENEWAL}?productId=13", 400),
        ("GET", f"{AUTO_RENEWAL}?productId=13&productNo={SN}&planId=1", 400),
        ("GET", f"{AUTO_RENEWAL}?productId=13&productNo=3658B431119665QK", 404),
        ("POST", AUTO_RENEWAL, 405),
        ("GET", "/order/openapi/order/v1/page?sort=price", 400),
        ("GET", "/order/openapi/order/v1/get/BN1", 404),
        ("GET", f"{PRICING}/renew/plan_info/3048571730026938368?productId=13&productNo={SN}", 400),
        ("GET", f"{PRICING}/renew/plan_info/3048571730081464320?productId=13", 400),
        ("GET", f"{PRICING}/renew/add_on_info/3048573759503843328?productId=13&productNo={SN}", 400),
    ],
)
def test_errors_come_in_the_envelope(client, method, path, status):
    response = client.raw(method, path)
    answer = json.loads(response.read())
    assert (response.status, answer["status"]) == (status, status)
    assert set(answer) == {"code", "detailMessage", "requestId", "result", "status"}
    assert re.fullmatch("[0-9a-f]{32}", answer["requestId"]) and isinstance(answer["result"], dict)


def test_malformed_requests_get_the_envelope_too(portal, client):
    client.connection.putrequest("BREW", "/pot")
    client.connection.endheaders()
    response = client.connection.getresponse()
    assert response.status == 501 and json.loads(response.read())["status"] == 501


def test_pages_add_up(portal, client):
    pages = [client.products(pageSize=4, pageNo=number) for number in (1, 2, 3)]
    assert [len(page["results"]) for page in pages] == [4, 2, 0]
    for number, page in enumerate(pages, 1):
        totals = {"count": 6, "total": 6, "totalPage": 2, "pageNo": number, "pageSize": 4}
        assert {key: page[key] for key in totals} == totals
    assert client.products()["pageSize"] == 25


def test_orders_can_be_sorted(client, body):
    client.save(body)
    newest_first = [row["orderNo"] for row in client.orders()["results"]]
    assert [row["orderNo"] for row in client.orders(sort="-id")["results"]] == newest_first
    assert [row["orderNo"] for row in client.orders(sort="id")["results"]] == newest_first[::-1]
    assert len(newest_first) == 3


def test_available_products_and_every_route_has_a_test(client):
    assert {"name": "P-Series Cloud PBX (PCE Instance)", "productId": 13} in client.result(f"{PRICING}/product_list")
    assert len(ROUTES) == 12


# the auto-renewal status


def test_the_auto_renewal_status_is_what_is_so_unless_told_otherwise(portal, client):
    assert client.result(AUTO_RENEWAL, productId=13, productNo=SN) == {"autoRenew": False}
    assert client.result(AUTO_RENEWAL, productId=13, productNo="3658B431119001QK") == {"autoRenew": True}
    portal.pbx(SN).auto_renewal_status = "says_on"
    portal.pbx("3658B431119001QK").auto_renewal_status = "says_off"
    assert client.result(AUTO_RENEWAL, productId=13, productNo=SN) == {"autoRenew": True}
    assert client.result(AUTO_RENEWAL, productId=13, productNo="3658B431119001QK") == {"autoRenew": False}


@pytest.mark.parametrize(("status", "answer"), [("forbidden", 403), ("not_found", 404), ("error", 500)])
def test_the_auto_renewal_status_can_be_refused_by_a_pbx_or_a_whole_profile(portal, client, connect, status, answer):
    client.admin(f"pbx/{SN}", {"auto_renewal_status": status})
    assert client.get(AUTO_RENEWAL, productId=13, productNo=SN)[0] == answer
    assert client.get(AUTO_RENEWAL, productId=13, productNo="3658B431119001QK")[0] == 200
    profile = replace(PROFILES["documented"], auto_renewal_status=status)
    with Simulator(portal.fleet, profile, NOW) as whole:
        assert connect(whole).get(AUTO_RENEWAL, productId=13, productNo="3658B431119001QK")[0] == answer


def test_the_auto_renewal_status_can_have_another_shape_or_come_late_without_holding_up_others(
    portal, client, connect, monkeypatch
):
    portal.pbx(SN).auto_renewal_status = "other_shape"
    assert "autoRenew" not in client.result(AUTO_RENEWAL, productId=13, productNo=SN)
    monkeypatch.setattr(endpoints, "SLOW", 0.5)
    portal.pbx(SN).auto_renewal_status = "slow"
    other, started = connect(portal), time.monotonic()
    client.connection.request("GET", f"{AUTO_RENEWAL}?productId=13&productNo={SN}", headers=client.headers)
    other.products()
    assert time.monotonic() - started < 0.4
    assert json.loads(client.connection.getresponse().read())["result"] == {"autoRenew": False}
    assert time.monotonic() - started >= 0.5


# profiles


@pytest.fixture(params=PROFILES)
def profiled(request, fleets, connect):
    with Simulator(fleets / "six.yml", request.param, NOW) as portal:
        yield portal, connect(portal), PROFILES[request.param]


EXPIRY = {
    "documented": ("expireDate", "2026-12-05"),
    "datetime": ("expirationDate", "2026-12-05 00:00:00"),
    "epoch_seconds": ("planExpirationDate", 1796428800),
    "epoch_milliseconds": ("expireTime", "1796428800000"),
    "detail_only": ("expireDate", "2026-12-05"),
    "sparse": ("expireDate", "2026-12-05"),
    "renamed": ("validThrough", "2026-12-05"),
    "conflicting": ("expireDate", "2026-12-05"),
    "slashed": ("expiryDate", "2026/12/05"),
    "offset": ("expireTime", "2026-12-05T08:00:00+08:00"),
    "day_first": ("expireDate", "05/12/2026"),
}


def test_a_profile_is_the_same_in_list_and_detail(profiled):
    dummy, client, profile = profiled
    row, detail = client.products()["results"][0], client.detail()
    name, value = EXPIRY[profile.name]
    assert detail[name] == value
    always = {"activationCode", "activationStatus", "comment", "productNo"}
    assert detail["activationCode"] == f"ACT-{SN}-CANARY"
    if profile.name == "detail_only":
        assert set(row) == always
    else:
        assert set(detail) - set(row) == {"createTime", "currentPlan", "currentPlanExpireDate"}
    assert {key: detail[key] for key in row} == row and always < set(detail)
    assert (detail["currentPlan"], detail["currentPlanExpireDate"]) == ("", "")
    switching = client.detail("3658B431119004QN")
    assert switching["currentPlan"] == "Enterprise Plan" and isinstance(switching["currentPlanExpireDate"], str)


def test_a_profile_leaves_out_what_it_says(profiled):
    dummy, client, profile = profiled
    detail, text = client.detail(), json.dumps(client.detail())
    assert ("annually" in text) == (profile.name != "sparse") == ("High Availability" in text)
    assert detail[profile.quantity] == ("100" if profile.name == "datetime" else 100)
    if profile.plan_id:
        assert detail[profile.plan_id] in (3048571730026938368, "3048571730026938368")
    assert (profile.name == "conflicting") == ({"expireDate", "expirationDate"} <= set(detail))


def walk(node):
    """All mappings in a document."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_catalog_and_prices_fit_the_pbx(profiled):
    dummy, client, profile = profiled
    nodes = list(walk(client.result(f"{PRICING}/purchase_product_info", productId=13, productNo=SN)))
    [plan] = [node for node in nodes if "Enterprise Plan" in node.values()]
    services = [node for node in nodes if "High Availability" in node.values()]
    assert str(plan["planId"]) == "3048571730026938368" != str(plan["pricingPlanId"])
    bought = next(node for node in services if node["purchaseType"] == "purchase")
    assert str(bought["serviceId"]) == "3048573935752720384"
    assert any(node["purchaseType"] == "trial" and node["serviceId"] != bought["serviceId"] for node in services)
    query = {"productId": 13, "productNo": SN}
    info = client.result(f"{PRICING}/renew/plan_info/{plan['pricingPlanId']}", **query)
    extra = client.result(
        f"{PRICING}/renew/add_on_info/{bought['pricingServiceId']}", connectionPlanId=plan["planId"], **query
    )
    if profile.amount:
        assert (float(info[profile.amount]), float(extra[profile.amount])) == (1200.0, 480.0)
        assert info[profile.currency] == "USD"
    else:
        assert not {"amount", "totalAmount", "totalPrice", "payAmount", "price"} & set(info)


def test_contacts_can_change(portal, client):
    portal.contacts.append(Contact("3197218168379846219", "second@example.com"))
    rows = client.result("/user/openapi/user/v1/client/billing_contact_list")
    assert [row["emailAddress"] for row in rows] == ["billing@example.com", "second@example.com"]


def test_contacts_have_the_profiles_shape(profiled):
    dummy, client, profile = profiled
    result = client.result("/user/openapi/user/v1/client/billing_contact_list")
    rows = {"list": result, "results": result["results"] if isinstance(result, dict) and "results" in result else None}
    [row] = rows.get(profile.contacts) or [result]
    assert row["billingContactId"] == "3197218168379846218" and len(row) == 13
    assert all(isinstance(value, str) for value in row.values())


def test_orders_are_told_apart_as_the_profile_allows(profiled, body):
    portal, client, profile = profiled
    body["poNumber"] = "PO-77"
    order_no = client.save(body)[1]["result"]["orderNo"]
    rows = client.orders()["results"]
    row = next(row for row in rows if row["orderNo"] == order_no)
    assert ("productNo" in row) == profile.order_row_product_no
    assert ("PO-77" in row.values()) == bool(profile.po_number and profile.order_row_po_number)
    assert (rows[0] is row) == (profile.name != "epoch_milliseconds")
    assert row["createTime"] == int(portal.clock.now().timestamp()) * (1 if profile.name == "epoch_seconds" else 1000)
    detail = client.result(f"/order/openapi/order/v1/get/{order_no}")
    again = client.result(f"/order/openapi/order/v1/get/{row['id']}")
    assert detail == again and detail["basicInformation"]["productNo"] == SN
    assert ('"PO-77"' in json.dumps(detail)) == bool(profile.po_number)
    assert detail["orderInformation"]["orderStatus"] == "succeed"


# log and clock


def test_the_log_tells_everything_but_secrets(portal, client, body):
    client.get(LIST, productId=13, x=portal.tokens[0])
    client.save(body)
    client.save(b"no json")
    client.get("/demo-secret")
    entries = portal.log
    assert [entry.n for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.status for entry in entries] == [200, 400, 200, 400, 404]
    assert all(entry.authorized for entry in entries) and entries[0].body is None and entries[0].query == {}
    assert entries[2].body == body and json.loads(entries[2].raw_body) == body and entries[3].raw_body == "no json"
    assert {entry.user_agent for entry in entries} == {"OpenAPI"} and entries[0].at.startswith("2026-11-23T00:00:00")
    shown = repr(entries) + json.dumps(client.admin("log")[1])
    assert not any(secret in shown for secret in [*portal.tokens, "demo-secret"])
    portal.reset_log()
    assert portal.log == []


def test_the_clock_is_held_moved_and_released(portal, client):
    portal.clock.advance(90)
    response = client.raw("GET", "/nowhere")
    response.read()
    assert response.headers["Date"] == "Mon, 23 Nov 2026 00:01:30 GMT"
    portal.clock.hold("2027-02-01")
    assert portal.clock.now().isoformat() == "2027-02-01T00:00:00+00:00"
    portal.clock.release()
    first = portal.clock.now()
    portal.clock.advance(3600)
    assert (portal.clock.now() - first).total_seconds() == pytest.approx(3600, abs=5)
    response = client.raw("GET", "/nowhere")
    response.read()
    assert parsedate_to_datetime(response.headers["Date"]) > first


def test_a_thousand_pbxs(connect):
    with Simulator(Fleet.generated(1000, 100), now=NOW) as portal:
        client = connect(portal)
        pages = [client.products(pageSize=50, pageNo=number) for number in range(1, 21)]
        rows = [row for page in pages for row in page["results"]]
        assert len({row["productNo"] for row in rows}) == 1000 == pages[0]["total"]
        assert sum(row["expireDate"] <= "2026-12-23" for row in rows) == 100
        assert Fleet.generated(1000, 100) == Fleet.generated(1000, 100)
