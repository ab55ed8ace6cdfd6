# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds: an exchange stops at an exact point on the server's side, and waits there until a test releases it."""

from __future__ import annotations

import select
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import FaultQueue

ON_ACCEPT = "on_accept"
# Points at which the server has not read the whole request.
READING = (ON_ACCEPT, "after_headers", "half_body")
POINTS = (*READING, "before_commit", "after_commit", "half_head", "half_answer", "after_answer")
_NOTICE = 0.1  # s, within which this side notices the end of a client that was just killed


class Lost(Exception):
    """The client is gone, and with it the rest of its request."""


@dataclass(frozen=True)
class Held:
    """A held exchange. A connection from which nothing was read has neither method nor path."""

    point: str
    method: str | None = None
    path: str | None = None


class Hold:
    """The place where one exchange stops; without a point it does not stop."""

    def __init__(self, owner: Holds, connection: socket.socket, what: Held | None = None) -> None:
        self.what = what
        self.is_released = self.has_ended = what is None
        self._owner, self._connection = owner, connection

    @property
    def verb(self) -> str | None:
        """The verb of its fault."""
        return self.what and "hold"

    def stops_at(self, point: str) -> bool:
        """Whether this is the point."""
        return self.what is not None and self.what.point == point and not self.is_released

    def at(self, point: str) -> None:
        """Stop here if this is the point; raises Lost if the exchange cannot continue afterwards."""
        if not self.stops_at(point):
            return
        self._owner.stand_still(self)
        if point in READING and self._is_client_gone():
            raise Lost

    def end(self) -> None:
        """Record that the exchange is over, whether it stopped or not."""
        self._owner.end(self)

    def _is_client_gone(self) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        return bool(poll.poll(_NOTICE * 1000))


class Holds:
    """All held exchanges."""

    def __init__(self, faults: FaultQueue) -> None:
        self._faults = faults
        self._changed = threading.Condition()
        self._standing: list[Hold] = []
        self._is_stopped = False

    # what a test does

    @property
    def held(self) -> list[Held]:
        """The held exchanges, the longest held first."""
        with self._changed:
            return [hold.what for hold in self._standing if hold.what]

    def wait(self, timeout: float, count: int) -> list[Held]:
        """Wait until that many exchanges are held; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._standing) >= count, timeout):
                raise TimeoutError(f"{len(self._standing)} of {count} exchanges are held after {timeout:g} s")
            return self.held

    def release(self, timeout: float) -> None:
        """Release everything and wait until it is over; raises ValueError if nothing is held, and TimeoutError."""
        with self._changed:
            if not self._standing:
                raise ValueError("nothing is held")
            going = self._let_go()
            if not self._changed.wait_for(lambda: all(hold.has_ended for hold in going), timeout):
                raise TimeoutError(f"a released exchange is not over after {timeout:g} s")

    def let_go(self, stop: bool = False) -> None:
        """Release everything, without waiting; with ``stop`` nothing is held any more."""
        with self._changed:
            self._is_stopped = self._is_stopped or stop
            self._let_go()

    def _let_go(self) -> list[Hold]:
        going, self._standing = self._standing, []
        for hold in going:
            hold.is_released = True
        self._changed.notify_all()
        return going

    # what the server calls

    def of_connection(self, connection: socket.socket) -> Hold:
        """The hold for a new connection."""
        fault = self._faults.take_connection()
        return Hold(self, connection, fault and Held(ON_ACCEPT))

    def of_request(self, before: Hold, connection: socket.socket, method: str, path: str) -> Hold:
        """The hold for a request, or else the one for its connection that is not over yet."""
        fault = self._faults.take_hold(method, path)
        if fault is None:
            return Hold(self, connection) if before.has_ended else before
        before.end()
        return Hold(self, connection, Held(fault.params["point"], method, path))

    def stand_still(self, hold: Hold) -> None:
        """Wait in the server's thread for the release."""
        with self._changed:
            self._standing.append(hold)
            self._changed.notify_all()
            self._changed.wait_for(lambda: hold.is_released or self._is_stopped)
            hold.is_released = True

    def end(self, hold: Hold) -> None:
        """Record that an exchange is over."""
        with self._changed:
            hold.is_released = hold.has_ended = True
            self._changed.notify_all()
