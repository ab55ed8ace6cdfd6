# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are killed, stopped and raced, and the points of their own code at which they strike themselves."""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kill_points import KillPoint
from tests.support.running import Running, end_all, run_until, together

HERE = Path(__file__).parents[3]
LIBRARY = """
import contextlib

class Book:
    def write(self, text):
        print("writing", text, flush=True)
        return self.close()

    @staticmethod
    def close():
        print("closed", flush=True)

    @classmethod
    def read(cls):
        print("read", flush=True)

    @property
    def pages(self):
        return 1

def tear():
    raise ValueError
"""
PROGRAM = """
import contextlib, json, sys, time
from library import Book, tear
with contextlib.suppress(ValueError):
    tear()
for word in "one", "two":
    Book().write(word)
Book.read()
print(json.dumps({"given": sys.stdin.read()}), flush=True)
"""


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module to be struck in, on everybody's path."""
    (tmp_path / "library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("library", None)
    assert end_all() == []


def begin(library: Path, program: str = PROGRAM, at: KillPoint | None = None) -> Running:
    return Running([sys.executable, "-c", program], "input", {"PATH": "", "PYTHONPATH": str(library)}, at)


def test_a_process_gets_its_input_and_its_output_is_read(library: Path) -> None:
    running = begin(library)
    assert running.wait() == 0
    assert running.stdout.endswith('{"given": "input"}\n') and running.stderr == ""


def test_a_result_is_the_output_and_a_complaint_is_an_error(library: Path) -> None:
    assert begin(library, "print('{\"changed\": true}')").result() == {"changed": True}
    for program in ("import sys; print('{}'); print('oh', file=sys.stderr)", "print('{}'); raise SystemExit(3)"):
        with pytest.raises(AssertionError):
            begin(library, program).result()


@pytest.mark.parametrize(
    ("function", "when", "skip", "printed"),
    [
        ("library.Book.write", "before", 0, []),
        ("library.Book.write", "after", 0, ["writing one", "closed"]),
        ("library.Book.write", "before", 1, ["writing one", "closed"]),
        ("library.Book.close", "before", 0, ["writing one"]),
        ("library.Book.read", "before", 0, ["writing one", "closed", "writing two", "closed"]),
        ("library.Book.read", "after", 0, ["writing one", "closed", "writing two", "closed", "read"]),
        ("library.tear", "before", 0, []),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_strikes_itself_there(
    library: Path, function: str, when: str, skip: int, printed: list[str], number: signal.Signals
) -> None:
    running = begin(library, at=KillPoint(function, when, number, skip))
    assert running.wait() == -number
    assert running.stdout.splitlines() == printed


def test_a_module_that_python_has_loaded_before_is_struck_as_well(library: Path) -> None:
    assert begin(library, "import os; os.makedirs('/tmp', exist_ok=True)", KillPoint("os.makedirs")).wait() == -9


def test_a_module_of_a_zip_is_struck_though_the_zip_loads_others_meanwhile(library: Path) -> None:
    archive = library / "modules.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("library.py", "import inner\n" + LIBRARY)
        written.writestr("inner.py", "")
    program = f"import sys; sys.path.insert(0, {str(archive)!r})\n{PROGRAM}"
    running = begin(library, program, KillPoint("library.Book.close"))
    assert running.wait() == -signal.SIGKILL and running.stdout == "writing one\n"


@pytest.mark.parametrize("point", [("library.tear", "after"), ("library.Book.write", "before", signal.SIGKILL, 2)])
def test_a_point_that_is_never_reached_is_an_error(library: Path, point: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError, match=rf"{point[0]}:{point[1]}:SIGKILL was never reached: .*ended with 0"):
        begin(library, at=KillPoint(*point)).wait()


@pytest.mark.parametrize(
    "name", ["library.Book.pages", "library.Book.none", "library.none", "nothing.at.all", "os.fsync"]
)
def test_a_name_that_is_no_function_of_python_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"function {name}"):
        KillPoint(name)


def test_a_name_with_an_underscore_is_one_of_the_collection() -> None:
    point = KillPoint("_renew.run.Run.execute")
    assert '"ansible_collections.pbxops.yeastar.plugins.module_utils._renew.run"' in str(
        point.environment(Path("x"), {})
    )
    with pytest.raises(ValueError, match="when must be"):
        KillPoint("_renew.run.Run.execute", "during")


def test_it_can_be_stopped_and_resumed(library: Path) -> None:
    running = begin(library, at=KillPoint("library.Book.close", "before", signal.SIGSTOP))
    running.wait_stopped()
    assert running.stdout == "writing one\n"
    time.sleep(0.05)
    assert running.stdout == "writing one\n"
    running.resume()
    assert running.wait() == 0 and len(running.stdout.splitlines()) == 6


def test_waiting_for_a_stop_in_vain_is_an_error(library: Path) -> None:
    running = begin(library, at=KillPoint("library.tear", "before", signal.SIGKILL))
    with pytest.raises(AssertionError, match="ended instead of being stopped"):
        running.wait_stopped()


def test_several_go_on_from_their_points_together(library: Path) -> None:
    program = (
        "import time\nfrom library import tear\ntry: tear()\nexcept ValueError: print('{\"at\":', time.time(), '}')"
    )
    point = KillPoint("library.tear", "before", signal.SIGSTOP)
    started = [begin(library, program, point) for dummy in range(4)]
    times = [result["at"] for result in together(started)]
    assert max(times) - min(times) < 0.5


def test_killing_waits_for_the_end_and_says_when_it_came_too_late(library: Path) -> None:
    running = begin(library, "import time; time.sleep(60)")
    running.kill()
    assert running.process.returncode == -9
    with pytest.raises(AssertionError, match="has ended before SIGTERM"):
        running.send(signal.SIGTERM)


def test_what_does_not_end_is_ended(library: Path) -> None:
    with pytest.raises(AssertionError, match=r"not ended after 0\.2 s"):
        begin(library, "import time; time.sleep(60)").wait(0.2)
    running = begin(library, "import time; time.sleep(60)")
    assert len(end_all()) == 1 and end_all() == []
    with pytest.raises(ProcessLookupError):
        os.kill(running.process.pid, 0)
    assert not running._directory.exists()


def test_runs_go_on_until_they_are_settled() -> None:
    results = run_until(lambda before: {"n": before}, lambda result: result["n"] == 2)
    assert results == [{"n": 0}, {"n": 1}, {"n": 2}]
    with pytest.raises(AssertionError, match="not settled after 3 runs"):
        run_until(lambda before: {}, lambda result: False, limit=3)
