# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a renewal cost and costs: nothing is ordered above what was allowed, reckoned in fractions as well."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Optional

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import prices as _prices
from ansible_collections.pbxops.yeastar.plugins.module_utils._model import money as _money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    ENTERPRISE,
    EXPIRY,
    HA,
    RECORDING,
    UNKNOWN_PRICE,
    due_decision,
    intent,
    policy,
    utc,
)

exact = settings(deadline=None, max_examples=300, derandomize=True)

LARGEST = Decimal("999999999999999.999999")
AMOUNTS = st.decimals(0, LARGEST, places=6) | st.decimals(1000, 2000, places=2)
PERCENTAGES = st.decimals(0, 100, places=2) | st.sampled_from([Decimal(0), Decimal("2.5"), LARGEST])
CURRENCIES = st.sampled_from(["USD", "RMB"])


@exact
@given(AMOUNTS, AMOUNTS, PERCENTAGES)
@example(Decimal("1722.00"), Decimal("1680.00"), Decimal("2.5"))
@example(LARGEST, LARGEST, LARGEST)
def test_an_increase_is_judged_to_the_last_digit(amount: Decimal, before: Decimal, percent: Decimal) -> None:
    allowed = Fraction(before) * (100 + Fraction(percent)) / 100
    assert _money.exceeds(amount, before, percent) == (Fraction(amount) > allowed)


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    """An intent for the term before, most of them just like what is ordered now."""
    often = st.sampled_from([True, True, True, False])
    return intent(
        status=IntentStatus.RENEWED if draw(often) else draw(st.sampled_from(list(IntentStatus))),
        expires_at=utc(2025, 12, 5) if draw(often) else utc(2024, 12, 5),
        uncertain_since=utc(2025, 11, 23) if draw(often) else utc(2024, 11, 23),
        plan_id=ENTERPRISE.id if draw(often) else "5",
        service_ids=HA.id if draw(often) else f"{HA.id} {RECORDING.id}",
        quantity=100 if draw(often) else 50,
        price_amount=f"{draw(AMOUNTS):f}" if draw(often) else None,
        price_currency=draw(CURRENCIES),
    )


PRICES = st.none() | st.builds(Money, AMOUNTS, CURRENCIES)


@exact
@given(PRICES, st.lists(intents(), max_size=3), PERCENTAGES, st.sampled_from([None, "allow", "block"]))
def test_what_is_ordered_is_within_the_limit_of_a_renewal_of_the_same_or_was_allowed_without_one(
    price: Optional[Money], known: list[Any], percent: Decimal, on_unknown_price: Optional[str]
) -> None:
    limits = policy(max_price_increase_percent=percent, on_unknown_price=on_unknown_price)
    decision = _prices.priced(due_decision(), price or UNKNOWN_PRICE, limits, known)
    event(decision.reason)
    if decision.order is None:
        assert decision.reason in ("price_limit", "unknown_price")
        return
    if price is None:
        assert on_unknown_price == "allow"
        return
    comparable = [
        one
        for one in known
        if one.status == "renewed"
        and one.expires_at.year == EXPIRY.year - 1
        and (one.plan_id, one.service_ids, one.quantity) == (ENTERPRISE.id, HA.id, 100)
        and one.price_amount is not None
        and one.price_currency == price.currency
    ]
    factor = 1 + Fraction(percent) / 100
    within = [one for one in comparable if Fraction(price.amount) <= Fraction(one.price_amount) * factor]
    assert within or on_unknown_price == "allow"
