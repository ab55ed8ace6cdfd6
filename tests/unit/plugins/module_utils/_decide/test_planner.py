# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision for one PBX (docs/architecture.md, 3), row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import planner as _planner
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Between, Catalog, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.evidence import Evidence
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import OrderRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import tag_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    CLOSED,
    DAY,
    ENTERPRISE,
    EXPIRY,
    HA,
    NOW,
    RECORDING,
    SECOND,
    SN,
    UNSETTLED,
    catalog,
    contact,
    declaration,
    evidence,
    full_declaration,
    intent,
    order,
    policy,
    silent_subscription,
    subscription,
    terms,
    unreadable,
    unreported,
    utc,
)

TERM_BEGAN = utc(2025, 12, 5)
HOUR = timedelta(hours=1)
ANYWHERE = Span(EXPIRY - 14 * HOUR, EXPIRY + 12 * HOUR)
IN_SHANGHAI = Span(EXPIRY - 8 * HOUR, EXPIRY - 8 * HOUR, "Asia/Shanghai")


def _decide(
    declared: Optional[Declaration] = None,
    reported: Optional[Subscription] = None,
    known: Optional[Evidence] = None,
    rules: Optional[Policy] = None,
    now: datetime = NOW,
) -> Decision:
    return _planner.decide(
        declared or declaration(), reported or subscription(), known or evidence(), rules or policy(), now
    )


def _outcome(decision: Decision) -> tuple[str, str]:
    assert (decision.order is not None) == (decision.state == "due")
    return decision.state, decision.reason


def test_what_is_due_is_ordered_as_the_portal_reports_it() -> None:
    decision = _decide()
    assert _outcome(decision) == ("due", "in_window")
    request = OrderRequest(SN, "3197218168379846218", str(ENTERPRISE.id), (str(HA.id),), 100, "annually")
    assert decision.order == replace(request, po_number=tag_of(request, EXPIRY, 1))
    assert decision.expires_after == utc(2027, 12, 5)
    assert all(word in decision.message for word in ("12 days", "Enterprise Plan", "High Availability", "100"))


def test_what_the_portal_does_not_report_is_ordered_as_declared() -> None:
    declared = full_declaration(services=(), billing_cycle="monthly", quantity=7, po_number="PO-1")
    decision = _decide(declared, silent_subscription(), now=EXPIRY - DAY)
    expected = OrderRequest(SN, "3197218168379846218", str(ENTERPRISE.id), (), 7, "monthly", "PO-1")
    assert decision.order == expected
    assert decision.expires_after == utc(2027, 1, 5)


@pytest.mark.parametrize("status", [*UNSETTLED, IntentStatus.RENEWED])
def test_an_intent_that_is_not_closed_keeps_from_ordering(status: str) -> None:
    decision = _decide(known=evidence(intents={SN: (intent(status=status),)}))
    assert _outcome(decision) == ("unknown", "waiting") and "must be settled first" in decision.message


def test_an_intent_of_another_expiry_keeps_from_ordering_only_while_it_is_not_settled() -> None:
    for status in IntentStatus:
        other = intent(status=status, expires_at=utc(2025, 12, 5))
        decision = _decide(known=evidence(intents={SN: (other,)}))
        assert decision.reason == ("waiting" if status.is_unsettled else "in_window"), status


@pytest.mark.parametrize("status", CLOSED)
def test_a_closed_intent_makes_way_for_its_next_generation(status: str) -> None:
    decision = _decide(known=evidence(intents={SN: (intent(status=status, generation=3),)}))
    assert _outcome(decision) == ("due", "in_window") and decision.generation == 4


class TestWindow:
    @pytest.mark.faults(48)
    @pytest.mark.parametrize(
        ("cycle", "days", "window"),
        [
            pytest.param("annually", None, 30, id="annual-default"),
            pytest.param("monthly", None, 7, id="monthly-default"),
            pytest.param("annually", 60, 60, id="annual-wider"),
            pytest.param("annually", 364, 364, id="annual-widest"),
            pytest.param("monthly", 27, 27, id="monthly-widest"),
            pytest.param("annually", 0, 0, id="none"),
        ],
    )
    @pytest.mark.parametrize(
        ("beyond", "state"),
        [
            pytest.param(-SECOND, "due", id="a-second-inside"),
            pytest.param(timedelta(0), "due", id="on-the-boundary"),
            pytest.param(timedelta(microseconds=1), "current", id="a-microsecond-outside"),
            pytest.param(SECOND, "current", id="a-second-outside"),
        ],
    )
    def test_due_is_inclusive_to_the_second(
        self, cycle: str, days: Optional[int], window: int, beyond: timedelta, state: str
    ) -> None:
        now = EXPIRY - window * DAY - beyond
        reported = subscription(billing_cycle=cycle)
        decision = _decide(reported=reported, rules=policy(remaining_days=days, include_expired=True), now=now)
        assert decision.state == state

    def test_the_pbxs_own_window_wins_over_the_runs(self) -> None:
        rules = policy(remaining_days=60)
        assert _decide(declaration(remaining_days=5), rules=rules).state == "current"
        assert _decide(declaration(remaining_days=0), rules=rules).state == "current"

    def test_the_cycle_that_is_declared_sets_the_default_where_none_is_reported(self) -> None:
        reported = subscription(billing_cycle=unreported("billing_cycle"))
        assert _decide(declaration(billing_cycle="monthly"), reported).state == "current"
        assert _decide(declaration(billing_cycle="annually"), reported).state == "due"

    @pytest.mark.parametrize(("cycle", "most"), [("monthly", 13), ("annually", 181)])
    def test_where_a_term_starts_at_the_order_less_than_half_a_cycle_may_be_lost(self, cycle: str, most: int) -> None:
        reported = subscription(billing_cycle=cycle)
        for days, reason in ((most, "in_window"), (most + 1, "invalid_window")):
            rules = policy(remaining_days=days, term_starts="order")
            assert _decide(reported=reported, rules=rules, now=EXPIRY - DAY).reason == reason

    @pytest.mark.parametrize(("cycle", "days"), [("monthly", 28), ("monthly", 30), ("annually", 365), ("annually", -1)])
    def test_a_window_that_is_not_shorter_than_the_cycle_blocks(self, cycle: str, days: int) -> None:
        for now in (EXPIRY - 400 * DAY, EXPIRY - DAY):
            decision = _decide(declaration(remaining_days=days), subscription(billing_cycle=cycle), now=now)
            assert _outcome(decision) == ("blocked", "invalid_window")
            assert str(days) in decision.message

    def test_enough_time_is_said_in_whole_days_rounded_down(self) -> None:
        decision = _decide(now=EXPIRY - 31 * DAY + SECOND)
        assert _outcome(decision) == ("current", "enough_time")
        assert decision.message.startswith("30 days left, expires 2026-12-05T00:00:00Z")


@pytest.mark.parametrize("concept", ["expires_at", "plan", "services", "quantity", "billing_cycle"])
class TestEssentials:
    @pytest.mark.faults(49, 53, 65)
    def test_one_that_is_neither_reported_nor_declared_blocks(self, concept: str) -> None:
        decision = _decide(reported=subscription(**{concept: unreported(concept)}))
        assert _outcome(decision) == ("blocked", "cannot_determine")
        assert concept in decision.message

    @pytest.mark.faults(49, 65)
    def test_one_that_cannot_be_read_and_is_not_declared_blocks(self, concept: str) -> None:
        decision = _decide(full_declaration(**{concept: None}), subscription(**{concept: unreadable(concept)}))
        assert _outcome(decision) == ("blocked", "cannot_determine")

    def test_one_that_is_declared_stands_in(self, concept: str) -> None:
        decision = _decide(full_declaration(), subscription(**{concept: unreported(concept)}))
        assert decision.order == _decide().order
        assert "declared" not in decision.message

    def test_one_that_is_declared_stands_in_for_what_cannot_be_read_and_that_is_said(self, concept: str) -> None:
        decision = _decide(full_declaration(), subscription(**{concept: unreadable(concept)}))
        assert decision.order == _decide().order
        assert decision.message.endswith(f"; declared, since {concept}: x cannot be read: nonsense")


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        pytest.param({"quantity": 50}, ("50", "100"), id="quantity"),
        pytest.param({"billing_cycle": "monthly"}, ("monthly", "annually"), id="cycle"),
        pytest.param({"expires_at": utc(2026, 12, 7)}, ("2026-12-07", "2026-12-05"), id="expiry"),
        pytest.param({"plan": "Ultimate Plan"}, ("Ultimate Plan", "Enterprise Plan"), id="plan"),
        pytest.param({"services": ("Recording Minutes",)}, ("Recording Minutes", "High Availability"), id="services"),
    ],
)
def test_a_contradiction_blocks_and_says_both_values(declared: dict[str, Any], values: tuple[str, str]) -> None:
    decision = _decide(declaration(**declared))
    assert _outcome(decision) == ("blocked", "contradiction")
    assert all(value in decision.message for value in values)


@pytest.mark.parametrize("other", [utc(2026, 11, 1), utc(2027, 1, 5), utc(2030, 1, 1)])
def test_another_expiry_is_told_and_decides_nothing(other: datetime) -> None:
    decision = _decide(reported=subscription(other_expiries=(("recordingExpireDate", other),)))
    assert decision.order == _decide().order
    assert f"; recordingExpireDate is {other:%Y-%m-%dT%H:%M:%SZ}" in decision.message


@pytest.mark.parametrize(
    ("declared", "outcome"),
    [
        pytest.param(None, ("blocked", "cannot_determine"), id="nothing-declared"),
        pytest.param(EXPIRY, ("due", "in_window"), id="the-first"),
        pytest.param(utc(2027, 6, 5), ("current", "enough_time"), id="the-second"),
        pytest.param(utc(2028, 6, 5), ("blocked", "contradiction"), id="another-that-is-not-due"),
        pytest.param(EXPIRY + DAY, ("blocked", "contradiction"), id="another-that-is-due"),
    ],
)
def test_of_two_expiries_that_disagree_the_declared_one_counts(
    declared: Optional[datetime], outcome: tuple[str, str]
) -> None:
    two = Undetermined("expires_at", "expires_at: they disagree", True, (EXPIRY, utc(2027, 6, 5)))
    assert _outcome(_decide(declaration(expires_at=declared), subscription(expires_at=two))) == outcome


def test_a_declared_cycle_that_contradicts_what_can_be_read_does_not_narrow_the_window() -> None:
    cycle = Undetermined("billing_cycle", "billing_cycle: cycle cannot be read", True, ("annually",))
    decision = _decide(declaration(billing_cycle="monthly"), subscription(billing_cycle=cycle))
    assert _outcome(decision) == ("blocked", "contradiction")


def test_a_plan_with_an_old_id_is_ordered_as_declared_and_that_is_said() -> None:
    reported = subscription(plan=Offer("5", "Enterprise Plan"))
    decision = _decide(declaration(plan="Enterprise Plan"), reported)
    assert decision.order == _decide().order
    assert "; declared, since plan Enterprise Plan (id 5) is not in the portal's catalog" in decision.message
    assert _outcome(_decide(reported=reported)) == ("blocked", "cannot_determine")


@pytest.mark.parametrize(
    ("plan", "seen", "outcome"),
    [
        ("Enterprise Plan", (Offer(ENTERPRISE.id, None),), ("due", "in_window")),
        ("Ultimate Plan", (Offer(ENTERPRISE.id, None),), ("blocked", "contradiction")),
        ("Ultimate Plan", (Offer(ENTERPRISE.id, None), Offer(None, "ultimate plan")), ("due", "in_window")),
    ],
)
def test_a_declared_plan_is_held_against_what_can_be_read(
    plan: str, seen: tuple[Offer, ...], outcome: tuple[str, str]
) -> None:
    reported = subscription(plan=Undetermined("plan", "plan: planName cannot be read", True, seen))
    assert _outcome(_decide(declaration(plan=plan), reported)) == outcome


@pytest.mark.parametrize(
    ("services", "outcome"),
    [
        (("High Availability",), ("due", "in_window")),
        (("High Availability", "Recording Minutes"), ("due", "in_window")),
        (("Recording Minutes",), ("blocked", "contradiction")),
        ((), ("blocked", "contradiction")),
        (None, ("blocked", "cannot_determine")),
    ],
)
def test_declared_services_decide_about_the_doubtful_ones_and_no_others(
    services: Optional[tuple[str, ...]], outcome: tuple[str, str]
) -> None:
    doubtful = Undetermined(
        "services", "services: Recording Minutes is doubtful", True, (Between((HA,), (HA, RECORDING)),)
    )
    decision = _decide(declaration(services=services), subscription(services=doubtful))
    assert _outcome(decision) == outcome
    if decision.reason == "contradiction":
        assert "the portal says [High Availability] or [High Availability, Recording Minutes]" in decision.message


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [
        pytest.param(EXPIRY, ("due", "in_window"), id="the-same"),
        pytest.param(EXPIRY + DAY - SECOND, ("due", "in_window"), id="less-than-a-day-apart"),
        pytest.param(EXPIRY - DAY, ("blocked", "expected_expiry"), id="a-day-earlier"),
        pytest.param(utc(2025, 12, 5), ("blocked", "expected_expiry"), id="a-cycle-earlier"),
    ],
)
def test_an_expiry_other_than_expected_blocks(expected: datetime, outcome: tuple[str, str]) -> None:
    decision = _decide(declaration(expected_expiry=expected))
    assert _outcome(decision) == outcome
    if decision.state == "blocked":
        assert expected.strftime("%Y-%m-%d") in decision.message
        assert "2026-12-05" in decision.message


def test_one_that_was_renewed_meanwhile_is_current_though_another_expiry_was_expected() -> None:
    renewed = subscription(expires_at=utc(2027, 12, 5))
    assert _decide(declaration(expected_expiry=EXPIRY), renewed).state == "current"


def test_that_an_expected_expiry_is_not_the_declared_one_is_not_said_of_the_portal() -> None:
    declared = full_declaration(expected_expiry=utc(2026, 12, 1))
    decision = _decide(declared, subscription(expires_at=unreported("expires_at")))
    assert _outcome(decision) == ("blocked", "expected_expiry")
    assert "the portal says 2026-12-05" not in decision.message


class TestExpired:
    @pytest.mark.parametrize(
        ("ago", "include_expired", "outcome"),
        [
            pytest.param(-SECOND, False, ("due", "in_window"), id="a-second-before"),
            pytest.param(timedelta(0), False, ("blocked", "expired"), id="at-the-instant"),
            pytest.param(SECOND, False, ("blocked", "expired"), id="a-second-ago"),
            pytest.param(900 * DAY, False, ("blocked", "expired"), id="years-ago"),
            pytest.param(timedelta(0), True, ("due", "in_window"), id="at-the-instant-included"),
            pytest.param(SECOND, True, ("due", "in_window"), id="a-second-ago-included"),
        ],
    )
    def test_what_has_expired_is_ordered_only_when_included(
        self, ago: timedelta, include_expired: bool, outcome: tuple[str, str]
    ) -> None:
        decision = _decide(rules=policy(include_expired=include_expired), now=EXPIRY + ago)
        assert _outcome(decision) == outcome
        assert ("include_expired" in decision.message) == (decision.state == "blocked")

    @pytest.mark.parametrize(
        ("span", "now", "outcome"),
        [
            pytest.param(ANYWHERE, EXPIRY - 14 * HOUR - SECOND, ("due", "in_window"), id="before-its-earliest"),
            pytest.param(ANYWHERE, EXPIRY - 14 * HOUR, ("blocked", "may_have_expired"), id="at-its-earliest"),
            pytest.param(ANYWHERE, EXPIRY + 12 * HOUR - SECOND, ("blocked", "may_have_expired"), id="up-to-its-latest"),
            pytest.param(ANYWHERE, EXPIRY + 12 * HOUR, ("blocked", "expired"), id="from-its-latest"),
            pytest.param(IN_SHANGHAI, EXPIRY - 8 * HOUR - SECOND, ("due", "in_window"), id="before-it-in-its-zone"),
            pytest.param(IN_SHANGHAI, EXPIRY - 8 * HOUR, ("blocked", "expired"), id="from-it-in-its-zone"),
        ],
    )
    def test_one_whose_zone_is_not_told_is_not_bought_once_it_may_have_expired(
        self, span: Span, now: datetime, outcome: tuple[str, str]
    ) -> None:
        reported = subscription(span=span)
        refused = _decide(reported=reported, now=now)
        assert _outcome(refused) == outcome
        assert ("may have expired" in refused.message) == (outcome[1] == "may_have_expired")
        assert ("set time_zone" in refused.message) == (outcome[1] == "may_have_expired")
        assert _decide(reported=reported, rules=policy(include_expired=True), now=now).state == "due"
        renewing_itself = _decide(reported=replace(reported, auto_renewal=True), now=now)
        assert renewing_itself.state == ("blocked" if outcome[1] == "expired" else "skipped")

    @pytest.mark.parametrize(
        ("declared", "span", "outcome"),
        [
            pytest.param(EXPIRY + 8 * HOUR, None, ("due", "in_window"), id="with-its-zone"),
            pytest.param(EXPIRY - 8 * HOUR, None, ("blocked", "expired"), id="with-its-zone-and-past"),
            pytest.param(EXPIRY, ANYWHERE, ("blocked", "may_have_expired"), id="no-more-exactly-than-the-portal"),
        ],
    )
    def test_a_declared_expiry_tells_when_it_expires_if_it_may_be_that(
        self, declared: datetime, span: Optional[Span], outcome: tuple[str, str]
    ) -> None:
        stated = declaration(expires_at=declared, span=span)
        decision = _decide(stated, subscription(span=ANYWHERE), now=EXPIRY)
        assert _outcome(decision) == outcome
        assert decision.expires_at == EXPIRY, "the reading stays what the ledger keeps"

    def test_a_declared_expiry_that_the_portals_cannot_be_is_a_contradiction(self) -> None:
        reported = subscription(span=ANYWHERE)
        for hours, reason in ((12, "in_window"), (-14, "in_window"), (24, "contradiction"), (-24, "contradiction")):
            decision = _decide(declaration(expires_at=EXPIRY + hours * HOUR), reported)
            assert decision.reason == reason, hours

    def test_a_declared_date_without_a_zone_is_no_more_exact_than_the_portals(self) -> None:
        """Else one that is a day off would put off the instant from which it may have expired."""
        for hours in (23, 24, 48):
            later = Span(ANYWHERE.earliest + hours * HOUR, ANYWHERE.latest + hours * HOUR)
            stated = declaration(expires_at=EXPIRY + hours * HOUR, span=later)
            decision = _decide(stated, subscription(span=ANYWHERE), now=EXPIRY - HOUR)
            assert decision.state == "blocked", hours

    def test_an_expected_expiry_is_one_day_and_no_other(self) -> None:
        date = Span(EXPIRY - 14 * HOUR, EXPIRY + 36 * HOUR)
        for days, reason in ((0, "in_window"), (-1, "expected_expiry"), (1, "expected_expiry"), (2, "expected_expiry")):
            decision = _decide(declaration(expected_expiry=EXPIRY + days * DAY), subscription(span=date))
            assert decision.reason == reason, days

    def test_a_date_is_due_by_its_earliest_instant(self) -> None:
        reported = subscription(span=ANYWHERE)
        assert _decide(reported=reported, now=EXPIRY - 30 * DAY - 14 * HOUR).state == "due"
        early = _decide(reported=reported, now=EXPIRY - 30 * DAY - 14 * HOUR - SECOND)
        assert early.message == (
            "30 days left, expires 2026-12-05T00:00:00Z (UTC assumed); renewal is due 30 days before, from"
            " 2026-11-04T10:00:00Z on"
        )

    @pytest.mark.parametrize("include_expired", [False, True])
    def test_what_has_expired_with_auto_renewal_on_is_for_a_person(self, include_expired: bool) -> None:
        reported = subscription(auto_renewal=True)
        decision = _decide(reported=reported, rules=policy(include_expired=include_expired), now=EXPIRY)
        assert _outcome(decision) == ("blocked", "expired")
        assert "auto-renewal" in decision.message


@pytest.mark.parametrize(
    ("auto_renewal", "outcome"),
    [
        pytest.param(True, ("skipped", "auto_renewal"), id="on"),
        pytest.param(False, ("due", "in_window"), id="off"),
        pytest.param(unreported("auto_renewal"), ("due", "in_window"), id="not-reported"),
    ],
)
def test_auto_renewal_decides_who_renews(auto_renewal: Any, outcome: tuple[str, str]) -> None:
    assert _outcome(_decide(reported=subscription(auto_renewal=auto_renewal))) == outcome


def test_a_pending_switch_of_plans_blocks_and_is_named() -> None:
    decision = _decide(reported=subscription(pending_plan="Basic Plan"))
    assert _outcome(decision) == ("blocked", "plan_switch_pending")
    assert "Basic Plan" in decision.message


class TestEarlierOrders:
    @pytest.mark.faults(65)
    @pytest.mark.parametrize("status", ["pending", "confirming", "confirmed", "", "succeeded", "unheard of"])
    @pytest.mark.parametrize(
        ("age", "outcome"),
        [
            (0 * DAY, ("pending", "already_ordered")),
            (DAY, ("pending", "already_ordered")),
            (DAY + SECOND, ("blocked", "overdue_order")),
            (300 * DAY, ("blocked", "overdue_order")),
            (None, ("blocked", "overdue_order")),
        ],
    )
    def test_an_open_one_is_pending_for_a_day_and_then_for_a_person(
        self, status: str, age: Optional[timedelta], outcome: tuple[str, str]
    ) -> None:
        opened = order(status=status, created_at=None if age is None else NOW - age)
        decision = _decide(known=evidence(opened))
        assert _outcome(decision) == outcome
        assert decision.known_order == opened and decision.order is None
        assert "BN77" in decision.message and "yeastar_pce_ledger" in decision.message

    @pytest.mark.parametrize("status", ["confirming", "confirmed", "completed", "", "unheard of"])
    def test_one_with_an_unknown_status_does_not_keep_the_next_term_from_being_renewed(self, status: str) -> None:
        known_as_renewed = intent(
            status=IntentStatus.RENEWED, order_no="BN77", expires_at=EXPIRY - 365 * DAY, uncertain_since=NOW - 360 * DAY
        )
        late = order(status=status, created_at=NOW - 300 * DAY)
        assert _decide(known=evidence(late)).reason == "overdue_order"
        assert _decide(known=evidence(late, intents={SN: (known_as_renewed,)})).state == "due"
        assert _decide(known=evidence(replace(late, po_number="RN20251205-0123abcd"))).state == "due"
        assert _decide(known=evidence(replace(late, created_at=TERM_BEGAN + 3 * DAY))).state == "due"

    def test_one_that_is_unpaid_counts_however_old_it_is(self) -> None:
        unpaid = order(status="pending", created_at=TERM_BEGAN - 30 * DAY)
        assert _decide(known=evidence(unpaid)).reason == "overdue_order"
        assert _decide(known=evidence(replace(unpaid, po_number="RN20251205-0123abcd"))).reason == "overdue_order"

    @pytest.mark.parametrize("said", [("BN77",), ("77",)], ids=["by its number", "by its id"])
    def test_one_that_is_called_unrelated_does_not_count_for_that_pbx_alone(self, said: tuple[str]) -> None:
        opened = order(status="pending", created_at=NOW)
        assert _decide(known=evidence(opened, unrelated=frozenset({(SN.lower(), *said)}))).state == "due"
        assert _decide(known=evidence(opened, unrelated=frozenset({("other", *said)}))).state == "pending"

    @pytest.mark.faults(63)
    @pytest.mark.parametrize(
        ("changes", "outcome"),
        [
            ({"status": "pending", "created_at": TERM_BEGAN - 30 * DAY}, "blocked/recent_order"),
            ({"status": "a new word"}, "blocked/recent_order"),
            ({"status": "a new word", "created_at": TERM_BEGAN - DAY}, "due/in_window"),
            ({}, "blocked/recent_order"),
            ({"created_at": None}, "blocked/recent_order"),
            ({"created_at": TERM_BEGAN}, "due/in_window"),
        ],
    )
    def test_one_that_may_be_of_any_pbx_may_be_the_renewal_of_this_one(
        self, changes: dict[str, Any], outcome: str
    ) -> None:
        unplaced = ((order(product_no=None, **changes), "neither list nor detail tells"),)
        decision = _decide(known=evidence(unplaced=unplaced))
        assert f"{decision.state}/{decision.reason}" == outcome
        if decision.state == "blocked":
            for said in ("neither list nor detail tells which PBX order BN77", "outcome: unrelated, order_no: BN77"):
                assert said in decision.message
        unrelated = frozenset({(SN.lower(), "BN77")})
        assert _decide(known=evidence(unplaced=unplaced, unrelated=unrelated)).state == "due"
        elsewhere = evidence(unplaced=unplaced, unrelated=frozenset({("other", "BN77")}))
        assert _decide(known=elsewhere).state == decision.state

    @pytest.mark.faults(76)
    @pytest.mark.parametrize(
        ("expired_for", "open_for", "outcome"),
        [
            (-SECOND, 400 * DAY, ("blocked", "overdue_order")),
            (0 * DAY, DAY, ("pending", "already_ordered")),
            (0 * DAY, DAY + SECOND, ("blocked", "overdue_order")),
            (8 * DAY, None, ("blocked", "overdue_order")),
        ],
    )
    def test_an_open_one_does_not_let_a_pbx_lapse_unseen(
        self, expired_for: timedelta, open_for: Optional[timedelta], outcome: tuple[str, str]
    ) -> None:
        opened = order(status="pending", created_at=None if open_for is None else NOW - open_for)
        reported = subscription(expires_at=NOW - expired_for)
        decision = _decide(reported=reported, known=evidence(opened), rules=policy(include_expired=True))
        assert _outcome(decision) == outcome
        assert decision.known_order == opened and "BN77" in decision.message
        is_expired = expired_for >= 0 * DAY and outcome[0] == "blocked"
        assert decision.message.startswith("it has expired on") == is_expired

    @pytest.mark.parametrize(
        ("created_at", "outcome"),
        [
            pytest.param(NOW, ("blocked", "recent_order"), id="now"),
            pytest.param(TERM_BEGAN + 3 * DAY + SECOND, ("blocked", "recent_order"), id="after-the-tolerance"),
            pytest.param(None, ("blocked", "recent_order"), id="no-date"),
            pytest.param(TERM_BEGAN + 3 * DAY, ("due", "in_window"), id="at-the-tolerance"),
            pytest.param(TERM_BEGAN, ("due", "in_window"), id="the-one-that-opened-the-term"),
            pytest.param(TERM_BEGAN - 30 * DAY, ("due", "in_window"), id="the-one-placed-before-the-term"),
        ],
    )
    def test_one_that_is_done_blocks_if_it_belongs_to_this_term(
        self, created_at: Optional[datetime], outcome: tuple[str, str]
    ) -> None:
        decision = _decide(known=evidence(order(created_at=created_at)))
        assert _outcome(decision) == outcome
        assert ("BN77" in decision.message) == (outcome[0] == "blocked")

    def test_one_with_a_tag_for_another_expiry_is_what_led_to_this_term_however_late_it_was(self) -> None:
        late = order(status="succeed", po_number="RN20251205-0123abcd", created_at=NOW - 300 * DAY)
        assert _decide(known=evidence(late)).state == "due"
        of_this_expiry = replace(late, po_number="RN20261205-0123abcd", created_at=NOW)
        assert _decide(known=evidence(of_this_expiry)).reason == "awaiting_expiry"
        assert _decide(known=evidence(replace(of_this_expiry, created_at=NOW - 2 * DAY))).reason == "overdue_order"
        assert _decide(known=evidence(replace(late, po_number="RN20261108-0123abcd"))).state == "due"
        assert _decide(known=evidence(replace(late, po_number="RN20261109-0123abcd"))).reason == "recent_order"
        assert _decide(known=evidence(replace(late, po_number="PO-1"))).reason == "recent_order"

    @pytest.mark.parametrize("status", ["failed", "invalid", "cancelled", "refunded"])
    def test_a_dead_one_does_not_count(self, status: str) -> None:
        assert _decide(known=evidence(order(status=status, created_at=None))).state == "due"

    def test_an_open_one_counts_among_many(self) -> None:
        orders = (order(status="failed"), order(status="succeed"), order(status="pending", order_no="BN78"))
        decision = _decide(known=evidence(*orders))
        assert decision.reason == "already_ordered"
        assert "BN78" in decision.message

    def test_one_of_another_pbx_does_not_count(self) -> None:
        assert _decide(known=evidence(orders={"OTHER": (order(status="pending"),)})).state == "due"

    def test_an_open_one_counts_before_catalog_and_contact(self) -> None:
        known = Evidence(Catalog(), (), {SN: (order(status="pending", created_at=NOW),)})
        assert _decide(known=known).state == "pending"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"catalog": Catalog()}, "cannot_determine", id="plan-not-in-the-catalog"),
        pytest.param({"catalog": replace(catalog(), services=())}, "cannot_determine", id="service-not-in-the-catalog"),
        pytest.param({"contacts": ()}, "billing_contact", id="no-contact"),
        pytest.param({"contacts": (contact(), contact(billing_contact_id="2"))}, "billing_contact", id="two-contacts"),
    ],
)
def test_evidence_that_does_not_settle_the_order_blocks(changes: dict[str, Any], reason: str) -> None:
    assert _outcome(_decide(known=evidence(**changes))) == ("blocked", reason)


@pytest.mark.parametrize(
    ("declared", "of_the_run", "chosen"),
    [("1", None, "1"), (None, "2", "2"), ("1", "2", "1"), ("anne@example.com", "2", "1")],
)
def test_the_pbxs_own_contact_wins_over_the_runs(declared: Any, of_the_run: Any, chosen: str) -> None:
    contacts = (contact(billing_contact_id="1", email="anne@example.com"), contact(billing_contact_id="2"))
    rules = policy(billing_contact=of_the_run)
    decision = _decide(declaration(billing_contact=declared), known=evidence(contacts=contacts), rules=rules)
    assert decision.order is not None
    assert decision.order.billing_contact_id == chosen


def test_what_is_screened_as_due_comes_back_as_terms_without_evidence() -> None:
    plan = Offer(None, "Enterprise Plan")
    screened = _planner.screen(declaration(), subscription(plan=plan), policy(), NOW)
    assert screened == terms(plan=plan)
