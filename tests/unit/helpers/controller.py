# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller of which the two actions of the role see no more than they use: hosts, their variables, their tasks."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ACTIONS = "ansible_collections.pbxops.yeastar.plugins.action."
REQUEST, OUTCOME = "yeastar_pce_request", "yeastar_pce_outcome"


class Plain:
    """A templar for values that need no templating."""

    def template(self, value: Any) -> Any:
        return value


class Controller:
    """One run of ansible-playbook over hosts that each are a PBX, named by its serial number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, hosts: dict[str, dict[str, Any]]) -> None:
        for name in (REQUEST, OUTCOME):
            monkeypatch.setattr(f"{ACTIONS}{name}.RUN_DIRECTORY", str(folder))
        self.later: list[str] = []  # hosts of other batches
        self._facts: dict[str, dict[str, Any]] = {host: {} for host in hosts}
        self._variables = {
            host: {f"pce_renewal_{name}": value for name, value in {"product_no": host, **variables}.items()}
            for host, variables in hosts.items()
        }

    def raw_get(self, host: str) -> dict[str, Any]:
        """The variables of a host, as hostvars gives them."""
        return {**self._variables[host], **self._facts[host]}

    def set(self, host: str, **variables: Any) -> None:
        """Change variables of a host."""
        self._variables[host].update({f"pce_renewal_{name}": value for name, value in variables.items()})

    def run(
        self,
        name: str,
        host: str,
        check_mode: bool = False,
        strategy: str = "linear",
        when: Any = (),
        run_once: bool = False,
        **arguments: Any,
    ) -> dict[str, Any]:
        """What a task of a host ends with."""
        task = SimpleNamespace(
            _parent=SimpleNamespace(_uuid="use"),
            args=arguments,
            async_val=0,
            check_mode=check_mode,
            run_once=run_once,
            get_play=lambda: SimpleNamespace(strategy=strategy, _uuid="play"),
            when=when,
        )
        action = import_module(ACTIONS + name).ActionModule(
            task=task,
            connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)),
            play_context=None,
            loader=None,
            templar=Plain(),
            shared_loader_obj=None,
        )
        task_vars = {
            **self.raw_get(host),
            "ansible_play_batch": list(self._facts),
            "ansible_play_hosts": [*self._facts, *self.later],
            "hostvars": self,
            "inventory_hostname": host,
            "omit": "__omit__",
        }
        result: dict[str, Any] = action.run(task_vars=task_vars)
        return result

    def request(self, host: str, **keywords: Any) -> dict[str, Any]:
        """Let a host make its request, and register it."""
        result = self.run(REQUEST, host, **keywords)
        self._facts[host]["pce_renewal_request"] = result
        return result

    def outcome(self, host: str, **keywords: Any) -> dict[str, Any]:
        """Let a host show its outcome."""
        return self.run(OUTCOME, host, **keywords)
