# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved plan: which decisions it approves, for which PBXs, and that it is applied once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import settled
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.saved_plan import PlanError, SavedPlan
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import DryRunLedger, PlanSpent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason, State
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import (
    document_of,
    read_plan,
    saved_plan_of,
    write_plan,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    ENTERPRISE,
    EXPIRY,
    HA,
    NOW,
    RECORDING,
    SN,
    ULTIMATE,
    contact,
    declaration,
    due_decision,
    policy,
    subscription,
    terms,
    unreadable,
    unreported,
    usd,
    wanted,
)

PORTAL, ACCOUNT = "https://portal.example.com", "0123456789abcdef"


def document(*decisions: Decision, valid_for: timedelta = DAY, limits: Optional[Policy] = None) -> dict[str, Any]:
    return document_of(decisions or [due_decision()], PORTAL, ACCOUNT, limits or policy(), NOW, valid_for)


def saved(path: Path, **changes: Any) -> SavedPlan:
    plan = document(**changes)
    write_plan(str(path), plan)
    return read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def test_the_declarations_find_due_what_was_due_and_nothing_else(path: Path) -> None:
    (declared,) = saved(path).declarations()
    assert (declared.product_no, declared.expires_at, declared.remaining_days) == (SN, EXPIRY, 14)
    assert (declared.plan, declared.services, declared.quantity) == (ENTERPRISE.id, (HA.id,), 100)
    assert declared.po_number == due_decision().order.po_number


def test_what_was_due_stays_due_by_two_days_within_the_longest_window_and_what_has_expired_by_none(path: Path) -> None:
    plan = saved(path)
    assert replace(plan, created=NOW + timedelta(hours=1)).declarations()[0].remaining_days == 14
    assert replace(plan, created=EXPIRY - 364 * DAY).declarations()[0].remaining_days == 364
    assert replace(plan, created=EXPIRY - 364 * DAY, term_starts="order").declarations()[0].remaining_days == 181
    assert replace(plan, created=EXPIRY + 3 * DAY).declarations()[0].remaining_days == 0


IN_SHANGHAI = Span(EXPIRY - timedelta(hours=8), EXPIRY + timedelta(hours=16), "Asia/Shanghai")


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        pytest.param(IN_SHANGHAI, IN_SHANGHAI, None, id="the-same"),
        pytest.param(None, IN_SHANGHAI, None, id="set-since"),
        pytest.param(IN_SHANGHAI, replace(IN_SHANGHAI, zone="UTC"), "Asia/Shanghai -> UTC", id="another"),
    ],
)
def test_a_plan_of_another_time_zone_is_made_again(then: Optional[Span], now: Span, change: Optional[str]) -> None:
    plan = saved_plan_of(document(due_decision(terms=terms(span=then), span=then)))
    held = plan.hold(due_decision(terms=terms(span=now), span=now))
    assert (held.state == "due") is (change is None)
    assert change is None or f"time_zone {change}" in held.message


def test_an_item_that_is_not_due_any_more_is_refused_and_not_passed_over(path: Path) -> None:
    current = replace(due_decision(), state=State.CURRENT, reason=Reason.ENOUGH_TIME, order=None)
    assert saved(path).hold(current).reason == "stale_plan"


def test_a_decision_that_orders_what_was_approved_stands(path: Path) -> None:
    plan = saved(path)
    assert plan.hold(due_decision()) == due_decision()
    blocked = settled(due_decision(), Reason.PLAN_SWITCH_PENDING, "a switch is pending")
    assert plan.hold(blocked) == blocked


@pytest.mark.parametrize(
    ("known", "said"), [(False, False), (unreported("auto_renewal"), None), (unreadable("auto_renewal"), None)]
)
def test_an_item_says_what_was_known_of_auto_renewal_and_another_answer_does_not_make_it_stale(
    path: Path, known: Any, said: Optional[bool]
) -> None:
    plan = document(due_decision(subscription=subscription(auto_renewal=known)))
    assert plan["items"][0]["auto_renewal"] is said
    write_plan(str(path), plan)
    approved = read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)
    for later in (False, unreported("auto_renewal")):
        decision = due_decision(subscription=subscription(auto_renewal=later))
        assert approved.hold(decision) == decision
    on = settled(due_decision(), Reason.AUTO_RENEWAL, "auto-renewal is on")
    assert approved.hold(on) == on


def test_what_is_declared_counts_before_the_plan_but_for_when_it_is_due(path: Path) -> None:
    own = declaration(quantity=120, services=(), expected_expiry=EXPIRY, remaining_days=3)
    (merged,) = saved(path).declarations_for([own])
    assert (merged.quantity, merged.services, merged.expected_expiry) == (120, (), EXPIRY)
    assert (merged.plan, merged.remaining_days, merged.expires_at) == (ENTERPRISE.id, 14, EXPIRY)


def test_who_is_no_item_is_decided_about_as_declared_and_an_item_of_nobody_refuses_all(path: Path) -> None:
    plan = saved(path)
    other = declaration(product_no="B", quantity=5)
    assert plan.declarations_for([declaration(), other])[1] == other
    with pytest.raises(PlanError, match=f"it orders {SN}, which no host of this batch is"):
        plan.declarations_for([other])


def test_what_is_no_item_orders_nothing(path: Path) -> None:
    plan = saved(path)
    held = plan.hold(due_decision("B"))
    assert (held.state, held.reason, held.order) == ("not_attempted", "not_in_plan", None)
    assert "12 days left" in held.message
    current = settled(due_decision("B"), Reason.ENOUGH_TIME, "300 days left")
    assert plan.hold(current) == current


DRIFTS = [
    ({"terms": terms(quantity=120)}, "quantity 100 -> 120"),
    ({"terms": terms(plan=ULTIMATE)}, "plan Enterprise Plan -> Ultimate Plan"),
    ({"terms": terms(services=())}, "services High Availability -> none"),
    ({"terms": terms(services=(HA, RECORDING))}, "services High Availability -> Recording Minutes, High Availability"),
    ({"terms": terms(billing_cycle="monthly")}, "billing_cycle annually -> monthly"),
    ({"price": usd("1200.00")}, "price unknown -> 1200.00 USD"),
    ({"contact": contact(email="new@example.com")}, "billing_contact_email billing@example.com -> new@example.com"),
    ({"contact": None}, "billing_contact_email billing@example.com -> unknown"),
    ({"expires_at": EXPIRY + 365 * DAY}, "expires_at 2026-12-05T00:00:00Z -> 2027-12-05T00:00:00Z"),
]


@pytest.mark.parametrize(("changes", "said"), DRIFTS, ids=[said for dummy, said in DRIFTS])
def test_a_decision_that_orders_anything_else_is_stale_and_orders_nothing(
    path: Path, changes: dict[str, Any], said: str
) -> None:
    held = saved(path).hold(due_decision(**changes))
    assert (held.state, held.reason, held.order) == ("blocked", "stale_plan", None)
    assert said in held.message and "plan again" in held.message


UNREADABLE = Undetermined("billing_cycle", "billing_cycle: billingCycle cannot be read: 1", reported=True)


def standing_in(*values: Undetermined) -> Decision:
    return due_decision(terms=replace(terms(), stood_in=values))


def test_what_was_declared_against_what_cannot_be_read_is_approved_with_the_reason_and_bought_for_no_other(
    path: Path,
) -> None:
    plan = document(standing_in(UNREADABLE, unreported("quantity")))
    assert plan["items"][0]["declared"] == {"billing_cycle": UNREADABLE.why}
    write_plan(str(path), plan)
    read = read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)
    for same in (standing_in(UNREADABLE), standing_in(unreported("billing_cycle")), due_decision()):
        assert same.order is not None and read.hold(same).order == same.order
    for other in (replace(UNREADABLE, why="billing_cycle: 2"), replace(UNREADABLE, concept="services")):
        held = read.hold(standing_in(other))
        assert (held.reason, held.order) == ("stale_plan", None) and other.why in held.message


def test_each_reason_why_services_are_declared_is_approved(path: Path) -> None:
    doubts = [Undetermined("services", f"services: {name} is unsubscribed", reported=True) for name in ("A", "B", "C")]
    plan = document(standing_in(*doubts[:2]))
    write_plan(str(path), plan)
    read = read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)
    assert read.hold(standing_in(doubts[1], doubts[0])).order is not None
    held = read.hold(standing_in(doubts[2], doubts[1]))
    assert (held.reason, held.order) == ("stale_plan", None) and doubts[2].why in held.message


def test_what_is_not_due_any_more_and_what_contradicts_the_plan_is_stale(path: Path) -> None:
    plan = saved(path)
    current = settled(due_decision(expires_at=EXPIRY + 365 * DAY), Reason.ENOUGH_TIME, "377 days left")
    assert plan.hold(current).reason == "stale_plan"
    contact_gone = settled(due_decision(), Reason.BILLING_CONTACT, "billing contact 1 matches 0")
    assert plan.hold(contact_gone).reason == "stale_plan"
    assert "billing_contact_id 3197218168379846218 -> unknown" in plan.hold(contact_gone).message


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ({"quantity": 120}, "quantity 100 -> 120"),
        ({"billing_cycle": "monthly", "quantity": 5}, "quantity 100 -> 5; billing_cycle annually -> monthly"),
        ({"plan": ULTIMATE}, "plan Enterprise Plan -> Ultimate Plan"),
        ({"plan": Offer(None, "ultimate plan")}, "plan Enterprise Plan -> ultimate plan"),
        (
            {"plan": Offer(None, "enterprise plan"), "services": ()},
            "since the plan: services High Availability -> none",
        ),
        ({"services": (HA, RECORDING)}, "services High Availability -> High Availability, Recording Minutes"),
        ({"services": (Offer(None, "Recording Minutes"),)}, "services High Availability -> Recording Minutes"),
        ({"quantity": unreported("quantity")}, "since the plan: declared as 100"),
    ],
    ids=str,
)
def test_what_the_portal_reports_otherwise_than_approved_is_said_as_old_and_new(
    path: Path, reported: dict[str, Any], said: str
) -> None:
    contradiction = settled(
        due_decision(subscription=subscription(**reported)), Reason.CONTRADICTION, "declared as 100"
    )
    held = saved(path).hold(contradiction)
    assert held.reason == "stale_plan" and said in held.message, held.message
    without = saved(path).hold(replace(contradiction, subscription=None))
    assert "since the plan: declared as 100" in without.message


def test_a_plan_is_spent_with_the_first_orders_that_it_leads_to() -> None:
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    assert ledger.reserve(Caps("run", max_orders=0), wanted("A"), "digest") is not None
    assert ledger.reserve(Caps("run"), [], "digest") is None
    DryRunLedger(ledger).reserve(Caps("any"), [], "digest")
    assert ledger.reserve(Caps("run"), wanted("A"), "digest") is None
    for refuse in (
        lambda: DryRunLedger(ledger).reserve(Caps("any"), [], "digest"),
        lambda: ledger.reserve(Caps("other"), wanted("A"), "digest"),
    ):
        with pytest.raises(PlanSpent, match="applied on 2026-11-23T00:00:00Z by the run run"):
            refuse()
    DryRunLedger(ledger).reserve(Caps("any"), [], "another digest")
