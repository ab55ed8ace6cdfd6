# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take each guard out in turn; print the test that fails without it. Ends with 1 when one survives or is not found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[2]
GUARDS = Path(__file__).with_name("guards.toml")
PLUGINS = Path("plugins")
UNIT_TESTS = "tests/unit/plugins"
TIMEOUT = 300  # s for the tests of one guard; a mutant that hangs them is noticed too
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S*/(\S+?\.py\S*.*?)(?: - |$)", re.MULTILINE)
_ARGUMENTS = ("-x", "-p", "no:cacheprovider", "--tb=no", "-q", "-rfE")


@dataclass(frozen=True)
class Guard:
    """A piece of code, what it becomes without the guard, and where a test of it must be."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    @classmethod
    def read(cls, entry: dict[str, object]) -> Guard:
        """From the table of guards."""
        pairs = [(str(entry["text"]), str(entry["instead"]))]
        also = entry.get("also")
        if isinstance(also, list):
            pairs.append((also[0], also[1]))
        names = entry["tests"]
        assert isinstance(names, list)
        tests = tuple(name if name.startswith("tests/") else f"{UNIT_TESTS}/{name}" for name in names)
        return cls(str(entry["name"]), str(entry["file"]), tuple(pairs), tests)

    def without(self, source: str) -> str:
        """The source without the guard. Raises ValueError when what it looks for does not stand there just once."""
        for text, instead in self.changes:
            if source.count(text) != 1:
                raise ValueError(f"stands {source.count(text)} times in {self.file}, expected once: {text.strip()!r}")
            source = source.replace(text, instead)
        compile(source, self.file, "exec")
        return source


def _run(tree: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the tests pass in a tree, and the first that does not."""
    collections = tree.parents[2]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": str(collections)}
    command = [sys.executable, "-m", "pytest", *_ARGUMENTS, *tests]
    try:
        ended = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"{tests[0]}: no end within {TIMEOUT} s"
    if ended.returncode not in (0, 1):
        raise RuntimeError(ended.stdout + ended.stderr)
    failed = _FAILED.search(ended.stdout)
    return ended.returncode == 0, failed[1] if failed else ""


def _copy(directory: str) -> Path:
    """The collection as it stands, where Ansible finds it."""
    tree = Path(directory) / "ansible_collections" / "pbxops" / "yeastar"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "changelogs", "output")
    shutil.copytree(ROOT, tree, ignore=ignored, symlinks=True)
    return tree


def main(names: list[str]) -> int:
    """Judge all guards, or those whose name holds one of ``names``."""
    guards = [Guard.read(entry) for entry in tomllib.loads(GUARDS.read_text(encoding="utf-8"))["guard"]]
    guards = [guard for guard in guards if not names or any(name in guard.name for name in names)]
    troubles = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        tree = _copy(directory)
        whole, culprit = _run(tree, tuple(sorted({test for guard in guards for test in guard.tests})))
        if not whole:
            print(f"the tests do not even pass with every guard in place: {culprit}")
            return 1
        for guard in guards:
            path = tree / PLUGINS / guard.file
            source = path.read_text(encoding="utf-8")
            try:
                path.write_text(guard.without(source), encoding="utf-8")
                survived, killer = _run(tree, guard.tests)
            except (ValueError, SyntaxError) as error:
                survived, killer = True, str(error)
            finally:
                path.write_text(source, encoding="utf-8")
            if survived:
                troubles.append(guard.name)
            print(f"{guard.name}\n    -> {'NOTHING FAILED: ' if survived else ''}{killer}", flush=True)
    print(f"{len(guards)} guards taken out, {len(troubles)} not missed" + "".join(f"\n  {name}" for name in troubles))
    return int(bool(troubles) or not guards)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
