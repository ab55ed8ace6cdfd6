# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By how much a price may rise: from which price it counts, to the last digit, and what where there is none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import prices as _prices
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.saved_plan import SavedPlan
from ansible_collections.pbxops.yeastar.plugins.module_utils._model import money as _money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money, parse_percentage
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import document_of, read_plan, write_plan
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    ENTERPRISE,
    HA,
    NOW,
    RECORDING,
    UNKNOWN_PRICE,
    due_decision,
    intent,
    policy,
    usd,
    utc,
)

RMB = Money(Decimal("1680.00"), "RMB")


def last(**changes: Any) -> Intent:
    """The renewal that led to the current term, of just the same, at 1680 dollars."""
    given = {
        "status": "renewed",
        "expires_at": utc(2025, 12, 5),
        "uncertain_since": utc(2025, 11, 23),
        "plan_id": ENTERPRISE.id,
        "service_ids": HA.id,
        "price_amount": "1680.00",
        "price_currency": "USD",
    }
    return intent(**{**given, **changes})


def held(price: Optional[Money], *intents: Intent, percent: str = "10", **limits: Any) -> Decision:
    limits = {"max_price_increase_percent": Decimal(percent), **limits}
    return _prices.priced(due_decision(), price or UNKNOWN_PRICE, policy(**limits), intents)


@pytest.mark.parametrize(
    ("price", "percent", "is_due"),
    [
        ("1680.00", "0", True),
        ("1680.01", "0", False),
        ("1679.99", "0", True),
        ("0", "0", True),
        ("1848.00", "10", True),
        ("1848.01", "10", False),
        ("1722.00", "2.5", True),
        ("1722.000001", "2.5", False),
        ("999999999999999", "999999999999999", True),
    ],
)
def test_a_price_may_rise_by_so_much_from_the_last_order_and_no_more(price: str, percent: str, is_due: bool) -> None:
    decision = held(usd(price), last(), percent=percent)
    assert (decision.order is not None) == is_due and decision.price == usd(price)
    if not is_due:
        assert (decision.state, decision.reason) == ("blocked", "price_limit")
        assert f"the price is {price} USD, and was 1680.00 USD for the last order" in decision.message


def test_of_several_renewals_the_last_one_counts() -> None:
    before = last(expires_at=utc(2024, 12, 5), uncertain_since=utc(2024, 11, 23), price_amount="1.00")
    assert held(usd("1680.00"), last(), before).order is not None


NO_PRICE = [
    pytest.param([], "the ledger has no renewal of this PBX", id="nothing"),
    pytest.param([last(status=IntentStatus.ABSENT)], "has no renewal of this PBX", id="not-renewed"),
    pytest.param([last(expires_at=utc(2024, 12, 5))], "did not lead to the current term", id="a-term-before"),
    pytest.param([last(quantity=99)], "was not of the same", id="quantity"),
    pytest.param([last(billing_cycle="monthly")], "did not lead to the current term", id="cycle"),
    pytest.param([last(plan_id="1")], "was not of the same", id="plan"),
    pytest.param([last(service_ids="")], "was not of the same", id="services"),
    pytest.param([last(service_ids=f"{HA.id} {RECORDING.id}")], "was not of the same", id="one-more-service"),
    pytest.param([last(plan_id=None, service_ids=None)], "was not of the same", id="not-noted"),
    pytest.param([last(price_amount=None, price_currency=None)], "has no price noted", id="no-price"),
    pytest.param([last(price_currency="RMB")], "the last order was in RMB", id="another-currency"),
]


@pytest.mark.parametrize(("intents", "why"), NO_PRICE)
def test_without_a_price_to_count_from_it_is_as_with_an_unknown_price(intents: list[Intent], why: str) -> None:
    blocked = held(usd("1.00"), *intents)
    assert (blocked.state, blocked.reason, blocked.order) == ("blocked", "unknown_price", None)
    assert why in blocked.message and "on_unknown_price: allow" in blocked.message
    assert held(usd("1.00"), *intents, on_unknown_price="allow").order is not None


def test_a_renewal_that_came_late_led_to_the_current_term_too() -> None:
    late = last(expires_at=utc(2025, 10, 1), uncertain_since=utc(2025, 12, 5))
    assert held(usd("1848.01"), late).reason == "price_limit"


def test_a_price_that_is_not_known_is_blocked_unless_allowed() -> None:
    assert held(None, last()).reason == "unknown_price"
    assert held(None, last(), on_unknown_price="allow").order is not None


def test_the_other_limits_hold_beside_it() -> None:
    assert "max_amount_per_item" in held(usd("1700"), last(), max_amount_per_item=Decimal(1690)).message
    assert held(RMB, last(), currency="USD").reason == "price_limit"


def test_the_last_digit_counts_however_long_the_amounts_are() -> None:
    before, percent = Decimal("999999999999999.999999"), Decimal("0.000001")
    most = Decimal("1000000009999999.99999899999999")
    assert not _money.exceeds(most, before, percent)
    assert _money.exceeds(most + Decimal("0.00000000000001"), before, percent)


@pytest.mark.parametrize("text", ["5%", "-1", "", "five", "1e2"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a percentage such as 5 or 2\.5"):
        parse_percentage(text)


# --- a saved plan that is applied -------------------------------------------------------------------------------------


def approved(path: Path, price: Optional[Money], percent: Optional[str] = "5", **limits: Any) -> SavedPlan:
    plan = document_of([due_decision(price=price)], "https://p", "account", policy(**limits), NOW, DAY)
    write_plan(str(path / "plan.json"), plan)
    read = read_plan(str(path / "plan.json"), plan["digest"], "https://p", "account", NOW)
    assert read.max_price_increase_percent is None
    return read if percent is None else SavedPlan(**{**vars(read), "max_price_increase_percent": Decimal(percent)})


@pytest.mark.parametrize(
    ("before", "now", "percent", "is_due"),
    [
        (usd("100"), usd("100.00"), None, True),
        (usd("100"), usd("99"), None, False),
        (usd("100"), usd("105.00"), "5", True),
        (usd("100"), usd("105.01"), "5", False),
        (usd("100"), usd("99"), "0", True),
        (usd("100"), Money(Decimal(100), "RMB"), "5", False),
        (usd("100"), None, "5", False),
        (None, usd("1"), "5", False),
        (None, None, "5", True),
    ],
)
def test_a_price_may_differ_from_the_approved_one_only_as_far_as_allowed(
    tmp_path: Path, before: Optional[Money], now: Optional[Money], percent: Optional[str], is_due: bool
) -> None:
    decision = approved(tmp_path, before, percent).hold(due_decision(price=now))
    assert (decision.order is not None) == is_due
    if not is_due:
        assert (
            decision.reason == "stale_plan" and f"price {before or 'unknown'} -> {now or 'unknown'}" in decision.message
        )


def test_where_prices_may_rise_the_limits_of_the_plan_hold_beside_those_of_whoever_applies_it(tmp_path: Path) -> None:
    limits = {"max_total": Decimal(200), "max_amount_per_item": Decimal(150)}
    plan = approved(tmp_path, usd("100"), **limits)
    own = policy(max_total=Decimal(300), max_amount_per_item=Decimal(110), max_price_increase_percent=Decimal(5))
    bound = plan.bound(own)
    assert (bound.max_total, bound.max_amount_per_item) == (Decimal(200), Decimal(110))
    assert bound.max_price_increase_percent is None and bound.blocks_unknown_price and bound.asks_prices
    bound = plan.bound(policy(max_price_increase_percent=Decimal(5), on_unknown_price="allow"))
    assert (bound.max_total, bound.max_amount_per_item) == (Decimal(200), Decimal(150))
    assert not bound.blocks_unknown_price
    as_before = plan.bound(policy())
    assert (as_before.max_total, as_before.on_unknown_price, as_before.needs_prices) == (None, None, True)
    assert approved(tmp_path, usd("1")).bound(own).max_total == Decimal(300)


def test_it_counts_from_the_plan_and_not_from_the_ledger_when_one_is_applied(tmp_path: Path) -> None:
    bound = approved(tmp_path, usd("5000")).bound(policy(max_price_increase_percent=Decimal(5)))
    decision = _prices.priced(due_decision(), usd("5100"), bound, [last()])
    assert approved(tmp_path, usd("5000")).hold(decision).order is not None
