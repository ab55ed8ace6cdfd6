# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run against an account in memory: what is sent, in which order, and what the report says at every moment."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import is_tag
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import CONTACT, ENTERPRISE, HA, Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    envelope,
    raw,
    refusal,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial


def test_one_due_pbx_takes_one_order_between_its_reads() -> None:
    trial = Trial(Account(A=12)).go()
    evidence = ["instance_product_list", "purchase_product_info", "billing_contact_list", "page"]
    assert trial.account.log == [*evidence, "existed_auto_renew", "detail", "save", "detail", "page", "page"]
    assert trial.states() == {"A": "renewed/expiry_moved"}
    row = trial.only()
    assert (row["expires_before"], row["expires_after"]) == ("2026-12-05T00:00:00Z", "2027-12-05T00:00:00Z")
    tag = trial.account.sent[0]["poNumber"]
    assert row["order"] == {"order_no": "BN1", "transaction_no": "QO1", "status": "succeed", "po_number": tag}
    assert is_tag(tag) and "20261205" in tag
    assert trial.report.changed and not trial.report.failed and trial.sleeps == []


def test_the_order_says_what_was_read() -> None:
    body = Trial(Account(A=12)).go(Declaration("A", po_number="PO-1")).account.sent[0]
    assert (body["productNo"], body["billingId"], body["poNumber"]) == ("A", CONTACT, "PO-1")
    plan, service = body["serviceList"]
    assert (plan["serviceId"], plan["quantity"], service["serviceId"]) == (ENTERPRISE, 100, HA)
    assert service["connectionPlanId"] == ENTERPRISE


def test_a_second_run_orders_nothing_more() -> None:
    account = Account(A=12)
    Trial(account).go()
    trial = Trial(account).go()
    assert account.ordered() == ["A"]
    assert trial.states() == {"A": "current/enough_time"} and not trial.report.changed


def test_nothing_due_takes_one_request() -> None:
    trial = Trial(Account(A=59)).go()
    assert trial.account.log == ["instance_product_list"] and not trial.report.changed


def test_a_dry_run_reads_all_that_an_order_needs_and_sends_none() -> None:
    trial = Trial(Account(A=12), ordering=False).go()
    assert trial.account.log[-1] == "detail" and trial.account.sent == []
    assert trial.states() == {"A": "due/in_window"} and trial.report.changed


def test_the_most_urgent_is_ordered_first() -> None:
    assert Trial(Account(A=20, B=3, C=3, D=10)).go().account.ordered() == ["B", "C", "D", "A"]


def test_above_max_orders_nothing_is_ordered() -> None:
    trial = Trial(Account(A=5, B=6), max_orders=1).go()
    assert trial.account.sent == [] and trial.report.failed and not trial.report.changed
    assert trial.states() == {"A": "not_attempted/max_orders", "B": "not_attempted/max_orders"}


# --- the fate of the order --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        ExchangeError("the answer timed out"),
        refusal(500),
        raw(b"<html>", 200, "text/html"),
        success({"orderStatus": "succeed"}),
        success({"orderNo": "BN1", "productNo": "OTHER"}),
        raw(envelope({"orderNo": "BN1"}, requestId="")),
    ],
)
def test_an_uncertain_order_is_unknown_and_changed_and_stops_all_others(outcome: Any) -> None:
    trial = Trial(Account(A=1, B=2, C=90))
    trial.account.save = lambda number: _raise(outcome)
    trial.go()
    assert trial.account.ordered() == ["A"]
    assert trial.states() == {"A": "unknown/ambiguous", "B": "not_attempted/stopped", "C": "current/enough_time"}
    assert trial.report.changed and trial.report.failed
    assert "look in the portal" in trial.report.message()


FOR_A = {"basicInformation": {"productNo": "A"}}
INVALID = "parameter_validation_failed"
HTTP_200 = Answer(200, {"Content-Type": "application/json"}, refusal(409).content)
TODAY = {"createTime": NOW.isoformat()}


def _raise(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, ZeroDivisionError, ReadError, OSError])
def test_whatever_breaks_off_an_order_the_report_already_says_unknown_and_changed(error: type[BaseException]) -> None:
    raised = ReadError("GET /x", "y") if error is ReadError else error()
    trial = Trial(Account(A=1, B=2))
    trial.account.save = lambda number: _raise(raised)
    with pytest.raises(error):
        trial.go()
    assert trial.states()["A"] == "unknown/ambiguous"
    assert trial.report.changed and trial.report.failed and trial.account.ordered() == ["A"]


def test_a_run_that_breaks_off_while_verifying_says_that_it_has_ordered() -> None:
    trial = Trial(Account(A=1))
    trial.account.before["detail"] = lambda: _raise(KeyboardInterrupt()) if trial.account.sent else None
    with pytest.raises(KeyboardInterrupt):
        trial.go()
    assert trial.states() == {"A": "pending/awaiting_expiry"} and trial.report.changed
    assert trial.only()["order"]["order_no"] == "BN1"


def test_a_run_that_breaks_off_does_not_call_the_others_changed() -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.save = lambda number: _raise(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        trial.go()
    assert [entry["after_header"] for entry in trial.report.as_result()["diff"]] == ["A"]


@pytest.mark.parametrize(
    ("answer", "reason", "others"),
    [
        (refusal(400, INVALID), "failed/rejected", ["A", "B"]),
        (refusal(409, INVALID), "failed/rejected", ["A", "B"]),
        (refusal(401), "failed/rejected", ["A"]),
        (refusal(403), "failed/rejected", ["A"]),
        (refusal(429), "failed/rate_limited", ["A"]),
        (refusal(429, Retry_After="301"), "failed/rate_limited", ["A"]),
        (refusal(429, Retry_After="7"), "failed/rate_limited", ["A", "A"]),
        (ExchangeError("no connection", sent=False), "failed/not_sent", ["A", "B"]),
    ],
    ids=["400", "409", "401", "403", "429", "429 for too long", "429 for a while", "not sent"],
)
def test_an_order_that_certainly_was_not_taken_is_failed_and_unchanged(
    answer: Any, reason: str, others: list[str]
) -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.save = lambda number: _raise(answer)
    trial.go()
    assert trial.account.ordered() == others
    assert trial.states() == {"A": reason, "B": reason if "B" in others else "not_attempted/stopped"}
    assert not trial.report.changed and trial.report.failed


@pytest.mark.faults(36)
@pytest.mark.parametrize("answer", [refusal(400), refusal(402), refusal(404), refusal(409), refusal(422), HTTP_200])
def test_a_refusal_that_nobody_knows_may_have_ordered_and_lets_others_go_on(answer: Answer) -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.save = lambda number: answer if number == "A" else trial.account.accept(number)
    trial.go()
    assert trial.account.ordered() == ["A", "B"]
    assert trial.states() == {"A": "failed/rejected", "B": "renewed/expiry_moved"}
    rows = {row["product_no"]: row for row in trial.report.as_result()["results"]}
    assert rows["A"]["changed"] and "the order was not placed" not in rows["A"]["message"]
    assert "later than 2026-11-23T00:15:00Z" in rows["A"]["message"] and trial.sleeps == []


@pytest.mark.parametrize("status", ["failed", "invalid", "cancelled", "refunded"])
def test_an_accepted_order_that_is_dead_is_failed_but_changed(status: str) -> None:
    trial = Trial(Account(A=1))
    trial.account.cycles, trial.account.saved_status = 0, status
    assert trial.go().states() == {"A": "failed/rejected"} and trial.report.changed


@pytest.mark.parametrize(
    ("status", "reason"),
    [("pending", "unpaid"), ("confirming", "pending_confirmation"), (None, "pending_confirmation"), ("succeed", None)],
)
def test_an_order_without_effect_is_followed_until_wait_timeout_and_stays_pending(
    status: Optional[str], reason: Optional[str]
) -> None:
    trial = Trial(Account(A=1))
    trial.account.cycles, trial.account.saved_status = 0, status
    assert trial.go().states() == {"A": f"pending/{reason or 'awaiting_expiry'}"}
    assert sum(trial.sleeps) == 60 and max(trial.sleeps) <= 15
    assert trial.account.ordered() == ["A"] and trial.report.changed and not trial.report.failed


@pytest.mark.parametrize(("cycles", "expected"), [(1, "renewed/expiry_moved"), (2, "failed/verification_failed")])
def test_an_expiry_that_shows_late_is_found_by_following(cycles: int, expected: str) -> None:
    trial = Trial(Account(A=1))
    trial.account.cycles = 0

    def late() -> None:
        trial.account.cycles = cycles
        trial.account.move("A")

    trial.account.before["third sleep"] = late
    trial.go()
    assert trial.states() == {"A": expected} and trial.sleeps == [2, 4, 8] and trial.report.changed


@pytest.mark.parametrize("cycles", [2, -1])
def test_an_expiry_that_moves_otherwise_fails_and_stops_all_others(cycles: int) -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.cycles = cycles
    assert trial.go().states() == {"A": "failed/verification_failed", "B": "not_attempted/stopped"}
    assert trial.account.ordered() == ["A"] and trial.report.changed


def test_a_detail_that_cannot_be_read_after_the_order_leaves_it_pending() -> None:
    trial = Trial(Account(A=1))
    trial.account.before["detail"] = lambda: refusal(500) if trial.account.sent else None
    assert trial.go().states() == {"A": "pending/awaiting_expiry"}
    assert "BN1" in trial.only()["message"] and trial.account.ordered() == ["A"]


# --- the read before the order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"quantity": 101}, "blocked/stale_plan"),
        ({"planName": None, "planId": ENTERPRISE + 1}, "blocked/cannot_determine"),
        ({"serviceList": []}, "blocked/stale_plan"),
        ({"billingCycle": "monthly"}, "blocked/stale_plan"),
        ({"expireDate": "2026-12-10"}, "blocked/stale_plan"),
        ({"expireDate": "2027-12-05"}, "current/enough_time"),
        ({"expireDate": "05/12/2026"}, "blocked/cannot_determine"),
        ({"currentPlan": "Basic Plan"}, "blocked/plan_switch_pending"),
        ({"autoRenew": True}, "skipped/auto_renewal"),
        ({"autoRenew": "perhaps"}, "blocked/cannot_determine"),
        ({"productNo": "OTHER"}, "failed/not_readable"),
    ],
)
@pytest.mark.parametrize("ordering", [True, False])
def test_what_the_last_read_finds_changed_is_not_ordered(detail: dict[str, Any], expected: str, ordering: bool) -> None:
    trial = Trial(Account(A=5), ordering)
    trial.account.before["detail"] = lambda: trial.account.pbxs["A"].update(detail)
    assert trial.go().states() == {"A": expected}
    assert trial.account.sent == [] and not trial.report.changed


@pytest.mark.parametrize(
    ("days", "afterwards"),
    [
        pytest.param(40, "blocked/contradiction", id="a month later"),
        pytest.param(370, "current/enough_time", id="as if it had been renewed"),
    ],
)
def test_an_expiry_that_is_declared_since_two_disagree_is_renewed_once_and_verified(days: int, afterwards: str) -> None:
    account = Account(A=5)
    account.pbxs["A"]["endTime"] = (NOW + timedelta(days)).isoformat()
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    declared = Declaration("A", expires_at=NOW + timedelta(5))
    trial = Trial(account, ledger=ledger).go(declared)
    assert trial.states() == {"A": "renewed/expiry_moved"}
    assert Trial(account, ledger=ledger).go(declared).states() == {"A": afterwards}
    assert account.ordered() == ["A"]


@pytest.mark.parametrize(
    ("field", "declared"),
    [("billingCycle", {"billing_cycle": "annually"}), ("quantity", {"quantity": 100}), ("planName", {"plan": "id"})],
)
def test_what_only_the_detail_tells_and_nobody_can_read_is_ordered_as_declared_and_planned_so(
    field: str, declared: dict[str, Any]
) -> None:
    declared = {name: str(ENTERPRISE) if value == "id" else value for name, value in declared.items()}
    account = Account(A=5)
    del account.pbxs["A"][field]
    account.details["A"] = {field: ["?"]}
    planned = Trial(account, ordering=False).go(Declaration("A", **declared))
    assert planned.states() == {"A": "due/in_window"}
    assert "; declared, since " in planned.only()["message"] and f"{field} cannot be read" in planned.only()["message"]
    assert Trial(account).go(Declaration("A", **declared)).states() == {"A": "renewed/expiry_moved"}


@pytest.mark.parametrize(("status", "others"), [(500, ["B"]), (403, ["B"]), (401, [])])
def test_what_cannot_be_read_again_is_not_ordered(status: int, others: list[str]) -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.before["detail"] = lambda: refusal(status) if trial.account.log.count("detail") == 1 else None
    trial.go()
    assert trial.account.ordered() == others and trial.states()["A"] == "failed/not_readable"


@pytest.mark.parametrize("name", ["instance_product_list", "purchase_product_info", "billing_contact_list", "page"])
def test_without_the_accounts_evidence_nothing_is_ordered(name: str) -> None:
    trial = Trial(Account(A=1))
    trial.account.before[name] = lambda: refusal(500)
    with pytest.raises(ReadError):
        trial.go()
    assert trial.account.sent == [] and not trial.report.changed


@pytest.mark.parametrize(
    ("row", "detail", "expected"),
    [
        ({"productNo": "A", "orderStatus": "pending", **TODAY}, None, "pending/already_ordered"),
        ({"orderStatus": "pending", **TODAY}, FOR_A, "pending/already_ordered"),
        ({"productNo": None, "orderStatus": "pending", **TODAY}, FOR_A, "pending/already_ordered"),
        ({"productNo": "A", "orderStatus": "pending"}, None, "blocked/overdue_order"),
        ({"productNo": "A", "orderStatus": "succeed", "createTime": "2026-11-22"}, None, "blocked/recent_order"),
        ({"productNo": "A", "orderStatus": "succeed"}, None, "blocked/recent_order"),
        ({"productNo": "A", **TODAY}, None, "pending/already_ordered"),
    ],
)
def test_an_order_that_the_account_already_has_is_not_placed_again(row: Any, detail: Any, expected: str) -> None:
    trial = Trial(Account(A=1))
    trial.account.orders, trial.account.order_details = [{"id": 7, **row}], {"7": detail}
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": expected}


def test_an_open_order_whose_pbx_nobody_tells_stops_every_order() -> None:
    trial = Trial(Account(A=1))
    trial.account.orders, trial.account.order_details = [{"id": 7, "orderStatus": "pending"}], {"7": {}}
    with contextlib.suppress(ReadError):
        trial.go()
    assert trial.account.sent == []


def test_a_pbx_that_the_account_lacks_fails_alone() -> None:
    trial = Trial(Account(A=1)).go(Declaration("A"), Declaration("X"))
    assert trial.account.ordered() == ["A"] and trial.states()["X"] == "failed/not_found"
    assert "1 PBXs" in trial.report.message() and trial.report.changed and trial.report.failed
