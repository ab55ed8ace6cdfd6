# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that ends at any step, and those after it on the same ledger: never two orders that are accepted."""

from __future__ import annotations

import contextlib
from typing import Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import watch
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import PORTAL, Trial

LATER_RUNS = (1.0, 300.0, 1000.0, 2000.0, 90000.0, 180000.0)  # s after the first


class Killed(BaseException):
    """The end of a process."""


class Fate:
    """Kills a run at its n-th step; a step is a request, before and after the portal acts on it, or the ledger's.

    A sudden end lets nothing be written any more; one that is announced, as by SIGTERM, does.
    """

    def __init__(self, account: Account, ledger: Ledger, at: int, is_sudden: bool) -> None:
        self._left, self._is_sudden = at, is_sudden
        self._is_dead, self.step = False, ""
        answer = account._answer

        def watched(path: str, payload: object) -> object:
            self.tell(f"before {path.rpartition('/')[2]}")
            given = answer(path, payload)
            self.tell(f"after {path.rpartition('/')[2]}")
            return given

        account._answer = watched
        self._revive = lambda: setattr(account, "_answer", answer)
        watch(ledger, self.tell)

    def tell(self, step: str) -> None:
        self._left -= 1
        if self._left == -1:
            self._is_dead, self.step = True, step
        if self._left == -1 or (self._is_dead and self._is_sudden):
            raise Killed(step)

    def is_over(self) -> bool:
        """Revive the account; whether the run came to its end before it could be killed."""
        self._revive()
        return not self._is_dead


def _killed_at(at: int, is_sudden: bool, account: Account) -> tuple[Optional[str], list[tuple[str, bool]]]:
    """Kill the first run at a step, then run again; the step, and after each later run its state and whether done."""
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    fate = Fate(account, ledger, at, is_sudden)
    with contextlib.suppress(Killed):
        Trial(account, ledger=ledger).go()
    is_over = fate.is_over()
    told = []
    for clock in LATER_RUNS:
        watch(ledger, lambda step: None)
        trial = Trial(account, ledger=ledger, clock=clock).go()
        told.append((trial.states()["A"], bool(account.charged())))
        assert len(account.charged()) <= 1, f"killed {fate.step}: {account.invoices}"
        closed = [intent for intent in ledger.intents() if intent.is_closed and intent.po_number in account.charged()]
        assert not closed, f"killed {fate.step}: {closed}"
    return (None if is_over else fate.step), told


@pytest.mark.parametrize("is_sudden", [True, False], ids=["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize(
    ("list_lag", "expiry_lag", "echoes", "status"),
    [
        (0, 0, True, "succeed"),
        (0, 3600, False, "succeed"),
        (800, 800, True, "succeed"),
        (800, 1200, False, "succeed"),
        (600, 0, False, "pending"),
    ],
    ids=["at once", "expiry lags", "both lag", "both lag without tags", "unpaid"],
)
def test_a_run_that_is_killed_anywhere_never_leads_to_two_orders(
    list_lag: int, expiry_lag: int, echoes: bool, status: str, is_sudden: bool
) -> None:
    steps = []
    for at in range(200):
        account = Account(list_lag, expiry_lag, echoes, A=12)
        account.saved_status = status
        step, told = _killed_at(at, is_sudden, account)
        if step is None:
            break
        steps.append(step)
        final, is_charged = told[-1]
        assert is_charged, f"killed {step}: never ordered, {told}"
        assert final == ("current/enough_time" if status == "succeed" else "blocked/overdue_order"), (
            f"killed {step}: {told}"
        )
        assert len(account.invoices) == 1, f"killed {step}: {account.invoices}"
    assert {"before save", "after save", "begin", "committed", "lock", "unlock", "before detail"} <= set(steps)
    assert len(steps) > 25
