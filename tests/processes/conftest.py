# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests that kill, cut off and race real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Postgres
from tests.support.processes import POSTGRESQL, SQLITE, Ansible, controllers
from tests.support.running import end_all


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """End the processes that a failed test leaves running."""
    yield
    assert end_all() == []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Ansible]]:
    """Start a simulator (arguments as `Simulator`), and return a controller that uses it."""
    with controllers(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, one for the whole session."""
    with Postgres() as server:
        yield server


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a new and empty database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def ledger(request: pytest.FixtureRequest) -> dict[str, str]:
    """The option for a new ledger of each kind."""
    return {} if request.param == SQLITE else {"ledger": request.getfixturevalue("database_url")}
