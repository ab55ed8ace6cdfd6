# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the modules and playbooks as real processes, as a user's Ansible would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.environment import isolated_environment

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."


@dataclass(frozen=True)
class Ansible:
    """A controller of its own: its home, and the portal that its environment points to."""

    portal: Simulator
    home: Path

    def module(self, name: str, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        """The result of a module that runs in a process of its own, credentials from the environment."""
        environment = isolated_environment(self.portal, self.home)
        process = subprocess.run(
            [sys.executable, "-m", MODULES + name],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check_mode}}),
            env={**environment, "PYTHONPATH": environment["ANSIBLE_COLLECTIONS_PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not process.stderr, process.stderr
        result: dict[str, Any] = json.loads(process.stdout)
        assert process.returncode == (1 if result.get("failed") else 0)
        return result

    def plan(self, **arguments: Any) -> dict[str, Any]:
        return self.module("yeastar_pce_plan", **arguments)

    def renew(self, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        return self.module("yeastar_pce_renewal", check_mode, **{"wait_timeout": 0, **arguments})

    def info(self, **arguments: Any) -> dict[str, Any]:
        return self.module("yeastar_pce_info", **arguments)

    def playbook(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook. The output, both streams together, is in ``stdout``."""
        return subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", *arguments],
            env={**isolated_environment(self.portal, self.home), **(environment or {})},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )


def orders_sent(portal: Simulator) -> int:
    """How many orders reached the portal, whatever became of them."""
    return sum(entry.method == "POST" and entry.path.endswith("/order/v1/save") for entry in portal.log)


def states(result: Mapping[str, Any]) -> dict[str, str]:
    """The state of each PBX in a result."""
    return {row["product_no"]: row["state"] for row in result["results"]}
