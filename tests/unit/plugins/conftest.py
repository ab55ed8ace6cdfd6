# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test sees the ledger of whoever runs it, or of another test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from ansible.module_utils.common import warnings

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def state_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A state home of the test's own, which nobody has made yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"))


@pytest.fixture(autouse=True)
def nothing_deprecated() -> Iterator[None]:
    """What a core announces to take away is an error in whatever test meets it."""
    yield
    assert list(warnings.get_deprecation_messages()) == []


def pytest_configure(config: pytest.Config) -> None:
    """ansible-test does not read pytest.ini: neither its markers nor which warnings are errors."""
    for kind in ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"):
        config.addinivalue_line("filterwarnings", f"error::{kind}")
    config.addinivalue_line("markers", "faults(*rows): the faults that a test proves")
