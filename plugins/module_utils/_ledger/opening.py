# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a ledger's database by its location: create a missing one, upgrade an older one, refuse a doubtful one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Optional

from .database import SETUP, Database, Execute, LedgerError, Schema, number_of, translated
from .folder import doubt_about
from .location import NONE, POSTGRESQL_SCHEMES
from .postgresql import Postgresql
from .sqlite import MEMORY, Sqlite


def connect(
    location: str, schema: Schema, read_only: bool, creates: bool = True, password: Optional[str] = None
) -> Database:
    """Open the database at a path, at a ``postgresql://`` URL, or in memory (``none``), with the tables of ``schema``.

    A missing one is created, unless ``read_only`` or not ``creates``: then an empty one in memory replaces it, with its
    name. An older version is upgraded, unless ``read_only``: then it is read as it is. Raises LedgerError.
    """
    if location == NONE:
        return _in_memory(schema, NONE)
    if location.startswith(POSTGRESQL_SCHEMES):
        return _connect_postgresql(Postgresql(location, password), schema, read_only, creates)
    with translated(location, (OSError, RuntimeError), Sqlite.advice):
        path = Path(location).expanduser()
        if not path.is_absolute():
            raise LedgerError(f"the ledger {path} is another file in each working directory: name an absolute path")
        # A file must have only one set of locks, whatever path leads to it.
        path = Path(os.path.realpath(path))
    return _connect_sqlite(path, schema, read_only, creates)


def _in_memory(schema: Schema, name: str) -> Database:
    database = Sqlite(MEMORY)
    _create_tables(database, schema)
    database.name, database.version = name, schema.version
    return database


def _connect_postgresql(database: Postgresql, schema: Schema, read_only: bool, creates: bool) -> Database:
    try:
        database.doubt = database.prepare()
        _refuse_doubt(database, read_only)
        if not database.has_schema():
            if creates:
                database.doubt = database.doubt or database.doubt_about_creating()
                _refuse_doubt(database, read_only)
            if read_only or not creates:
                empty = _in_memory(schema, database.name)
                empty.doubt = database.doubt
                database.close()
                return empty
            _create_tables(database, schema)
        database.version = _version_of(database, database.query, schema)
        if database.version < schema.version:
            database.doubt = database.doubt or database.doubt_about_upgrading()
            _refuse_doubt(database, read_only)
        if not read_only:
            _upgrade(database, schema)
            _prove_writable(database)
    except BaseException:  # raised again
        database.close()
        raise
    return database


def _refuse_doubt(database: Database, read_only: bool) -> None:
    if database.doubt is not None and not read_only:
        raise LedgerError(
            f"the ledger {database.name} cannot be relied upon, and nothing is ordered without it: {database.doubt}"
        )


def _connect_sqlite(path: Path, schema: Schema, read_only: bool, creates: bool) -> Database:
    with translated(str(path), (OSError,), Sqlite.advice):
        _refuse_remains(path)
        doubt = doubt_about(path)
        if doubt is not None and not read_only:
            raise LedgerError(f"the ledger {path} cannot be relied upon, and nothing is ordered without it: {doubt}")
        if not path.exists() and (read_only or not creates):
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
    """Create a ledger next to ``path`` and move it there, so that no process opens an incomplete one.

    Its write-ahead log is already on: SQLite does not wait for other processes when it switches it on.
    """
    fcntl.lockf(locks, fcntl.LOCK_EX, 1, number_of(SETUP))
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
    fcntl.lockf(locks, fcntl.LOCK_UN, 1, number_of(SETUP))


def _refuse_remains(path: Path) -> None:
    """Refuse a log without its ledger: it has the latest writes, and SQLite would apply it to any new ledger there."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and not path.exists():
        raise LedgerError(
            f"the ledger {path} is gone, and what was last written to it is in {log}: put the ledger back next to that,"
            " or move that away as well once everything is settled"
        )


def _create_tables(database: Database, schema: Schema) -> None:
    with database.transaction() as execute:
        if not database.has_schema():
            for statement in schema.tables:
                execute(statement)
            execute("INSERT INTO yeastar_schema VALUES (?)", (schema.version,))


def _version_of(database: Database, query: Execute, schema: Schema) -> int:
    """The version of a ledger. Raises LedgerError for an unknown one."""
    found = [row[0] for row in query("SELECT version FROM yeastar_schema")]
    if len(found) != 1 or found[0] not in (*schema.upgrades, schema.version):
        raise LedgerError(
            f"the ledger {database.name} has the version {found}, expected [{schema.version}]: use the release of this"
            " collection that wrote it, or a newer one"
        )
    return int(found[0])


def _upgrade(database: Database, schema: Schema) -> None:
    """Upgrade a ledger of an older version, completely or not at all, and only once if several processes open it."""
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
