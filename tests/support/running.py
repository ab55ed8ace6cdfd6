# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that runs in its own process: tests kill, stop, resume and race it, and read its result."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.kill_points import KillPoint

_ALIVE: set[Running] = set()


class Running:
    """A process with ``given`` as its input, started immediately; `end_all` ends what a failed test leaves running."""

    def __init__(
        self, command: Sequence[str | Path], given: str, environment: Mapping[str, str], at: KillPoint | None = None
    ) -> None:
        self._at = at
        self._directory = Path(tempfile.mkdtemp(prefix="pbxops-running-"))
        self._texts: dict[str, str] = {}
        self._is_struck = False
        if at:
            environment = at.environment(self._directory / "struck", environment)
        self._file("stdin").write_text(given, encoding="utf-8")
        with (
            self._file("stdin").open("rb") as stdin,
            self._file("stdout").open("wb") as stdout,
            self._file("stderr").open("wb") as stderr,
        ):
            self.process = subprocess.Popen(
                command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
            )
        _ALIVE.add(self)

    # while it runs

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; AssertionError if it has already ended."""
        assert self.process.poll() is None, f"it has ended before {number.name}: {self._story()}"
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it with SIGKILL; afterwards all its connections and files are closed."""
        self.send(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL, self._story()

    def wait_stopped(self, timeout: float = 30) -> None:
        """Wait until it is stopped at its kill point with SIGSTOP."""
        deadline = time.monotonic() + timeout
        flags = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
        while not (state := os.waitid(os.P_PID, self.process.pid, flags)):
            assert time.monotonic() < deadline, f"not stopped after {timeout:g} s: {self._story()}"
            time.sleep(0.005)
        if state.si_code != os.CLD_STOPPED:
            self.wait()
            raise AssertionError(f"it ended instead of being stopped: {self._story()}")

    def resume(self) -> None:
        """Let it continue after SIGSTOP."""
        self.send(signal.SIGCONT)

    # when it has ended

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end; the exit status, or the negative signal that ended it.

        AssertionError if it ended without reaching its kill point.
        """
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"it has not ended after {timeout:g} s: {self._story()}") from None
        self.end()
        assert self._at is None or self._is_struck, f"{self._at} was never reached: {self._story()}"
        return status

    def result(self, timeout: float = 60) -> dict[str, Any]:
        """The result of a module that ended normally."""
        status = self.wait(timeout)
        assert not self.stderr, self._story()
        result: dict[str, Any] = json.loads(self.stdout)
        assert "deprecations" not in result, self._story()
        assert status == (1 if result.get("failed") else 0), self._story()
        return result

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._text("stdout")

    @property
    def stderr(self) -> str:
        """What it has written to stderr so far."""
        return self._text("stderr")

    def end(self) -> None:
        """End it if it is still running, and keep only its output."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self in _ALIVE:
            _ALIVE.remove(self)
            self._is_struck = self._file("struck").exists()
            self._texts = {name: self._text(name) for name in ("stdout", "stderr")}
            shutil.rmtree(self._directory)

    def _file(self, name: str) -> Path:
        return self._directory / name

    def _text(self, name: str) -> str:
        if name in self._texts:
            return self._texts[name]
        return self._file(name).read_text(encoding="utf-8", errors="replace")

    def _story(self) -> str:
        return f"{self.process.args!r} ended with {self.process.poll()}\n{self.stdout}\n{self.stderr}"


def end_all() -> list[str]:
    """End every process that is still running; their commands. For a fixture, so that a failed test leaves none."""
    ended = [repr(running.process.args) for running in _ALIVE if running.process.poll() is None]
    for running in list(_ALIVE):
        running.end()
    return ended


def together(runnings: Iterable[Running]) -> list[dict[str, Any]]:
    """The results of modules that were all started with a kill point of SIGSTOP: they continue from there at once."""
    runnings = list(runnings)
    for running in runnings:
        running.wait_stopped()
    for running in runnings:
        running.resume()
    return [running.result() for running in runnings]


def run_until(
    run: Callable[[int], dict[str, Any]], is_settled: Callable[[dict[str, Any]], bool], limit: int = 10
) -> list[dict[str, Any]]:
    """Run (with the number of runs before) until its result is settled; all results, in order."""
    results: list[dict[str, Any]] = []
    while not results or not is_settled(results[-1]):
        assert len(results) < limit, f"not settled after {limit} runs: {json.dumps(results[-1])}"
        results.append(run(len(results)))
    return results
