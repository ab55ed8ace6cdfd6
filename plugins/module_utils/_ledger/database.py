# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger needs of a database: durable transactions that exclude each other, locks that end with their holder.

SQLite, in a file or in memory, is in `sqlite`; PostgreSQL, for several controllers, in `postgresql`.
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

    ``upgrades`` has, by version, the steps that lead from it to the next one: statements, and functions that run some.
    """

    version: int
    tables: Sequence[str]
    upgrades: Mapping[int, Sequence[Step]]


class LedgerError(CollectionError):
    """A ledger that cannot be trusted. Its text names the ledger and the next step, and holds no password."""


class Database:
    """One connection, for one thread at a time.

    ``name`` is for people and holds no password; ``version`` is its schema's; ``doubt`` is why it must not be relied
    upon when ordering, where it is only read. ``identity`` tells its server from any other one that may take its place;
    None where there is none, or where it is not known.
    """

    advice = ""
    errors: tuple[type[Exception], ...] = ()
    version = 0
    doubt: Optional[str] = None
    identity: Optional[str] = None

    def __init__(self, name: str, connection: Any, is_kept: bool = True) -> None:
        """``is_kept`` says whether what is written outlives the process."""
        self.name = name
        self.is_kept = is_kept
        self._connection = connection

    def close(self) -> None:
        """Give up the connection and every lock."""
        self._connection.close()

    def query(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """The rows of one statement."""
        with translated(self.name, self.errors, self.advice):
            return self._execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Run statements: all hold and are durable once the block is left, none does if it is left by an error."""
        with translated(self.name, self.errors, self.advice):
            try:
                self._begin()
                yield self._execute
            except BaseException:  # raised again, once nothing of it is left
                with suppress(*self.errors):  # a connection that is gone has taken its transaction with it
                    self._connection.rollback()
                raise
            self._commit()

    def try_lock(self, key: str) -> bool:
        """Take a lock that ends with this process; False when another process has it."""
        raise NotImplementedError

    def unlock(self, key: str) -> None:
        """Give a lock back."""
        raise NotImplementedError

    def has_schema(self) -> bool:
        """Whether there is a ledger in it, of whatever version."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Begin a transaction that excludes every other one that writes."""
        raise NotImplementedError

    def _commit(self) -> None:
        self._connection.commit()

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        cursor = self._connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def number_of(key: str) -> int:
    """A number of 62 bits for a key. Two keys that share one only wait for each other."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 2


@contextmanager
def translated(name: str, errors: tuple[type[Exception], ...], advice: str) -> Iterator[None]:
    """Raise LedgerError, with its ledger's name and the advice, for errors of these kinds."""
    try:
        yield
    except errors as error:
        lines = str(error).strip().splitlines()
        problem = lines[0] if lines else type(error).__name__
        raise LedgerError(f"the ledger {name} cannot be used: {problem}; {advice}") from None
