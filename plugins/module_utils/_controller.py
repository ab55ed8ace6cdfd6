# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anyone still waits for a run: Ansible may end, or give up a task, while the run continues.

After kill -9 of ansible-playbook its workers continue, and so do the modules that they started. A task's timeout ends
the task, but not its module or the shell that is the module's parent.
"""

from __future__ import annotations

import multiprocessing
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "YEASTAR_CONTROLLER"  # tells a module on the controller what to check, see `describe`
_RESULT = 1  # the file descriptor that a module writes its result to


def starter() -> int:
    """The process that started this one. A forked worker knows it even after that process is gone."""
    known = multiprocessing.parent_process()
    return os.getppid() if known is None or known.pid is None else known.pid


def waits_for_worker() -> Callable[[], bool]:
    """A check whether the ansible-playbook that forked this worker is still running."""
    pid = starter()
    return lambda: os.getppid() == pid


def waits_for_module(environment: Mapping[str, str]) -> Callable[[], bool]:
    """A check whether everything that waits for this module's result, as far as it can see, is still there.

    That is its current parent, a reader of its result, and on the controller what `describe` named. A file that the
    module's user cannot see at the start is ignored.
    """
    pid = os.getppid()
    worker, playbook, file = environment.get(VARIABLE, "  ").split(" ", 2)
    processes = [process for process in (worker, playbook) if process]
    files = [file] if os.path.exists(file) else []

    def is_awaited() -> bool:
        others = all(map(is_running, processes)) and all(map(os.path.exists, files))
        return os.getppid() == pid and not _is_hung_up(_RESULT) and others

    return is_awaited


def describe(file: str) -> str:
    """Name this worker, its ansible-playbook, and a file that is deleted when the worker is done with the task."""
    processes = (f"{pid}:{_state_and_start(pid)[1]}" for pid in (os.getpid(), starter()))
    return " ".join((*processes, file))


def is_running(process: str) -> bool:
    """Whether a process that `describe` named is running, and not another one that now has its number."""
    pid, dummy, start = process.partition(":")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # running as another user
    state, started = _state_and_start(int(pid))
    return state not in ("Z", "X") and (started == start or not (started and start))


def _state_and_start(pid: int) -> tuple[str, str]:
    """The state of a process, and its start time in ticks since boot (proc(5)); empty if /proc does not have it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]


def _is_hung_up(descriptor: int) -> bool:
    """Whether a descriptor has lost its reader, like the pipe or terminal of a connection that has ended."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for dummy, event in poll.poll(0))
