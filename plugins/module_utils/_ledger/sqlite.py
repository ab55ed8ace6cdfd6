# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in SQLite: in a file on this machine, or in memory."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import Optional

from .database import TRANSACTION_WAIT, Database, LedgerError, number_of, translated

MEMORY = ":memory:"


class Sqlite(Database):
    """A file on this machine in WAL mode that syncs each commit; locks are bytes of a second file next to it."""

    advice = (
        "nothing is ordered without it. Make sure that it is writable and its disk has space; do not delete it before"
        " everything in it is settled, and then move it away by hand"
    )
    errors = (sqlite3.Error,)

    def __init__(self, path: str, locks: Optional[int] = None) -> None:
        """``locks`` is the open file of locks; None if nothing needs to be locked."""
        self._locks = locks
        with translated(path, self.errors, self.advice):
            connection = sqlite3.connect(path, timeout=TRANSACTION_WAIT, isolation_level=None, check_same_thread=False)
        super().__init__(path, connection, is_kept=path != MEMORY)

    def close(self) -> None:
        """Close the connection and release every lock."""
        super().close()
        if self._locks is not None:
            os.close(self._locks)
            self._locks = None

    def check(self) -> None:
        """Raise LedgerError for a damaged file."""
        (result,) = self.query("PRAGMA quick_check(1)")[0]
        if result != "ok":
            raise LedgerError(f"the ledger {self.name} is damaged: {' '.join(result.split())}; {self.advice}")

    def make_durable(self) -> None:
        """Sync every commit to the disk. Raises LedgerError if that is impossible."""
        (mode,) = self.query("PRAGMA journal_mode = WAL")[0]
        if mode != "wal":
            raise LedgerError(f"the ledger {self.name} cannot have a write-ahead log: keep it on a local disk")
        self.query("PRAGMA synchronous = FULL")

    def try_lock(self, key: str) -> bool:
        """Lock the byte at the number of the key."""
        if self._locks is None:
            return True
        with translated(self.name, (OSError,), self.advice):
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number_of(key))
            except (BlockingIOError, PermissionError):
                return False
        return True

    def unlock(self, key: str) -> None:
        """Unlock that byte."""
        if self._locks is not None:
            with translated(self.name, (OSError,), self.advice):
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, number_of(key))

    def has_schema(self) -> bool:
        """Whether it contains a ledger of any version."""
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE name = 'yeastar_schema'"))

    def _begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
