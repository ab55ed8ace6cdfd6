# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server for the tests, from Debian's packages, on a free port of 127.0.0.1.

PostgreSQL does not run as root; under root an unprivileged account runs it. All its files are below one temporary
directory that is deleted with it. Its durability is that of production: fsync and synchronous_commit are on.

The role's password is the same for all servers of this process, and is in PGPASSWORD once the first has started: the
address of a ledger has none, so most tests, and the processes that they start, use that variable.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from tests.support.debian import Unavailable, provided

ROLE = "ledger"
PASSWORD = secrets.token_urlsafe(12)
_ADMIN = "admin"
_BINARIES = Path("/usr/lib/postgresql")
_ACCOUNTS = ("postgres", "nobody")
# Possible defaults of a server or database; without a setting it is read committed.
ISOLATIONS = ("repeatable read", "serializable")
_START_TIMEOUT = 60  # s
_STOP_TIMEOUT = 20  # s
_PORTS_TRIED = 5
# The package must not start its own cluster when it is installed.
_NO_MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.d/pbxops-yeastar-tests.conf")
_HBA = f"""
host  replication  all  127.0.0.1/32  trust
host  all  {ROLE}  127.0.0.1/32  scram-sha-256
host  all  all     127.0.0.1/32  trust
"""


class Postgres:
    """A server; as a context manager it runs inside, and leaves nothing behind.

    ``primary`` makes it an asynchronous standby of that server.
    """

    def __init__(self, primary: Postgres | None = None) -> None:
        self._primary = primary
        self.port = 0
        self.password = PASSWORD
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._binaries = Path()
        self._account: tuple[int, int] | None = None
        self._databases = 0

    # life

    def __enter__(self) -> Postgres:
        try:
            self._create()
            self.start()
            if self._primary is None:
                with self.admin() as connection:
                    connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{self.password}'")
            os.environ["PGPASSWORD"] = self.password
        except BaseException:  # raised again after the cleanup
            self._remove()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._remove()

    def start(self) -> None:
        """Start the server, after `stop` on the same port; returns when it accepts connections."""
        assert self._process is None, "it runs already"
        for attempt in range(_PORTS_TRIED):
            port = self.port or free_port()
            if self._starts_on(port):
                self.port = port
                return
            if self.port or attempt == _PORTS_TRIED - 1 or "in use" not in self._log:
                break
        raise Unavailable(f"PostgreSQL did not start:\n{self._log[-2000:]}")

    def stop(self, crash: bool = False) -> None:
        """Stop the server: cleanly, disconnecting its clients; or like a crash, without writing anything more."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    # a standby

    def catch_up(self) -> None:
        """Wait until this standby has all that its primary has written."""
        assert self._primary is not None
        with self._primary.admin() as primary, self.admin() as standby:
            written = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone()
            deadline = time.monotonic() + _START_TIMEOUT
            while standby.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written).fetchone() != (True,):
                assert time.monotonic() < deadline, "the standby does not follow"
                time.sleep(0.05)

    def fall_behind(self) -> None:
        """Stop this standby from receiving anything from its primary, as if its network were gone."""
        self.configure(primary_conninfo="")
        deadline = time.monotonic() + _START_TIMEOUT
        with self.admin() as connection:
            while connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchall():
                assert time.monotonic() < deadline, "the standby still follows"
                time.sleep(0.05)

    def promote(self) -> None:
        """Make this standby a primary."""
        with self.admin() as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)

    # databases

    @contextmanager
    def database(self, encoding: str = "UTF8") -> Iterator[str]:
        """The URL of a new and empty database that the role owns; it is dropped on exit, even if still in use."""
        self._databases += 1
        name = f"test_{self._databases}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {ROLE} ENCODING '{encoding}' TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            if self._process is None:
                self.start()
            with self.admin() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str) -> str:
        """The URL of a database for the role."""
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser connection in autocommit mode."""
        address = {"host": "127.0.0.1", "port": self.port, "user": _ADMIN, "dbname": database}
        return psycopg.connect(**address, connect_timeout=5, autocommit=True)

    def isolate(self, database_url: str, isolation: str) -> None:
        """Make this isolation the default of a database's transactions."""
        self.preset(database_url, default_transaction_isolation=isolation)

    def preset(self, database_url: str, **settings: str) -> None:
        """Make these settings the defaults of a database's sessions."""
        with self.admin() as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET {name} = '{value}'")

    def configure(self, **settings: str) -> None:
        """Make the server run with these settings, none of which needs a restart."""
        with self.admin() as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
        with self.admin() as connection:
            for name, value in settings.items():
                deadline = time.monotonic() + _START_TIMEOUT
                while connection.execute(f"SHOW {name}").fetchone() != (value,):
                    assert time.monotonic() < deadline, f"{name} is not {value}"
                    time.sleep(0.02)

    def cut_off(self, database_url: str) -> int:
        """End the sessions of a database, as a failing network would; returns how many there were."""
        name = database_url.rpartition("/")[2]
        with self.admin() as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = %s",
                (name, ROLE),
            )
            return len(ended.fetchall())

    # the rest

    @property
    def _log(self) -> str:
        return (self._home / "log").read_text(errors="replace")

    @property
    def _home(self) -> Path:
        assert self._directory is not None, "use it as a context manager"
        return self._directory

    def _create(self) -> None:
        self._binaries = provided(_find_binaries, "postgresql", _without_main_cluster)
        self._account = server_account()
        self._directory = Path(tempfile.mkdtemp(prefix="pbxops-postgres-"))
        if self._account:
            os.chown(self._directory, *self._account)
        if self._primary is None:
            self._fill("initdb", "-A", "trust", "-E", "UTF8", "--no-locale")
            (self._home / "data" / "pg_hba.conf").write_text(_HBA)
        else:
            address = ("-h", "127.0.0.1", "-p", str(self._primary.port))
            self._fill("pg_basebackup", *address, "--checkpoint=fast", "--write-recovery-conf")

    def _fill(self, program: str, *options: str) -> None:
        """Run a program that creates the data directory."""
        made = subprocess.run(
            [self._binaries / program, "-D", self._home / "data", "-U", _ADMIN, *options],
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT,
            check=False,
            **self._as_account(),
        )
        if made.returncode:
            problem = f"{program} ended with {made.returncode}"
            raise Unavailable(f"{problem}:\n{made.stdout[-1000:]}{made.stderr[-1000:]}")

    def _as_account(self) -> dict[str, Any]:
        """The arguments for a process of the server: its user, an accessible directory, and a clean environment."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        who = {"user": self._account[0], "group": self._account[1], "extra_groups": []} if self._account else {}
        return {"cwd": self._home, "env": environment, "stdin": subprocess.DEVNULL, **who}

    def _starts_on(self, port: int) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "log_line_prefix": "%m %u@%d ",
        }
        command = [self._binaries / "postgres", "-D", self._home / "data"]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with (self._home / "log").open("ab") as log:
            # It ends with the process that started it, even if that is killed.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "INT", "--", *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )
        self.port, before = port, self.port
        if self._is_ready():
            return True
        self.port = before
        self.stop(crash=True)
        return False

    def _is_ready(self) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT
        assert self._process is not None
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.admin().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return self._process.poll() is None
        return False

    def _remove(self) -> None:
        try:
            self.stop()
        finally:
            directory, self._directory = self._directory, None
            if directory is not None:
                shutil.rmtree(directory)


def wait_for_waiters(connection: psycopg.Connection[Any], count: int) -> None:
    """Wait until that many sessions of the server wait for an advisory lock."""
    deadline = time.monotonic() + 30
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while connection.execute(waiting).fetchone() != (count,):
        assert time.monotonic() < deadline, f"there are not {count} that wait for the ledger"
        time.sleep(0.02)


def _find_binaries() -> Path | None:
    """The directory of the newest server."""
    found = [path.parent for path in _BINARIES.glob("*/bin/postgres") if re.fullmatch(r"\d+", path.parts[-3])]
    return max(found, key=lambda path: int(path.parts[-2]), default=None)


@contextmanager
def _without_main_cluster() -> Iterator[None]:
    _NO_MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    _NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n", encoding="ascii")
    try:
        yield
    finally:
        _NO_MAIN_CLUSTER.unlink()


def server_account() -> tuple[int, int] | None:
    """User and group to run the server as; None for the current user."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise Unavailable(f"root cannot run PostgreSQL, and there is no account {' or '.join(_ACCOUNTS)} to run it")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
