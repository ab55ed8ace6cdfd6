# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run asks whether the portal renews a PBX by itself, how often, and what becomes of the PBX by the answer."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import raw, refusal, success
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import Trial

ASKED = "existed_auto_renew"
ON, OFF = {"autoRenew": True}, {"autoRenew": False}
SKIPPED, DUE, RENEWED = "skipped/auto_renewal", "due/in_window", "renewed/expiry_moved"
NOT_KNOWN = "whether auto-renewal is on is not known"


def _fails(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize("ordering", [True, False], ids=["renewal", "plan"])
def test_what_the_portal_renews_itself_is_never_ordered(ordering: bool) -> None:
    trial = Trial(Account(A=1, B=2), ordering)
    trial.account.auto_renewals = {"A": ON, "B": OFF}
    trial.go()
    assert trial.states() == {"A": SKIPPED, "B": RENEWED if ordering else DUE} and not trial.report.failed
    assert trial.account.ordered() == (["B"] if ordering else [])
    assert {row["product_no"]: row["auto_renewal"] for row in trial.report.as_result()["results"]} == {
        "A": True,
        "B": False,
    }
    assert NOT_KNOWN not in str(trial.report.as_result())


def test_only_what_would_be_ordered_is_asked_about_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(DUE=5, LATER=90, SELF=5, SWITCHING=5, ODD=5, DECLARED=5)
    account.auto_renewals = dict.fromkeys(account.pbxs, OFF)
    account.pbxs["SELF"]["autoRenew"] = True
    account.pbxs["SWITCHING"]["currentPlan"] = "Basic Plan"
    account.pbxs["ODD"]["quantity"] = "many"
    trial = Trial(account, ordering=False)
    asked: list[str] = []
    ask = trial.bench.transport.get
    monkeypatch.setattr(
        trial.bench.transport,
        "get",
        lambda path, params=None: (
            (asked.append(params["productNo"]) if path.endswith(ASKED) else None) or ask(path, params)
        ),
    )
    trial.go(*(Declaration(number, auto_renewal=True if number == "DECLARED" else None) for number in account.pbxs))
    assert sorted(asked) == ["DECLARED", "DUE"]
    assert trial.states()["DECLARED"] == "blocked/contradiction"


def test_a_wrong_word_that_the_portal_renews_it_does_not_let_it_lapse() -> None:
    declared = Declaration("A", auto_renewal=True)
    trial = Trial(Account(A=5)).go(declared)
    assert trial.states() == {"A": SKIPPED} and trial.account.log == ["instance_product_list", ASKED]
    trial = Trial(Account(A=5))
    trial.account.auto_renewals["A"] = OFF
    assert trial.go(declared).states() == {"A": "blocked/contradiction"} and trial.account.sent == []


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403),
        refusal(404),
        refusal(400),
        refusal(403, code="token_scope"),
        raw(b"<html>", 403, "text/html"),
        raw(b"<html>", 404, "text/html"),
        raw(b"<html>", 200, "text/html"),
        raw(b"", 302, None, Location="https://x/login"),
        refusal(200, code="fail"),
        success(None),
        success(True),
        success([]),
        success({}),
        success({"autoRenew": "?"}),
    ],
)
@pytest.mark.parametrize(("word", "state"), [("allow", RENEWED), ("block", "blocked/cannot_determine")])
def test_what_the_portal_does_not_tell_stops_no_run(answer: Answer, word: str, state: str) -> None:
    trial = Trial(Account(A=1, B=90), on_unknown_auto_renewal=word)
    trial.account.auto_renewals["A"] = answer
    trial.go()
    assert trial.states() == {"A": state, "B": "current/enough_time"}
    declared = Declaration("A", auto_renewal=False)
    trial = Trial(Account(A=1), on_unknown_auto_renewal=word)
    trial.account.auto_renewals["A"] = answer
    assert trial.go(declared).states() == {"A": RENEWED}


def test_that_it_is_not_known_is_said_in_message_and_diff() -> None:
    result = Trial(Account(A=1), ordering=False).go().report.as_result()
    assert NOT_KNOWN in result["results"][0]["message"] and "HTTP 404" in result["results"][0]["message"]
    assert "auto-renewal: not known\n" in result["diff"][0]["after"] and result["results"][0]["auto_renewal"] is None


@pytest.mark.parametrize(
    "problem", [refusal(500), refusal(503), refusal(408), ExchangeError("no whole answer within 30 s")]
)
@pytest.mark.parametrize("declared", [None, False])
def test_what_may_pass_fails_that_pbx_alone(problem: Any, declared: Any) -> None:
    trial = Trial(Account(A=1, B=2))
    trial.account.auto_renewals["B"] = OFF
    trial.account.before[ASKED] = lambda: (
        (problem if isinstance(problem, Answer) else _fails(problem)) if trial.account.log.count(ASKED) == 1 else None
    )
    trial.go(Declaration("A", auto_renewal=declared), Declaration("B"))
    assert trial.states() == {"A": "failed/not_readable", "B": RENEWED} and trial.account.ordered() == ["B"]


def test_a_token_that_is_refused_stops_the_run_as_anywhere() -> None:
    trial = Trial(Account(A=1))
    trial.account.auto_renewals["A"] = refusal(401)
    with pytest.raises(ReadError, match="access token was refused"):
        trial.go()
    assert trial.account.sent == []


# --- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "times"), [(30, 1), (31, 2)])
def test_it_is_asked_again_before_the_order_once_the_answer_is_old(seconds: float, times: int) -> None:
    trial = Trial(Account(A=1))
    trial.account.auto_renewals["A"] = OFF

    def switched_on() -> None:
        trial.account.auto_renewals["A"] = ON
        trial.clock += seconds

    trial.account.before["detail"] = switched_on
    trial.go()
    assert trial.account.log[: trial.account.log.index("detail") + 2].count(ASKED) == times
    assert trial.account.ordered() == (["A"] if times == 1 else [])
    if times == 2:
        assert trial.states() == {"A": SKIPPED} and not trial.report.changed
        assert [intent.status for intent in trial.ledger.intents()] == ["not_sent"]


def test_the_answer_is_as_old_as_the_question() -> None:
    trial = Trial(Account(A=1))
    trial.account.auto_renewals["A"] = OFF

    def takes_long() -> None:
        trial.clock += 31

    trial.account.before[ASKED] = takes_long
    trial.go()
    assert trial.account.log.count(ASKED) == 2 and trial.account.ordered() == ["A"]


def test_after_a_refusal_of_the_order_that_takes_long_it_is_asked_again() -> None:
    trial = Trial(Account(A=1))
    trial.account.auto_renewals["A"] = OFF

    def asks_to_wait(number: str) -> Answer:
        trial.account.auto_renewals["A"] = ON
        return refusal(429, Retry_After="60")

    trial.account.save = asks_to_wait
    trial.go()
    assert trial.states() == {"A": SKIPPED} and trial.account.ordered() == ["A"], "refused, and not sent again"


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("status", [403, 404])
def test_what_is_refused_for_three_in_a_row_is_not_asked_again(status: int, size: int) -> None:
    numbers = [f"A{index}" for index in range(9)]
    trial = Trial(Account(**dict.fromkeys(numbers, 5)), size=size)
    trial.account.auto_renewals = {number: refusal(status) for number in numbers}
    trial.account.before["detail"] = lambda: setattr(trial, "clock", trial.clock + 31)
    trial.go()
    assert trial.account.log.count(ASKED) in range(3, 3 + size)
    assert trial.states() == dict.fromkeys(numbers, RENEWED)
    said = [warning for warning in trial.warnings if "3 PBXs in a row" in warning]
    assert len(said) == 1 and f"HTTP {status}" in said[0] and "on_unknown_auto_renewal" in said[0]


def test_an_answer_in_between_starts_the_count_again() -> None:
    numbers = [f"A{index}" for index in range(8)]
    trial = Trial(Account(**dict.fromkeys(numbers, 5)), ordering=False)
    trial.account.auto_renewals = {"A2": OFF, "A5": success({"other": "shape"})}
    trial.go()
    assert trial.account.log.count(ASKED) == 8 and not any("in a row" in warning for warning in trial.warnings)


def test_one_pbx_that_is_refused_time_and_again_is_one() -> None:
    trial = Trial(Account(A=1, B=2), ordering=False)
    trial.account.before["detail"] = lambda: setattr(trial, "clock", trial.clock + 31)
    trial.go()
    assert trial.account.log.count(ASKED) == 4 and not any("in a row" in warning for warning in trial.warnings)


def test_where_only_prices_are_wanted_nothing_else_is_asked() -> None:
    trial = Trial(Account(A=1), ordering=False, prices_only=True).go()
    assert ASKED not in trial.account.log and trial.states() == {"A": DUE}
    (decision,) = trial.report.decisions()
    assert decision.price_asked and "auto-renewal is on was not asked for" in decision.message


# --- what rows say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "answer", "state"),
    [
        ({"autoRenewFlag": "Y"}, OFF, SKIPPED),
        ({"isAutoRenew": "Y"}, None, SKIPPED),
        ({"autoRenewFlag": "opened"}, None, SKIPPED),
        ({"autoRenew": False}, ON, SKIPPED),
        ({"autoRenewFlag": "perhaps"}, ON, SKIPPED),
        ({"autoRenewFlag": "perhaps"}, OFF, RENEWED),
        ({"autoRenewFlag": "perhaps"}, None, "blocked/cannot_determine"),
        ({"autoRenew": False}, None, RENEWED),
    ],
)
@pytest.mark.parametrize("place", ["listing", "detail"])
def test_any_on_wins_over_any_off(field: dict[str, Any], answer: Any, state: str, place: str) -> None:
    trial = Trial(Account(A=1))
    trial.account.auto_renewals = {} if answer is None else {"A": answer}
    (trial.account.pbxs if place == "listing" else trial.account.details)["A"].update(field)
    assert trial.go().states() == {"A": state}
    assert trial.account.ordered() == (["A"] if state == RENEWED else [])


@pytest.mark.parametrize("declared", [True, False])
def test_a_declaration_stands_in_for_a_field_that_cannot_be_read(declared: bool) -> None:
    trial = Trial(Account(A=1))
    trial.account.pbxs["A"]["autoRenewFlag"] = "perhaps"
    trial.go(Declaration("A", auto_renewal=declared))
    assert trial.states() == {"A": SKIPPED if declared else RENEWED}


def test_a_field_that_speaks_of_how_it_is_renewed_is_warned_of_for_what_is_due() -> None:
    account = Account(A=1, B=90)
    account.auto_renewals["A"] = OFF
    account.pbxs["A"]["renewType"], account.pbxs["B"]["renewPolicy"] = "auto", 1
    trial = Trial(account, ordering=False).go()
    said = {warning for warning in trial.warnings if "the portal reports" in warning}
    assert len(said) == 1 and "renewType: 'auto'" in said.pop() and trial.states()["A"] == DUE
    quiet = Trial(account, ordering=False).go(Declaration("A", auto_renewal=False))
    assert quiet.warnings == [], "a person has looked"
