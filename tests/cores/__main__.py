# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the judges on every core; print what ran where, with counts; end with 1 when any of it failed or was empty."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.cores.environments import Core, choose, environment, prepare, pythons

LEAST_CORES = 2
OF_MAKE_TEST = metadata.version("ansible-core")
# Sanity keeps one processor busy and waits for nothing. The others have deadlines, so they run one by one.
SANITY_AT_ONCE = 2
# How ansible-test tells of what it cannot run on this machine.
_LEFT_OUT = re.compile(r"^WARNING: Skipping (.+)$", re.MULTILINE)
ROLE_TESTS = tuple(
    f"tests/end_to_end/test_{name}.py"
    for name in (
        *("tutorial_order", "role", "report_formats", "canaries"),
        *("variables_as_cores_read_them", "awx_handover"),
    )
)


@dataclass(frozen=True)
class Verdict:
    """What one judge said on one core: how many tests it ran, and whether it was content."""

    core: Core
    judge: str
    count: int
    is_content: bool
    seconds: float
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        word = "ok" if self.is_content else "FAILED"
        return f"{self.core!s:36} {self.judge:12} {self.count:5} tests  {self.seconds:6.1f} s  {word}"


@dataclass(frozen=True)
class Judge:
    """A command, and how to count in its output what it has run."""

    name: str
    command: Callable[[Core], list[str | Path]]
    count: Callable[[str], int]


def _ansible_test(*arguments: str) -> Callable[[Core], list[str | Path]]:
    return lambda core: [core.bin / "ansible-test", *arguments]


def _number_of(pattern: str) -> Callable[[str], int]:
    return lambda output: len(re.findall(pattern, output, re.MULTILINE))


def _passed(output: str) -> int:
    return sum(int(count) for count in re.findall(r"(\d+) passed", output))


def _sanity(core: Core) -> list[str | Path]:
    left_out = [argument for name, dummy in core.left_out for argument in ("--skip-test", name)]
    return [core.bin / "ansible-test", "sanity", "--venv", "--color", "no", *left_out]


SANITY = Judge("sanity", _sanity, _number_of(r"^Running sanity test "))
EVERYWHERE = (
    Judge("role", lambda core: [core.bin / "python", "-m", "pytest", "--numprocesses", "2", *ROLE_TESTS], _passed),
    Judge(
        "demo",
        lambda core: [core.bin / "python", "-m", "tests.demo", "--quiet"],
        _number_of(r"^=== [1-5]\. "),
    ),
)
AT_BOTH_ENDS = (
    Judge("units", _ansible_test("units", "--venv", "--color", "no", "tests/unit/plugins/"), _passed),
    Judge(
        "integration",
        _ansible_test("integration", "--venv", "--color", "no"),
        _number_of(r"^Running \S+ integration test role"),
    ),
)


def judge(core: Core, one: Judge, interpreters: Mapping[str, Path]) -> Verdict:
    """Let one judge look at the collection on one core. All that it says is kept, and shown when it is not content."""
    command = one.command(core)
    if one.name in ("units", "integration"):
        command += ["--python", core.python]
    start = time.monotonic()
    process = subprocess.run(
        command,
        cwd=core.tree,
        env=environment(core, interpreters),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (core.home / f"{one.name}.log").write_text(process.stdout, encoding="utf-8")
    count = one.count(process.stdout)
    is_content = process.returncode == 0 and count > 0
    left_out = tuple(sorted(set(_LEFT_OUT.findall(process.stdout))))
    verdict = Verdict(core, one.name, count, is_content, time.monotonic() - start, left_out)
    print(*([] if is_content else [process.stdout]), verdict, sep="\n", flush=True)
    return verdict


def judge_all(cores: list[Core], interpreters: Mapping[str, Path]) -> list[Verdict]:
    """Every verdict, core by core."""

    def prepare_and_judge(core: Core) -> list[Verdict]:
        prepare(core)
        return [judge(core, SANITY, interpreters)]

    with ThreadPoolExecutor(SANITY_AT_ONCE) as pool:
        verdicts = dict(zip(cores, pool.map(prepare_and_judge, cores), strict=True))
    for core in cores:
        judges = () if core.version == OF_MAKE_TEST else EVERYWHERE
        judges += AT_BOTH_ENDS if core in (cores[0], cores[-1]) else ()
        verdicts[core] += [judge(core, one, interpreters) for one in judges]
    return [verdict for core in cores for verdict in verdicts[core]]


def not_run(verdicts: list[Verdict], missing: list[str]) -> list[str]:
    """What this machine lacks, and what has therefore not been looked at, a line each."""
    lines = [f"not run: ansible-core {version}, for want of a Python that it supports" for version in missing]
    cores = dict.fromkeys(verdict.core for verdict in verdicts)
    lines += [
        f"not run: role and demo (ansible-core {core.version}), since make test runs them on it"
        for core in cores
        if core.version == OF_MAKE_TEST
    ]
    lines += [
        f"not run: sanity test {name} (ansible-core {core.version}), since {why}"
        for core in cores
        for name, why in core.left_out
    ]
    reasons = {reason for verdict in verdicts for reason in verdict.left_out}
    for reason in sorted(reasons):
        versions = ", ".join(verdict.core.version for verdict in verdicts if reason in verdict.left_out)
        lines.append(f"not run: {reason} (ansible-core {versions})")
    return lines


def main() -> int:
    interpreters = pythons()
    cores, missing = choose(interpreters)
    print(f"Pythons: {', '.join(interpreters)}")
    if len(cores) < LEAST_CORES:
        problem = f"expected at least {LEAST_CORES} cores to run, got {len(cores)}"
        print(*not_run([], missing), problem, sep="\n", file=sys.stderr)
        return 1
    verdicts = judge_all(cores, interpreters)
    print("\n".join(["", *map(str, verdicts), *not_run(verdicts, missing)]))
    failed = sum(not verdict.is_content for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
