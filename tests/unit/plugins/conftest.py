# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test sees the ledger of whoever runs it, or of another test."""

from __future__ import annotations

import itertools

import pytest

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def state_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A state home of the test's own, which nobody has made yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"))


def pytest_configure(config: pytest.Config) -> None:
    """ansible-test does not read pytest.ini, and knows no marker that nobody has told it."""
    config.addinivalue_line("markers", "faults(*rows): the faults that a test proves")
