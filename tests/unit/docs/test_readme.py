# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README leads to everything that the collection has, explains its words, and stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

TEXT = (REPOSITORY / "README.md").read_text(encoding="utf-8")
# Options that several modules share are documented in these; no task and no file of a user names one.
NOT_FOR_USERS = {"doc_fragments", "module_utils", "plugin_utils"}
GUIDES = ("docs/docsite/rst/*.rst", "docs/*.md", "roles/*/README.md", "tests/simulator/README.md")
# What docs/performance.md, which is linked, is written with.
NOT_LINKED = {"docs/performance-notes.md"}


def content() -> list[Path]:
    """What users name in a play, an inventory, a configuration or a rulebook. An action belongs to its module."""
    folders = [path for path in (REPOSITORY / "plugins").iterdir() if path.name not in {*NOT_FOR_USERS, "action"}]
    plugins = [path for folder in folders for path in folder.glob("*.py") if path.stem != "__init__"]
    others = ("playbooks/*.yml", "roles/*", "extensions/eda/plugins/*/*.py", "extensions/eda/rulebooks/*.yml")
    return sorted([*plugins, *(path for pattern in others for path in REPOSITORY.glob(pattern))])


@pytest.mark.parametrize("path", content(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_is_included_is_named_with_a_link(path: Path) -> None:
    target = path / "README.md" if path.is_dir() else path
    assert f"[`{path.stem}`]({target.relative_to(REPOSITORY)})" in TEXT


def test_the_search_for_content_finds_it() -> None:
    kinds = {str(path.parent.relative_to(REPOSITORY)) for path in content()}
    assert kinds >= {"playbooks", "roles", "plugins/modules", "plugins/filter", "plugins/inventory", "plugins/callback"}
    assert kinds >= {"extensions/eda/plugins/event_source", "extensions/eda/rulebooks"}


def test_every_guide_is_linked() -> None:
    guides = {str(path.relative_to(REPOSITORY)) for pattern in GUIDES for path in REPOSITORY.glob(pattern)}
    assert [guide for guide in sorted(guides - NOT_LINKED) if f"]({guide})" not in TEXT] == []


def test_it_is_short_enough_to_be_read() -> None:
    assert len(TEXT.splitlines()) <= 130


@pytest.mark.parametrize("word", ["PCE Instances", "ledger", "settled"])
def test_a_word_of_the_trade_is_explained_where_it_first_appears(word: str) -> None:
    stem = word[:6]
    first = re.search(rf"\W({stem}\w*)", TEXT)
    assert first is not None and TEXT.index(f"*{word}*") == first.start(), f"write *{word}* and say what it is"
