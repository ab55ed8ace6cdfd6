# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of money: a Decimal and its currency. An unknown amount is None, never zero."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Optional

from .._text import quoted

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_EXACT = Context(prec=100)  # digits: more than the product of any two amounts has
_CURRENCY = re.compile(r"[A-Z]{3}")
_TWO_READINGS = re.compile(r"([0-9]+)\.([0-9]{3})")

# Currencies with three decimal places (ISO 4217).
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


@dataclass(frozen=True)
class Money:
    """An amount in a currency, as the portal names it (``USD``, ``RMB``)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def parse_amount(value: object) -> Decimal:
    """Read a non-negative amount: a number, or digits with at most one decimal point.

    Raises ValueError for anything else, including thousands separators, which mean different things in different
    countries.
    """
    is_short = not isinstance(value, Decimal) or abs(value.adjusted()) < 20
    text = f"{value:f}" if isinstance(value, Decimal) and is_short else str(value).strip()
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"expected an amount such as 1200.00, got {quoted(value)}")
    return Decimal(text)


def parse_price(value: object, currency: Optional[str]) -> Decimal:
    """Read an amount as the portal gives it, in ``currency``, which is None if it is unknown.

    Raises ValueError as `parse_amount` does, and for a text with exactly three digits after its only separator, which
    are thousands in some countries, unless the currency has thousandths. A JSON number has only one reading.
    """
    both = _TWO_READINGS.fullmatch(value.strip()) if isinstance(value, str) else None
    if both and currency not in THREE_DECIMALS:
        raise ValueError(f"{quoted(value)} may be {both[1]}{both[2]} or {both[1]}.{both[2]}")
    return parse_amount(value)


def parse_percentage(value: object) -> Decimal:
    """Read a non-negative percentage. Raises ValueError for anything else, including a sign or a ``%``."""
    try:
        return parse_amount(value)
    except ValueError:
        raise ValueError(f"expected a percentage such as 5 or 2.5, got {quoted(value)}") from None


def parse_currency(value: object) -> str:
    """Read a three-letter currency code. Raises ValueError for anything else."""
    text = value.strip().upper() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(text):
        raise ValueError(f"expected a three-letter currency code, got {quoted(value)}")
    return text


def exceeds(amount: Decimal, before: Decimal, percent: Decimal) -> bool:
    """Whether an amount is more than ``percent`` above the previous one, exact to the last digit."""
    return _EXACT.multiply(amount, Decimal(100)) > _EXACT.multiply(before, _EXACT.add(Decimal(100), percent))


def total(prices: Iterable[Optional[Money]]) -> dict[str, Decimal]:
    """Sum the known prices, per currency."""
    sums: dict[str, Decimal] = {}
    for price in prices:
        if price is not None:
            sums[price.currency] = sums.get(price.currency, Decimal(0)) + price.amount
    return sums
