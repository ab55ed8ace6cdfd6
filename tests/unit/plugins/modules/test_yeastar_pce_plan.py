# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan module as a whole: it reads, decides, and can change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model import dates as _dates
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT, SN
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Call,
    decision,
    listing,
    login,
    pbx,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def run(*calls: Call, **arguments: Any) -> dict[str, Any]:
        return Modules(monkeypatch, capsys, tmp_path).run("yeastar_pce_plan", *calls, **{"now": NOW_TEXT, **arguments})

    return run


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_due_is_told_and_nothing_is_changed(plan: Any, check_mode: bool) -> None:
    result = plan(login(), *decision(), product_no=SN, _ansible_check_mode=check_mode)
    assert ([row["state"] for row in result["results"]], result["changed"]) == (["due"], False)
    assert len(result["diff"]) == 1 and result["requests"]["write"] == 0


def test_a_pbx_that_is_not_there_fails_the_task_beside_one_that_is(plan: Any) -> None:
    subscriptions = [{"product_no": SN}, {"product_no": "3658B431119999ZZ"}]
    result = plan(login(), listing(pbx("2028-01-01")), subscriptions=subscriptions, max_orders=2)
    assert [row["state"] for row in result["results"]] == ["current", "failed"]
    assert result["failed"] and result["msg"].startswith("1 current, 1 failed; 3658B431119999ZZ: ")


def test_prices_alone_are_no_plan_to_be_saved_and_nothing_else_is_asked_for_them(plan: Any) -> None:
    result = plan(product_no=SN, prices_only=True, dest="plan.json")
    assert result["failed"] and "mutually exclusive: prices_only|dest" in result["msg"]
    price = Call(
        "GET", "/pricing/openapi/purchase/v1/renew/plan_info/1001", success({"amount": "1", "currency": "USD"})
    )
    listed, catalog, contacts, orders, dummy, detailed = decision()
    calls = [listed, detailed, catalog, contacts, orders, price, detailed, price]
    result = plan(login(), *calls, product_no=SN, prices_only=True)
    assert [row["price"]["amount"] for row in result["results"]] == ["1"]


def test_without_now_the_controllers_clock_decides(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _dates.parse_instant("2026-11-24T00:00:00Z")
    monkeypatch.setattr(_dates, "utc_now", lambda: clock)
    result = plan(login(), listing(pbx("2028-01-01")), product_no=SN, now=None)
    assert result["results"][0]["days_left"] == 403
