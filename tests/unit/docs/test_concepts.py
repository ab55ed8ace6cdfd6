# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The concepts of `field_map` in the documentation are those that are read."""

from __future__ import annotations

import re
from importlib import import_module

import yaml

from tests.support.documents import REPOSITORY

PLUGINS = "ansible_collections.pbxops.yeastar.plugins."
CANDIDATES = set(import_module(f"{PLUGINS}module_utils._portal.fields").CANDIDATES)


def test_the_option_names_every_concept() -> None:
    fragment = import_module(f"{PLUGINS}doc_fragments.connection").ModuleDocFragment.DOCUMENTATION
    (keys,) = (line for line in yaml.safe_load(fragment)["options"]["field_map"]["description"] if "The keys" in line)
    assert set(re.findall(r"C\((\w+)\)", keys)) == CANDIDATES


def test_the_guide_has_a_row_for_every_concept() -> None:
    text = (REPOSITORY / "docs/docsite/rst/guide_fields.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ((?:``\w+``(?:, )?)+)$", text, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"``(\w+)``", row)} == CANDIDATES
