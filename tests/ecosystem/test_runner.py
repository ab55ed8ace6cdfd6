# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-runner over the example inventory: the events of each host, and what is left on disk."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.plays import ANNUAL, EXAMPLE_INVENTORY, EXPIRED, FAR, MONTHLY, SELF_RENEWING, SWITCHING, renewed
from tests.support.tools import Tools

OUTCOME = "Decide, order, and show what became of this PBX"
FIRST_RUN = {
    "head_office": ("runner_on_ok", True, "renewed"),
    MONTHLY: ("runner_on_ok", True, "renewed"),
    SELF_RENEWING: ("runner_on_ok", False, "skipped"),
    EXPIRED: ("runner_on_failed", False, "blocked"),
    FAR: ("runner_on_ok", False, "current"),
    SWITCHING: ("runner_on_ok", False, "current"),
}
SECOND_RUN = {
    **FIRST_RUN,
    "head_office": ("runner_on_ok", False, "current"),
    MONTHLY: ("runner_on_ok", False, "current"),
}


def private_data(tools: Tools) -> Path:
    """A private data directory with the example inventory. The secret is a variable, not one of the environment: runner
    writes its whole environment to `artifacts/*/command`."""
    folder = tools.home / "private"
    shutil.copytree(EXAMPLE_INVENTORY, folder / "inventory")
    (folder / "env").mkdir()
    secret = {"pce_renewal_client_secret": tools.portal.client_secret}
    (folder / "env" / "extravars").write_text(json.dumps(secret), encoding="utf-8")
    del tools.environment["YEASTAR_CLIENT_SECRET"]
    return folder


def run(tools: Tools, folder: Path, name: str) -> list[dict[str, Any]]:
    """Run the playbook once; the events that runner has written, in their order."""
    process = tools.run(
        "ansible-runner",
        "run",
        folder,
        "--playbook",
        "pbxops.yeastar.renew",
        "--ident",
        name,
        "--rotate-artifacts",
        "0",
    )
    artifacts = folder / "artifacts" / name
    assert (process.returncode, (artifacts / "status").read_text()) == (2, "failed"), process.stdout
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    return sorted(events, key=lambda event: event["counter"])


def outcomes(events: list[dict[str, Any]]) -> dict[str, tuple[str, bool, str]]:
    """Of each host, the event of the task that shows its outcome: what it is, whether it changed, and the state."""
    ends = [event for event in events if event["event"] in ("runner_on_ok", "runner_on_failed", "runner_on_skipped")]
    return {
        event["event_data"]["host"]: (event["event"], result["changed"], result["state"])
        for event in ends
        if event["event_data"]["task"] == OUTCOME
        for result in [event["event_data"]["res"]]
    }


def test_each_host_has_its_own_event_and_a_second_run_orders_nothing(tools: Tools) -> None:
    folder = private_data(tools)
    events = run(tools, folder, "first")
    assert outcomes(events) == FIRST_RUN
    assert renewed(tools.portal) == [MONTHLY, ANNUAL]
    assert events[-1]["event"] == "playbook_on_stats"
    stats = events[-1]["event_data"]
    assert sorted(stats["changed"]) == sorted([MONTHLY, "head_office"])
    assert stats["failures"] == {EXPIRED: 1} and sorted(stats["ok"]) == sorted(FIRST_RUN)

    assert outcomes(run(tools, folder, "second")) == SECOND_RUN
    assert renewed(tools.portal) == [MONTHLY, ANNUAL]


def test_no_artifact_holds_a_secret(tools: Tools) -> None:
    folder, account = private_data(tools), tools.portal.account
    account.profile = replace(account.profile, echoes="free_texts")
    run(tools, folder, "only")
    codes = [pbx.activation_code for pbx in tools.portal.pbxs]
    secrets = [tools.portal.client_secret, *tools.portal.tokens, *codes]
    assert len(secrets) > 1
    written = [path for path in (folder / "artifacts").rglob("*") if path.is_file()]
    assert any(path.parent.name == "job_events" for path in written)
    leaks = [path for path in written for secret in secrets if secret in path.read_text(encoding="utf-8")]
    assert leaks == []
