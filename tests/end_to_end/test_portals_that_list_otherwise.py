# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusual listings: read correctly, or refused with the field and a way out that works."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

FIRST, SECOND, THIRD = "3658B431119665QJ", "3658B431119002QL", "3658B431119003QM"
LISTING = "/product/openapi/instance_product/v1/client/instance_product_list"
DETAIL = "/product/openapi/instance_product/v1/detail"
SAVE = "/order/v1/save"
CURRENT, RENEWED, BLOCKED, FAILED = "current", "renewed", "blocked", "failed"


def pbx(product_no: str = FIRST, days: float = 12, **changes: Any) -> dict[str, Any]:
    terms = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
    return {"product_no": product_no, "expires_in_days": days, **terms, **changes}


def renew(ansible: Ansible, *subscriptions: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Renew these PBXs, and then check that a second run orders nothing more."""
    given = {"subscriptions": list(subscriptions), "max_orders": 9, **options}
    result = ansible.renew(**given)
    sent, invoices = orders_sent(ansible.portal), len(ansible.portal.invoices)
    ansible.renew(**given)
    assert (orders_sent(ansible.portal), len(ansible.portal.invoices)) == (sent, invoices)
    return result


def renewed(ansible: Ansible) -> list[str]:
    return sorted(invoice.product_no for invoice in ansible.portal.invoices)


def assert_says(result: dict[str, Any], *texts: str) -> None:
    for text in texts:
        assert text in result["msg"]
    assert result["failed"]


# --- pages ------------------------------------------------------------------------------------------------------------

PAGING: dict[str, dict[str, Any]] = {
    "another name": {"rows": "records"},
    "no total": {"total_off": None},
    "no total, and the last page again": {"total_off": None, "beyond_last": "last"},
    "no total, and a refusal": {"total_off": None, "beyond_last": "refused"},
    "a small page": {"page_cap": 7},
    "a small page and no total": {"page_cap": 7, "total_off": None},
    "a page that gets smaller": {"later_page_cap": 10},
    "a page that gets smaller and no total": {"later_page_cap": 10, "total_off": None},
    "a total too low": {"total_off": -1},
    "a total too low by a page": {"total_off": -8},
    "a total too high": {"total_off": 3},
    "a total of each small page": {"page_cap": 7, "total_of": "page"},
    "a count of each small page": {"page_cap": 7, "total_of": "count"},
}
of_each_paging = pytest.mark.parametrize("portal", PAGING.values(), ids=PAGING)


@of_each_paging
@pytest.mark.parametrize("count", [25, 32])
def test_however_a_portal_pages_the_pbx_on_its_last_page_is_renewed_once(
    start: Callable[..., Ansible], portal: dict[str, Any], count: int
) -> None:
    orders = [{"product_no": FIRST, "created_days_ago": 400 + age} for age in range(30)]
    fleet = {"generate": {"count": count - 1}, "pbxs": [pbx(days=200)], "portal": portal, "orders": orders}
    ansible = start(fleet=fleet)
    last = ansible.portal.pbxs[-1].product_no
    result = renew(ansible, {"product_no": FIRST}, {"product_no": last, "remaining_days": 364})
    assert states(result) == {FIRST: CURRENT, last: RENEWED} and renewed(ansible) == [last]
    assert len(ansible.info()["subscriptions"]) == count
    assert len(ansible.info(gather=["orders"])["orders"]) == 31


@of_each_paging
def test_only_a_whole_order_list_frees_an_order_of_uncertain_fate(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 400 + age} for age in range(9)]
    others = [pbx(SECOND, 200), *OTHERS[:7]]
    ansible = start(fleet={"pbxs": [pbx(), *others], "portal": portal, "orders": orders})
    ansible.portal.fault("drop_before", path=SAVE)
    arguments = {"product_no": FIRST, "settle_window": 1}
    assert states(ansible.renew(**arguments)) == {FIRST: "unknown"}
    time.sleep(1.1)
    result = ansible.renew(**arguments)
    is_whole = portal.get("total_off", 0) == 0 and "total_of" not in portal
    assert states(result) == {FIRST: RENEWED if is_whole else "unknown"}
    assert orders_sent(ansible.portal) == (2 if is_whole else 1)
    if not is_whole:
        assert_says(result, "the order list may not be whole", "yeastar_pce_ledger", "not_ordered")
        settled = {"product_no": FIRST, "outcome": "not_ordered", "reason": "looked in the portal"}
        ansible.module("yeastar_pce_ledger", state="settled", **settled)
        assert states(ansible.renew(**arguments)) == {FIRST: RENEWED}
    assert renewed(ansible) == [FIRST]


OVERLAPPING = {"page_cap": 7, "page_overlap": True}
HIDING = {"an overlap": OVERLAPPING, "no total": {"total_off": None}, "a total too high": {"total_off": 1}}


def test_an_order_that_came_on_two_pages_does_not_stand_for_one_that_never_comes(start: Callable[..., Ansible]) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 400 + age} for age in range(8)]
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 200)], "portal": OVERLAPPING, "orders": orders})
    ansible.portal.fault("drop_before", path=SAVE)
    arguments = {"product_no": FIRST, "settle_window": 1}
    assert states(ansible.renew(**arguments)) == {FIRST: "unknown"}
    time.sleep(1.1)
    result = ansible.renew(**arguments)
    assert states(result) == {FIRST: "unknown"} and orders_sent(ansible.portal) == 1
    assert_says(result, "it announces 8 rows and returns 7", "yeastar_pce_ledger", "not_ordered")
    ansible.module("yeastar_pce_ledger", state="settled", product_no=FIRST, outcome="not_ordered", reason="looked")
    assert states(ansible.renew(**arguments)) == {FIRST: RENEWED} and renewed(ansible) == [FIRST]


def test_a_pbx_that_came_on_two_pages_does_not_stand_for_one_that_never_comes(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx(), *OTHERS[:5], pbx(SECOND), pbx(THIRD)], "portal": OVERLAPPING})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND}, {"product_no": THIRD})
    assert states(result) == {FIRST: RENEWED, SECOND: RENEWED, THIRD: FAILED}
    assert_says(result, f"{THIRD} is not among the 7 PBXs", "it announces 8 rows and returns 7")
    assert any("it announces 8 rows and returns 7" in str(warning) for warning in ansible.info()["warnings"])


@pytest.mark.parametrize("portal", HIDING.values(), ids=HIDING)
def test_without_a_ledger_an_order_list_that_is_not_whole_lets_nothing_be_ordered_until_there_is_one(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 400 + age} for age in range(8)]
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND, 200)], "portal": portal, "orders": orders})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND}, ledger="none")
    assert states(result) == {FIRST: BLOCKED, SECOND: CURRENT} and renewed(ansible) == []
    assert_says(result, "the order list may not be whole: it ", "keep one (`ledger`)", "renew it in the portal")
    assert states(renew(ansible, {"product_no": FIRST})) == {FIRST: RENEWED} and renewed(ansible) == [FIRST]


def test_what_an_order_list_shows_counts_though_its_total_is_off(start: Callable[..., Ansible]) -> None:
    orders = [{"product_no": FIRST, "created_days_ago": 0.1, "status": "pending"}]
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"total_off": 2}, "orders": orders})
    assert states(renew(ansible, {"product_no": FIRST})) == {FIRST: "pending"} and renewed(ansible) == []


def test_a_pbx_that_a_list_names_and_does_not_give_is_told_as_possibly_there(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND)], "portal": {"total_off": 1}})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": THIRD})
    assert states(result) == {FIRST: RENEWED, THIRD: FAILED}
    assert_says(result, f"{THIRD} is not among the 2 PBXs", "it announces 3 rows and returns 2")
    assert any("it announces 3 rows and returns 2" in str(warning) for warning in result["warnings"])
    info = ansible.info(product_no=THIRD)
    assert info["failed"] and "it announces 3 rows and returns 2" in info["msg"]


# --- other rows -------------------------------------------------------------------------------------------------------


def test_rows_of_other_products_are_not_pbxs(start: Callable[..., Ansible]) -> None:
    others = [{"product_no": SECOND}, {"product_no": THIRD, "product_id": 12}, {"product_no": FIRST}]
    ansible = start(fleet={"pbxs": [pbx()], "others": others})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND})
    assert states(result) == {FIRST: RENEWED, SECOND: FAILED} and renewed(ansible) == [FIRST]
    assert_says(result, f"{SECOND} is not among the 1 PBXs", "it is listed as another product")
    assert [one["product_no"] for one in ansible.info()["subscriptions"]] == [FIRST]


@pytest.mark.parametrize("form", [" {}", "{}\t", "\u00a0{} "])
def test_blanks_around_a_serial_number_are_none_of_it(start: Callable[..., Ansible], form: str) -> None:
    ansible = start(fleet={"pbxs": [pbx()], "portal": {"serial_number": form}})
    assert states(renew(ansible, {"product_no": FIRST})) == {FIRST: RENEWED} and renewed(ansible) == [FIRST]
    result = ansible.renew(product_no=FIRST.lower())
    assert_says(result, f"{FIRST.lower()} is not among the 1 PBXs", f"(it has {FIRST})")


TRIAL = {"plan": "Ultimate Plan", "services": [], "quantity": 5, "days_later": 150}
OTHERS = [pbx(f"3658B4311190{number}ZZ", 200) for number in range(10, 40)]
TWICE = [{**pbx(), "rows": [{}, TRIAL]}, pbx(SECOND), *OTHERS]


def test_a_pbx_that_is_listed_twice_is_refused_by_name_and_the_others_go_on(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": TWICE})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND})
    assert states(result) == {FIRST: BLOCKED, SECOND: RENEWED} and renewed(ansible) == [SECOND]
    says = ["planName ('Enterprise Plan' and 'Ultimate Plan')", "extensionNum (100 and 5)", "activationCode (a str and"]
    assert_says(result, f"the portal lists {FIRST} 2 times", *says[:2], "declare expires_at and plan")
    assert "CANARY" not in str(result) and "run again" not in result["msg"]
    rows = {one["product_no"]: one for one in ansible.info()["subscriptions"]}
    assert len(rows) == 32 and rows[FIRST]["plan"] is None and "2 times" in rows[FIRST]["undetermined"]["expires_at"]
    raw = ansible.info(product_no=FIRST, raw=True)["raw"]["subscriptions"][0]["listing"]
    assert [row["planName"] for row in raw] == ["Enterprise Plan", "Ultimate Plan"]


@pytest.mark.parametrize("declared", [{"plan": "enterprise plan"}, {"quantity": 100}, {"billing_cycle": "annually"}])
def test_of_a_pbx_that_is_listed_twice_the_declared_row_is_renewed(
    start: Callable[..., Ansible], declared: dict[str, Any]
) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{**TRIAL, "billing_cycle": "monthly"}, {}]}, pbx(SECOND)]})
    result = renew(ansible, {"product_no": FIRST, **declared}, {"product_no": SECOND})
    assert states(result) == {FIRST: RENEWED, SECOND: RENEWED} and renewed(ansible) == sorted([FIRST, SECOND])


def test_rows_that_are_the_same_want_the_plan_declared(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{}, {}]}]})
    result = renew(ansible, {"product_no": FIRST})
    assert states(result) == {FIRST: BLOCKED}
    assert_says(result, f"the portal lists {FIRST} 2 times, in identical rows", "declare plan")
    assert states(renew(ansible, {"product_no": FIRST, "plan": "Enterprise Plan"})) == {FIRST: RENEWED}
    assert renewed(ansible) == [FIRST]


def test_a_trial_that_is_declared_is_no_subscription_of_the_detail(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{}, {**TRIAL, "days_later": 0}]}]})
    assert states(renew(ansible, {"product_no": FIRST, "plan": "Ultimate Plan"})) == {FIRST: BLOCKED}
    assert renewed(ansible) == []


# --- list and detail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["plan", "renew"])
def test_what_list_and_detail_tell_differently_is_named_and_blocks_that_pbx(
    start: Callable[..., Ansible], command: str
) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{"quantity": 1}]}, pbx(SECOND)]})
    result = getattr(ansible, command)(subscriptions=[{"product_no": FIRST}, {"product_no": SECOND}], max_orders=2)
    assert states(result) == {FIRST: BLOCKED, SECOND: "due" if command == "plan" else RENEWED}
    both = "the product list says 1 (extensionNum) and the detail says 100 (extensionNum); declare quantity"
    if command == "renew":
        assert_says(result, both, "field_map")
    (row,) = [row for row in result["results"] if row["product_no"] == FIRST]
    assert both in row["message"] and "run again" not in row["message"] and FIRST not in renewed(ansible)


def test_a_declared_quantity_says_which_is_right_and_is_renewed(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{"quantity": 1}]}, pbx(SECOND)]})
    result = renew(ansible, {"product_no": FIRST, "quantity": 100}, {"product_no": SECOND, "quantity": 100})
    assert states(result) == {FIRST: RENEWED, SECOND: RENEWED} and renewed(ansible) == sorted([FIRST, SECOND])


def test_a_declared_quantity_that_is_the_wrong_one_is_refused_by_the_portal_and_bought_by_nobody(
    start: Callable[..., Ansible],
) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{"quantity": 1}]}]})
    result = ansible.renew(product_no=FIRST, quantity=1)
    assert result["failed"] and renewed(ansible) == []


@pytest.mark.parametrize(("days", "later"), [(12, 28), (25, 30), (40, -30)])
def test_an_expiry_that_list_and_detail_tell_differently_is_seen_before_it_is_too_late(
    start: Callable[..., Ansible], days: int, later: int
) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(days=days), "rows": [{"days_later": later}]}, pbx(SECOND, 200)]})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND})
    assert states(result) == {FIRST: BLOCKED, SECOND: CURRENT} and renewed(ansible) == []
    assert_says(result, "the product list says 202", "the detail says 202", "(expireDate); declare expires_at")


def test_a_declared_expiry_says_which_is_right_and_is_renewed(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [{**pbx(), "rows": [{"days_later": 28}]}]})
    expires_at = f"{ansible.portal.pbx(FIRST).expires_at:%Y-%m-%d}"
    result = ansible.renew(product_no=FIRST, expires_at=expires_at)
    assert states(result) == {FIRST: RENEWED} and renewed(ansible) == [FIRST]


@pytest.mark.parametrize("days", [60, 200])
def test_what_is_far_from_due_is_not_asked_about(start: Callable[..., Ansible], days: int) -> None:
    ansible = start(fleet={"pbxs": [pbx(days=days)]})
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: CURRENT}
    assert [entry.path for entry in ansible.portal.log if entry.path == DETAIL] == []


# --- currentPlan ------------------------------------------------------------------------------------------------------

TO_DECLARE = {"plan": "currentPlan"}


def test_a_running_plan_of_every_pbx_is_no_pending_switch(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND)], "portal": {"current_plan": "always"}})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND})
    assert states(result) == {FIRST: RENEWED, SECOND: RENEWED} and renewed(ansible) == sorted([FIRST, SECOND])


@pytest.mark.parametrize(("kind", "count"), [("always", 1), ("in_details", 2)])
def test_where_a_current_plan_may_be_a_switch_the_way_out_is_to_declare_that_it_is_the_plan(
    start: Callable[..., Ansible], kind: str, count: int
) -> None:
    ansible = start(fleet={"pbxs": [pbx(), pbx(SECOND)][:count], "portal": {"current_plan": kind}})
    result = renew(ansible, {"product_no": FIRST})
    assert states(result) == {FIRST: BLOCKED} and renewed(ansible) == []
    assert_says(result, "a switch to another plan is pending (current plan: Enterprise Plan)", "{plan: currentPlan}")
    declared = {"plan": "currentPlan"} if kind == "always" else {"plan": "currentPlan", "plan_id": "planId"}
    result = renew(ansible, {"product_no": FIRST}, field_map=declared)
    assert states(result) == {FIRST: RENEWED} and renewed(ansible) == [FIRST]


@pytest.mark.parametrize(
    ("kind", "field_map"), [("pending", {}), ("always", {}), ("always", TO_DECLARE), ("in_details", TO_DECLARE)]
)
def test_a_switch_that_is_pending_is_never_renewed(
    start: Callable[..., Ansible], kind: str, field_map: dict[str, str]
) -> None:
    pbxs = [pbx(pending_plan="Ultimate Plan"), pbx(SECOND, 200)]
    ansible = start(fleet={"pbxs": pbxs, "portal": {"current_plan": kind}})
    result = renew(ansible, {"product_no": FIRST}, {"product_no": SECOND}, field_map=field_map)
    assert states(result) == {FIRST: BLOCKED, SECOND: CURRENT} and renewed(ansible) == []


def test_where_current_plan_is_empty_it_cannot_be_declared_to_be_the_plan(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": [pbx()]}, profile="epoch_seconds")
    result = renew(ansible, {"product_no": FIRST}, field_map=TO_DECLARE)
    assert states(result) == {FIRST: BLOCKED} and renewed(ansible) == []
    assert_says(result, "plan: none of the fields currentPlan is reported")
