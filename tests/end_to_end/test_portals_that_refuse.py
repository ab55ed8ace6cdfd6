# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Portals that refuse something, and proxies in front of them: each dead end names a way out that works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

FIRST, SECOND = "3658B431119665QJ", "3658B431119002QL"
TERMS = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
TOKEN = "/auth/openapi/v1/oauth/token"
DETAIL = "/product/openapi/instance_product/v1/detail"
ORDER_DETAIL = "/order/v1/get/"
SAVE = "/order/v1/save"


def pbx(product_no: str = FIRST, days: float = 12, **changes: Any) -> dict[str, Any]:
    return {"product_no": product_no, "expires_in_days": days, **TERMS, **changes}


def renewed(ansible: Ansible) -> list[str]:
    return sorted(invoice.product_no for invoice in ansible.portal.invoices)


def of_one(ansible: Ansible, *subscriptions: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ansible.renew(subscriptions=list(subscriptions), max_orders=9, **options)


def say_unrelated(ansible: Ansible, order_no: str, product_no: str = FIRST) -> None:
    word = {"outcome": "unrelated", "order_no": order_no, "reason": "looked at it in the portal: an expansion"}
    assert ansible.module("yeastar_pce_ledger", state="settled", product_no=product_no, **word)["changed"]


# --- orders for an unknown PBX ----------------------------------------------------------------------------------------

WITHOUT_SN: dict[str, dict[str, Any]] = {
    "not told": {"order_row_product_no": False, "order_detail_product_no": False},
    "not given": {"order_row_product_no": False, "forbidden": [ORDER_DETAIL]},
}
of_each_kind = pytest.mark.parametrize("portal", WITHOUT_SN.values(), ids=WITHOUT_SN)


@of_each_kind
def test_orders_that_may_be_of_any_pbx_are_named_and_called_unrelated_they_are_not_in_the_way(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 2, "status": status} for status in ("pending", "succeed")]
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 200)], "portal": portal, "orders": orders})
    result = ansible.renew(product_no=FIRST)
    assert result["failed"] and orders_sent(ansible.portal) == 0
    numbers = [order.order_no for order in ansible.portal.orders]
    assert states(result) == {FIRST: "blocked"}
    for said in ("which PBX order", "outcome: unrelated", "yeastar_pce_ledger"):
        assert said in result["msg"]
    assert sum(number in result["msg"] for number in numbers) == 1
    numbers.sort(key=lambda number: number not in result["msg"])
    say_unrelated(ansible, numbers[0])
    result = ansible.renew(product_no=FIRST)
    assert numbers[1] in result["msg"] and numbers[0] not in result["msg"] and orders_sent(ansible.portal) == 0
    say_unrelated(ansible, numbers[1])
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "renewed"}
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "current"} and renewed(ansible) == [FIRST]


@of_each_kind
def test_an_order_that_may_be_of_any_pbx_is_called_unrelated_to_one_of_them_alone(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 2, "status": "pending"}]
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 14)], "portal": portal, "orders": orders})
    (order,) = ansible.portal.orders
    both = ({"product_no": FIRST}, {"product_no": SECOND})
    assert states(of_one(ansible, *both)) == {FIRST: "blocked", SECOND: "blocked"}
    say_unrelated(ansible, order.order_no)
    assert states(of_one(ansible, *both)) == {FIRST: "renewed", SECOND: "blocked"} and renewed(ansible) == [FIRST]


@of_each_kind
@pytest.mark.parametrize("tells_number", [True, False])
def test_the_ledger_knows_its_own_orders_so_that_the_next_pbx_can_be_renewed(
    start: Callable[..., Ansible], portal: dict[str, Any], tells_number: bool
) -> None:
    portal = {**portal, "order_row_po_number": tells_number}
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 14)], "portal": portal})
    assert states(of_one(ansible, {"product_no": FIRST})) == {FIRST: "renewed"}
    assert states(of_one(ansible, {"product_no": SECOND})) == {SECOND: "renewed"}
    assert renewed(ansible) == sorted([FIRST, SECOND])


@of_each_kind
def test_an_order_of_uncertain_fate_is_found_by_its_number_and_is_not_sent_again(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": portal})
    ansible.portal.fault("commit_late", seconds=0.5, path=SAVE)
    assert states(ansible.renew(product_no=FIRST, settle_window=1)) == {FIRST: "unknown"}
    ansible.portal.clock.advance(60)
    result = ansible.renew(product_no=FIRST, settle_window=1)
    assert not result.get("failed") and states(result) == {FIRST: "current"}
    assert renewed(ansible) == [FIRST] and orders_sent(ansible.portal) == 1


# --- refused details --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "sparse"])
def test_without_permission_for_details_what_is_declared_is_renewed(
    start: Callable[..., Ansible], profile: str
) -> None:
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 14)], "portal": {"forbidden": [DETAIL]}}, profile=profile)
    result = of_one(ansible, {"product_no": FIRST}, {"product_no": SECOND, **TERMS})
    assert states(result) == {FIRST: "failed", SECOND: "renewed"} and renewed(ansible) == [SECOND]
    for said in ("HTTP 403", "permission for details", "plan, services, quantity, billing_cycle"):
        assert said in result["msg"]
    plan = ansible.plan(subscriptions=[{"product_no": FIRST, **TERMS}], max_orders=1)
    assert states(plan) == {FIRST: "due"}
    assert states(of_one(ansible, {"product_no": FIRST, **TERMS})) == {FIRST: "renewed"}
    assert states(of_one(ansible, {"product_no": FIRST, **TERMS})) == {FIRST: "current"}
    assert renewed(ansible) == sorted([FIRST, SECOND])


def test_without_permission_for_details_what_changed_in_the_list_is_not_bought(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"forbidden": [DETAIL]}})
    ansible.portal.fault("quantity_change", path=DETAIL, quantity=120)
    result = of_one(ansible, {"product_no": FIRST, **TERMS})
    assert states(result) == {FIRST: "blocked"} and renewed(ansible) == []
    assert "quantity is declared as 100, the portal says 120" in result["msg"]


def test_without_permission_for_details_info_shows_what_the_list_tells(start: Callable[..., Ansible]) -> None:
    portal = {"forbidden": [DETAIL]}
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND)], "portal": portal}, profile="sparse")
    result = ansible.info(concurrency=1)
    assert [row["quantity"] for row in result["subscriptions"]] == [100, 100]
    assert {"services", "billing_cycle"} <= set(result["subscriptions"][0]["undetermined"])
    assert sum(entry.path == DETAIL for entry in ansible.portal.log) == 1


def test_without_permission_for_any_detail_info_shows_raw_rows_and_orders(start: Callable[..., Ansible]) -> None:
    portal = {"forbidden": [DETAIL, ORDER_DETAIL], "order_row_product_no": False}
    orders = [{"product_no": FIRST, "created_days_ago": 2, "status": "pending"}]
    ansible = start(fleet={"pbxs": [pbx()], "portal": portal, "orders": orders})
    result = ansible.info(gather=["subscriptions", "orders"], product_no=[FIRST], raw=True)
    (row,) = result["raw"]["subscriptions"]
    assert row["listing"]["productNo"] == FIRST and row["detail"] is None
    assert [order["order_no"] for order in result["orders"]] == [ansible.portal.orders[0].order_no]
    result = ansible.info(product_no=[FIRST.lower()])
    assert result["failed"] and f"it has {FIRST}" in result["msg"]


# --- proxies in front of the portal -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [TOKEN, DETAIL, "/instance_product_list", "/order/v1/page", SAVE])
def test_a_403_that_is_not_the_vendors_names_proxy_firewall_and_concurrency(
    start: Callable[..., Ansible], path: str
) -> None:
    ansible = start(fleet={"pbxs": [pbx()]})
    ansible.portal.fault("forbidden", path=path, envelope=False, times=9)
    result = of_one(ansible, {"product_no": FIRST, **TERMS})
    assert result["failed"] and renewed(ansible) == []
    for said in ("without the vendor's envelope", "proxy or a firewall", "lower concurrency", "HTTP 403"):
        assert said in result["msg"]
    assert "Client IP Restriction" not in result["msg"]
    ansible.portal.clear_faults()
    if path != SAVE:
        assert states(of_one(ansible, {"product_no": FIRST})) == {FIRST: "renewed"} and renewed(ansible) == [FIRST]


@pytest.mark.parametrize("retry_after", [None, 1])
def test_a_bare_429_on_one_order_leaves_that_one_unknown_and_no_other(
    start: Callable[..., Ansible], retry_after: int | None
) -> None:
    ansible = start(fleet={"generate": {"count": 6, "due": 6}}, latency=0.05)
    ansible.portal.fault("rate_limited", path=SAVE, envelope=False, retry_after=retry_after)
    numbers = [one.product_no for one in ansible.portal.pbxs]
    given = {"subscriptions": [{"product_no": number} for number in numbers], "max_orders": 6}
    first = ansible.renew(**given, wait_timeout=1)
    seen = Counter(states(first).values())
    assert seen["unknown"] == 1 and seen["unknown"] + seen["renewed"] + seen["not_attempted"] == 6
    assert "lower concurrency, or wait" in first["msg"]
    second = ansible.renew(**given, settle_window=1)
    assert set(states(second).values()) <= {"renewed", "current"} and renewed(ansible) == sorted(numbers)


def test_a_portal_that_serves_one_at_a_time_is_asked_one_at_a_time_once_it_says_so(
    start: Callable[..., Ansible],
) -> None:
    fleet = {"generate": {"count": 6, "due": 6}, "portal": {"at_once": 1, "row_complete": False}}
    ansible = start(fleet=fleet, latency=0.05)
    numbers = [one.product_no for one in ansible.portal.pbxs]
    given = {"subscriptions": [{"product_no": number} for number in numbers], "max_orders": 6}
    result = ansible.renew(**given, timeout=30)
    assert set(states(result).values()) == {"renewed"} and renewed(ansible) == sorted(numbers)
    refused = [entry for entry in ansible.portal.log if entry.status == 429]
    assert 0 < len(refused) < 6 and all(entry.method == "GET" for entry in refused)


# --- a field that is not documented for a renewal ---------------------------------------------------------------------


def test_a_portal_that_asks_for_a_partner_is_renewed_in_the_portal_and_said_to_ask_for_it(
    start: Callable[..., Ansible],
) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"partner_id": 815}})
    result = ansible.renew(product_no=FIRST)
    assert states(result) == {FIRST: "failed"} and renewed(ansible) == []
    for said in ("asks for partnerId", "never sent", "renew in the portal", "ask the vendor"):
        assert said in result["msg"]
    ansible.portal.renew_by_person(FIRST)
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "current"} and orders_sent(ansible.portal) == 1


def test_a_read_that_asks_for_a_partner_says_so_as_well(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx()]})
    ansible.portal.fault("business_error", path="/instance_product_list", message="partnerId is required")
    result = ansible.renew(product_no=FIRST)
    assert "asks for partnerId" in result["msg"] and orders_sent(ansible.portal) == 0
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "renewed"}


# --- errors under HTTP 200 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("errors", ["status", "code"])
def test_credentials_that_are_refused_under_http_200_are_said_to_be(start: Callable[..., Ansible], errors: str) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"errors": errors}})
    result = ansible.renew(product_no=FIRST, client_secret="not-the-secret")
    assert result["failed"] and orders_sent(ansible.portal) == 0
    for said in ("credentials were refused", "check client_id and client_secret", "HTTP 200", "secret is wrong"):
        assert said in result["msg"]
    assert [entry.path for entry in ansible.portal.log] == [TOKEN]
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "renewed"} and renewed(ansible) == [FIRST]


@pytest.mark.parametrize("errors", ["status", "code"])
def test_a_token_that_has_expired_under_http_200_is_replaced(start: Callable[..., Ansible], errors: str) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"errors": errors}})
    result = ansible.renew(product_no=FIRST, access_token="expired")
    assert result["failed"] and "the access token was refused" in result["msg"]
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "renewed"} and renewed(ansible) == [FIRST]


@pytest.mark.parametrize("errors", ["status", "code"])
def test_an_order_that_is_refused_under_http_200_is_no_order(start: Callable[..., Ansible], errors: str) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{"quantity": 1}]}], "portal": {"errors": errors}})
    result = ansible.renew(product_no=FIRST, quantity=1)
    assert result["failed"] and renewed(ansible) == [] and orders_sent(ansible.portal) == 1
