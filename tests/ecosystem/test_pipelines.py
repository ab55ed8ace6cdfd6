# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example pipelines, run with their own commands: plan, tamper, refused; plan, approve, buy, buy again, refused."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.support.pipelines import GitHub, GitLab, Machines
from tests.support.plays import REPOSITORY, renewed
from tests.support.postgres import PASSWORD
from tests.support.processes import orders_sent
from tests.support.tools import Tools

EXAMPLES = REPOSITORY / "examples"
DUE = 2
FORK = "github.event.pull_request.head.repo.full_name"


@pytest.fixture
def fleet() -> dict[str, Any]:
    """Five PBXs, of which two are due."""
    return {"generate": {"count": 5, "due": DUE}}


@pytest.fixture
def ledger(database_url: str) -> tuple[str, str]:
    """The address of the shared ledger, and its password."""
    return database_url, PASSWORD


@pytest.fixture
def machines(tools: Tools, ledger: tuple[str, str]) -> Machines:
    """Machines whose repository has the inventory. The secrets are not in their environment."""
    repository = tools.home / "repository"
    (repository / "inventory").mkdir(parents=True)
    hosts = {pbx.product_no: {} for pbx in tools.portal.pbxs}
    variables = {
        "pce_renewal_max_orders": DUE,
        "pce_renewal_ledger": ledger[0],
        "pce_renewal_wait_timeout": 0,
        "pce_report_ledger": "{{ pce_renewal_ledger }}",
    }
    inventory = {"all": {"children": {"pbxs": {"hosts": hosts}}, "vars": variables}}
    (repository / "inventory" / "hosts.yml").write_text(json.dumps(inventory), encoding="utf-8")
    hidden = ("YEASTAR_CLIENT_ID", "YEASTAR_CLIENT_SECRET", "PGPASSWORD", "HOME", "ANSIBLE_HOME")
    environment = {name: value for name, value in tools.environment.items() if name not in hidden}
    return Machines(tools.home, repository, environment)


def edit(path: Path, change: Callable[[dict[str, Any]], None], with_digest: bool = False) -> None:
    """Change a saved plan; ``with_digest`` as one does who knows how its digest is made."""
    plan = json.loads(path.read_text(encoding="utf-8"))
    change(plan)
    if with_digest:
        rest = {key: value for key, value in plan.items() if key != "digest"}
        plan["digest"] = hashlib.sha256(canonical(rest).encode()).hexdigest()
    path.write_text(canonical(plan), encoding="utf-8")


def canonical(plan: dict[str, Any]) -> str:
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def order_more(plan: dict[str, Any]) -> None:
    """What somebody may like to slip in."""
    plan["items"][0]["quantity"] += 100


def hold_that_only_the_approved_plan_is_bought(tools: Tools, plan_file: Path, buy: Callable[[], Any]) -> None:
    """Tampered with, in two ways: refused. As it was: bought. Again: refused. The invoices say so."""
    approved = plan_file.read_text(encoding="utf-8")
    for with_digest, message in ((False, "has been edited"), (True, "is not the one that was approved")):
        edit(plan_file, order_more, with_digest)
        ended = buy()
        assert ended.status == 2 and message in " ".join(ended.output.split()), ended.output
        assert orders_sent(tools.portal) == 0
    plan_file.write_text(approved, encoding="utf-8")
    ended = buy()
    assert ended.status == 0, ended.output
    planned = sorted(item["product_no"] for item in json.loads(approved)["items"])
    assert renewed(tools.portal) == planned and len(planned) == DUE
    ended = buy()
    assert ended.status == 2 and "this plan was applied on" in ended.output, ended.output
    assert (len(tools.portal.invoices), orders_sent(tools.portal)) == (DUE, DUE)


def block_one(tools: Tools, machines: Machines) -> str:
    """Declare of a PBX that is due what the portal contradicts, and give its serial number."""
    number = min(tools.portal.pbxs, key=lambda pbx: pbx.expires_at).product_no
    declared = machines.repository / "inventory" / "host_vars"
    declared.mkdir()
    (declared / f"{number}.yml").write_text("pce_renewal_quantity: 9999\n", encoding="utf-8")
    return number


# GitHub


def github(tools: Tools, machines: Machines, ledger: tuple[str, str], event: str) -> GitHub:
    context = {
        "github.event_name": event,
        "github.token": "token-of-the-job",
        "github.repository": "telephony/renewals",
        FORK: "telephony/renewals",
        "github.event.pull_request.number": "7",
        "secrets.YEASTAR_CLIENT_ID": tools.portal.client_id,
        "secrets.YEASTAR_CLIENT_SECRET": tools.portal.client_secret,
        "secrets.LEDGER_PASSWORD": ledger[1],
        "vars.RENEWAL_IS_PROTECTED": "true",
    }
    return GitHub.of(EXAMPLES / "github" / "renewal.yml", machines, context)


def test_the_workflow_buys_what_was_approved_once(tools: Tools, machines: Machines, ledger: tuple[str, str]) -> None:
    run = github(tools, machines, ledger, "schedule")
    assert run.would_run("plan") and not run.would_run("renew")
    planned = run.run("plan")
    assert planned.status == 0, planned.output
    plan_file = run.artifacts / "plan" / "plan.json"
    digest = json.loads(plan_file.read_text(encoding="utf-8"))["digest"]
    assert run.context["needs.plan.outputs.digest"] == digest and digest in run.summary
    assert (run.artifacts / "plan" / "reports" / "report.html").exists()
    assert run.would_run("renew") and not tools.portal.invoices

    hold_that_only_the_approved_plan_is_bought(tools, plan_file, lambda: run.run("renew"))

    later = github(tools, machines, ledger, "schedule")
    assert later.run("plan").status == 0 and not later.would_run("renew")


def test_without_an_environment_that_somebody_protects_the_workflow_buys_nothing(
    tools: Tools, machines: Machines, ledger: tuple[str, str]
) -> None:
    run = github(tools, machines, ledger, "schedule")
    del run.context["vars.RENEWAL_IS_PROTECTED"]
    assert run.run("plan").status == 0 and run.would_run("renew")
    assert run.run("renew").status == 1
    assert orders_sent(tools.portal) == 0


def test_a_plan_in_which_a_pbx_is_blocked_is_shown_and_the_workflow_buys_nothing(
    tools: Tools, machines: Machines, ledger: tuple[str, str]
) -> None:
    number = block_one(tools, machines)
    run = github(tools, machines, ledger, "schedule")
    assert run.run("plan").status == 2
    plan = json.loads((run.artifacts / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert number not in [item["product_no"] for item in plan["items"]] and len(plan["items"]) == DUE - 1
    assert plan["digest"] in run.summary and number in run.summary
    assert not run.would_run("renew") and orders_sent(tools.portal) == 0


def test_a_pull_request_gets_the_plan_as_a_comment_and_buys_nothing(
    tools: Tools, machines: Machines, ledger: tuple[str, str]
) -> None:
    client = tools.home / "bin" / "gh"
    client.parent.mkdir()
    client.write_text(
        '#!/bin/sh\necho "$GH_TOKEN $*"\nwhile [ $# -gt 1 ]; do shift; done\ncat "$1"\n', encoding="utf-8"
    )
    client.chmod(0o755)
    path = f"{client.parent}{os.pathsep}{machines.environment['PATH']}"
    machines.environment = {**machines.environment, "PATH": path}
    run = github(tools, machines, ledger, "pull_request")
    planned = run.run("plan")
    assert planned.status == 0, planned.output
    assert "token-of-the-job pr comment 7 --edit-last --create-if-none --body-file" in planned.output
    assert run.context["needs.plan.outputs.digest"] in planned.output.partition("pr comment")[2]
    assert not run.would_run("renew")
    run.context[FORK] = "somebody/renewals"
    assert not run.would_run("plan")


def test_the_workflow_holds_its_group_only_while_it_buys_and_never_by_itself_again() -> None:
    workflow = (EXAMPLES / "github" / "renewal.yml").read_text(encoding="utf-8")
    assert workflow.count("concurrency:") == 1 and "retry" not in workflow
    assert "concurrency:" in workflow.partition("\n  renew:\n")[2] and "environment: renewal" in workflow


# GitLab


class Notes(BaseHTTPRequestHandler):
    """The platform's API, as far as the comment job uses it."""

    seen: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        """Take a note of a merge request."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.seen.append((self.path, self.headers["PRIVATE-TOKEN"], parse_qs(body)["body"][0]))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Keep the output of the tests free of it."""


@pytest.fixture
def notes() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The URL of the platform's API, and the notes that it was sent: path, token, text."""
    seen: list[tuple[str, str, str]] = []
    with HTTPServer(("127.0.0.1", 0), type("Handler", (Notes,), {"seen": seen})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/v4", seen
        server.shutdown()
        thread.join()


def gitlab(tools: Tools, machines: Machines, ledger: tuple[str, str], api: str = "") -> GitLab:
    variables = {
        "YEASTAR_CLIENT_ID": tools.portal.client_id,
        "YEASTAR_CLIENT_SECRET": tools.portal.client_secret,
        "PGPASSWORD": ledger[1],
        "COMMENT_TOKEN": "token-of-the-project",
        "CI_API_V4_URL": api,
        "CI_PROJECT_ID": "12",
        "CI_MERGE_REQUEST_IID": "7",
    }
    return GitLab.of(EXAMPLES / "gitlab" / "renewal.yml", machines, variables)


def test_the_pipeline_buys_what_was_approved_once(tools: Tools, machines: Machines, ledger: tuple[str, str]) -> None:
    pipeline = gitlab(tools, machines, ledger)
    planned = pipeline.run("plan")
    assert planned.status == 0, planned.output
    kept = pipeline.artifacts("plan")
    plan_file = kept / "plan.json"
    digest = json.loads(plan_file.read_text(encoding="utf-8"))["digest"]
    assert f"PLAN_DIGEST={digest}" in (kept / "plan.env").read_text(encoding="utf-8")
    assert digest in (kept / "reports" / "comment.md").read_text(encoding="utf-8")
    assert (kept / pipeline.configuration["plan"]["artifacts"]["reports"]["junit"]).exists()

    hold_that_only_the_approved_plan_is_bought(tools, plan_file, lambda: pipeline.run("renew"))


def test_a_plan_in_which_a_pbx_is_blocked_is_shown_and_the_pipeline_ends(
    tools: Tools, machines: Machines, ledger: tuple[str, str]
) -> None:
    number = block_one(tools, machines)
    pipeline = gitlab(tools, machines, ledger)
    assert pipeline.run("plan").status == 2
    kept = pipeline.artifacts("plan")
    plan = json.loads((kept / "plan.json").read_text(encoding="utf-8"))
    assert number not in [item["product_no"] for item in plan["items"]] and len(plan["items"]) == DUE - 1
    assert plan["digest"] in (kept / "reports" / "comment.md").read_text(encoding="utf-8")
    assert pipeline.configuration["renew"]["needs"] == ["plan"] and orders_sent(tools.portal) == 0


def test_a_merge_request_gets_the_plan_as_a_note(
    tools: Tools, machines: Machines, ledger: tuple[str, str], notes: tuple[str, list[tuple[str, str, str]]]
) -> None:
    pipeline = gitlab(tools, machines, ledger, notes[0])
    assert pipeline.run("plan").status == 0
    commented = pipeline.run("comment")
    assert commented.status == 0, commented.output
    ((path, token, text),) = notes[1]
    assert (path, token) == ("/api/v4/projects/12/merge_requests/7/notes", "token-of-the-project")
    assert text == (pipeline.artifacts("plan") / "reports" / "comment.md").read_text(encoding="utf-8")


def test_the_pipeline_renews_by_hand_one_at_a_time_and_never_by_itself_again(
    tools: Tools, machines: Machines, ledger: tuple[str, str]
) -> None:
    configuration = gitlab(tools, machines, ledger).configuration
    renew = configuration["renew"]
    assert renew["retry"] == 0 and configuration["default"]["interruptible"] is False
    assert [rule["when"] for rule in renew["rules"]] == ["manual"]
    holders = [name for name, job in configuration.items() if isinstance(job, dict) and "resource_group" in job]
    assert holders == ["renew"]
