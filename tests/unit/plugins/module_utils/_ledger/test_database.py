# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a ledger: who may read it, when a commit counts, and everything that makes it one not to be trusted."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import database as _database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import folder as _folder
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import sqlite as _sqlite
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import Sqlite
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, SN, intent
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import OPEN, PORTAL, finished, opened, started

FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096 * 8, 4096 * 8))
try:
    for number in range(10_000):
        ledger.reserve(Caps(f"run {number}"), [Reservation(str(number), clock())])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pbxops.yeastar" / "ledger.sqlite3"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _written(path: Path) -> Path:
    """A ledger with one intent."""
    ledger = opened(str(path))
    ledger.intend(intent())
    ledger.close()
    return path


def _refused(path: Path, read_only: bool = False) -> str:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LedgerError) as refused:
        opened(str(path), read_only=read_only)
    assert (path.read_bytes() if path.is_file() else None) == before, "what cannot be trusted is left as it is"
    text = str(refused.value)
    assert str(path) in text and "\n" not in text
    return text


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_or_write_the_ledger_or_what_lies_beside_it(path: Path, mask: int) -> None:
    path.parent.parent.mkdir()
    old = os.umask(mask)
    try:
        ledger = opened(str(path))
        ledger.intend(intent())
        modes = {file.name: _mode(file) for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys((path.name, *(f"{path.name}{end}" for end in (".lock", "-wal", "-shm"))), 0o600)
    assert _mode(path.parent) == 0o700
    ledger.close()


def test_directories_that_are_there_keep_their_permissions(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o750)
    opened(str(path)).close()
    assert _mode(path.parent) == 0o750


def test_a_path_may_begin_with_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    opened("~/ledger").close()
    assert (tmp_path / "ledger").exists()


def test_a_ledger_that_is_only_read_is_not_made(path: Path) -> None:
    ledger = opened(str(path), read_only=True)
    assert ledger.intents() == [] and not ledger.is_kept
    ledger.close()
    assert not path.parent.parent.exists()


def test_a_ledger_that_is_only_read_stays_as_it_is(path: Path) -> None:
    before = _written(path).read_bytes()
    names = {file.name for file in path.parent.iterdir()}
    reader = opened(str(path), read_only=True)
    assert reader.intents() == [intent()]
    reader.close()
    assert path.read_bytes() == before and {file.name for file in path.parent.iterdir()} == names


def test_a_ledger_in_which_something_is_to_be_settled_is_not_made_for_it(path: Path) -> None:
    ledger = open_ledger(str(path), PORTAL, lambda: NOW, read_only=False, creates=False)
    assert ledger.intents() == [] and not ledger.is_kept and ledger.name == str(path)
    ledger.close()
    assert not path.parent.parent.exists()
    _written(path)
    ledger = open_ledger(str(path), PORTAL, lambda: NOW, read_only=False, creates=False)
    assert ledger.intents() == [intent()] and ledger.is_kept
    ledger.close()


@pytest.mark.parametrize("location", ["ledger", "./ledger", "", "NONE", "postgresql+psycopg://h/d", "~/ledger"])
def test_a_file_whose_name_is_another_one_in_another_directory_is_never_made(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "home")  # which is what ~ stands for
    for read_only in (True, False):
        with pytest.raises(LedgerError, match="name an absolute path"):
            opened(location, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_the_making(path: Path) -> None:
    opened(str(path)).close()
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_a_making_that_broke_off_is_begun_anew(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for left in (".new", ".new-wal", ".new-shm"):
        path.with_name(f"{path.name}{left}").write_bytes(b"half made")
    opened(str(path)).close()
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_a_new_ledger_is_read_by_another_at_once_and_can_be_written_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, readers = Sqlite.check, []

    def while_another_reads(self: Sqlite) -> None:
        check(self)
        readers.append(sqlite3.connect(path, isolation_level=None))
        readers[0].execute("BEGIN")
        readers[0].execute("SELECT * FROM yeastar_schema").fetchall()

    monkeypatch.setattr(Sqlite, "check", while_another_reads)
    ledger = opened(str(path))
    ledger.intend(intent())
    assert ledger.intents() == [intent()]
    readers[0].close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_that_is_gone_but_for_its_log_is_not_begun_anew(path: Path, read_only: bool) -> None:
    _written(path)
    path.rename(path.with_name("away"))
    remains = path.with_name(f"{path.name}-wal")
    remains.write_bytes(b"the last intents")
    assert f"what was last written to it is in {remains}" in _refused(path, read_only)
    assert not path.exists() and remains.read_bytes() == b"the last intents"


def test_processes_that_make_the_ledger_at_once_make_one(path: Path) -> None:
    processes = [started(OPEN, str(path)) for dummy in range(4)]
    # One after another, since of two that close at the same instant neither may clear the log away.
    assert [finished(process) for process in processes] == [["0"]] * 4
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_who_makes_the_ledger_waits_for_others_that_do_and_keeps_what_they_have_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lockf, waits = _sqlite.fcntl.lockf, []

    def another_was_first(*arguments: Any) -> None:
        if not waits:
            waits.append(arguments)
            monkeypatch.setattr(_sqlite.fcntl, "lockf", lockf)
            _written(path)
        lockf(*arguments)

    monkeypatch.setattr(_sqlite.fcntl, "lockf", another_was_first)
    assert opened(str(path)).intents() == [intent()]
    assert waits[0][1] == _sqlite.fcntl.LOCK_EX


def test_two_names_of_one_file_are_one_ledger_with_one_set_of_locks(path: Path, tmp_path: Path) -> None:
    _written(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    ledger = opened(str(link))
    assert ledger.intents() == [intent()]
    ledger.close()
    assert not Path(f"{link}.lock").exists()


# --- where it may lie -------------------------------------------------------------------------------------------------


@pytest.fixture
def on_a_share(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger whose folder is called a share of another machine."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {tmp_path}/state rw - nfs4 nas:/state rw\n")
    monkeypatch.setattr(_folder, "MOUNTS", mounts)
    return path


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "missing"])
@pytest.mark.faults(83)
def test_nothing_is_ordered_with_a_ledger_on_a_network_file_system(
    on_a_share: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_there:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(_folder, "MOUNTS", Path("/nothing"))
            _written(on_a_share)
    text = _refused(on_a_share)
    assert "nothing is ordered without it: it lies on nfs4" in text and "PostgreSQL" in text and "local disk" in text
    assert on_a_share.exists() is is_there and (is_there or not on_a_share.parent.exists())
    reader = opened(str(on_a_share), read_only=True)
    assert len(reader.intents()) == is_there and "it lies on nfs4" in str(reader.doubt)
    reader.close()


def test_a_link_to_a_share_lies_on_the_share(on_a_share: Path, tmp_path: Path) -> None:
    on_a_share.parent.mkdir(parents=True)
    (tmp_path / "local").symlink_to(on_a_share.parent)
    with pytest.raises(LedgerError, match="it lies on nfs4"):
        opened(str(tmp_path / "local" / "ledger"))


@pytest.mark.parametrize("part", ["ledger", "folder"])
@pytest.mark.faults(83)
def test_nothing_is_ordered_with_a_ledger_that_others_may_write(path: Path, part: str) -> None:
    place = _written(path) if part == "ledger" else _written(path).parent
    place.chmod(place.stat().st_mode | 0o020)
    assert f"may write to {place} " in _refused(path)
    reader = opened(str(path), read_only=True)
    assert reader.intents() == [intent()] and f"may write to {place} " in str(reader.doubt)
    reader.close()
    place.chmod(place.stat().st_mode & ~0o022)
    opened(str(path)).close()


# --- a commit that counts is on the disk ------------------------------------------------------------------------------


def test_every_commit_is_synced_in_a_write_ahead_log(path: Path) -> None:
    database = opened(str(path))._database
    assert database.query("PRAGMA journal_mode") == [("wal",)]
    assert database.query("PRAGMA synchronous") == [(2,)]
    database.close()


def test_every_connection_asks_for_the_sync_whatever_the_library_takes_for_granted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    query = Sqlite.query

    def heard(self: Sqlite, statement: str, values: Any = ()) -> Any:
        asked.append(statement)
        return query(self, statement, values)

    monkeypatch.setattr(Sqlite, "query", heard)
    opened(str(path)).close()
    assert asked.index("PRAGMA synchronous = FULL") > asked.index("PRAGMA journal_mode = WAL")


def test_a_file_that_cannot_have_a_write_ahead_log_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(path)
    query = Sqlite.query

    def without_log(self: Sqlite, statement: str, values: Any = ()) -> Any:
        return [("delete",)] if "journal_mode" in statement else query(self, statement, values)

    monkeypatch.setattr(Sqlite, "query", without_log)
    assert "keep it on a local disk" in _refused(path)


def test_two_transactions_exclude_each_other_and_one_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(str(path))
    monkeypatch.setattr(_database, "TRANSACTION_WAIT", 0.1)
    second = opened(str(path))
    with first._database.transaction(), pytest.raises(LedgerError, match="locked"):
        second.intend(intent())
    second.intend(intent())
    assert first.intents() == [intent()]


# --- what is not to be trusted ----------------------------------------------------------------------------------------


@pytest.mark.faults(11)
def test_a_ledger_that_takes_no_write_is_refused_before_anything_is_decided(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(_written(path), isolation_level=None)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON yeastar_schema BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        )
    assert "disk is full" in _refused(path)
    opened(str(path), read_only=True).close()


def test_an_empty_file_is_no_ledger(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    for read_only in (True, False):
        assert "is not a ledger: name another file, or move this one away" in _refused(path, read_only)


def test_a_database_of_something_else_is_no_ledger(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    assert "is not a ledger" in _refused(path)


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + b"\xff" * 4096, b"\0" * 512])
def test_a_file_that_is_no_database_is_refused_and_never_rebuilt(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for read_only in (True, False):
        text = _refused(path, read_only)
        assert "nothing is ordered without it" in text or "is not a ledger" in text


def _damage(path: Path) -> None:
    """Overwrite the page of the intents, of which the others know nothing."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'yeastar_intent'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)


@pytest.mark.faults(13)
def test_a_damaged_ledger_is_refused_and_left_as_it_is(path: Path) -> None:
    _damage(_written(path))
    for read_only in (True, False):
        text = _refused(path, read_only)
        assert "do not delete it before everything in it is settled" in text


def test_a_ledger_that_is_cut_short_is_refused(path: Path) -> None:
    _written(path)
    os.truncate(path, path.stat().st_size // 2)
    assert "nothing is ordered without it" in _refused(path)


def test_a_path_that_cannot_be_made_is_refused() -> None:
    text = _refused(Path("/proc/nothing/ledger.sqlite3"))
    assert "make sure that it is writable" in text.lower()


def test_a_directory_is_no_ledger(tmp_path: Path) -> None:
    assert "cannot be used" in _refused(tmp_path)


def test_the_home_of_a_user_who_is_not_there_is_refused() -> None:
    with pytest.raises(LedgerError, match="~nobody-of-that-name"):
        opened("~nobody-of-that-name/ledger")


@pytest.mark.faults(11)
def test_a_full_disk_shows_as_an_error_that_names_the_ledger_and_the_next_step(path: Path) -> None:
    (output,) = finished(started(FULL_DISK, str(_written(path))))
    assert output.startswith(f"LedgerError the ledger {path} cannot be used: ")
    assert "its disk has space" in output
    assert opened(str(path)).intents() == [intent()]


@pytest.mark.faults(11)
def test_a_disk_that_is_full_from_the_start_shows_before_anything_is_decided(path: Path) -> None:
    script = """
import resource
ledger.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    open_ledger(sys.argv[1], "https://portal.example", clock, read_only=False)
except Exception as error:
    print(type(error).__name__, error)
"""
    (output,) = finished(started(script, str(_written(path))))
    assert output.startswith(f"LedgerError the ledger {path} cannot be used: ")


@pytest.mark.faults(13)
@pytest.mark.parametrize(
    "change",
    [
        "expires_at = 'soon'",
        "uncertain_since = ''",
        "portal_uncertain_since = '03/04/2026'",
        "generation = 'first'",
        "quantity = 'many'",
        "price_amount = 'many', price_currency = 'USD'",
        "price_amount = '1.00'",
    ],
)
def test_an_intent_edited_by_hand_is_refused_and_named(path: Path, change: str) -> None:
    with contextlib.closing(sqlite3.connect(_written(path), isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute(f"UPDATE yeastar_intent SET {change}")
    ledger = opened(str(path))
    with pytest.raises(LedgerError) as refused:
        ledger.intents()
    text = str(refused.value)
    assert str(path) in text and SN in text and "Nothing is ordered until it is mended" in text
    ledger.close()


@pytest.mark.faults(13)
def test_a_status_that_there_is_not_makes_the_whole_ledger_a_damaged_one(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(_written(path), isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute("UPDATE yeastar_intent SET status = 'paid'")
    assert "is damaged: CHECK constraint failed" in _refused(path)


def test_a_lock_that_the_system_refuses_is_an_error_of_the_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(str(path))

    def refuse(*arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(_sqlite.fcntl, "lockf", refuse)
    with pytest.raises(LedgerError, match="No locks available"), ledger.lock("A"):
        raise AssertionError("held")


def test_without_its_library_a_ledger_in_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for scheme in ("postgresql", "postgres"):
        with pytest.raises(LedgerError, match="psycopg, version 3: install it"):
            opened(f"{scheme}://ledger.example/renewals")
