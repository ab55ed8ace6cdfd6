# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the processes of a run have reserved: it never goes beyond a cap, and what is within it is not refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Optional

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps, Reservation, excess_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import EXPIRY

exact = settings(deadline=None, max_examples=300, derandomize=True)

# Terms lie years apart; two readings of one expiry a few hours.
TERMS = {term: EXPIRY.replace(year=EXPIRY.year + term) for term in range(3)}
PRICES = st.none() | st.builds(Money, st.decimals(0, 100, places=2), st.sampled_from(["USD"] * 4 + ["RMB"]))
TERM_AND_PRICE = st.tuples(st.sampled_from("ABC"), st.sampled_from(sorted(TERMS)), st.integers(0, 11), PRICES)
Drawn = tuple[str, int, int, Optional[Money]]


def _reservation(drawn: Drawn) -> Reservation:
    product_no, term, hours, price = drawn
    return Reservation(product_no, TERMS[term] + timedelta(hours=hours), price)


@exact
@given(
    st.lists(TERM_AND_PRICE, max_size=8),
    st.lists(TERM_AND_PRICE, max_size=3, unique_by=lambda drawn: drawn[0]),
    st.none() | st.integers(0, 6),
    st.none() | st.decimals(0, 300, places=2),
)
def test_every_order_counts_once_and_at_its_highest_price(
    reserved: list[Drawn], wanted: list[Drawn], max_orders: Optional[int], max_total: Optional[Decimal]
) -> None:
    excess = excess_of(Caps("run", max_orders, max_total), [*map(_reservation, wanted)], [*map(_reservation, reserved)])
    orders: dict[tuple[str, int], dict[str, Decimal]] = {}
    for product_no, term, dummy, price in [*reserved, *wanted]:
        prices = orders.setdefault((product_no, term), {})
        if price is not None:
            prices[price.currency] = max(price.amount, prices.get(price.currency, Decimal(0)))
    currencies = {currency for prices in orders.values() for currency in prices}
    total = sum((amount for prices in orders.values() for amount in prices.values()), Decimal(0))
    expected = None
    if wanted and max_total is not None and (len(currencies) > 1 or total > max_total):
        expected = "max_total"
    if wanted and max_orders is not None and len(orders) > max_orders:
        expected = "max_orders"
    event(str(expected))
    assert (excess and excess[0]) == expected
    if excess is not None:
        assert excess[1].endswith(": nothing was ordered here") and ("already" in excess[1]) == bool(reserved)
