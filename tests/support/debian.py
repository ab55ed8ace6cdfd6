# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs from Debian's packages: found, or else installed, or else the test that needs them fails."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

_LOCK = Path(tempfile.gettempdir()) / "pbxops-yeastar-apt.lock"
_APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
_TIMEOUT = 900  # s, for a slow download
Found = TypeVar("Found")


class Unavailable(Exception):
    """A program is missing and cannot be installed here."""


def provided(
    find: Callable[[], Found | None],
    package: str,
    during: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Found:
    """The result of ``find``, after installing the package (inside ``during``) if necessary; raises Unavailable."""
    found = find()
    if found is None:
        if os.geteuid() != 0:
            raise Unavailable(f"{package} is not installed, and only root can install it: apt-get install {package}")
        with _LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one process installs, the others find it afterwards
            found = find() or _install(find, package, during)
    return found


def _install(
    find: Callable[[], Found | None], package: str, during: Callable[[], AbstractContextManager[None]]
) -> Found:
    _run("update")
    with during():
        _run("install", "--yes", "--no-install-recommends", package)
    found = find()
    if found is None:
        raise Unavailable(f"{package} was installed, but does not contain what the tests need")
    return found


def _run(*arguments: str) -> None:
    command: Sequence[str] = (*_APT, *arguments)
    try:
        process = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{' '.join(command)}: {error}") from None
    if process.returncode:
        raise Unavailable(f"{' '.join(command)} ended with {process.returncode}:\n{process.stdout[-2000:]}")
