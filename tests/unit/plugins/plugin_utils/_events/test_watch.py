# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of events with a queue and an account that stand in for ansible-rulebook's and the portal's."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _files
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._account import AccountError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events import watch as _watch
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.state_file import StateFile
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.windows import Reported

NOW = utc_now()
SECRET = "canary-of-a-secret"


class Portal:
    """An account whose readings are listed: an exception is raised, rows are returned, with the portal's instant."""

    def __init__(self, *readings: Any) -> None:
        self.readings = list(readings)
        self.reading = threading.Lock()

    def read(self) -> Any:
        assert self.reading.acquire(blocking=False), "two polls at once"
        try:
            reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
            if isinstance(reading, Exception):
                raise reading
            return reading() if callable(reading) else reading
        finally:
            self.reading.release()


class Queue:
    """Takes events; ``broken`` is raised at the n-th instead."""

    def __init__(self, broken_at: Optional[int] = None, broken: Optional[BaseException] = None) -> None:
        self.events: list[Any] = []
        self._broken_at, self._broken = broken_at, broken

    async def put(self, event: Any) -> None:
        if self._broken is not None and len(self.events) == self._broken_at:
            raise self._broken
        self.events.append((event["product_no"], event["entered"]))


def rows(*days: float, ahead: float = 0) -> Any:
    """PBXs that expire in so many days, and the portal's instant, which is ahead by days."""
    return [
        {
            "product_no": f"PBX{number}",
            "expires_at": (NOW + timedelta(days=left)).isoformat(),
            "expires_between": None,
            "plan": None,
        }
        for number, left in enumerate(days)
    ], NOW + timedelta(days=ahead)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name in ("YEASTAR_BASE_URL", "YEASTAR_CLIENT_ID", "YEASTAR_CLIENT_SECRET", "YEASTAR_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return {"client_id": "id", "client_secret": SECRET, "interval": 60, "state_file": str(tmp_path / "state.json")}


@pytest.fixture
def begin(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a watch with an account that stands in."""

    def start(queue: Queue, *readings: Any, **changes: Any) -> Any:
        portal = Portal(*readings)
        monkeypatch.setattr(_watch, "Account", lambda params, on_warning: portal)
        return _watch.Watch(queue, {**options, **changes})

    return start


def polls(watch: Any, count: int = 1) -> list[float]:
    """The pauses after so many polls."""

    async def run() -> list[float]:
        return [await watch.poll() for _number in range(count)]

    return asyncio.run(run())


def test_it_tells_once_and_remembers_when_it_is_started_again(begin: Callable[..., Any]) -> None:
    queue = Queue()
    assert polls(begin(queue, rows(40, 20, 5)), 2) == [60, 60]
    assert queue.events == [("PBX1", "expires_in_30"), ("PBX2", "expires_in_7")]
    polls(begin(queue, rows(40, 20, 5)), 2)
    polls(begin(queue, rows(40, 20, 5, ahead=10)), 2)
    assert queue.events[2:] == [("PBX0", "expires_in_30"), ("PBX1", "expires_in_14"), ("PBX2", "expired")]


def test_a_pbx_that_is_missing_for_a_while_is_not_told_of_again(begin: Callable[..., Any]) -> None:
    queue = Queue()
    polls(begin(queue, rows(5, 6), rows(5), rows(5, 6)), 3)
    assert queue.events == [("PBX0", "expires_in_7"), ("PBX1", "expires_in_7")]


def test_without_the_portals_instant_the_controllers_counts(begin: Callable[..., Any]) -> None:
    queue = Queue()
    polls(begin(queue, (rows(20)[0], None)))
    assert queue.events == [("PBX0", "expires_in_30")]


def test_the_state_is_private_and_holds_no_secret(begin: Callable[..., Any], options: dict[str, Any]) -> None:
    polls(begin(Queue(), rows(5)))
    path = Path(options["state_file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))["told"]["PBX0"]["window"] == "expires_in_7"


def test_what_was_handed_over_before_the_source_was_ended_is_remembered(begin: Callable[..., Any]) -> None:
    queue = Queue(broken_at=1, broken=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        polls(begin(queue, rows(5, 6, 7)))
    rest = Queue()
    polls(begin(rest, rows(5, 6, 7)))
    assert queue.events + rest.events == [(f"PBX{number}", "expires_in_7") for number in range(3)]


def test_who_is_killed_after_handing_over_tells_again(
    begin: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue()
    watch = begin(queue, rows(5))
    with monkeypatch.context() as patched:
        patched.setattr(StateFile, "save", lambda self, reported: None)
        polls(watch)
    polls(begin(queue, rows(5)))
    assert queue.events == [("PBX0", "expires_in_7")] * 2


def test_an_outage_is_told_once_and_its_end_once_with_ever_longer_pauses(
    begin: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    queue, failure = Queue(), AccountError("GET /list: HTTP 503")
    watch = begin(queue, rows(5), *[failure] * 4, rows(5), failure, rows(5))
    with caplog.at_level(logging.INFO):
        pauses = polls(watch, 8)
    assert pauses == [60, 60, 120, 240, 480, 60, 60, 60]
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "the portal cannot be read; retrying at increasing intervals until it can: GET /list: HTTP 503",
        "the portal can be read again, after 4 failed polls",
        "the portal cannot be read; retrying at increasing intervals until it can: GET /list: HTTP 503",
        "the portal can be read again, after 1 failed polls",
    ]
    assert queue.events == [("PBX0", "expires_in_7")]


def test_a_long_outage_is_asked_about_every_hour_or_at_the_interval_if_that_is_longer(
    begin: Callable[..., Any],
) -> None:
    failure = AccountError("no")
    assert polls(begin(Queue(), failure), 40)[-1] == 3600
    assert set(polls(begin(Queue(), failure, interval=7200), 5)) == {7200}


def test_clocks_that_differ_are_told_once(begin: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    polls(begin(Queue(), rows(40, ahead=1)), 3)
    assert [record.getMessage()[:20] for record in caplog.records] == ["this machine's clock"]


def test_two_sources_with_one_state_poll_one_after_the_other(begin: Callable[..., Any], options: Any) -> None:
    queue = Queue()
    first, second = begin(queue, rows(5)), begin(queue, rows(5))
    memory = StateFile(options["state_file"], "any")

    async def run() -> None:
        with memory.locked() as is_ours:
            assert is_ours
            tasks = [asyncio.ensure_future(watch.poll()) for watch in (first, second)]
            await asyncio.sleep(2 * _watch.PAUSE_FOR_LOCK)
            assert queue.events == []
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert queue.events == [("PBX0", "expires_in_7")]


def test_the_loop_goes_on_while_a_slow_portal_answers_and_ends_without_waiting_for_it(
    begin: Callable[..., Any],
) -> None:
    answered = threading.Event()

    def answer() -> Any:
        answered.wait(30)
        return rows(5)

    watch = begin(Queue(), answer)

    async def run() -> int:
        poll = asyncio.ensure_future(watch.poll())
        for _tick in range(5):
            await asyncio.sleep(0.01)
        poll.cancel()
        return 5

    assert asyncio.run(run()) == 5
    assert not answered.is_set()
    answered.set()


def test_watch_polls_until_it_is_cancelled(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(_watch, "Account", lambda params, on_warning: Portal(rows(40), rows(40, ahead=20)))

    async def run() -> None:
        task = asyncio.ensure_future(_watch.watch(queue, {**options, "interval": 0.01, "eda_feedback_queue": object()}))
        while not queue.events:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(run(), 10))
    assert queue.events == [("PBX0", "expires_in_30")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"interval": 0}, "interval"),
        ({"interval": float("nan")}, "interval"),
        ({"interval": 1e9}, "interval"),
        ({"client_secret": None}, "no credentials"),
        ({"access_token": "token"}, "access_token: it expires"),
        ({"base_url": "http://portal.example"}, "base_url"),
        ({"field_map": {"expiry": "x"}}, "expiry"),
        ({"intervall": 5}, "intervall"),
        ({"state_file": "/dev/null/state.json"}, "state_file: /dev/null/state.json"),
    ],
    ids=str,
)
def test_a_bad_option_ends_it_at_once(begin: Callable[..., Any], changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refusal:
        begin(Queue(), rows(5), **changes)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "account": "b"}'])
def test_a_state_file_that_is_not_ours_is_refused_and_left_alone(
    begin: Callable[..., Any], options: dict[str, Any], content: str
) -> None:
    path = Path(options["state_file"])
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="state_file: "):
        begin(Queue(), rows(5))
    assert path.read_text(encoding="utf-8") == content


def test_a_state_file_with_anything_else_in_it_is_refused(begin: Callable[..., Any], options: dict[str, Any]) -> None:
    polls(begin(Queue(), rows(5)))
    path = Path(options["state_file"])
    path.write_text(path.read_text(encoding="utf-8").replace("expires_in_7", "soon"), encoding="utf-8")
    with pytest.raises(ValueError, match="move it away"):
        begin(Queue(), rows(5))


def test_a_state_that_cannot_be_written_ends_it_and_leaves_the_old_one(
    begin: Callable[..., Any], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    polls(begin(Queue(), rows(40)))
    path = Path(options["state_file"])
    before = path.read_text(encoding="utf-8")

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(_files.os, "fsync", no_space)
        with pytest.raises(ValueError, match="cannot be written: No space"):
            polls(begin(Queue(), rows(5)))
    assert path.read_text(encoding="utf-8") == before and sorted(os.listdir(path.parent)) == [
        "state.json",
        "state.json.lock",
    ]


def test_a_lock_that_cannot_be_made_ends_it(begin: Callable[..., Any], options: dict[str, Any]) -> None:
    Path(options["state_file"] + ".lock").mkdir()
    with pytest.raises(ValueError, match="cannot be locked"):
        polls(begin(Queue(), rows(5)))


def test_by_itself_the_state_lies_below_the_users_state_one_file_for_each_account(
    begin: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for client_id in ("a", "b"):
        polls(begin(Queue(), rows(5), state_file=None, client_id=client_id))
    found = [path.name for path in (tmp_path / "state" / "pbxops.yeastar").glob("events-*.json")]
    assert len(found) == 2


def test_an_error_in_a_thread_is_that_of_whoever_waits() -> None:
    def work() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        asyncio.run(_watch.in_thread(work))


def test_what_was_told_is_what_is_loaded(tmp_path: Path) -> None:
    memory = StateFile(str(tmp_path / "deep" / "state.json"), "account")
    assert memory.load() == {}
    memory.save({"A": Reported(NOW.replace(microsecond=0), "expired")})
    assert memory.load() == {"A": Reported(NOW.replace(microsecond=0), "expired")}
