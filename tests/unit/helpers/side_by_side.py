# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on side by side: slow exchanges, waits that end together, and a caller that is asked to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Callable, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import OrderRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import OrderSender
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import TOKEN_PATH
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import Bench

Serve = Callable[[str, Optional[str], dict[str, Any]], Answer]


class Line:
    """Stands in for `Http`: exchanges take a while, in which others go on. ``log`` has who began when."""

    def __init__(
        self, size: int, serve: Serve, sleep: Optional[Callable[[float], None]] = None, **connection: Any
    ) -> None:
        """``serve`` answers a path, a token and a payload. ``sleep`` is the pool's, unless it is given."""
        self.pool = Pool(size)
        self.serve = serve
        self.log: list[str] = []
        self.under_way, self.most = 0, 0
        self.bench = Bench(pool=self.pool, http=self, sleep=sleep or self.pool.sleep, **connection)
        self.transport = self.bench.transport

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        self.log.append(path)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        answer = self.serve(path, token, payload)
        self.pool.sleep(0.01)
        self.under_way -= 1
        return answer

    def send(self, may_leave: Callable[[], bool] = lambda: True) -> Any:
        return OrderSender(self.transport).send(OrderRequest("A", "1", "2", (), 1, "annually"), may_leave)

    def logins(self) -> int:
        return self.log.count(TOKEN_PATH)


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


class CallerEnded(BaseException):
    """What a caller is ended by."""


def _tell(number: int, frame: Any) -> None:
    raise CallerEnded


def tell_main_thread() -> None:
    """Tell the caller, as a signal of another process does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


@contextmanager
def listening() -> Iterator[None]:
    """The caller can be ended as long as one is in the block."""
    previous = signal.signal(signal.SIGUSR1, _tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, previous)
