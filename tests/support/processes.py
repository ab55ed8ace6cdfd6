# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the modules and playbooks as real processes, as a user's Ansible would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.environment import isolated_environment
from tests.support.kill_points import KillPoint
from tests.support.running import Running
from tests.support.saved_plans import plans_in, problems_of_plan

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."
SQLITE, POSTGRESQL = "sqlite", "postgresql"  # the kinds of ledger


@dataclass(frozen=True)
class Ansible:
    """A separate controller: its home, and the portal in its environment."""

    portal: Simulator
    home: Path

    def module(self, name: str, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        """The result of a module that runs in its own process, with credentials from the environment."""
        with self._sound_plans():
            return self.start(name, arguments, check_mode).result()

    def start(
        self,
        name: str,
        arguments: Mapping[str, Any],
        check_mode: bool = False,
        *,
        at: KillPoint | None = None,
        environment: Mapping[str, str] | None = None,
        under: Sequence[str | Path] = (),
    ) -> Running:
        """Start a module without waiting for it.

        ``at`` is where it sends itself a signal, ``environment`` is added to the isolated one, and ``under`` is the
        command that runs it, such as a tracer.
        """
        variables = isolated_environment(self.portal, self.home)
        variables = {**variables, "PYTHONPATH": variables["ANSIBLE_COLLECTIONS_PATH"], **(environment or {})}
        given = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check_mode}})
        return Running([*under, sys.executable, "-m", MODULES + name], given, variables, at)

    def start_renewal(self, check_mode: bool = False, *, at: KillPoint | None = None, **arguments: Any) -> Running:
        """Start a renewal that can be killed, see `start`."""
        return self.start("yeastar_pce_renewal", {"wait_timeout": 0, **arguments}, check_mode, at=at)

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
        with self._sound_plans():
            return self._run("ansible-playbook", arguments, environment, subprocess.STDOUT)

    def start_playbook(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> Running:
        """Start ansible-playbook without waiting for it."""
        command = [Path(sys.executable).parent / "ansible-playbook", *arguments]
        return Running(command, "", {**isolated_environment(self.portal, self.home), **(environment or {})})

    def inventory(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ansible-inventory. Its warnings are in ``stderr``."""
        return self._run("ansible-inventory", arguments, environment, subprocess.PIPE)

    def _run(
        self, name: str, arguments: Sequence[str | Path], environment: Mapping[str, str] | None, errors: int
    ) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [Path(sys.executable).parent / name, *arguments],
            env={**isolated_environment(self.portal, self.home), **(environment or {})},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=600,
            check=False,
        )
        # A deprecation warning of ansible-core is an error in any test.
        assert "[DEPRECATION WARNING]" not in f"{process.stdout}{process.stderr}", process.stdout
        return process

    @contextmanager
    def _sound_plans(self) -> Iterator[None]:
        """Check every plan that is saved in the meantime against the schema."""
        since = time.time_ns()
        yield
        problems = {path: problems_of_plan(plan) for path, plan in plans_in(self.home, since).items()}
        assert not any(problems.values()), problems


@contextmanager
def controllers(folder: Path) -> Iterator[Callable[..., Ansible]]:
    """Start simulators (arguments as `Simulator`), each with a controller that uses it, until the block ends."""
    with ExitStack() as stack:
        yield lambda **arguments: Ansible(stack.enter_context(Simulator(**arguments)), folder)


def orders_sent(portal: Simulator) -> int:
    """How many orders reached the portal, regardless of the outcome."""
    return sum(entry.method == "POST" and entry.path.endswith("/order/v1/save") for entry in portal.log)


def states(result: Mapping[str, Any]) -> dict[str, str]:
    """The state of each PBX in a result."""
    return {row["product_no"]: row["state"] for row in result["results"]}
