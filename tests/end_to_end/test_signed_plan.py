# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's commands for signing and checking a plan: they buy exactly what was signed, and otherwise stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.awx import EXAMPLE
from tests.support.debian import provided
from tests.support.documents import blocks_of
from tests.support.environment import isolated_environment
from tests.support.plays import ANNUAL, inventory_of, renewed
from tests.support.processes import Ansible

GUIDE = "docs/docsite/rst/guide_renewal.rst"
APPROVER, STRANGER = "approver@example.com", "stranger@example.com"
PASSWORD = "passphrase of the test\n"


def commands_of(*words: str) -> str:
    """The console block of the guide that contains all these words, as a script that ends at the first failure."""
    texts = [block.text for block in blocks_of(GUIDE) if block.language == "console"]
    (text,) = [text for text in texts if all(word in text for word in words)]
    return "set -e\n" + "".join(line.removeprefix("$ ") + "\n" for line in text.splitlines())


class Shell:
    """A person's machine: its own keys, and the files that the machines pass to each other."""

    def __init__(self, ansible: Ansible, keys: Path) -> None:
        self._ansible = ansible
        self._keys = keys

    def run(self, script: str, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = isolated_environment(self._ansible.portal, self._ansible.home)
        path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
        return subprocess.run(
            ["bash", "-c", script],
            env={**environment, "PATH": path, "GNUPGHOME": str(self._keys)},
            cwd=self._ansible.home,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def must(self, script: str, given: str = "") -> None:
        process = self.run(script, given)
        assert process.returncode == 0, process.stdout


@pytest.fixture
def shells(tutorial: Ansible) -> Iterator[tuple[Shell, Shell, Shell]]:
    """The approver, the renewing job, and a stranger. Their paths are short, since they contain sockets of agents."""
    for program, package in (("gpg", "gnupg"), ("gpgv", "gpgv"), ("minisign", "minisign")):
        provided(partial(shutil.which, program), package)
    folders = [Path(tempfile.mkdtemp(prefix="pbxops-keys-")) for dummy in range(3)]
    try:
        yield tuple(Shell(tutorial, folder) for folder in folders)
    finally:
        for folder in folders:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)
            shutil.rmtree(folder)


@pytest.fixture
def home(tutorial: Ansible) -> Path:
    """A folder with an inventory and a plan to approve."""
    (tutorial.home / "hosts.yml").write_text(json.dumps(inventory_of({ANNUAL: {}})), encoding="utf-8")
    process = tutorial.playbook("-i", "hosts.yml", "pbxops.yeastar.plan", "-e", "pce_renewal_plan_dest=plan.json")
    assert process.returncode == 0, process.stdout
    tutorial.portal.reset_log()
    return tutorial.home


def forge(plan: Path) -> None:
    """Make the plan order more, with a matching digest."""
    document = json.loads(plan.read_text(encoding="utf-8"))
    document["items"][0]["quantity"] = 1000
    plan_file = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file")
    document["digest"] = plan_file._digest(document)
    plan.write_text(json.dumps(document), encoding="utf-8")


def assert_stops(job: Shell, script: str, ansible: Ansible, said: str) -> None:
    process = job.run(script)
    assert process.returncode != 0 and said in process.stdout, process.stdout
    assert "PLAY [" not in process.stdout and not ansible.portal.log


def assert_buys(job: Shell, script: str, ansible: Ansible) -> None:
    process = job.run(script)
    assert process.returncode == 0, process.stdout
    assert renewed(ansible.portal) == [ANNUAL]


@pytest.mark.faults(67)
def test_the_commands_for_gnupg_buy_what_the_approver_has_signed_and_nothing_else(
    tutorial: Ansible, home: Path, shells: tuple[Shell, Shell, Shell]
) -> None:
    approver, job, stranger = shells
    for shell, name in ((approver, APPROVER), (stranger, STRANGER)):
        shell.must(f"gpg --batch --passphrase '' --quick-generate-key {name} ed25519 sign 1d")
    approver.must(commands_of("gpg --export"))
    sign, apply = commands_of("gpg", "--detach-sign"), commands_of("gpgv")
    signature, plan = home / "plan.json.asc", home / "plan.json"
    assert_stops(job, apply, tutorial, "plan.json.asc")  # not signed at all
    # The job's own machine knows and trusts the stranger, which does not matter.
    stranger.must(f"gpg --export {STRANGER} > stranger.gpg")
    job.must("gpg --batch --import stranger.gpg")
    stranger.must(sign.replace(APPROVER, STRANGER))
    assert_stops(job, apply, tutorial, "No public key")
    signature.unlink()
    approved = plan.read_bytes()
    approver.must(sign)
    forge(plan)
    assert_stops(job, apply, tutorial, "BAD signature")
    plan.write_bytes(approved)
    assert_buys(job, apply, tutorial)


@pytest.mark.faults(67)
def test_the_commands_for_minisign_buy_what_the_approver_has_signed_and_nothing_else(
    tutorial: Ansible, home: Path, shells: tuple[Shell, Shell, Shell]
) -> None:
    approver, job, stranger = shells
    make, sign, apply = commands_of("minisign -G"), commands_of("minisign -S"), commands_of("minisign -V")
    approver.must(make, PASSWORD * 2)
    stranger.must("minisign -G -W -s stranger.key -p stranger.pub")  # no password, to save seconds
    plan = home / "plan.json"
    assert_stops(job, apply, tutorial, "plan.json.minisig")  # not signed at all
    stranger.must(sign.replace("approver", "stranger"))
    assert_stops(job, apply, tutorial, "Signature key id")
    approved = plan.read_bytes()
    approver.must(sign, PASSWORD)
    forge(plan)
    assert_stops(job, apply, tutorial, "Signature verification failed")
    plan.write_bytes(approved)
    assert_buys(job, apply, tutorial)


def job_of_awx(ansible: Ansible, playbook: str, folder: Path, **handed_on: Any) -> str:
    """Run a job of the example for AWX on its own disk; its output."""
    folder.mkdir()
    variables = json.dumps({"pce_plan_folder": str(folder), **handed_on})
    arguments = ("-i", "hosts.yml", EXAMPLE / playbook, "-e", variables)
    process = ansible.playbook(*arguments, environment={"ANSIBLE_SHOW_CUSTOM_STATS": "true"})
    assert process.returncode == 0, process.stdout
    return process.stdout


@pytest.mark.faults(67)
def test_the_workflow_of_awx_hands_on_the_file_that_was_signed(
    tutorial: Ansible, home: Path, shells: tuple[Shell, Shell, Shell]
) -> None:
    approver, job, dummy = shells
    approver.must(f"gpg --batch --passphrase '' --quick-generate-key {APPROVER} ed25519 sign 1d")
    approver.must(commands_of("gpg --export"))
    output = job_of_awx(tutorial, "plan.yml", home / "first")
    (told,) = re.findall(r"^\s*RUN: (\{.*\})$", output, re.MULTILINE)
    handed_on = json.loads(told)
    saved = (home / "first" / "plan.json").read_bytes()
    assert b64decode(handed_on["pce_plan"]) == saved and saved.endswith(b"}\n")
    approver.must(f"gpg --local-user {APPROVER} --armor --detach-sign first/plan.json")
    job_of_awx(tutorial, "renew.yml", home / "last", **handed_on)
    assert (home / "last" / "plan.json").read_bytes() == saved
    job.must("gpgv --keyring ./approvers.gpg first/plan.json.asc last/plan.json")
    assert renewed(tutorial.portal) == [ANNUAL]
