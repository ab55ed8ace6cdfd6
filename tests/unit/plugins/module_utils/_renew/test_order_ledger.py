# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run writes into the ledger and when, and what it does when it cannot."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, usd, wanted
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import refusal
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import break_down, history, rows_of, statuses, watch
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial


def _ledger(path: object = "none") -> Ledger:
    return open_ledger(str(path), PORTAL, lambda: NOW, read_only=False)


def _lost(answer: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """An order that is carried out and whose answer is lost."""

    def save(number: str) -> Answer:
        answer(number)
        raise ExchangeError("the answer timed out")

    return save


def test_the_settle_window_begins_when_the_order_leaves_however_long_it_waited_for_a_token() -> None:
    trial = Trial(Account(A=12))
    patiently(trial, lambda: trial.sleep(900))

    def save(number: str) -> Answer:
        raise KeyboardInterrupt

    trial.account.save = save
    with pytest.raises(KeyboardInterrupt):
        trial.go()
    (intent,) = trial.ledger.intents()
    assert (intent.status, intent.uncertain_since) == (IntentStatus.UNKNOWN, NOW + timedelta(seconds=900))
    assert trial.report.changed


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_order_that_is_interrupted_while_it_waits_to_leave_was_not_attempted(error: type[BaseException]) -> None:
    trial = Trial(Account(A=12))

    def interrupt() -> None:
        raise error

    patiently(trial, interrupt)
    with pytest.raises(error):
        trial.go()
    assert statuses(trial.ledger) == [("not_sent", 1)] and not trial.report.changed
    assert trial.states() == {"A": "not_attempted/stopped"} and trial.account.sent == []


def patiently(trial: Trial, wait: Callable[[], Any]) -> None:
    """Have something happen when an order has all it needs but the leave to go: a pause of all, a login."""
    sender: Any = trial.sender
    send = sender.send

    def send_later(*arguments: Any) -> Any:
        wait()
        return send(*arguments)

    sender.send = send_later


# --- before the order -------------------------------------------------------------------------------------------------


def test_the_intent_is_durable_before_the_order_leaves(tmp_path: Path) -> None:
    trial = Trial(Account(A=12), ledger=_ledger(tmp_path / "ledger"))
    seen = []

    def save(number: str) -> Answer:
        with contextlib.closing(_ledger(tmp_path / "ledger")) as second:
            seen.extend(second.intents())
        return trial.account.accept(number)

    trial.account.save = save
    trial.go()
    assert len(seen) == 1
    intent = seen[0]
    assert (intent.status, intent.generation, intent.note) == (IntentStatus.INTENDED, 1, "sending")
    assert (intent.product_no, intent.run_id, intent.account) == ("A", "run", "account")
    assert intent.uncertain_since == intent.portal_uncertain_since == NOW
    assert intent.po_number == trial.account.sent[0]["poNumber"]


def test_the_lock_of_the_pbx_is_held_from_before_the_intent_until_after_the_verification() -> None:
    trial = Trial(Account(A=12))
    watch(trial.ledger, trial.account.log.append)
    log = trial.go().account.log
    first, last = log.index("lock"), log.index("unlock")
    held = log[first:last]
    assert [call for call in held if call != "query"] == [
        *("lock", "begin", "committed", "detail", "begin", "committed", "save"),
        *("begin", "committed", "detail", "begin", "committed"),
    ]


def test_a_renewal_goes_through_every_status_and_keeps_the_orders_numbers() -> None:
    trial = Trial(Account(A=12)).go()
    (intent,) = trial.ledger.intents()
    assert history(trial.ledger) == ["intended", "intended", "accepted", "renewed"]
    assert (intent.order_no, intent.transaction_no, intent.order_status) == ("BN1", "QO1", "succeed")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ExchangeError("no connection", sent=False), "not_sent"),
        (refusal(400, "parameter_validation_failed"), "rejected"),
        (refusal(400), "unknown"),
        (refusal(403), "rejected"),
        (refusal(429), "rejected"),
        (refusal(500), "unknown"),
        (ExchangeError("the answer timed out"), "unknown"),
        (KeyboardInterrupt(), "unknown"),
    ],
    ids=["not sent", "400 of the known code", "400", "403", "429", "500", "timed out", "interrupted"],
)
def test_the_ledger_says_what_became_of_the_order(answer: Any, expected: str) -> None:
    trial = Trial(Account(A=12))

    def save(number: str) -> Answer:
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    trial.account.save = save
    with contextlib.suppress(KeyboardInterrupt):
        trial.go()
    assert statuses(trial.ledger) == [(expected, 1)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_intent_is_closed_when_the_read_before_the_order_is_interrupted(error: type[BaseException]) -> None:
    trial = Trial(Account(A=12))

    def interrupt() -> None:
        raise error

    trial.account.before["detail"] = interrupt
    with pytest.raises(error):
        trial.go()
    assert statuses(trial.ledger) == [("not_sent", 1)] and not trial.report.changed


def test_an_intent_is_closed_when_the_last_read_finds_another_order() -> None:
    trial = Trial(Account(A=12))
    trial.account.details["A"] = {"quantity": 101}
    trial.go()
    assert statuses(trial.ledger) == [("not_sent", 1)] and trial.account.sent == []


@pytest.mark.faults(81)
def test_nothing_is_ordered_any_more_once_nothing_waits_for_the_run() -> None:
    account = Account(A=1, B=2, C=3, FAR=90)
    trial = Trial(account, is_awaited=lambda: not account.sent).go()
    assert account.ordered() == ["A"]
    stopped = dict.fromkeys("BC", "not_attempted/stopped")
    assert trial.states() == {"A": "renewed/expiry_moved", **stopped, "FAR": "current/enough_time"}
    told = trial.report.outcomes["B"]
    assert "nothing waits for this run any more" in told.decision.message and not told.may_have_ordered
    of_a, of_b = trial.ledger.intents()
    assert (of_a.status, of_b.status) == (IntentStatus.RENEWED, IntentStatus.NOT_SENT)
    assert of_b.product_no == "B" and "nothing waits for this run any more" in of_b.note
    again = Trial(account, ledger=trial.ledger, clock=1.0).go()
    assert account.ordered() == ["A", "B", "C"] and not again.report.failed


@pytest.mark.faults(81)
def test_an_order_is_not_followed_once_nothing_waits_for_the_run() -> None:
    account = Account(A=1, expiry_lag=3600)
    trial = Trial(account, is_awaited=lambda: not account.sent).go()
    assert trial.states() == {"A": "pending/awaiting_expiry"} and trial.sleeps == []


# --- a ledger that fails ----------------------------------------------------------------------------------------------


@pytest.mark.faults(11)
def test_a_ledger_that_fails_before_the_first_order_fails_the_run() -> None:
    trial = Trial(Account(A=12))
    break_down(trial.ledger)
    with pytest.raises(LedgerError, match="disk full"):
        trial.go()
    assert trial.account.sent == [] and not trial.report.changed
    assert trial.states() == {"A": "not_attempted/stopped"}


@pytest.mark.faults(11)
@pytest.mark.parametrize("transactions", [1, 2], ids=["the intent", "that it is sent"])
def test_what_cannot_be_noted_is_not_ordered_and_stops_all_others(transactions: int) -> None:
    trial = Trial(Account(A=1, B=2))
    break_down(trial.ledger, after=transactions)
    trial.go()
    assert trial.account.sent == [] and not trial.report.changed and trial.report.failed
    assert trial.states() == {"A": "failed/ledger", "B": "not_attempted/stopped"}
    assert "the order was not placed" in trial.report.message() and "disk full" in trial.report.message()


@pytest.mark.parametrize(("expiry_lag", "expected"), [(0, "renewed/expiry_moved"), (3600, "pending/awaiting_expiry")])
def test_an_accepted_order_that_cannot_be_noted_is_told_and_verified_and_stops_all_others(
    expiry_lag: int, expected: str
) -> None:
    trial = Trial(Account(expiry_lag=expiry_lag, A=1, B=2))
    break_down(trial.ledger, after=3)
    trial.go()
    assert trial.account.ordered() == ["A"] and trial.report.changed
    assert trial.states() == {"A": expected, "B": "not_attempted/stopped"}
    assert any("could not be noted" in warning and "disk full" in warning for warning in trial.warnings)
    assert trial.account.log.count("page") >= 2, "the orders were not looked at again"


@pytest.mark.parametrize(
    "answer", [refusal(400), ExchangeError("no connection", sent=False), ExchangeError("the answer timed out")]
)
def test_whatever_cannot_be_noted_after_an_order_stops_all_others(answer: Any) -> None:
    trial = Trial(Account(A=1, B=2))
    break_down(trial.ledger, after=3)

    def save(number: str) -> Answer:
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    trial.account.save = save
    trial.go()
    assert trial.account.ordered() == ["A"] and trial.states()["B"] == "not_attempted/stopped"


def test_a_refusal_that_cannot_be_noted_leads_to_no_second_attempt() -> None:
    trial = Trial(Account(A=1))
    break_down(trial.ledger, after=3)
    trial.account.save = lambda number: refusal(429, Retry_After="1")
    assert trial.go().account.ordered() == ["A"]


def test_a_refusal_that_could_not_be_noted_for_a_moment_leads_to_no_second_attempt() -> None:
    trial = Trial(Account(A=1))
    begun: list[str] = []

    def fails_once(step: str) -> None:
        begun.append(step)
        if step == "begin" and begun.count("begin") == 4:
            raise LedgerError("busy for a moment")

    watch(trial.ledger, fails_once)
    trial.account.save = lambda number: refusal(429, Retry_After="1")
    assert trial.go().account.ordered() == ["A"] and trial.sleeps == []


def test_after_a_ledger_failed_the_next_run_adopts_the_order() -> None:
    account, ledger = Account(expiry_lag=3600, A=1), _ledger()
    break_down(ledger, after=3)
    Trial(account, ledger=ledger).go()
    watch(ledger, lambda step: None)
    assert statuses(ledger) == [("intended", 1)]
    trial = Trial(account, ledger=ledger, clock=60).go()
    assert trial.states() == {"A": "pending/awaiting_expiry"} and statuses(ledger) == [("accepted", 1)]
    assert account.ordered() == ["A"] and not trial.report.changed


# --- caps over several runs -------------------------------------------------------------------------------------------


def test_max_orders_holds_for_all_runs_of_a_run_id() -> None:
    ledger = _ledger()
    first = Trial(Account(A=1), ledger=ledger, max_orders=2).go()
    second = Trial(Account(B=1, C=1), ledger=ledger, max_orders=2).go()
    assert first.account.ordered() == ["A"] and second.account.ordered() == []
    assert second.states() == {"B": "not_attempted/max_orders", "C": "not_attempted/max_orders"}
    says = "this run (run) has ordered or is ordering 1 (A) already; due here: 2 (B, C); max_orders is 2: nothing was"
    assert second.report.message().startswith(f"{says} ordered here")
    third = Trial(Account(B=1), ledger=ledger, max_orders=2).go()
    assert third.account.ordered() == ["B"]
    other = Trial(Account(C=1, D=1), ledger=ledger, max_orders=2, run_id="another").go()
    assert other.account.ordered() == ["C", "D"]


@pytest.mark.faults(77)
@pytest.mark.parametrize(
    "limits", [{"max_orders": 2}, {"max_total": Decimal(25), "on_unknown_price": "allow"}], ids=str
)
def test_each_term_of_a_pbx_that_a_run_renews_counts(monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]) -> None:
    """A PBX that is several terms behind, and a task that is repeated until nothing is due any more."""
    ledger, account = _ledger(), Account(A=-800)
    for turn in range(3):
        trial = Trial(account, ledger=ledger, clock=turn * 10.0, include_expired=True, **limits)
        monkeypatch.setattr(trial.portal, "renewal_price", lambda order, catalog: usd("10"))
        trial.go()
    assert account.ordered() == ["A", "A"] and len(account.charged()) == 2
    assert trial.only()["state"] == "not_attempted" and not trial.report.changed


def test_what_was_not_ordered_does_not_count_towards_the_caps() -> None:
    ledger = _ledger()
    refused = Trial(Account(A=1), ledger=ledger, max_orders=1)
    refused.account.save = lambda number: refusal(403)
    refused.go()
    assert Trial(Account(B=1), ledger=ledger, max_orders=1).go().account.ordered() == ["B"]


def test_what_a_code_that_nobody_knows_refused_is_not_ordered_again_within_its_window() -> None:
    ledger, account = _ledger(), Account(A=12)
    account.save = lambda number: refusal(400)
    first = Trial(account, ledger=ledger).go()
    assert statuses(ledger) == [("unknown", 1)] and first.report.changed
    again = Trial(Account(A=12), ledger=ledger, clock=10.0).go()
    assert again.account.ordered() == [] and again.only()["state"] == "unknown"


def test_what_a_code_that_nobody_knows_refused_is_open_before_the_run_looks_for_it() -> None:
    ledger, account = _ledger(), Account(A=12)

    def interrupt() -> None:
        raise KeyboardInterrupt

    def save(number: str) -> Answer:
        account.before["page"] = interrupt
        return refusal(400)

    account.save = save
    with pytest.raises(KeyboardInterrupt):
        Trial(account, ledger=ledger).go()
    assert statuses(ledger) == [("unknown", 1)]


@pytest.mark.parametrize("lost", [True, False], ids=["uncertain", "accepted"])
def test_what_may_have_been_ordered_counts_towards_the_caps(lost: bool) -> None:
    ledger, account = _ledger(), Account(A=1)
    account.save = _lost(account.accept) if lost else account.accept
    Trial(account, ledger=ledger, max_orders=1).go()
    assert Trial(Account(B=1), ledger=ledger, max_orders=1).go().account.ordered() == []


def test_max_total_holds_for_all_runs_of_a_run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = _ledger()
    assert ledger.reserve(Caps("run", max_total=Decimal(100)), wanted(X=usd("90"))) is None
    trial = Trial(Account(A=1), ledger=ledger, max_total=Decimal(100), on_unknown_price="allow")
    monkeypatch.setattr(trial.portal, "renewal_price", lambda order, catalog: usd("11"))
    assert trial.go().states() == {"A": "not_attempted/max_total"}
    says = "1 (X) already for 90 USD; due here: 1 (A) for 11 USD; max_total is 100: nothing was ordered here"
    assert says in trial.report.message() and trial.account.sent == []


def test_a_run_with_nothing_due_is_not_failed_by_what_the_run_id_has_ordered() -> None:
    ledger = _ledger()
    Trial(Account(A=1, B=1, C=1), ledger=ledger, max_orders=3).go()
    trial = Trial(Account(D=300), ledger=ledger, max_orders=1).go()
    assert trial.states() == {"D": "current/enough_time"} and not trial.report.failed


# --- a run that only looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [0.0, 5000.0, 200_000.0])
@pytest.mark.parametrize("lost", [True, False], ids=["charged", "not charged"])
def test_a_plan_or_check_mode_leaves_the_ledger_as_it_was(clock: float, lost: bool) -> None:
    account, ledger = Account(A=12), _ledger()
    account.save = _lost(account.accept if lost else lambda number: refusal(500))
    Trial(account, ledger=ledger).go()
    before = rows_of(ledger)
    steps: list[str] = []
    watch(ledger, steps.append)
    trial = Trial(account, ordering=False, ledger=ledger, clock=clock).go()
    assert rows_of(ledger) == before and set(steps) == {"query"} and len(account.sent) == 1
    over = timedelta(seconds=clock) > timedelta(minutes=17)
    expected = "current/enough_time" if lost else ("due/in_window" if over else "unknown/waiting")
    assert trial.states() == {"A": expected}


@pytest.mark.faults(87)
@pytest.mark.parametrize("is_awaited", [True, False])
def test_what_nobody_has_read_is_said_by_the_next_run_once(is_awaited: bool) -> None:
    ledger, account = _ledger(), Account(A=12)
    trial = Trial(account, ledger=ledger)
    account.before["save"] = lambda: setattr(trial, "is_awaited", lambda: is_awaited)
    assert trial.go().states() == {"A": "renewed/expiry_moved"}
    said = [Trial(account, ledger=ledger, clock=clock).go().only()["message"] for clock in (60, 120)]
    assert ["order BN1" in message and "interrupted" in message for message in said] == [not is_awaited, False]
