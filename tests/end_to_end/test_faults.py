# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an order with a fault. The portal's invoices decide: one order, sent once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.verbs import VERBS
from tests.support.processes import Ansible, orders_sent, states

FIRST = "3658B431119665QJ"  # expires first, so the fault affects its order
SECOND = "3658B431119002QL"
TERMS = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
TWO = {
    "pbxs": [
        {"product_no": FIRST, "expires_in_days": 12, **TERMS},
        {"product_no": SECOND, "expires_in_days": 20, **TERMS},
    ]
}
SAVE = "/order/v1/save"
SAVE_CALL = "POST /order/openapi/order/v1/save"
NEXT_STEP = "look in the portal"


@dataclass(frozen=True)
class Case:
    """A fault on the order, how many invoices it leaves, and what the message must say about it.

    ``rows`` are the rows of these faults in the list of faults.
    """

    verb: str
    params: dict[str, Any] = field(default_factory=dict)
    invoices: int = 1
    says: str = ""
    reason: str = ""
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        values = [f"{value!s:.20}" for value in self.params.values()]
        return "-".join([self.verb, *values])


def cases(*each: Case) -> Any:
    marked = [
        pytest.param(case, marks=[pytest.mark.faults(*case.rows)] if case.rows else [], id=str(case)) for case in each
    ]
    return pytest.mark.parametrize("case", marked)


@pytest.fixture
def two(start: Callable[..., Ansible]) -> Ansible:
    return start(fleet=TWO)


def renew_both(ansible: Ansible, **arguments: Any) -> dict[str, Any]:
    subscriptions = [{"product_no": FIRST}, {"product_no": SECOND}]
    return ansible.renew(subscriptions=subscriptions, max_orders=2, **{"concurrency": 1, **arguments})


def row_of(result: dict[str, Any], product_no: str = FIRST) -> dict[str, Any]:
    (row,) = [row for row in result["results"] if row["product_no"] == product_no]
    return row


def invoices_of(portal: Simulator, product_no: str = FIRST) -> int:
    return sum(invoice.product_no == product_no for invoice in portal.invoices)


AMBIGUOUS = (
    Case("delay", {"seconds": 30, "when": "after"}, says="within 2.5 s", rows=(17,)),
    Case("delay", {"seconds": 30, "commit": False}, 0, "within 2.5 s", rows=(16,)),
    Case("drip", {"seconds": 0.05}, says="within 2.5 s", rows=(34,)),
    Case("drop_before", {}, 0, "connection broke", rows=(19,)),
    Case("drop_after", {}, says="connection broke", rows=(19,)),
    Case("drop_after", {"reset": True}, says="connection broke", rows=(19,)),
    Case(
        "error_before",
        {"status": 500},
        0,
        "HTTP 500, code 'internal_error', detail 'Something went wrong.', request",
        rows=(20,),
    ),
    Case("error_before", {"status": 503}, 0, "HTTP 503", rows=(20,)),
    Case("error_before", {"status": 408}, 0, "HTTP 408"),
    Case("error_before", {"status": 404, "envelope": False}, 0, "HTTP 404"),
    Case("error_after", {"status": 500}, says="HTTP 500", rows=(21,)),
    Case("error_after", {"status": 504, "envelope": False}, says="HTTP 504", rows=(21,)),
    Case("commit_late", {"seconds": 3600}, 0, "HTTP 500"),
    Case("html", {}, 0, "login page", rows=(28,)),
    Case("html", {"commit": True}, says="login page", rows=(28,)),
    Case("truncate", says="connection broke", rows=(30,)),
    Case("truncate_close", says="HTTP 200", rows=(31,)),
    Case("truncate_close", {"valid_json": True}, says="HTTP 200", rows=(31,)),
    Case("empty", {"status": 200}, says="0 bytes", rows=(32,)),
    Case("empty", {"status": 204}, says="HTTP 204", rows=(32,)),
    Case("no_order_number", says="no order number", rows=(32,)),
    Case("duplicate_keys", says="HTTP 200", rows=(32,)),
    Case("nan", says="HTTP 200", rows=(32,)),
    Case("oversize", says="larger than", rows=(33,)),
    Case("oversize", {"gzip": True}, says="larger than", rows=(33,)),
    Case("packed", says="uncompressed", rows=(33,)),
    Case("nested", says="nested too deeply"),
    Case("nested", {"levels": 1_000_000}, says="nested too deeply"),
    Case("alter_field", {"name": "orderNo", "value": "BN1\u200b"}, says="no order number"),
    Case("alter_field", {"name": "requestId", "remove": True}, says="HTTP 200", rows=(31,)),
    Case("alter_field", {"name": "result", "value": None}, says="expected an order in the answer"),
    Case("alter_field", {"name": "productNo", "value": SECOND}, says=f"the portal answered for {SECOND}"),
    Case("alter_field", {"name": "status", "value": 500}, says="HTTP 200"),
    *(
        Case("redirect", {"status": status}, 0, "elsewhere.example.com", rows=(27,))
        for status in (301, 302, 303, 307, 308)
    ),
    Case("unauthorized", {"envelope": False}, 0, "HTTP 401", rows=(24,)),
    Case("forbidden", {"envelope": False}, 0, "HTTP 403", rows=(24,)),
    Case("rate_limited", {"envelope": False}, 0, "HTTP 429"),
    Case(
        "business_error",
        {"status": 200},
        0,
        "code 'order_refused', detail 'The order was refused.', requestId '",
        rows=(32,),
    ),
    Case("business_error", {"status": 200, "commit": True}, 1, "order_refused", rows=(32,)),
)


COMMITTED = tuple(case for case in AMBIGUOUS if case.invoices)
NOT_COMMITTED = tuple(case for case in AMBIGUOUS if not case.invoices)


def renew_under(two: Ansible, case: Case) -> dict[str, Any]:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = renew_both(two, timeout=2.5 if case.verb in ("delay", "drip") else 30)
    assert not two.portal.faults, "the fault was never met"
    assert orders_sent(two.portal) == result["requests"]["write"] == 1
    second = row_of(result, SECOND)
    assert (second["state"], second["reason"], second["changed"]) == ("not_attempted", "stopped", False)
    assert FIRST in second["message"]
    assert (invoices_of(two.portal), invoices_of(two.portal, SECOND)) == (case.invoices, 0)
    return result


@cases(*COMMITTED)
def test_an_order_whose_answer_is_lost_is_found_in_the_portal_and_adopted(two: Ansible, case: Case) -> None:
    result = renew_under(two, case)
    assert result["changed"] and result["failed"]  # since the second PBX was due but not attempted
    row = row_of(result)
    (invoice,) = two.portal.invoices
    assert (row["state"], row["reason"], row["changed"]) == ("renewed", "expiry_moved", True)
    assert row["order"]["order_no"] == invoice.order_no and row["order"]["po_number"] == invoice.po_number
    assert row["expires_after"] == f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}"


@cases(*NOT_COMMITTED)
def test_an_order_of_uncertain_fate_is_sent_once_named_unknown_and_ends_all_ordering(two: Ansible, case: Case) -> None:
    result = renew_under(two, case)
    assert result["failed"] and result["changed"]
    row = row_of(result)
    assert (row["state"], row["reason"], row["changed"]) == ("unknown", "ambiguous", True)
    for said in (SAVE_CALL, case.says, "it may have been ordered", NEXT_STEP):
        assert said in row["message"]
        assert said in result["msg"]
    assert (row["order"], row["expires_after"]) == (None, None)
    again = row_of(two.renew(product_no=FIRST))
    assert (again["state"], again["reason"], again["changed"]) == ("unknown", "waiting", False)
    assert "it is tried again by a run later than" in again["message"]
    assert orders_sent(two.portal) == 1


REFUSED = (
    Case(
        "business_error",
        {"status": 400, "code": "quantity_mismatch"},
        0,
        "code 'quantity_mismatch'",
        "rejected",
        rows=(36,),
    ),
    Case("error_before", {"status": 422}, 0, "HTTP 422, code 'internal_error'", "rejected", rows=(36,)),
    Case(
        "quantity_change",
        {"quantity": 120, "product_no": FIRST},
        0,
        "parameter_validation_failed",
        "rejected",
        rows=(36, 54),
    ),
)


@cases(*REFUSED)
def test_after_an_ordinary_refusal_the_next_pbx_is_ordered(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = renew_both(two)
    assert result["failed"] and result["changed"]
    row = row_of(result)
    # Only the one public code is proof that nothing was ordered.
    is_definite = "parameter_validation_f" in case.says
    assert (row["state"], row["reason"], row["changed"]) == ("failed", case.reason, not is_definite)
    assert ("the order was not placed" in row["message"]) == is_definite and case.says in row["message"]
    assert is_definite or "it may have been ordered all the same" in row["message"]
    assert row_of(result, SECOND)["state"] == "renewed"
    assert orders_sent(two.portal) == 2
    assert (invoices_of(two.portal), invoices_of(two.portal, SECOND)) == (0, 1)


REFUSED_FOR_ALL = (
    Case("forbidden", {}, 0, "HTTP 403, code 'access_denied'", "rejected", rows=(24,)),
    Case("rate_limited", {}, 0, "HTTP 429, code 'too_many_requests'", "rate_limited", rows=(23,)),
    Case("rate_limited", {"retry_after": 301}, 0, "HTTP 429", "rate_limited", rows=(22,)),
)
REFUSED_BEFORE_PROCESSING = (
    Case("unauthorized", {}, 0, "HTTP 401, code 'invalid_token'", "rejected", rows=(24,)),
    Case("rate_limited", {"retry_after": 1}, 0, "HTTP 429", "rate_limited", rows=(22,)),
    Case("rate_limited", {"retry_after": 1, "as_date": True}, 0, "HTTP 429", "rate_limited", rows=(22,)),
)


@cases(*REFUSED_BEFORE_PROCESSING)
def test_a_refusal_before_processing_leads_to_one_more_order_after_reading_again(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = two.renew(product_no=FIRST)
    assert row_of(result)["state"] == "renewed" and result["changed"] and "failed" not in result
    (invoice,) = two.portal.invoices
    assert invoice.po_number.endswith(".2")
    calls = [entry.path.rpartition("/")[2] for entry in two.portal.log if entry.path.endswith(("/save", "/detail"))]
    assert calls == ["detail", "save", "detail", "save", "detail"]


@cases(*REFUSED_BEFORE_PROCESSING)
def test_a_second_refusal_before_processing_is_final(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, times=2, **case.params)
    result = renew_both(two)
    assert result["failed"] and not result["changed"]
    row = row_of(result)
    assert (row["state"], row["reason"]) == ("failed", case.reason) and case.says in row["message"]
    assert row_of(result, SECOND)["reason"] == "stopped"
    assert orders_sent(two.portal) == 2 and not two.portal.invoices


@pytest.mark.faults(22, 54)
def test_what_changed_during_the_wait_is_not_bought(two: Ansible) -> None:
    two.portal.fault("rate_limited", path=SAVE, retry_after=1)
    two.portal.fault("quantity_change", path="/instance_product/v1/detail", skip=1, quantity=120)
    row = row_of(two.renew(product_no=FIRST))
    assert (row["state"], row["reason"]) == ("blocked", "stale_plan")
    assert orders_sent(two.portal) == 1 and not two.portal.invoices


@cases(*REFUSED_FOR_ALL)
def test_a_refusal_that_would_meet_every_order_ends_all_ordering(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = renew_both(two)
    assert result["failed"] and not result["changed"]
    row = row_of(result)
    assert (row["state"], row["reason"], row["changed"]) == ("failed", case.reason, False)
    assert "the order was not placed" in row["message"] and case.says in row["message"]
    assert row_of(result, SECOND)["reason"] == "stopped"
    assert orders_sent(two.portal) == 1
    assert not two.portal.invoices


@pytest.mark.faults(25)
def test_an_order_that_could_not_be_sent_for_want_of_a_token_is_not_sent_and_nothing_has_changed(two: Ansible) -> None:
    # Tokens that expire immediately make the run log in before each of its calls; the seventh call is the order.
    two.portal.fault("alter_field", name="expiresIn", value="0", path="/oauth/token", times=6)
    two.portal.fault("unauthorized", path="/oauth/token")
    result = two.renew(product_no=FIRST)
    assert result["failed"] and not result["changed"]
    row = row_of(result)
    assert (row["state"], row["reason"], row["changed"]) == ("failed", "not_sent", False)
    assert "the order was not placed" in row["message"] and "invalid_token" in row["message"]
    assert orders_sent(two.portal) == result["requests"]["write"] == 0
    assert not two.portal.invoices


ACCEPTED = (
    Case("order_pending", reason="unpaid", says="(pending)", rows=(58,)),
    Case("order_status", {"status": "confirming"}, reason="pending_confirmation", says="(confirming)", rows=(58,)),
    Case("alter_field", {"name": "orderStatus", "remove": True}, reason="expiry_moved"),
    Case("expiry_late", {"reads": 9}, reason="awaiting_expiry", says="the expiry still is", rows=(58,)),
    Case("wrong_advance", {"cycles": 0}, reason="awaiting_expiry", says="the expiry still is"),
    Case("order_status", {"status": "failed"}, reason="rejected", says="not carried out"),
    Case("wrong_content_type", reason="expiry_moved", rows=(29,)),
    Case("list_lag", {"seconds": 3600}, reason="expiry_moved", rows=(62,)),
    Case("delay", {"seconds": 0.2}, reason="expiry_moved"),
)
STATE_OF = {
    "unpaid": "pending",
    "pending_confirmation": "pending",
    "awaiting_expiry": "pending",
    "rejected": "failed",
    "expiry_moved": "renewed",
}


@cases(*ACCEPTED)
def test_an_accepted_order_is_named_and_counts_as_a_change(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = renew_both(two)
    row = row_of(result)
    assert (row["state"], row["reason"]) == (STATE_OF[case.reason], case.reason)
    assert result["changed"] and row["changed"]
    assert result.get("failed", False) is (row["state"] == "failed")
    (invoice,) = [invoice for invoice in two.portal.invoices if invoice.product_no == FIRST]
    assert row["order"]["order_no"] == invoice.order_no
    assert invoice.order_no in row["message"] and case.says in row["message"]
    assert row_of(result, SECOND)["state"] == "renewed"
    assert orders_sent(two.portal) == 2


WRONGLY_CARRIED_OUT = (
    Case("wrong_advance", {"cycles": 2}, rows=(60,)),
    Case("wrong_advance", {"cycles": -1}, rows=(60,)),
    Case("renewed_by_person", {"product_no": FIRST}, rows=(60,)),
)


@cases(*WRONGLY_CARRIED_OUT)
def test_an_expiry_that_moves_by_anything_but_one_cycle_fails_and_ends_all_ordering(two: Ansible, case: Case) -> None:
    two.portal.fault(case.verb, path=SAVE, **case.params)
    result = renew_both(two)
    assert result["failed"] and result["changed"]
    row = row_of(result)
    assert (row["state"], row["reason"], row["changed"]) == ("failed", "verification_failed", True)
    moved_to = f"{two.portal.pbx(FIRST).expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert f"{row['expires_before']} -> {moved_to}" in row["message"] and NEXT_STEP in row["message"]
    assert row["order"]["order_no"] in row["message"]
    assert row_of(result, SECOND)["reason"] == "stopped"
    assert orders_sent(two.portal) == 1
    assert (invoices_of(two.portal), invoices_of(two.portal, SECOND)) == (case.invoices, 0)


@pytest.mark.faults(35)
def test_an_order_that_a_proxy_sends_twice_is_seen_and_ends_all_ordering(two: Ansible) -> None:
    two.portal.fault("double_commit", path=SAVE)
    for result in (renew_both(two), two.renew(product_no=FIRST)):
        row = row_of(result)
        assert result["failed"] and (row["state"], row["reason"]) == ("failed", "duplicate_detected")
        assert all(invoice.order_no in row["message"] for invoice in two.portal.invoices)
        assert len(two.portal.invoices) == 2 and orders_sent(two.portal) == 1


@pytest.mark.faults(35)
def test_a_copy_that_the_portal_does_not_tell_from_another_order_is_warned_of(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO, profile="sparse")
    ansible.portal.fault("double_commit", path=SAVE)
    result = ansible.renew(product_no=FIRST, services=["High Availability"], billing_cycle="annually")
    assert row_of(result)["reason"] == "verification_failed" and orders_sent(ansible.portal) == 1
    warning = str(result["warnings"])
    assert all(invoice.order_no in warning for invoice in ansible.portal.invoices)
    assert len(ansible.portal.invoices) == 2 and "it is a second charge" in warning


def test_an_order_that_moves_another_pbxs_expiry_is_pending_and_the_other_is_not_ordered(two: Ansible) -> None:
    two.portal.fault("wrong_advance", cycles=1, product_no=SECOND)
    result = renew_both(two)
    assert states(result) == {FIRST: "pending", SECOND: "current"}
    assert len(two.portal.invoices) == orders_sent(two.portal) == 1


@pytest.mark.parametrize(
    ("fault", "on_second_run"),
    [
        pytest.param({"verb": "order_pending"}, ("pending", "unpaid"), marks=pytest.mark.faults(59)),
        pytest.param(
            {"verb": "expiry_late", "reads": 99}, ("pending", "awaiting_expiry"), marks=pytest.mark.faults(58)
        ),
        pytest.param({"verb": "error_after", "path": SAVE}, ("current", "enough_time"), marks=pytest.mark.faults(44)),
    ],
    ids=lambda value: value["verb"] if isinstance(value, dict) else "",
)
def test_a_second_run_orders_nothing_more(
    tutorial: Ansible, fault: dict[str, Any], on_second_run: tuple[str, str]
) -> None:
    tutorial.portal.fault(**fault)
    assert tutorial.renew(product_no=FIRST)["changed"]
    second = tutorial.renew(product_no=FIRST)
    row = row_of(second)
    assert (row["state"], row["reason"]) == on_second_run
    assert not second["changed"] and second.get("failed", False) is (row["state"] == "blocked")
    if row["state"] != "current":
        assert tutorial.portal.invoices[0].order_no in row["message"]
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1


@pytest.mark.faults(59)
@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_an_unpaid_order_that_died_is_reported_once_and_then_ordered_again(tutorial: Ansible, status: str) -> None:
    tutorial.portal.fault("order_pending")
    (dead,) = tutorial.renew(product_no=FIRST)["results"]
    tutorial.portal.set_order_status(dead["order"]["order_no"], status)
    (reported,) = tutorial.renew(product_no=FIRST)["results"]
    assert (reported["state"], reported["reason"], reported["changed"]) == ("failed", "rejected", False)
    assert dead["order"]["order_no"] in reported["message"] and status in reported["message"]
    assert states(tutorial.renew(product_no=FIRST)) == {FIRST: "renewed"}
    assert [invoice.paid for invoice in tutorial.portal.invoices] == [False, True]


@pytest.mark.faults(58)
def test_an_expiry_that_moves_late_is_followed_until_it_shows(tutorial: Ansible) -> None:
    tutorial.portal.fault("expiry_late", reads=1)
    result = tutorial.renew(product_no=FIRST, wait_timeout=10)
    row = row_of(result)
    (invoice,) = tutorial.portal.invoices
    assert (row["state"], row["expires_after"]) == ("renewed", f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}")
    assert orders_sent(tutorial.portal) == 1


@pytest.mark.faults(58)
def test_an_order_that_stays_unpaid_does_not_let_the_pbx_lapse_unseen(tutorial: Ansible) -> None:
    tutorial.portal.fault("order_status", status="pending")
    first = tutorial.renew(product_no=FIRST, wait_timeout=0)
    assert states(first) == {FIRST: "pending"} and not first.get("failed")
    later = tutorial.portal.clock.now() + timedelta(days=20)
    lapsed = tutorial.renew(product_no=FIRST, wait_timeout=0, now=f"{later:%Y-%m-%dT%H:%M:%SZ}")
    assert lapsed["failed"] and row_of(lapsed)["reason"] == "overdue_order"
    assert "it has expired on" in lapsed["msg"] and "pending" in lapsed["msg"]
    assert len(tutorial.portal.invoices) == 1 and orders_sent(tutorial.portal) == 1


def test_a_failed_look_at_an_accepted_order_leaves_it_pending_and_says_so(tutorial: Ansible) -> None:
    tutorial.portal.fault("error_before", status=500, path="/detail", skip=1, times=2)
    result = tutorial.renew(product_no=FIRST, retries=0)
    row = row_of(result)
    assert (row["state"], result["changed"], "failed" in result) == ("pending", True, False)
    assert "not verified" in row["message"] and row["order"]["order_no"] in row["message"]
    assert len(tutorial.portal.invoices) == 1


@pytest.mark.parametrize(
    ("verb", "params", "expected", "says"),
    [
        pytest.param(
            *("quantity_change", {"quantity": 120}, ("blocked", "stale_plan"), "quantity 100 -> 120"),
            marks=pytest.mark.faults(54),
        ),
        pytest.param(*("renewed_by_person", {}, ("current", "enough_time"), "days left"), marks=pytest.mark.faults(45)),
        ("renewed_by_person", {"cycles": -1}, ("blocked", "expired"), "has expired"),
        ("alter_field", {"name": "autoRenew", "value": True}, ("skipped", "auto_renewal"), "auto-renewal is on"),
        # The list still differs then, so it is not known which of the two is right.
        (
            *("alter_field", {"name": "serviceList", "value": []}, ("blocked", "cannot_determine")),
            "(serviceList) and the detail says none (serviceList); declare services",
        ),
        (
            *("alter_field", {"name": "billingCycle", "value": "monthly"}, ("blocked", "cannot_determine")),
            "says annually (billingCycle) and the detail says monthly (billingCycle); declare billing_cycle",
        ),
        ("alter_field", {"name": "productNo", "value": SECOND}, ("failed", "not_readable"), f"got {SECOND}"),
        ("alter_field", {"name": "extensionNum", "value": 0}, ("blocked", "cannot_determine"), "extensionNum"),
    ],
)
def test_what_changed_between_listing_and_order_is_not_bought(
    two: Ansible, verb: str, params: dict[str, Any], expected: tuple[str, str], says: str
) -> None:
    two.portal.fault(verb, path="/instance_product/v1/detail", **params)
    result = two.renew(product_no=FIRST, remaining_days=14)
    row = row_of(result)
    assert (row["state"], row["reason"]) == expected
    assert says in row["message"]
    assert not result["changed"]
    assert orders_sent(two.portal) == 0 and not two.portal.invoices


@pytest.mark.faults(55)
def test_a_price_that_rises_above_the_limit_between_listing_and_order_is_not_bought(tutorial: Ansible) -> None:
    tutorial.portal.fault("price_change", factor=10, path="/instance_product/v1/detail")
    result = tutorial.renew(product_no=FIRST, max_amount_per_item="9999", currency="USD")
    assert not tutorial.portal.faults, "the fault was never met"
    assert result["failed"] and not result["changed"]
    assert row_of(result)["state"] == "blocked"
    assert "16800.00 USD" in result["msg"]
    assert orders_sent(tutorial.portal) == 0


def test_a_plan_switch_that_only_the_detail_shows_is_not_bought_nor_planned(tutorial: Ansible) -> None:
    tutorial.portal.pbx(FIRST).pending_plan = "Ultimate Plan"
    for result in (
        tutorial.plan(product_no=FIRST),
        tutorial.renew(check_mode=True, product_no=FIRST),
        tutorial.renew(product_no=FIRST),
    ):
        row = row_of(result)
        assert result["failed"] and not result["changed"]
        assert (row["state"], row["reason"]) == ("blocked", "plan_switch_pending")
        assert "Enterprise Plan" in row["message"]
    assert orders_sent(tutorial.portal) == 0


@pytest.mark.faults(70)
@pytest.mark.parametrize("check_mode", [False, True])
def test_ordering_over_https_without_a_checked_certificate_is_refused_before_any_call(
    tutorial: Ansible, check_mode: bool
) -> None:
    url = tutorial.portal.url.replace("http:", "https:")
    result = tutorial.renew(check_mode, product_no=FIRST, base_url=url, validate_certs=False)
    assert result["failed"] and not result.get("changed")
    assert "validate_certs: expected true" in result["msg"] and "ca_path" in result["msg"]
    assert not tutorial.portal.log


def test_every_fault_that_an_order_can_meet_is_in_these_tables() -> None:
    refused = (*REFUSED, *REFUSED_FOR_ALL, *REFUSED_BEFORE_PROCESSING)
    tried = {case.verb for case in (*AMBIGUOUS, *refused, *ACCEPTED, *WRONGLY_CARRIED_OUT)}
    elsewhere = {"price_change", "double_commit", "hold", "close", "break_off"}  # the last three are in tests/processes
    of_listings = {"shift_listing", "short_listing", "repeat_page", "hide_product", "bad_paging"}
    assert set(VERBS) - of_listings == tried | elsewhere
