# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account, one clock, the ledger on disk, and a record of every order that was sent."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import DEAD_STATUSES
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import listing as _listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import response as _answer
from tests.simulator import Simulator
from tests.simulator.answer import Answer
from tests.simulator.endpoints import Request
from tests.simulator.faults import Fault
from tests.simulator.records import Handling, Order, Pbx

START = datetime(2026, 11, 23, tzinfo=UTC)
PORTAL = "https://portal.example"
ANNUAL, URGENT, MONTHLY, BEHIND = "0000000000AAAA", "0000000000BBBB", "0000000000CCCC", "0000000000DDDD"
PRODUCTS = (ANNUAL, URGENT, MONTHLY, BEHIND)  # the last one is several terms behind
FLEET: dict[str, Any] = {
    "pbxs": [
        {
            "product_no": ANNUAL,
            "plan": "Enterprise Plan",
            "services": ["High Availability"],
            "quantity": 100,
            "billing_cycle": "annually",
            "expires_in_days": 12,
        },
        {
            "product_no": URGENT,
            "plan": "Ultimate Plan",
            "quantity": 20,
            "billing_cycle": "annually",
            "expires_in_days": 3,
        },
        {
            "product_no": MONTHLY,
            "plan": "Ultimate Plan",
            "quantity": 8,
            "billing_cycle": "monthly",
            "expires_in_days": 5,
        },
        {
            "product_no": BEHIND,
            "plan": "Ultimate Plan",
            "quantity": 5,
            "billing_cycle": "monthly",
            "expires_in_days": -70,
        },
    ],
    "orders": [
        {"product_no": ANNUAL, "status": "succeed", "created_days_ago": 400, "po_number": "PO-7"},
        {"product_no": URGENT, "status": "failed", "created_days_ago": 50},
    ],
}
# On a RAM disk a commit takes no time; a test with a trace shows that it is synced.
_FAST_DISK = "/dev/shm"


# How a portal may process all orders, without any fault: immediately, unpaid at first, or with inconsistent parts.
HABITS: dict[str, dict[str, Any]] = {
    "prompt": {},
    "unpaid": {"status": "pending"},
    "slow": {"late_seconds": 100_000.0},
    "lagging": {"hidden_seconds": 50.0, "late_seconds": 5000.0},
    "wordy": {},
}
# The status of a completed order in a portal with other words.
DONE_WORD = "completed"


@dataclass
class Post:
    """One order that a run has sent, and what the simulator did with it. ``expiry`` is that of the PBX at that moment.

    ``key`` is expiry and generation of its intent in the ledger; ``noted_at`` is when the ledger last recorded that it
    may be at the portal. It is ``excused`` if a run looked for it after the settle window and the portal still did not
    show it, a limit that the documentation names; ``is_lost`` says that its ledger is gone.
    """

    run: Any
    product_no: str
    po_number: str | None
    expiry: datetime
    noted_at: float
    key: tuple[str, int] | None
    orders: list[Order] = field(default_factory=list)
    expiries_before: list[datetime] = field(default_factory=list)
    is_under_way: bool = False
    is_refused: bool = False
    is_excused: bool = False
    is_lost: bool = False

    @property
    def is_living(self) -> bool:
        """Whether the portal has an order of it that costs money."""
        return any(order.status not in DEAD_STATUSES for order in self.orders)

    @property
    def is_committed(self) -> bool:
        """Whether the portal has accepted it, or will."""
        return bool(self.orders) or self.is_under_way

    def __str__(self) -> str:
        numbers = ", ".join(f"{order.order_no} ({order.status})" for order in self.orders)
        return f"{self.product_no} {self.expiry:%Y-%m-%d} as {self.po_number}: {numbers or 'nothing'}"


class World:
    """An account under a profile. Time passes only by `advance`, for the portal and all controllers alike."""

    def __init__(self, profile: str, page_size: int, habit: str = "prompt") -> None:
        """``habit`` is one of HABITS: what the portal does with every order without a fault."""
        self.habit, self.is_wordy = HABITS[habit], habit == "wordy"
        self.simulator = Simulator(FLEET, profile=profile, now=START)
        self.profile = profile
        self.directory = Path(tempfile.mkdtemp(dir=_FAST_DISK if os.path.isdir(_FAST_DISK) else None))
        self.ledgers = 1
        self.skews = [timedelta(0), timedelta(0)]
        self.locks: dict[str, Any] = {}
        self.posts: list[Post] = []
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self.touched: set[str] = set()  # PBXs that a person or the portal's faults have renewed or changed
        self.ordered_by_persons: set[str] = set()  # of these, the ones with an order that has no number of ours
        self.now_sending: Post | None = None
        self._placed: dict[int, tuple[Any, Post]] = {}
        self._watch()
        self._patches = [
            mock.patch.object(_listing, "PAGE_SIZE", page_size),
            mock.patch.object(_answer, "utc_now", lambda: self.controller_now(0)),
        ]
        for patch in self._patches:
            patch.start()

    def monotonic(self) -> float:
        """Seconds that never jump, the same for all controllers."""
        return self.seconds

    def close(self) -> None:
        """Undo all changes outside this process."""
        for patch in self._patches:
            patch.stop()
        self.simulator.stop()
        shutil.rmtree(self.directory)

    # time

    @property
    def seconds(self) -> float:
        """True seconds since the start; also the monotonic clock."""
        return (self.simulator.clock.now() - START).total_seconds()

    def controller_now(self, controller: int) -> datetime:
        """The wall clock of a controller."""
        return self.simulator.clock.now() + self.skews[controller]

    def advance(self, seconds: float) -> None:
        """Let time pass, and let everything that was delayed happen at its own time."""
        clock, account = self.simulator.clock, self.simulator.account
        target = clock.now() + timedelta(seconds=seconds)
        while due := [item[0] for item in account._deferred if item[0] <= target]:
            clock.hold(max(min(due), clock.now()))
            account.settle()
        clock.hold(target)

    @property
    def tells_tags(self) -> bool:
        """Whether the portal shows purchase order numbers in its list of orders."""
        profile = self.simulator.account.profile
        return bool(profile.po_number and profile.order_row_po_number)

    # the ledger

    @property
    def ledger(self) -> Path:
        """The file that all controllers share."""
        return self.directory / f"ledger-{self.ledgers}.sqlite3"

    def lose_ledger(self) -> None:
        """Lose the state directory: runs start with an empty one."""
        self.ledgers += 1
        for post in self.posts:
            post.is_lost = True

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The durable content of the ledger, read from outside; empty before the first run."""
        if not self.ledger.exists():
            return []
        with self._reading() as connection:
            return list(connection.execute(statement, values))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.ledger)
        try:
            yield connection
        finally:
            connection.close()

    # what the simulator does

    def pbx(self, product_no: str) -> Pbx | None:
        """A PBX of the account, as it is now."""
        return self.simulator.account.pbxs.get(product_no)

    def _watch(self) -> None:
        """Record which order of the portal belongs to which request, and delay without waiting."""
        account = self.simulator.account
        place, commit, self._serve = account.place, account._commit, self.simulator._serve

        def placed(checked: Any, handling: Any) -> Order | None:
            assert self.now_sending is not None
            self._placed[id(checked)] = (checked, self.now_sending)
            self.now_sending.is_under_way = True
            if handling == Handling():
                handling = replace(handling, **self.habit)
            return place(checked, handling)

        def committed(pbx: Pbx, checked: Any, handling: Any, at: datetime) -> Order:
            post = self._placed[id(checked)][1]
            post.expiries_before.append(pbx.expires_at)
            order = commit(pbx, checked, handling, at)
            post.orders.append(order)
            post.is_under_way = False
            if self.is_wordy and order.moved:
                order.status = DONE_WORD
            return order

        account.place, account._commit = placed, committed  # type: ignore[method-assign]
        self.simulator._serve = self._serve_with_delay  # type: ignore[method-assign]

    def _serve_with_delay(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None or fault.verb != "delay":
            return self._serve(request, fault)
        seconds, patience = fault.params["seconds"], self.patience
        gone = Answer(0, wire="drop")
        if not fault.params["commit"]:
            self.advance(min(seconds, patience))
            return gone
        if seconds < patience:
            if fault.params["when"] == "before":
                self.advance(seconds)
                return self._serve(request, None)
            answer = self._serve(request, None)
            self.advance(seconds)
            return answer
        if fault.params["when"] == "before":
            self._serve_later(request, seconds)
        else:
            self._serve(request, None)
        self.advance(patience)
        return gone

    patience = 30.0  # s that the client waits for the current answer

    def _serve_later(self, request: Request, seconds: float) -> None:
        """The client gives up, but the server still carries out the request."""
        post = self.now_sending
        if post is not None:
            post.is_under_way = True

        def serve(_at: datetime) -> None:
            before, self.now_sending = self.now_sending, post
            if post is not None:
                post.is_under_way = False
            self._serve(request, None)
            self.now_sending = before

        self.simulator.account._later(seconds, serve)
