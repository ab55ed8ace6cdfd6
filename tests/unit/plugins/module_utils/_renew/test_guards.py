# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards behind which another one stands: each must hold by itself. See tests/mutants."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import decide
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import database as _database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.evidence import Evidence
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    EXPIRY,
    NOW,
    SN,
    UNSETTLED,
    declaration,
    evidence,
    intent,
    order,
    policy,
    subscription,
)


def _decide(known: Evidence) -> Decision:
    return decide(declaration(), subscription(), known, policy(), NOW)


@pytest.mark.parametrize("days", [0, 400], ids=["this expiry", "another expiry"])
@pytest.mark.parametrize("status", UNSETTLED)
def test_an_unsettled_intent_keeps_from_deciding_to_order(status: str, days: int) -> None:
    known = intent(status=status, expires_at=EXPIRY - timedelta(days))
    decision = _decide(evidence(intents={SN: (known,)}))
    assert (decision.state, decision.reason, decision.order) == ("unknown", "waiting", None)


@pytest.mark.parametrize(("days", "state"), [(0, "unknown"), (400, "due")], ids=["this expiry", "another expiry"])
def test_a_renewal_keeps_from_deciding_to_order_the_same_again(days: int, state: str) -> None:
    known = intent(status=IntentStatus.RENEWED, expires_at=EXPIRY - timedelta(days))
    assert _decide(evidence(intents={SN: (known,)})).state == state


@pytest.mark.parametrize(
    ("age", "outcome"),
    [(1, ("pending", "awaiting_expiry")), (500, ("blocked", "overdue_order"))],
    ids=["of this term", "from before this term"],
)
def test_a_done_order_with_the_tag_of_this_expiry_is_its_renewal_whatever_its_date(
    age: int, outcome: tuple[str, str]
) -> None:
    done = order(po_number=intent().po_number, created_at=NOW - timedelta(age))
    decision = _decide(evidence(done))
    assert (decision.state, decision.reason) == outcome and decision.order is None


def test_a_ledger_that_cannot_be_written_shows_as_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_database, "TRANSACTION_WAIT", 0.1)
    path = str(tmp_path / "ledger.sqlite3")
    open_ledger(path, "portal", lambda: NOW, read_only=False).close()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="locked"):
        open_ledger(path, "portal", lambda: NOW, read_only=False)
    writer.close()
