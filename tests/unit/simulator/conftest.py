# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A portal on the six PBXs, and clients of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import simulator
from tests.simulator import Simulator
from tests.support.client import Client, sample_body

FLEETS = Path(simulator.__file__).with_name("fleets")
NOW = "2026-11-23T00:00:00Z"


@pytest.fixture
def body() -> dict[str, Any]:
    return sample_body()


@pytest.fixture
def portal():
    with Simulator(FLEETS / "six.yml", now=NOW) as running:
        yield running


@pytest.fixture
def connect():
    """Makes clients, for tests that start portals of their own, and closes their connections in the end."""
    clients = []

    def make(portal: Simulator, log_in: bool = True) -> Client:
        clients.append(Client(portal, log_in))
        return clients[-1]

    yield make
    for made in clients:
        made.connection.close()


@pytest.fixture
def client(portal, connect):
    return connect(portal)


@pytest.fixture
def fleets() -> Path:
    return FLEETS
