# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers about one PBX that do not agree: nobody knows which is right until a declaration says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.agreement import (
    CONCEPTS,
    Answer,
    disagreements,
    merge_rows,
    reconciled,
    without_lag,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    ENTERPRISE,
    EXPIRY,
    HA,
    RECORDING,
    SN,
    ULTIMATE,
    declaration,
    silent_subscription,
    subscription,
    unreported,
    utc,
)

HOUR = timedelta(hours=1)
OTHER: dict[str, Any] = {
    "expires_at": utc(2026, 12, 8),
    "plan": ULTIMATE,
    "services": (RECORDING,),
    "quantity": 1,
    "billing_cycle": "monthly",
}
DECLARED: dict[str, Any] = {
    "expires_at": EXPIRY,
    "plan": "enterprise plan",
    "services": ("High Availability",),
    "quantity": 100,
    "billing_cycle": "annually",
}
DECLARED_OTHERWISE: dict[str, Any] = {
    "expires_at": utc(2026, 12, 8, 9),
    "plan": "3048572026291630080",
    "services": ("Recording Minutes",),
    "quantity": 1,
    "billing_cycle": "monthly",
}


def _answers(listed: Subscription, detail: Subscription) -> list[Answer]:
    return [
        Answer("the product list", listed, {"quantity": ["extensionNum"]}),
        Answer("the detail", detail, {"quantity": ["extensions", "quantity"]}),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"expires_at": EXPIRY + timedelta(hours=23)},
        {"plan": Offer(None, "ENTERPRISE plan ")},
        {"plan": Offer(ENTERPRISE.id, None)},
        {"services": (Offer(HA.id, "HA"),)},
        {name: unreported(name) for name in CONCEPTS},
    ],
)
def test_answers_that_say_the_same_in_other_words_agree(other: dict[str, Any]) -> None:
    assert disagreements(_answers(subscription(), subscription(**other))) == []
    assert disagreements(_answers(subscription(**other), subscription())) == []


@pytest.mark.parametrize("concept", CONCEPTS)
def test_what_two_answers_say_differently_is_not_known_and_named_with_both_values(concept: str) -> None:
    listed, detail = subscription(**{concept: OTHER[concept]}), subscription()
    value = getattr(reconciled(detail, _answers(listed, detail), None), concept)
    assert isinstance(value, Undetermined) and value.reported and value.concept == concept
    for said in ("the product list says ", "the detail says ", f"declare {concept}"):
        assert said in value.why


def test_the_fields_are_named() -> None:
    listed, detail = subscription(quantity=1), subscription()
    value = reconciled(detail, _answers(listed, detail), declaration()).quantity
    assert isinstance(value, Undetermined)
    assert "the product list says 1 (extensionNum) and the detail says 100 (extensions, quantity)" in value.why


@pytest.mark.parametrize("concept", CONCEPTS)
def test_what_is_declared_as_the_detail_has_it_counts(concept: str) -> None:
    listed, detail = subscription(**{concept: OTHER[concept]}), subscription()
    declared = declaration(**{concept: DECLARED[concept]})
    assert reconciled(detail, _answers(listed, detail), declared) == detail


@pytest.mark.parametrize("concept", ["expires_at", "quantity"])
def test_an_expiry_or_a_quantity_may_also_be_that_of_the_list(concept: str) -> None:
    listed, detail = subscription(**{concept: OTHER[concept]}), subscription()
    declared = declaration(**{concept: DECLARED_OTHERWISE[concept]})
    assert getattr(reconciled(detail, _answers(listed, detail), declared), concept) == OTHER[concept]


@pytest.mark.parametrize("concept", ["plan", "services", "billing_cycle"])
def test_a_plan_that_only_the_list_has_is_left_to_contradict_the_declaration(concept: str) -> None:
    listed, detail = subscription(**{concept: OTHER[concept]}), subscription()
    declared = declaration(**{concept: DECLARED_OTHERWISE[concept]})
    assert reconciled(detail, _answers(listed, detail), declared) == detail


def test_a_declared_expiry_that_neither_tells_settles_nothing() -> None:
    listed, detail = subscription(expires_at=OTHER["expires_at"]), subscription()
    declared = declaration(expires_at=utc(2027, 1, 20))
    assert isinstance(reconciled(detail, _answers(listed, detail), declared).expires_at, Undetermined)


@pytest.mark.parametrize("days", [-365, -30, -4, -1])
def test_an_expiry_that_the_detail_has_moved_on_from_is_not_renewed_by_whatever_is_declared(days: int) -> None:
    old = EXPIRY + timedelta(days=days)
    listed, detail = subscription(expires_at=old), subscription()
    value = reconciled(detail, _answers(listed, detail), declaration(expires_at=old)).expires_at
    assert isinstance(value, Undetermined) and value.seen == (EXPIRY,), "the declaration contradicts it"
    assert reconciled(detail, _answers(listed, detail), declaration(expires_at=EXPIRY)).expires_at == EXPIRY


@pytest.mark.parametrize(("cycle", "later"), [("annually", 365), ("monthly", 31), ("annually", 363)])
def test_an_expiry_is_not_renewed_by_where_the_list_has_it_a_cycle_later(cycle: str, later: int) -> None:
    """The detail may be the one that lags behind, and a declaration may have been written long ago."""
    listed = subscription(expires_at=EXPIRY + timedelta(days=later), billing_cycle=cycle)
    detail = subscription(billing_cycle=cycle)
    value = reconciled(detail, _answers(listed, detail), declaration(expires_at=EXPIRY)).expires_at
    assert isinstance(value, Undetermined) and value.seen == (listed.expires_at,)


def test_of_two_expiries_that_may_be_the_declared_one_the_nearest_counts_with_its_span() -> None:
    in_list, in_detail = (Span(EXPIRY + day, EXPIRY + day + DAY, "Asia/Shanghai") for day in (DAY, 0 * DAY))
    listed, detail = subscription(expires_at=EXPIRY + DAY, span=in_list), subscription(span=in_detail)
    seen = reconciled(detail, _answers(listed, detail), declaration(expires_at=EXPIRY, span=in_detail))
    assert (seen.expires_at, seen.span) == (EXPIRY, in_detail)
    undecided = reconciled(detail, _answers(listed, detail), None)
    assert isinstance(undecided.expires_at, Undetermined) and undecided.span is None


def test_of_several_rows_the_one_that_may_expire_first_counts() -> None:
    first = Span(EXPIRY - 8 * HOUR, EXPIRY - 8 * HOUR, "Asia/Shanghai")
    rows = [subscription(expires_at=EXPIRY + 5 * HOUR), subscription(span=first)]
    declared = declaration(plan="Enterprise Plan")
    seen = merge_rows(rows, [{}, {"x": 1}], declared)
    assert (seen.expires_at, seen.span) == (EXPIRY, first)


# --- a list that is older than the detail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycle", "before", "agree"),
    [
        ("annually", utc(2025, 12, 5), True),
        ("annually", utc(2025, 12, 3), True),
        ("annually", utc(2026, 11, 5), False),
        ("annually", utc(2024, 12, 5), False),
        ("annually", utc(2027, 12, 5), False),
        ("monthly", utc(2026, 11, 5), True),
        ("monthly", utc(2025, 12, 5), False),
        (unreported("billing_cycle"), utc(2025, 12, 5), True),
        (unreported("billing_cycle"), utc(2026, 11, 5), True),
    ],
)
def test_an_expiry_of_the_list_that_is_one_cycle_behind_is_only_old(cycle: Any, before: Any, agree: bool) -> None:
    detail = subscription(billing_cycle=cycle)
    listed = without_lag(subscription(billing_cycle=cycle, expires_at=before), detail)
    assert (disagreements(_answers(listed, detail)) == []) is agree


def test_a_list_that_names_no_services_may_just_not_have_them_but_a_detail_may_not() -> None:
    none = subscription(services=())
    assert disagreements(_answers(without_lag(none, subscription()), subscription())) == []
    assert disagreements(_answers(without_lag(subscription(), none), none)) == ["services"]


# --- several rows -----------------------------------------------------------------------------------------------------

TRIAL = {"planName": "Trial", "extensionNum": 5, "activationCode": "canary", "tags": [1], "expireDate": "2026-12-05"}
ROWS = (
    TRIAL,
    {**TRIAL, "planName": "Enterprise Plan", "extensionNum": 100, "activationCode": "other", "tags": [2], "x": 1},
)


def _of_rows(*found: Subscription, rows: Any = ROWS, **declared: Any) -> Subscription:
    return merge_rows(found, rows, declaration(**declared) if declared else None)


def test_a_pbx_that_is_listed_twice_is_known_as_far_as_the_rows_agree() -> None:
    seen = _of_rows(subscription(plan=ULTIMATE, quantity=5), subscription())
    assert (seen.expires_at, seen.services, seen.billing_cycle) == (EXPIRY, (HA,), "annually")
    assert isinstance(seen.plan, Undetermined) and isinstance(seen.quantity, Undetermined)
    for said in (
        f"the portal lists {SN} 2 times, in rows that differ in ",
        "planName ('Trial' and 'Enterprise Plan')",
        "extensionNum (5 and 100)",
        "tags (a list and a list)",
        "activationCode (a value and a value)",
        "x (nothing and 1)",
        "declare plan and quantity of the one to be renewed",
    ):
        assert said in seen.plan.why
    assert "canary" not in seen.plan.why


def test_fields_are_named_up_to_a_point_and_long_values_are_not_shown() -> None:
    rows = [{f"field{number}": "x" * 99 for number in range(9)}, {}]
    seen = _of_rows(subscription(plan=ULTIMATE), subscription(), rows=rows)
    assert isinstance(seen.plan, Undetermined)
    assert "field5 (text of 99 characters and nothing) and 3 more" in seen.plan.why


@pytest.mark.parametrize("concept", CONCEPTS)
def test_what_fits_one_row_alone_tells_them_apart(concept: str) -> None:
    other = subscription(**OTHER)
    assert _of_rows(other, subscription(), **{concept: DECLARED[concept]}) == subscription()
    assert _of_rows(other, subscription(), **{concept: DECLARED_OTHERWISE[concept]}) == other


def test_of_rows_that_fit_alike_only_what_they_agree_on_is_known() -> None:
    seen = _of_rows(subscription(quantity=5), subscription(), subscription(plan=ULTIMATE), plan="Enterprise Plan")
    assert seen.plan == ENTERPRISE and isinstance(seen.quantity, Undetermined)


def test_what_fits_no_row_tells_nothing_apart() -> None:
    seen = _of_rows(subscription(quantity=5), subscription(), quantity=7)
    assert isinstance(seen.quantity, Undetermined)


@pytest.mark.parametrize("build", [subscription, silent_subscription])
def test_rows_that_are_alike_want_the_plan_declared(build: Any) -> None:
    seen = _of_rows(build(), build(), rows=[TRIAL, TRIAL])
    assert isinstance(seen.plan, Undetermined) and "in identical rows; declare plan" in seen.plan.why
    assert _of_rows(build(), build(), rows=[TRIAL, TRIAL], plan="Enterprise Plan") == build()
    assert isinstance(_of_rows(build(), build(), rows=[TRIAL, TRIAL], quantity=100).plan, Undetermined)


def test_auto_renewal_or_a_pending_switch_in_any_row_counts() -> None:
    rows = (subscription(), replace(subscription(), auto_renewal=True, pending_plan="Basic Plan"))
    seen = _of_rows(*rows, plan="Enterprise Plan")
    assert seen.auto_renewal is True and seen.pending_plan == "Basic Plan"
