# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which fields of orders, prices and the catalog may be the PO number, the amount, the currency, the ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._decide.catalog_match import is_plain_number
from .._model.dates import parse_instant
from .._model.po_number import is_tag
from .._portal.order_rows import Row, named_id_of, objects, with_parts
from .._portal.suggestions import folded
from .evidence_of_pbxs import amounts_of, units_and_total
from .ranking import Judgement, Strength, is_called_an_id, name_weight, read_with, readings_of
from .sample import Field, fields_of, numbered

_LEAST_TOTALS = 2  # different ones
_PURCHASE_ORDER = re.compile("^po|ponumber|pono$|purchaseorder|reference|customref|yourref|bestell")
_OTHER_TEXT = re.compile(
    "^(id|orderno|orderstatus|transactionno|invoiceno|productno|productid|productname|operationtype|instanceid|currency"
    "(code)?)$|id$|status|time$|date$"
)
_CURRENCIES = re.compile(
    "A(ED|RS|UD)|B(HD|RL)|C(AD|HF|LP|NY|OP|ZK)|DKK|EUR|GBP|H(KD|UF)|I(DR|LS|NR|QD)|J(OD|PY)|K(ES|RW|WD)|LYD|M(AD|XN|YR)"
    "|N(GN|OK|ZD)|OMR|P(EN|HP|KR|LN)|QAR|R(MB|ON|UB)|S(AR|EK|GD)|T(HB|ND|RY|WD)|U(AH|SD)|VND|ZAR"
)
_OTHER_IDS = ("planId", "serviceId", "productId", "offeringId", "connectionPlanId", "planOrServiceId")


def po_numbers(orders: Sequence[Row]) -> list[Judgement]:
    """Fields of orders that may be the purchase order number; only our own tag shows it."""
    found = []
    for field in fields_of(numbered(map(with_parts, orders))):
        texts = {key: value for key, value in field.values.items() if isinstance(value, str)}
        tags = [key for key, value in texts.items() if is_tag(value.strip())]
        is_named = (
            name_weight(field.path, "po_number") > 0 or _PURCHASE_ORDER.search(folded(field.path[-1])) is not None
        )
        if tags:
            claim = "is a purchase order number of this collection"
            found.append(Judgement(field, Strength.SHOWN, texts, len(tags), claim, may_be_certain=True))
        elif texts and is_named:
            claim = "is text, and is called like a purchase order number"
            found.append(Judgement(field, Strength.POSSIBLE, texts, len(texts), claim))
        elif len(set(texts.values())) > 1 and not _is_known_otherwise(field, texts):
            claim = "is text that differs by order"
            found.append(Judgement(field, Strength.NAMED, texts, len(texts), claim))
    return found


def _is_known_otherwise(field: Field, texts: Mapping[str, Any]) -> bool:
    dates = readings_of(field, parse_instant)
    return _OTHER_TEXT.search(folded(field.path[-1])) is not None or len(dates) == len(texts)


def amounts(prices: Sequence[Row], rising: Collection[tuple[str, ...]]) -> list[Judgement]:
    """Fields of the answers about prices that may be the price of everything asked about.

    It is shown where it is the number of units times the price of one, or among those ``rising`` with the quantity if
    it has decimals (others may be in cents); and only if there is no other amount, such as one with a discount.
    """
    rows = numbered(prices)
    products = {key: found for key, row in rows.items() for found in [units_and_total(row)] if found is not None}
    found = []
    for field in fields_of(rows):
        readings = {key: amounts_of(row)[field.path] for key, row in rows.items() if field.path in amounts_of(row)}
        if not readings or len(readings) < len(field.values) or not any(readings.values()):
            continue
        is_part = [key for key in products if readings.get(key) in products[key][:2]]
        totals = [key for key in products if readings.get(key) == products[key][2]]
        if totals and not is_part and len({readings[key] for key in totals}) >= _LEAST_TOTALS:
            claim = "is the number of units times the price of one"
            one = Judgement(field, Strength.SHOWN, readings, len(totals), claim)
            found.append(replace(one, may_be_certain=one.is_complete))
        elif field.path in rising and not is_part and all("." in str(value) for value in field.values.values()):
            one = Judgement(field, Strength.SHOWN, readings, len(readings), "rises with the quantity")
            found.append(replace(one, may_be_certain=one.is_complete))
        elif not is_part and not _is_number_of_something(field):
            is_equal = (products and len(products) == len(rows)) or rising
            strength = Strength.SHOWN if is_equal else Strength.POSSIBLE
            found.append(Judgement(field, strength, readings, len(readings), "can be read as an amount"))
    return found


def _is_number_of_something(field: Field) -> bool:
    is_other = is_called_an_id(field) or folded(field.path[-1]).endswith(("no", "time", "date"))
    return is_other or name_weight(field.path, "quantity") > 0 or len(readings_of(field, parse_instant)) > 0


def currencies(prices: Sequence[Row]) -> list[Judgement]:
    """Fields of the answers about prices that have codes of currencies."""
    found = []
    for field in fields_of(numbered(prices)):
        readings = readings_of(field, read_with("currency"))
        known = [key for key, value in readings.items() if _CURRENCIES.fullmatch(value)]
        if known:
            strength = Strength.SHOWN if len(known) == len(field.values) else Strength.POSSIBLE
            one = Judgement(field, strength, readings, len(known), "is the code of a currency")
            found.append(replace(one, may_be_certain=strength is Strength.SHOWN and one.is_complete))
    return found


def plan_entries(catalog: Any) -> dict[str, Row]:
    """The entries of plans in the catalog."""
    nodes = [node for node in objects(catalog) if named_id_of(node, "planId") and not named_id_of(node, "serviceId")]
    return numbered(nodes)


def service_entries(catalog: Any) -> dict[str, Row]:
    """The entries of services in the catalog."""
    return numbered(node for node in objects(catalog) if named_id_of(node, "serviceId"))


def pricing_ids(concept: str, entries: Mapping[str, Row]) -> list[Judgement]:
    """Fields of the catalog's entries that are ids of prices: different ones in each entry, and called so."""
    found = []
    for field in fields_of(entries):
        readings = readings_of(field, read_with(concept))
        name = folded("".join(field.path[-2:]))
        if (
            not readings
            or field.path[-1] in _OTHER_IDS
            or not is_called_an_id(field)
            or not all(map(is_plain_number, readings.values()))
        ):
            continue
        if "pric" in name:
            are_different = len(set(readings.values())) == len(readings)
            strength = Strength.SHOWN if are_different else Strength.POSSIBLE
            one = Judgement(field, strength, readings, len(readings), "is an id, and is called like that of a price")
            found.append(replace(one, may_be_certain=are_different and one.is_complete))
        else:
            found.append(Judgement(field, Strength.NAMED, readings, len(readings), "is an id"))
    return found
