# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users install it, and a place where the tools of Ansible's ecosystem run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.environment import isolated_environment
from tests.support.plays import REPOSITORY
from tests.support.postgres import Postgres
from tests.support.tools import BIN, FLEET, Tools

SETTINGS_OF_TOOLS = ("MOLECULE_", "RUNNER_", "XDG_")


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path that holds the collection, installed from the tarball that this checkout builds."""
    folder = tmp_path_factory.mktemp("collections")
    environment = {
        **os.environ,
        # Where the checkout is found as a collection, galaxy has nothing to install.
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_HOME": str(folder / "home"),
        "HOME": str(folder / "home"),
    }
    galaxy: list[str | Path] = [BIN / "ansible-galaxy", "collection"]
    build = [*galaxy, "build", "--output-path", folder, REPOSITORY]
    subprocess.run(build, env=environment, check=True, capture_output=True)
    (tarball,) = folder.glob("*.tar.gz")
    install = [*galaxy, "install", "--offline", "--collections-path", folder, tarball]
    subprocess.run(install, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture
def fleet() -> Path | dict[str, Any]:
    """The account behind the portal: the six PBXs of the example inventory, unless a file of tests has another."""
    return FLEET


@pytest.fixture
def tools(
    tmp_path: Path, collections: Path, fleet: Path | dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tools]:
    """The tools before the portal."""
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with Simulator(fleet=fleet) as portal:
        environment = {
            name: value
            for name, value in isolated_environment(portal, tmp_path).items()
            if not name.startswith(SETTINGS_OF_TOOLS)
        }
        path = f"{BIN}{os.pathsep}{environment['PATH']}"
        yield Tools(portal, tmp_path, {**environment, "NO_COLOR": "1", "PATH": path, "TERM": "dumb"})


@pytest.fixture
def database_url() -> Iterator[str]:
    """The URL of a new and empty database, on a server of its own."""
    with Postgres() as server, server.database() as url:
        yield url
