# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of every request that the portal received; it never contains a token or a secret."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass
class LogEntry:
    """One request. `status` is None while it is being served and when the connection was dropped."""

    n: int
    at: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    user_agent: str | None = None
    authorized: bool = False
    body: Any = None
    raw_body: str | None = None
    fault: str | None = None


class RequestLog:
    """Thread-safe list of entries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[LogEntry] = []
        self._count = 0

    def open(self, **values: Any) -> LogEntry:
        """Append the entry for a request that has just arrived."""
        with self._lock:
            self._count += 1
            entry = LogEntry(n=self._count, **values)
            self._entries.append(entry)
            return entry

    def snapshot(self) -> list[LogEntry]:
        """A copy that does not change with later requests."""
        with self._lock:
            return [replace(entry) for entry in self._entries]

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        with self._lock:
            self._entries, self._count = [], 0
