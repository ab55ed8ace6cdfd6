# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example for AWX: its parts fit each other and the collection. What it does is in tests/ecosystem/test_awx.py."""

from __future__ import annotations

from tests.support.awx import EXAMPLE, SURVEY, WORKFLOW, made_by, nodes
from tests.support.checks import known_environment, variables_of_role


def test_a_person_approves_between_the_plan_and_the_renewal() -> None:
    followers = {name: node.get("related", {}).get("success_nodes", []) for name, node in nodes().items()}
    assert followers == {"plan": [{"identifier": "approve"}], "approve": [{"identifier": "renew"}], "renew": []}
    approval = nodes()["approve"]["unified_job_template"]
    assert approval["type"] == "workflow_approval" and approval["timeout"] < 24 * 3600
    assert not any(
        key in node.get("related", {}) for node in nodes().values() for key in ("always_nodes", "failure_nodes")
    )


def test_the_parts_of_the_example_fit_each_other_and_the_collection() -> None:
    templates = made_by("job_template")
    for template in templates.values():
        assert (EXAMPLE / template["playbook"]).exists() and template["project"] in made_by("project")
        assert template["inventory"] in made_by("inventory") and template["job_slice_count"] == 1
        assert template["execution_environment"] in made_by("execution_environment")
        assert template["ask_variables_on_launch"] is True
    jobs = [node["unified_job_template"] for node in nodes().values()]
    assert {job["name"] for job in jobs if job["type"] == "job_template"} == {*templates}
    buying = templates[nodes()["renew"]["unified_job_template"]["name"]]
    assert buying["allow_simultaneous"] is False and buying["timeout"] == 0
    assert made_by("workflow_job_template")[WORKFLOW]["allow_simultaneous"] is False
    (schedule,) = made_by("schedule").values()
    questions = {row["variable"] for row in made_by("workflow_job_template")[WORKFLOW][SURVEY]["spec"]}
    assert schedule["unified_job_template"] == WORKFLOW
    assert {*schedule["extra_data"]} == questions <= {*variables_of_role()}


def test_a_credential_of_the_account_gives_what_the_collection_reads_and_hides_the_secret() -> None:
    account = made_by("credential_type")["Yeastar Partner Portal"]
    assert {*account["injectors"]["env"]} <= known_environment()
    fields = {row["id"]: row.get("secret", False) for row in account["inputs"]["fields"]}
    assert fields == {"client_id": False, "client_secret": True} and {*account["inputs"]["required"]} == {*fields}
