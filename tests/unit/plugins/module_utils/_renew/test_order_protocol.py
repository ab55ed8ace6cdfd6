# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol for one order beside other runs, after refusals, and without a ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import ledger as _ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import AccessError, ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import order as _executor
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import CLOSED, NOW, intent
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import raw, refusal
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import statuses, watch
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial

EXPIRY = NOW + timedelta(days=12)


def _ledger_of_two_runs() -> Ledger:
    return open_ledger("none", PORTAL, lambda: NOW, read_only=False)


def _of_another_run(**changes: Any) -> Any:
    return intent(**{"portal": PORTAL, "product_no": "A", "expires_at": EXPIRY, "run_id": "other", **changes})


def _once(action: Callable[[], Any]) -> Callable[[], Any]:
    """An action for the first time it is asked for, and nothing after."""
    left = [action]

    def act() -> Any:
        return left.pop()() if left else None

    return act


# --- other runs -------------------------------------------------------------------------------------------------------


def test_a_pbx_that_another_run_is_ordering_is_not_ordered() -> None:
    trial = Trial(Account(A=12))
    trial.account.before["page"] = _once(lambda: trial.ledger.intend(_of_another_run()))
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "unknown/waiting"} and not trial.report.changed
    (standing,) = trial.ledger.intents()
    assert standing.run_id == "other" and standing.is_unsettled


def test_what_another_run_has_just_renewed_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(Account(A=12))

    def renews(key: str) -> bool:
        trial.account.charge("A")
        trial.ledger.intend(_of_another_run(status=IntentStatus.RENEWED, order_no="BN1"))
        return True

    monkeypatch.setattr(trial.ledger._database, "try_lock", renews)
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "current/enough_time"}


def test_what_another_run_has_just_had_accepted_is_pending() -> None:
    trial = Trial(Account(expiry_lag=9e9, list_lag=9e9, A=12))
    accepted = _of_another_run(status=IntentStatus.ACCEPTED, order_no="BN1", order_status="succeed")
    trial.account.before["page"] = _once(lambda: trial.ledger.intend(accepted))
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "pending/awaiting_expiry"}
    assert trial.only()["order"]["order_no"] == "BN1" and not trial.report.changed


@pytest.mark.parametrize("status", CLOSED)
def test_what_another_run_has_just_tried_in_vain_is_left_to_the_next_run(status: str) -> None:
    trial = Trial(Account(A=12))
    trial.account.before["page"] = _once(lambda: trial.ledger.intend(_of_another_run(status=status)))
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "not_attempted/stopped"}
    assert "another run" in trial.only()["message"]
    trial = Trial(trial.account, ledger=trial.ledger).go()
    assert trial.states() == {"A": "renewed/expiry_moved"} and statuses(trial.ledger) == [("renewed", 2)]


def test_what_another_run_has_just_tried_is_not_ordered_when_it_cannot_be_looked_at() -> None:
    trial = Trial(Account(A=12))

    def interferes() -> None:
        trial.ledger.intend(_of_another_run())
        trial.account.before["page"] = lambda: refusal(500)

    trial.account.before["page"] = _once(interferes)
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "failed/not_readable"}


def test_a_pbx_that_another_run_holds_is_waited_for_a_minute_and_then_left(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(Account(A=12, B=13))
    monkeypatch.setattr(trial.ledger._database, "try_lock", lambda key: not key.endswith(" A"))
    trial.go()
    assert trial.account.ordered() == ["B"] and trial.states()["A"] == "unknown/waiting"
    assert sum(trial.sleeps) == pytest.approx(_ledger.LOCK_WAIT, abs=0.5) and statuses(trial.ledger) == [("renewed", 1)]
    assert trial.states()["B"] == "renewed/expiry_moved" and "another run has been ordering A" in trial.report.message()


def test_an_intent_of_a_pbx_that_another_run_holds_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(Account(A=12), clock=5000.0)
    trial.ledger.intend(_of_another_run())
    monkeypatch.setattr(trial.ledger._database, "try_lock", lambda key: False)
    trial.go()
    assert trial.states() == {"A": "unknown/waiting"} and trial.account.sent == []
    assert statuses(trial.ledger) == [("intended", 1)]


def test_a_run_that_waited_for_another_reads_the_orders_again(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(Account(expiry_lag=9e9, A=12), clock=5000.0)
    trial.ledger.intend(_of_another_run())
    answers = [True, *[False] * 6]

    def is_free(key: str) -> bool:
        if answers == [True]:
            trial.account.charge("A", trial.ledger.intents()[0].po_number)
        return answers.pop()

    monkeypatch.setattr(trial.ledger._database, "try_lock", is_free)
    trial.go()
    assert trial.states() == {"A": "pending/awaiting_expiry"} and trial.account.sent == []
    # Of the second reading, which has a row, another request finds that there are no more.
    assert trial.account.log.count("page") == 3 and statuses(trial.ledger) == [("accepted", 1)]


def test_an_intent_that_another_run_settles_while_orders_are_followed_is_left_as_it_says() -> None:
    trial = Trial(Account(list_lag=9e9, expiry_lag=9e9, A=12))

    def settles() -> None:
        (own,) = trial.ledger.intents()
        trial.ledger.update(own, status=IntentStatus.RENEWED, note="by another run")

    trial.account.before["third sleep"] = settles
    trial.go()
    (left,) = trial.ledger.intents()
    assert left.status == IntentStatus.RENEWED and len(trial.account.sent) == 1


# --- refusals that say they came before any processing ----------------------------------------------------------------


def _first(answer: Answer, then: Callable[[str], Answer]) -> Callable[[str], Answer]:
    left = [answer]
    return lambda number: left.pop() if left else then(number)


def test_a_refused_token_leads_to_one_more_order_after_a_new_login_and_a_new_read() -> None:
    trial = Trial(Account(A=12), access_token=None)
    account = trial.account
    account.save = _first(refusal(401), account.accept)
    trial.go()
    assert trial.states() == {"A": "renewed/expiry_moved"} and trial.sleeps == [0]
    between = account.log[account.log.index("save") + 1 :]
    assert between[: between.index("save")] == ["token", "page", "detail"]
    assert account.sent[1]["poNumber"] == f"{account.sent[0]['poNumber']}.2" and statuses(trial.ledger) == [
        ("renewed", 2)
    ]


def test_a_token_that_is_refused_again_stops_the_run() -> None:
    trial = Trial(Account(A=12, B=13), access_token=None)
    trial.account.save = lambda number: refusal(401)
    trial.go()
    assert trial.account.ordered() == ["A", "A"] and not trial.report.changed
    assert trial.states() == {"A": "failed/rejected", "B": "not_attempted/stopped"}


def test_a_rate_limit_is_waited_for_once_and_the_protocol_runs_again() -> None:
    trial = Trial(Account(A=12))
    account = trial.account
    account.save = _first(refusal(429, Retry_After="40"), account.accept)
    trial.go()
    assert trial.states() == {"A": "renewed/expiry_moved"} and trial.sleeps == [40]
    between = account.log[account.log.index("save") + 1 :]
    expected = ["page", "existed_auto_renew", "detail"]
    assert between[: between.index("save")] == expected, "what was read before the wait is old"


@pytest.mark.parametrize(("headers", "pause"), [({}, 30), ({"Retry_After": "7"}, 7), ({"Retry_After": "70"}, 60)])
def test_after_an_order_that_may_have_been_one_too_many_the_next_reads_wait_and_no_other_order_leaves(
    headers: dict[str, str], pause: float
) -> None:
    trial = Trial(Account(A=12, B=13, C=14))
    trial.account.save = lambda number: raw(b"", 429, **headers)
    trial.go()
    assert trial.states() == {"A": "unknown/ambiguous", **dict.fromkeys("BC", "not_attempted/stopped")}
    assert trial.account.ordered() == ["A"] and trial.bench.sleeps == [pause]


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_refusal_that_does_not_say_that_it_came_first_is_not_waited_for(status: int) -> None:
    trial = Trial(Account(A=12))
    trial.account.save = lambda number: refusal(status, Retry_After="1")
    assert trial.go().states() == {"A": "failed/rejected"} and trial.account.ordered() == ["A"] and trial.sleeps == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda account: account.charge("A"), "current/enough_time"),
        (lambda account: account.pbxs["A"].update(quantity=101), "blocked/stale_plan"),
        (lambda account: account.prices.append(Money(Decimal(60), "USD")), "blocked/stale_plan"),
        (lambda account: account.before.update(page=lambda: refusal(500)), "failed/rate_limited"),
    ],
    ids=["a person renews", "the quantity changes", "the price rises", "the orders cannot be read any more"],
)
def test_what_changes_during_the_wait_is_not_ordered(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any], expected: str
) -> None:
    trial = Trial(Account(A=12), max_total=Decimal(100))
    account: Any = trial.account
    account.prices = [Money(Decimal(50), "USD")]
    monkeypatch.setattr(trial.portal, "renewal_price", lambda order, catalog: account.prices[-1])

    def limited(number: str) -> Answer:
        change(account)
        return refusal(429, Retry_After="1")

    account.save = limited
    trial.go()
    assert trial.states() == {"A": expected} and len(account.sent) == 1 and not trial.report.changed


@pytest.mark.parametrize("error", [AccessError, ReadError])
def test_what_cannot_be_priced_again_after_a_refusal_is_not_ordered_and_breaks_nothing_off(
    monkeypatch: pytest.MonkeyPatch, error: type[ReadError]
) -> None:
    limits = {"max_amount_per_item": Decimal(100)}
    trial = Trial(Account(expiry_lag=20, A=12, B=13), access_token=None, **limits)
    account = trial.account
    answers = [lambda: refusal(401), lambda: account.accept("A")]
    account.save = lambda number: answers.pop()()

    def price(order: Any, catalog: Any) -> Optional[Money]:
        if len(account.sent) == 2:
            raise error("GET /price", "no")
        return Money(Decimal(50), "USD")

    monkeypatch.setattr(trial.portal, "renewal_price", price)
    trial.go()
    assert account.ordered() == ["A", "B"]
    assert trial.states() == {"A": "renewed/expiry_moved", "B": "failed/not_readable"}


# --- refusals on business grounds -------------------------------------------------------------------------------------


@pytest.mark.faults(37)
@pytest.mark.parametrize(("status", "reason"), [("pending", "already_ordered"), ("confirming", "already_ordered")])
def test_an_order_that_is_refused_because_one_is_open_is_pending(status: str, reason: str) -> None:
    trial = Trial(Account(A=12, B=13))
    account = trial.account
    account.saved_status = status

    def refuse(number: str) -> Answer:
        if number == "A":
            account.charge("A", "by hand")
            return refusal(400, "order_pending")
        return account.accept(number)

    account.save = refuse
    trial.go()
    assert trial.states()["A"] == f"pending/{reason}" and account.ordered() == ["A", "B"]
    rows = {row["product_no"]: row for row in trial.report.as_result()["results"]}
    assert rows["A"]["order"]["order_no"] == "BN1" and "order_pending" in rows["A"]["message"]
    assert rows["A"]["changed"] and statuses(trial.ledger)[0] == ("unknown", 1)


@pytest.mark.faults(35, 37)
@pytest.mark.parametrize(
    ("status", "headers"), [(400, {}), (401, {}), (403, {}), (429, {}), (429, {"Retry_After": "1"})]
)
def test_a_refusal_after_our_own_order_was_accepted_adopts_that(status: int, headers: dict[str, str]) -> None:
    trial = Trial(Account(A=12), access_token=None)
    account = trial.account
    account.saved_status = "pending"

    def replayed(number: str) -> Answer:
        account.accept(number)
        return refusal(status, "order_pending", **headers)

    account.save = replayed
    trial.go()
    assert trial.states() == {"A": "pending/unpaid"} and trial.report.changed
    assert statuses(trial.ledger) == [("accepted", 1)] and trial.only()["order"]["order_no"] == "BN1"
    assert account.ordered() == ["A"]


@pytest.mark.faults(35)
@pytest.mark.parametrize(("status", "state"), [(400, "renewed/expiry_moved"), (401, "current/enough_time")])
def test_a_refusal_beside_an_order_that_has_no_number_is_never_sent_again(status: int, state: str) -> None:
    trial = Trial(Account(echoes=False, A=12), access_token=None)
    account = trial.account

    def replayed(number: str) -> Answer:
        account.accept(number)
        return refusal(status)

    account.save = replayed
    trial.go()
    assert trial.states() == {"A": state} and account.ordered() == ["A"]
    # A refusal on business grounds may have been one of our own order; before any processing, there was none.
    assert trial.report.changed is (status == 400)


def test_a_refusal_stands_when_the_orders_cannot_be_looked_at() -> None:
    trial = Trial(Account(A=12))
    trial.account.save = lambda number: refusal(400)
    trial.account.before["page"] = lambda: refusal(500) if trial.account.sent else None
    trial.go()
    assert trial.states() == {"A": "failed/rejected"} and any("after the refusal" in one for one in trial.warnings)


# --- without a ledger -------------------------------------------------------------------------------------------------


@pytest.mark.faults(40)
def test_without_a_ledger_a_run_hesitates_and_looks_at_the_orders_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_executor.random, "uniform", lambda least, most: (least, most))
    trial = Trial(Account(A=12), is_kept=False)
    slept: list[Any] = []
    trial.sleep = slept.append  # type: ignore[method-assign]
    trial.go()
    assert slept == [(0, 30.0)] and trial.states() == {"A": "renewed/expiry_moved"}
    before = trial.account.log[: trial.account.log.index("save")]
    assert before.count("page") == 2


def test_a_run_with_nothing_due_or_with_a_ledger_does_not_hesitate() -> None:
    assert Trial(Account(A=300), is_kept=False).go().sleeps == []
    assert Trial(Account(A=12)).go().sleeps == []


@pytest.mark.faults(40)
def test_what_another_run_orders_during_the_hesitation_is_not_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(Account(expiry_lag=9e9, A=12), is_kept=False)
    monkeypatch.setattr(trial, "sleep", lambda seconds: trial.account.charge("A", "RN20261205-0123abcd"))
    trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "pending/awaiting_expiry"}


def test_orders_that_cannot_be_read_after_the_hesitation_stop_the_run() -> None:
    trial = Trial(Account(A=12), is_kept=False)
    trial.account.before["page"] = lambda: refusal(500) if trial.account.log.count("page") == 2 else None
    with pytest.raises(ReadError):
        trial.go()
    assert trial.account.sent == [] and trial.states() == {"A": "not_attempted/stopped"}


# --- while orders are followed ----------------------------------------------------------------------------------------


def test_orders_that_cannot_be_read_while_one_is_followed_are_warned_of_and_read_again() -> None:
    trial = Trial(Account(list_lag=10, expiry_lag=10, A=12))

    def lost(number: str) -> Answer:
        trial.account.accept(number)
        raise ExchangeError("the answer timed out")

    trial.account.save = lost
    trial.account.before["page"] = lambda: refusal(500) if trial.account.log.count("page") == 3 else None
    trial.go()
    assert trial.states() == {"A": "renewed/expiry_moved"}
    assert any("while orders were followed" in warning for warning in trial.warnings)


def test_nothing_is_followed_without_time_to_wait() -> None:
    trial = Trial(Account(expiry_lag=10, A=12), wait_timeout=0)
    assert trial.go().sleeps == [] and trial.states() == {"A": "pending/awaiting_expiry"}


def test_the_same_order_is_not_noted_again_and_again() -> None:
    trial = Trial(Account(expiry_lag=9e9, A=12))
    steps: list[str] = []
    trial.account.before["third sleep"] = lambda: watch(trial.ledger, steps.append)
    trial.go()
    assert len(trial.sleeps) > 3 and steps.count("begin") == 1  # which is the note that all is reported
