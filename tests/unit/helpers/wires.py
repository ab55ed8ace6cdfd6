# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of a pool wait for, and who tells its caller to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool


class Wire:
    """Waits that only end once so many of them are under way at once, so that no test depends on how fast it is."""

    def __init__(self, pool: Pool, expected: int) -> None:
        self.pool, self.expected = pool, expected
        self.under_way, self.most = 0, 0
        self._waiting: list[Future[None]] = []

    def wait(self) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self._waiting.append(Future())
        own = self._waiting[-1]
        if self.under_way >= self.expected:
            while self._waiting:
                self._waiting.pop().set_result(None)
        self.pool.wait(own, 10)
        self.under_way -= 1


class Told(BaseException):
    """What a caller is told to end by."""


def _tell(number: int, frame: Any) -> None:
    raise Told


def tell_main_thread() -> None:
    """Tell the caller, as a signal of another process does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


@contextmanager
def listening() -> Iterator[None]:
    """The caller can be told to end as long as one is in the block."""
    previous = signal.signal(signal.SIGUSR1, _tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, previous)
