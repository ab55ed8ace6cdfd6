# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in PostgreSQL, which several controllers can share."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Optional

from .database import SETUP, TRANSACTION_WAIT, Database, LedgerError, Rows, number_of, translated
from .location import BAD_ADDRESS, NOT_IN_ADDRESS

# In s and ms: how long a server may be silent. Waits for a lock are limited by TRANSACTION_WAIT.
_CONNECTION_SETTINGS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}
# s that a commit waits for a synchronous standby, which answers at once if it is up: as long as a server may be silent.
# No timeout of the server ends that wait. If it is cancelled, it ends with a warning and the commit is kept.
COMMIT_WAIT = 30.0
_GRACE = 10.0  # s that a server has to cancel it
# s for one statement by the server's clock, longer than any wait for a lock; and s after which the connection is cut,
# for a server that does not observe that limit, such as one that was stopped.
_STATEMENT_WAIT = TRANSACTION_WAIT + 30
SILENCE = _STATEMENT_WAIT + 30.0
# Defaults of a server, database or role could end a session that waits for a portal, and so release its locks. Not
# every version has all of these settings.
_SESSION_SETTINGS = {
    "statement_timeout": f"{_STATEMENT_WAIT}s",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
# A pooler may give two transactions the same session, or two different ones, by chance; not that often in a row.
_ROUNDS = 5
_ENCODINGS = ("UTF8", "SQL_ASCII")  # with SQL_ASCII the server keeps the bytes that we send, which are UTF-8
_POOLED = (
    "it is behind a pooler that gives each transaction another session, which leaves the locks of PBXs behind. Set"
    " ledger to the server's own address, or configure the pooler to pool whole sessions (pool_mode = session)"
)
_IDENTITY_FUNCTIONS = ("pg_control_system()", "pg_current_wal_lsn()", "pg_walfile_name(pg_lsn)")


class Postgresql(Database):
    """A PostgreSQL server; locks are advisory ones, which end with the connection."""

    advice = "nothing is ordered without it. Make sure that the server is up, and that this user may write"

    def __init__(self, url: str, password: Optional[str]) -> None:
        """Connect. Only host and database of ``url`` are ever shown.

        Without a password, libpq uses PGPASSWORD or a passfile.
        """
        try:
            import psycopg  # here, since importing it takes longer than the rest of a module, and few users need it
        except ImportError:
            message = "a ledger in PostgreSQL needs the Python library psycopg, version 3: install it"
            raise LedgerError(message) from None
        self.errors = (psycopg.Error,)
        try:
            options = [option for option in psycopg.pq.Conninfo.parse(url.encode()) if option.val]
        except psycopg.Error:  # its text shows the part that it cannot parse
            raise LedgerError(BAD_ADDRESS) from None
        if any(option.dispchar == b"*" for option in options):  # libpq's mark of a secret
            raise LedgerError(NOT_IN_ADDRESS)
        parts = {option.keyword.decode(): (option.val or b"").decode(errors="replace") for option in options}
        name = f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}"
        settings = {"autocommit": True, "prepare_threshold": None, "client_encoding": "UTF8", **_CONNECTION_SETTINGS}
        self._connect = partial(psycopg.connect, url, password=password, **settings)
        with translated(name, self.errors, self.advice):
            connection = self._connect()
        super().__init__(name, connection)
        self._session = 0
        self._warnings: list[str] = []
        connection.add_notice_handler(self._note_warning)

    def prepare(self) -> Optional[str]:
        """Override the defaults of the session; return why it must not be relied on, or None."""
        with translated(self.name, self.errors, self.advice):
            if not self._is_session_ours():
                return _POOLED  # and change nothing, since others use the session too
            self._execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
            for name, value in _SESSION_SETTINGS.items():
                self._execute("SELECT set_config(name, ?, false) FROM pg_settings WHERE name = ?", (value, name))
            return self._doubt_about_server() or self._doubt_about_schemas()

    def try_lock(self, key: str) -> bool:
        """Take the advisory lock with the number of the key. Raises LedgerError if the session has changed."""
        locked = "SELECT CASE WHEN pg_backend_pid() = ? THEN pg_try_advisory_lock(?) END"
        ((is_ours,),) = self.query(locked, (self._session, number_of(key)))
        if is_ours is None:
            raise LedgerError(f"the ledger {self.name} cannot be used: {_POOLED}")
        return bool(is_ours)

    def unlock(self, key: str) -> None:
        """Release it. Raises LedgerError if this session does not have it."""
        if self.query("SELECT pg_advisory_unlock(?)", (number_of(key),)) != [(True,)]:
            raise LedgerError(f"the ledger {self.name} cannot be used: {_POOLED}")

    def has_schema(self) -> bool:
        """Whether it contains a ledger of any version."""
        # to_regclass would use a cache that is not refreshed after a wait for another transaction.
        named = "SELECT 1 FROM pg_class WHERE relname = 'yeastar_schema' AND pg_table_is_visible(oid)"
        return bool(self.query(named))

    def doubt_about_creating(self) -> Optional[str]:
        """Why this user may not create the tables; None if they may."""
        ((schema, may_create),) = self.query(
            "SELECT quote_ident(current_schema()), has_schema_privilege(current_schema(), 'CREATE')"
        )
        if schema is None:
            return (
                "it has no tables yet, and no schema of this user's search_path exists. Have an administrator set the"
                " search_path of this user to an existing schema"
            )
        if may_create:
            return None
        return (
            f"it has no tables yet, and this user may not create them in the schema {schema}. Have an administrator run"
            f" GRANT USAGE, CREATE ON SCHEMA {schema} for this user, or have a user who may create them run this once,"
            " and grant this one USAGE on the schema and SELECT, INSERT, UPDATE and DELETE on the tables"
        )

    def doubt_about_upgrading(self) -> Optional[str]:
        """Why this user may not upgrade the tables; None if they may."""
        owned = (
            "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class"
            " WHERE relname LIKE ? AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
        )
        if self.query(owned, ("yeastar_%",)) == [(True,)]:
            return self.doubt_about_creating()
        return (
            "its tables are of an earlier release, and this user may not upgrade them. Have their owner run this once,"
            " or have an administrator make this user their owner"
        )

    def _is_session_ours(self) -> bool:
        """Whether no other connection uses the server's session, to which locks and settings belong.

        A server announces the process that serves the session (PostgreSQL's protocol, BackendKeyData), a pooler a
        number of its own. Behind a pooler, two connections must have two processes, the same ones every time.
        """
        self._session = _session_of(self._connection)
        if self._session == self._connection.info.backend_pid:
            return True
        with self._connect() as other:
            pairs = {(_session_of(self._connection), _session_of(other)) for dummy in range(_ROUNDS)}
        return len(pairs) == 1 and all(own == self._session != others for own, others in pairs)

    def _doubt_about_server(self) -> Optional[str]:
        ((is_standby, encoding),) = self._execute(
            "SELECT pg_is_in_recovery(), pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()"
        )
        if is_standby:
            return (
                "it is a standby, which is read-only and may lag behind. Set ledger to the primary, or to several"
                " servers with ?target_session_attrs=read-write"
            )
        if encoding not in _ENCODINGS:
            return (
                f"its encoding is {encoding}, which cannot hold every text of the portal, so the record of an order"
                " could be lost. Move it to a database with the encoding UTF8"
            )
        may_ask = " AND ".join(f"has_function_privilege('{name}', 'EXECUTE')" for name in _IDENTITY_FUNCTIONS)
        if self._execute(f"SELECT {may_ask}") != [(True,)]:
            return (
                "this user may not query which server it is on, so a failover that loses records would go unnoticed."
                f" Have an administrator run GRANT EXECUTE ON FUNCTION {', '.join(_IDENTITY_FUNCTIONS)} for this user"
            )
        # The timeline changes with each promotion, the database's OID when it is restored.
        ((self.identity,),) = self._execute(
            "SELECT concat_ws(' ', system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), oid)"
            " FROM pg_control_system(), pg_database WHERE datname = current_database()"
        )
        return None

    def _doubt_about_schemas(self) -> Optional[str]:
        """Why this may not be the ledger of the other runs: with another search_path, a user would create another."""
        found = self._execute(
            "SELECT quote_ident(nspname), nspname = ANY (current_schemas(false)) FROM pg_class JOIN pg_namespace"
            " ON pg_namespace.oid = relnamespace WHERE relname = 'yeastar_schema' AND relkind IN ('r', 'p') ORDER BY 1"
        )
        in_path = [schema for schema, is_in_path in found if is_in_path]
        if len(in_path) > 1:
            return (
                f"there are several, in the schemas {' and '.join(in_path)} of this user's search_path. Find out which"
                " one the runs have used, and have an administrator remove the other schema from the search_path"
            )
        if found and not in_path:
            return (
                f"its tables are in the schema {found[0][0]}, which is not in the search_path of this user, or not"
                " accessible to them. Have an administrator add it to the search_path and grant USAGE on it, or name"
                " another database"
            )
        return None

    def _begin(self) -> None:
        # Regardless of the server's default, each statement must see everything committed before it. At a higher level,
        # all statements would see the tables as they were before the wait for the lock.
        self._execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        self._execute(f"SET LOCAL lock_timeout = '{TRANSACTION_WAIT}s'")
        self._execute("SET LOCAL synchronous_commit = on")
        self._execute("SELECT pg_advisory_xact_lock(?)", (number_of(SETUP),))

    def _commit(self) -> None:
        self._warnings.clear()
        with _after(COMMIT_WAIT, self._cancel), _after(COMMIT_WAIT + _GRACE, self._cut):
            super()._commit()
        if self._warnings:
            raise LedgerError(
                f"the ledger {self.name} does not keep what is written: {self._warnings[0]}. It is written on this"
                " server, but a failover may lose it, so nothing more is ordered. Make sure that the synchronous"
                " standby is up, or have an administrator remove it from synchronous_standby_names"
            )

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        with _after(SILENCE, self._cut):
            return super()._execute(statement.replace("?", "%s"), values)

    def _cancel(self) -> None:
        """Ask the server to cancel the current statement."""
        with suppress(*self.errors):
            self._connection.cancel()

    def _cut(self) -> None:
        """Shut the connection down, so that nothing waits for the server any more."""
        with suppress(OSError, *self.errors), socket.socket(fileno=os.dup(self._connection.fileno())) as one:
            one.shutdown(socket.SHUT_RDWR)

    def _note_warning(self, notice: Any) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(" ".join(str(notice.message_primary).split()))


def _session_of(connection: Any) -> int:
    """The process that serves a connection; the query also works on a standby whose default is serializable."""
    cursor = connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT pg_backend_pid()")
    cursor.nextset()
    return int(cursor.fetchone()[0])


@contextmanager
def _after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Run an action in another thread if the block takes longer than ``seconds``."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join(1)  # s; a running action must not hit the next statement, but may itself wait for the server
