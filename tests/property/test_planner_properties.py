# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the portal reports and the operator declares: what is ordered, and what never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import auto_renewal as _auto_renewal
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import changes as _changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import planner as _planner
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import prices as _prices
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Between, Catalog, CatalogEntry, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.evidence import Evidence
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import Order
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import is_tag
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span, bounds
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason, State
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    ENTERPRISE,
    EXPIRY,
    HA,
    RECORDING,
    SN,
    ULTIMATE,
    UNKNOWN_PRICE,
    catalog,
    contact,
    due_decision,
    plan_of,
    unreadable,
    unreported,
)

exact = settings(deadline=None, max_examples=200, derandomize=True)

ESSENTIALS = ("expires_at", "plan", "services", "quantity", "billing_cycle")
WINDOWS = {"annually": 30, "monthly": 7}
# The first of each is what agrees with the rest; it is drawn more often, since one odd value alone blocks.
VALUES = {
    "expires_at": [EXPIRY, EXPIRY + timedelta(hours=23), EXPIRY + timedelta(days=365)],
    "plan": [ENTERPRISE, Offer(ENTERPRISE.id, None), Offer(None, "enterprise plan"), ULTIMATE, Offer("5", None)],
    "services": [(HA,), (Offer(None, "High Availability"),), (), (HA, RECORDING), (HA, HA)],
    "quantity": [100, 50],
    "billing_cycle": ["annually", "monthly"],
}
DECLARED = {
    "expires_at": [EXPIRY, EXPIRY + timedelta(days=3)],
    "plan": ["Enterprise Plan", str(ENTERPRISE.id), "Ultimate Plan"],
    "services": [("High Availability",), (str(HA.id),), (), ("High Availability", "Recording Minutes")],
    "quantity": [100, 50],
    "billing_cycle": ["annually", "monthly"],
}


def _mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 8 * len(others) + list(others))


def _reported(concept: str) -> st.SearchStrategy[Any]:
    usual, *others = VALUES[concept]
    silent = [unreported(concept)] * (len(others) + 1)
    said = [(usual,), (usual, others[0]), (others[0],)]
    if concept == "plan":
        said = [(ENTERPRISE,), (ULTIMATE, ENTERPRISE), (ULTIMATE,), (Offer("5", None),)]
    if concept == "services":
        said = [(Between((), (HA,)),), (Between((HA,), (HA, RECORDING)),), (Between((RECORDING,), (RECORDING,)),)]
    unclear = [unreadable(concept), *(replace(unreadable(concept), seen=seen) for seen in said)]
    return st.sampled_from([usual] * 8 * len(others) + others + silent + unclear)


def _declared(concept: str) -> st.SearchStrategy[Any]:
    usual, *others = DECLARED[concept]
    return st.sampled_from([usual] * 8 * len(others) + others + [None] * 4 * len(others))


ANYWHERE = Span(EXPIRY - timedelta(hours=14), EXPIRY + timedelta(hours=12))
SUBSCRIPTIONS = st.builds(
    Subscription,
    product_no=st.just(SN),
    auto_renewal=_mostly(False, True, unreported("auto_renewal"), unreadable("auto_renewal")),
    pending_plan=_mostly(None, "Basic Plan"),
    span=_mostly(None, ANYWHERE),
    **{concept: _reported(concept) for concept in ESSENTIALS},
).map(lambda one: one if one.expires_at == EXPIRY else replace(one, span=None))
DECLARATIONS = st.builds(
    Declaration,
    product_no=st.just(SN),
    billing_contact=_mostly(None, "2"),
    expected_expiry=_mostly(None, EXPIRY, EXPIRY - timedelta(days=365)),
    remaining_days=st.sampled_from([None] * 9 + [3, 20, 28, 365]),
    po_number=st.sampled_from([None, "PO-1"]),
    auto_renewal=_mostly(None, True, False),
    **{concept: _declared(concept) for concept in ESSENTIALS},
)
POLICIES = st.builds(
    Policy,
    remaining_days=st.sampled_from([None] * 6 + [14, 30]),
    include_expired=st.booleans(),
    max_orders=st.integers(0, 5),
    max_total=st.sampled_from([None, Decimal(100)]),
    max_amount_per_item=st.sampled_from([None, Decimal(60)]),
    currency=st.sampled_from([None, "USD"]),
    on_unknown_price=st.sampled_from([None, "allow", "block"]),
    on_unknown_auto_renewal=_mostly("allow", "block"),
    term_starts=_mostly("expiry", "order"),
)
ORDERS = st.builds(
    Order,
    order_id=st.just("77"),
    order_no=st.just("BN77"),
    status=st.sampled_from(["succeed", "failed", "cancelled"] * 3 + ["pending", "confirming", ""]),
    created_at=st.sampled_from([EXPIRY - timedelta(days=400)] * 4 + [None, EXPIRY - timedelta(days=20)]),
    product_no=st.just(SN),
)
TWO_OF_A_NAME = Catalog((*catalog().plans, CatalogEntry(Offer("5", "Enterprise Plan"), None)), catalog().services)
EVIDENCE = st.builds(
    lambda entries, contacts, orders: Evidence(entries, contacts, {SN: tuple(orders)}),
    _mostly(catalog(), Catalog(), TWO_OF_A_NAME),
    _mostly((contact(),), (), (contact(), contact(billing_contact_id="2", email="b@example.com"))),
    st.one_of(st.just([]), st.lists(ORDERS, max_size=2)),
)
NOWS = st.sampled_from([-6] * 9 + [-400, -31, -30, -7, -2, 0, 5]).map(
    lambda days: EXPIRY + timedelta(days=days, seconds=1)
) | st.sampled_from([EXPIRY - timedelta(hours=14), EXPIRY + timedelta(hours=12)])
PRICES = st.sampled_from([None, Money(Decimal(50), "USD"), Money(Decimal(70), "USD"), Money(Decimal(50), "RMB")])
CASES = st.tuples(DECLARATIONS, SUBSCRIPTIONS, EVIDENCE, POLICIES, NOWS)
Case = tuple[Declaration, Subscription, Evidence, Policy, datetime]


NO_ANSWER = Undetermined("auto_renewal", "auto_renewal: the portal refuses to say (HTTP 404)")


def _decide(case: Case, answer: Any = NO_ANSWER) -> Decision:
    """As a run does, whose portal answers this where it is asked about auto-renewal."""
    decision = _planner.decide(*case)
    declared, dummy, dummy, policy, now = case
    if _auto_renewal.needs_answer(decision):
        decision = _auto_renewal.held_to_auto_renewal(decision, declared, answer, policy, now)
    event(decision.reason)
    return decision


def _settled_value(case: Case, concept: str) -> Any:
    """What the portal reports; where that cannot be determined, what is declared; None where neither tells."""
    reported, declared = getattr(case[1], concept), getattr(case[0], concept)
    return declared if isinstance(reported, Undetermined) else reported


@exact
@given(CASES)
def test_there_is_an_order_if_and_only_if_it_is_due_and_the_state_follows_from_the_reason(case: Case) -> None:
    decision = _decide(case)
    assert (decision.order is not None) == (decision.state == State.DUE)
    assert decision.state == Reason[decision.reason.upper()].state
    assert decision.product_no == SN
    assert decision.message


@exact
@given(CASES)
def test_the_same_question_has_the_same_answer(case: Case) -> None:
    assert _planner.decide(*case) == _planner.decide(*case)


@pytest.mark.faults(53)
@exact
@given(CASES)
def test_nothing_is_due_while_an_essential_is_neither_told_nor_declared(case: Case) -> None:
    decision = _decide(case)
    if any(_settled_value(case, concept) is None for concept in ESSENTIALS):
        assert decision.state != State.DUE


@exact
@given(CASES)
def test_what_is_declared_in_place_of_what_can_be_read_in_part_is_one_of_these_and_is_told(case: Case) -> None:
    decision = _decide(case)
    if decision.terms is None or decision.order is None:
        return
    told = {value.concept: value for value in decision.terms.stood_in}
    for concept in ESSENTIALS:
        reported = getattr(case[1], concept)
        if not isinstance(reported, Undetermined):
            continue
        assert told[concept] == reported and (reported.why in decision.message) == reported.reported
        used = getattr(decision.terms, concept)
        if concept == "expires_at":
            assert not reported.seen or any(abs(used - one) < timedelta(days=1) for one in reported.seen)
        elif concept == "plan":
            possible = {one.id for one in reported.seen}
            assert not possible or used.id in possible or ("5" in possible and case[0].plan == used.id)
        elif concept == "services":
            assert all(set(one.least) <= set(used) <= set(one.most) for one in reported.seen)
        else:
            assert not reported.seen or used in reported.seen


@exact
@given(CASES)
def test_nothing_is_due_outside_the_window_or_expired_without_leave(case: Case) -> None:
    declared, reported, dummy, policy, now = case
    expires_at, cycle = _settled_value(case, "expires_at"), _settled_value(case, "billing_cycle")
    if expires_at is None or cycle is None:
        return
    # A declared instant says when in the span it is.
    earliest, dummy = bounds(expires_at, None if declared.expires_at == expires_at else reported.span)
    days = next(one for one in (declared.remaining_days, policy.remaining_days, WINDOWS[cycle]) if one is not None)
    decision = _decide(case)
    if earliest - now > timedelta(days=days) or (earliest <= now and not policy.include_expired):
        assert decision.state != State.DUE
    if earliest - now <= timedelta(days=days) or days >= {"annually": 365, "monthly": 28}[cycle]:
        assert decision.state != State.CURRENT


def _may_be_open(order: Order) -> bool:
    """Whether it may still take effect: under an unknown status only if it is not older than the term."""
    is_old = order.created_at is not None and order.created_at < EXPIRY - timedelta(days=366)
    return order.status == "pending" or (order.status in ("confirming", "") and not is_old)


@exact
@given(CASES)
def test_nothing_is_due_beside_auto_renewal_a_plan_switch_another_expiry_or_an_order(case: Case) -> None:
    declared, reported, evidence, policy, dummy = case
    auto = reported.auto_renewal
    is_unknown = isinstance(auto, Undetermined) and declared.auto_renewal is None
    reasons_not_to = [
        auto is True or declared.auto_renewal is True,
        is_unknown and (auto.reported or policy.on_unknown_auto_renewal == "block"),
        reported.pending_plan is not None,
        any(_may_be_open(order) for order in evidence.orders[SN]),
        any(order.status == "succeed" and order.created_at is None for order in evidence.orders[SN]),
        declared.expected_expiry is not None and declared.expected_expiry < EXPIRY,
    ]
    if any(reasons_not_to):
        assert _decide(case).state != State.DUE


@exact
@given(CASES, st.sampled_from([True, False, NO_ANSWER]))
def test_an_answer_that_it_is_on_orders_nothing_and_one_that_it_is_off_nothing_that_the_row_says_is_on(
    case: Case, answer: Any
) -> None:
    declared, reported, *dummy = case
    decision = _decide(case, answer)
    if True in (reported.auto_renewal, answer, declared.auto_renewal):
        assert decision.state != State.DUE
    if decision.state == State.SKIPPED:
        assert True in (reported.auto_renewal, answer, declared.auto_renewal)


@pytest.mark.faults(56)
@exact
@given(CASES)
def test_an_order_says_what_the_portal_reports_or_where_it_is_silent_what_is_declared(case: Case) -> None:
    declared, evidence = case[0], case[2]
    decision = _decide(case)
    if decision.order is None:
        return
    order = decision.order
    assert order.quantity == _settled_value(case, "quantity")
    assert order.billing_cycle == _settled_value(case, "billing_cycle")
    assert order.po_number == declared.po_number or (declared.po_number is None and is_tag(str(order.po_number)))
    assert order.billing_contact_id in {one.billing_contact_id for one in evidence.contacts}
    assert len(set(order.service_ids)) == len(order.service_ids)
    known = {
        str(entry.offer.id): str(entry.offer.name) for entry in (*evidence.catalog.plans, *evidence.catalog.services)
    }
    plan, services = _settled_value(case, "plan"), _settled_value(case, "services")
    # One that the catalog does not know, or knows twice, is what is declared.
    assert _is(plan, order.plan_id, known) or (_is(declared.plan, order.plan_id, known) and plan.id not in known)
    assert len(services) == len(order.service_ids)
    assert all(_is(one, service_id, known) for one, service_id in zip(services, order.service_ids))


def _is(what: Any, offer_id: str, known: dict[str, str]) -> bool:
    offer_ids = [what.id] if isinstance(what, Offer) and what.id else []
    word = what.name or "" if isinstance(what, Offer) else what
    return offer_id in known and (offer_id in [*offer_ids, word] or known[offer_id].casefold() == word.casefold())


@exact
@given(CASES)
def test_what_is_due_contradicts_nothing_that_is_declared(case: Case) -> None:
    declared = case[0]
    decision = _decide(case)
    if decision.terms is None or decision.order is None:
        return
    terms = decision.terms
    assert declared.quantity in (None, terms.quantity)
    assert declared.billing_cycle in (None, terms.billing_cycle)
    assert declared.expires_at is None or abs(declared.expires_at - terms.expires_at) < timedelta(days=1)
    assert declared.plan is None or declared.plan in (terms.plan.id, terms.plan.name)
    assert declared.services is None or len(declared.services) == len(terms.services)


@exact
@given(st.lists(PRICES, max_size=5), POLICIES)
def test_a_plan_never_holds_more_orders_or_a_higher_price_than_allowed(prices: list[Any], policy: Policy) -> None:
    asked = [price or UNKNOWN_PRICE for price in prices]
    decisions = [_prices.priced(due_decision(f"SN{number}"), price, policy) for number, price in enumerate(asked)]
    plan = plan_of(decisions, policy)
    orders = [decision for decision in plan.decisions if decision.order is not None]
    event(f"{len(orders)} orders, excess: {plan.excess is not None}")
    known = [decision.price for decision in orders if decision.price is not None]
    assert len(plan.decisions) == len(prices)
    assert len(orders) <= policy.max_orders
    assert plan.excess is None or not orders
    assert plan.excess is not None or len(orders) == sum(decision.order is not None for decision in decisions)
    assert policy.currency is None or {price.currency for price in known} <= {policy.currency}
    assert policy.max_amount_per_item is None or all(price.amount <= policy.max_amount_per_item for price in known)
    if policy.max_total is not None:
        assert sum(price.amount for price in known) <= policy.max_total
        assert len({price.currency for price in known}) <= 1
    if policy.blocks_unknown_price:
        assert len(known) == len(orders)


@exact
@given(st.permutations([due_decision(number) for number in "ABCD"]))
def test_a_plan_does_not_depend_on_the_sequence(decisions: list[Decision]) -> None:
    plan = _planner.make_plan(decisions)
    assert plan == _planner.make_plan(reversed(decisions))
    assert [decision.product_no for decision in plan.decisions] == ["A", "B", "C", "D"]


@exact
@given(DECLARATIONS, SUBSCRIPTIONS)
def test_of_two_due_decisions_those_that_order_the_same_have_not_changed(
    declared: Declaration, reported: Subscription
) -> None:
    known, policy, now = Evidence(catalog(), (contact(),)), Policy(include_expired=True), EXPIRY - timedelta(days=1)
    fresh = _planner.decide(replace(declared, billing_contact=None), reported, known, policy, now)
    if fresh.order is None:
        return
    planned = due_decision()
    assert planned.order is not None
    compared = [replace(order, po_number=None, service_ids=()) for order in (fresh.order, planned.order)]
    same = compared[0] == compared[1]
    same = same and sorted(fresh.order.service_ids) == sorted(planned.order.service_ids)
    assert fresh.terms is not None
    same = same and abs(fresh.terms.expires_at - EXPIRY) < timedelta(days=1)
    assert (_changes.changed_since(planned, fresh) == []) == same
