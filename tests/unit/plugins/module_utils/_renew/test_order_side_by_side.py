# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders side by side: each PBX by its whole protocol, and what stops one stops what has not left yet."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import DryRunLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, intent, wanted
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import refusal
from ansible_collections.pbxops.yeastar.tests.unit.helpers.side_by_side import (
    CallerEnded,
    Wire,
    listening,
    tell_main_thread,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial

SIX = {"A": 11, "B": 12, "C": 13, "D": 14, "E": 15, "F": 16}
RENEWED = "renewed/expiry_moved"
STOPPED = "not_attempted/stopped"


class Together:
    """A trial whose first orders are answered once ``expected`` of them are under way, bad answers first."""

    def __init__(self, account: Account, size: int, expected: int, **options: Any) -> None:
        self.trial = Trial(account, size=size, **options)
        self.account = account
        self.pool = self.trial.bench.transport.pool
        self.wire = Wire(self.pool, expected)
        self.answers: dict[str, Any] = {}
        self.stops = False
        account.save = self._save

    def _save(self, number: str) -> Answer:
        if self.account.ordered().count(number) == 1:
            self.wire.wait()
        answer = self.answers.get(number)
        while self.stops and not answer and self.trial.run._facts.stopped_by is None:
            self.pool.sleep(0.001)
        if isinstance(answer, BaseException):
            raise answer
        return answer or self.account.accept(number)

    def statuses(self) -> dict[str, str]:
        return {one.product_no: one.status for one in self.trial.ledger.intents()}


def test_orders_are_under_way_at_once_and_each_pbx_is_renewed_once() -> None:
    together = Together(Account(**SIX), size=3, expected=3)
    trial = together.trial.go()
    assert trial.states() == dict.fromkeys(SIX, RENEWED) and together.wire.most == 3
    assert Counter(trial.account.ordered()) == dict.fromkeys(SIX, 1)
    assert set(together.statuses().values()) == {IntentStatus.RENEWED}


def test_the_most_urgent_are_ordered_first() -> None:
    together = Together(Account(**SIX), size=3, expected=3)
    trial = together.trial.go(*(Declaration(number) for number in reversed(SIX)))
    assert sorted(trial.account.ordered()[:3]) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (ExchangeError("cut off"), "unknown/ambiguous"),
        (refusal(403), "failed/rejected"),
        (refusal(500), "unknown/ambiguous"),
    ],
)
def test_what_stops_the_run_lets_those_in_flight_finish_and_starts_no_other(answer: Any, state: str) -> None:
    together = Together(Account(**SIX), size=3, expected=3)
    together.answers["B"], together.stops = answer, True
    trial = together.trial.go()
    expected = {"A": RENEWED, "B": state, "C": RENEWED, "D": STOPPED, "E": STOPPED, "F": STOPPED}
    assert trial.states() == expected and sorted(trial.account.ordered()) == ["A", "B", "C"]
    assert "B" in trial.report.as_result()["results"][3]["message"]
    assert set(together.statuses()) == {"A", "B", "C"}
    counted = DryRunLedger(trial.ledger).reserve(Caps("run", max_orders=0), wanted("X"))
    # What was not ordered is not counted any more; what may have been ordered is.
    assert counted is not None and f"ordering {2 if state.startswith('failed') else 3} (" in counted[1]


def test_what_has_its_intent_already_when_another_order_turns_uncertain_is_not_sent() -> None:
    together = Together(Account(A=11, B=12), size=2, expected=1)
    together.answers["A"] = ExchangeError("cut off")
    trial = together.trial
    reads: list[str] = []

    def wait_for_the_other() -> None:
        reads.append("detail")
        is_first = len(reads) == 1
        # A goes on once B is under its intent as well, and B once A has stopped the run.
        while len(reads) < 2 if is_first else trial.run._facts.stopped_by is None:
            together.pool.sleep(0.001)

    trial.account.before["detail"] = wait_for_the_other
    trial.go()
    assert trial.states() == {"A": "unknown/ambiguous", "B": STOPPED} and trial.account.ordered() == ["A"]
    assert together.statuses() == {"A": IntentStatus.UNKNOWN, "B": IntentStatus.NOT_SENT}
    assert not trial.report.outcomes["B"].may_have_ordered
    trial.account.before.clear()
    again = Trial(trial.account, ledger=trial.ledger, clock=2000.0)
    trial.account.save = trial.account.accept
    again.go()
    assert again.states()["B"] == RENEWED and trial.account.ordered().count("B") == 1


def test_who_asks_the_ledger_for_one_pbx_does_not_disturb_the_order_of_another() -> None:
    together = Together(Account(A=11, B=12), size=2, expected=1)
    trial = together.trial
    of_another_run = intent(portal=PORTAL, product_no="A", expires_at=NOW.replace(month=12, day=4), run_id="other")
    reads: list[str] = []

    def interfere() -> None:
        reads.append("page")
        if len(reads) == 1:
            trial.ledger.intend(of_another_run)

    def wait() -> None:  # B's second reading, under its intent, while A finds out about the other run
        while len(reads) < 2:
            together.pool.sleep(0.001)

    trial.account.before.update(page=interfere, detail=wait)
    trial.go()
    assert trial.states() == {"A": "unknown/waiting", "B": RENEWED} and trial.account.ordered() == ["B"]


def test_orders_that_are_old_are_read_again_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    together = Together(Account(**SIX), size=6, expected=6)
    trial = together.trial
    trial.account.before["page"] = lambda: together.pool.sleep(0.005)
    monkeypatch.setattr(type(trial.run), "_carry_out", _late(trial, type(trial.run)._carry_out))
    trial.go()
    assert trial.states() == dict.fromkeys(SIX, RENEWED)
    assert trial.account.log.count("page") == 4  # before the decision, before the orders, and in the end two


def _late(trial: Trial, carry_out: Any) -> Any:
    def carry_out_late(run: Any, plan: Any) -> None:
        trial.clock += 31
        carry_out(run, plan)

    return carry_out_late


@pytest.mark.parametrize("status", [401, 429])
def test_a_refusal_before_processing_leads_to_one_more_attempt_of_that_pbx_alone(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    access_token = None if status == 401 else "given"
    together = Together(Account(A=11, B=12, C=13), size=3, expected=3, access_token=access_token)
    headers = {"Retry_After": "5"} if status == 429 else {}
    together.answers["B"] = refusal(status, **headers)
    trial = together.trial
    trial.account.before["page"] = lambda: together.answers.clear() if trial.account.sent else None
    monkeypatch.setattr(trial, "sleep", lambda seconds: together.answers.clear())
    trial.go()
    assert trial.states() == dict.fromkeys("ABC", RENEWED)
    assert Counter(trial.account.ordered()) == {"A": 1, "B": 2, "C": 1} and len(trial.account.invoices) == 3


def test_whoever_is_told_to_end_leaves_what_is_in_flight_as_perhaps_ordered_and_starts_no_other() -> None:
    together = Together(Account(**SIX), size=3, expected=9)
    trial, entered = together.trial, []

    def hold(number: str) -> Answer:
        entered.append(number)
        if len(entered) == 3:
            tell_main_thread()
        together.pool.sleep(30)
        raise AssertionError("the portal answered after all")

    trial.account.save = hold
    with listening(), pytest.raises(CallerEnded):
        trial.go()
    uncertain = dict.fromkeys("ABC", "unknown/ambiguous")
    assert trial.states() == {**uncertain, **dict.fromkeys("DEF", STOPPED)} and sorted(entered) == ["A", "B", "C"]
    assert together.statuses() == dict.fromkeys("ABC", IntentStatus.UNKNOWN)
    assert trial.report.changed and all(trial.report.outcomes[number].may_have_ordered for number in "ABC")
    counted = DryRunLedger(trial.ledger).reserve(Caps("run", max_orders=0), wanted("X"))
    assert counted is not None and "ordering 3 (A, B, C) already" in counted[1]


def test_caps_are_counted_before_the_first_order() -> None:
    together = Together(Account(**SIX), size=4, expected=4, max_orders=5)
    trial = together.trial.go()
    assert trial.account.sent == [] and set(trial.states().values()) == {"not_attempted/max_orders"}
