# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants. Every function raises AssertionError if one is broken."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import Interruption
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import DEAD_STATUSES
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus, State
from tests.machine.controller import Controller, Killed
from tests.machine.world import Post, World
from tests.simulator.clock import add_cycles

NEXT_STEP = re.compile(
    r"run (it )?again|look|\bsee\b|check|settle|cancel|\bset\b|say so|not ordered again|by a run later than|due at"
    r"|renew once|the next run|asked all the same",
    re.IGNORECASE,
)


def no_violation_was_seen(world: World) -> None:
    """Violations during a run: an order without intent or lock, or one that the portal had already shown."""
    assert not world.violations, "; ".join(world.violations)


def each_expiry_is_charged_once(world: World) -> None:
    """At most one request per PBX and expiry has an active order, by the expiry when sent and by that when committed.

    Copies of one request by a proxy count as one.
    """
    charged: dict[Any, set[int]] = defaultdict(set)
    for number, post in enumerate(world.posts):
        if post.is_living and not post.is_excused and not post.is_lost:
            charged[post.product_no, "sent", post.expiry].add(number)
            for expiry in post.expiries_before:
                charged[post.product_no, "committed", expiry].add(number)
    twice = {
        key: [str(world.posts[number]) for number in numbers] for key, numbers in charged.items() if len(numbers) > 1
    }
    assert not twice, f"charged more than once: {twice}"


def the_ledger_denies_no_order(world: World) -> None:
    """The history calls no order of the portal absent, not sent or rejected, and no active one dead."""
    denied = {
        (row[0], row[1], row[2]): row[3]
        for row in world.rows(
            "SELECT product_no, expires_at, generation, status FROM yeastar_history WHERE status IN (?, ?, ?, ?)",
            *(one for one in IntentStatus if one.is_closed),
        )
    }
    for post in world.posts:
        if post.is_lost or post.is_excused or not post.is_committed or post.key is None:
            continue
        status = denied.get((post.product_no, *post.key))
        if status == IntentStatus.DEAD:
            assert any(order.status in DEAD_STATUSES for order in post.orders), f"called dead: {post}"
        else:
            assert status is None, f"the ledger calls it {status}: {post}"


def caps_hold(world: World, max_orders: dict[str, int]) -> None:
    """No run, with all its processes, reserves or orders more terms of all PBXs than its ``max_orders``."""
    for run_id, count in world.rows(
        "SELECT run_id, count(DISTINCT product_no || expires_at) FROM yeastar_reservation GROUP BY run_id"
    ):
        assert count <= max_orders.get(run_id, 99), f"{count} reservations of the run {run_id}"
    ordered: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for post in world.posts:
        if post.is_committed and not post.is_lost:
            ordered[post.run.run_id].add((post.product_no, f"{post.expiry}"))
    for run_id, terms in ordered.items():
        assert len(terms) <= max_orders.get(run_id, 99), f"the run {run_id} has ordered {sorted(terms)}"


def the_report_is_truthful(run: Controller) -> None:
    """`changed` is true exactly for orders that were or may have been accepted; each due PBX has a result."""
    if isinstance(run.ended_by, Killed):
        return
    for product_no in run.options.product_nos:
        posts = [post for post in run.posts if post.product_no == product_no]
        outcome = run.report.outcomes.get(product_no)
        changed = outcome is not None and outcome.may_have_ordered
        if any(post.is_committed and not post.is_excused for post in posts):
            assert changed, f"ordered and called unchanged: {posts[0]}; {outcome}"
        # Who is interrupted between noting an order and sending it does not know whether it has left.
        if changed and not isinstance(run.ended_by, Interruption):
            assert any(not post.is_refused for post in posts), f"called changed without an order: {outcome}"
    if run.ended_by is None:
        missing = set(run.options.product_nos) - set(run.report.outcomes)
        assert not missing, f"no outcome for {missing}"
    for outcome in run.report.outcomes.values():
        _a_renewal_moved_the_expiry_by_a_cycle(run, outcome.decision)
    for outcome in run.report.outcomes.values():
        _no_due_pbx_is_pending_for_long(run, outcome.decision)
    left_due = [one for one in run.report.outcomes.values() if one.decision.state == State.DUE]
    assert run.is_read_only or not left_due, f"due and not attempted: {left_due}"


def _a_renewal_moved_the_expiry_by_a_cycle(run: Controller, decision: Decision) -> None:
    """An expired PBX may be renewed from the day of the order; the unit tests cover that."""
    terms, after = decision.terms, decision.expires_after
    if (
        decision.state == State.RENEWED
        and terms is not None
        and after is not None
        and terms.expires_at > run.report.now
    ):
        apart = abs(add_cycles(terms.expires_at, terms.billing_cycle) - after)
        assert apart <= timedelta(days=3), f"called renewed: {decision}"


def _no_due_pbx_is_pending_for_long(run: Controller, decision: Decision) -> None:
    """An order that was open for more than a day before the run fails the task, or the PBX would lapse unnoticed."""
    order = decision.known_order
    if decision.state != State.PENDING or order is None or order.created_at is None:
        return
    age = run.report.now - order.created_at
    assert age <= timedelta(days=1), f"pending for {age}: {decision}"


def nothing_was_changed_by_reading(run: Controller, before: Any, after: Any) -> None:
    """A plan sends no order and writes nothing into the ledger."""
    assert run.posts == []
    assert before == after


def it_came_to_an_end(world: World, run: Controller) -> None:
    """Once all faults and windows are over, each PBX is renewed, or its state says what a person must do."""
    assert run.ended_by is None, f"the last run broke off: {run.ended_by}"
    for product_no, outcome in run.report.outcomes.items():
        decision = outcome.decision
        said = f"{product_no}: {decision.state}/{decision.reason}: {decision.message}"
        if decision.state in (State.CURRENT, State.RENEWED):
            continue
        assert decision.state not in (State.NOT_ATTEMPTED, State.DUE), said
        if decision.state == State.UNKNOWN:  # until a person says what an order is that shows neither number nor lines
            is_open_question = not world.tells_tags or product_no in world.ordered_by_persons
            assert is_open_question and "does not show whether it is the renewal" in decision.message, said
        assert NEXT_STEP.search(decision.message), f"names no next step: {said}"
        has_history = product_no in world.touched or any(_may_matter(post, product_no) for post in world.posts)
        assert has_history, f"neither renewed nor is there a reason: {said}"


def _may_matter(post: Post, product_no: str) -> bool:
    moved = {order.moves for order in post.orders}
    return (post.product_no == product_no and post.is_committed) or product_no in moved
