# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The info module as a whole: it reads what is asked for, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT, SN
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Call,
    auto_renewal,
    detail,
    evidence,
    listing,
    login,
    pbx,
    refusal,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules


@pytest.fixture
def info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def run(*calls: Call, **arguments: Any) -> dict[str, Any]:
        return Modules(monkeypatch, capsys, tmp_path).run("yeastar_pce_info", *calls, **{"now": NOW_TEXT, **arguments})

    return run


def test_subscriptions_are_read_when_nothing_is_asked_for(info: Any) -> None:
    result = info(login(), listing(pbx()))
    assert [row["product_no"] for row in result["subscriptions"]] == [SN]
    assert (result["changed"], result["requests"]) == (False, {"read": 1, "write": 0, "token": 1})
    assert "catalog" not in result and "raw" not in result


def test_what_else_is_asked_for_is_read_alone(info: Any) -> None:
    catalog, contacts, orders = evidence()
    result = info(login(), catalog, contacts, orders, gather=["catalog", "billing_contacts", "orders"])
    assert [plan["name"] for plan in result["catalog"]["plans"]] == ["Enterprise Plan"]
    assert [contact["email"] for contact in result["billing_contacts"]] == ["billing@example.com"]
    assert result["orders"] == [] and "subscriptions" not in result


def test_a_filter_leaves_out_other_pbxs_and_raw_shows_the_rows(info: Any) -> None:
    result = info(login(), listing(pbx(), pbx(product_no="OTHER")), detail(), product_no=[SN], raw=True)
    assert [row["product_no"] for row in result["subscriptions"]] == [SN]
    assert "Enterprise Plan" in str(result["raw"])


def test_auto_renewal_is_asked_for_on_request(info: Any) -> None:
    result = info(login(), listing(pbx()), auto_renewal({"autoRenew": True}), gather=["auto_renewal"])
    assert [row["auto_renewal"] for row in result["subscriptions"]] == [True] and result["requests"]["read"] == 2


def test_a_bad_filter_fails_the_task_before_any_request(info: Any) -> None:
    result = info(expires_within=-1)
    assert result["failed"] and result["msg"].startswith("expires_within: ")


def test_a_read_that_is_refused_fails_the_task(info: Any) -> None:
    result = info(login(), Call("GET", listing().path, refusal(403)))
    assert result["failed"] and "access was refused" in result["msg"] and result["requests"]["read"] == 1
