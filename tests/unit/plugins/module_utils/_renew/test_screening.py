# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which details are read to find what is due: of what the listing does not tell enough of, and of what is due soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import screening as _screening
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import raw, refusal
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import Trial

LIST, DETAIL = "instance_product_list", "detail"


def expires_in(days: float) -> dict[str, Any]:
    return {"expireDate": (NOW + timedelta(days)).isoformat()}


@pytest.mark.parametrize(("days", "is_looked_at"), [(31, True), (58, True), (59, False), (400, False)])
@pytest.mark.parametrize("ordering", [True, False])
def test_the_detail_is_read_of_what_is_due_within_28_days(days: int, is_looked_at: bool, ordering: bool) -> None:
    trial = Trial(Account(A=days), ordering).go()
    assert trial.account.log == ([LIST, DETAIL] if is_looked_at else [LIST])
    assert trial.states() == {"A": "current/enough_time"}


@pytest.mark.parametrize(
    ("declaration", "is_looked_at"), [({"remaining_days": 10}, False), ({"remaining_days": 20}, True)]
)
def test_how_soon_depends_on_the_window_of_the_pbx(declaration: dict[str, int], is_looked_at: bool) -> None:
    trial = Trial(Account(A=45)).go(Declaration("A", **declaration))
    assert (DETAIL in trial.account.log) is is_looked_at


def test_of_many_only_the_nearest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_screening, "MOST_NEAR", 2)
    account = Account(A=58, B=35, C=50, D=40)
    seen: list[str] = []
    inner = account._read

    def note(name: str, path: str, params: dict[str, str]) -> Any:
        seen.extend([params["productNo"]] if name == DETAIL else [])
        return inner(name, path, params)

    account._read = note  # type: ignore[method-assign]
    trial = Trial(account).go()
    assert seen == ["B", "D"]
    assert len(trial.warnings) == 1
    said = "of 4 PBXs that are due within 28 days after their window, the details of 2 were not looked at"
    assert said in trial.warnings[0]


@pytest.mark.parametrize("days", [5, 30, 35, 56])
def test_an_expiry_that_the_detail_tells_otherwise_is_not_taken_for_enough_time(days: int) -> None:
    account = Account(A=40, B=200)
    account.details["A"] = expires_in(days)
    trial = Trial(account).go()
    assert trial.states() == {"A": "blocked/cannot_determine", "B": "current/enough_time"}
    message = trial.report.message()
    for said in ("the product list says ", "the detail says ", "(expireDate)", "declare expires_at", "field_map"):
        assert said in message
    assert trial.account.sent == [] and "run again" not in message


@pytest.mark.parametrize("days", [-5, 12, 30])
def test_what_is_due_by_the_list_alone_is_blocked_as_well(days: int) -> None:
    account = Account(A=20)
    account.details["A"] = expires_in(days)
    trial = Trial(account).go()
    assert trial.states() == {"A": "blocked/cannot_determine"} and not account.sent


@pytest.mark.parametrize(("declared", "state"), [(40, "current/enough_time"), (5, "renewed/expiry_moved")])
def test_a_declared_expiry_says_which_is_right(declared: int, state: str) -> None:
    account = Account(A=40)
    account.details["A"] = expires_in(5)

    def move(number: str) -> None:
        account.pbxs[number].update(expires_in(400))
        account.details[number] = expires_in(370)

    account.move = move  # type: ignore[method-assign]
    trial = Trial(account).go(Declaration("A", expires_at=NOW + timedelta(declared)))
    assert trial.states() == {"A": state} and len(account.sent) == (declared == 5)


def test_a_list_that_is_only_older_than_a_renewal_blocks_nothing() -> None:
    account = Account(A=12)
    account.details["A"] = expires_in(12 + 365)
    assert Trial(account).go().states() == {"A": "current/enough_time"}


def test_a_detail_that_is_not_given_of_what_is_due_soon_is_warned_of() -> None:
    account = Account(A=40, B=12)
    account.before[DETAIL] = lambda: refusal(500) if account.log.count(DETAIL) == 1 else None
    trial = Trial(account).go()
    assert trial.states() == {"A": "current/enough_time", "B": "renewed/expiry_moved"}
    assert "A: whether its detail reports another expiry is not known: GET " in trial.warnings[0]


def test_a_token_that_is_refused_meanwhile_ends_the_run() -> None:
    account = Account(A=40)
    account.before[DETAIL] = lambda: refusal(401)
    with pytest.raises(ReadError, match="token was refused"):
        Trial(account).go()


# --- quantity and the like --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ({"quantity": 1}, "the product list says 100 (quantity) and the detail says 1 (quantity); declare quantity"),
        ({"quantity": None, "extensionNum": 7}, "says 100 (quantity) and the detail says 7 (extensionNum)"),
        ({"planName": "Basic Plan"}, "says Enterprise Plan (planName) and the detail says Basic Plan (planName)"),
        ({"serviceList": []}, "says HA (serviceList) and the detail says none (serviceList); declare services"),
        ({"billingCycle": "monthly"}, "says annually (billingCycle) and the detail says monthly (billingCycle)"),
    ],
)
@pytest.mark.parametrize("ordering", [True, False])
def test_what_list_and_detail_tell_differently_in_every_run_is_named_and_is_no_change(
    detail: dict[str, Any], says: str, ordering: bool
) -> None:
    account = Account(A=12, B=12)
    account.details["A"] = account.details["B"] = detail
    trial = Trial(account, ordering).go()
    assert trial.states() == dict.fromkeys("AB", "blocked/cannot_determine") and not account.sent
    assert says in trial.report.message() and "run again" not in trial.report.message()
    # The listing is read once more to tell it from a change, and once is enough.
    assert account.log.count(LIST) == 2


@pytest.mark.parametrize("listed", [1, 100])
@pytest.mark.parametrize("declared", [1, 100])
def test_a_declared_quantity_says_which_is_right(listed: int, declared: int) -> None:
    account = Account(A=12)
    account.pbxs["A"]["quantity"] = listed
    account.details["A"] = {"quantity": 101 - listed}
    trial = Trial(account).go(Declaration("A", quantity=declared))
    assert trial.states() == {"A": "renewed/expiry_moved"}
    assert [line.get("quantity") for line in account.sent[0]["serviceList"]] == [declared, None]


def test_a_declared_quantity_that_neither_tells_is_a_contradiction() -> None:
    account = Account(A=12)
    account.details["A"] = {"quantity": 1}
    trial = Trial(account).go(Declaration("A", quantity=7))
    assert trial.states() == {"A": "blocked/contradiction"} and not account.sent


# --- details that are not given ---------------------------------------------------------------------------------------

DECLARED: dict[str, Any] = {
    "plan": "Enterprise Plan",
    "services": ("HA",),
    "quantity": 100,
    "billing_cycle": "annually",
}


def test_without_details_what_is_declared_is_renewed_and_the_rest_is_told_how() -> None:
    account = Account(A=12, B=12)
    account.before[DETAIL] = lambda: refusal(403)
    trial = Trial(account).go(Declaration("A", **DECLARED), Declaration("B"))
    assert trial.states() == {"A": "renewed/expiry_moved", "B": "failed/not_readable"}
    message = trial.report.message()
    for said in ("HTTP 403", "permission for details", "declare", "plan, services, quantity, billing_cycle"):
        assert said in message
    assert account.ordered() == ["A"]


@pytest.mark.parametrize("name", DECLARED)
def test_each_of_these_must_be_declared(name: str) -> None:
    account = Account(A=12)
    account.before[DETAIL] = lambda: refusal(403)
    trial = Trial(account).go(Declaration("A", **{**DECLARED, name: None}))
    assert trial.states() == {"A": "failed/not_readable"} and not account.sent
    assert f"declare what is to be renewed: {name}" in trial.report.message()


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"quantity": 7}, "blocked/contradiction"),
        ({"planName": None, "planId": 7}, "blocked/contradiction"),
        ({"serviceList": ["Other"]}, "blocked/contradiction"),
        ({"autoRenew": True}, "skipped/auto_renewal"),
        (expires_in(70), "current/enough_time"),
    ],
)
def test_without_details_what_is_declared_is_held_against_the_list_as_it_is_then(
    change: dict[str, Any], state: str
) -> None:
    account = Account(A=12)

    def refuse() -> Any:
        account.pbxs["A"].update(change)
        return refusal(403)

    account.before[DETAIL] = refuse
    trial = Trial(account).go(Declaration("A", **DECLARED))
    assert trial.states() == {"A": state} and not account.sent


def test_a_proxy_that_refuses_a_detail_says_nothing_of_permissions() -> None:
    account = Account(A=12)
    account.before[DETAIL] = lambda: raw(b"<html>", 403, "text/html")
    trial = Trial(account).go(Declaration("A", **DECLARED))
    assert trial.states() == {"A": "failed/not_readable"} and not account.sent
    assert "proxy or a firewall" in trial.report.message() and "declare" not in trial.report.message()


@pytest.mark.parametrize("status", [200, 400, 404, 408, 429, 500])
def test_a_detail_that_fails_otherwise_is_not_done_without(status: int) -> None:
    account = Account(A=12)
    account.before[DETAIL] = lambda: refusal(status)
    trial = Trial(account).go(Declaration("A", **DECLARED))
    assert trial.states() == {"A": "failed/not_readable"} and not account.sent
