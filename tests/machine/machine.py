# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine: anything may happen in any order, and the invariants hold after each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.machine import judge
from tests.machine.controller import Controller, Options
from tests.machine.faults import faults
from tests.machine.happenings import Happening, happenings, people
from tests.machine.world import HABITS, PRODUCTS, World

PROFILES = ("documented", "datetime", "epoch_seconds", "epoch_milliseconds", "detail_only", "sparse", "slashed")
# The caps of the runs, by their ids; a run with another id has its own cap.
MAX_ORDERS = {"nightly": 2, "careful": 1}
WINDOWS = (60.0, 900.0, 3600.0)
LONGEST = 100_000.0  # s: longer than any window, delay and skew that is drawn
TOTALS: Counter[str] = Counter()

SUBSETS = st.sampled_from([PRODUCTS, PRODUCTS, PRODUCTS[:1], PRODUCTS[1:2], PRODUCTS[2:], PRODUCTS[:2], PRODUCTS[1:]])


def _options() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "product_nos": SUBSETS,
            "run_id": st.sampled_from([None, None, None, *MAX_ORDERS]),
            "wait_timeout": st.sampled_from([0.0, 60.0, 300.0]),
            "timeout": st.sampled_from([30.0, 30.0, 120.0]),
            "retries": st.sampled_from([3, 3, 0]),
            "controller": st.integers(0, 1),
            "max_total": st.sampled_from([None, None, None, None, "100000"]),
        }
    )


class LedgerMachine(RuleBasedStateMachine):
    """One account, two controllers with a shared ledger, people, and a portal with faults."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.windows: tuple[float, ...] = WINDOWS
        self.po_number: str | None = None
        self.is_broken = False
        self.run_count = 0
        self.last_run: Controller | None = None

    @initialize(
        profile=st.sampled_from(PROFILES),
        page_size=st.sampled_from([25, 25, 2]),
        windows=st.sampled_from([(900.0,), (900.0,), (60.0,), WINDOWS]),
        po_number=st.sampled_from([None, None, "PO-7"]),
        habit=st.sampled_from(sorted(HABITS)),
    )
    def begin(
        self, profile: str, page_size: int, windows: tuple[float, ...], po_number: str | None, habit: str
    ) -> None:
        """An account whose PBXs are all due. Either all runs have the same settle window, or each has its own."""
        self.world = World(profile, page_size, habit)
        self.windows, self.po_number = windows, po_number
        TOTALS["examples"] += 1

    # rules

    @rule(options=_options(), window=st.integers(0, 2), data=st.data())
    def run(self, options: dict[str, Any], window: int, data: st.DataObject) -> None:
        """A run and its events, which may include a whole run of the other controller."""
        others = st.builds(
            lambda others, window, script: ("another run", lambda run: self._go(others, window, script)),
            _options(),
            st.integers(0, 2),
            st.lists(happenings(), max_size=1),
        )
        script = data.draw(st.lists(happenings(others), min_size=1, max_size=3), label="script")
        self._go(options, window, script)

    def _go(
        self, options: dict[str, Any], window: int, script: list[Happening], is_read_only: bool = False
    ) -> Controller:
        assert self.world is not None
        self.run_count += 1
        run_id = options["run_id"] or f"run-{self.run_count}"
        whole = {**options, "run_id": run_id, "max_orders": MAX_ORDERS.get(run_id, 9), "po_number": self.po_number}
        whole["settle_window"] = self.windows[window % len(self.windows)]
        self.last_run = run = Controller(self.world, Options(**whole), tuple(script), is_read_only)
        run.go()
        self._judge(lambda: judge.the_report_is_truthful(run))
        return run

    @rule(options=_options())
    def plan(self, options: dict[str, Any]) -> None:
        """A run that only reports what it would do."""
        assert self.world is not None
        before = self.world.rows("SELECT * FROM yeastar_intent"), self.world.rows("SELECT * FROM yeastar_history")
        run = self._go(options, 0, [], is_read_only=True)
        after = self.world.rows("SELECT * FROM yeastar_intent"), self.world.rows("SELECT * FROM yeastar_history")
        self._judge(lambda: judge.nothing_was_changed_by_reading(run, before, after))

    @rule(fault=faults())
    def fault(self, fault: dict[str, Any]) -> None:
        """Queue a fault of the portal."""
        assert self.world is not None
        self.world.simulator.fault(**fault)
        self.world.counts[f"fault {fault['verb']}"] += 1
        if fault["verb"] in ("renewed_by_person", "wrong_advance", "hide_product"):
            self.world.touched.update([fault.get("product_no") or PRODUCTS[0], *PRODUCTS])
        if fault.get("order"):
            self.world.ordered_by_persons.update([fault["product_no"]] if fault.get("product_no") else PRODUCTS)

    @rule(fault=faults(), options=_options(), window=st.integers(0, 2))
    def run_into(self, fault: dict[str, Any], options: dict[str, Any], window: int) -> None:
        """A fault immediately before a run, so that it takes effect."""
        self.fault(fault)
        self._go(options, window, [])

    @rule(seconds=st.sampled_from([1, 30, 70, 400, 1000, 4000, 86_400, 40 * 86_400, 370 * 86_400]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass for everybody."""
        assert self.world is not None
        self.world.advance(seconds)

    @rule(controller=st.integers(0, 1), hours=st.sampled_from([-11.0, -1.0, 0.0, 0.02, 1.0, 11.0]))
    def clock_is_set(self, controller: int, hours: float) -> None:
        """Set one controller's clock to that difference from the portal's."""
        assert self.world is not None
        self.world.skews[controller] = timedelta(hours=hours)

    @rule(person=people())
    def person(self, person: tuple[str, Callable[[World], None]]) -> None:
        """A person acts in the portal."""
        assert self.world is not None
        person[1](self.world)

    @precondition(lambda self: self.world is not None and self.world.posts and self.world.ledgers == 1)
    @rule()
    def ledger_is_lost(self) -> None:
        """Lose the directory with the ledger, once."""
        assert self.world is not None
        self.world.lose_ledger()

    # judgement

    def _judge(self, judgement: Callable[[], None]) -> None:
        try:
            judgement()
        except AssertionError:
            self.is_broken = True
            raise

    @invariant()
    def all_holds(self) -> None:
        """Check the invariants after each step."""
        if self.world is not None:
            world = self.world
            self._judge(lambda: judge.no_violation_was_seen(world))
            self._judge(lambda: judge.each_expiry_is_charged_once(world))
            self._judge(lambda: judge.the_ledger_denies_no_order(world))
            self._judge(lambda: judge.caps_hold(world, MAX_ORDERS))
            TOTALS["steps"] += 1

    def teardown(self) -> None:
        """End all faults, and check that everything is settled in the end."""
        if self.world is None:
            return
        try:
            if not self.is_broken:
                self._end(self.world)
        finally:
            TOTALS.update(self.world.counts)
            TOTALS["invoices"] += len(self.world.simulator.account.invoices)
            self.world.close()

    def _end(self, world: World) -> None:
        world.simulator.clear_faults()
        world.skews = [timedelta(0), timedelta(0)]
        seen: list[Any] = []
        for _attempt in range(6):
            world.advance(LONGEST)
            options = {"product_nos": PRODUCTS, "run_id": None, "wait_timeout": 300.0}
            run = self._go(options, 0, [])
            self.all_holds()
            seen.append([(one.decision.state, one.decision.reason) for one in run.report.outcomes.values()])
            if len(seen) > 2 and seen[-1] == seen[-2]:
                break
        self._judge(lambda: judge.it_came_to_an_end(world, run))
