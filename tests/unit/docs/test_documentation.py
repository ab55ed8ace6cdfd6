# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read and copy: every YAML block parses, is tidy, and names only what exists. See also test_examples."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from tests.simulator import Simulator
from tests.support.checks import (
    problems_of_block,
    problems_of_commands,
    problems_of_document,
    problems_of_names,
    variables_of_role,
)
from tests.support.documents import REFERENCES, REPOSITORY, Block, all_blocks, document_paths

YAML_BLOCKS = all_blocks("yaml")
FLEET_KEYS = {"account", "pbxs"}


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
    assert len(document_paths()) == 16
    without = {"docs/docsite/rst/guide_troubleshooting.rst", *REFERENCES}
    assert {block.path for block in YAML_BLOCKS} >= {*document_paths()} - without
    assert sum(block.expectation is not None for block in YAML_BLOCKS) >= 20
    assert len(variables_of_role()) == 44 + 25


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
