# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read for the user: only what was asked for, nothing left out by a guess, nothing secret."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._info import gather
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Bench,
    Call,
    page,
    refusal,
    success,
)

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
ROOT = "/product/openapi/instance_product/v1"
WHOLE = {"planName": "Enterprise Plan", "serviceList": [], "quantity": 5, "billingCycle": "monthly"}


def pbx(product_no: str, expire_date: Any = "2026-12-05", **fields: Any) -> dict[str, Any]:
    return {"productNo": product_no, "expireDate": expire_date, **WHOLE, **fields}


def product_list(*products: dict[str, Any]) -> Call:
    return Call("GET", f"{ROOT}/client/instance_product_list", success(page(list(products))))


def detail_of(product_no: str, **fields: Any) -> Call:
    params = {"productNo": product_no, "productId": "13"}
    return Call("GET", f"{ROOT}/detail", success({"productNo": product_no, **fields}), params=params)


def ask(wanted: str, *calls: Call, raw: bool = False, **filters: Any) -> dict[str, Any]:
    warnings: list[str] = []
    bench = Bench(*calls, access_token="given", retries=0)
    with bench:
        found = gather(Portal(bench.transport, Fields({})), {wanted}, Filters(NOW, **filters), raw, warnings.append)
    return {**found, "warnings": warnings} if warnings else found


def numbers(*calls: Call, **filters: Any) -> list[str]:
    return [row["product_no"] for row in ask("subscriptions", *calls, **filters)["subscriptions"]]


def test_all_subscriptions_come_sorted_from_one_request() -> None:
    assert numbers(product_list(pbx("B"), pbx("A"))) == ["A", "B"]


def test_a_subscription_shows_what_is_known_with_ids_as_text() -> None:
    row = pbx("A", planId=3048571730026938369, serviceList=[{"serviceId": 7}], autoRenew=1)
    (shown,) = ask("subscriptions", product_list(row))["subscriptions"]
    assert (shown["expires_at"], shown["days_left"], shown["quantity"]) == ("2026-12-05T00:00:00Z", 12, 5)
    assert (shown["plan_id"], shown["service_ids"], shown["auto_renewal"]) == ("3048571730026938369", ["7"], True)
    assert shown["undetermined"] == {}


@pytest.mark.parametrize(
    ("days", "expected"), [(0, ["PAST"]), (11, ["PAST"]), (12, ["PAST", "SOON"]), (400, ["LATE", "PAST", "SOON"])]
)
def test_expires_within_includes_its_last_day_and_what_has_expired(days: int, expected: list[str]) -> None:
    listed = product_list(pbx("SOON"), pbx("LATE", "2027-11-23"), pbx("PAST", "2026-01-01"))
    assert numbers(listed, expires_within=days) == expected


@pytest.mark.parametrize("expire_date", [None, "some day"])
def test_an_unknown_expiry_is_within_every_window_and_is_explained(expire_date: Any) -> None:
    calls = [product_list(pbx("A", expire_date)), detail_of("A")]
    (shown,) = ask("subscriptions", *calls, expires_within=1)["subscriptions"]
    assert (shown["expires_at"], shown["days_left"]) == (None, None)
    assert shown["undetermined"]["expires_at"].startswith("expires_at: ")


def test_an_expiry_that_only_the_detail_tells_is_filtered_by() -> None:
    calls = [product_list(pbx("A", None), pbx("B", None)), detail_of("A", expireDate="2026-11-24")]
    assert numbers(*calls, detail_of("B", expireDate="2027-11-24"), expires_within=7) == ["A"]


@pytest.mark.parametrize("plan", ["enterprise plan", " Enterprise Plan ", "77"])
def test_a_plan_is_filtered_by_name_or_id_and_an_unknown_plan_is_kept(plan: str) -> None:
    listed = product_list(pbx("A", planId=77), pbx("B", planName="Other", planId=78), pbx("C", planName=None))
    assert numbers(listed, detail_of("C"), plan=plan) == ["A", "C"]


def test_what_a_filter_leaves_out_costs_no_further_request() -> None:
    late = pbx("A", "2028-01-01", quantity=None)
    assert numbers(product_list(late), expires_within=7) == []


def test_a_pbx_is_asked_for_by_number() -> None:
    assert numbers(product_list(pbx("A"), pbx("B"), pbx("C")), product_nos=("C", "A")) == ["A", "C"]


def test_a_missing_pbx_is_an_error_that_says_how_many_were_seen() -> None:
    with pytest.raises(ValueError, match="X, Y: not among the 2 PBXs of this account"):
        numbers(product_list(pbx("A"), pbx("B")), product_nos=("X", "A", "Y"))


def test_raw_shows_listing_and_detail_masked_and_long_ids_as_text() -> None:
    row = pbx("A", activationCode="canary", planId=3048571730026938369)
    detail = detail_of("A", apiSecret="canary", activation_code="canary", nested=[{"accessToken": "canary", "n": None}])
    found = ask("subscriptions", product_list(row), detail, raw=True, product_nos=("A",))
    assert "canary" not in str(found)
    (shown,) = found["raw"]["subscriptions"]
    assert shown["listing"]["planId"] == "3048571730026938369" and shown["listing"]["quantity"] == 5
    assert shown["detail"]["nested"] == [{"accessToken": "********", "n": None}]
    assert (shown["listing"]["activationCode"], shown["detail"]["apiSecret"]) == ("********", "********")


def test_raw_rows_are_shown_only_when_asked_for_and_without_details_of_the_whole_account() -> None:
    assert "raw" not in ask("subscriptions", product_list(pbx("A")))
    found = ask("subscriptions", product_list(pbx("A")), raw=True)
    assert [row["detail"] for row in found["raw"]["subscriptions"]] == [None]


def test_only_the_catalog_is_read_when_only_that_is_wanted() -> None:
    plan = {"planId": 5, "planName": "Basic", "pricingPlanId": 6, "services": [{"serviceId": "7", "name": "HA"}]}
    found = ask("catalog", Call("GET", "/pricing/openapi/purchase/v1/purchase_product_info", success([plan])))
    service = {"id": "7", "name": "HA", "pricing_id": None, "plan_id": "5"}
    assert found == {"catalog": {"plans": [{"id": "5", "name": "Basic", "pricing_id": "6"}], "services": [service]}}


def test_billing_contacts_are_shown_with_their_id_as_text() -> None:
    row = {"billingContactId": 3197218168379846218, "emailAddress": "a@example.com", "lastName": "B", "taxNum": "1"}
    found = ask("billing_contacts", Call("GET", "/user/openapi/user/v1/client/billing_contact_list", success(row)))
    shown = {"billing_contact_id": "3197218168379846218", "email": "a@example.com", "name": "B", "company": ""}
    assert found == {"billing_contacts": [shown]}


def order_list(*rows: dict[str, Any]) -> Call:
    return Call("GET", "/order/openapi/order/v1/page", success(page(list(rows))))


NO_MORE = order_list()


def order_detail(order_id: str, result: dict[str, Any]) -> Call:
    return Call("GET", f"/order/openapi/order/v1/get/{order_id}", success(result))


def order_ids(*calls: Call, **filters: Any) -> list[str]:
    return [order["order_id"] for order in ask("orders", *calls, **filters)["orders"]]


def test_all_orders_come_from_the_listing_alone() -> None:
    assert order_ids(order_list({"id": 1}, {"id": "2", "productNo": "A"}), NO_MORE) == ["1", "2"]


def test_orders_of_a_pbx_are_found_through_their_details_where_rows_do_not_tell() -> None:
    rows = order_list({"id": 1}, {"id": 2, "productNo": "A"}, {"id": 3, "productNo": "B"}, {"id": 4})
    details = [order_detail(number, {"basicInformation": {"productNo": pbx_no}}) for number, pbx_no in ("1A", "4B")]
    assert order_ids(rows, NO_MORE, *details, product_nos=("A",)) == ["1", "2"]


def test_an_order_whose_pbx_nobody_tells_is_not_left_out() -> None:
    assert order_ids(order_list({"id": 1}), NO_MORE, order_detail("1", {}), product_nos=("A",)) == ["1"]


# --- auto-renewal -----------------------------------------------------------------------------------------------------


def auto_renewal_of(product_no: str, answer: Any) -> Call:
    params = {"productNo": product_no, "productId": "13"}
    outcome = answer if isinstance(answer, Answer) else success(answer)
    return Call("GET", "/order/openapi/order/v1/check/existed_auto_renew", outcome, params=params)


def test_auto_renewal_is_asked_for_what_is_returned_and_on_wins() -> None:
    listed = product_list(
        pbx("A"), pbx("B", autoRenew=False), pbx("C", autoRenew=True), pbx("D"), pbx("LATE", "2028-01-01")
    )
    asked = [auto_renewal_of(number, {"autoRenew": on}) for number, on in zip("ABC", (False, True, False))]
    found = ask("auto_renewal", listed, *asked, auto_renewal_of("D", refusal(403)), expires_within=30)
    shown = {row["product_no"]: row["auto_renewal"] for row in found["subscriptions"]}
    assert shown == {"A": False, "B": True, "C": True, "D": None}
    assert "HTTP 403" in found["subscriptions"][3]["undetermined"]["auto_renewal"] and "warnings" not in found


def test_what_was_answered_about_auto_renewal_is_among_the_raw_rows() -> None:
    calls = [product_list(pbx("A"), pbx("B")), auto_renewal_of("A", {"on": 1}), auto_renewal_of("B", refusal(404))]
    rows = ask("auto_renewal", *calls, raw=True)["raw"]["subscriptions"]
    assert [row["auto_renewal"] for row in rows] == [{"on": 1}, None]


def test_an_interface_that_refuses_is_not_asked_about_every_pbx_of_the_account() -> None:
    refused = [auto_renewal_of(number, refusal(404)) for number in "ABC"]
    found = ask("auto_renewal", product_list(*map(pbx, "ABCDE")), *refused)
    assert [row["auto_renewal"] for row in found["subscriptions"]] == [None] * 5
    assert len(found["warnings"]) == 1 and "refused for 3 PBXs in a row" in found["warnings"][0]
