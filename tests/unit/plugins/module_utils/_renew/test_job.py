# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as a whole, as far as it has to do with the ledger and with being ended: one truthful result, no secret."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import access as _access
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import order as _executor
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules

RENEWAL, PLAN = "yeastar_pce_renewal", "yeastar_pce_plan"
PORTAL = "https://openapi.partner.yeastar.com"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Modules:
    return Modules(monkeypatch, capsys, tmp_path)


@pytest.fixture
def account() -> Account:
    """An account whose answers tell no time, since the modules go by the real clock."""
    one = Account(A=12)
    one.ahead = None
    return one


def _renew(modules: Modules, account: Account, **arguments: Any) -> dict[str, Any]:
    return modules.run(RENEWAL, account=account, **{"product_no": "A", "now": NOW_TEXT, "wait_timeout": 0, **arguments})


def _ended(action: Callable[[str], Answer], times: int = 1) -> Callable[[str], Answer]:
    """An order during which somebody ends the process."""

    def save(number: str) -> Answer:
        answer = action(number)
        for dummy in range(times):
            os.kill(os.getpid(), signal.SIGTERM)
        return answer

    return save


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_is_kept_below_the_state_home(modules: Modules, account: Account, tmp_path: Path) -> None:
    assert _renew(modules, account)["results"][0]["state"] == "renewed"
    path = tmp_path / "state" / "pbxops.yeastar" / "ledger.sqlite3"
    with contextlib.closing(open_ledger(str(path), PORTAL, lambda: datetime.now(timezone.utc), True)) as ledger:
        (intent,) = ledger.intents()
    assert (intent.status, intent.account, intent.order_no) == ("renewed", "an-id", "BN1")
    assert len(intent.run_id) == 32


def test_the_run_id_of_the_options_is_noted(modules: Modules, account: Account, tmp_path: Path) -> None:
    _renew(modules, account, run_id="night", ledger=str(tmp_path / "ledger"))
    assert modules.run("yeastar_pce_ledger", ledger=str(tmp_path / "ledger"))["intents"][0]["run_id"] == "night"


@pytest.mark.parametrize("module", [RENEWAL, PLAN])
def test_a_ledger_that_cannot_be_used_fails_before_any_request(
    modules: Modules, account: Account, tmp_path: Path, module: str
) -> None:
    path = tmp_path / "ledger"
    path.write_text("not a ledger, but long enough to be taken for a database that is damaged, if anybody did")
    result = modules.run(module, account=account, product_no="A", now=NOW_TEXT, ledger=str(path))
    assert result["failed"] and not result["changed"] and str(path) in result["msg"] and account.log == []
    assert "unexpected" not in result["msg"]


@pytest.mark.parametrize(("module", "is_check_mode"), [(RENEWAL, True), (PLAN, False), (PLAN, True)])
def test_a_plan_or_check_mode_makes_no_ledger(
    modules: Modules, account: Account, tmp_path: Path, module: str, is_check_mode: bool
) -> None:
    result = modules.run(module, account=account, product_no="A", now=NOW_TEXT, _ansible_check_mode=is_check_mode)
    assert result["results"][0]["state"] == "due" and account.sent == [] and not (tmp_path / "state").exists()
    assert "warnings" not in result


def test_a_run_without_a_ledger_is_warned_of(
    modules: Modules, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda module, text: warnings.append(text))
    result = _renew(modules, account, ledger="none")
    assert result["results"][0]["state"] == "renewed" and not (tmp_path / "state").exists()
    assert len(warnings) == 1 and "nothing keeps two runs from ordering the same PBX at once" in warnings[0]
    modules.run(RENEWAL, account=Account(A=300), product_no="A", now=NOW_TEXT, ledger="none", _ansible_check_mode=True)
    assert len(warnings) == 1


REFUSED = [
    *("postgresql://user:canary-password@h/d", "postgresql://user:canary%2Dpassword@h/d"),
    *("postgresql://user@h/d?password=canary-password&x=1", "postgresql://user:can/canary-password@h/d"),
    *("postgresql+psycopg://user:canary-password@h/d", "host=h password=canary-password", "relative/canary-path"),
]


@pytest.mark.parametrize("location", REFUSED)
@pytest.mark.parametrize(
    "arguments",
    [{}, {"client_secret": ""}, {"base_url": "ftp://x"}, {"max_orders": -1}, {"now": "soon"}, {"product_no": 5}],
    ids=str,
)
def test_a_ledger_that_may_hold_a_password_is_never_shown(
    modules: Modules, account: Account, location: str, arguments: dict[str, Any]
) -> None:
    result = _renew(modules, account, ledger=location, **arguments)
    assert result["failed"] and "canary" not in modules.output and account.log == []


@pytest.mark.parametrize("arguments", [{}, {"max_orders": "many"}, {"no_such_option": 1}], ids=str)
@pytest.mark.parametrize("module", [RENEWAL, PLAN, "yeastar_pce_ledger"])
@pytest.mark.parametrize("location", REFUSED)
def test_nor_does_it_reach_the_log_of_the_system(
    modules: Modules, monkeypatch: pytest.MonkeyPatch, location: str, module: str, arguments: dict[str, Any]
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda module, *texts, **named: logged.append(f"{texts} {named}"))
    result = modules.run(module, product_no="A", ledger=location, **arguments)
    assert result["failed"] and "canary" not in modules.output and "canary" not in str(logged)
    assert logged or arguments, "Ansible logs how a module was invoked, unless it is refused before"


def test_a_password_of_a_ledger_is_neither_shown_nor_logged(
    modules: Modules, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    logged: list[str] = []

    def fails(*arguments: Any) -> None:
        opened.append(arguments)
        raise LedgerError("cannot be used: canary-password")

    monkeypatch.setattr(_access, "open_ledger", fails)
    monkeypatch.setattr(AnsibleModule, "log", lambda module, *texts, **named: logged.append(f"{texts} {named}"))
    result = _renew(modules, account, ledger="postgresql://user@h/d", ledger_password="canary-password")
    assert result["failed"] and logged and "canary" not in f"{modules.output}{logged}"
    assert opened[0][0] == "postgresql://user@h/d" and opened[0][-1] == "canary-password"


@pytest.mark.parametrize("arguments", [{}, {"max_orders": "many"}, {"no_such_option": 1}], ids=str)
def test_no_core_is_handed_a_secret_to_hide(
    modules: Modules, account: Account, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]
) -> None:
    handed: list[str] = []

    def end(module: AnsibleModule, *texts: str, **result: Any) -> None:
        handed.append(f"{texts} {result}")
        module._return_formatted({"failed": bool(texts), **result})
        raise SystemExit(bool(texts))

    monkeypatch.setattr(AnsibleModule, "exit_json", end)
    monkeypatch.setattr(AnsibleModule, "fail_json", end)
    _renew(
        modules, account, ledger_password="canary-password", user_agent="canary-password", ledger="none", **arguments
    )
    assert len(handed) == 1 and "'client_secret': '********'" in handed[0] and "canary" not in handed[0]


def test_without_psycopg_a_password_is_refused_all_the_same(
    modules: Modules, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "without a password" in _renew(modules, account, ledger=REFUSED[0])["msg"]
    assert "psycopg, version 3: install it" in _renew(modules, account, ledger="postgresql://user@h/d")["msg"]


# --- the end of the process -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2])
def test_whoever_ends_a_module_while_it_orders_is_told_that_it_may_have_ordered(
    modules: Modules, account: Account, times: int
) -> None:
    account.saved_status, account.save = "pending", _ended(account.accept, times)
    result = _renew(modules, account)
    assert result["failed"] and result["changed"] and result["msg"] == "interrupted by SIGTERM"
    assert [row["state"] for row in result["results"]] == ["unknown"] and result["requests"]["write"] == 1
    assert modules.run("yeastar_pce_ledger")["intents"][0]["status"] == "unknown"


def test_a_module_that_is_ended_while_it_tells_its_result_tells_it_all_the_same(
    modules: Modules, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_json = AnsibleModule.fail_json

    def ended(module: AnsibleModule, *arguments: Any, **result: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        fail_json(module, *arguments, **result)

    monkeypatch.setattr(AnsibleModule, "fail_json", ended)
    account.save = _ended(account.accept)
    result = _renew(modules, account)
    assert result["msg"] == "interrupted by SIGTERM" and result["changed"]


def test_the_run_after_that_adopts_the_order(modules: Modules, account: Account) -> None:
    account.saved_status, account.save = "pending", _ended(account.accept)
    _renew(modules, account)
    account.save = account.accept
    result = _renew(modules, account)
    assert (
        [row["reason"] for row in result["results"]] == ["unpaid"] and len(account.sent) == 1 and not result["changed"]
    )


def test_whoever_ends_a_module_before_it_orders_is_told_that_nothing_was_ordered(
    modules: Modules, account: Account
) -> None:
    account.before["detail"] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    result = _renew(modules, account)
    assert result["failed"] and not result["changed"] and account.sent == []
    assert [row["state"] for row in result["results"]] == ["not_attempted"]
    assert modules.run("yeastar_pce_ledger")["intents"][0]["status"] == "not_sent"


def test_whoever_ends_a_module_while_it_follows_an_order_is_told_what_is_known(
    modules: Modules, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.saved_status = "pending"
    monkeypatch.setattr(_executor.Follow, "follow", lambda run: os.kill(os.getpid(), signal.SIGTERM))
    result = _renew(modules, account)
    assert result["failed"] and result["changed"] and [row["state"] for row in result["results"]] == ["pending"]


def test_an_interrupted_module_is_not_asked_to_be_reported(modules: Modules, account: Account) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    account.before["detail"] = interrupt
    assert _renew(modules, account)["msg"] == "interrupted by SIGINT"


# --- the portal's clock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "is_refused"), [(timedelta(hours=1), False), (timedelta(hours=13, minutes=1), True)])
def test_the_controllers_real_clock_is_held_against_the_portals(
    modules: Modules, ahead: timedelta, is_refused: bool
) -> None:
    account = Account(A=12)
    account.now = lambda: datetime.now(timezone.utc)
    account.pbxs["A"]["expireDate"] = (datetime.now(timezone.utc) + timedelta(days=12)).isoformat()
    account.ahead = ahead
    result = modules.run(RENEWAL, account=account, product_no="A", wait_timeout=0)
    assert bool(result.get("failed")) is is_refused and len(account.sent) == (not is_refused)
    assert not is_refused or "clocks: this controller's clock is 13 h 0 min behind" in result["msg"]
