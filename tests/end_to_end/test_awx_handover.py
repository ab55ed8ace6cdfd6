# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the example for AWX pass on a plan byte for byte, so that a signature of its file stays valid."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.awx import EXAMPLE
from tests.support.environment import NATIVE
from tests.support.plays import ANNUAL, renewed
from tests.support.processes import Ansible


def job(
    ansible: Ansible, folder: Path, playbook: str, handed_on: dict[str, str], native: dict[str, str]
) -> dict[str, str]:
    """Run a playbook of the example with its own disk; the artifacts that it registers."""
    folder.mkdir()
    variables = folder / "extravars.json"
    limits = {"pce_plan_folder": str(folder), "pce_renewal_max_orders": 2, "pce_renewal_wait_timeout": 0}
    variables.write_text(json.dumps({**limits, **handed_on}), encoding="utf-8")
    environment = {"ANSIBLE_SHOW_CUSTOM_STATS": "true", **native}
    process = ansible.playbook("-i", f"{ANNUAL},", "-e", f"@{variables}", EXAMPLE / playbook, environment=environment)
    assert process.returncode == 0, process.stdout
    artifacts = re.search(r"^\s*RUN: (\{.*\})\s*$", process.stdout, re.MULTILINE)
    return {} if artifacts is None else dict(json.loads(artifacts[1]))


@pytest.mark.parametrize("native", [{}, NATIVE], ids=["default", "native"])
def test_a_detached_signature_of_the_plan_fits_what_the_last_job_has(six: Ansible, native: dict[str, str]) -> None:
    key = Ed25519PrivateKey.generate()
    handed_on = job(six, six.home / "first", "plan.yml", {}, native)
    signed = (six.home / "first" / "plan.json").read_bytes()
    signature = key.sign(signed)
    assert signed.endswith(b"}\n") and renewed(six.portal) == []

    job(six, six.home / "last", "renew.yml", handed_on, native)
    key.public_key().verify(signature, (six.home / "last" / "plan.json").read_bytes())
    assert renewed(six.portal) == [ANNUAL]
