# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ansible-runner processes at once, as the slices of one job: each has its own home, all have one ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import renewed
from tests.support.postgres import PASSWORD
from tests.support.processes import orders_sent
from tests.support.tally import judge
from tests.support.tools import Tools

DUE, SLICES = 6, 3


@pytest.fixture
def fleet() -> dict[str, Any]:
    """Nine PBXs, of which six are due."""
    return {"generate": {"count": 9, "due": DUE}}


def numbers(tools: Tools) -> list[str]:
    return [pbx.product_no for pbx in tools.portal.pbxs]


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def private_data(tools: Tools, name: str, hosts: Sequence[str], play: dict[str, Any], **variables: Any) -> Path:
    """The private data directory of a slice, with its part of the inventory."""
    folder = tools.home / name
    write(folder / "inventory" / "hosts.json", {"all": {"hosts": {host: {} for host in hosts}}})
    write(folder / "env" / "extravars", variables)
    write(folder / "project" / "play.yml", [{"gather_facts": False, "connection": "local", **play}])
    (folder / "home").mkdir()
    return folder


def run_at_once(tools: Tools, folders: Sequence[Path]) -> list[int]:
    """The exit statuses of one ansible-runner for each folder, all at the same time."""

    def run(folder: Path) -> int:
        arguments = ("run", folder, "--playbook", "play.yml", "--ident", "slice", "--rotate-artifacts", "0")
        home = str(folder / "home")
        return tools.run("ansible-runner", *arguments, HOME=home, ANSIBLE_HOME=home).returncode

    with ThreadPoolExecutor(len(folders)) as pool:
        return list(pool.map(run, folders))


def shown(folder: Path) -> list[dict[str, Any]]:
    """The result of each task that ended in a slice, as runner has written it, and its host."""
    paths = (folder / "artifacts" / "slice" / "job_events").glob("*.json")
    events = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    ends = [event["event_data"] for event in events if event["event"] in ("runner_on_ok", "runner_on_failed")]
    return [{**end["res"], "host": end["host"]} for end in ends]


@pytest.mark.faults(43)
def test_the_cap_of_a_job_holds_across_its_slices_and_a_refused_slice_orders_nothing(
    tools: Tools, database_url: str
) -> None:
    shared = {"ledger": database_url, "ledger_password": PASSWORD}
    options = {**shared, "run_id": "job-7", "max_orders": 4, "wait_timeout": 0}
    variables = {f"pce_renewal_{name}": value for name, value in options.items()}
    play = {"hosts": "all", "roles": ["pbxops.yeastar.pce_renewal"]}
    folders = [
        private_data(tools, f"slice-{index}", numbers(tools)[index::SLICES], play, **variables)
        for index in range(SLICES)
    ]
    statuses = run_at_once(tools, folders)
    assert sorted(statuses) == [0, 0, 2]
    ordered = []
    for folder, status in zip(folders, statuses, strict=True):
        rows = [result for result in shown(folder) if "state" in result]
        states = sorted(row["state"] for row in rows)
        assert states == (
            ["current", "not_attempted", "not_attempted"] if status else ["current", "renewed", "renewed"]
        )
        ordered += [row["host"] for row in rows if row["changed"]]
    assert sorted(ordered) == renewed(tools.portal) and orders_sent(tools.portal) == 4
    judge(tools.portal, ordered)


@pytest.mark.faults(43)
def test_a_play_of_localhost_that_every_slice_runs_as_a_whole_charges_each_pbx_once(
    tools: Tools, database_url: str
) -> None:
    shared = {"ledger": database_url, "ledger_password": PASSWORD}
    options = {**shared, "run_id": "job-8", "max_orders": DUE, "wait_timeout": 0}
    subscriptions = [{"product_no": number} for number in numbers(tools)]
    task = {"pbxops.yeastar.yeastar_pce_renewal": {"subscriptions": subscriptions, **options}}
    play = {"hosts": "localhost", "tasks": [task]}
    folders = [private_data(tools, f"slice-{index}", [], play) for index in range(SLICES)]
    assert run_at_once(tools, folders) == [0] * SLICES
    rows = [row for folder in folders for result in shown(folder) for row in result["results"]]
    assert len(rows) == SLICES * len(subscriptions)
    ordered = [row["product_no"] for row in rows if row["changed"]]
    assert sorted(ordered) == renewed(tools.portal) and orders_sent(tools.portal) == DUE
    judge(tools.portal, numbers(tools)[:DUE])
