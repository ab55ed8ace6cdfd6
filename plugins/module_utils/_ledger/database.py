# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger needs from a database: durable, exclusive transactions, and locks that end with their holder.

`sqlite` has SQLite, in a file or in memory; `postgresql` has PostgreSQL, for several controllers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Optional, Union

from .._errors import CollectionError

TRANSACTION_WAIT = 60  # s that a transaction waits for another
SETUP = "setup"

Rows = Sequence[tuple[Any, ...]]
Execute = Callable[..., Rows]
Step = Union[str, Callable[[Execute], None]]


@dataclass(frozen=True)
class Schema:
    """The tables of one version.

    ``upgrades`` has for each older version the steps to the next one: statements, and functions that run statements.
    """

    version: int
    tables: Sequence[str]
    upgrades: Mapping[int, Sequence[Step]]


class LedgerError(CollectionError):
    """A ledger that cannot be trusted. Its text names the ledger and the next step, and contains no password."""


class Database:
    """One connection, for one thread at a time.

    ``name`` is for people and contains no password; ``version`` is that of the schema; ``doubt`` is the reason why a
    run that orders must not rely on it. ``identity`` distinguishes its server from any that may replace it; None if
    there is no server, or it is not known.
    """

    advice = ""
    errors: tuple[type[Exception], ...] = ()
    version = 0
    doubt: Optional[str] = None
    identity: Optional[str] = None

    def __init__(self, name: str, connection: Any, is_kept: bool = True) -> None:
        """``is_kept`` says whether the data outlives the process."""
        self.name = name
        self.is_kept = is_kept
        self._connection = connection

    def close(self) -> None:
        """Close the connection and release every lock."""
        self._connection.close()

    def query(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement and return its rows."""
        with translated(self.name, self.errors, self.advice):
            return self._execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction: its statements are all durable when the block ends, or none if it ends with an error."""
        with translated(self.name, self.errors, self.advice):
            try:
                self._begin()
                yield self._execute
            except BaseException:  # raised again after the rollback
                with suppress(*self.errors):  # a lost connection has ended its transaction
                    self._connection.rollback()
                raise
            self._commit()

    def try_lock(self, key: str) -> bool:
        """Take a lock that ends with this process; False if another process has it."""
        raise NotImplementedError

    def unlock(self, key: str) -> None:
        """Release a lock."""
        raise NotImplementedError

    def has_schema(self) -> bool:
        """Whether it contains a ledger of any version."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Begin a transaction that excludes every other writing one."""
        raise NotImplementedError

    def _commit(self) -> None:
        self._connection.commit()

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        cursor = self._connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def number_of(key: str) -> int:
    """A 62-bit number for a key. If two keys share a number, they only wait for each other."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 2


@contextmanager
def translated(name: str, errors: tuple[type[Exception], ...], advice: str) -> Iterator[None]:
    """Turn errors of these types into LedgerError, with the name of the ledger and the advice."""
    try:
        yield
    except errors as error:
        lines = str(error).strip().splitlines()
        problem = lines[0] if lines else type(error).__name__
        raise LedgerError(f"the ledger {name} cannot be used: {problem}; {advice}") from None
