# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement: a fresh portal in a process of its own, one command, what it took, and what reached the portal."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."
LIMIT = 900  # s


@dataclass(frozen=True)
class Cell:
    """What is measured: a variant over ``size`` PBXs, ``due`` of them due, at so many ms for each answer."""

    variant: str
    size: int
    due: int
    latency: int

    def __str__(self) -> str:
        return f"{self.variant} N={self.size} due={self.due} {self.latency} ms"


@dataclass(frozen=True)
class Sample:
    """Seconds, MiB, and requests by kind. ``portal_cpu`` is what the simulator took meanwhile, its start included."""

    wall: float
    cpu: float
    memory: float
    portal_cpu: float
    invoices: int
    requests: dict[str, int]


@dataclass(frozen=True)
class Portal:
    """A running simulator."""

    url: str
    numbers: list[str]

    def admin(self, name: str) -> Any:
        """What an admin endpoint answers."""
        with urllib.request.urlopen(f"{self.url}/_admin/{name}", timeout=60) as answer:
            return json.load(answer)


@contextmanager
def portal(cell: Cell, folder: Path) -> Iterator[tuple[Portal, subprocess.Popen[bytes]]]:
    """A portal of a cell's account, ended with the block."""
    port_file = folder / "port"
    options = {"generate": cell.size, "due": cell.due, "latency": cell.latency, "port-file": port_file}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.simulator", *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the simulator has not started")
            time.sleep(0.01)
        started = Portal(f"http://127.0.0.1:{port_file.read_text(encoding='ascii').strip()}", [])
        started.numbers.extend(pbx["product_no"] for pbx in started.admin("state")["pbxs"])
        yield started, process
    finally:
        process.terminate()
        process.wait()


def measure(cell: Cell, prepare: Any) -> Sample:
    """Run a cell once. ``prepare`` gives the command and its input. Raises RuntimeError when it did not do its work."""
    with tempfile.TemporaryDirectory(prefix="pbxops-bench-") as name:
        folder = Path(name)
        with portal(cell, folder) as (running, process):
            command, given = prepare(cell, running, folder)
            before = _cpu_of(process.pid)
            sample = _run(command, given, _environment(running, folder), folder)
            portal_cpu = _cpu_of(process.pid) - before
            log, invoices = running.admin("log"), running.admin("invoices")
    kinds: dict[str, int] = {}
    for entry in log:
        kind = entry["path"].rstrip("/").rpartition("/")[2]
        kinds[kind] = kinds.get(kind, 0) + 1
    wall, usage = sample
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall, cpu, usage.ru_maxrss / 1024, portal_cpu, len(invoices), kinds)


def _run(
    command: list[Any], given: str, environment: dict[str, str], folder: Path
) -> tuple[float, resource.struct_rusage]:
    """Wall time, and what the process and all that it has waited for have used."""
    (folder / "given").write_text(given, encoding="utf-8")
    with (folder / "given").open("rb") as stdin, (folder / "output").open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=stdin, stdout=output, stderr=output, env=environment, cwd=folder)
        dummy, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = (folder / "output").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}:\n{tail}")
    return wall, usage


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _environment(running: Portal, folder: Path) -> dict[str, str]:
    foreign = ("ANSIBLE_", "YEASTAR_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    collections = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    configuration = folder / "ansible.cfg"
    configuration.touch()
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": collections,
        "YEASTAR_BASE_URL": running.url,
        "YEASTAR_CLIENT_ID": "demo-client",
        "YEASTAR_CLIENT_SECRET": "demo-secret",
    }
