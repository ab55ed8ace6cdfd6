# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces of system calls: the parser against lines of `strace`, and the whole against small programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.support import debian
from tests.support.debian import Unavailable
from tests.support.running import Running
from tests.support.traces import Event, find, not_durable, parse, read_trace, tracer

TCP = "TCP:[127.0.0.1:40480->127.0.0.1:443]"
WAL = "/home/u/ledger.db-wal"


def events_of(text: str) -> list[Event]:
    return parse(text.strip().splitlines())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"7  fsync(8<{WAL}>) = 0", Event("sync", WAL)),
        (f"7  fdatasync(8<{WAL}>)   = 0", Event("sync", WAL)),
        (f"7  fdatasync(8<{WAL}>(deleted)) = 0", Event("sync", WAL)),
        (f'7  pwrite64(8<{WAL}>, "\\0\\1\\33\\"x"..., 4096, 32) = 4096', Event("write", WAL, b'\0\1\x1b"x')),
        (f'7  write(8<{WAL}>, "a", 1) = 1', Event("write", WAL, b"a")),
        (f"7  ftruncate(8<{WAL}>, 0) = 0", Event("write", WAL)),
        (
            f'7  sendto(6<{TCP}>, "POST /a HTTP/1.1\\r\\n"..., 500, 0, NULL, 0) = 500',
            Event("send", TCP, b"POST /a HTTP/1.1\r\n"),
        ),
        (f'7  write(6<{TCP}>, "\\303\\244", 2) = 2', Event("send", TCP, b"\xc3\xa4")),
        (
            f'7  sendmsg(6<{TCP}>, {{msg_name=NULL, msg_iov=[{{iov_base="a", iov_len=1}}, {{iov_base="b"}}]}}, 0) = 2',
            Event("send", TCP, b"ab"),
        ),
        (f'7  recvfrom(6<{TCP}>, "C\\0\\0", 8192, 0, NULL, NULL) = 3', Event("receive", TCP, b"C\0\0")),
        (f'7  sendto(6<{TCP}>, "x", 1, 0, NULL, 0) = -1 EPIPE (Broken pipe)', Event("send", TCP, b"x")),
    ],
)
def test_a_line_is_an_event(line: str, expected: Event) -> None:
    assert parse([line]) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        f"7  fsync(8<{WAL}>) = -1 EIO (Input/output error)",
        f"7  fsync(8<{WAL}> <unfinished ...>",
        f"7  recvfrom(6<{TCP}>, 0x7f, 1, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)",
        '7  read(3</etc/hosts>, "x", 1) = 1',
        f"7  close(6<{TCP}>) = 0",
        "7  +++ killed by SIGKILL +++",
        "",
    ],
)
def test_what_failed_or_does_not_matter_is_no_event(line: str) -> None:
    assert parse([line]) == []


def test_a_sync_counts_from_its_end_and_a_send_from_its_beginning() -> None:
    events = events_of(
        f"""
        7  fdatasync(8<{WAL}> <unfinished ...>
        8  sendto(6<{TCP}>, "POST", 4, 0, NULL, 0 <unfinished ...>
        7  <... fdatasync resumed>) = 0
        8  <... sendto resumed>) = 4
        """.replace("        ", "")
    )
    assert events == [Event("send", TCP, b"POST"), Event("sync", WAL)]


def test_a_send_in_the_middle_of_which_the_process_ends_counts() -> None:
    assert events_of(f'7  sendto(6<{TCP}>, "POST", 4, 0, NULL, 0 <unfinished ...>') == [Event("send", TCP, b"POST")]


def test_a_receive_is_known_when_it_has_ended() -> None:
    begin, end = f"7  recvfrom(6<{TCP}>,  <unfinished ...>", '7  <... recvfrom resumed>"ab", 2, 0, NULL, NULL) = 2'
    assert parse([begin, f"8  fsync(8<{WAL}>) = 0", end]) == [Event("sync", WAL), Event("receive", TCP, b"ab")]


def test_events_are_found_or_missed_loudly() -> None:
    events = [Event("sync", WAL), Event("send", TCP, b"GET /"), Event("sync", WAL)]
    assert find(events, "sync", r"-wal$") == [0, 2] and find(events, "send", data=rb"^GET") == [1]
    with pytest.raises(AssertionError, match="no send to '' with b'POST' among 3 events"):
        find(events, "send", data=b"POST")


def test_what_was_written_after_the_last_sync_is_not_durable() -> None:
    events = [
        Event("write", WAL),
        Event("write", "/b"),
        Event("sync", WAL),
        Event("send", TCP),
        Event("write", "pipe:[1]"),
    ]
    assert not_durable(events[:2]) == {WAL, "/b"} and not_durable(events) == {"/b"}


PROGRAM = """
import os, socket, sqlite3, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server = listener.accept()[0]
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = " + sys.argv[2])
database.execute("CREATE TABLE intent (n)")
client.sendall(b"GET /first HTTP/1.1")
database.execute("INSERT INTO intent VALUES (1)")
database.commit()
thread = threading.Thread(target=client.sendall, args=(b"POST /order HTTP/1.1",))
thread.start()
thread.join()
server.recv(100)
os._exit(0)
"""


@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_a_real_trace_tells_a_durable_write_from_one_that_is_not(tmp_path: Path, synchronous: str) -> None:
    trace, database = tmp_path / "trace", tmp_path / "ledger.db"
    command = [*tracer(trace), sys.executable, "-c", PROGRAM, database, synchronous]
    assert Running(command, "", {}).wait() == 0
    events = read_trace(trace)
    (first,) = find(events, "send", "^TCP", rb"^GET /first")
    (order,) = find(events, "send", "^TCP", rb"^POST /order")
    (answer,) = find(events, "receive", "^TCP", rb"GET /first HTTP/1\.1POST /order")
    assert first < order < answer
    write = max(place for place in find(events, "write", r"/ledger\.db-wal$") if place < order)
    assert first < write
    is_durable = f"{database}-wal" not in not_durable(events[:order])
    assert is_durable == (synchronous == "FULL")
    if is_durable:
        assert any(write < place < order for place in find(events, "sync", r"/ledger\.db-wal$"))
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT n FROM intent").fetchall() == [(1,)]


def test_without_strace_and_rights_it_fails_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="apt-get install strace"):
        tracer(tmp_path / "trace")
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "_LOCK", tmp_path / "lock")
    monkeypatch.setattr(debian, "_run", lambda *arguments: calls.append(arguments))
    with pytest.raises(Unavailable, match="strace was installed, but"):
        tracer(tmp_path / "trace")
    assert calls[-1] == ("install", "--yes", "--no-install-recommends", "strace")
