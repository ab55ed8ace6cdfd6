# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger's database in PostgreSQL, which several controllers share."""

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

# s, and ms: how long a server may be silent. What waits for a lock is bounded by TRANSACTION_WAIT.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}
# s that a commit waits for a synchronous standby, which answers within a moment if it is there: as long as a server may
# be silent. No timeout of the server ends that wait; a cancelled one ends with a warning, and the commit stands.
COMMIT_WAIT = 30.0
_GRACE = 10.0  # s that a server has to cancel it
# s for one statement by the server's clock, longer than what waits for a lock; and s after which a server that neither
# answers nor keeps to that, such as one that was stopped, is cut off.
_STATEMENT_WAIT = TRANSACTION_WAIT + 30
SILENCE = _STATEMENT_WAIT + 30.0
# What a server, database or role may have as defaults, and would end a session that waits for a portal, and its locks
# with it. Not every version knows all of these.
_SETTINGS = {
    "statement_timeout": f"{_STATEMENT_WAIT}s",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
# A pooler may give two transactions the same session by chance, or two different ones; not that often in a row.
_ROUNDS = 5
_ENCODINGS = ("UTF8", "SQL_ASCII")  # with SQL_ASCII the server keeps the bytes that we send, and those are UTF-8
_POOLED = (
    "it is behind a pooler that gives each transaction another session, which leaves the locks of PBXs behind. Name the"
    " server's own address in ledger, or have the pooler pool whole sessions (pool_mode = session)"
)
_ASKED_FOR_IDENTITY = ("pg_control_system()", "pg_current_wal_lsn()", "pg_walfile_name(pg_lsn)")


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
        settings = {"autocommit": True, "prepare_threshold": None, "client_encoding": "UTF8", **_PATIENCE}
        self._connect = partial(psycopg.connect, url, password=password, **settings)
        with translated(name, self.errors, self.advice):
            connection = self._connect()
        super().__init__(name, connection)
        self._session = 0
        self._warnings: list[str] = []
        connection.add_notice_handler(self._note_warning)

    def prepare(self) -> Optional[str]:
        """Make the session fit for a run, whatever defaults it came with; why it must not be relied upon, if so."""
        with translated(self.name, self.errors, self.advice):
            if not self._is_session_ours():
                return _POOLED  # and nothing is set, since that would be set for others
            self._execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
            for name, value in _SETTINGS.items():
                self._execute("SELECT set_config(name, ?, false) FROM pg_settings WHERE name = ?", (value, name))
            return self._doubt_about_server() or self._doubt_about_schemas()

    def try_lock(self, key: str) -> bool:
        """Take the advisory lock that the key's hash names. Raises LedgerError where the session has changed."""
        locked = "SELECT CASE WHEN pg_backend_pid() = ? THEN pg_try_advisory_lock(?) END"
        ((is_ours,),) = self.query(locked, (self._session, number_of(key)))
        if is_ours is None:
            raise LedgerError(f"the ledger {self.name} cannot be used: {_POOLED}")
        return bool(is_ours)

    def unlock(self, key: str) -> None:
        """Give it back. Raises LedgerError where this session does not have it."""
        if self.query("SELECT pg_advisory_unlock(?)", (number_of(key),)) != [(True,)]:
            raise LedgerError(f"the ledger {self.name} cannot be used: {_POOLED}")

    def has_schema(self) -> bool:
        """Whether there is a ledger in it, of whatever version."""
        # to_regclass would answer from a cache that a wait for another transaction does not refresh.
        named = "SELECT 1 FROM pg_class WHERE relname = 'yeastar_schema' AND pg_table_is_visible(oid)"
        return bool(self.query(named))

    def doubt_about_making(self) -> Optional[str]:
        """Why this user may not make the tables; None if they may."""
        ((schema, may_make),) = self.query(
            "SELECT quote_ident(current_schema()), has_schema_privilege(current_schema(), 'CREATE')"
        )
        if schema is None:
            return (
                "it has no tables yet, and no schema of this user's search_path is there to make them in. Have an"
                " administrator set the search_path of this user to a schema that is"
            )
        if may_make:
            return None
        return (
            f"it has no tables yet, and this user may not make them in the schema {schema}. Have an administrator run"
            f" GRANT USAGE, CREATE ON SCHEMA {schema} for this user, or have them made once by a run of a user who may,"
            " and grant this one USAGE on the schema and SELECT, INSERT, UPDATE and DELETE on them"
        )

    def doubt_about_upgrading(self) -> Optional[str]:
        """Why this user may not bring the tables up to date; None if they may."""
        owned = (
            "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class"
            " WHERE relname LIKE ? AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
        )
        if self.query(owned, ("yeastar_%",)) == [(True,)]:
            return self.doubt_about_making()
        return (
            "its tables are of an earlier release, and this user may not bring them up to date. Have their owner run"
            " this once, or have an administrator make this user their owner"
        )

    def _is_session_ours(self) -> bool:
        """Whether the server's session is ours alone, since locks and settings belong to it.

        A server greets with the process that serves the session (PostgreSQL's protocol, BackendKeyData), a pooler with
        a number of its own. Behind one, two connections must meet two processes, the same ones each time.
        """
        self._session = _session_of(self._connection)
        if self._session == self._connection.info.backend_pid:
            return True
        with self._connect() as other:
            met = {(_session_of(self._connection), _session_of(other)) for dummy in range(_ROUNDS)}
        return len(met) == 1 and all(mine == self._session != others for mine, others in met)

    def _doubt_about_server(self) -> Optional[str]:
        ((is_standby, encoding),) = self._execute(
            "SELECT pg_is_in_recovery(), pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()"
        )
        if is_standby:
            return (
                "it is a standby, which cannot be written and may lag behind. Name the primary in ledger, or several"
                " servers with ?target_session_attrs=read-write"
            )
        if encoding not in _ENCODINGS:
            return (
                f"its encoding is {encoding}, which cannot hold every text of the portal, so that the note of an order"
                " could be lost. Move it into a database that is in UTF8"
            )
        may_ask = " AND ".join(f"has_function_privilege('{name}', 'EXECUTE')" for name in _ASKED_FOR_IDENTITY)
        if self._execute(f"SELECT {may_ask}") != [(True,)]:
            return (
                "this user may not ask which server holds it, so a failover that loses notes would go unnoticed. Have"
                f" an administrator run GRANT EXECUTE ON FUNCTION {', '.join(_ASKED_FOR_IDENTITY)} for this user"
            )
        # The timeline changes with each promotion, the database's number when it is restored.
        ((self.identity,),) = self._execute(
            "SELECT concat_ws(' ', system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), oid)"
            " FROM pg_control_system(), pg_database WHERE datname = current_database()"
        )
        return None

    def _doubt_about_schemas(self) -> Optional[str]:
        """A user whose search_path is another one would make a ledger of their own, and order by that."""
        found = self._execute(
            "SELECT quote_ident(nspname), nspname = ANY (current_schemas(false)) FROM pg_class JOIN pg_namespace"
            " ON pg_namespace.oid = relnamespace WHERE relname = 'yeastar_schema' AND relkind IN ('r', 'p') ORDER BY 1"
        )
        in_path = [schema for schema, is_in_path in found if is_in_path]
        if len(in_path) > 1:
            return (
                f"there are several, in the schemas {' and '.join(in_path)} of this user's search_path. Find out which"
                " one the runs have used, and have an administrator take the other schema out of the search_path"
            )
        if found and not in_path:
            return (
                f"its tables are in the schema {found[0][0]}, which is not in the search_path of this user, or which"
                " they may not use. Have an administrator add it to the search_path and grant USAGE on it, or name"
                " another database"
            )
        return None

    def _begin(self) -> None:
        # Whatever the server's default is: each statement sees what was committed before it. At a higher level the wait
        # for the lock would be the first statement, and all that follows would see the tables as they were before it.
        self._execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        self._execute(f"SET LOCAL lock_timeout = '{TRANSACTION_WAIT}s'")
        self._execute("SET LOCAL synchronous_commit = on")  # whatever the server's default is
        self._execute("SELECT pg_advisory_xact_lock(?)", (number_of(SETUP),))

    def _commit(self) -> None:
        self._warnings.clear()
        with _after(COMMIT_WAIT, self._cancel), _after(COMMIT_WAIT + _GRACE, self._cut):
            super()._commit()
        if self._warnings:
            raise LedgerError(
                f"the ledger {self.name} does not keep what is written: {self._warnings[0]}. It is written on this"
                " server, and a failover may lose it, so nothing more is ordered. See that the synchronous standby"
                " is up, or have an administrator take it out of synchronous_standby_names"
            )

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        with _after(SILENCE, self._cut):
            return super()._execute(statement.replace("?", "%s"), values)

    def _cancel(self) -> None:
        """Have the server end what it is doing, if it listens."""
        with suppress(*self.errors):
            self._connection.cancel()

    def _cut(self) -> None:
        """End the connection, so that nobody waits for the server any more."""
        with suppress(OSError, *self.errors), socket.socket(fileno=os.dup(self._connection.fileno())) as one:
            one.shutdown(socket.SHUT_RDWR)

    def _note_warning(self, notice: Any) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(" ".join(str(notice.message_primary).split()))


def _session_of(connection: Any) -> int:
    """The process that serves a connection; asked in a way that a standby with a serializable default answers too."""
    cursor = connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT pg_backend_pid()")
    cursor.nextset()
    return int(cursor.fetchone()[0])


@contextmanager
def _after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Do something from another thread once the block has taken so long."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join(1)  # s; what it has begun is not to meet the next statement, and may itself wait for the server
