# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' PostgreSQL: it starts, serves, survives its crashes, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import debian, postgres
from tests.support.debian import Unavailable
from tests.support.postgres import Postgres

HERE = Path(__file__).parents[3]
HOLDER = """
import time
from tests.support.postgres import Postgres

with Postgres() as server:
    print(server._home, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


def processes_of(directory: Path) -> list[str]:
    """The command lines that name a directory."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        lines += [line] if str(directory) in line else []
    return lines


def scalar(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        assert row
        return row[0]


def test_it_serves_one_empty_database_after_the_other_and_keeps_what_it_promises(server: Postgres) -> None:
    for dummy in range(2):
        with server.database() as url:
            assert scalar(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE intent (n int)")
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert scalar(url, f"SHOW {setting}") == "on"
            assert scalar(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_a_wrong_password_is_refused(server: Postgres) -> None:
    with server.database() as url, pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password="wrong")


@pytest.mark.parametrize("crash", [False, True])
def test_what_was_committed_is_there_after_a_stop_and_a_start(server: Postgres, crash: bool) -> None:
    with server.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE intent (n int)")
            connection.execute("INSERT INTO intent VALUES (7)")
            server.stop(crash)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)
        server.start()
        assert scalar(url, "SELECT n FROM intent") == 7


def test_its_sessions_can_be_cut_off(server: Postgres) -> None:
    with server.database() as url, psycopg.connect(url) as connection:
        assert server.cut_off(url) == 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left(fails: bool) -> None:
    try:
        with Postgres() as server, server.database() as url:
            directory = server._home
            assert processes_of(directory) and scalar(url, "SELECT 1") == 1
            if os.geteuid() == 0:
                assert directory.stat().st_uid != 0 and directory.stat().st_mode & 0o077 == 0
            assert not fails
    except AssertionError:
        assert fails
    assert processes_of(directory) == [] and not directory.exists()


def test_it_ends_when_the_process_that_started_it_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=HERE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process:
        directory = Path(process.stdout.readline().strip())
        assert processes_of(directory)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes_of(directory) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(directory) == []
    shutil.rmtree(directory)


# what cannot be had


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """No server is installed; what apt-get would be called with is noted."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(postgres, "_find_binaries", lambda: None)
    monkeypatch.setattr(debian, "_run", lambda *arguments: calls.append(arguments))
    return calls


def test_without_server_and_rights_it_fails_and_says_what_to_do(
    missing: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="apt-get install postgresql"), Postgres():
        pass
    assert missing == []


def test_root_installs_it_without_a_cluster_of_its_own(
    missing: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setting = tmp_path / "d" / "tests.conf"
    seen: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "_NO_MAIN_CLUSTER", setting)
    monkeypatch.setattr(debian, "_LOCK", tmp_path / "lock")
    note = debian._run
    monkeypatch.setattr(debian, "_run", lambda *words: (note(*words), seen.append(setting.exists())))
    with pytest.raises(Unavailable, match="was installed, but"), Postgres():
        pass
    assert missing == [("update",), ("install", "--yes", "--no-install-recommends", "postgresql")]
    assert seen == [False, True] and not setting.exists()


def test_a_failing_installation_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_APT", ("sh", "-c", "echo no such package; exit 7"))
    with pytest.raises(Unavailable, match=r"(?s)ended with 7.*no such package"):
        debian._run("install")
    monkeypatch.setattr(debian, "_APT", ("/nonexistent/apt-get",))
    with pytest.raises(Unavailable, match="No such file"):
        debian._run("update")
