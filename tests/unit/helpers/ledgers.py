# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers: open in several processes at once, watched at each step, broken down, and looked into."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import ledger as _ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database, LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW

PORTAL = "https://portal.example"
ROOT = Path(_ledger.__file__).parents[5]
PRELUDE = """
import sys
from datetime import datetime, timezone
from decimal import Decimal
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps, Reservation
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import IntentConflict

def clock():
    return datetime(2026, 11, 23, tzinfo=timezone.utc)

ledger = open_ledger(sys.argv[1], "https://portal.example", clock, read_only=False)
"""
INTEND = """
words = ("https://portal.example", "A", clock(), "account", sys.argv[2])
intent = Intent(*words, IntentStatus.INTENDED, 1, "annually", 1, "PO", clock())
sys.stdin.read()
try:
    ledger.intend(intent)
    print("written")
except IntentConflict:
    print("taken")
"""
RESERVE = """
sys.stdin.read()
wanted = [Reservation(sys.argv[2], clock())]
print(ledger.reserve(Caps("run", int(sys.argv[3]), holder=sys.argv[2]), wanted) is None)
"""
HOLD = """
with ledger.lock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
OPEN = """
print(len(ledger.intents()))
sys.stdin.read()
"""


def opened(location: str, portal: str = PORTAL, read_only: bool = False) -> Ledger:
    """The ledger at a place; the test's end closes it."""
    return open_ledger(location, portal, lambda: NOW, read_only)


def environment() -> dict[str, str]:
    """What a process needs to import the collection, under ansible-test as well, which sets no PYTHONPATH."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that runs a script over an open ledger, its first argument; it waits for the end of its input."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def finished(*processes: subprocess.Popen[str]) -> list[str]:
    """What processes have printed once all are let go on at once."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    ends = [process.communicate(timeout=60) for process in processes]
    assert all(process.returncode == 0 for process in processes), [errors for dummy, errors in ends]
    return [output.strip() for output, dummy in ends]


@contextmanager
def holding(location: str, product_no: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a PBX."""
    process = started(HOLD, location, product_no)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


class Watched:
    """A database that calls a function before and after each transaction; the function may raise."""

    def __init__(self, database: Database, tell: Callable[[str], None]) -> None:
        self._database, self._tell = database, tell
        self.name, self.is_kept = database.name, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def query(self, statement: str, values: Any = ()) -> Any:
        self._tell("query")
        return self._database.query(statement, values)

    def try_lock(self, key: str) -> bool:
        self._tell("lock")
        return self._database.try_lock(key)

    def unlock(self, key: str) -> None:
        self._tell("unlock")
        self._database.unlock(key)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self._tell("begin")
        with self._database.transaction() as execute:
            yield execute
        self._tell("committed")


def watch(ledger: Ledger, tell: Callable[[str], None]) -> None:
    """Have a ledger tell of what it does."""
    inner = ledger._database
    ledger._database = Watched(inner._database if isinstance(inner, Watched) else inner, tell)


def break_down(ledger: Ledger, after: int = 0, step: str = "begin") -> None:
    """Have every transaction of a ledger fail, after so many that did not."""
    left = [after]

    def tell(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] < 0:
                raise LedgerError("the ledger x cannot be used: disk full; see that it has room")

    watch(ledger, tell)


def rows_of(ledger: Ledger) -> dict[str, list[Any]]:
    """All that is in a ledger."""
    tables = ("intent", "history", "reservation", "unrelated_order")
    return {name: list(ledger._database.query(f"SELECT * FROM yeastar_{name}")) for name in tables}


def statuses(ledger: Ledger) -> list[tuple[str, int]]:
    """Status and generation of each intent."""
    return [(intent.status, intent.generation) for intent in ledger.intents()]


def history(ledger: Ledger) -> list[Optional[str]]:
    """The statuses that the intents went through."""
    return [row[0] for row in ledger._database.query("SELECT status FROM yeastar_history ORDER BY rowid")]
