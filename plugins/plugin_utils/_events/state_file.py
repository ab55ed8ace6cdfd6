# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of events remembers of what it has told, in a file that sources may share."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._files import write_whole

from .windows import Told, told_as_document, told_in

SCHEMA = 1


class Memory:
    """What was told of the PBXs of one account."""

    def __init__(self, path: str, account: str) -> None:
        """``account`` is the account's fingerprint. Makes the folder, if it is not there. Raises ValueError."""
        self._path = Path(path).expanduser()
        self._account = account
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._problem(f"its folder cannot be made: {error.strerror}") from None

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the file alone, if no other process does; whether that was so. Raises ValueError."""
        try:
            descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._problem(f"it cannot be locked: {error.strerror}") from None
        try:
            yield _is_locked(descriptor)
        finally:
            os.close(descriptor)  # which unlocks it

    def load(self) -> dict[str, Told]:
        """What was told, by PBX; nothing where there is no file yet. Raises ValueError for what is not such a file."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._problem(f"it cannot be read ({error}); move it away to begin anew") from None
        if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
            raise self._problem("it is no such file, or of another version; name another one, or move it away")
        if document.get("account") != self._account:
            raise self._problem("it belongs to another account; name another one")
        try:
            return told_in(document.get("told"))
        except ValueError as error:
            raise self._problem(f"it cannot be read ({error}); move it away to begin anew") from None

    def save(self, told: Mapping[str, Told]) -> None:
        """Write down what was told. Raises ValueError."""
        document: dict[str, Any] = {"schema": SCHEMA, "account": self._account, "told": told_as_document(told)}
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
