# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the portal shows of an intent, and whatever the clocks say: what it is never taken for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.cycles import advanced_by_one_cycle
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.reconcile import Settlement, Times, settle
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import DEAD_STATUSES, Order
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import same_expiry
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus, Reason
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    EXPIRY,
    NOW,
    SN,
    UNSETTLED,
    intent,
    subscription,
    unreadable,
    unreported,
)

exact = settings(deadline=None, max_examples=300, derandomize=True)

TAG = intent().po_number
WINDOWS = st.sampled_from([timedelta(seconds=1), timedelta(minutes=15), timedelta(days=1)])
# Seconds, around the window's end and far from it, forward and back.
MOMENTS = st.one_of(st.integers(-1000, 2000), st.sampled_from([-86_400, 899, 900, 901, 43_200, 86_400, 10**7])).map(
    lambda seconds: NOW + timedelta(seconds=seconds)
)
INTENTS = st.builds(
    intent,
    status=st.sampled_from([*UNSETTLED, IntentStatus.RENEWED]),
    generation=st.integers(1, 3),
    billing_cycle=st.sampled_from(["annually", "monthly"]),
    po_number=st.sampled_from([TAG, f"{TAG}.2", "PO-1"]),
    uncertain_since=MOMENTS,
    portal_uncertain_since=st.one_of(st.none(), MOMENTS),
    order_no=st.sampled_from([None, None, "BN77"]),
    order_status=st.sampled_from([None, "pending", "succeed"]),
)
DEAD = sorted(DEAD_STATUSES)


def _orders(product_no: str, *words: str) -> st.SearchStrategy[Order]:
    return st.builds(
        Order,
        order_id=st.just("7"),
        order_no=st.sampled_from([None, "BN77", "BN78", "BN79"]),
        status=st.sampled_from(words or ["succeed", "pending", "confirming", "a new word", "", *DEAD]),
        created_at=st.one_of(st.none(), MOMENTS),
        product_no=st.just(product_no),
        po_number=st.sampled_from([None, "", TAG, f"{TAG}.2", "PO-1", "a remark", "RN20251205-0123abcd"]),
    )


EXPIRIES = st.one_of(
    st.just(EXPIRY),
    st.sampled_from([unreported("expires_at"), unreadable("expires_at")]),
    st.tuples(st.sampled_from(["annually", "monthly"]), st.integers(-1, 3), st.integers(-4 * 24, 4 * 24)).map(
        lambda move: add_cycles(EXPIRY, move[0], move[1]) + timedelta(hours=move[2])
    ),
)


@dataclass(frozen=True)
class Case:
    """All that a settlement is made of."""

    intent: Intent
    seen: Subscription
    orders: list[Order]
    strays: list[Order]
    times: Times

    def settle(self) -> Settlement:
        """Settle, and say what came out."""
        settlement = settle(self.intent, self.seen, self.orders, self.strays, self.times)
        event(f"{settlement.status}/{settlement.reason}")
        return settlement


CASES = st.builds(
    Case,
    intent=INTENTS,
    seen=st.builds(subscription, expires_at=EXPIRIES),
    orders=st.one_of(st.just([]), st.lists(_orders(SN), max_size=3), st.lists(_orders(SN, *DEAD), max_size=2)),
    strays=st.one_of(st.just([]), st.lists(_orders("OTHER"), max_size=1)),
    times=st.builds(Times, MOMENTS, st.one_of(st.none(), MOMENTS), WINDOWS),
)


def _is_no_older(order: Order, one: Intent) -> bool:
    """Whether an order is no older than an intent, by the clock that dates orders where it is known."""
    since = one.portal_uncertain_since
    if since is None:
        since = one.uncertain_since
    return order.created_at is None or order.created_at >= since


def _has_moved(case: Case) -> bool:
    expires_at = case.seen.expires_at
    return not isinstance(expires_at, Undetermined) and not same_expiry(expires_at, case.intent.expires_at)


@exact
@given(CASES)
def test_nothing_is_absent_while_an_order_that_may_be_it_is_alive(case: Case) -> None:
    settlement = case.settle()
    living = [order for order in case.orders if not order.is_dead]
    if any(_is_no_older(order, case.intent) for order in living):
        assert settlement.status != IntentStatus.ABSENT
    if any(order.po_number == TAG for order in living):
        assert settlement.status not in (IntentStatus.ABSENT, IntentStatus.DEAD)


@exact
@given(CASES)
def test_nothing_is_absent_within_the_window_of_either_clock(case: Case) -> None:
    settlement = case.settle()
    times, one = case.times, case.intent
    is_over = times.now - one.uncertain_since >= times.settle_window
    if times.portal is not None and one.portal_uncertain_since is not None:
        is_over = is_over and times.portal - one.portal_uncertain_since >= times.settle_window
    assert is_over or settlement.status != IntentStatus.ABSENT


@exact
@given(CASES)
def test_it_becomes_renewed_only_by_an_expiry_that_moved_by_one_cycle(case: Case) -> None:
    settlement = case.settle()
    if settlement.reason == "expiry_moved":
        assert settlement.status == IntentStatus.RENEWED and _has_moved(case)
        expires_at: Any = case.seen.expires_at
        one = case.intent
        assert advanced_by_one_cycle(one.expires_at, one.billing_cycle, expires_at, one.uncertain_since, "expiry")
        assert settlement.expires_after == expires_at
    elif settlement.status == IntentStatus.RENEWED:
        assert case.intent.status == IntentStatus.RENEWED


@exact
@given(CASES)
def test_what_was_accepted_or_renewed_never_becomes_absent(case: Case) -> None:
    settlement = case.settle()
    if case.intent.status in (IntentStatus.ACCEPTED, IntentStatus.RENEWED):
        assert settlement.status not in (IntentStatus.ABSENT, IntentStatus.UNKNOWN)


@exact
@given(CASES)
def test_it_is_dead_only_by_a_dead_order_that_is_its_own_or_after_the_window(case: Case) -> None:
    settlement = case.settle()
    is_after_window = not case.times.left_of_window(case.intent) and case.intent.status != IntentStatus.RENEWED
    if settlement.status == IntentStatus.DEAD and settlement.order is None:
        # Dead orders may be its own, and the portal does not show whether.
        assert is_after_window and case.times.gap is None and case.intent.order_no is None
        assert any(order.is_dead and order.key in settlement.message for order in case.orders)
    elif settlement.status == IntentStatus.DEAD:
        assert settlement.order is not None and settlement.order.is_dead
        number, po_number = settlement.order.order_no, settlement.order.po_number
        is_own = (number is not None and number == case.intent.order_no) or (
            po_number == case.intent.po_number and po_number.startswith("RN")
        )
        assert is_own or is_after_window


@exact
@given(CASES)
def test_two_living_orders_with_the_tag_are_always_told(case: Case) -> None:
    settlement = case.settle()
    twins = [order for order in case.orders if order.po_number == TAG and not order.is_dead]
    if len(twins) > 1 and settlement.reason != "verification_failed":
        assert settlement.reason == "duplicate_detected" and settlement.status == IntentStatus.ACCEPTED


@exact
@given(CASES)
def test_a_settlement_has_a_known_reason_and_a_message_and_unsettled_says_what_to_do(case: Case) -> None:
    settlement = case.settle()
    assert settlement.status in IntentStatus and settlement.reason in Reason and settlement.message
    if settlement.status in (IntentStatus.INTENDED, IntentStatus.UNKNOWN, IntentStatus.ACCEPTED):
        words = ("look", "see in the portal", "check it in the portal", "settle it by hand")
        assert any(word in settlement.message for word in words)


@exact
@given(CASES)
def test_a_settlement_does_not_depend_on_the_sequence_of_orders(case: Case) -> None:
    backwards = settle(case.intent, case.seen, case.orders[::-1], case.strays, case.times)
    settlement = case.settle()
    assert (settlement.status, settlement.reason) == (backwards.status, backwards.reason) or {
        settlement.reason,
        backwards.reason,
    } <= {"awaiting_expiry", "unpaid", "pending_confirmation"}
