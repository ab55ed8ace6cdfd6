# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is decided: the plan of it fits its schema, says exact sums, and is not the same once anything is edited."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import caps_of, excess_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import make_plan, settled
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.saved_plan import LONGEST_VALIDITY, PlanError
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import document_of, read_plan, write_plan
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    EXPIRY,
    NOW,
    due_decision,
    policy,
    terms,
)
from tests.support.saved_plans import problems_of_plan

exact = settings(deadline=None, max_examples=150, derandomize=True)
PORTAL, ACCOUNT = "https://portal.example.com", "0123456789abcdef"

AMOUNTS = st.decimals(min_value=0, max_value=Decimal(10) ** 15 - 1, places=2) | st.decimals(0, 1, places=6)
MONEY = st.builds(Money, AMOUNTS, st.sampled_from(["USD", "RMB", "EUR"]))
NAMES = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
OFFERS = st.builds(Offer, st.integers(1, 2**64).map(str), NAMES)


@st.composite
def decisions(draw: st.DrawFn) -> list[Decision]:
    """Decisions about different PBXs, of which some are due."""
    drawn = []
    for number in draw(st.lists(st.integers(0, 10**15).map(lambda value: f"{value:016d}"), max_size=4, unique=True)):
        services = tuple(draw(st.lists(OFFERS, max_size=3, unique_by=lambda offer: offer.id)))
        cycle = draw(st.sampled_from(["annually", "monthly"]))
        ordered = terms(plan=draw(OFFERS), services=services, quantity=draw(st.integers(1, 10**6)), billing_cycle=cycle)
        after = add_cycles(ordered.expires_at, cycle)
        decision = due_decision(number, terms=ordered, expires_after=after, price=draw(st.none() | MONEY))
        drawn.append(decision if draw(st.integers(0, 4)) else settled(decision, Reason.EXPIRED, "it has expired"))
    return drawn


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    amounts = st.none() | AMOUNTS
    return policy(
        include_expired=draw(st.booleans()),
        max_orders=draw(st.none() | st.integers(0, 10_000)),
        max_total=draw(amounts),
        max_amount_per_item=draw(amounts),
        currency=draw(st.sampled_from([None, "USD"])),
        on_unknown_price=draw(st.sampled_from([None, "allow", "block"])),
    )


def leaves(node: Any) -> Iterator[Any]:
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from leaves(value) if isinstance(value, (dict, list)) else [value]


@exact
@given(decisions(), policies(), st.timedeltas(timedelta(seconds=1), LONGEST_VALIDITY))
def test_a_plan_fits_its_schema_holds_no_float_and_sums_exactly(
    decided: list[Decision], limits: Policy, valid_for: timedelta
) -> None:
    plan = document_of(decided, PORTAL, ACCOUNT, limits, NOW, valid_for)
    assert problems_of_plan(plan) == []
    assert not any(isinstance(leaf, float) for leaf in leaves(plan))
    due = [decision for decision in decided if decision.order is not None]
    assert [item["product_no"] for item in plan["items"]] == [decision.product_no for decision in due]
    for currency, amount in plan["totals"].items():
        known = [one.price.amount for one in due if one.price is not None and one.price.currency == currency]
        # In whole millionths, so that no context of Decimal rounds here either.
        assert int(Decimal(amount).scaleb(6)) == sum(int(one.scaleb(6)) for one in known)
    content = {key: value for key, value in plan.items() if key != "digest"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert plan["digest"] == hashlib.sha256(canonical).hexdigest()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans") / "plan.json"


@exact
@given(decisions(), policies())
def test_a_plan_that_was_saved_is_read_as_it_was_and_approves_just_itself(
    path: Path, decided: list[Decision], limits: Policy
) -> None:
    assume(excess_of(caps_of(limits, ""), make_plan(decided).reservations(), ()) is None)  # else no plan is saved
    plan = document_of(decided, PORTAL, ACCOUNT, limits, NOW, DAY)
    write_plan(str(path), plan)
    assert json.loads(path.read_text(encoding="utf-8")) == plan
    read = read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)
    for decision in decided:
        if decision.order is not None:
            assert read.hold(decision) == decision
            later = replace(decision, expires_at=EXPIRY + 30 * DAY)
            assert read.hold(later).order is None
            more = replace(decision, terms=replace(decision.terms, quantity=decision.terms.quantity + 1))
            assert read.hold(more).order is None


def edits(node: Any) -> Iterator[Any]:
    """The document with one leaf changed, for each of its leaves."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, (dict, list)):
            for edited in edits(value):
                yield {**node, key: edited} if isinstance(node, dict) else [*node[:key], edited, *node[key + 1 :]]
        else:
            other = not value if isinstance(value, bool) else f"{value}0"
            yield {**node, key: other} if isinstance(node, dict) else [*node[:key], other, *node[key + 1 :]]


@settings(exact, max_examples=20)
@given(decisions())
def test_whatever_is_edited_the_plan_is_refused(path: Path, decided: list[Decision]) -> None:
    plan = document_of(decided, PORTAL, ACCOUNT, policy(), NOW, DAY)
    for edited in edits(plan):
        path.write_text(json.dumps(edited), encoding="utf-8")
        with pytest.raises(PlanError, match="has been edited since it was made"):
            read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)
