# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator is shipped with the collection, alone: it needs nothing else of the tests, and none of them is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import yaml

from tests import simulator

SIMULATOR = Path(simulator.__file__).parent
ROOT = SIMULATOR.parents[1]


def test_of_the_tests_the_build_ignores_everything_but_the_simulator():
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    names = [path.name for path in (ROOT / "tests").iterdir() if path.name != "__pycache__"]
    assert [name for name in names if not any(fnmatch(f"tests/{name}", one) for one in ignored)] == ["simulator"]
    assert [one for one in ignored if one.startswith("tests/") and not (ROOT / one).exists()] == []


def test_it_runs_where_there_is_nothing_else_of_the_tests(tmp_path):
    shutil.copytree(SIMULATOR, tmp_path / "simulator", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "simulator", "--fleet", "simulator/fleets/six.yml", "--lifetime", "0"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    process = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=30, check=False
    )
    assert (process.returncode, process.stderr) == (0, "") and "serves 6 PBXs" in process.stdout
