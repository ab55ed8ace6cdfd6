# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenario: what it says of each step, and that it leaves no simulator behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.plays import ANNUAL, FAR, REPOSITORY, Shown
from tests.support.tools import Tools

EXTENSIONS = REPOSITORY / "extensions"
ARGUMENTS = ("test", "--no-command-borders", "--scenario-name", "pce_renewal")
STEPS = ["destroy", "syntax", "create", "converge", "idempotence", "verify", "destroy"]

_STEP = re.compile(r"\[pce_renewal > (\w+)\] Executing$", re.MULTILINE)
_END = re.compile(r"\[pce_renewal > (\w+)\] (?:\x1b\[\d+m)?Executed: (\w+)")


def steps(output: str) -> list[tuple[str, str, Shown]]:
    """Each step that was taken, in order: its name, what molecule says became of it, and what Ansible showed."""
    parts = _STEP.split(output)[1:]
    found = []
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        end = _END.search(part)
        assert end and end[1] == name, output
        found.append((name, end[2], Shown(part, 0)))
    return found


def simulators(tools: Tools) -> list[int]:
    """The process ids of the simulators that molecule has started in this home, and that still run."""
    listing = subprocess.run(["ps", "-wweo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if f"--port-file {tools.home}" in line]


@pytest.fixture(autouse=True)
def end_what_is_left(tools: Tools) -> Iterator[None]:
    """A scenario that does not clean up fails its test, and yet leaves nothing behind."""
    yield
    for process in simulators(tools):
        os.kill(process, signal.SIGTERM)


def test_the_scenario_renews_the_one_that_is_due_once_and_leaves_nothing_running(tools: Tools) -> None:
    process = tools.run("molecule", *ARGUMENTS, folder=EXTENSIONS)
    assert process.returncode == 0, process.stdout
    taken = steps(process.stdout)
    assert [(name, word) for name, word, _shown in taken] == [(name, "Successful") for name in STEPS]
    shown = {name: step for name, _word, step in taken}
    assert shown["converge"].recap == {ANNUAL: {"ok": 3, "changed": 1}, FAR: {"ok": 3}}
    assert shown["converge"].states() == {ANNUAL: "renewed", FAR: "current"}
    assert shown["idempotence"].recap == {ANNUAL: {"ok": 3}, FAR: {"ok": 3}}
    order = shown["converge"].results()[ANNUAL]["order"]["order_no"]
    assert f'"exactly one invoice: {order}"' in shown["verify"].output
    assert simulators(tools) == []
    assert tools.portal.invoices == [], "the scenario must use its own portal, whatever the environment says"


def test_a_step_that_fails_ends_the_scenario_and_leaves_nothing_running(tools: Tools) -> None:
    process = tools.run("molecule", *ARGUMENTS, "--", "--extra-vars", "pce_renewal_max_orders=0", folder=EXTENSIONS)
    assert process.returncode != 0, process.stdout
    words = [(name, word) for name, word, _shown in steps(process.stdout)]
    assert [name for name, _word in words] == ["destroy", "syntax", "create", "converge", "cleanup", "destroy"]
    assert ("converge", "Failed") in words and words[-1] == ("destroy", "Successful"), process.stdout
    assert simulators(tools) == []
