# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events at a drawn point of a run: a kill, another run, a changed clock, a person in the portal, no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import UNRELATED, Word, keep
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import DEAD_STATUSES
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import is_tag
from tests.machine.world import PORTAL, PRODUCTS, World

# Parts of paths, and the ledger's transactions. The order's path is drawn most often, since it spends the money.
PLACES = ("/order/v1/save", "/order/v1/save", "/order/v1/page", "/v1/detail", "", "ledger", "ledger", "oauth/token")
MOST_SKEW = timedelta(hours=11)


@dataclass
class Happening:
    """An event that happens once, when a run passes a place for the ``skip``-th time."""

    name: str
    act: Callable[[Any], None]
    place: str
    when: str
    skip: int

    def begin(self) -> Happening:
        """One for a new run."""
        return replace(self)

    def is_met(self, when: str, place: str) -> bool:
        """Whether it happens here and now."""
        if when != self.when or self.place not in place or (place == "ledger") != (self.place == "ledger"):
            return False
        self.skip -= 1
        return self.skip == -1

    def befall(self, run: Any) -> None:
        """Let it happen."""
        self.act(run)

    def __repr__(self) -> str:
        return f"<{self.name} {self.when} {self.place or 'any'}+{self.skip}>"


# people


def renew(world: World, product_no: str, with_order: bool) -> None:
    """A person renews a PBX in the portal."""
    if world.pbx(product_no) is not None:
        world.simulator.renew_by_person(product_no, order=with_order)
        world.touched.add(product_no)
        if with_order:
            world.ordered_by_persons.add(product_no)


def change_quantity(world: World, product_no: str, quantity: int) -> None:
    """A person adds or removes extensions."""
    if (pbx := world.pbx(product_no)) is not None:
        pbx.quantity = quantity


def set_status(world: World, number: int, status: str) -> None:
    """A person pays for or cancels an active order, or has it refunded. A failed order stays failed."""
    orders = [post_order for post in world.posts for post_order in post.orders]
    orders = [order for order in orders if order.status not in DEAD_STATUSES]
    if orders:
        order = orders[number % len(orders)]
        done = {"succeed": "succeed", "cancelled": "refunded"}.get(status, status)
        world.simulator.set_order_status(order.order_no, done if order.status == "succeed" else status)
        world.touched.add(order.product_no)


def expand(world: World, product_no: str, status: str) -> None:
    """A person buys something else for a PBX in the portal."""
    if (pbx := world.pbx(product_no)) is not None:
        account = world.simulator.account
        order = account._new_order(pbx, world.simulator.clock.now(), status, "purchase_service", None)
        order.lines = [{"serviceType": "service", "serviceId": EXPANSION, "billingCycle": pbx.billing_cycle}]
        order.moved = True
        world.touched.add(product_no)


def call_unrelated(world: World, product_no: str, number: int) -> None:
    """A person declares some order, rightly or by mistake, to be no renewal of that PBX."""
    orders = world.simulator.account.orders
    if not orders or not world.ledger.exists():
        return
    order = orders[number % len(orders)]
    # If the ledger is lost and the order has the operator's own number, only this person knows about the renewal.
    is_forgotten = any(order in post.orders and post.is_lost for post in world.posts) and not is_tag(
        order.po_number or ""
    )
    word = Word(product_no, UNRELATED, "looked", order_no=order.order_no)
    ledger = open_ledger(str(world.ledger), PORTAL, lambda: world.controller_now(0), read_only=False)
    try:
        if order.operation != "renew_plan" or (world.tells_tags and not is_forgotten):
            keep(ledger, word, is_check_mode=False)
    except ValueError:
        world.counts["a slip was refused"] += 1
    finally:
        ledger.close()


EXPANSION = 3048573516041273344
STATUSES = ("succeed", "cancelled", "failed", "invalid")


def people() -> st.SearchStrategy[tuple[str, Callable[[World], None]]]:
    """An action of a person in the portal."""
    product = st.sampled_from(PRODUCTS)
    return st.one_of(
        st.builds(
            lambda number, flag: (f"renewed by a person {number} {flag}", lambda world: renew(world, number, flag)),
            product,
            st.booleans(),
        ),
        st.builds(
            lambda number, count: (f"quantity {number} {count}", lambda world: change_quantity(world, number, count)),
            product,
            st.sampled_from([7, 20, 100]),
        ),
        st.builds(
            lambda number, word: (f"expansion of {number}, {word}", lambda world: expand(world, number, word)),
            product,
            st.sampled_from(["succeed", "pending"]),
        ),
        st.builds(
            lambda pbx, number: (f"{number} unrelated to {pbx}", lambda world: call_unrelated(world, pbx, number)),
            product,
            st.integers(0, 5),
        ),
        st.builds(
            lambda number, word: (f"order {number} is {word}", lambda world: set_status(world, number, word)),
            st.integers(0, 5),
            st.sampled_from(STATUSES),
        ),
    )


# what happens to a run


def _skew(run: Any, hours: float) -> None:
    """Set the controller's clock."""
    run.world.skews[run.options.controller] = timedelta(hours=hours)


def _disk_full(run: Any) -> None:
    raise LedgerError("the ledger cannot be used: database or disk is full; nothing is ordered without it")


def _acts(other_runs: st.SearchStrategy[Any] | None) -> st.SearchStrategy[tuple[str, Callable[[Any], None]]]:
    kills = st.just(("kill", lambda run: run.kill()))
    choices = [
        kills,
        st.just(("answer lost", lambda run: run.lose_answer())),
        kills,
        st.just(("interrupt", lambda run: run.interrupt())),
        st.builds(
            lambda seconds: (f"pause {seconds}", lambda run: run.world.advance(seconds)),
            st.sampled_from([5, 40, 100, 1000, 4000, 90_000]),
        ),
        st.builds(
            lambda hours: (f"clock set to {hours:+g} h", lambda run: _skew(run, hours)),
            st.sampled_from([-11, -2, 0, 1, 11]),
        ),
        st.builds(
            lambda calls: (f"no network for {calls}", lambda run: run.cut_off(calls)), st.sampled_from([1, 1, 5, 30])
        ),
        people().map(lambda named: (named[0], lambda run: named[1](run.world))),
    ]
    if other_runs is not None:
        choices += [other_runs] * 4
    return st.one_of(choices)


def happenings(other_runs: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Happening]:
    """Any event at any point. ``other_runs`` draws whole runs of another controller, which only fit between calls."""

    def at_ledger(named: tuple[str, Any], when: str, skip: int) -> Happening:
        return Happening(named[0], named[1], "ledger", when, skip)

    deaths = st.sampled_from([("kill", lambda run: run.kill()), ("disk full", _disk_full)])
    return st.one_of(
        st.builds(
            lambda named, place, when, skip: Happening(named[0], named[1], place, when, skip),
            _acts(other_runs),
            st.sampled_from([place for place in PLACES if place != "ledger"]),
            st.sampled_from(["before", "after"]),
            st.sampled_from([0, 0, 0, 1, 2, 5]),
        ),
        st.builds(at_ledger, deaths, st.sampled_from(["before", "uncommitted"]), st.integers(0, 8)),
        st.builds(at_ledger, st.just(("kill", lambda run: run.kill())), st.just("after"), st.integers(0, 8)),
    )
