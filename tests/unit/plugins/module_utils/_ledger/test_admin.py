# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of the ledger and says in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import (
    NOT_ORDERED,
    ORDERED,
    UNRELATED,
    Word,
    keep,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import user_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import ACCEPTED_AS
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import EXPIRY, SN, intent, utc
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import opened, rows_of


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    one = opened("none")
    yield one
    one.close()


def _settle(ledger: Ledger, outcome: str, is_check_mode: bool = False, **word: Any) -> dict[str, Any]:
    return keep(ledger, Word(**{"product_no": SN, "outcome": outcome, "reason": "seen", **word}), is_check_mode)


# --- listing ----------------------------------------------------------------------------------------------------------


def test_an_empty_ledger_lists_nothing(ledger: Ledger) -> None:
    assert keep(ledger, Word(), is_check_mode=False) == {
        "changed": False,
        "intents": [],
        "unrelated_orders": [],
        "ledger": "none",
        "user": user_name(),
        "msg": "no intents: ledger is none, which keeps nothing",
    }


@pytest.mark.parametrize("word", [Word(), Word("OTHER")], ids=["all", "one PBX"])
def test_where_nothing_is_found_the_ledger_and_its_user_are_named(tmp_path: Path, word: Word) -> None:
    path = tmp_path / "ledger"
    with contextlib.closing(opened(str(path), read_only=True)) as missing:
        result = keep(missing, word, is_check_mode=False)
    assert result["msg"].startswith(f"no intents: there is no ledger yet at {path}, for the user {user_name()}. ")
    with contextlib.closing(opened(str(path))) as empty:
        result = keep(empty, word, is_check_mode=False)
        assert (result["ledger"], result["user"]) == (str(path), user_name())
        assert result["msg"].startswith(f"no intents: the ledger is {path}, for the user {user_name()}. ")
        assert "become" in result["msg"] and "named in ledger" in result["msg"]
        empty.intend(intent())
        assert "msg" not in keep(empty, Word(), is_check_mode=False)


def test_an_intent_that_is_not_there_is_missed_by_the_name_of_ledger_and_user(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with contextlib.closing(opened(str(path), read_only=True)) as missing, pytest.raises(ValueError) as missed:
        _settle(missing, ORDERED)
    assert "no such intent" in str(missed.value)
    assert f"no ledger yet at {path}, for the user {user_name()}" in str(missed.value)


def test_an_intent_is_listed_with_all_that_is_known_as_text(ledger: Ledger) -> None:
    known = {"order_no": "BN1", "transaction_no": "QO1", "price_amount": "1680.00", "price_currency": "USD"}
    ledger.intend(intent(status=IntentStatus.ACCEPTED, order_status="pending", **known))
    (row,) = keep(ledger, Word(), is_check_mode=False)["intents"]
    assert row == {
        "product_no": SN,
        "expires_at": "2026-12-05T00:00:00Z",
        "status": "accepted",
        "unsettled": True,
        "generation": 1,
        "uncertain_since": "2026-11-23T00:00:00Z",
        "po_number": "RN20261205-0123abcd",
        "price": {"amount": "1680.00", "currency": "USD"},
        "order": {"order_no": "BN1", "transaction_no": "QO1", "status": "pending"},
        "run_id": "run",
        "note": "to be ordered",
    }


def test_an_intent_without_a_known_order_has_none(ledger: Ledger) -> None:
    ledger.intend(intent())
    assert keep(ledger, Word(), is_check_mode=False)["intents"][0]["order"] is None


@pytest.mark.parametrize(("status", "expected"), [(one, one.is_unsettled) for one in IntentStatus])
def test_every_status_says_whether_it_is_settled(ledger: Ledger, status: str, expected: bool) -> None:
    ledger.intend(intent(status=status))
    assert keep(ledger, Word(SN), is_check_mode=False)["intents"][0]["unsettled"] is expected


def test_one_pbx_or_all_are_listed(ledger: Ledger) -> None:
    ledger.intend(intent())
    ledger.intend(intent(product_no="OTHER"))
    ledger.call_unrelated("OTHER", "BN1", "an expansion")
    assert [row["product_no"] for row in keep(ledger, Word(), is_check_mode=False)["intents"]] == [SN, "OTHER"]
    one = keep(ledger, Word("OTHER"), is_check_mode=False)
    assert [row["product_no"] for row in one["intents"]] == ["OTHER"] and one["unrelated_orders"] == ["BN1"]


# --- settling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (IntentStatus.INTENDED, ORDERED, IntentStatus.RENEWED),
        (IntentStatus.UNKNOWN, ORDERED, IntentStatus.RENEWED),
        (IntentStatus.ACCEPTED, ORDERED, IntentStatus.RENEWED),
        (IntentStatus.ABSENT, ORDERED, IntentStatus.RENEWED),
        (IntentStatus.DEAD, ORDERED, IntentStatus.RENEWED),
        (IntentStatus.RENEWED, ORDERED, None),
        (IntentStatus.INTENDED, NOT_ORDERED, IntentStatus.ABSENT),
        (IntentStatus.UNKNOWN, NOT_ORDERED, IntentStatus.ABSENT),
        (IntentStatus.ABSENT, NOT_ORDERED, None),
        (IntentStatus.REJECTED, NOT_ORDERED, None),
        (IntentStatus.DEAD, NOT_ORDERED, None),
    ],
)
@pytest.mark.parametrize("is_check_mode", [True, False], ids=["check mode", "for real"])
def test_a_persons_word_settles_an_intent_and_is_a_change_if_it_does(
    ledger: Ledger, before: str, outcome: str, after: Any, is_check_mode: bool
) -> None:
    ledger.intend(intent(status=before))
    untouched = rows_of(ledger)
    result = _settle(ledger, outcome, is_check_mode)
    assert result["changed"] is (after is not None)
    assert [row["status"] for row in result["intents"]] == [before if is_check_mode else after or before]
    if after is None:
        assert "diff" not in result and rows_of(ledger) == untouched
    else:
        (diff,) = result["diff"]
        assert (diff["before"], diff["after"]) == (f"status: {before}\n", f"status: {after}\n")
        assert diff["before_header"] == diff["after_header"] == f"{SN} 2026-12-05T00:00:00Z"
        assert (rows_of(ledger) == untouched) is is_check_mode


@pytest.mark.parametrize("status", [IntentStatus.ACCEPTED, IntentStatus.RENEWED])
def test_an_order_that_the_ledger_knows_is_called_not_ordered_only_by_force(ledger: Ledger, status: str) -> None:
    ledger.intend(intent(status=status, order_no="BN7", order_status="pending", note="seen in the list"))
    untouched = rows_of(ledger)
    with pytest.raises(ValueError, match=r"BN7.*pending.*seen in the list.*force: true"):
        _settle(ledger, NOT_ORDERED)
    assert rows_of(ledger) == untouched
    assert _settle(ledger, NOT_ORDERED, force=True)["changed"]
    assert [one.status for one in ledger.intents()] == [IntentStatus.ABSENT]


def test_an_order_that_the_portal_answered_with_is_called_unrelated_only_by_force(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.INTENDED))
    accepted = {"status": IntentStatus.ACCEPTED, "order_no": "BN7", "note": f"{ACCEPTED_AS} BN7 (succeed)"}
    ledger.update(ledger.intents()[0], **accepted)
    with pytest.raises(ValueError, match=r"BN7.*force: true"):
        _settle(ledger, UNRELATED, order_no="BN7")
    assert [one.status for one in ledger.intents()] == [IntentStatus.ACCEPTED] and not ledger.unrelated_orders()
    assert _settle(ledger, UNRELATED, order_no="BN7", force=True)["changed"]
    assert [one.status for one in ledger.intents()] == [IntentStatus.UNKNOWN]


def test_who_says_it_twice_changes_it_once(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.UNKNOWN))
    assert _settle(ledger, ORDERED)["changed"] and not _settle(ledger, ORDERED)["changed"]


def test_the_reason_is_kept_with_the_intent_and_in_the_history(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.UNKNOWN))
    _settle(ledger, ORDERED, reason="invoice 7", order_no="BN9")
    (settled,) = ledger.intents()
    assert (settled.note, settled.order_no) == ("settled by hand: invoice 7", "BN9")
    assert rows_of(ledger)["history"][-1][-2:] == ("BN9", "settled by hand: invoice 7")


def test_a_known_order_number_stays_where_none_is_said(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.ACCEPTED, order_no="BN1"))
    _settle(ledger, ORDERED)
    assert ledger.intents()[0].order_no == "BN1"


def test_what_is_not_settled_is_meant_before_what_is(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.RENEWED, expires_at=utc(2027, 12, 5)))
    ledger.intend(intent(status=IntentStatus.UNKNOWN))
    _settle(ledger, NOT_ORDERED)
    assert [one.status for one in ledger.intents()] == [IntentStatus.ABSENT, IntentStatus.RENEWED]


def test_of_settled_ones_the_last_expiry_is_meant_or_the_one_that_is_named(ledger: Ledger) -> None:
    ledger.intend(intent(status=IntentStatus.ABSENT))
    ledger.intend(intent(status=IntentStatus.ABSENT, expires_at=utc(2027, 12, 5)))
    _settle(ledger, ORDERED)
    assert [one.status for one in ledger.intents()] == [IntentStatus.ABSENT, IntentStatus.RENEWED]
    _settle(ledger, ORDERED, expires_at=utc(2026, 12, 5, 20))
    assert [one.status for one in ledger.intents()] == [IntentStatus.RENEWED, IntentStatus.RENEWED]


def test_of_several_that_are_not_settled_one_must_be_named(ledger: Ledger) -> None:
    for expires_at in (EXPIRY, utc(2027, 12, 5)):
        ledger.intend(intent(status=IntentStatus.ABSENT, expires_at=expires_at))
    with ledger._database.transaction() as execute:
        execute("UPDATE yeastar_intent SET status = 'unknown'")
    with pytest.raises(ValueError, match=r"expires_at: .*2026-12-05T00:00:00Z, 2027-12-05T00:00:00Z"):
        _settle(ledger, ORDERED)
    assert _settle(ledger, ORDERED, expires_at=EXPIRY)["changed"]


@pytest.mark.parametrize("word", [{"product_no": "OTHER"}, {"expires_at": utc(2027, 12, 5)}])
def test_an_intent_that_there_is_not_cannot_be_settled(ledger: Ledger, word: dict[str, Any]) -> None:
    ledger.intend(intent())
    with pytest.raises(ValueError, match=r"the ledger has no such intent for .*; list it"):
        _settle(ledger, ORDERED, **word)


def test_what_a_run_has_just_changed_is_not_overwritten(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.intend(intent(status=IntentStatus.UNKNOWN))

    def changes(key: str) -> bool:
        ledger.update(intent(status=IntentStatus.UNKNOWN), status=IntentStatus.ACCEPTED)
        return True

    monkeypatch.setattr(ledger._database, "try_lock", changes)
    with pytest.raises(ValueError, match="a run has just changed it"):
        _settle(ledger, NOT_ORDERED)
    assert ledger.intents()[0].status == IntentStatus.ACCEPTED


def test_a_pbx_that_a_run_is_ordering_is_not_settled(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.intend(intent())
    locks: list[str] = []

    def refuse(key: str) -> bool:
        locks.append(key)
        raise LedgerError("busy")

    monkeypatch.setattr(ledger._database, "try_lock", refuse)
    with pytest.raises(LedgerError):
        _settle(ledger, NOT_ORDERED)
    assert locks == [f"https://portal.example {SN}"] and ledger.intents() == [intent()]


# --- unrelated orders -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_check_mode", [True, False], ids=["check mode", "for real"])
def test_an_order_is_called_unrelated_once(ledger: Ledger, is_check_mode: bool) -> None:
    result = _settle(ledger, UNRELATED, is_check_mode, order_no="BN1")
    assert result["changed"] and result["unrelated_orders"] == ([] if is_check_mode else ["BN1"])
    assert _settle(ledger, UNRELATED, is_check_mode, order_no="BN1")["changed"] is is_check_mode
