# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for a run: real processes that end, are replaced, or cannot be seen, and a result that loses its reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _controller
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import environment

# A worker whose ansible-playbook ends before the worker has asked for its number.
ORPHAN = """
import multiprocessing, os
from ansible_collections.pbxops.yeastar.plugins.module_utils import _controller

def work(pid):
    while os.getppid() == pid:
        pass
    print(_controller.starter() == pid, _controller.waits_for_worker()(), flush=True)

multiprocessing.get_context("fork").Process(target=work, args=(os.getpid(),)).start()
os._exit(0)
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes on until it is killed."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def named(process: subprocess.Popen[bytes]) -> str:
    return f"{process.pid}:{_controller._state_and_start(process.pid)[1]}"


def refuse(error: type[OSError]) -> Callable[..., Any]:
    def refused(*dummy: object, **keywords: object) -> None:
        raise error

    return refused


def test_a_process_is_there_until_it_has_ended_even_if_nobody_has_asked_how(other: subprocess.Popen[bytes]) -> None:
    name = named(other)
    assert name.rpartition(":")[2].isdecimal() and _controller.is_running(name)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert not _controller.is_running(name), "a zombie waits for nothing"
    other.wait()
    assert not _controller.is_running(name)


def test_another_process_with_the_same_number_is_not_the_one(other: subprocess.Popen[bytes]) -> None:
    assert not _controller.is_running(f"{other.pid}:1")
    assert _controller.is_running(f"{other.pid}:"), "when it started was not known"


def test_a_process_of_another_user_is_there(other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(_controller.os, "kill", refuse(PermissionError))
        assert _controller.is_running(named(other))


def test_where_nothing_tells_when_a_process_started_its_number_counts(
    other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = named(other)
    monkeypatch.setattr(_controller.Path, "read_text", refuse(FileNotFoundError))
    assert named(other) == f"{other.pid}:"
    assert _controller.is_running(name) and _controller.is_running(named(other))
    other.kill()
    other.wait()
    assert not _controller.is_running(name)


def test_a_worker_is_waited_for_by_the_process_that_has_forked_it(monkeypatch: pytest.MonkeyPatch) -> None:
    is_awaited = _controller.waits_for_worker()
    assert is_awaited()
    monkeypatch.setattr(_controller.os, "getppid", lambda: 1)
    assert not is_awaited()


def test_a_worker_knows_the_process_that_has_forked_it_though_that_is_gone() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=60, check=False, env=environment()
    )
    assert (ended.stdout, ended.stderr) == ("True False\n", "")


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The reading end of a pipe for the module's result."""
    read, write = os.pipe()
    monkeypatch.setattr(_controller, "_RESULT", write)
    with os.fdopen(read, "rb") as reader:
        yield reader
    os.close(write)


def test_a_module_is_waited_for_as_long_as_its_parent_is_there(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    is_awaited = _controller.waits_for_module({})
    assert is_awaited()
    monkeypatch.setattr(_controller.os, "getppid", lambda: 1)
    assert not is_awaited()


def test_a_module_is_waited_for_as_long_as_somebody_can_read_its_result(result: Any) -> None:
    is_awaited = _controller.waits_for_module({})
    assert is_awaited()
    result.close()
    assert not is_awaited()


@pytest.mark.parametrize("name", [os.devnull, "a file", None])
def test_a_result_that_goes_elsewhere_than_to_a_reader_says_nothing(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT) if name else 987  # not open
    monkeypatch.setattr(_controller, "_RESULT", descriptor)
    assert _controller.waits_for_module({})()
    if name:
        os.close(descriptor)


def test_a_module_on_the_controller_is_waited_for_by_the_worker_and_ansible_playbook_and_its_task(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "of the task"
    file.touch()
    described = _controller.describe(str(file))
    worker, playbook, name = described.split(" ", 2)
    assert (int(worker.partition(":")[0]), int(playbook.partition(":")[0])) == (os.getpid(), os.getppid())
    assert name == str(file)
    is_awaited = _controller.waits_for_module({_controller.VARIABLE: described})
    assert is_awaited()
    file.unlink()
    assert not is_awaited()
    assert _controller.waits_for_module({_controller.VARIABLE: described})(), "it has never seen the file"


@pytest.mark.parametrize("place", [0, 1], ids=["worker", "ansible-playbook"])
def test_a_module_on_the_controller_is_not_waited_for_once_a_process_is_gone(
    result: Any, other: subprocess.Popen[bytes], place: int
) -> None:
    own = _controller.describe("/nowhere").split(" ")
    own[place] = named(other)
    is_awaited = _controller.waits_for_module({_controller.VARIABLE: " ".join(own)})
    assert is_awaited()
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert not is_awaited()
    assert not _controller.waits_for_module({_controller.VARIABLE: " ".join(own)})(), "gone before it has begun"
