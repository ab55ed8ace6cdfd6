# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and bodies, JSON to model and back; the order's body against the tutorial's own sample."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, Optional, Union

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Catalog, CatalogEntry, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import OrderRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import AccessError, Ambiguous, ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import OrderSender
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    REQUEST_ID,
    Bench,
    Call,
    login,
    page,
    raw,
    refusal,
    success,
)

SN = "3658B431119665QJ"
ENTERPRISE, HA, CONTACT = "3048571730026938368", "3048573935752720384", "3197218168379846218"
ORDER = OrderRequest(SN, CONTACT, ENTERPRISE, (HA,), 100, "annually")

# The sample request of the tutorial (docs/portal-api.md, 12.4), letter for letter.
SAMPLE = """
{
  "operationType": "renew_plan",
  "productId": 13,
  "productNo": "3658B431119665QJ",
  "billingId": 3197218168379846218,
  "serviceList": [
    {
      "serviceType": "plan",
      "serviceId": 3048571730026938368,
      "quantity": 100,
      "purchaseType": "renew",
      "billingModel": "recurring",
      "billingCycle": "annually",
      "multiCycle": 0
    },
    {
      "connectionPlanId":3048571730026938368,
      "serviceType": "service",
      "serviceId": 3048573935752720384,
      "purchaseType": "renew",
      "billingCycle": "annually",
      "multiCycle": 0
    }
  ]
}
"""
# The result of the tutorial's sample response (docs/portal-api.md, 12.5).
RESULT = {
    "instanceId": "1282352",
    "orderNo": "BN3206243356000391168",
    "orderStatus": "succeed",
    "productNo": SN,
    "transactionNo": "QO3206243357577449473",
}


def get(path: str, result: Any, **params: str) -> Call:
    return Call("GET", path, success(result), params=params or None)


def reading(*calls: Call, **field_map: str) -> tuple[Bench, Portal]:
    bench = Bench(*calls, access_token="given")
    return bench, Portal(bench.transport, Fields(field_map))


def ordering(result: Any, body: Any = None) -> tuple[Bench, OrderSender]:
    checked = {} if body is None else {"body": body}
    bench = Bench(Call("POST", "/order/openapi/order/v1/save", success(result), **checked), access_token="given")
    return bench, OrderSender(bench.transport)


def typed(value: Any) -> Any:
    """JSON with the type of every scalar beside it, so that 1, 1.0, True and "1" differ; keys keep their order."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value


def sent_body(order: OrderRequest) -> Any:
    bench, sender = ordering(RESULT)
    with bench:
        sender.send(order)
    return json.loads(bench.calls.payloads[0]["data"], parse_float=Decimal)


def test_the_body_of_the_tutorials_pbx_is_the_tutorials_sample_key_for_key() -> None:
    assert typed(sent_body(ORDER)) == typed(json.loads(SAMPLE, parse_float=Decimal))


def test_a_pbx_without_services_is_renewed_by_its_plan_line_alone() -> None:
    assert sent_body(replace(ORDER, service_ids=()))["serviceList"] == json.loads(SAMPLE)["serviceList"][:1]


def test_every_service_is_a_line_of_the_same_order_and_keeps_the_cycle() -> None:
    lines = sent_body(replace(ORDER, service_ids=(HA, "7"), billing_cycle="monthly"))["serviceList"]
    assert [line["serviceId"] for line in lines] == [int(ENTERPRISE), int(HA), 7]
    assert [line["billingCycle"] for line in lines] == ["monthly"] * 3
    assert [line.get("connectionPlanId") for line in lines] == [None, int(ENTERPRISE), int(ENTERPRISE)]


def test_a_po_number_is_sent_as_text_and_only_when_there_is_one() -> None:
    assert sent_body(replace(ORDER, po_number="0012"))["poNumber"] == "0012"
    assert "poNumber" not in sent_body(ORDER)


def test_the_tutorials_answer_is_an_order_that_succeeded() -> None:
    bench, sender = ordering(RESULT)
    with bench:
        order = sender.send(replace(ORDER, po_number="PO-1"))
    assert (order.order_no, order.transaction_no) == ("BN3206243356000391168", "QO3206243357577449473")
    assert (order.status, order.product_no, order.po_number) == ("succeed", SN, "PO-1")


@pytest.mark.parametrize("order_no", [None, "", "  ", [], {}])
def test_a_success_without_an_order_number_is_ambiguous(order_no: Any) -> None:
    bench, sender = ordering({**RESULT, "orderNo": order_no})
    with bench, pytest.raises(Ambiguous, match="POST /order/openapi/order/v1/save"):
        sender.send(ORDER)


def test_a_success_for_another_pbx_is_ambiguous_and_names_both() -> None:
    bench, sender = ordering({**RESULT, "productNo": "OTHER"})
    with bench, pytest.raises(Ambiguous, match=f"{SN}.*OTHER"):
        sender.send(ORDER)


@pytest.mark.parametrize("changes", [{"orderNo": None}, {"productNo": "OTHER"}])
def test_an_ambiguous_success_names_the_request_id_that_support_needs(changes: dict[str, Any]) -> None:
    bench, sender = ordering({**RESULT, **changes})
    with bench, pytest.raises(Ambiguous, match=REQUEST_ID):
        sender.send(ORDER)


@pytest.mark.parametrize(
    ("status", "expected"), [("Succeed", "succeed"), (" PENDING ", "pending"), (None, ""), (3, "")]
)
def test_an_order_status_is_lower_case_and_nothing_where_it_is_not_told(status: Any, expected: str) -> None:
    bench, sender = ordering({**RESULT, "orderStatus": status})
    with bench:
        assert sender.send(ORDER).status == expected
    assert reading()[1].order({"id": 1, "orderStatus": status}).status == expected


# --- subscriptions ----------------------------------------------------------------------------------------------------

LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
DETAIL = "/product/openapi/instance_product/v1/detail"


def test_subscriptions_are_the_listing_of_product_13() -> None:
    bench, portal = reading(
        get(LIST, page([{"productNo": SN}]), productId="13", pageNo="1", pageSize="25"),
    )
    with bench:
        assert portal.subscription_rows().rows == [{"productNo": SN}]


def test_rows_of_other_products_are_apart_though_they_have_the_same_serial_number_or_none() -> None:
    own = [{"productNo": SN, "productId": "13"}, {"productNo": "B", "productId": 13}, {"productNo": "C"}]
    others = [{"productNo": SN, "productId": 14}, {"productId": "14"}]
    bench, portal = reading(get(LIST, page([*own, *others]), productId="13", pageNo="1", pageSize="25"))
    with bench:
        listing = portal.subscription_rows()
    assert (listing.rows, listing.others, listing.gap) == (own, others, None)


def test_the_order_list_is_read_beyond_a_full_page() -> None:
    rows = [{"id": number} for number in range(25)]
    pages = [page(rows), page([], 25)]
    calls = [
        get("/order/openapi/order/v1/page", result, pageNo=str(number), pageSize="25")
        for number, result in enumerate(pages, 1)
    ]
    bench, portal = reading(*calls)
    with bench:
        assert portal.order_listing().rows == rows


@pytest.mark.parametrize("named", [{}, {"productNo": SN}, {"productNo": None}])
def test_a_detail_is_asked_for_by_serial_number(named: dict[str, Any]) -> None:
    bench, portal = reading(get(DETAIL, named, productNo=SN, productId="13"))
    with bench:
        assert portal.subscription_detail(SN) == named


@pytest.mark.parametrize("result", [None, [], "x", {"productNo": "OTHER"}])
def test_a_detail_of_another_pbx_or_of_none_is_refused(result: Any) -> None:
    bench, portal = reading(get(DETAIL, result, productNo=SN, productId="13"))
    with bench, pytest.raises(ReadError, match=DETAIL):
        portal.subscription_detail(SN)


def test_ids_beyond_2_to_the_53rd_keep_every_digit_as_number_and_as_text() -> None:
    for plan_id in (int(ENTERPRISE) + 1, str(int(ENTERPRISE) + 1)):
        bench, portal = reading(get(DETAIL, {"planId": plan_id}, productNo=SN, productId="13"))
        with bench:
            subscription = portal.subscription(SN, portal.subscription_detail(SN))
        assert subscription.plan == Offer("3048571730026938369", None)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([], ()),
        (["High Availability"], (Offer(None, "High Availability"),)),
        ([{"serviceId": int(HA)}], (Offer(HA, None),)),
        ([{"serviceId": HA, "serviceName": "HA"}], (Offer(HA, "HA"),)),
        ([{"id": 7, "name": "HA"}], (Offer("7", "HA"),)),
        ([{"serviceType": "plan", "serviceId": 1}, {"serviceType": "service", "serviceId": 2}], (Offer("2", None),)),
    ],
)
def test_services_are_names_or_objects_without_the_plans_own_line(services: Any, expected: tuple[Offer, ...]) -> None:
    assert reading()[1].subscription(SN, {"serviceList": services}).services == expected


@pytest.mark.parametrize("services", ["HA", {"serviceId": 1}, [7], [""], [None], [{}], [{"serviceId": [1]}]])
def test_services_that_cannot_be_read_are_not_taken_for_fewer_services(services: Any) -> None:
    read = reading()[1].subscription(SN, {"serviceList": services}).services
    assert isinstance(read, Undetermined) and read.reported


@pytest.mark.parametrize(("current_plan", "expected"), [(None, None), ("", None), ("Basic", "Basic"), (5, "5")])
def test_a_filled_current_plan_is_a_pending_switch(current_plan: Any, expected: Optional[str]) -> None:
    assert reading()[1].subscription(SN, {"currentPlan": current_plan}).pending_plan == expected


@pytest.mark.parametrize("field", ["currentPlan", "currentPlanExpireDate"])
@pytest.mark.parametrize(("value", "shown"), [({"password": "canary"}, "an object"), (["canary"], "a list")])
def test_a_pending_switch_that_is_no_text_is_one_and_is_not_quoted(field: str, value: Any, shown: str) -> None:
    assert reading()[1].subscription(SN, {field: value}).pending_plan == shown


def test_every_text_of_a_pbx_is_one_line_that_can_be_shown() -> None:
    texts = dict.fromkeys(
        ("currentPlan", "comment", "activationStatus", "planName"), "half \ud83d\nok: [localhost]\x1b"
    )
    row = {**texts, "serviceList": ["half \ud83d\nok", {"serviceName": "half \ud83d\nok"}]}
    bench, portal = reading(get(DETAIL, row, productNo=SN, productId="13"))
    with bench:
        subscription = portal.subscription(SN, portal.subscription_detail(SN))
    line, name = "half \ufffd(55357) ok: [localhost]\ufffd(27)", "half \ufffd(55357) ok"
    assert (subscription.pending_plan, subscription.comment, subscription.activation_status) == (line, line, line)
    assert (subscription.plan, subscription.services) == (Offer(None, line), (Offer(None, name), Offer(None, name)))


ORDERS, FIRST_PAGE = "/order/openapi/order/v1/page", {"pageNo": "1", "pageSize": "25"}
NO_MORE = get(ORDERS, page([]), pageNo="2", pageSize="25")
# Ids with a character that nobody sees. Each is near to the right one, and none is made the right one.
HIDDEN = {
    "zero width": "{}\u200b",
    "within": "{:.3}\u202e{:.5}",
    "control": "{}\x00",
    "half": "\ud83d{}",
    "line break within": "{:.4}\n{:.9}",
}


def hidden_in(right: str) -> list[str]:
    return [form.format(right, right) for form in HIDDEN.values()]


@pytest.mark.parametrize("number", hidden_in(SN), ids=HIDDEN)
def test_a_detail_with_a_serial_number_that_cannot_be_read_is_anothers(number: str) -> None:
    bench, portal = reading(get(DETAIL, {"productNo": number}, productNo=SN, productId="13"))
    with bench, pytest.raises(ReadError, match=f"asked for {SN}, got .*\ufffd"):
        portal.subscription_detail(SN)


@pytest.mark.parametrize("number", hidden_in(SN), ids=HIDDEN)
def test_an_order_whose_pbx_cannot_be_read_may_be_any_and_gets_it_from_the_detail(number: str) -> None:
    rows = get(ORDERS, page([{"id": 7, "productNo": number}]), **FIRST_PAGE)
    detail = get("/order/openapi/order/v1/get/7", {"basicInformation": {"productNo": SN}})
    bench, portal = reading(rows, NO_MORE, detail)
    with bench:
        (row,) = portal.order_listing().rows
        assert portal.order(row).product_no is None
        assert portal.order_with_detail({**row, "productNo": None}).product_no == SN


@pytest.mark.parametrize("order_id", hidden_in("3206243355614515200"), ids=HIDDEN)
def test_an_order_whose_id_cannot_be_read_is_asked_for_by_no_other(order_id: str) -> None:
    bench, portal = reading(get(ORDERS, page([{"id": order_id}]), **FIRST_PAGE), NO_MORE)
    with bench:
        (row,) = portal.order_listing().rows
        with pytest.raises(ReadError, match=r"expected orders with an id that can be shown, got '.*\ufffd"):
            portal.order_with_detail(row)


@pytest.mark.parametrize("changed", ["orderNo", "productNo"])
@pytest.mark.parametrize("form", HIDDEN.values(), ids=HIDDEN)
def test_a_success_whose_order_or_pbx_cannot_be_read_is_ambiguous(changed: str, form: str) -> None:
    bench, sender = ordering({**RESULT, changed: form.format(RESULT[changed], RESULT[changed])})
    with bench, pytest.raises(Ambiguous, match=r"gives no order number|the portal answered for .*\ufffd"):
        sender.send(ORDER)


@pytest.mark.parametrize("plan_id", hidden_in(ENTERPRISE), ids=HIDDEN)
def test_an_offer_with_an_id_that_cannot_be_read_is_in_the_catalog_under_no_other(plan_id: str) -> None:
    answer = {"plans": [{"planId": plan_id, "planName": "A", "services": [{"serviceId": plan_id, "serviceName": "B"}]}]}
    bench, portal = reading(get("/pricing/openapi/purchase/v1/purchase_product_info", answer, productId="13"))
    with bench:
        catalog = portal.catalog(portal.catalog_answer())
    ids = {entry.offer.id for entry in (*catalog.plans, *catalog.services)}
    assert len(ids) == 1 and "\ufffd" in ids.pop()


@pytest.mark.parametrize("contact_id", hidden_in(CONTACT), ids=HIDDEN)
def test_a_billing_contact_with_an_id_that_cannot_be_read_is_there_and_is_no_other(contact_id: str) -> None:
    answer = [{"billingContactId": contact_id, "emailAddress": "a@example.com"}]
    bench, portal = reading(get("/user/openapi/user/v1/client/billing_contact_list", answer))
    with bench:
        (contact,) = map(portal.billing_contact, portal.billing_contact_rows())
    assert "\ufffd" in contact.billing_contact_id and contact.email == "a@example.com"


# --- catalog and billing contacts -------------------------------------------------------------------------------------

NESTED = {
    "offeringId": "1",
    "productInfo": {
        "plans": [
            {
                "planId": int(ENTERPRISE),
                "planName": "Enterprise Plan",
                "pricingPlanId": 11,
                "services": [{"serviceId": HA, "serviceName": "High Availability", "pricingServiceId": "21"}],
            },
            {"planId": "5", "planName": "Trial", "purchaseType": "Trial", "services": [{"serviceId": "6"}]},
        ]
    },
}
FLAT = {
    "planList": [{"planId": ENTERPRISE, "name": "Enterprise Plan", "pricingPlanId": "11"}],
    "serviceList": [
        {"serviceId": int(HA), "name": "High Availability", "pricingServiceId": 21, "purchaseType": "purchase"},
        {"serviceId": int(HA), "name": "High Availability trial", "purchaseType": "trial"},
    ],
}


@pytest.mark.parametrize(("answer", "plan_of_service"), [(NESTED, ENTERPRISE), (FLAT, None), ([FLAT], None)])
def test_a_catalog_is_read_at_any_depth_without_trials(answer: Any, plan_of_service: Optional[str]) -> None:
    bench, portal = reading(get("/pricing/openapi/purchase/v1/purchase_product_info", answer, productId="13"))
    with bench:
        catalog = portal.catalog(portal.catalog_answer())
    assert [(plan.offer, plan.pricing_id) for plan in catalog.plans] == [(Offer(ENTERPRISE, "Enterprise Plan"), "11")]
    services = [(service.offer, service.pricing_id, service.plan_id) for service in catalog.services]
    assert services == [(Offer(HA, "High Availability"), "21", plan_of_service)]


CONTACT_ROW = {"billingContactId": CONTACT, "emailAddress": "a@example.com", "firstName": "A", "lastName": "B"}


@pytest.mark.parametrize("as_number", [True, False])
@pytest.mark.parametrize("wrap", [lambda row: [row], lambda row: row, lambda row: {"results": [row]}])
def test_billing_contacts_come_as_list_as_object_or_as_results(wrap: Any, as_number: bool) -> None:
    row = {**CONTACT_ROW, "billingContactId": int(CONTACT) if as_number else CONTACT}
    bench, portal = reading(get("/user/openapi/user/v1/client/billing_contact_list", wrap(row)))
    with bench:
        contacts = [portal.billing_contact(one) for one in portal.billing_contact_rows()]
    assert [(one.billing_contact_id, one.email, one.name) for one in contacts] == [(CONTACT, "a@example.com", "A B")]


@pytest.mark.parametrize("nothing", [None, [], {}, {"results": []}])
def test_an_account_may_have_no_billing_contact(nothing: Any) -> None:
    bench, portal = reading(get("/user/openapi/user/v1/client/billing_contact_list", nothing))
    with bench:
        assert portal.billing_contact_rows() == []


@pytest.mark.parametrize("result", ["x", 5, [{}], [CONTACT_ROW, {"billingContactId": ""}], ["a"], {"results": "x"}])
def test_a_billing_contact_without_id_is_not_passed_over(result: Any) -> None:
    bench, portal = reading(get("/user/openapi/user/v1/client/billing_contact_list", result))
    with bench, pytest.raises(ReadError, match="billingContactId"):
        portal.billing_contact_rows()


# --- orders and prices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order_id", [7, "7", "BN/7"])
@pytest.mark.parametrize("absent", [{}, {"productNo": None}, {"productNo": ""}])
def test_an_order_row_without_its_pbx_gets_it_from_the_detail(order_id: Any, absent: dict[str, Any]) -> None:
    row = {"id": order_id, "orderNo": "BN7", "orderStatus": "pending", **absent}
    path = f"/order/openapi/order/v1/get/{str(order_id).replace('/', '%2F')}"
    bench, portal = reading(get(path, {"basicInformation": {"productId": "13", "productNo": SN}}))
    assert portal.order(row).product_no is None
    with bench:
        order = portal.order_with_detail(row)
    assert (order.product_no, order.order_no, order.status, order.order_id) == (SN, "BN7", "pending", str(order_id))


@pytest.mark.parametrize("several", [f"3631E3418911,{SN}", f"3631E3418911, {SN}", f"{SN};3631E3418911", f"{SN} X"])
def test_an_order_for_several_pbxs_in_one_text_is_of_none_that_is_known(several: str) -> None:
    portal = reading()[1]
    assert portal.order({"id": 1, "productNo": several}).product_no is None
    assert portal.order({"id": 1, "productNo": f" {SN} "}).product_no == SN


@pytest.mark.parametrize("created", [1700000000, "1700000000000", "2023-11-14 22:13:20"])
def test_an_order_row_tells_pbx_tag_and_time(created: Any) -> None:
    row = {"id": 1, "productNo": SN, "customReferenceNo": "PO-1", "createTime": created}
    order = reading()[1].order(row)
    assert (order.product_no, order.po_number) == (SN, "PO-1")
    assert order.created_at is not None and order.created_at.isoformat() == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize("created", [None, "yesterday", -1, True])
def test_an_order_whose_time_cannot_be_read_is_kept(created: Any) -> None:
    assert reading()[1].order({"id": 1, "createTime": created}).created_at is None


def prices(plan: Any, service: Any, entries: Any = None, **field_map: str) -> Union[Money, Undetermined]:
    query = {"productId": "13", "productNo": SN}
    path = "/pricing/openapi/purchase/v1/renew"
    bench, portal = reading(
        get(f"{path}/plan_info/11", plan, **query),
        get(f"{path}/add_on_info/21", service, **query, connectionPlanId=ENTERPRISE),
        **field_map,
    )
    with bench:
        return portal.renewal_price(ORDER, portal.catalog(entries or NESTED))


def test_the_price_of_a_renewal_is_the_sum_of_all_its_lines() -> None:
    plan = {"amount": "1200.10", "currencyCode": "USD"}
    assert prices(plan, {"totalPrice": 99, "currency": "usd"}) == Money(Decimal("1299.10"), "USD")


@pytest.mark.parametrize(
    ("plan", "service", "why"),
    [
        ({}, {}, "none of the fields amount, totalAmount, totalPrice, payAmount, price is reported"),
        ({"amount": 1, "currency": "USD"}, {}, "none of the fields amount"),
        ({"amount": 1}, {"amount": 1, "currency": "USD"}, "none of the fields currencyCode, currency is reported"),
        ({"amount": 1, "currency": "USD"}, {"amount": 1, "currency": "EUR"}, "its parts are in EUR and USD"),
        ({"amount": 1, "price": 2, "currency": "USD"}, {"amount": 1, "currency": "USD"}, "amount, price disagree"),
        ({"amount": "1,200", "currency": "USD"}, {"amount": 1, "currency": "USD"}, "got '1,200'"),
        ({"price": 12, "quantity": 100, "currency": "USD"}, {}, "price may be the price of one unit"),
        ({"price": 12, "currency": "USD"}, {}, "price may be the price of one unit"),
        ({"amount": "1.200", "currency": "USD"}, {}, "'1.200' may be 1200 or 1.200"),
        ({"amount": 0, "currency": "USD"}, {}, "amount is 0"),
        ({"amount": 1, "currency": "USD"}, {"amount": 0, "currency": "USD"}, "amount is 0"),
    ],
)
def test_a_price_with_an_unknown_part_is_unknown(plan: Any, service: Any, why: str) -> None:
    price = prices(plan, service)
    assert isinstance(price, Undetermined) and why in price.why


def test_a_price_that_is_mapped_is_the_whole_one() -> None:
    one = {"price": 12, "quantity": 100, "currency": "USD"}
    assert prices(one, one, amount="price") == Money(Decimal(24), "USD")


def test_the_ids_that_prices_are_asked_for_by_may_have_any_name() -> None:
    plan = {"planId": ENTERPRISE, "name": "Enterprise Plan", "pricing": {"id": 11}}
    service = {"serviceId": HA, "name": "High Availability", "priceNo": "21"}
    one = {"amount": 1, "currency": "USD"}
    entries = {"planList": [plan], "serviceList": [service]}
    price = prices(one, one, entries, pricing_plan_id="pricing.id", pricing_service_id="priceNo")
    assert price == Money(Decimal(2), "USD")


@pytest.mark.parametrize("pricing_ids", [("11", "12"), (None, None)])
def test_a_plan_of_two_offerings_is_priced_only_where_it_is_clear_as_which(pricing_ids: Any) -> None:
    entries = [{"planId": ENTERPRISE, "name": "Enterprise Plan", "pricingPlanId": one} for one in pricing_ids]
    bench, portal = reading()
    with bench:
        price = portal.renewal_price(replace(ORDER, service_ids=()), portal.catalog(entries))
    assert isinstance(price, Undetermined)
    assert "has no single pricingPlanId" in price.why and "pricing_plan_id" in price.why


def test_a_plan_that_is_listed_again_without_its_pricing_id_is_priced_all_the_same() -> None:
    entries = [{"planId": ENTERPRISE}, {"planId": ENTERPRISE, "pricingPlanId": "11"}, {"planId": ENTERPRISE}]
    assert [(one.offer.id, one.pricing_id) for one in reading()[1].catalog(entries).plans] == [(ENTERPRISE, "11")]


def test_the_price_of_a_service_is_that_of_its_own_plan_and_unknown_where_that_is_not_clear() -> None:
    def service(pricing_id: str, plan_id: Optional[str]) -> CatalogEntry:
        return CatalogEntry(Offer(HA, "HA"), pricing_id, plan_id)

    plan = (CatalogEntry(Offer(ENTERPRISE, "Enterprise Plan"), "11"),)
    query = {"productId": "13", "productNo": SN}
    path = "/pricing/openapi/purchase/v1/renew"
    one = {"amount": 1, "currency": "USD"}
    bench, portal = reading(
        get(f"{path}/plan_info/11", one, **query),
        get(f"{path}/add_on_info/21", one, **query, connectionPlanId=ENTERPRISE),
    )
    with bench:
        catalog = Catalog(plan, (service("31", "another plan"), service("21", ENTERPRISE)))
        assert portal.renewal_price(ORDER, catalog) == Money(Decimal(2), "USD")
    bench, portal = reading(get(f"{path}/plan_info/11", one, **query))
    with bench:
        price = portal.renewal_price(ORDER, Catalog(plan, (service("21", ENTERPRISE), service("31", None))))
    assert isinstance(price, Undetermined) and "has no single pricingServiceId" in price.why


def test_a_price_whose_line_is_not_in_the_catalog_is_unknown() -> None:
    bench, portal = reading()
    with bench:
        price = portal.renewal_price(ORDER, Catalog())
    assert isinstance(price, Undetermined) and "has no single pricingPlanId" in price.why


def test_a_page_of_the_billing_contacts_is_not_taken_for_all_of_them() -> None:
    bench, portal = reading(
        get("/user/openapi/user/v1/client/billing_contact_list", {"total": 2, "results": [{"billingContactId": "5"}]})
    )
    with bench, pytest.raises(ReadError, match="expected all 2 billing contacts, got 1"):
        portal.billing_contact_rows()


@pytest.mark.parametrize("field", ["currentPlan", "currentPlanExpireDate"])
def test_either_field_of_a_pending_switch_tells_of_it(field: str) -> None:
    bench, portal = reading()
    with bench:
        assert portal.subscription(SN, {field: "something"}).pending_plan == "something"


@pytest.mark.parametrize("field_map", [{}, {"plan": "license.edition", "service_name": "addOn.title"}])
def test_a_name_in_the_catalog_is_found_whatever_it_is_called_in_the_row_of_a_pbx(field_map: dict[str, str]) -> None:
    for answer in (NESTED, FLAT):
        catalog = reading(**field_map)[1].catalog(answer)
        assert catalog.plans[0].offer.name == "Enterprise Plan"
        assert catalog.services[0].offer.name == "High Availability"


def test_a_plan_whose_services_are_all_for_trials_is_left_out_of_the_catalog() -> None:
    trial = {"planId": 777, "planName": "Enterprise Plan", "services": [{"serviceId": 8, "purchaseType": "trial"}]}
    bought = {"plan": {"planId": 5, "planName": "Enterprise Plan"}, "services": [{"serviceId": 6, "name": "HA"}]}
    bench, portal = reading()
    with bench:
        catalog = portal.catalog([trial, bought])
    assert [entry.offer.id for entry in catalog.plans] == ["5"]
    assert [(entry.offer.id, entry.plan_id) for entry in catalog.services] == [("6", "5")]


# --- auto-renewal -----------------------------------------------------------------------------------------------------

AUTO_RENEWAL = "/order/openapi/order/v1/check/existed_auto_renew"


def asked_about_auto_renewal(*calls: Call, **connection: Any) -> Any:
    """What comes of asking about the tutorial's PBX."""
    bench = Bench(*calls, retries=0, **connection)
    with bench:
        return Portal(bench.transport, Fields({"auto_renewal": "prolongs"})).auto_renewal_answer(SN)


def test_auto_renewal_is_asked_for_by_serial_number_and_product_id() -> None:
    call = get(AUTO_RENEWAL, {"autoRenew": True}, productNo=SN, productId="13")
    assert asked_about_auto_renewal(call, access_token="given") == {"autoRenew": True}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 422])
def test_a_refusal_to_say_whether_it_is_on_is_no_failure_and_not_taken_for_an_answer(status: int) -> None:
    answer = asked_about_auto_renewal(Call("GET", AUTO_RENEWAL, refusal(status)), access_token="given")
    assert isinstance(answer, Undetermined) and not answer.reported and f"HTTP {status}" in answer.why


def test_a_success_that_is_none_is_not_a_refusal() -> None:
    answer = asked_about_auto_renewal(Call("GET", AUTO_RENEWAL, raw(b"<html>", 200, "text/html")), access_token="given")
    assert isinstance(answer, Undetermined) and answer.reported and AUTO_RENEWAL in answer.why


@pytest.mark.parametrize(
    "outcome", [refusal(408), refusal(429, Retry_After="999"), refusal(500), ExchangeError("cut off")]
)
def test_what_may_pass_is_a_failure(outcome: Any) -> None:
    with pytest.raises(ReadError):
        asked_about_auto_renewal(Call("GET", AUTO_RENEWAL, outcome), access_token="given")


@pytest.mark.parametrize("code", ["unauthorized", "invalid_token"])
def test_a_token_that_is_refused_there_is_replaced_and_one_that_is_refused_again_is_a_failure(code: str) -> None:
    refused = Call("GET", AUTO_RENEWAL, refusal(401, code=code))
    answered = get(AUTO_RENEWAL, {"autoRenew": False}, productNo=SN, productId="13")
    assert asked_about_auto_renewal(login(), refused, login("token-2"), answered) == {"autoRenew": False}
    with pytest.raises(AccessError, match="access token was refused"):
        asked_about_auto_renewal(login(), refused, login("token-2"), refused)


@pytest.mark.parametrize(("status", "is_answer"), [(403, True), (404, True), (400, False), (200, False)])
def test_what_names_the_token_is_a_refusal_only_where_it_is_forbidden_or_not_there(
    status: int, is_answer: bool
) -> None:
    calls = (Call("GET", AUTO_RENEWAL, refusal(status, code="token_has_no_scope")),)
    if is_answer:
        assert isinstance(asked_about_auto_renewal(*calls, access_token="given"), Undetermined)
    else:
        with pytest.raises(AccessError):
            asked_about_auto_renewal(*calls, access_token="given")


@pytest.mark.parametrize("outcome", [refusal(403), refusal(400), raw(b"<html>", 200, "text/html")])
def test_a_login_that_is_refused_meanwhile_is_a_failure_and_says_nothing_of_auto_renewal(outcome: Any) -> None:
    with pytest.raises(ReadError, match="oauth/token"):
        asked_about_auto_renewal(Call("POST", "/auth/openapi/v1/oauth/token", outcome))
