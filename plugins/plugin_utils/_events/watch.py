# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Polls an account while anyone listens, and reports each subscription that enters a window."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Callable, Protocol, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now

from .._account import Account, AccountError
from .._inventory.hosts import Row
from .options import event_account_of, event_params_of, state_file_of
from .state_file import StateFile
from .windows import Reported, events_of

LOGGER = logging.getLogger("pbxops.yeastar.expiring_subscriptions")
LONGEST_PAUSE = 3600.0  # s between polls of a failing portal, unless the interval itself is longer
PAUSE_FOR_LOCK = 0.2  # s
SKEW_TO_WARN_OF = timedelta(hours=12)

T = TypeVar("T")


class Queue(Protocol):
    """Where events go."""

    async def put(self, event: dict[str, Any]) -> None:
        """Put an event; returns once it was accepted."""


class Watch:
    """Watches one account, with one poll at a time."""

    def __init__(self, queue: Queue, arguments: Mapping[str, Any]) -> None:
        """Read the options and the state file. Raises ValueError."""
        params = event_params_of(arguments)
        self._queue = queue
        self._interval: float = params["interval"]
        self._state_file = StateFile(state_file_of(params), event_account_of(params))
        self._state_file.load()
        self._account = Account(params, self._warn)
        self._warned: set[str] = set()
        self._failures = 0

    async def poll(self) -> float:
        """Read the account, send the new events, and return the seconds until the next poll.

        The state is saved after the events were sent: if the process is killed in between, it sends them again. Raises
        ValueError for the state file.
        """
        while True:
            with self._state_file.locked() as is_ours:
                if is_ours:
                    await self._poll()
                    break
            await asyncio.sleep(PAUSE_FOR_LOCK)
        if self._failures == 0:
            return self._interval
        longest = max(self._interval, LONGEST_PAUSE)
        return min(self._interval * float(1 << min(self._failures - 1, 32)), longest)

    async def _poll(self) -> None:
        try:
            rows, portal_now = await in_thread(self._account.read)
        except AccountError as error:
            self._failures += 1
            if self._failures == 1:
                LOGGER.warning("the portal cannot be read; retrying at increasing intervals until it can: %s", error)
            return
        if self._failures:
            LOGGER.warning("the portal can be read again, after %d failed polls", self._failures)
            self._failures = 0
        now = utc_now()
        if portal_now is not None and abs(portal_now - now) > SKEW_TO_WARN_OF:
            self._warn(
                "this machine's clock and the portal's differ by more than 12 hours; the portal's is used to count days"
            )
        await self._send_events(rows, portal_now or now)

    async def _send_events(self, rows: list[Row], now: datetime) -> None:
        before = self._state_file.load()
        reported: dict[str, Reported] = dict(before)
        try:
            for row in rows:
                events, after = events_of(row, reported.get(row["product_no"]), now)
                for event in events:
                    await self._queue.put(event)
                if after is not None:
                    reported[row["product_no"]] = after
        finally:
            if reported != before:
                self._state_file.save(reported)

    def _warn(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            LOGGER.warning("%s", warning)


async def watch(queue: Queue, arguments: Mapping[str, Any]) -> None:
    """Watch an account until cancelled. Raises ValueError for bad options and for a state file that fails."""
    account = Watch(queue, arguments)
    while True:
        await asyncio.sleep(await account.poll())


async def in_thread(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread that does not delay the end of the event loop, and return its result.

    The loop's own threads would keep the process alive until a slow portal answers.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = (future.set_result, work())
        except Exception as error:
            outcome = (future.set_exception, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, daemon=True).start()
    return await future
