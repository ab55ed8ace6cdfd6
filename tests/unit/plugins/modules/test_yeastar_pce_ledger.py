# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module by which a person looks at the ledger and settles an intent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import user_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import ExchangeError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules

LEDGER = "yeastar_pce_ledger"
SETTLED = {"state": "settled", "product_no": "A", "outcome": "not_ordered", "reason": "not in the portal"}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Modules:
    return Modules(monkeypatch, capsys, tmp_path)


@pytest.fixture
def uncertain(modules: Modules) -> Account:
    """An account with one order of which nobody knows what became."""
    account = Account(A=12)
    account.ahead = None

    def lost(number: str) -> None:
        raise ExchangeError("the answer timed out")

    account.save = lost  # type: ignore[assignment]
    modules.run("yeastar_pce_renewal", account=account, product_no="A", now=NOW_TEXT, wait_timeout=0)
    return account


def test_nothing_is_listed_and_nothing_made_where_there_is_no_ledger(modules: Modules, tmp_path: Path) -> None:
    result = modules.run(LEDGER)
    assert (result["intents"], result["unrelated_orders"], result["changed"]) == ([], [], False)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("is_check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize("outcome", ["ordered", "not_ordered"])
def test_to_settle_an_intent_makes_no_ledger(
    modules: Modules, tmp_path: Path, outcome: str, is_check_mode: bool
) -> None:
    path = tmp_path / "state" / "pbxops.yeastar" / "ledger.sqlite3"
    result = modules.run(LEDGER, **{**SETTLED, "outcome": outcome}, _ansible_check_mode=is_check_mode)
    assert result["failed"] and f"no ledger yet at {path}, for the user {user_name()}" in result["msg"]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("is_check_mode", [True, False], ids=["check mode", "for real"])
def test_an_order_may_be_called_unrelated_before_any_run(modules: Modules, tmp_path: Path, is_check_mode: bool) -> None:
    word = {**SETTLED, "outcome": "unrelated", "order_no": "BN1"}
    assert modules.run(LEDGER, **word, _ansible_check_mode=is_check_mode)["changed"]
    assert modules.run(LEDGER)["unrelated_orders"] == ([] if is_check_mode else ["BN1"])


def test_a_ledger_that_a_run_would_refuse_is_listed_with_a_warning(
    modules: Modules, uncertain: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda module, text: warnings.append(text))
    (tmp_path / "state" / "pbxops.yeastar").chmod(0o770)
    assert len(modules.run(LEDGER)["intents"]) == 1
    assert "would refuse the ledger" in warnings[0] and "chmod go-w" in warnings[0]
    assert "chmod go-w" in modules.run(LEDGER, **SETTLED)["msg"]


def test_what_is_open_is_listed(modules: Modules, uncertain: Account) -> None:
    (row,) = modules.run(LEDGER)["intents"]
    assert (row["product_no"], row["status"], row["unsettled"]) == ("A", "unknown", True)
    assert modules.run(LEDGER, product_no="B")["intents"] == []
    assert modules.run(LEDGER, base_url="https://other.example")["intents"] == []
    assert len(modules.run(LEDGER, base_url="https://OPENAPI.partner.yeastar.com:443/")["intents"]) == 1


def test_check_mode_settles_nothing_and_tells_what_it_would(modules: Modules, uncertain: Account) -> None:
    result = modules.run(LEDGER, **SETTLED, _ansible_check_mode=True)
    assert result["changed"] and result["diff"][0]["after"] == "status: absent\n"
    assert modules.run(LEDGER)["intents"][0]["status"] == "unknown"


def test_what_was_settled_as_not_ordered_is_ordered_by_the_next_run(modules: Modules, uncertain: Account) -> None:
    assert modules.run(LEDGER, **SETTLED)["changed"] and not modules.run(LEDGER, **SETTLED)["changed"]
    uncertain.save = uncertain.accept
    result = modules.run("yeastar_pce_renewal", account=uncertain, product_no="A", now=NOW_TEXT, wait_timeout=0)
    assert [row["state"] for row in result["results"]] == ["renewed"] and len(uncertain.sent) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"state": "settled"}, "product_no, outcome, reason"),
        ({**SETTLED, "outcome": "unrelated"}, "order_no"),
        ({**SETTLED, "reason": " "}, "reason: "),
        ({**SETTLED, "product_no": 5349}, "quote it"),
        ({**SETTLED, "product_no": "B"}, "no such intent for B"),
        ({**SETTLED, "expires_at": "03/04/2026"}, "expires_at: "),
        ({**SETTLED, "outcome": "perhaps"}, "outcome"),
        ({"ledger": " "}, "ledger: expected an absolute path"),
        ({"ledger": "NONE"}, "ledger: expected an absolute path"),
        ({**SETTLED, "ledger": "none"}, "ledger: expected a path or an address"),
        ({"ledger_password": "canary"}, "ledger_password: expected only with a ledger in PostgreSQL"),
        ({"base_url": "http://portal.example"}, "base_url: expected https"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    modules: Modules, uncertain: Account, arguments: dict[str, Any], message: str
) -> None:
    result = modules.run(LEDGER, **arguments)
    assert result["failed"] and message in result["msg"] and "unexpected" not in result["msg"]
    assert modules.run(LEDGER)["intents"][0]["status"] == "unknown"


def test_it_needs_no_credentials_and_sends_nothing(modules: Modules) -> None:
    result = modules.run(LEDGER, client_id=None, client_secret=None)
    assert not result.get("failed") and "requests" not in result
