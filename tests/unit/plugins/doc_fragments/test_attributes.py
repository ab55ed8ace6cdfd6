# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that every module documents."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.doc_fragments.attributes import ModuleDocFragment

PLUGINS = Path(import_module(ModuleDocFragment.__module__).__file__ or "").resolve().parents[1]
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("yeastar_*.py"))
ATTRIBUTES = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["attributes"]


def test_the_action_group_that_is_documented_exists_and_has_every_module() -> None:
    (group,) = ATTRIBUTES["action_group"]["membership"]
    groups = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    assert {f"pbxops.yeastar.{name}": sorted(members) for name, members in groups.items()} == {group: MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_tells_its_support_of_every_attribute_that_differs_between_modules(name: str) -> None:
    text = import_module(f"ansible_collections.pbxops.yeastar.plugins.modules.{name}").DOCUMENTATION
    own = yaml.safe_load(text)["attributes"]
    assert all(attribute["description"] for attribute in ATTRIBUTES.values())
    assert set(own) == {attribute for attribute, content in ATTRIBUTES.items() if "support" not in content}
    assert all("support" in attribute for attribute in own.values())
