# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import planner as _planner
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason, State
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import Traffic
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import report as _results
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import Report
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    ENTERPRISE,
    HA,
    NOW,
    SN,
    catalog,
    contact,
    declaration,
    due_decision,
    evidence,
    full_declaration,
    order,
    policy,
    silent_subscription,
    subscription,
    unreadable,
    unreported,
    usd,
    utc,
)

# Those of docs/architecture.md, 4.
STATES = ["current", "skipped", "due", "renewed", "pending", "blocked", "failed", "unknown", "not_attempted"]
FAILING = ["blocked", "failed", "not_attempted", "unknown"]
ROW = [
    "product_no",
    "state",
    "reason",
    "message",
    "expires_before",
    "expires_after",
    "days_left",
    "plan",
    "services",
    "quantity",
    "billing_cycle",
    "price",
    "order",
]


def _in_state(state: str, product_no: str = SN) -> Decision:
    return replace(
        due_decision(product_no), state=State(state), reason=Reason.STOPPED, message=f"is {state}", order=None
    )


def _report(*decisions: Decision, is_check_mode: bool = False) -> Report:
    report = Report(NOW, is_check_mode)
    for decision in decisions:
        report.record(decision)
    return report


def _row(decision: Decision, **known: Any) -> dict[str, Any]:
    report = Report(NOW, False)
    report.record(decision, **known)
    (row,) = report.as_result()["results"]
    return row


def test_the_states_are_those_that_users_know() -> None:
    assert sorted(State) == sorted(STATES)
    assert sorted(one for one in State if one.is_failing) == FAILING
    assert {reason.state for reason in Reason} == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("is_check_mode", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("may_have_ordered", [False, True], ids=["not-sent", "may-be-sent"])
def test_changed_means_sent_or_maybe_sent_and_in_check_mode_would_be_sent(
    state: str, is_check_mode: bool, may_have_ordered: bool
) -> None:
    report = Report(NOW, is_check_mode)
    report.record(_planner.not_found("A", ["B"]))
    report.record(_in_state(state), may_have_ordered)
    expected = may_have_ordered or (is_check_mode and state == "due")
    assert report.changed is expected
    assert report.as_result()["changed"] is expected
    assert [row["changed"] for row in report.as_result()["results"]] == [expected, False]


def test_a_later_record_of_a_pbx_replaces_the_earlier_one() -> None:
    report = Report(NOW, False)
    report.record(_in_state("unknown"), may_have_ordered=True)
    report.record(_in_state("failed"))
    assert not report.changed
    assert report.as_result()["summary"]["unknown"] == 0


@pytest.mark.parametrize("state", STATES)
def test_a_task_fails_only_for_a_failing_state(state: str) -> None:
    assert _report(_in_state("current", "A"), _in_state(state)).failed is (state in FAILING)


def test_a_task_fails_when_a_cap_is_exceeded() -> None:
    report = _report(_in_state("not_attempted"))
    report.excess = "too many"
    assert report.failed


def test_a_run_without_any_pbx_has_neither_changed_nor_failed() -> None:
    assert not Report(NOW, True).changed
    assert not Report(NOW, True).failed


@pytest.mark.parametrize("state", STATES)
def test_a_host_fails_for_what_fails_a_task(state: str) -> None:
    assert _results.fails_host(_row(_in_state(state))) is (state in FAILING)


def test_a_row_says_everything_that_was_promised() -> None:
    assert set(ROW) <= set(_row(due_decision()))


def test_the_row_of_what_is_due() -> None:
    decision = due_decision(price=usd("1200.10"))
    assert _row(decision) == {
        "product_no": SN,
        "state": "due",
        "reason": "in_window",
        "message": decision.message,
        "expires_before": "2026-12-05T00:00:00Z",
        "expires_between": None,
        "expires_after": "2027-12-05T00:00:00Z",
        "days_left": 12,
        "days_lost": None,
        "plan": "Enterprise Plan",
        "services": ["High Availability"],
        "quantity": 100,
        "billing_cycle": "annually",
        "auto_renewal": None,
        "price": {"amount": "1200.10", "currency": "USD"},
        "order": None,
        "changed": False,
    }


@pytest.mark.parametrize("state", STATES)
def test_a_new_expiry_is_shown_only_where_it_is_or_would_be_so(state: str) -> None:
    shown = _row(_in_state(state))["expires_after"]
    assert shown == ("2027-12-05T00:00:00Z" if state in ("due", "renewed") else None)


def test_the_row_of_a_known_order_holds_its_ids_as_strings() -> None:
    known = order(order_no="BN3206243356000391168", transaction_no="QO3206243357577449473", po_number="PO-1")
    assert _row(replace(_in_state("pending"), known_order=known))["order"] == {
        "order_no": "BN3206243356000391168",
        "transaction_no": "QO3206243357577449473",
        "status": "succeed",
        "po_number": "PO-1",
    }


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0.10", "0.10"), ("1E+3", "1000"), ("1200", "1200"), ("123456789012345.123456", "123456789012345.123456")],
)
def test_an_amount_is_a_string_without_exponent(amount: str, shown: str) -> None:
    assert _row(due_decision(price=Money(Decimal(amount), "USD")))["price"] == {"amount": shown, "currency": "USD"}


def test_the_row_of_a_pbx_that_was_not_found_holds_nothing_but_the_finding() -> None:
    row = _row(_planner.not_found("X", ["A"]))
    assert {key for key, value in row.items() if value is not None} == {
        "product_no",
        "state",
        "reason",
        "message",
        "changed",
    }


def test_the_row_of_what_cannot_be_determined_holds_what_is_known() -> None:
    reported = subscription(quantity=unreadable("quantity"), plan=unreported("plan"))
    row = _row(_planner.decide(declaration(), reported, evidence(), policy(), NOW))
    assert (row["state"], row["quantity"], row["plan"]) == ("blocked", None, None)
    assert (row["expires_before"], row["days_left"], row["services"]) == (
        "2026-12-05T00:00:00Z",
        12,
        ["High Availability"],
    )


def test_the_row_of_a_current_pbx_holds_the_declared_expiry_that_it_was_decided_by() -> None:
    declared = full_declaration(remaining_days=3)
    row = _row(_planner.decide(declared, silent_subscription(), evidence(), policy(), NOW))
    assert row["state"] == "current"
    assert (row["expires_before"], row["days_left"]) == ("2026-12-05T00:00:00Z", 12)


def test_rows_and_diff_are_sorted_by_serial_number() -> None:
    result = _report(*(due_decision(number) for number in ("B", "C", "A"))).as_result()
    assert [row["product_no"] for row in result["results"]] == ["A", "B", "C"]
    assert [entry["before_header"] for entry in result["diff"]] == ["A", "B", "C"]


@pytest.mark.parametrize("state", STATES)
def test_the_diff_shows_what_was_or_would_be_ordered(state: str) -> None:
    assert bool(_report(_in_state(state)).as_result()["diff"]) is (state == "due")
    report = Report(NOW, False)
    report.record(_in_state(state), may_have_ordered=True)
    assert len(report.as_result()["diff"]) == 1


def test_the_summary_counts_every_state_also_those_without_a_pbx() -> None:
    report = _report(_in_state("due", "A"), _in_state("due", "B"), _in_state("blocked", "C"))
    assert report.as_result()["summary"] == {**dict.fromkeys(STATES, 0), "due": 2, "blocked": 1}


class TestMessage:
    def test_it_counts_the_states_that_occur(self) -> None:
        report = _report(_in_state("current", "A"), _in_state("due", "B"), _in_state("current", "C"))
        assert report.message() == "1 due, 2 current"

    @pytest.mark.parametrize("state", ["blocked", "failed", "unknown"])
    def test_it_names_each_pbx_that_needs_a_person(self, state: str) -> None:
        report = _report(_in_state(state, "B"), _in_state(state, "A"), _in_state("current", "C"))
        assert report.message() == f"1 current, 2 {state}; A: is {state}; B: is {state}"

    def test_it_says_which_cap_was_exceeded(self) -> None:
        report = _report(_in_state("not_attempted", "A"), _in_state("blocked", "B"))
        report.excess = "2 subscriptions are due and max_orders is 1: nothing was ordered here"
        for number in ("A", "C"):
            report.record(_planner.settled(due_decision(number), Reason.MAX_ORDERS, report.excess))
        assert report.message() == f"{report.excess}; B: is blocked"

    def test_it_says_once_of_all_that_was_not_attempted_why(self) -> None:
        report = _report(_in_state("unknown", "B"), *(_in_state("not_attempted", number) for number in "CA"))
        assert report.message() == "1 unknown, 2 not_attempted; B: is unknown; A, C: is not_attempted"

    def test_it_says_that_there_was_nothing(self) -> None:
        assert Report(NOW, False).message() == "no subscriptions"


def test_what_a_broken_off_run_did_not_get_to_was_not_attempted() -> None:
    report = _report(due_decision("A"), _in_state("current", "C"))
    report.record(_in_state("unknown", "B"), may_have_ordered=True)
    report.break_off("the token was refused")
    rows = {row["product_no"]: row for row in report.as_result()["results"]}
    assert (rows["A"]["state"], rows["A"]["reason"]) == ("not_attempted", "stopped")
    assert "the token was refused" in rows["A"]["message"]
    assert (rows["B"]["state"], rows["C"]["state"]) == ("unknown", "current")
    assert report.changed


def test_a_check_that_broke_off_would_change_nothing() -> None:
    report = _report(due_decision(), is_check_mode=True)
    report.break_off("the portal is down")
    assert not report.changed


def test_a_subscription_for_the_user_holds_ids_as_strings_and_says_what_is_undetermined() -> None:
    shown = _results.subscription_as_result(
        subscription(quantity=unreadable("quantity"), expires_at=unreported("expires_at"), pending_plan="Basic"), NOW
    )
    assert (shown["plan_id"], shown["service_ids"]) == (ENTERPRISE.id, [HA.id])
    assert (shown["expires_at"], shown["days_left"], shown["quantity"], shown["auto_renewal"]) == (None,) * 4
    assert shown["pending_plan"] == "Basic"
    assert set(shown["undetermined"]) == {"expires_at", "quantity", "auto_renewal"}
    assert shown["undetermined"]["quantity"] == ("quantity: x cannot be read: nonsense; write quantity: 100")


def test_expiries_besides_that_of_the_plan_are_shown_by_the_fields_that_tell_them() -> None:
    shown = _results.subscription_as_result(
        subscription(other_expiries=(("recordingExpireDate", utc(2027, 1, 5)),)), NOW
    )
    assert shown["other_expiries"] == {"recordingExpireDate": "2027-01-05T00:00:00Z"}
    assert shown["expires_at"] == "2026-12-05T00:00:00Z"
    assert _results.subscription_as_result(subscription(), NOW)["other_expiries"] == {}


def test_a_service_known_by_id_only_is_shown_by_its_id() -> None:
    shown = _results.subscription_as_result(subscription(services=(Offer("5", None),), plan=Offer(None, "P")), NOW)
    assert (shown["services"], shown["service_ids"], shown["plan_id"]) == (["id 5"], ["5"], None)


def test_catalog_contacts_orders_and_traffic_have_their_form_for_the_user() -> None:
    assert _results.catalog_as_result(catalog())["plans"][0] == {
        "id": "3048571730026938368",
        "name": "Enterprise Plan",
        "pricing_id": "1001",
    }
    assert _results.catalog_as_result(catalog())["services"][0]["plan_id"] is None
    assert _results.contact_as_result(contact())["billing_contact_id"] == "3197218168379846218"
    assert _results.order_as_result(order(created_at=None))["created_at"] is None
    assert _results.order_as_result(order())["created_at"] == "2026-11-22T00:00:00Z"
    assert _results.traffic_as_result(Traffic(read=7, write=1, token=2)) == {"read": 7, "write": 1, "token": 2}
