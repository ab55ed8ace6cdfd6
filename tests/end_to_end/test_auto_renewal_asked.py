# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PBX that the portal renews is not paid for twice; if that is unknown, it is renewed, or refused with a way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.profiles import DOCUMENTED
from tests.support.plays import ANNUAL, SELF_RENEWING
from tests.support.processes import Ansible, orders_sent, states

SIX = Path(__file__).parents[1] / "simulator" / "fleets" / "six.yml"
PATH = "/check/existed_auto_renew"
DUE = ANNUAL
UNTOLD = replace(DOCUMENTED, auto_renewal=None)  # the rows do not contain auto-renewal


def questions(ansible: Ansible) -> list[str]:
    """The PBXs that the portal was asked about, in order."""
    return [entry.query["productNo"] for entry in ansible.portal.log if entry.path.endswith(PATH)]


def row_of(result: dict[str, Any], product_no: str = DUE) -> dict[str, Any]:
    return next(row for row in result["results"] if row["product_no"] == product_no)


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    """The tutorial's PBX, due, at a portal whose rows do not contain auto-renewal."""
    return start(profile=UNTOLD)


def test_what_is_on_by_the_portals_answer_alone_is_skipped_in_plan_check_and_renewal(one: Ansible) -> None:
    one.portal.pbx(DUE).auto_renewal = True
    for result in (one.plan(product_no=DUE), one.renew(True, product_no=DUE), one.renew(product_no=DUE)):
        row = row_of(result)
        assert (row["state"], row["reason"], row["auto_renewal"]) == ("skipped", "auto_renewal", True)
        assert "auto-renewal is on" in row["message"] and not result["changed"] and not result.get("failed")
    assert len(questions(one)) == 3 and orders_sent(one.portal) == 0
    one.portal.pbx(DUE).auto_renewal = False
    assert states(one.renew(product_no=DUE)) == {DUE: "renewed"} and len(one.portal.invoices) == 1


@pytest.mark.parametrize(
    ("row_says", "portal_says", "state"),
    [(True, "says_off", "skipped"), (False, "says_on", "skipped"), (False, "says_off", "renewed")],
)
def test_any_on_wins_over_any_off(tutorial: Ansible, row_says: bool, portal_says: str, state: str) -> None:
    tutorial.portal.pbx(DUE).auto_renewal = row_says
    tutorial.portal.pbx(DUE).auto_renewal_status = portal_says
    assert states(tutorial.renew(product_no=DUE)) == {DUE: state}
    assert orders_sent(tutorial.portal) == len(tutorial.portal.invoices) == (state == "renewed")


def test_what_has_expired_although_it_is_on_is_blocked(one: Ansible) -> None:
    one.portal.pbx(DUE).auto_renewal = True
    one.portal.account.patch(DUE, {"expires_at": "2026-01-01"})
    row = row_of(one.renew(product_no=DUE, include_expired=True))
    assert (row["state"], row["reason"]) == ("blocked", "expired") and "although auto-renewal is on" in row["message"]
    assert orders_sent(one.portal) == 0


@pytest.mark.parametrize("status", ["forbidden", "not_found", "other_shape"])
def test_what_the_portal_does_not_tell_is_renewed_and_said_or_refused_with_the_ways_out(
    one: Ansible, status: str
) -> None:
    one.portal.pbx(DUE).auto_renewal_status = status
    refused = one.renew(product_no=DUE, on_unknown_auto_renewal="block")
    assert (row_of(refused)["state"], row_of(refused)["reason"]) == ("blocked", "cannot_determine")
    for way_out in ("declare auto_renewal", "on_unknown_auto_renewal: allow", "field_map"):
        assert way_out in refused["msg"]
    assert orders_sent(one.portal) == 0
    planned = one.plan(product_no=DUE)
    assert "whether auto-renewal is on is not known" in row_of(planned)["message"]
    assert "auto-renewal: not known" in planned["diff"][0]["after"]
    declared = one.renew(product_no=DUE, on_unknown_auto_renewal="block", auto_renewal=False)
    assert states(declared) == {DUE: "renewed"} and "auto-renewal" not in declared["diff"][0]["after"]
    assert len(one.portal.invoices) == 1


@pytest.mark.parametrize("status", ["forbidden", "not_found", "other_shape"])
def test_out_of_the_box_what_the_portal_does_not_tell_is_renewed_once(one: Ansible, status: str) -> None:
    one.portal.pbx(DUE).auto_renewal_status = status
    assert states(one.renew(product_no=DUE)) == {DUE: "renewed"}
    assert states(one.renew(product_no=DUE)) == {DUE: "current"}
    assert len(one.portal.invoices) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_a_declaration_that_the_portal_contradicts_blocks(one: Ansible, declared: bool) -> None:
    one.portal.pbx(DUE).auto_renewal = not declared
    row = row_of(one.renew(product_no=DUE, auto_renewal=declared))
    assert (row["state"], row["reason"]) == ("blocked", "contradiction")
    words = str(declared).lower(), str(not declared).lower()
    assert f"auto_renewal is declared as {words[0]}, the portal says {words[1]}" in row["message"]
    assert orders_sent(one.portal) == 0
    right = one.renew(product_no=DUE, auto_renewal=not declared)
    assert states(right) == {DUE: "renewed" if declared else "skipped"}


def test_a_portal_that_fails_fails_that_pbx_alone_and_the_next_run_renews_it(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 3, "due": 3}}, profile=UNTOLD)
    first, *others = [pbx.product_no for pbx in ansible.portal.pbxs]
    ansible.portal.pbx(first).auto_renewal_status = "error"
    given = {"subscriptions": [{"product_no": number} for number in (first, *others)], "max_orders": 3, "retries": 1}
    result = ansible.renew(**given)
    assert states(result) == {first: "failed", **dict.fromkeys(others, "renewed")}
    assert row_of(result, first)["reason"] == "not_readable" and PATH in row_of(result, first)["message"]
    assert questions(ansible).count(first) == 2, "a failure that may pass is repeated"
    ansible.portal.pbx(first).auto_renewal_status = None
    assert set(states(ansible.renew(**given)).values()) == {"renewed", "current"}
    assert len(ansible.portal.invoices) == 3


def test_an_answer_that_comes_late_is_waited_for_and_one_that_never_comes_is_a_failure(one: Ansible) -> None:
    one.portal.pbx(DUE).auto_renewal_status = "slow"
    gone = one.renew(product_no=DUE, timeout=1, retries=0)
    assert row_of(gone)["reason"] == "not_readable" and orders_sent(one.portal) == 0
    assert states(one.renew(product_no=DUE)) == {DUE: "renewed"}


def test_a_token_that_is_refused_there_is_replaced(one: Ansible) -> None:
    one.portal.fault("unauthorized", path=PATH)
    result = one.renew(product_no=DUE)
    assert states(result) == {DUE: "renewed"} and result["requests"]["token"] == 2 and len(questions(one)) == 2


def test_an_interface_that_is_not_there_is_asked_three_times_at_most_side_by_side_and_warned_of_once(
    start: Callable[..., Ansible],
) -> None:
    ansible = start(
        fleet={"generate": {"count": 12, "due": 12}}, profile=replace(UNTOLD, auto_renewal_status="not_found")
    )
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    given = {"subscriptions": [{"product_no": number} for number in numbers], "max_orders": 12}
    result = ansible.plan(**given, concurrency=1)
    assert questions(ansible) == numbers[:3]
    (warning,) = map(str, result["warnings"])
    assert "refused for 3 PBXs in a row" in warning and "HTTP 404" in warning
    ansible.portal.reset_log()
    result = ansible.renew(**given, concurrency=4)
    assert 3 <= len(questions(ansible)) <= 3 + 4 and len(result["warnings"]) == 1
    assert set(states(result).values()) == {"renewed"} and len(ansible.portal.invoices) == 12


@pytest.mark.parametrize(
    ("name", "words"), [("autoRenewFlag", ("N", "Y")), ("isAutoRenew", (0, 1)), ("auto_renew", ("closed", "opened"))]
)
def test_usual_words_under_a_name_that_looks_like_it_are_read(
    start: Callable[..., Ansible], name: str, words: tuple[Any, Any]
) -> None:
    profile = replace(DOCUMENTED, auto_renewal=name, auto_renewal_words=words, auto_renewal_status="not_found")
    ansible = start(profile=profile)
    ansible.portal.pbx(DUE).auto_renewal = True
    assert states(ansible.renew(product_no=DUE)) == {DUE: "skipped"} and orders_sent(ansible.portal) == 0
    ansible.portal.pbx(DUE).auto_renewal = False
    assert states(ansible.renew(product_no=DUE)) == {DUE: "renewed"} and len(ansible.portal.invoices) == 1


ODD = replace(DOCUMENTED, auto_renewal="autoRenewFlag", auto_renewal_words=("type A", "type B"))
WAYS_OUT: list[tuple[str, dict[str, Any]]] = [
    ("known", {}),
    ("not_found", {"auto_renewal": False}),
    ("not_found", {"field_map": {"auto_renewal": "prolongs"}}),
]


@pytest.mark.parametrize(("status", "way_out"), WAYS_OUT, ids=str)
def test_a_name_that_looks_like_it_with_a_value_that_cannot_be_read_blocks_until_one_tells(
    start: Callable[..., Ansible], status: str, way_out: dict[str, Any]
) -> None:
    ansible = start(profile=ODD)
    ansible.portal.pbx(DUE).auto_renewal_status = "not_found"
    row = row_of(ansible.renew(product_no=DUE))
    assert (row["state"], row["reason"]) == ("blocked", "cannot_determine")
    assert "autoRenewFlag cannot be read: 'type A'" in row["message"] and "declare auto_renewal" in row["message"]
    assert orders_sent(ansible.portal) == 0
    ansible.portal.pbx(DUE).auto_renewal_status = status
    assert states(ansible.renew(product_no=DUE, **way_out)) == {DUE: "renewed"}
    assert len(ansible.portal.invoices) == 1


def test_a_field_that_speaks_of_how_it_is_renewed_is_warned_of_by_name(start: Callable[..., Ansible]) -> None:
    ansible = start(
        fleet={"generate": {"count": 4, "due": 3}}, profile=replace(UNTOLD, renewal_manner=("renewType", 2))
    )
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    given: dict[str, Any] = {"subscriptions": [{"product_no": number} for number in numbers], "max_orders": 3}
    (warning,) = map(str, ansible.plan(**given)["warnings"])
    assert "renewType: 2" in warning and "declare auto_renewal" in warning
    given["subscriptions"] = [{"product_no": number, "auto_renewal": False} for number in numbers]
    result = ansible.renew(**given)
    assert "warnings" not in result and list(states(result).values()).count("renewed") == 3


def test_what_is_switched_on_after_a_plan_was_approved_is_not_bought(one: Ansible) -> None:
    path = str(one.home / "plan.json")
    saved = one.plan(product_no=DUE, dest=path)
    one.portal.pbx(DUE).auto_renewal = True
    given = {"plan_file": path, "plan_digest": saved["digest"]}
    assert states(one.renew(**given)) == {DUE: "skipped"} and orders_sent(one.portal) == 0
    one.portal.pbx(DUE).auto_renewal_status = "forbidden"
    assert states(one.renew(**given, on_unknown_auto_renewal="block")) == {DUE: "renewed"}, "it was approved as off"
    assert len(one.portal.invoices) == 1


def test_a_plan_that_was_approved_without_knowing_it_is_refused_where_that_is_to_be_blocked(one: Ansible) -> None:
    path = str(one.home / "plan.json")
    one.portal.pbx(DUE).auto_renewal_status = "not_found"
    given = {"plan_file": path, "plan_digest": one.plan(product_no=DUE, dest=path)["digest"]}
    blocked = one.renew(**given, on_unknown_auto_renewal="block")
    assert row_of(blocked)["reason"] == "cannot_determine" and orders_sent(one.portal) == 0
    assert states(one.renew(**given)) == {DUE: "renewed"} and len(one.portal.invoices) == 1


# --- other callers ----------------------------------------------------------------------------------------------------


def test_info_asks_only_on_request(start: Callable[..., Ansible]) -> None:
    six = start(fleet=SIX, profile=UNTOLD)
    assert {row["auto_renewal"] for row in six.info()["subscriptions"]} == {None} and not questions(six)
    said = six.info(gather=["auto_renewal"], product_no=[ANNUAL, SELF_RENEWING])
    assert {row["product_no"]: row["auto_renewal"] for row in said["subscriptions"]} == {
        ANNUAL: False,
        SELF_RENEWING: True,
    }
    assert sorted(questions(six)) == sorted([ANNUAL, SELF_RENEWING])
