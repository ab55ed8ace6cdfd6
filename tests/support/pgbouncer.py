# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection pooler in front of a PostgreSQL server of the tests, from Debian's package pgbouncer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.debian import Unavailable, provided
from tests.support.postgres import ROLE, Postgres, free_port, server_account

_START_TIMEOUT = 20  # s


@contextmanager
def pooled(server: Postgres, database_url: str, pool_mode: str, **others: int) -> Iterator[str]:
    """The URL of a database through a pooler; ``pool_mode`` is one of pgbouncer's: session, transaction, statement.

    ``others`` are further settings of pgbouncer.
    """
    program = provided(lambda: shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"), "pgbouncer")
    name, port = database_url.rpartition("/")[2], free_port()
    with tempfile.TemporaryDirectory(prefix="pbxops-pgbouncer-") as directory:
        settings = Path(directory, "pgbouncer.ini")
        settings.write_text(
            f"[databases]\n{name} = host=127.0.0.1 port={server.port} user={ROLE} password={server.password}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {pool_mode}\n" + "".join(f"{key} = {value}\n" for key, value in others.items()),
            encoding="utf-8",
        )
        account = server_account()  # it refuses to run as root as well
        if account:
            for path in (directory, settings):
                os.chown(path, *account)
        who = {"user": account[0], "group": account[1], "extra_groups": []} if account else {}
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "INT", "--", program, "--quiet", settings],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **who,
        )
        try:
            _wait_for(process, port)
            yield f"postgresql://{ROLE}@127.0.0.1:{port}/{name}"
        finally:
            process.terminate()
            process.wait(_START_TIMEOUT)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Unavailable(f"pgbouncer did not start on port {port}")
