# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger's database in PostgreSQL, which several controllers share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Optional

from ._database import SETUP, TRANSACTION_WAIT, Database, LedgerError, Rows, number_of, translated
from ._location import BAD_ADDRESS, NOT_IN_ADDRESS

# s, and ms: how long a server may be silent. What waits for a lock is bounded by TRANSACTION_WAIT.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}


class Postgresql(Database):
    """A server that several controllers share; locks are advisory ones, which end with the connection."""

    advice = "nothing is ordered without it. See that the server is up, and that this user may write"

    def __init__(self, url: str, password: Optional[str]) -> None:
        """Connect; of ``url``, only host and database are ever shown.

        Without a password, libpq takes the one of PGPASSWORD or of a passfile.
        """
        try:
            import psycopg  # here, since it takes longer than the rest of a module, and few need it
        except ImportError:
            message = "a ledger in PostgreSQL needs the Python library psycopg, version 3: install it"
            raise LedgerError(message) from None
        self.errors = (psycopg.Error,)
        try:
            options = [option for option in psycopg.pq.Conninfo.parse(url.encode()) if option.val]
        except psycopg.Error:  # its text repeats the part that it cannot read
            raise LedgerError(BAD_ADDRESS) from None
        if any(option.dispchar == b"*" for option in options):  # libpq's mark of a secret
            raise LedgerError(NOT_IN_ADDRESS)
        parts = {option.keyword.decode(): (option.val or b"").decode(errors="replace") for option in options}
        name = f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}"
        self._connect = partial(
            psycopg.connect, url, password=password, autocommit=True, prepare_threshold=None, **_PATIENCE
        )
        with translated(name, self.errors, self.advice):
            connection = self._connect()
        super().__init__(name, connection)
        self._session = connection.info.backend_pid

    def prove_session(self) -> None:
        """See that the server's session is ours alone, since locks belong to it.

        A server greets with the process that serves the session (PostgreSQL's protocol, BackendKeyData), a pooler with
        a number of its own. Behind one, a second connection must meet another process. Raises LedgerError.
        """
        ((self._session,),) = self.query("SELECT pg_backend_pid()")
        if self._session == self._connection.info.backend_pid:
            return
        with translated(self.name, self.errors, self.advice), self._connect() as other:
            ((another,),) = other.execute("SELECT pg_backend_pid()").fetchall()
        if another == self._session:
            raise LedgerError(self._pooled)

    def try_lock(self, key: str) -> bool:
        """Take the advisory lock that the key's hash names. Raises LedgerError where the session has changed."""
        locked = "SELECT CASE WHEN pg_backend_pid() = ? THEN pg_try_advisory_lock(?) END"
        ((is_ours,),) = self.query(locked, (self._session, number_of(key)))
        if is_ours is None:
            raise LedgerError(self._pooled)
        return bool(is_ours)

    def unlock(self, key: str) -> None:
        """Give it back. Raises LedgerError where this session does not have it."""
        if self.query("SELECT pg_advisory_unlock(?)", (number_of(key),)) != [(True,)]:
            raise LedgerError(self._pooled)

    @property
    def _pooled(self) -> str:
        return (
            f"the ledger {self.name} is behind a pooler that gives each transaction another session, which leaves the"
            " locks of PBXs behind: nothing is ordered without them. Name the server's own address in ledger, or have"
            " the pooler pool whole sessions (pool_mode = session)"
        )

    def has_schema(self) -> bool:
        """Whether there is a ledger in it, of whatever version."""
        # to_regclass would answer from a cache that a wait for another transaction does not refresh.
        named = "SELECT 1 FROM pg_class WHERE relname = 'yeastar_schema' AND pg_table_is_visible(oid)"
        return bool(self.query(named))

    def _begin(self) -> None:
        # Whatever the server's default is: each statement sees what was committed before it. At a higher level the wait
        # for the lock would be the first statement, and all that follows would see the tables as they were before it.
        self._execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        self._execute(f"SET LOCAL lock_timeout = '{TRANSACTION_WAIT}s'")
        self._execute("SET LOCAL synchronous_commit = on")  # whatever the server's default is
        self._execute("SELECT pg_advisory_xact_lock(?)", (number_of(SETUP),))

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        return super()._execute(statement.replace("?", "%s"), values)
