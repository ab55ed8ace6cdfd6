# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read and copy: every YAML block parses, is tidy, and names only what exists. See also test_examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from tests.simulator import Simulator
from tests.support.checks import (
    known_environment,
    problems_of_block,
    problems_of_commands,
    problems_of_document,
    problems_of_names,
    variables_of_role,
)
from tests.support.documents import REPOSITORY, Block, all_blocks, blocks_of, document_paths

YAML_BLOCKS = all_blocks("yaml")
FLEET_KEYS = {"account", "pbxs"}


def block_in(path: str, key: str) -> dict[str, Any]:
    """The one YAML mapping of a document that has this key."""
    documents = [block.document() for block in blocks_of(path) if block.language == "yaml"]
    (found,) = [document for document in documents if isinstance(document, dict) and key in document]
    return found


@pytest.mark.parametrize("block", YAML_BLOCKS, ids=lambda block: block.place)
def test_a_yaml_block_is_tidy_and_names_only_what_exists(block: Block) -> None:
    assert problems_of_block(block) == []


@pytest.mark.parametrize("path", document_paths())
def test_a_document_names_only_modules_playbooks_and_variables_that_exist(path: str) -> None:
    assert problems_of_names((REPOSITORY / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("block", all_blocks("console"), ids=lambda block: block.place)
def test_a_command_names_only_targets_playbooks_and_files_that_exist(block: Block) -> None:
    assert problems_of_commands(block.text) == []


def test_the_search_for_blocks_finds_them() -> None:
    assert len(document_paths()) == 13
    assert {block.path for block in YAML_BLOCKS} >= {*document_paths()} - {"docs/docsite/rst/guide_troubleshooting.rst"}
    assert sum(block.expectation is not None for block in YAML_BLOCKS) >= 20
    assert len(variables_of_role()) == 37 + 19


EXAMPLES = sorted([*REPOSITORY.glob("examples/**/*.yml"), *REPOSITORY.glob("extensions/eda/rulebooks/*.yml")])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_that_users_copy_names_only_what_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert problems_of_document(yaml.safe_load(text)) == [] == problems_of_names(text)


def test_fleets_are_ones_that_the_simulator_takes() -> None:
    fleets = [block.document() for block in YAML_BLOCKS if isinstance(block.document(), dict)]
    fleets = [fleet for fleet in fleets if set(fleet) >= FLEET_KEYS]
    assert len(fleets) == 1
    with Simulator(fleet=fleets[0]) as portal:
        assert len(portal.pbxs) == 11


@pytest.mark.parametrize("kind", ["workflow", "gitlab"])
def test_a_pipeline_renews_once_after_a_plan_and_an_approval(kind: str) -> None:
    path = "docs/docsite/rst/guide_pipelines.rst"
    if kind == "workflow":
        workflow = block_in(path, "jobs")
        assert workflow["concurrency"]["cancel-in-progress"] is False
        renew, plan = workflow["jobs"]["renew"], workflow["jobs"]["plan"]
        assert renew["needs"] == "plan" and renew["environment"]
        scripts = [step["run"] for step in renew["steps"] if "pbxops.yeastar.renew" in step.get("run", "")]
        assert "retry" not in yaml.safe_dump(workflow)
    else:
        pipeline = block_in(path, "stages")
        renew, plan = pipeline["renew"], pipeline["plan"]
        assert renew["resource_group"] == plan["resource_group"]
        assert (renew["when"], renew["retry"], renew["allow_failure"]) == ("manual", 0, False)
        assert pipeline["default"]["interruptible"] is False
        scripts = [line for line in renew["script"] if "pbxops.yeastar.renew" in line]
    assert len(scripts) == 1
    assert "pbxops.yeastar.plan" in yaml.safe_dump(plan) and "pbxops.yeastar.renew" not in yaml.safe_dump(plan)


def test_the_credential_type_injects_variables_that_are_read_from_fields_that_it_has() -> None:
    path = "docs/docsite/rst/guide_awx.rst"
    fields = block_in(path, "fields")
    injected = block_in(path, "env")["env"]
    assert set(injected) <= known_environment()
    assert [field["id"] for field in fields["fields"] if field.get("secret")] == ["client_secret"]
    assert set(injected.values()) == {f"{{{{ {field['id']} }}}}" for field in fields["fields"]}
    assert set(fields["required"]) == {field["id"] for field in fields["fields"]}


def test_an_ini_inventory_needs_the_quotes_that_the_guide_asks_for(tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs/docsite/rst/guide_inventory.rst").read_text(encoding="utf-8")
    assert "``pce_renewal_product_no='\"3631E3418911\"'``" in guide
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        "[pbxs]\n0012345\n"
        'branch pce_renewal_product_no=\'"3631E3418911"\'\nless pce_renewal_product_no="3631E3418911"\n'
    )
    hosts = {host.name: host.vars for host in InventoryManager(DataLoader(), sources=[str(inventory)]).get_hosts()}
    assert set(hosts) == {"0012345", "branch", "less"}
    assert hosts["branch"]["pce_renewal_product_no"] == "3631E3418911"
    assert hosts["less"]["pce_renewal_product_no"] == float("inf")
