# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every guard can be taken out: what is in its place stands just once in its file."""

from __future__ import annotations

import pytest
import tomllib

from tests.mutants.__main__ import GUARDS, PLUGINS, Guard
from tests.support.documents import REPOSITORY

EVERY = [Guard.read(entry) for entry in tomllib.loads(GUARDS.read_text(encoding="utf-8"))["guard"]]


@pytest.mark.parametrize("guard", EVERY, ids=lambda guard: guard.name)
def test_a_guard_can_be_taken_out(guard: Guard) -> None:
    source = (REPOSITORY / PLUGINS / guard.file).read_text(encoding="utf-8")
    assert guard.without(source) != source
