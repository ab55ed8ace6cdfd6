# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for the tests of the role: plays and inventories as data, and the parsed output of ansible-playbook."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.processes import Ansible

REPOSITORY = Path(__file__).parents[2]
EXAMPLE_INVENTORY = REPOSITORY / "examples" / "inventory"

# Of fleets/six.yml.
ANNUAL, MONTHLY, EXPIRED, FAR = "3658B431119665QJ", "0036580000012345", "3631E3418911", "3658B431119003QM"
SELF_RENEWING, SWITCHING = "3658B431119001QK", "3658B431119004QN"
ABSENT = "3658B431119999ZZ"

ROLE = "pbxops.yeastar.pce_renewal"
OUTCOME_TASK = "what became of this PBX|what was decided about"

_TASK = re.compile(r"^TASK \[(.*)\] \**$", re.MULTILINE)
_RESULT = re.compile(r"^(ok|changed|fatal|skipping): \[(\S+)(?: -> \S+)?\](?:: FAILED!)?(?: => (?=\{))?", re.MULTILINE)
_RECAP = re.compile(r"^(\S+)\s+: (ok=\d.*)$", re.MULTILINE)
_DIFF = re.compile(r"^\+\+\+ after: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """One run of ansible-playbook as its user sees it."""

    output: str
    status: int

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of each host that are not 0."""
        counts = {host: re.findall(r"(\w+)=(\d+)", line) for host, line in _RECAP.findall(self.output)}
        return {host: {name: int(count) for name, count in row if count != "0"} for host, row in counts.items()}

    @property
    def diffs(self) -> list[str]:
        """The PBXs with a diff in the output, sorted."""
        return sorted(_DIFF.findall(self.output))

    def results(self, task: str = OUTCOME_TASK) -> dict[str, dict[str, Any]]:
        """The shown result of each host for tasks with a matching name; `word` is the callback's, such as `changed`."""
        found: dict[str, dict[str, Any]] = {}
        names = list(_TASK.finditer(self.output))
        for name, following in zip(names, [*names[1:], None], strict=True):
            if not re.search(task, name[1]):
                continue
            end = following.start() if following else len(self.output)
            for line in _RESULT.finditer(self.output, name.end(), end):
                has_details = line[0].endswith("=> ")
                details = json.JSONDecoder().raw_decode(self.output, line.end())[0] if has_details else {}
                found[line[2]] = {**details, "word": line[1]}
        return found

    def states(self, task: str = OUTCOME_TASK) -> dict[str, str]:
        """The state of each host with one in the output."""
        return {host: result["state"] for host, result in self.results(task).items() if "state" in result}


def role_play(**keywords: Any) -> dict[str, Any]:
    """A play that runs the role for all hosts; keywords are added to it, or replace its own."""
    return {
        "name": "Renew",
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "roles": [{"role": ROLE}],
        **keywords,
    }


def inventory_of(hosts: Mapping[str, Mapping[str, Any] | None], **group_vars: Any) -> dict[str, Any]:
    """An inventory with one group: each host with its variables, without the role's prefix, and the group's."""
    prefixed = {host: with_prefix(variables or {}) for host, variables in hosts.items()}
    return {"pbxs": {"hosts": prefixed, "vars": with_prefix({"max_orders": 2, **group_vars})}}


def with_prefix(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {f"pce_renewal_{name}": value for name, value in variables.items()}


def run(
    ansible: Ansible,
    hosts: Mapping[str, Mapping[str, Any] | None] | str,
    *arguments: str,
    plays: list[dict[str, Any]] | None = None,
    environment: Mapping[str, str] | None = None,
    **group_vars: Any,
) -> Shown:
    """Run plays (default: the role) on hosts with these variables, or on an inventory in INI."""
    inventory = ansible.home / ("hosts.ini" if isinstance(hosts, str) else "hosts.yml")
    inventory.write_text(hosts if isinstance(hosts, str) else json.dumps(inventory_of(hosts, **group_vars)))
    playbook = ansible.home / "play.yml"
    playbook.write_text(json.dumps(plays or [role_play()]))
    process = ansible.playbook("-i", inventory, playbook, *arguments, environment=environment)
    return Shown(process.stdout, process.returncode)


def playbook(ansible: Ansible, name: str, *arguments: str | Path, **environment: str) -> Shown:
    """Run one of the collection's playbooks on the example inventory."""
    process = ansible.playbook(f"pbxops.yeastar.{name}", "-i", EXAMPLE_INVENTORY, *arguments, environment=environment)
    return Shown(process.stdout, process.returncode)


def renewed(portal: Simulator) -> list[str]:
    """The PBXs that were charged, once per invoice, sorted."""
    return sorted(invoice.product_no for invoice in portal.invoices)
