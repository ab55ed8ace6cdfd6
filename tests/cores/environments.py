# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pythons of this machine, and an environment and a collection tree for each ansible-core, cached in the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools" / "cores"
CONSTRAINTS = ROOT / "tests" / "constraints.txt"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")

# Modules may run on any of these; ansible-test compiles and imports with those it finds.
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

# ansible-test fetches these from the network before it makes an environment; pip is in every Python all the same.
GET_PIP = Path(__file__).with_name("get_pip.py")
GET_PIP_VERSIONS = ("21_3_1", "23_1_2", "24_2", "25_2")


@dataclass(frozen=True)
class Core:
    """An ansible-core, the Python chosen for it, and where it is installed."""

    version: str
    python: str
    interpreter: Path
    left_out: tuple[tuple[str, str], ...] = ()  # tests of sanity, and why

    @property
    def home(self) -> Path:
        return TOOLS / f"core-{self.version}-py{self.python}"

    @property
    def bin(self) -> Path:
        return self.home / "env" / "bin"

    @property
    def collections(self) -> Path:
        return self.home / "collections"

    @property
    def tree(self) -> Path:
        return self.collections / "ansible_collections" / "pbxops" / "yeastar"

    def __str__(self) -> str:
        return f"ansible-core {self.version} on Python {self.python}"


def pythons() -> dict[str, Path]:
    """The Pythons that work, by version: from PATH, and from where pyenv keeps its own."""
    found: dict[str, Path] = {}
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted((pyenv / "versions").glob("*/bin")) if pyenv.is_dir() else []
    for version in PYTHONS:
        for folder in folders:
            interpreter = folder / f"python{version}"
            if interpreter.exists() and _works(interpreter, version):
                found[version] = interpreter
                break
    return found


def _works(interpreter: Path, version: str) -> bool:
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


def choose(interpreters: Mapping[str, Path]) -> tuple[list[Core], list[str]]:
    """A core each with the oldest Python at hand that it supports, and the versions that no Python here can run."""
    with open(Path(__file__).with_name("cores.toml"), "rb") as file:
        table = tomllib.load(file)
    cores, missing = [], []
    for version, names in table["cores"].items():
        usable = [name for name in names if name in interpreters]
        if usable:
            left_out = tuple(table["left_out"].get(version, {}).items())
            cores.append(Core(version, usable[0], interpreters[usable[0]], left_out))
        else:
            missing.append(version)
    return cores, missing


def prepare(core: Core) -> None:
    """Install the core unless it is there with the same pins, and copy the checkout's files to where Ansible looks."""
    pins = hashlib.sha256(CONSTRAINTS.read_bytes() + REQUIREMENTS.read_bytes()).hexdigest()
    stamp = core.home / "pins"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
        shutil.rmtree(core.home, ignore_errors=True)
        subprocess.run([core.interpreter, "-m", "venv", core.bin.parent], check=True)
        constraints = core.home / "constraints.txt"
        lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines(keepends=True)
        constraints.write_text("".join(line for line in lines if not line.startswith("ansible-core")), encoding="utf-8")
        packages = [f"ansible-core=={core.version}", "-r", REQUIREMENTS]
        install = [core.bin / "python", "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, env={**os.environ, "PIP_CONSTRAINT": str(constraints)}, check=True)
        stamp.write_text(pins, encoding="utf-8")
    shutil.rmtree(core.collections, ignore_errors=True)
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (core.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, core.tree / name)
    # ansible-test looks for the pins of what it installs itself in these places only.
    for level in ("unit", "integration"):
        shutil.copy(core.home / "constraints.txt", core.tree / "tests" / level / "constraints.txt")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=core.tree, check=True)
    cache = core.home / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        shutil.copy(GET_PIP, cache / f"get_pip_{version}.py")


def environment(core: Core, interpreters: Mapping[str, Path]) -> dict[str, str]:
    """The process's environment for a judge: its core first on PATH, then every Python, and a home of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "YEASTAR_", "PYTHON"))
    }
    folders = [str(core.bin), *(str(path.parent) for path in interpreters.values()), kept.get("PATH", "")]
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(core.collections),
        "HOME": str(core.home / "home"),
        "PATH": os.pathsep.join(folders),
        "PYTHONPATH": str(core.collections),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
