# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in a SQLite file, and the one that is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import IntentConflict
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import intent, wanted
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledger_rules import LedgerRules
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import opened


class TestSqliteLedger(LedgerRules):
    @pytest.fixture
    def location(self, tmp_path: Path) -> str:
        return str(tmp_path / "state" / "ledger.sqlite3")


class TestForgottenLedger:
    def test_it_holds_within_a_run_what_a_kept_one_holds(self) -> None:
        ledger = opened("none")
        ledger.intend(intent())
        with pytest.raises(IntentConflict):
            ledger.intend(intent(generation=2))
        assert ledger.intents() == [intent()] and not ledger.is_kept
        assert ledger.reserve(Caps("run", 1), wanted("A", "B")) is not None
        with ledger.lock("A"):
            pass
        ledger.close()

    def test_another_run_knows_nothing_of_it_and_no_file_is_left(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        opened("none").intend(intent())
        assert opened("none").intents() == [] and list(tmp_path.iterdir()) == []


def test_taken_tells_what_stands() -> None:
    assert "expiring 2026-12-05, generation 1 (intended)" in str(IntentConflict(intent()))
