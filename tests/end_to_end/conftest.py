# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests that run real processes against the portal simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import Ansible, controllers

FLEETS = Path(__file__).parents[1] / "simulator" / "fleets"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Ansible]]:
    """Start a simulator (arguments as `Simulator`), and return a controller that uses it."""
    with controllers(tmp_path) as begin:
        yield begin


@pytest.fixture
def tutorial(start: Callable[..., Ansible]) -> Ansible:
    """The tutorial's PBX, due in 12 days."""
    return start(fleet=FLEETS / "tutorial.yml")


@pytest.fixture
def six(start: Callable[..., Ansible]) -> Ansible:
    """Six PBXs that differ in everything that matters for a renewal."""
    return start(fleet=FLEETS / "six.yml")
