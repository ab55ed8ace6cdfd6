# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of faults: which verb applies to which request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from .holds import ON_ACCEPT
from .verbs import HOLD, VERBS, Verb, checked_parameters


@dataclass
class Fault:
    """A queued fault. `times` counts down with each matching request; the first `skip` of them pass."""

    verb: str
    method: str | None
    path: str | None
    times: int
    skip: int
    params: dict[str, Any]

    @property
    def definition(self) -> Verb:
        """What the verb does."""
        return VERBS[self.verb]

    @property
    def is_of_connections(self) -> bool:
        """Whether it applies to a new connection and not to a request."""
        return self.params.get("point") == ON_ACCEPT

    def matches(self, method: str, path: str) -> bool:
        """Whether it applies to this request: method equal, path containing the text."""
        return not self.is_of_connections and self.method in (None, method) and (self.path or "") in path


class FaultQueue:
    """First in, first out; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        verb: str,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int = 1,
        skip: int = 0,
        **params: Any,
    ) -> Fault:
        """Queue a fault; raises ValueError for an unknown verb or parameter."""
        if verb not in VERBS:
            raise ValueError(f"unknown fault verb {verb!r}; choose one of {', '.join(VERBS)}")
        numbers_given = all(isinstance(one, int) and not isinstance(one, bool) for one in (times, skip))
        if not numbers_given or times < 1 or skip < 0:
            raise ValueError("times must be 1 or more, skip 0 or more")
        for name, value in (("method", method), ("path", path)):
            if value is not None and not isinstance(value, str):
                raise ValueError(f"{name} must be a text")
        if params.get("point") == ON_ACCEPT and (method or path):
            raise ValueError(
                f"{verb}: a connection has neither method nor path at {ON_ACCEPT}; skip counts connections"
            )
        path = VERBS[verb].path if path is None else path
        fault = Fault(verb, method, path, times, skip, checked_parameters(verb, params))
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any. Holds are separate: one can apply in addition."""
        return self._take(lambda fault: fault.verb != HOLD and fault.matches(method, path))

    def take_hold(self, method: str, path: str) -> Fault | None:
        """The hold for this request, if any."""
        return self._take(lambda fault: fault.verb == HOLD and fault.matches(method, path))

    def take_connection(self) -> Fault | None:
        """The hold for a new connection, if any."""
        return self._take(lambda fault: fault.is_of_connections)

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if not (fault.times and fits(fault)):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def snapshot(self) -> list[dict[str, Any]]:
        """The faults that are still queued."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times]

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults = []
