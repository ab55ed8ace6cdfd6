# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a run's due orders back: prices, caps, changes since the plan, and what counts as one cycle."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import changes as _changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import planner as _planner
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import prices as _prices
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    EXPIRY,
    HA,
    NOW,
    RECORDING,
    SECOND,
    ULTIMATE,
    UNKNOWN_PRICE,
    declaration,
    due_decision,
    evidence,
    plan_of,
    policy,
    subscription,
    usd,
    utc,
)


def _fresh(remaining_days: Optional[int] = None, **reported: Any) -> Decision:
    declared = declaration(remaining_days=remaining_days)
    return _planner.decide(declared, subscription(**reported), evidence(), policy(), NOW)


def _outcome(decision: Decision) -> tuple[str, str]:
    assert (decision.order is not None) == (decision.state == "due")
    return decision.state, decision.reason


@pytest.mark.faults(53)
@pytest.mark.parametrize(
    ("price", "limits", "reason"),
    [
        pytest.param(usd("100"), {}, "in_window", id="no-limit"),
        pytest.param(None, {}, "in_window", id="unknown-and-no-limit"),
        pytest.param(usd("100"), {"max_amount_per_item": Decimal("100.00")}, "in_window", id="at-the-limit"),
        pytest.param(usd("100.01"), {"max_amount_per_item": Decimal(100)}, "price_limit", id="above-the-limit"),
        pytest.param(usd("1"), {"max_amount_per_item": Decimal(0)}, "price_limit", id="limit-zero"),
        pytest.param(Money(Decimal(1), "RMB"), {"currency": "USD"}, "price_limit", id="other-currency"),
        pytest.param(usd("1"), {"currency": "USD"}, "in_window", id="right-currency"),
        pytest.param(None, {"max_amount_per_item": Decimal(100)}, "unknown_price", id="unknown-with-item-limit"),
        pytest.param(None, {"max_total": Decimal(100)}, "unknown_price", id="unknown-with-total-limit"),
        pytest.param(None, {"currency": "USD"}, "unknown_price", id="unknown-with-currency"),
        pytest.param(None, {"on_unknown_price": "block"}, "unknown_price", id="unknown-and-blocked"),
        pytest.param(None, {"on_unknown_price": "allow", "max_total": Decimal(1)}, "in_window", id="unknown-allowed"),
    ],
)
def test_a_price_is_held_against_the_limits(price: Optional[Money], limits: dict[str, Any], reason: str) -> None:
    decision = _prices.priced(due_decision(), price or UNKNOWN_PRICE, policy(**limits))
    assert _outcome(decision) == ("due" if reason == "in_window" else "blocked", reason)
    assert decision.price == price


class TestCaps:
    @pytest.mark.parametrize(("due", "cap", "excess"), [(2, 2, False), (3, 2, True), (1, 0, True), (0, 0, False)])
    def test_more_orders_than_allowed_means_none_at_all(self, due: int, cap: int, excess: bool) -> None:
        left_alone = _planner.not_found("X", list("ABCDE"))
        decisions = [due_decision(f"SN{number}") for number in range(due)]
        plan = plan_of([left_alone, *decisions], policy(max_orders=cap))
        assert (plan.excess is not None) == excess
        assert sum(decision.order is not None for decision in plan.decisions) == (0 if excess else due)
        assert plan.decisions[-1] == left_alone
        if excess:
            assert {_outcome(decision) for decision in plan.decisions[:-1]} == {("not_attempted", "max_orders")}
            assert str(plan.excess).startswith(f"{due} subscriptions are due and max_orders is {cap}")

    @pytest.mark.parametrize(
        ("prices", "excess"),
        [
            pytest.param((usd("60"), usd("40")), False, id="at-the-limit"),
            pytest.param((usd("60"), usd("40.01")), True, id="above-the-limit"),
            pytest.param((usd("1"), Money(Decimal(1), "RMB")), True, id="two-currencies"),
            pytest.param((usd("100"), None), False, id="unknown-does-not-count"),
        ],
    )
    def test_the_total_of_the_orders_is_capped(self, prices: tuple[Optional[Money], ...], excess: bool) -> None:
        decisions = [due_decision(f"SN{number}", price=price) for number, price in enumerate(prices)]
        plan = plan_of(decisions, policy(max_total=Decimal(100), currency="USD"))
        assert {decision.reason for decision in plan.decisions} == ({"max_total"} if excess else {"in_window"})
        assert ("max_total is 100 USD" in str(plan.excess)) == excess

    def test_what_is_not_due_does_not_count(self) -> None:
        blocked = _planner.settled(due_decision("A", price=usd("999")), Reason.PRICE_LIMIT, "too much")
        plan = plan_of([due_decision("B", price=usd("1")), blocked], policy(max_orders=1, max_total=Decimal(1)))
        assert plan.excess is None

    def test_the_plan_is_sorted_by_serial_number(self) -> None:
        plan = _planner.make_plan([due_decision(number) for number in ("B", "C", "A")])
        assert [decision.product_no for decision in plan.decisions] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("reported", "change"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"expires_at": EXPIRY + DAY - SECOND}, None, id="expiry-within-the-day"),
        pytest.param({"comment": "moved", "activation_status": "x"}, None, id="what-the-order-does-not-say"),
        pytest.param(
            {"expires_at": EXPIRY + DAY}, "expires_at 2026-12-05T00:00:00Z -> 2026-12-06T00:00:00Z", id="expiry"
        ),
        pytest.param({"quantity": 101}, "quantity 100 -> 101", id="quantity"),
        pytest.param({"billing_cycle": "monthly"}, "billing_cycle annually -> monthly", id="cycle"),
        pytest.param({"plan": ULTIMATE}, "plan Enterprise Plan -> Ultimate Plan", id="plan"),
        pytest.param({"services": ()}, "services High Availability -> none", id="services-none"),
        pytest.param(
            {"services": (RECORDING, HA)},
            "services High Availability -> High Availability, Recording Minutes",
            id="services-one-more",
        ),
    ],
)
def test_what_changed_since_the_plan_is_said_as_old_and_new(reported: dict[str, Any], change: Optional[str]) -> None:
    fresh = _fresh(remaining_days=20, **reported)
    assert _changes.changed_since(due_decision(), fresh) == ([] if change is None else [change])


def test_every_change_is_said() -> None:
    fresh = _fresh(quantity=5, plan=ULTIMATE, services=(), expires_at=utc(2026, 12, 8))
    changes = _changes.changed_since(due_decision(), fresh)
    assert [change.split()[0] for change in changes] == ["expires_at", "quantity", "plan", "services"]


def test_a_price_that_changed_or_is_told_no_more_is_said() -> None:
    planned = due_decision(price=usd("10"))
    assert _changes.changed_since(planned, due_decision(price=usd("12"))) == [f"price {usd('10')} -> {usd('12')}"]
    assert _changes.changed_since(planned, due_decision()) == [f"price {usd('10')} -> unknown"]


def test_only_what_is_due_can_be_compared() -> None:
    with pytest.raises(ValueError, match="due"):
        _changes.changed_since(due_decision(), _planner.settled(due_decision(), Reason.RECENT_ORDER, "x"))


def test_a_pbx_that_is_not_in_the_account_has_failed() -> None:
    decision = _planner.not_found("X", list("ABCDE"))
    assert _outcome(decision) == ("failed", "not_found")
    assert "X" in decision.message
    assert "5" in decision.message


def test_a_pbx_that_is_not_there_in_these_letters_is_told_beside_the_one_that_is() -> None:
    assert _planner.not_found("3658b431", ["1111A", "3658B431"]).message.endswith("(it has 3658B431)")
    hidden = "36\ufffd(8203)58B431"
    assert _planner.not_found("3658B431", ["1111A", hidden]).message.endswith(f"(it has {hidden})")
