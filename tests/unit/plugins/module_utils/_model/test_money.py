# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model import money as _money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import usd


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1200, "1200", id="whole-number"),
        pytest.param(Decimal("1200.10"), "1200.10", id="decimal"),
        pytest.param(Decimal("1.2E+3"), "1200", id="decimal-with-exponent"),
        pytest.param("1200.10", "1200.10", id="digits"),
        pytest.param(" 0.5 ", "0.5", id="blanks"),
        pytest.param("0", "0", id="zero"),
        pytest.param("999999999999999.999999", "999999999999999.999999", id="every-digit-is-kept"),
    ],
)
def test_an_amount_is_read_digit_for_digit(value: Any, expected: str) -> None:
    amount = _money.parse_amount(value)
    assert isinstance(amount, Decimal)
    assert str(amount) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("1,200.00", id="thousands-comma"),
        pytest.param("1.200,00", id="thousands-point"),
        pytest.param("1200,50", id="decimal-comma"),
        pytest.param("1 200", id="thousands-blank"),
        pytest.param("$1200", id="currency-sign"),
        pytest.param("1200 USD", id="with-currency"),
        pytest.param("-1", id="negative-text"),
        pytest.param(-1, id="negative-number"),
        pytest.param("+1", id="plus"),
        pytest.param("1e3", id="exponent"),
        pytest.param("1.", id="point-at-the-end"),
        pytest.param(".5", id="point-in-front"),
        pytest.param("1.2.3", id="two-points"),
        pytest.param("nan", id="nan"),
        pytest.param("inf", id="infinity"),
        pytest.param(Decimal("NaN"), id="decimal-nan"),
        pytest.param(Decimal("Infinity"), id="decimal-infinity"),
        pytest.param(True, id="true"),
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(["1200"], id="list"),
        pytest.param(10**16, id="absurd"),
    ],
)
def test_any_other_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        _money.parse_amount(value)


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("1.200", "KWD", "1.200"),
        ("1.200", "BHD", "1.200"),
        (Decimal("1.200"), "EUR", "1.200"),
        (1200, "EUR", "1200"),
        ("1.20", "EUR", "1.20"),
        ("1.2000", "EUR", "1.2000"),
        ("1200", "EUR", "1200"),
        ("1.2", None, "1.2"),
    ],
)
def test_a_price_is_read_where_its_text_reads_in_one_way(value: Any, currency: Optional[str], expected: str) -> None:
    assert str(_money.parse_price(value, currency)) == expected


@pytest.mark.parametrize("value", ["1.200", " 12.500 ", "0.125", "1234.567", "1.000"])
@pytest.mark.parametrize("currency", ["EUR", "USD", "JPY", None])
def test_three_digits_after_the_only_separator_may_be_thousands(value: str, currency: Optional[str]) -> None:
    with pytest.raises(ValueError, match=r"may be (\d+) or \1?"):
        _money.parse_price(value, currency)


@pytest.mark.parametrize("currency", sorted(_money.THREE_DECIMALS))
def test_a_comma_stays_refused_even_where_coins_are_thousandths(currency: str) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        _money.parse_price("1,200", currency)


def test_the_currencies_with_thousandths_are_those_of_iso_4217() -> None:
    assert sorted(_money.THREE_DECIMALS) == ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [pytest.param("USD", "USD", id="code"), pytest.param(" rmb ", "RMB", id="lower-case-and-blanks")],
)
def test_a_currency_is_read_in_capitals(value: str, expected: str) -> None:
    assert _money.parse_currency(value) == expected


@pytest.mark.parametrize("value", ["$", "US", "USDT", "", "U5D", None, 840, True, "ÜSD"])
def test_any_other_currency_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="three-letter"):
        _money.parse_currency(value)


def test_the_total_is_kept_per_currency_and_leaves_out_what_is_not_known() -> None:
    prices = [usd("0.10"), None, usd("0.20"), Money(Decimal("7"), "RMB")]
    assert _money.total(prices) == {"USD": Decimal("0.30"), "RMB": Decimal("7")}


def test_nothing_known_has_no_total() -> None:
    assert _money.total([None, None]) == {}


def test_money_is_shown_with_its_currency() -> None:
    assert str(usd("1200.00")) == "1200.00 USD"
