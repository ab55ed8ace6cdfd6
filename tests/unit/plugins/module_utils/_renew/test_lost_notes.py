# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a failover, what is due may have been ordered without a note: it waits until the portal would show it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.reconcile import Times, unless_lost
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason, State
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, SECOND, due_decision
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import page, success
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial

WINDOW = timedelta(minutes=15)
OVER = NOW + WINDOW


@pytest.mark.parametrize(
    ("controller", "portal", "is_due"),
    [
        (NOW, NOW, False),
        (OVER - SECOND, OVER - SECOND, False),
        (OVER, OVER, True),
        (OVER, None, True),
        (OVER - SECOND, None, False),
        (OVER, OVER - SECOND, False),
        (OVER - SECOND, OVER, False),
    ],
)
def test_what_is_due_waits_for_the_window_by_both_clocks(
    controller: datetime, portal: Optional[datetime], is_due: bool
) -> None:
    decision = unless_lost(due_decision(), NOW, Times(controller, portal, WINDOW))
    if is_due:
        assert decision == due_decision()
    else:
        assert (decision.state, decision.reason, decision.order) == ("unknown", "waiting", None)
        assert f"another server holds the ledger since {NOW:%Y-%m-%dT%H:%M:%SZ}" in decision.message
        assert "it is tried again by a run later than 20" in decision.message


def test_a_ledger_that_is_where_it_was_keeps_nothing_back() -> None:
    assert unless_lost(due_decision(), None, Times(NOW, NOW, WINDOW, "a gap")) == due_decision()


def test_what_is_not_due_is_left_as_it_is() -> None:
    decision = due_decision(state=State.PENDING, reason=Reason.UNPAID)
    assert unless_lost(decision, NOW, Times(NOW, NOW, WINDOW)) is decision


def test_an_order_list_that_is_not_whole_never_shows_that_nothing_was_ordered_in_this_term() -> None:
    later = Times(NOW + timedelta(days=3), None, WINDOW, "total 2, 1 row")
    blocked = unless_lost(due_decision(), NOW, later)
    assert (blocked.state, blocked.reason, blocked.order) == ("blocked", "recent_order", None)
    assert "total 2, 1 row. Renew it in the portal" in blocked.message
    assert unless_lost(due_decision(), NOW - timedelta(days=400), later) == due_decision()


def _moved(changed_at: datetime = NOW) -> Ledger:
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    ledger.server_changed_at = changed_at
    return ledger


@pytest.mark.parametrize("ordering", [True, False])
def test_within_the_window_a_run_orders_nothing_and_says_when(ordering: bool) -> None:
    account = Account(A=12, B=300)
    trial = Trial(account, ordering, ledger=_moved(), clock=600).go()
    assert trial.states() == {"A": "unknown/waiting", "B": "current/enough_time"} and account.sent == []
    assert not trial.report.changed and "2026-11-23T00:15:00Z" in trial.report.message()


def test_after_the_window_an_order_without_a_note_is_seen_and_what_was_not_ordered_is() -> None:
    account = Account(list_lag=600, expiry_lag=9e9, A=12, B=12)
    assert Trial(account).go().states() == dict.fromkeys("AB", "pending/awaiting_expiry")
    account.invoices.pop()  # of B, whose order never came in
    ledger = _moved()
    assert Trial(account, ledger=ledger, clock=120).go().states() == dict.fromkeys("AB", "unknown/waiting")
    assert Trial(account, ledger=ledger, clock=1000).go().states() == dict.fromkeys("AB", "pending/awaiting_expiry")
    assert account.ordered() == ["A", "B", "B"]


def test_a_gap_in_the_order_list_keeps_it_from_being_ordered() -> None:
    account = Account(A=12)
    account.before["page"] = lambda: success(page([], 1))
    trial = Trial(account, ledger=_moved(), clock=3600).go()
    assert trial.states() == {"A": "blocked/recent_order"} and account.sent == []
