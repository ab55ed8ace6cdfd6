# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second half of the role: one run for all that have asked, whoever comes first, and each host its own outcome."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pbxops.yeastar.plugins.action import yeastar_pce_outcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import job as _job
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT, SN
from ansible_collections.pbxops.yeastar.tests.unit.helpers.controller import Controller
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Call,
    decision,
    detail,
    evidence,
    listing,
    login,
    order,
    pbx,
    refusal,
    renewal,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import expecting

ABSENT = "3658B431119999ZZ"
COMMON = {"client_id": "an-id", "client_secret": "canary-secret", "max_orders": 2, "now": NOW_TEXT, "wait_timeout": 0}


class Warnings:
    """Stands in for Ansible's display."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    display = Warnings()
    monkeypatch.setattr(yeastar_pce_outcome, "Display", lambda: display)
    return display.texts


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def begin(*hosts: str, **variables: Any) -> Controller:
        return Controller(monkeypatch, tmp_path, {host: {**COMMON, **variables} for host in hosts})

    return begin


def test_the_first_to_come_runs_the_batch_and_every_host_shows_its_own_outcome(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = play(SN, ABSENT)
    for host in (SN, ABSENT):
        controller.request(host)
    with expecting(monkeypatch, login(), *renewal()):
        absent = controller.outcome(ABSENT)
        renewed = controller.outcome(SN)
    assert (absent["state"], absent["failed"], absent["changed"], absent["diff"]) == ("failed", True, False, [])
    assert absent["msg"].startswith(f"{ABSENT} is not among")
    assert (renewed["state"], renewed["failed"], renewed["changed"]) == ("renewed", False, True)
    assert (renewed["order"]["order_no"], renewed["expires_after"]) == ("BN1", "2027-12-05T00:00:00Z")
    assert [entry["before_header"] for entry in renewed["diff"]] == [SN]
    assert "canary" not in str((absent, renewed))


@pytest.mark.parametrize(
    ("request_keywords", "keywords", "changed"),
    [({"plan_only": True}, {}, False), ({"check_mode": True}, {"check_mode": True}, True)],
)
def test_a_plan_and_check_mode_send_no_order(
    play: Any, monkeypatch: pytest.MonkeyPatch, request_keywords: Any, keywords: Any, changed: bool
) -> None:
    controller = play(SN)
    controller.request(SN, **request_keywords)
    with expecting(monkeypatch, login(), *decision()):
        outcome = controller.outcome(SN, **keywords)
    assert (outcome["state"], outcome["failed"], outcome["changed"]) == ("due", False, changed)


def with_price(*calls: Call) -> list[Call]:
    """These exchanges of a run that asks for the price whenever it has read all else that it decides by."""
    price = Call(
        "GET", "/pricing/openapi/purchase/v1/renew/plan_info/1001", success({"amount": "1", "currency": "USD"})
    )
    before = next(index for index, call in enumerate(calls) if call.path.endswith("/existed_auto_renew"))
    # The listing names no services, which have a price of their own.
    return [calls[0], detail(), *calls[1:before], price, *calls[before : before + 2], price, *calls[before + 2 :]]


def test_a_plan_of_the_batch_is_saved_once_and_told_to_every_host(
    play: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    controller = play(SN, ABSENT, plan_dest=str(tmp_path / "plan.json"))
    for host in (SN, ABSENT):
        controller.request(host, plan_only=True)
    with expecting(monkeypatch, login(), *with_price(*decision())):
        outcomes = [controller.outcome(host) for host in (SN, ABSENT)]
    document = json.loads((tmp_path / "plan.json").read_text())
    assert [outcome["saved_plan"]["digest"] for outcome in outcomes] == [document["digest"]] * 2
    assert [outcome["failed"] for outcome in outcomes] == [False, True]


def test_a_plan_that_cannot_be_saved_fails_every_host(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = play(SN, plan_dest="/nowhere/plan.json")
    controller.request(SN, plan_only=True)
    with expecting(monkeypatch, login(), *with_price(*decision())):
        outcome = controller.outcome(SN)
    assert outcome["failed"] and outcome["msg"].startswith("dest: /nowhere/plan.json cannot be written")


def test_a_plan_that_a_part_of_the_play_would_share_is_refused(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = play(SN, plan_dest="plan.json")
    controller.later = [ABSENT]
    with expecting(monkeypatch), pytest.raises(AnsibleActionFail, match="a plan needs all hosts in one batch"):
        controller.request(SN, plan_only=True)


def test_an_approved_plan_is_bought_and_no_more(play: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with expecting(monkeypatch, login(), *with_price(*decision())):
        controller = play(SN, plan_dest=str(path))
        controller.request(SN, plan_only=True)
        digest = controller.outcome(SN)["saved_plan"]["digest"]
    (tmp_path / "next").mkdir()
    hosts = {host: {**COMMON, "plan_file": str(path), "plan_digest": digest} for host in (SN, ABSENT)}
    controller = Controller(monkeypatch, tmp_path / "next", hosts)
    for host in hosts:
        controller.request(host)
    with expecting(monkeypatch, login(), *with_price(*renewal())):
        outcomes = [controller.outcome(host) for host in (SN, ABSENT)]
    assert [outcome["state"] for outcome in outcomes] == ["renewed", "failed"]


def test_a_host_that_has_asked_for_nothing_is_told_to(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = play(SN, ABSENT)
    controller.request(SN)
    with expecting(monkeypatch), pytest.raises(AnsibleActionFail, match=f"^{ABSENT} .*yeastar_pce_request"):
        controller.outcome(ABSENT)


@pytest.mark.parametrize(
    ("asked", "keywords"),
    [({"when": ["a"]}, {}), ({}, {"when": ["a"]}), ({}, {"check_mode": True})],
)
def test_a_task_under_other_conditions_than_its_request_runs_nothing(
    play: Any, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], keywords: dict[str, Any]
) -> None:
    controller = play(SN)
    controller.request(SN, **asked)
    with expecting(monkeypatch), pytest.raises(AnsibleActionFail, match="the same when and check_mode"):
        controller.outcome(SN, **keywords)


def test_hosts_that_cannot_be_one_batch_are_all_failed_before_any_request(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = play(SN, ABSENT)
    controller.set(ABSENT, max_orders=5)
    for host in (SN, ABSENT):
        controller.request(host)
    with expecting(monkeypatch):
        outcomes = [controller.outcome(host) for host in (SN, ABSENT)]
    assert all(outcome["failed"] and "a batch has one account" in outcome["msg"] for outcome in outcomes)


def test_credentials_that_have_changed_since_are_refused_and_not_shown(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = play(SN)
    controller.request(SN)
    controller.set(SN, client_secret="canary-other", access_token="canary-token")
    with expecting(monkeypatch):
        outcome = controller.outcome(SN)
    assert outcome["failed"] and "the credentials have changed" in outcome["msg"] and "canary" not in str(outcome)


def test_what_ends_the_batch_fails_every_host_and_is_a_warning_without_secrets(
    play: Any, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    controller = play(SN, ABSENT)
    for host in (SN, ABSENT):
        controller.request(host)
    said = refusal(403, detail="canary-secret is refused")
    with expecting(monkeypatch, Call("POST", login().path, said)):
        outcomes = [controller.outcome(host) for host in (SN, ABSENT)]
    assert all(outcome["failed"] and "credentials were refused" in outcome["msg"] for outcome in outcomes)
    assert len(warnings) == 1 and "credentials were refused" in warnings[0]
    assert "canary" not in str((outcomes, warnings))


def test_a_batch_that_ends_early_shows_what_each_host_had_come_to(
    play: Any, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    controller = play(SN, ABSENT)
    for host in (SN, ABSENT):
        controller.request(host)
    catalog, *_others = evidence()
    broken = Call("GET", catalog.path, ZeroDivisionError("by nothing"))
    with expecting(monkeypatch, login(), listing(pbx()), broken):
        due, absent = (controller.outcome(host) for host in (SN, ABSENT))
    assert (due["state"], absent["state"]) == ("not_attempted", "failed")
    assert due["failed"] and "by nothing" in due["msg"] and "is not among" in absent["msg"]
    assert len(warnings) == 1 and warnings[0].startswith("unexpected ZeroDivisionError at expected_calls.py:")


def test_a_run_that_is_ended_tells_what_is_known(
    play: Any, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    controller = play(SN)
    controller.request(SN)
    with expecting(monkeypatch, login(), *decision(), Call("POST", order().path, KeyboardInterrupt())):
        outcome = controller.outcome(SN)
    assert (outcome["state"], outcome["changed"], outcome["failed"]) == ("unknown", True, True)
    assert warnings == ["interrupted by SIGINT"]


@pytest.mark.parametrize(
    ("asked", "keywords", "calls", "message"),
    [
        ({}, {}, renewal, "may have ordered.*portal.*Orders.*expiry"),
        ({"check_mode": True}, {"check_mode": True}, decision, "check.*has ordered nothing"),
        ({"plan_only": True}, {}, decision, "plan.*has ordered nothing"),
    ],
    ids=["renew", "check", "plan"],
)
def test_a_batch_whose_worker_died_is_never_run_again(
    play: Any, monkeypatch: pytest.MonkeyPatch, asked: Any, keywords: Any, calls: Any, message: str
) -> None:
    controller = play(SN)
    controller.request(SN, **asked)
    with expecting(monkeypatch, login(), *calls()):
        with monkeypatch.context() as dying, pytest.raises(SystemExit):
            dying.setattr(yeastar_pce_outcome, "_shown", lambda *arguments: sys.exit())
            controller.outcome(SN, **keywords)
        outcome = controller.outcome(SN, **keywords)
    assert outcome["failed"] and re.search(message, outcome["msg"])
    assert bool(outcome.get("changed")) is (calls is renewal)


def test_an_outcome_that_is_shown_once_for_all_is_refused(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = play(SN)
    controller.request(SN)
    with expecting(monkeypatch), pytest.raises(AnsibleActionFail, match="run_once lets one host stand for all"):
        controller.outcome(SN, run_once=True)


def test_a_missing_library_is_named(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_job, "REQUESTS_IMPORT_ERROR", ImportError("No module named 'requests'"))
    controller = play(SN)
    controller.request(SN)
    with expecting(monkeypatch):
        outcome = controller.outcome(SN)
    assert outcome["failed"] and "requests" in outcome["msg"]
