# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-navigator without a container: what it shows, and the playbook artifact that it leaves."""

from __future__ import annotations

import json

from tests.support.plays import (
    ANNUAL,
    EXAMPLE_INVENTORY,
    EXPIRED,
    FAR,
    MONTHLY,
    SELF_RENEWING,
    SWITCHING,
    Shown,
    renewed,
)
from tests.support.tools import Tools

STATES = {
    "head_office": "renewed",
    MONTHLY: "renewed",
    SELF_RENEWING: "skipped",
    EXPIRED: "blocked",
    FAR: "current",
    SWITCHING: "current",
}


def test_the_role_runs_and_the_artifact_tells_each_hosts_outcome_but_no_secret(tools: Tools) -> None:
    artifact, log = tools.home / "artifact.json", tools.home / "navigator.log"
    process = tools.run(
        "ansible-navigator",
        *("run", "pbxops.yeastar.renew", "--inventory", EXAMPLE_INVENTORY),
        *("--ee", "false", "--mode", "stdout"),
        *("--playbook-artifact-enable", "true", "--playbook-artifact-save-as", artifact),
        *("--log-file", log, "--log-level", "debug"),
    )
    shown = Shown(process.stdout, process.returncode)
    assert shown.states() == STATES, shown.output
    assert {host for host, counts in shown.recap.items() if "changed" in counts} == {"head_office", MONTHLY}
    assert {host for host, counts in shown.recap.items() if "failed" in counts} == {EXPIRED}
    assert shown.status != 0
    assert renewed(tools.portal) == [MONTHLY, ANNUAL]

    kept = artifact.read_text(encoding="utf-8")
    tasks = [task for play in json.loads(kept)["plays"] for task in play["tasks"] if "state" in task["res"]]
    assert {task["host"]: task["res"]["state"] for task in tasks} == STATES
    tokens = list(tools.portal.tokens)
    assert tokens
    for secret in (tools.portal.client_secret, *tokens):
        assert secret not in kept and secret not in shown.output and secret not in log.read_text(encoding="utf-8")
