# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file, in which event sources store what they have reported; several sources may share one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._files import write_whole

from .windows import Reported, read_reported, reported_as_document

SCHEMA = 1


class StateFile:
    """What was reported about the PBXs of one account."""

    def __init__(self, path: str, account: str) -> None:
        """``account`` is the account's fingerprint. Creates the folder if it is missing. Raises ValueError."""
        self._path = Path(path).expanduser()
        self._account = account
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._problem(f"its folder cannot be created: {error.strerror}") from None

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Try to lock the file against other processes; yields whether that succeeded. Raises ValueError."""
        try:
            descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._problem(f"it cannot be locked: {error.strerror}") from None
        try:
            yield _is_locked(descriptor)
        finally:
            os.close(descriptor)  # releases the lock

    def load(self) -> dict[str, Reported]:
        """What was reported, by PBX; empty without a file. Raises ValueError if it is not a state file."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._problem(f"it cannot be read ({error}); move it away to start again") from None
        if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
            raise self._problem("it is not a state file, or of another version; name another one, or move it away")
        if document.get("account") != self._account:
            raise self._problem("it belongs to another account; name another one")
        try:
            return read_reported(document.get("told"))
        except ValueError as error:
            raise self._problem(f"it cannot be read ({error}); move it away to start again") from None

    def save(self, reported: Mapping[str, Reported]) -> None:
        """Store what was reported. Raises ValueError."""
        document: dict[str, Any] = {"schema": SCHEMA, "account": self._account, "told": reported_as_document(reported)}
        try:
            write_whole(self._path, json.dumps(document, indent=1).encode())
        except OSError as error:
            raise self._problem(f"it cannot be written: {error.strerror}") from None

    def _problem(self, problem: str) -> ValueError:
        return ValueError(f"state_file: {self._path}: {problem}")


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
