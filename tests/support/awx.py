# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the example for AWX creates, read from its playbook."""

from __future__ import annotations

from typing import Any

import yaml
from jinja2 import Template

from tests.support.documents import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "awx"
WORKFLOW = "Renew PBX subscriptions"
SURVEY = "survey_spec"


def made_by(module: str) -> dict[str, dict[str, Any]]:
    """What the example creates with a module of awx.awx, by name."""
    (play,) = yaml.safe_load((EXAMPLE / "configure.yml").read_text(encoding="utf-8"))
    full_name = f"awx.awx.{module}"
    return {task[full_name]["name"]: task[full_name] for task in play["tasks"] if full_name in task}


def injected(credential_type: str, **inputs: str) -> dict[str, str]:
    """The environment that a job gets from a credential of this type. Ansible templates it first, and then AWX."""
    template = made_by("credential_type")[credential_type]["injectors"]["env"]
    return {name: Template(Template(value).render()).render(inputs) for name, value in template.items()}


def nodes() -> dict[str, dict[str, Any]]:
    """The workflow's nodes by identifier."""
    return {node["identifier"]: node for node in made_by("workflow_job_template")[WORKFLOW]["workflow_nodes"]}
