# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the tests names what is there, and every stand-in of the unit tests."""

from __future__ import annotations

import re

from tests.support.documents import REPOSITORY

TESTS = REPOSITORY / "tests"
TEXT = (TESTS / "README.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:\w+/)*(?:[\w*]+\.(?:py|toml)|\w+/))`")


def test_what_is_named_is_there() -> None:
    paths = PATH.findall(TEXT)
    assert len(paths) > 40
    assert [path for path in paths if not (path == "plugins/" or any(TESTS.rglob(path)))] == []


def test_every_folder_and_every_stand_in_is_named() -> None:
    folders = [path for path in (*TESTS.iterdir(), *(TESTS / "unit").iterdir()) if path.is_dir()]
    named = [
        str(path.relative_to(TESTS)) + "/" for path in folders if path.name not in ("unit", "output", "__pycache__")
    ]
    named += [str(path.relative_to(TESTS)) for path in (TESTS / "unit" / "helpers").glob("*.py")]
    assert [path for path in named if f"`{path}`" not in TEXT and path != "unit/helpers/ledger_rules.py"] == []


def test_it_is_short_enough_to_be_read() -> None:
    assert len(TEXT.splitlines()) <= 90
