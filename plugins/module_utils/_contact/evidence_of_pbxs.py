# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which fields of the PBXs may be the quantity, the billing cycle and the auto-renewal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Optional

from .._model.money import parse_amount
from .._portal.auto_renewal_fields import read_switch
from .._portal.order_rows import Row
from .._portal.suggestions import folded, leaves
from .ranking import NEARLY_ALL, Judgement, Strength, is_called_an_id, name_weight, read_with, readings_of
from .sample import Facts, Field, Sample

MOST_EXTENSIONS = 100_000  # of one PBX; a larger number is an id, a time or a counter
_LEAST_COMPARED = 2  # PBXs with different values
_MOST_ORDERED = 0.8  # of the PBXs have what was ordered last; the others were expanded since
_LEAST_ORDERS = 3  # PBXs that have what was ordered last
_LEAST_CHARGED = 4  # PBXs with prices that rise with the quantity
_LEAST_PRICES = 3  # different quantities
_AUTO = re.compile("auto(matic(ally)?)?(re)?new|renew(al|s|ed)?auto")
_RENEWS = re.compile("renew|prolong|verlaenger|verlanger|xuding|xufei")
_OF_A_PART = re.compile("service|addon|option|cancel|disable|stop|remind|notif")
_WORDS = ("true", "false", "yes", "no", "y", "n", "on", "off", "enabled", "disabled")
_OTHER_NUMBER = re.compile(
    "used|inuse|active|regist|free|remain|initial|original|concurrent|call|channel|record|minute|stor"
)
_OTHER_CYCLE = re.compile("record|report|backup|retention|remind|support|trial|notice|log|certificate|service|addon")
# The term of an agreement, or how often instalments are paid, may be another one.
_CYCLE = re.compile("(billing|renewal)(cycle|term|period|interval)|cycle")


def quantities(fields: Sequence[Field], facts: Facts, sample: Sample) -> list[Judgement]:
    """Fields whose values are quantities: those of the last orders, of the prices, or only numbers of that size."""
    ordered = _ordered(facts, "quantity")
    priced = priced_quantities(sample.plan_prices)
    found = []
    for field in fields:
        readings = readings_of(field, _read_small_number)
        weight = name_weight(field.path, "quantity")
        if not readings or len(readings) < NEARLY_ALL * len(field.values) or _is_id_or_flag(field):
            continue
        if weight < 0 or _OTHER_NUMBER.search(folded("".join(field.path))):
            claim = "is a number, but is called like something else"
            found.append(Judgement(field, Strength.CONTRARY, readings, len(readings), claim))
            continue
        shown = (
            _as_ordered(field, readings, ordered)
            or _as_priced(field, readings, priced, sample.details)
            or _as_charged(field, readings, sample, weight > 0)
        )
        is_constant = len(readings) > _LEAST_COMPARED and len(set(readings.values())) == 1
        strength = Strength.NAMED if is_constant and weight == 0 else Strength.POSSIBLE
        claim = "is a number that may be one of extensions"
        found.append(shown or Judgement(field, strength, readings, len(readings), claim))
    return found


def _read_small_number(value: Any) -> int:
    quantity = int(read_with("quantity")(value))
    if quantity > MOST_EXTENSIONS:
        raise ValueError("quantity")
    return quantity


def _is_id_or_flag(field: Field) -> bool:
    return is_called_an_id(field) or any(isinstance(value, bool) for value in field.values.values())


def _ordered(facts: Facts, attribute: str) -> dict[str, Any]:
    """What the plan's line of the last order of each PBX says."""
    found = {}
    for number, order in facts.last_orders.items():
        values = {getattr(line, attribute) for line in order.lines or () if line.id in facts.plans or not facts.plans}
        values.discard(None)
        if len(values) == 1:
            found[number] = values.pop()
    return found


def _as_ordered(field: Field, readings: Mapping[str, int], ordered: Mapping[str, int]) -> Optional[Judgement]:
    """A field that has the quantity of the last order, or of a few PBXs more, which were bought since.

    One that has the same in some PBXs and never fewer may be the right one, after many expansions, and one that has the
    same in half of them anyway: next to these, nothing is certain.
    """
    compared = [key for key in readings if key in ordered]
    equal = [key for key in compared if readings[key] == ordered[key]]
    is_never_fewer = all(readings[key] >= ordered[key] for key in compared)
    is_varied = len({readings[key] for key in equal}) >= _LEAST_COMPARED
    if not equal or not (2 * len(equal) >= len(compared) or (is_varied and is_never_fewer)):
        return None
    is_most = len(equal) >= max(_LEAST_ORDERS, _MOST_ORDERED * len(compared))
    is_clear = is_varied and is_never_fewer and is_most
    claim = "is what the last order of the PBX was for"
    one = Judgement(replace(field, of=len(compared)), Strength.SHOWN, readings, len(equal), claim)
    return replace(one, may_be_certain=is_clear and len(readings) >= NEARLY_ALL * field.of)


def _as_priced(
    field: Field, readings: Mapping[str, int], priced: Collection[int], sampled: Collection[str]
) -> Optional[Judgement]:
    """A field that has, in the sample, each quantity for which the portal says prices."""
    left = Counter(readings[key] for key in sampled if key in readings)
    left.subtract(Counter(priced))
    is_sample = len(sampled) <= 2 * len(priced)
    if len(set(priced)) < _LEAST_PRICES or not is_sample or min(left.values()) < 0:
        return None
    claim = "is, in the sample, each quantity for which the portal says a price"
    one = Judgement(field, Strength.SHOWN, readings, len(readings), claim)
    return replace(one, may_be_certain=one.is_complete)


def _as_charged(field: Field, readings: Mapping[str, int], sample: Sample, is_named: bool) -> Optional[Judgement]:
    """A field with which the prices rise. Others may rise as well, so that it is only certain if it is called so."""
    if not prices_that_rise(readings, sample):
        return None
    one = Judgement(
        field, Strength.LIKELY, readings, len(readings), "is a number with which the price of the plan rises"
    )
    return replace(one, may_be_certain=is_named and one.is_complete)


def prices_that_rise(readings: Mapping[str, int], sample: Sample) -> list[tuple[str, ...]]:
    """The fields of the answers about prices that are these numbers times a price of one, which a few PBXs share.

    That answers and details are in the same order need not be known: otherwise, nothing rises.
    """
    numbers = list(sample.details)
    rows = [amounts_of(row) for row in sample.plan_prices]
    if len(numbers) != len(rows) or not all(number in readings for number in numbers):
        return []
    return [
        path
        for path in sorted(set(rows[0]) if rows else ())
        if all(row.get(path) for row in rows)
        and _share_prices([(readings[number], row[path]) for number, row in zip(numbers, rows)])
    ]


def _share_prices(pairs: Sequence[tuple[int, Decimal]]) -> bool:
    sizes: dict[Fraction, list[int]] = {}
    for units, amount in pairs:
        sizes.setdefault(Fraction(amount) / units, []).append(units)
    shared = sum(len(some) for some in sizes.values() if len(set(some)) > 1)
    return shared >= max(_LEAST_CHARGED, _MOST_ORDERED * len(pairs))


def priced_quantities(prices: Iterable[Row]) -> list[int]:
    """The number of units in each answer in which a number of them and the price of one make a total."""
    return [found[0] for price in prices for found in [units_and_total(price)] if found is not None]


def units_and_total(price: Row) -> Optional[tuple[int, Decimal, Decimal]]:
    """The number of units, the price of one, and the total, if exactly one product is in an answer about a price."""
    amounts = set(amounts_of(price).values())
    found = {
        (int(units), unit, units * unit)
        for units in amounts
        for unit in amounts
        if 1 < units <= MOST_EXTENSIONS
        and units == int(units)
        and unit not in (units, 0, 1)
        and units * unit in amounts
    }
    # 12 units at 100 make the same as 100 units at 12.
    return found.pop() if len(found) == 1 else _by_decimals(found, price)


def _by_decimals(found: set[tuple[int, Decimal, Decimal]], price: Row) -> Optional[tuple[int, Decimal, Decimal]]:
    """Of two readings of one product, that in which the units alone are written as a whole number."""
    whole = {
        int(value)
        for dummy, value in leaves(price)
        if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdecimal())
    }
    clear = [one for one in found if one[0] in whole and one[1] not in whole]
    return clear[0] if len(clear) == 1 and len({one[2] for one in found}) == 1 else None


def amounts_of(price: Row) -> dict[tuple[str, ...], Decimal]:
    """Every field of an answer about a price that can be read as an amount."""
    found = {}
    for path, value in leaves(price):
        if isinstance(value, (int, Decimal, str)) and not isinstance(value, bool):
            try:
                found[path] = parse_amount(value)
            except ValueError:
                continue
    return found


def billing_cycles(fields: Sequence[Field], facts: Facts) -> list[Judgement]:
    """Fields whose values are words for a year or a month, and whether the last orders were for those."""
    ordered = ordered_cycles(facts)
    found = []
    for field in fields:
        readings = readings_of(field, read_with("billing_cycle"))
        if not readings or len(readings) < len(field.values):
            continue
        whole = folded("".join(field.path))
        compared = [key for key in readings if key in ordered]
        equal = [key for key in compared if readings[key] == ordered[key]]
        is_shown = len(compared) >= _LEAST_COMPARED and len(equal) == len(compared)
        differs = len(compared) > 0 and not is_shown
        is_named = any(_CYCLE.fullmatch(folded("".join(field.path[first:]))) for first in (-1, -2))
        # The term of an agreement does not differ by PBX as the cycles of subscriptions do.
        is_varied = len(set(readings.values())) > 1 and name_weight(field.path, "billing_cycle") > 0
        strength = Strength.SHOWN if is_shown else Strength.CONTRARY if differs else Strength.POSSIBLE
        if _OTHER_CYCLE.search(whole):
            strength = Strength.CONTRARY
        claim = "is the cycle of the last order of the PBX" if is_shown else "is a word for a year or a month"
        may_be_certain = strength is Strength.SHOWN or (strength is Strength.POSSIBLE and (is_named or is_varied))
        one = Judgement(field, strength, readings, len(readings), claim)
        found.append(replace(one, may_be_certain=may_be_certain and one.is_complete))
    return found


def ordered_cycles(facts: Facts) -> dict[str, str]:
    """The billing cycle of the last order of each PBX that shows it."""
    return _ordered(facts, "billing_cycle")


def auto_renewals(fields: Sequence[Field]) -> list[Judgement]:
    """Fields that say yes or no, ranked by what they are called: their values never show what they are about."""
    found = []
    for field in fields:
        readings = readings_of(field, read_switch)
        whole = folded("".join(field.path))
        is_auto, renews = _AUTO.search(whole) is not None, _RENEWS.search(whole) is not None
        if not readings or len(readings) < len(field.values) or not (is_auto or renews or _is_yes_or_no(field)):
            continue
        strength = Strength.LIKELY if is_auto else Strength.POSSIBLE if renews else Strength.NAMED
        if _OF_A_PART.search(whole):
            strength = Strength.CONTRARY
        claim = "says yes or no" + (", and is called like auto-renewal" if is_auto else "")
        one = Judgement(field, strength, readings, len(readings), claim)
        found.append(replace(one, may_be_certain=strength is Strength.LIKELY and one.is_complete))
    return found


def _is_yes_or_no(field: Field) -> bool:
    return all(isinstance(value, bool) or str(value).casefold() in _WORDS for value in field.values.values())
