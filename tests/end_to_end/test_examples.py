# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example that a user can copy is run: those of the modules, of the READMEs, and the example inventory."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.processes import MODULES, Ansible

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("yeastar_*.py"))
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SERIAL_NUMBER = "3658B431119665QJ"


def run_play(ansible: Ansible, play: dict[str, Any]) -> str:
    """Run a play on the controller, for the tutorial's PBX where it is one for the role, and return the output."""
    path = ansible.home / "example.yml"
    variables = {"pce_renewal_max_orders": 1, "pce_renewal_product_no": SERIAL_NUMBER}
    path.write_text(
        yaml.safe_dump([{**play, "hosts": "localhost", "gather_facts": False, "vars": variables}]), encoding="utf-8"
    )
    process = ansible.playbook(path)
    assert process.returncode == 0, process.stdout
    return process.stdout


def blocks_of(readme: str) -> list[Any]:
    return [yaml.safe_load(block) for block in YAML_BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_run(tutorial: Ansible, name: str) -> None:
    tasks = yaml.safe_load(import_module(MODULES + name).EXAMPLES)
    output = run_play(tutorial, {"tasks": tasks})
    assert output.count("TASK [") == len(tasks)
    assert any(entry.path.endswith("/instance_product_list") for entry in tutorial.portal.log)


def test_the_tasks_of_the_readme_run(tutorial: Ansible) -> None:
    tasks = [task for block in blocks_of("README.md") if isinstance(block, list) for task in block]
    assert len(tasks) == 4
    run_play(tutorial, {"tasks": tasks})
    assert len(tutorial.portal.invoices) == 1


def test_the_inventory_of_the_readme_is_one_that_the_role_renews(six: Ansible) -> None:
    (inventory,) = [block for block in blocks_of("README.md") if isinstance(block, dict)]
    path = six.home / "hosts.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    process = six.playbook("--inventory", path, "pbxops.yeastar.renew", "--limit", SERIAL_NUMBER)
    assert process.returncode == 0, process.stdout
    assert [invoice.product_no for invoice in six.portal.invoices] == [SERIAL_NUMBER]


def test_the_play_of_the_roles_readme_runs(tutorial: Ansible) -> None:
    ((play,),) = blocks_of("roles/pce_renewal/README.md")
    assert play["hosts"] == "pbxs"
    run_play(tutorial, play)
    assert len(tutorial.portal.invoices) == 1


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
    options = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options")
    spec = yaml.safe_load((ROOT / "roles/pce_renewal/meta/argument_specs.yml").read_text(encoding="utf-8"))
    wait = options.WAIT_OPTIONS if entry_point == "main" else {}
    read = {
        "product_no": {"type": "raw"},
        **options.DECLARATION_OPTIONS,
        **options.RENEWAL_RUN_OPTIONS,
        **options.CONNECTION_OPTIONS,
        **wait,
    }
    declared = spec["argument_specs"][entry_point]["options"]
    assert set(declared) == {f"pce_renewal_{name}" for name in read}
    for name, option in read.items():
        row = declared[f"pce_renewal_{name}"]
        assert row["type"] == option["type"]
        assert row.get("choices") == option.get("choices")
        assert row.get("no_log") == option.get("no_log")
