# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work side by side while waiting: for answers, for pauses, for each other.

Only the thread that holds the baton works; a thread in `Pool.wait` passes it on. So no other thread interrupts the code
between two waits, and a run, its report and its ledger need no locks of their own. This costs little, since Python
computes in one thread at a time anyway.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from typing import Any, Generic, Optional, TypeVar

_SIGNAL_INTERVAL = 1.0  # s between checks while waiting for helpers, since a signal may go to another thread
_END_INTERVAL = 0.01  # s between checks while helpers end

Item = TypeVar("Item")
Value = TypeVar("Value")


class BrokenOff(BaseException):
    """Raised in the threads of a pool whose caller was interrupted."""


class _Batch(Generic[Item, Value]):
    """Items, their results, and the first error, after which no further item is started."""

    def __init__(self, work: Callable[[Item], Value], items: Iterable[Item]) -> None:
        self._work = work
        self._left = deque(enumerate(items))
        self._busy = 0
        self._results: dict[int, Value] = {}
        self.error: Optional[BaseException] = None
        self.finished: Future[None] = Future()

    @property
    def has_items(self) -> bool:
        return bool(self._left) and self.error is None

    @property
    def is_finished(self) -> bool:
        return not self._busy and not self.has_items

    def take(self) -> None:
        """Do the next item, if there is one."""
        self._busy += 1  # before checking for an error, which a thread without the baton may set
        try:
            if self.has_items:
                index, item = self._left.popleft()
                self._results[index] = self._work(item)
        except BaseException as error:  # raised again by `results`
            self.error = self.error or error
        finally:
            self._busy -= 1
        if self.is_finished:
            _resolve(self.finished)

    def results(self) -> list[Value]:
        """The results in the order of the items. Raises the first error."""
        if self.error is not None:
            raise self.error
        return [self._results[index] for index in sorted(self._results)]


class Pool:
    """Does up to ``size`` pieces of work at once. With 1 there are no threads, and the caller does everything."""

    def __init__(self, size: int = 1) -> None:
        """Starts nothing yet."""
        self.size = size
        self._baton = threading.Lock()
        self._own = threading.local()
        self._batches: list[_Batch[Any, Any]] = []
        self._waits: set[Future[Any]] = set()
        self._idle: list[Future[None]] = []
        self._broken: Optional[BrokenOff] = None

    def map(self, work: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Apply ``work`` to ``items``, starting them in order, and return the results in order.

        After the first error no further item is started; those under way finish, and the error is raised. An
        interruption of the caller interrupts every waiting thread with BrokenOff. ``work`` may itself call `map`.
        """
        items = list(items)
        if self.size == 1 or len(items) < 2:
            return [work(item) for item in items]
        batch = _Batch(work, items)
        if self._is_helper:
            self._work_off(batch)
        else:
            self._have_worked_off(batch)
        return batch.results()

    def wait(self, future: Future[Value], timeout: Optional[float] = None) -> Value:
        """Wait for a future's result while others work. Raises the future's TimeoutError after ``timeout`` s."""
        if not self._is_helper:
            return future.result(timeout)
        self._waits.add(future)
        try:
            self.check()  # after adding the future, since an interruption does not wait for the baton
            self._baton.release()
            try:
                return future.result(timeout)
            finally:
                self._baton.acquire()
        finally:
            self._waits.discard(future)

    def check(self) -> None:
        """Raise BrokenOff in a thread that must end; to be called before starting something to wait for."""
        if self._broken is not None and self._is_helper:
            raise self._broken

    def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds while others work."""
        pause: Future[None] = Future()
        with suppress(FutureTimeoutError):
            self.wait(pause, seconds)

    @property
    def _is_helper(self) -> bool:
        return getattr(self._own, "is_helper", False)

    def _work_off(self, batch: _Batch[Item, Value]) -> None:
        """Do a batch in a helper's thread, with the help of idle ones."""
        self._batches.append(batch)
        self._wake()
        while batch.has_items:
            batch.take()
        if not batch.is_finished:
            self.wait(batch.finished)
        self._batches.remove(batch)

    def _have_worked_off(self, batch: _Batch[Item, Value]) -> None:
        """Have helpers do a batch. The caller only waits, so that the exception of a signal can occur only there."""
        self._batches = [batch]
        try:
            for _number in range(self.size):
                run = contextvars.copy_context().run  # Ansible's warnings belong to the task of their context
                threading.Thread(target=run, args=(self._help, batch), daemon=True).start()
            while not batch.finished.done():
                with suppress(FutureTimeoutError):
                    batch.finished.result(_SIGNAL_INTERVAL)
        except BaseException as interruption:
            self._break_off(batch, interruption)
            raise

    def _help(self, outermost: _Batch[Any, Any]) -> None:
        self._own.is_helper = True
        with self._baton, suppress(BrokenOff):
            while not outermost.is_finished:
                batch = next((one for one in reversed(self._batches) if one.has_items), None)
                if batch is not None:
                    batch.take()
                else:
                    self._idle.append(Future())
                    self.wait(self._idle[-1])
            self._wake()

    def _wake(self) -> None:
        for future in self._idle:
            _resolve(future)
        self._idle.clear()

    def _break_off(self, batch: _Batch[Any, Any], interruption: BaseException) -> None:
        """Interrupt every waiting thread, and wait until all have ended."""
        while True:
            try:
                self._broken = batch.error = BrokenOff(str(interruption) or type(interruption).__name__)
                for future in list(self._waits):
                    _resolve(future, self._broken)
                while not batch.is_finished:
                    time.sleep(_END_INTERVAL)
                return
            except BaseException:  # noqa: S112 (a second signal; the first is raised by the caller)
                continue


class Gate:
    """Holds up threads that must not continue yet."""

    def __init__(self, pool: Pool) -> None:
        """Open."""
        self._pool = pool
        self._closers = 0
        self._waiting: list[Future[None]] = []

    def pass_through(self) -> None:
        """Wait until the gate is open."""
        while self._closers:
            self._waiting.append(Future())
            self._pool.wait(self._waiting[-1])

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Keep the gate closed for the block."""
        self._closers += 1
        try:
            yield
        finally:
            self._closers -= 1
            if not self._closers:
                for future in self._waiting:
                    _resolve(future)
                self._waiting.clear()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until the gate is open, then keep it closed to all others for the block."""
        self.pass_through()
        with self.closed():
            yield


def _resolve(future: Future[None], error: Optional[BaseException] = None) -> None:
    """Resolve a future that another thread may already have resolved."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
