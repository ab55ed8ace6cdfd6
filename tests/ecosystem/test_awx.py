# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example workflow, run as AWX would: each job in ansible-runner, with nothing but what the workflow hands on."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.awx import EXAMPLE, SURVEY, WORKFLOW, injected, made_by, nodes
from tests.support.plays import renewed
from tests.support.postgres import PASSWORD
from tests.support.processes import orders_sent
from tests.support.tools import Tools

DUE = 2


@pytest.fixture
def fleet() -> dict[str, Any]:
    """Five PBXs, of which two are due."""
    return {"generate": {"count": 5, "due": DUE}}


@dataclass
class Workflow:
    """One workflow job. ``handed_on`` holds the artifacts of the jobs that have ended."""

    tools: Tools
    environment: dict[str, str]
    inventory: dict[str, Any]
    handed_on: dict[str, Any] = field(default_factory=dict)
    used: int = 0

    def run(self, node: str) -> tuple[int, str]:
        """Run the job of a node in a container of its own, as far as anything here tells; its status and its output."""
        self.used += 1
        folder = self.tools.home / f"job-{self.used}"
        template = made_by("job_template")[nodes()[node]["unified_job_template"]["name"]]
        shutil.copytree(EXAMPLE, folder / "project")
        (folder / "home").mkdir()
        survey = {row["variable"]: row["default"] for row in made_by("workflow_job_template")[WORKFLOW][SURVEY]["spec"]}
        files = {
            "inventory/hosts.json": self.inventory,
            "env/extravars": {**self.handed_on, **survey, "pce_plan_folder": str(folder / "home")},
            "env/envvars": self.environment,
        }
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
        arguments = ("run", folder, "--playbook", template["playbook"], "--ident", "job", "--rotate-artifacts", "0")
        home = str(folder / "home")
        process = self.tools.run("ansible-runner", *arguments, HOME=home, ANSIBLE_HOME=home)
        events = [json.loads(path.read_text()) for path in (folder / "artifacts/job/job_events").glob("*.json")]
        (stats,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
        self.handed_on.update(stats.get("artifact_data", {}))
        return process.returncode, process.stdout

    def plan_of_last_job(self) -> bytes:
        """The file of the plan in the container of the job that has ended last."""
        return (self.tools.home / f"job-{self.used}" / "home" / "plan.json").read_bytes()


@pytest.fixture
def workflow(tools: Tools, database_url: str) -> Workflow:
    """A workflow job over the account, before its first node."""
    environment = {
        **injected(
            "Yeastar Partner Portal", client_id=tools.portal.client_id, client_secret=tools.portal.client_secret
        ),
        **injected("Yeastar renewal ledger", password=PASSWORD),
    }
    for name in environment:
        tools.environment.pop(name, None)
    hosts: dict[str, dict[str, Any]] = {pbx.product_no: {} for pbx in tools.portal.pbxs}
    variables = {"pce_renewal_ledger": database_url, "pce_renewal_wait_timeout": 0, "pce_report_ledger": database_url}
    return Workflow(tools, environment, {"all": {"hosts": hosts, "vars": variables}})


def test_the_workflow_buys_what_was_approved_once(tools: Tools, workflow: Workflow) -> None:
    status, output = workflow.run("plan")
    assert status == 0, output
    approved = dict(workflow.handed_on)
    handed_on = base64.b64decode(approved["pce_plan"])
    assert handed_on == workflow.plan_of_last_job()
    plan = json.loads(handed_on)
    assert plan["digest"] == approved["pce_plan_digest"] and len(plan["items"]) == DUE
    assert all(item["product_no"] in output for item in plan["items"]) and plan["digest"] in output
    assert orders_sent(tools.portal) == 0

    plan["items"][0]["quantity"] += 100
    workflow.handed_on["pce_plan"] = base64.b64encode(json.dumps(plan).encode()).decode()
    status, output = workflow.run("renew")
    assert status == 2 and "has been edited" in " ".join(output.split()), output
    assert orders_sent(tools.portal) == 0

    workflow.handed_on = approved
    status, output = workflow.run("renew")
    assert status == 0, output
    assert workflow.plan_of_last_job() == handed_on
    assert renewed(tools.portal) == sorted(item["product_no"] for item in plan["items"])

    status, output = workflow.run("renew")
    assert status == 2 and "this plan was applied on" in output, output
    assert (len(tools.portal.invoices), orders_sent(tools.portal)) == (DUE, DUE)
