# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run makes of what earlier runs and others left open, and of the clocks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import NOT_ORDERED, ORDERED, Word, keep
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import facts as _facts
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import ENTERPRISE, HA, Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    page,
    raw,
    refusal,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import history, statuses
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial

WINDOW = 900.0
OVER = 2 * WINDOW


def _ledger() -> Ledger:
    return open_ledger("none", PORTAL, lambda: NOW, read_only=False)


def _loses_its_answer(trial: Trial, after: float = 0, is_carried_out: bool = True) -> Trial:
    """Have the orders of a trial carried out, or not, and their answers lost after so many seconds."""

    def save(number: str) -> Answer:
        if is_carried_out:
            trial.account.accept(number)
        trial.clock += after
        raise ExchangeError("the answer timed out")

    trial.account.save = save
    return trial


def _answers_again(account: Account) -> None:
    account.save = account.accept


# --- an order list that is not whole ----------------------------------------------------------------------------------


def _hides_an_order(account: Account) -> Account:
    account.before["page"] = lambda: success(page(account.rows(), len(account.rows()) + 1))
    return account


@pytest.mark.parametrize("ordering", [True, False])
def test_without_a_ledger_a_gap_in_the_order_list_blocks_every_pbx_that_is_due(ordering: bool) -> None:
    account = _hides_an_order(Account(A=5, B=5, C=300))
    trial = Trial(account, ordering).go()
    assert trial.states() == {**dict.fromkeys("AB", "blocked/recent_order"), "C": "current/enough_time"}
    assert account.sent == [] and "run again" not in trial.report.message()
    for said in ("it announces 1 rows and returns 0", "`ledger`", "renew it in the portal"):
        assert said in trial.report.message()


def test_without_a_ledger_a_gap_that_comes_up_under_way_blocks_what_is_not_ordered_yet() -> None:
    account = Account(A=5, B=6)
    trial = Trial(account)

    def save(number: str) -> Answer:
        trial.clock += 60
        return _hides_an_order(account).accept(number)

    account.save = save
    trial.go()
    assert account.ordered() == ["A"] and trial.states()["B"] == "blocked/recent_order"


@pytest.mark.parametrize(("ordering", "makes"), [(True, True), (False, True), (False, False)])
def test_with_a_ledger_a_gap_in_the_order_list_is_a_warning(tmp_path: Path, ordering: bool, makes: bool) -> None:
    ledger = open_ledger(str(tmp_path / "ledger"), PORTAL, lambda: NOW, read_only=not makes)
    trial = Trial(_hides_an_order(Account(A=5)), ordering, ledger).go()
    assert trial.states() == {"A": "renewed/expiry_moved" if ordering else "due/in_window"}
    assert "it announces 1 rows and returns 0" in trial.bench.warnings[0]


# --- an order that is uncertain ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("echoes", [True, False], ids=["tags", "no tags"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeed", "renewed/expiry_moved"),
        ("pending", "pending/unpaid"),
        ("confirming", "pending/pending_confirmation"),
    ],
)
def test_a_lost_answer_is_found_in_the_same_run(status: str, expected: str, echoes: bool) -> None:
    account = Account(list_lag=20, expiry_lag=20, echoes=echoes, A=12)
    account.saved_status = status
    trial = _loses_its_answer(Trial(account)).go()
    assert trial.states() == {"A": expected} and trial.report.changed and not trial.report.failed
    assert account.ordered() == ["A"]
    if status != "succeed":
        assert trial.only()["order"]["order_no"] == "BN1"


@pytest.mark.parametrize("echoes", [True, False], ids=["tags", "no tags"])
def test_an_order_whose_answer_is_lost_after_minutes_is_dated_before_that_and_still_found(echoes: bool) -> None:
    account, ledger = Account(echoes=echoes, A=12), _ledger()
    account.saved_status = "pending"
    trial = _loses_its_answer(Trial(account, ledger=ledger), after=240).go()
    assert trial.states() == {"A": "pending/unpaid"} and statuses(ledger) == [("accepted", 1)]
    assert Trial(account, ledger=ledger, clock=OVER).go().states() == {"A": "pending/unpaid"}


def test_an_uncertain_order_is_adopted_by_a_later_run() -> None:
    account, ledger = Account(list_lag=600, expiry_lag=1200, A=12), _ledger()
    first = _loses_its_answer(Trial(account, ledger=ledger)).go()
    assert first.states() == {"A": "unknown/ambiguous"} and first.report.changed
    second = Trial(account, ledger=ledger, clock=700).go()
    assert second.states() == {"A": "pending/awaiting_expiry"} and not second.report.changed
    assert second.only()["order"]["order_no"] == "BN1"
    third = Trial(account, ledger=ledger, clock=OVER).go()
    assert third.states() == {"A": "current/enough_time"} and not third.report.failed
    assert statuses(ledger) == [("renewed", 1)] and account.ordered() == ["A"]


def test_an_order_that_never_shows_is_waited_for_and_then_tried_again_under_the_next_tag() -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    _answers_again(account)
    for clock in (100.0, WINDOW - 61):
        waiting = Trial(account, ledger=ledger, clock=clock).go()
        assert waiting.states() == {"A": "unknown/waiting"} and len(account.sent) == 1 and waiting.report.failed
        assert not waiting.report.changed and "00:15:" in waiting.report.message()
    again = Trial(account, ledger=ledger, clock=OVER).go()
    assert again.states() == {"A": "renewed/expiry_moved"} and again.report.changed
    tags = [body["poNumber"] for body in account.sent]
    assert tags[1] == f"{tags[0]}.2" and statuses(ledger) == [("renewed", 2)]
    assert "absent" in history(ledger)


def test_what_shows_within_wait_timeout_to_be_absent_was_not_ordered() -> None:
    trial = Trial(Account(A=12), settle_window=timedelta(seconds=20))
    _loses_its_answer(trial, is_carried_out=False).go()
    assert trial.states() == {"A": "failed/not_sent"} and not trial.report.changed
    assert statuses(trial.ledger) == [("absent", 1)] and "run again to order it" in trial.report.message()


def test_an_uncertain_order_whose_expiry_moves_otherwise_is_not_verified() -> None:
    account = Account(expiry_lag=5, list_lag=5, A=12)
    account.cycles = 2
    trial = _loses_its_answer(Trial(account)).go()
    assert trial.states() == {"A": "failed/verification_failed"} and trial.report.changed
    assert [intent.is_unsettled for intent in trial.ledger.intents()] == [True]


def test_a_list_that_was_read_before_the_window_was_over_proves_no_absence() -> None:
    account, ledger = Account(list_lag=600, expiry_lag=3600, echoes=False, A=12, B=13), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger)).go()
    _answers_again(account)
    second = Trial(account, ledger=ledger, clock=500)

    def long_after_the_list() -> None:
        second.clock = max(second.clock, OVER)

    account.before["detail"] = long_after_the_list
    second.go()
    assert "absent" not in history(ledger) and account.ordered().count("A") == 1
    assert second.states()["A"] == "unknown/waiting"


def test_a_list_that_took_long_to_read_is_as_old_as_its_beginning() -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    second = Trial(account, ledger=ledger, clock=500)

    def takes_long() -> Answer:
        second.clock = OVER
        return success(page([]))

    account.before["page"] = takes_long
    assert second.go().states() == {"A": "unknown/waiting"} and len(account.sent) == 1


def test_the_window_begins_when_the_answer_was_given_up() -> None:
    account, ledger = Account(A=12), _ledger()
    trial = _loses_its_answer(Trial(account, ledger=ledger), after=240, is_carried_out=False).go()
    (known,) = ledger.intents()
    assert (known.uncertain_since, known.portal_uncertain_since) == (NOW + timedelta(seconds=240), NOW)
    assert trial.states() == {"A": "unknown/ambiguous"}
    again = Trial(account, ledger=ledger, clock=WINDOW + 230).go()
    assert again.states() == {"A": "unknown/waiting"} and len(account.sent) == 1


def test_a_dead_order_is_found_although_its_pbx_is_not_due_any_more() -> None:
    account, ledger = Account(A=12), _ledger()
    account.saved_status = "cancelled"
    _loses_its_answer(Trial(account, ledger=ledger)).go()
    (known,) = ledger.intents()
    ledger.update(known, status=IntentStatus.UNKNOWN, order_no=None, order_status=None)
    trial = Trial(account, ledger=ledger, clock=OVER, remaining_days=1).go()
    assert trial.states() == {"A": "failed/rejected"} and statuses(ledger) == [("dead", 1)]


def test_an_earlier_order_is_not_settled_when_the_orders_cannot_be_read() -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    account.before["page"] = lambda: refusal(500)
    with pytest.raises(ReadError):
        Trial(account, ledger=ledger, clock=OVER).go()
    assert len(account.sent) == 1 and statuses(ledger) == [("unknown", 1)]


def test_an_earlier_order_is_not_settled_when_its_pbx_cannot_be_read() -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    account.before["detail"] = lambda: refusal(500)
    trial = Trial(account, ledger=ledger, clock=OVER).go()
    assert trial.states() == {"A": "failed/not_readable"} and "generation 1 (unknown)" in trial.report.message()
    assert statuses(ledger) == [("unknown", 1)]
    account.before["detail"] = lambda: refusal(403)
    trial = Trial(account, ledger=ledger, clock=OVER).go()
    assert trial.states() == {"A": "failed/not_readable"} and "permission for details" in trial.report.message()
    account.before["detail"] = lambda: refusal(401)
    with pytest.raises(ReadError, match="token was refused"):
        Trial(account, ledger=ledger, clock=OVER).go()
    assert len(account.sent) == 1 and statuses(ledger) == [("unknown", 1)]


@pytest.mark.parametrize("total", [0, 2, None])
def test_an_order_list_that_is_not_whole_frees_nothing_until_a_person_says_so(
    tmp_path: Path, total: Optional[int]
) -> None:
    account, ledger = Account(A=12), open_ledger(str(tmp_path / "ledger"), PORTAL, lambda: NOW, read_only=False)
    inner = account._read

    def read(name: str, path: str, params: dict[str, str]) -> Any:
        rows = [{"id": "1", "orderStatus": "succeed", "productNo": "B"}] if params.get("pageNo") == "1" else []
        return {"results": rows, "total": total} if name == "page" else inner(name, path, params)

    account._read = read  # type: ignore[method-assign]
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    _answers_again(account)
    trial = Trial(account, ledger=ledger, clock=400 * OVER).go()
    assert (
        trial.states() == {"A": "unknown/waiting"} and len(account.sent) == 1 and statuses(ledger) == [("unknown", 1)]
    )
    for said in ("may not be whole", "yeastar_pce_ledger", "not_ordered"):
        assert said in trial.report.message()
    keep(ledger, Word("A", NOT_ORDERED, "looked in the portal"), is_check_mode=False)
    assert Trial(account, ledger=ledger, clock=400 * OVER).go().states() == {"A": "renewed/expiry_moved"}
    assert len(account.sent) == 2


def test_an_earlier_order_is_settled_although_its_pbx_is_not_due_any_more() -> None:
    account, ledger = Account(list_lag=600, A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger)).go()
    trial = Trial(account, ledger=ledger, clock=OVER).go()
    assert statuses(ledger) == [("renewed", 1)] and trial.states() == {"A": "current/enough_time"}


# --- an order that is accepted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", ["failed", "invalid", "cancelled", "refunded"])
def test_an_order_that_came_to_nothing_is_told_once_and_ordered_anew_by_the_next_run(dead: str) -> None:
    account, ledger = Account(A=12), _ledger()
    account.saved_status = "pending"
    assert Trial(account, ledger=ledger).go().states() == {"A": "pending/unpaid"}
    account.invoices[0].status = dead
    told = Trial(account, ledger=ledger, clock=3600).go()
    assert told.states() == {"A": "failed/rejected"} and not told.report.changed and len(account.sent) == 1
    assert "BN1" in told.report.message() and statuses(ledger) == [("dead", 1)]
    account.saved_status = "succeed"
    again = Trial(account, ledger=ledger, clock=7200).go()
    assert again.states() == {"A": "renewed/expiry_moved"} and statuses(ledger) == [("renewed", 2)]
    assert account.sent[1]["poNumber"] == f"{account.sent[0]['poNumber']}.2"


@pytest.mark.faults(58, 76)
@pytest.mark.parametrize(("hours", "expected"), [(23, "pending/unpaid"), (25, "blocked/overdue_order")])
@pytest.mark.parametrize("is_dated", [True, False], ids=["by its order", "by its intent"])
def test_an_order_that_stays_open_for_more_than_a_day_is_for_a_person(
    hours: int, expected: str, is_dated: bool
) -> None:
    account, ledger = Account(A=12), _ledger()
    account.saved_status = "pending"
    Trial(account, ledger=ledger).go()
    if not is_dated:
        account.before["page"] = lambda: setattr(account, "dates_orders", False)
    trial = Trial(account, ledger=ledger, clock=hours * 3600.0).go()
    assert trial.states() == {"A": expected} and len(account.sent) == 1


@pytest.mark.faults(58, 76)
def test_an_order_that_stays_open_is_for_a_person_also_where_the_pbx_has_expired() -> None:
    account, ledger = Account(A=12), _ledger()
    account.saved_status = "pending"
    Trial(account, ledger=ledger).go()
    trial = Trial(account, ledger=ledger, clock=20 * 86_400.0).go()
    assert trial.states() == {"A": "blocked/overdue_order"} and "it has expired on" in trial.only()["message"]


@pytest.mark.faults(35, 40)
def test_a_second_order_with_the_tag_is_found_after_the_run_and_named() -> None:
    trial = Trial(Account(A=12))
    account = trial.account

    def replayed(number: str) -> Answer:
        answer = account.accept(number)
        account.accept(number)
        return answer

    account.save = replayed
    account.cycles = 0
    trial.go()
    assert trial.states() == {"A": "failed/duplicate_detected"} and trial.report.changed
    assert "BN1" in trial.report.message() and "BN2" in trial.report.message()
    again = Trial(account, ledger=trial.ledger, clock=OVER).go()
    assert again.states() == {"A": "failed/duplicate_detected"} and len(account.sent) == 1


def test_orders_that_cannot_be_looked_at_after_the_run_are_warned_of() -> None:
    trial = Trial(Account(A=12))
    trial.account.before["page"] = lambda: refusal(500) if trial.account.sent else None
    trial.go()
    assert trial.states() == {"A": "renewed/expiry_moved"}
    assert any("could not be held against" in warning for warning in trial.warnings)


@pytest.mark.faults(61)
def test_the_tag_on_the_order_of_another_pbx_stops_and_is_told() -> None:
    account, ledger = Account(A=12, B=300), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    account.charge("B", account.sent[0]["poNumber"])
    trial = Trial(account, ledger=ledger, clock=OVER).go()
    assert trial.states()["A"] == "failed/verification_failed" and len(account.sent) == 1
    (intent,) = ledger.intents()
    assert intent.order_no is None and intent.is_unsettled


# --- a person's word --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "expected", "sent"), [(ORDERED, "pending/awaiting_expiry", 1), (NOT_ORDERED, "renewed/expiry_moved", 2)]
)
def test_what_a_person_says_of_an_uncertain_order_holds(outcome: str, expected: str, sent: int) -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    _answers_again(account)
    keep(ledger, Word("A", outcome, "seen in the portal"), is_check_mode=False)
    trial = Trial(account, ledger=ledger, clock=120).go()
    assert trial.states() == {"A": expected} and len(account.sent) == sent


def test_an_order_that_may_be_of_any_pbx_keeps_an_uncertain_one_open_until_a_person_says() -> None:
    account = Account(A=12)
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    account.save = lambda number: raw(b"", 500)
    assert Trial(account, ledger=ledger).go().states() == {"A": "unknown/ambiguous"}
    created = (NOW + timedelta(minutes=1)).isoformat()
    account.orders = [{"id": 9, "orderNo": "BN9", "orderStatus": "succeed", "createTime": created}]
    lines = [{"planId": ENTERPRISE, "quantity": 100}, {"serviceId": HA}]
    account.order_details["9"] = {"orderInformation": {"operationType": "renew_plan", "serviceList": lines}}
    later = Trial(account, ledger=ledger, clock=7200).go()
    assert later.states() == {"A": "unknown/waiting"}
    assert "order BN9 (succeed) has come since" in later.only()["message"]
    ledger.call_unrelated("A", "BN9", "looked at it in the portal")
    account.save = account.accept
    assert Trial(account, ledger=ledger, clock=7200).go().states() == {"A": "renewed/expiry_moved"}
    assert account.ordered() == ["A", "A"]


def test_an_order_that_a_person_calls_unrelated_settles_nothing() -> None:
    account, ledger = Account(expiry_lag=9e9, A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    account.charge("A")
    keep(ledger, Word("A", "unrelated", "an expansion", order_no="BN1"), is_check_mode=False)
    assert Trial(account, ledger=ledger, clock=120).go().states() == {"A": "unknown/waiting"}


def test_an_order_that_a_person_calls_unrelated_keeps_nothing_from_being_renewed() -> None:
    account, ledger = Account(expiry_lag=9e9, A=12), _ledger()
    account.charge("A")
    assert Trial(account, ledger=ledger).go().states() == {"A": "blocked/recent_order"}
    keep(ledger, Word("A", "unrelated", "an expansion", order_no="BN1"), is_check_mode=False)
    trial = Trial(account, ledger=ledger).go()
    assert trial.states() == {"A": "pending/awaiting_expiry"} and account.ordered() == ["A"]
    assert trial.only()["order"]["order_no"] == "BN2"


# --- the clocks -------------------------------------------------------------------------------------------------------


@pytest.mark.faults(47)
@pytest.mark.parametrize("direction", [1, -1], ids=["behind", "ahead of"])
@pytest.mark.parametrize(
    ("ahead", "is_warned", "is_refused"),
    [
        (timedelta(minutes=5), False, False),
        (timedelta(minutes=5, seconds=1), True, False),
        (timedelta(hours=12), True, False),
        (timedelta(hours=12, seconds=1), False, True),
    ],
)
def test_the_clocks_may_lie_5_minutes_apart_with_a_warning_and_12_hours_at_most(
    ahead: timedelta, is_warned: bool, is_refused: bool, direction: int
) -> None:
    trial = Trial(Account(A=12))
    trial.account.ahead = ahead * direction
    words = "behind the portal's" if direction > 0 else "ahead of the portal's"
    if is_refused:
        with pytest.raises(ReadError, match=f"clock is 12 h 0 min {words}"):
            trial.go()
    else:
        trial.go()
    assert trial.account.ordered() == ([] if is_refused else ["A"])
    assert [words in warning for warning in trial.warnings][:1] == [True] * is_warned


@pytest.mark.faults(47)
def test_a_clock_that_is_set_in_the_middle_of_a_run_keeps_the_next_from_being_ordered() -> None:
    trial = Trial(Account(A=1, B=2))

    def set_back() -> None:
        trial.account.ahead = timedelta(hours=13)

    trial.account.before["save"] = set_back
    trial.go()
    assert trial.account.ordered() == ["A"] and trial.states()["B"] == "failed/not_readable"
    assert "clock is 13 h 0 min behind" in trial.report.message()


def test_a_portal_without_dates_leaves_nothing_to_compare() -> None:
    trial = Trial(Account(A=12))
    trial.account.ahead = None
    trial.go()
    assert trial.warnings == [] and trial.states() == {"A": "renewed/expiry_moved"}
    (intent,) = trial.ledger.intents()
    assert intent.portal_uncertain_since is None


@pytest.mark.faults(18, 47)
@pytest.mark.parametrize("jump", [timedelta(days=2), -timedelta(days=2)], ids=["ahead", "back"])
def test_a_controllers_clock_that_jumps_proves_no_absence(monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    account, ledger = Account(A=12), _ledger()
    _loses_its_answer(Trial(account, ledger=ledger), is_carried_out=False).go()
    _answers_again(account)
    monkeypatch.setattr(_facts, "SKEW_TO_REFUSE", timedelta(days=9))
    trial = Trial(account, ledger=ledger, clock=jump.total_seconds() + 120)
    account.ahead = -jump
    assert trial.go().states() == {"A": "unknown/waiting"} and len(account.sent) == 1
