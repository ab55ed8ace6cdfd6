# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `portal`, `rows` and `others` of a fleet change, so that a portal nobody has seen is a few lines of YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests import simulator
from tests.simulator import Simulator
from tests.simulator.fleet import Fleet, FleetError
from tests.simulator.profiles import Profile

SN, OTHER = "3658B431119665QJ", "3631E34189AB"
PBX = {
    "product_no": SN,
    "plan": "Enterprise Plan",
    "services": ["High Availability"],
    "quantity": 100,
    "billing_cycle": "annually",
    "expires_at": "2026-12-05",
}
DETAIL = "/product/openapi/instance_product/v1/detail"


@pytest.fixture
def client_of(connect) -> Iterator[Callable[..., Any]]:
    """A client of a portal with these options and PBXs."""
    with ExitStack() as stack:

        def begin(portal: dict[str, Any] | None = None, pbxs: Any = (PBX,), **fleet: Any) -> Any:
            whole = {"pbxs": list(pbxs), "portal": portal or {}, "now": "2026-11-23T00:00:00Z", **fleet}
            return connect(stack.enter_context(Simulator(whole)))

        yield begin


def test_the_readme_names_every_option():
    text = Path(simulator.__file__).with_name("README.md").read_text(encoding="utf-8")
    table = text.partition("## Another portal")[2].partition("## Faults")[0]
    assert [one.name for one in fields(Profile) if f"`{one.name}`" not in table] == ["name", "about"]


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        ({"portal": {"row": "records"}}, "unknown option 'row'; choose among"),
        ({"portal": {"name": "x"}}, "unknown option 'name'"),
        ({"portal": {"rows": None}}, "rows must be str, not None"),
        ({"portal": {"total_off": True}}, "total_off must be int | None, not True"),
        ({"portal": {"beyond_last": "first"}}, "beyond_last must be one of empty, last, refused"),
        ({"pbxs": [{**PBX, "rows": [{"extensions": 1}]}]}, "unknown key 'extensions'"),
        ({"pbxs": [{**PBX, "rows": [{"plan": "Free"}]}]}, "plan must be one of"),
        ({"others": [{"product_no": OTHER, "product_id": "14"}]}, "product_id must be int"),
    ],
)
def test_mistakes_are_named(fleet, message):
    with pytest.raises(FleetError, match=message.replace("|", r"\|")):
        Fleet.load({"pbxs": [PBX], **fleet})


def test_options_come_on_top_of_the_profile(client_of):
    client = client_of({"quantity": "seats"}, profile="datetime")
    assert {"expirationDate", "seats"} <= set(client.detail())


@pytest.mark.parametrize(
    ("portal", "sizes", "says"),
    [
        ({}, [4, 2, 0], {"total": 6, "count": 6, "totalPage": 2}),
        ({"total_off": -2}, [4, 2, 0], {"total": 4, "count": 4}),
        ({"total_off": None}, [4, 2, 0], {"total": None, "count": None, "totalPage": None}),
        ({"rows": "records"}, [4, 2, 0], {"results": None}),
        ({"page_cap": 3}, [3, 3, 0], {"total": 6, "pageSize": 4}),
        ({"later_page_cap": 2}, [4, 2, 2], {"total": 6, "pageSize": 4}),
        ({"beyond_last": "last"}, [4, 2, 2], {"total": 6}),
        ({"page_overlap": True}, [4, 2, 0], {"total": 6}),
        ({"total_of": "page", "page_cap": 3}, [3, 3, 0], {"total": 3, "count": 3, "totalPage": 2, "pageSize": 4}),
        ({"total_of": "count"}, [4, 2, 0], {"total": None, "count": 4, "totalPage": None}),
    ],
)
def test_paging(client_of, portal, sizes, says):
    client = client_of(portal, pbxs=(), generate={"count": 6, "due": 0})
    pages = [client.products(pageSize=4, pageNo=number) for number in (1, 2, 3)]
    name = portal.get("rows", "results")
    assert [len(page[name]) for page in pages] == sizes
    assert {key: pages[0].get(key) for key in says} == says
    if "page_overlap" in portal:
        assert pages[1][name][0] == pages[0][name][-1]
    if "later_page_cap" in portal:  # it begins where a page of that size would
        assert pages[1][name] == pages[0][name][2:]


def test_a_page_beyond_the_last_can_be_refused(client_of):
    client = client_of({"beyond_last": "refused"})
    status, body = client.get("/order/openapi/order/v1/page", pageNo=2)
    assert (status, body["result"]["field"]) == (400, "pageNo")
    assert client.orders()["results"] == []


def test_rows_that_are_more_or_say_otherwise(client_of):
    rows = [{"quantity": 1, "days_later": 28}, {"plan": "Ultimate Plan", "services": [], "billing_cycle": "monthly"}]
    client = client_of(pbxs=[{**PBX, "rows": rows}])
    first, second = client.products()["results"]
    assert (first["extensionNum"], first["expireDate"], first["planName"]) == (1, "2027-01-02", "Enterprise Plan")
    assert (second["planName"], second["serviceList"], second["billingCycle"]) == ("Ultimate Plan", [], "monthly")
    assert first["productNo"] == second["productNo"] == SN
    detail = client.detail()
    assert (detail["extensionNum"], detail["expireDate"]) == (100, "2026-12-05")


def test_rows_of_other_products_and_serial_numbers_with_blanks(client_of):
    client = client_of({"serial_number": " {} "}, others=[{"product_no": OTHER}])
    own, other = client.products()["results"]
    assert (own["productNo"], own["productId"]) == (f" {SN} ", 13)
    assert (other["productNo"], other["productId"]) == (f" {OTHER} ", 14)


@pytest.mark.parametrize(
    ("kind", "in_row", "in_detail"),
    [("pending", None, ""), ("always", "Enterprise Plan", "Enterprise Plan"), ("in_details", None, "Enterprise Plan")],
)
def test_current_plan(client_of, kind, in_row, in_detail):
    client = client_of({"current_plan": kind})
    assert client.products()["results"][0].get("currentPlan") == in_row
    assert client.detail()["currentPlan"] == in_detail and client.detail()["planName"] == "Enterprise Plan"


def test_where_current_plan_is_always_filled_the_plan_is_what_it_is_switched_to(client_of):
    client = client_of({"current_plan": "always"}, pbxs=[{**PBX, "pending_plan": "Ultimate Plan"}])
    assert (client.detail()["planName"], client.detail()["currentPlan"]) == ("Ultimate Plan", "Enterprise Plan")


def test_an_order_that_does_not_tell_its_product(client_of, body):
    client = client_of({"order_row_product_no": False, "order_detail_product_no": False})
    client.save(body)
    (row,) = client.orders()["results"]
    assert "productNo" not in row
    detail = client.result(f"/order/openapi/order/v1/get/{row['id']}")
    assert set(detail["basicInformation"]) == {"productId", "productName"}


@pytest.mark.parametrize("envelope", [True, False])
def test_forbidden(client_of, envelope):
    client = client_of({"forbidden": ["/v1/detail"], "forbidden_envelope": envelope})
    assert client.products()["total"] == 1
    response = client.raw("GET", f"{DETAIL}?productId=13&productNo={SN}")
    assert response.status == 403
    assert (b"access_denied" in response.read()) == envelope


@pytest.mark.parametrize(
    ("form", "http", "says"),
    [
        ("http", 404, {"code": "product_not_found", "status": 404}),
        ("status", 200, {"code": "product_not_found", "status": 404}),
        ("code", 200, {"code": "fail", "status": 200}),
    ],
)
def test_the_form_of_errors(client_of, form, http, says):
    client = client_of({"errors": form})
    status, body = client.get(DETAIL, productId=13, productNo="X")
    assert (status, {key: body[key] for key in says}) == (http, says)
    assert client.token(grant_type="pp_credentials", client_id="x", client_secret="y")[0] == (
        401 if http > 200 else 200
    )


def test_more_at_once_than_are_served(connect):
    with Simulator({"pbxs": [PBX], "portal": {"at_once": 2}}, latency=0.2) as portal:
        clients = [connect(portal) for dummy in range(6)]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda one: one.raw("GET", f"{DETAIL}?productId=13&productNo={SN}"), clients))
        bodies = {answer.status: answer.read() for answer in answers}
        assert set(bodies) == {200, 429} and bodies[429] == b"Too many requests"
        assert sum(answer.status == 200 for answer in answers) >= 2


@pytest.mark.parametrize("partner_id", [815, "partner@example.com"])
def test_a_partner_that_every_order_must_name(client_of, body, partner_id):
    client = client_of({"partner_id": partner_id})
    assert client.save(body)[1]["result"]["field"] == "partnerId"
    assert client.save({**body, "partnerId": str(partner_id) + "0"})[1]["result"]["field"] == "partnerId"
    assert client.save({**body, "partnerId": partner_id})[0] == 200
