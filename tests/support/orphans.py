# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a controller: children of ansible-playbook, and those that keep running after it has ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The processes that this one has started and that are still running."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def of_home(home: Path) -> list[int]:
    """The running processes that have this directory as their home."""
    wanted, found = f"HOME={home}".encode(), []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended by now, or belongs to another user
            if wanted in (directory / "environ").read_bytes().split(b"\0"):
                found.append(int(directory.name))
    return found


def wait_for_the_last(home: Path, timeout: float = 30) -> None:
    """Wait until all processes of a controller have ended. After ``timeout`` s, end them and raise AssertionError."""
    deadline = time.monotonic() + timeout
    while left := of_home(home):
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{len(left)} processes are still running after {timeout:g} s")
        time.sleep(0.05)
