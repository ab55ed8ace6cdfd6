# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the product in the world: all of it is real except the wire, the clocks, and the kernel's file locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import Interruption
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger, LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import OrderSender
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import Transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.facts import RunContext
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import Report
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.run import Run
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets
from tests.machine.happenings import Happening
from tests.machine.wire import Wire
from tests.machine.world import ANNUAL, PORTAL, Post, World


class Killed(BaseException):
    """SIGKILL: from now on this run can reach neither ledger nor portal."""


@dataclass(frozen=True)
class Options:
    """The options of one run. ``wait_timeout``, ``settle_window`` and ``timeout`` are in seconds."""

    product_nos: tuple[str, ...]
    run_id: str = "run"
    max_orders: int = 9
    wait_timeout: float = 0.0
    settle_window: float = 900.0
    timeout: float = 30.0
    retries: int = 3
    controller: int = 0
    po_number: str | None = None
    max_total: str | None = None


class Controller:
    """One renewing process. `go` runs it; ``script`` has the events during its run."""

    def __init__(self, world: World, options: Options, script: tuple[Happening, ...] = (), is_read_only: bool = False):
        self.world, self.options, self.is_read_only = world, options, is_read_only
        self.run_id, self.settle_window = options.run_id, options.settle_window
        self.report = Report(self.now(), is_check_mode=is_read_only)
        self.posts: list[Post] = []
        self.shown: set[str] = set()
        self.noted_at = world.seconds
        self.warnings: list[str] = []
        self.is_dead = False
        self.ended_by: BaseException | None = None
        self.loses_answer = False
        self.read_at: dict[str, tuple[int, datetime]] = {}  # transactions so far, and the expiry that was read
        self.transactions = 0
        self._cut_off = 0
        self._script = [happening.begin() for happening in script]

    def now(self) -> datetime:
        """The wall clock of its controller."""
        return self.world.controller_now(self.options.controller)

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody."""
        if self.is_dead:
            raise Killed
        assert seconds >= 0
        self.world.advance(seconds)

    # its life

    def go(self) -> Controller:
        """Run to the end, however it ends."""
        self.world.counts["runs"] += 1
        try:
            ledger = open_ledger(str(self.world.ledger), PORTAL, self.now, self.is_read_only)
        except LedgerError as error:
            self.ended_by = error
            return self
        self._attend(ledger)
        try:
            self._execute(ledger)
        except (ReadError, LedgerError, Interruption, Killed) as error:
            self.ended_by = error
            self.world.counts[f"runs ended by {type(error).__name__}"] += 1
        finally:
            ledger.close()
            for key in [key for key, holder in self.world.locks.items() if holder is self]:
                del self.world.locks[key]
        return self

    def _execute(self, ledger: Ledger) -> None:
        options, simulator = self.options, self.world.simulator
        policy = Policy(
            include_expired=True,
            max_orders=options.max_orders,
            max_total=None if options.max_total is None else Decimal(options.max_total),
            run_id=options.run_id,
            settle_window=timedelta(seconds=options.settle_window),
        )
        connection = Connection(
            PORTAL, simulator.client_id, simulator.client_secret, timeout=options.timeout, retries=options.retries
        )
        context = RunContext(
            policy,
            ledger,
            self.now,
            self.warnings.append,
            monotonic=self.world.monotonic,
            sleep=self.sleep,
            wait_timeout=options.wait_timeout,
        )
        wire = Wire(self.world, self, options.timeout)
        transport = Transport(
            connection,
            Secrets(),
            self.warnings.append,
            self.sleep,
            self.now,
            http=wire,
            monotonic=self.world.monotonic,
            may_write=not self.is_read_only,
        )
        sender = None if self.is_read_only else OrderSender(transport)
        run = Run(Portal(transport, Fields({})), context, self.report, sender, "account")
        run.execute([self._declaration(product_no) for product_no in options.product_nos])

    def _declaration(self, product_no: str) -> Declaration:
        """Declarations for values that the portal does not report, as from an operator who knows the PBX."""
        po_number = self.options.po_number if product_no == ANNUAL else None
        pbx = self.world.pbx(product_no)
        if self.world.profile != "sparse" or pbx is None:
            return Declaration(product_no, po_number=po_number)
        return Declaration(
            product_no, services=tuple(pbx.services), billing_cycle=pbx.billing_cycle, po_number=po_number
        )

    # what befalls it

    def reach(self, when: str, place: str) -> None:
        """Reach a point, and apply the events for it. Raises Killed."""
        if self.is_dead:
            raise Killed
        for happening in self._script:
            if happening.is_met(when, place):
                self.world.counts[f"happened: {happening.name}"] += 1
                happening.befall(self)

    def kill(self) -> None:
        """End it here. Raises Killed."""
        self.is_dead = True
        raise Killed

    def interrupt(self) -> None:
        """Ask it to end, as SIGTERM does. Raises Interruption."""
        raise Interruption("interrupted by SIGTERM")

    def cut_off(self, calls: int) -> None:
        """Disconnect its network for that many calls."""
        self._cut_off = calls

    def lose_answer(self) -> None:
        """Lose the next answer after the portal has sent it."""
        self.loses_answer = True

    def is_cut_off(self) -> bool:
        """Whether this call finds no network."""
        self._cut_off -= 1
        return self._cut_off >= 0

    # its ledger

    def _attend(self, ledger: Ledger) -> None:
        """Apply events at each transaction, and lock like two processes: the kernel's locks belong to a process."""
        database: Any = ledger._database
        transaction, query = database.transaction, database.query

        @contextmanager
        def attended() -> Iterator[Any]:
            self.reach("before", "ledger")
            with transaction() as execute:
                yield execute
                self.reach("uncommitted", "ledger")
            self.noted_at = self.world.seconds
            self.transactions += 1
            self.reach("after", "ledger")

        def queried(*arguments: Any) -> Any:
            if self.is_dead:
                raise Killed
            return query(*arguments)

        def try_lock(key: str) -> bool:
            return self.world.locks.setdefault(key, self) is self

        def unlock(key: str) -> None:
            if self.world.locks.get(key) is self and not self.is_dead:
                del self.world.locks[key]

        database.transaction, database.query = attended, queried
        if not self.is_read_only:
            database.try_lock, database.unlock = try_lock, unlock
