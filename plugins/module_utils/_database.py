# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases that a ledger can live in: SQLite in a file, PostgreSQL for several controllers, memory for none.

Each gives durable transactions that exclude each other, and locks that end with their holder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from ._folder import doubt_about
from ._location import BAD_ADDRESS, NONE, NOT_IN_ADDRESS, POSTGRESQL_SCHEMES

TRANSACTION_WAIT = 60  # s that a transaction waits for another
_MEMORY = ":memory:"
_SETUP = "setup"

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


class LedgerError(Exception):
    """A ledger that cannot be trusted. Its text names the ledger and the next step, and holds no password."""


class Database:
    """One connection, for one thread at a time.

    ``name`` is for people and holds no password; ``version`` is its schema's; ``doubt`` is why it must not be relied
    upon when ordering, where it is only read.
    """

    advice = ""
    errors: tuple[type[Exception], ...] = ()
    version = 0
    doubt: Optional[str] = None

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
        with _translated(self.name, self.errors, self.advice):
            return self._execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Run statements: all hold and are durable once the block is left, none does if it is left by an error."""
        with _translated(self.name, self.errors, self.advice):
            try:
                self._begin()
                yield self._execute
            except BaseException:  # raised again, once nothing of it is left
                with suppress(*self.errors):  # a connection that is gone has taken its transaction with it
                    self._connection.rollback()
                raise
            self._connection.commit()

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

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        cursor = self._connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


class Sqlite(Database):
    """A file of this machine in WAL mode, each commit synced before it counts; locks are bytes of a file beside it."""

    advice = (
        "nothing is ordered without it. See that it may be written and its disk has room; do not delete it before all"
        " that it holds is settled, and then move it away by hand"
    )
    errors = (sqlite3.Error,)

    def __init__(self, path: str, locks: Optional[int] = None) -> None:
        """``locks`` is the open file of locks; None where nothing is to be locked."""
        self._locks = locks
        with _translated(path, self.errors, self.advice):
            connection = sqlite3.connect(path, timeout=TRANSACTION_WAIT, isolation_level=None, check_same_thread=False)
        super().__init__(path, connection, is_kept=path != _MEMORY)

    def close(self) -> None:
        """Give up the connection and every lock."""
        super().close()
        if self._locks is not None:
            os.close(self._locks)
            self._locks = None

    def check(self) -> None:
        """Refuse a file that is damaged. Raises LedgerError."""
        (result,) = self.query("PRAGMA quick_check(1)")[0]
        if result != "ok":
            raise LedgerError(f"the ledger {self.name} is damaged: {' '.join(result.split())}; {self.advice}")

    def make_durable(self) -> None:
        """Have every commit on the disk before it counts. Raises LedgerError where that cannot be had."""
        (mode,) = self.query("PRAGMA journal_mode = WAL")[0]
        if mode != "wal":
            raise LedgerError(f"the ledger {self.name} cannot have a write-ahead log: keep it on a local disk")
        self.query("PRAGMA synchronous = FULL")

    def try_lock(self, key: str) -> bool:
        """Lock the one byte that the key's hash names."""
        if self._locks is None:
            return True
        with _translated(self.name, (OSError,), self.advice):
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _number_of(key))
            except (BlockingIOError, PermissionError):
                return False
        return True

    def unlock(self, key: str) -> None:
        """Unlock that byte."""
        if self._locks is not None:
            with _translated(self.name, (OSError,), self.advice):
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, _number_of(key))

    def has_schema(self) -> bool:
        """Whether there is a ledger in it, of whatever version."""
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE name = 'yeastar_schema'"))

    def _begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")


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
        """Connect; of ``url``, only host and database are ever told.

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
        told = {option.keyword.decode(): (option.val or b"").decode(errors="replace") for option in options}
        name = f"postgresql://{told.get('host', '')}/{told.get('dbname', '')}"
        with _translated(name, self.errors, self.advice):
            connection = psycopg.connect(url, password=password, autocommit=True, prepare_threshold=None, **_PATIENCE)
        super().__init__(name, connection)

    def try_lock(self, key: str) -> bool:
        """Take the advisory lock that the key's hash names."""
        return bool(self.query("SELECT pg_try_advisory_lock(?)", (_number_of(key),))[0][0])

    def unlock(self, key: str) -> None:
        """Give it back."""
        self.query("SELECT pg_advisory_unlock(?)", (_number_of(key),))

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
        self._execute("SELECT pg_advisory_xact_lock(?)", (_number_of(_SETUP),))

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        return super()._execute(statement.replace("?", "%s"), values)


def connect(
    location: str, schema: Schema, read_only: bool, makes: bool = True, password: Optional[str] = None
) -> Database:
    """The database at a path, at a ``postgresql://`` URL, or in memory (``none``), with the tables of ``schema``.

    A missing one is made, unless ``read_only`` or not ``makes``: then an empty one in memory stands in, under its name.
    One of an older version is upgraded, unless ``read_only``: then it is read as it is. Raises LedgerError.
    """
    if location == NONE:
        return _in_memory(schema, NONE)
    if location.startswith(POSTGRESQL_SCHEMES):
        return _connect_postgresql(Postgresql(location, password), schema, read_only, makes)
    with _translated(location, (OSError, RuntimeError), Sqlite.advice):
        path = Path(location).expanduser()
        if not path.is_absolute():
            raise LedgerError(f"the ledger {path} is another file in each working directory: name an absolute path")
        # Whatever a file is called, it has one set of locks.
        path = Path(os.path.realpath(path))
    return _connect_sqlite(path, schema, read_only, makes)


def _in_memory(schema: Schema, name: str) -> Database:
    database = Sqlite(_MEMORY)
    _create_tables(database, schema)
    database.name, database.version = name, schema.version
    return database


def _connect_postgresql(database: Database, schema: Schema, read_only: bool, makes: bool) -> Database:
    if not database.has_schema():
        if read_only or not makes:
            database.close()
            return _in_memory(schema, database.name)
        _create_tables(database, schema)
    database.version = _version_of(database, database.query, schema)
    if not read_only:
        _upgrade(database, schema)
        _prove_writable(database)
    return database


def _connect_sqlite(path: Path, schema: Schema, read_only: bool, makes: bool) -> Database:
    with _translated(str(path), (OSError,), Sqlite.advice):
        _refuse_remains(path)
        doubt = doubt_about(path)
        if doubt is not None and not read_only:
            raise LedgerError(f"the ledger {path} cannot be relied upon, and nothing is ordered without it: {doubt}")
        if not path.exists() and (read_only or not makes):
            database = _in_memory(schema, str(path))
            database.doubt = doubt
            return database
        locks = None if read_only else _open_locks(path)
        if locks is not None and not path.exists():
            _create_file(path, locks, schema)
    database = Sqlite(str(path), locks)
    database.doubt = doubt
    database.check()
    if not database.has_schema():
        raise LedgerError(f"{path} is not a ledger: name another file, or move this one away")
    database.version = _version_of(database, database.query, schema)
    if not read_only:
        database.make_durable()
        _upgrade(database, schema)
        _prove_writable(database)
    return database


def _open_locks(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def _create_file(path: Path, locks: int, schema: Schema) -> None:
    """Make a ledger beside ``path`` and move it there, so that none is ever found half made.

    Nor without its write-ahead log: to change to one, SQLite does not wait for whoever else has the file open.
    """
    fcntl.lockf(locks, fcntl.LOCK_EX, 1, _number_of(_SETUP))
    if not path.exists():
        new = path.with_name(f"{path.name}.new")
        for left in ("", "-wal", "-shm"):
            Path(f"{new}{left}").unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        database = Sqlite(str(new))
        _create_tables(database, schema)
        database.make_durable()
        database.close()
        os.replace(new, path)
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    fcntl.lockf(locks, fcntl.LOCK_UN, 1, _number_of(_SETUP))


def _refuse_remains(path: Path) -> None:
    """A log without its ledger holds what was last written; SQLite would read it into whatever ledger comes there."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and not path.exists():
        raise LedgerError(
            f"the ledger {path} is gone, and what was last written to it is in {log}: put the ledger back beside it, or"
            " move that away as well once all is settled"
        )


def _create_tables(database: Database, schema: Schema) -> None:
    with database.transaction() as execute:
        if not database.has_schema():
            for statement in schema.tables:
                execute(statement)
            execute("INSERT INTO yeastar_schema VALUES (?)", (schema.version,))


def _version_of(database: Database, query: Execute, schema: Schema) -> int:
    """The version of a ledger. Raises LedgerError for one that this code does not know."""
    found = [row[0] for row in query("SELECT version FROM yeastar_schema")]
    if len(found) != 1 or found[0] not in (*schema.upgrades, schema.version):
        raise LedgerError(
            f"the ledger {database.name} has the version {found}, expected [{schema.version}]: use the release of this"
            " collection that wrote it, or a newer one"
        )
    return int(found[0])


def _upgrade(database: Database, schema: Schema) -> None:
    """Bring a ledger of an older version up to date, whole or not at all, and once among all who open it."""
    if database.version == schema.version:
        return
    with database.transaction() as execute:
        for version in range(_version_of(database, execute, schema), schema.version):
            for step in schema.upgrades[version]:
                if isinstance(step, str):
                    execute(step)
                else:
                    step(execute)
        execute("UPDATE yeastar_schema SET version = ?", (schema.version,))
    database.version = schema.version


def _prove_writable(database: Database) -> None:
    """Write something, so that a full disk or a missing permission shows before anything is decided."""
    with database.transaction() as execute:
        execute("UPDATE yeastar_schema SET version = version")


def _number_of(key: str) -> int:
    """A number of 62 bits for a key. Two keys that share one only wait for each other."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 2


@contextmanager
def _translated(name: str, errors: tuple[type[Exception], ...], advice: str) -> Iterator[None]:
    try:
        yield
    except errors as error:
        lines = str(error).strip().splitlines()
        problem = lines[0] if lines else type(error).__name__
        raise LedgerError(f"the ledger {name} cannot be used: {problem}; {advice}") from None
