# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every example that a user can copy: those of the modules, those marked in the documents, the inventory."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.documents import REPOSITORY as ROOT
from tests.support.documents import Block, all_blocks
from tests.support.processes import Ansible

FLEETS = ROOT / "tests" / "simulator" / "fleets"
SERIAL_NUMBER = "3658B431119665QJ"
RUNNABLE = [block for block in all_blocks("yaml") if block.expectation is not None]


def arguments_for(ansible: Ansible, document: Any) -> list[str | Path]:
    """Write a block's plays, tasks or inventory to a file, add what is missing, and return how to run it."""
    inventory, playbook = ansible.home / "hosts.yml", ansible.home / "example.yml"
    if isinstance(document, dict) and "plugin" in document:
        inventory = ansible.home / "account.yeastar_pce.yml"
        inventory.write_text(yaml.safe_dump(document), encoding="utf-8")
        variables = {"pce_renewal_hosts": "expires_in_30", "pce_renewal_max_orders": 2}
        return ["--inventory", inventory, "pbxops.yeastar.renew", "--extra-vars", json.dumps(variables)]
    if isinstance(document, dict):
        inventory.write_text(yaml.safe_dump(document), encoding="utf-8")
        return ["--inventory", inventory, "pbxops.yeastar.renew", "--extra-vars", "pce_renewal_wait_timeout=0"]
    if "hosts" not in document[0]:
        # Tasks; those of the role's two halves need the variables of a PBX.
        variables = {"pce_renewal_max_orders": 1, "pce_renewal_product_no": SERIAL_NUMBER}
        play = {"name": "Run", "hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": document}
        document = [play]
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    inventory.write_text(yaml.safe_dump({"pbxs": {"hosts": dict.fromkeys(numbers)}}), encoding="utf-8")
    playbook.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return ["--inventory", inventory, playbook]


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.place)
def test_a_block_that_is_marked_runs_to_the_end_that_it_states(start: Callable[..., Ansible], block: Block) -> None:
    expected = block.expectation
    assert expected is not None
    ansible = start(fleet=FLEETS / f"{expected.fleet}.yml")
    process = ansible.playbook(*arguments_for(ansible, block.document()))
    assert process.returncode == expected.status, process.stdout
    assert "[WARNING]" not in process.stdout and "[DEPRECATION" not in process.stdout, process.stdout
    # A block that is refused before it reaches the portal proves nothing, unless it is only about the ledger.
    reached = any(entry.path.endswith("/instance_product_list") for entry in ansible.portal.log)
    assert reached or "yeastar_pce_ledger" in block.text, process.stdout
    if expected.orders is not None:
        assert len(ansible.portal.invoices) == expected.orders, process.stdout
    tasks = block.document()
    if expected.status == 0 and isinstance(tasks, list) and "hosts" not in tasks[0]:
        assert process.stdout.count("TASK [") == len(tasks)


def test_the_example_inventory_is_renewed_as_its_variables_say(six: Ansible) -> None:
    inventory = ROOT / "examples" / "inventory"
    process = six.playbook("--inventory", inventory, "pbxops.yeastar.renew")
    assert sorted(invoice.product_no for invoice in six.portal.invoices) == ["0036580000012345", SERIAL_NUMBER]
    recap = {line.split()[0]: line for line in process.stdout.splitlines() if " ok=" in line}
    assert len(recap) == 6
    assert {host for host, line in recap.items() if "changed=1" in line} == {"head_office", "0036580000012345"}
    assert {host for host, line in recap.items() if "failed=1" in line} == {"3631E3418911"}


@pytest.mark.parametrize("entry_point", ["main", "plan"])
def test_the_roles_argument_spec_has_the_variables_that_the_batch_reads(entry_point: str) -> None:
    options = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.table")
    batch = import_module("ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.host_requests")
    spec = yaml.safe_load((ROOT / "roles/pce_renewal/meta/argument_specs.yml").read_text(encoding="utf-8"))
    read = {
        "product_no": {"type": "raw"},
        **options.DECLARATION_OPTIONS,
        **options.RENEWAL_RUN_OPTIONS,
        **options.CONNECTION_OPTIONS,
        **batch.MODE_OPTIONS["plan" if entry_point == "plan" else "renew"],
    }
    declared = spec["argument_specs"][entry_point]["options"]
    assert set(declared) == {*map(batch.variable_of, read), "pce_renewal_extra_variables"}
    for name, option in read.items():
        row = declared[batch.variable_of(name)]
        assert row["type"] == option["type"]
        assert row.get("choices") == option.get("choices")
        assert "no_log" not in row, "with it, ansible-core 2.18 refuses an inline !vault value"
