# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what a first contact has read, the fields in it, and the facts in it that need no guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Optional

from .._model.order import Order
from .._model.undetermined import known
from .._portal.fields import Fields
from .._portal.order_rows import Row, id_of, laid_over, named_id_of, objects, read_order, text_of, with_parts
from .._portal.suggestions import leaves

_USUAL = Fields({})


@dataclass(frozen=True)
class Sample:
    """What was read from an account, as the portal answered; everything may be empty.

    ``rows`` and ``details`` are by serial number. ``order_details``, ``plan_prices`` and ``service_prices`` are those
    of a sample, ``catalog`` is the whole answer, and ``now`` is when it was read, in UTC.
    """

    rows: Mapping[str, Row]
    details: Mapping[str, Row]
    catalog: Any
    orders: Sequence[Row]
    order_details: Sequence[Row]
    plan_prices: Sequence[Row]
    service_prices: Sequence[Row]
    contacts: Sequence[Row]
    now: datetime


@dataclass(frozen=True)
class Field:
    """One field of rows of a kind: its values that are not empty, by row, and the number of rows that may have it."""

    path: tuple[str, ...]
    values: Mapping[str, Any]
    of: int

    @property
    def name(self) -> str:
        """Its dotted path, as `field_map` takes it."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Facts:
    """What the catalog and the orders say by names that are public.

    ``plans`` and ``services`` are names by id, empty where there is none; ``last_orders`` has the newest order of each
    PBX that shows what it was for.
    """

    plans: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    last_orders: Mapping[str, Order] = field(default_factory=dict)


def merged_rows(sample: Sample) -> dict[str, Row]:
    """Each PBX with its detail laid over its row of the list."""
    numbers = [*sample.rows, *(number for number in sample.details if number not in sample.rows)]
    return {number: laid_over(sample.details.get(number, {}), sample.rows.get(number, {})) for number in numbers}


def read_rows(sample: Sample) -> dict[str, Row]:
    """The PBXs of which everything was read: those with a detail, or all if there is no detail."""
    rows = merged_rows(sample)
    return {number: rows[number] for number in sample.details} or rows


def fields_of_pbxs(sample: Sample) -> list[Field]:
    """Every field of the PBXs. One that only details have counts among those PBXs whose detail was read."""
    listed = {path for row in sample.rows.values() for path, dummy in leaves(row)}
    rows = merged_rows(sample)
    counts = {True: len(rows), False: len(sample.details)}
    return [Field(one.path, one.values, counts[one.path in listed]) for one in fields_of(rows)]


def fields_of(rows: Mapping[str, Row]) -> list[Field]:
    """Every field at any depth that `field_map` could name, sorted by path."""
    values: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, row in rows.items():
        for path, value in leaves(row):
            if value is not None and value != "":
                values.setdefault(path, {})[key] = value
    return [Field(path, values[path], len(rows)) for path in sorted(values)]


def numbered(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by their place."""
    return {str(index): row for index, row in enumerate(rows)}


def orders_of(sample: Sample) -> list[Row]:
    """Each order once, with its detail if that was read."""
    details = {key: row for row in map(with_parts, sample.order_details) for key in _keys(row)}
    listed = [with_parts(row) for row in sample.orders]
    seen = {key for row in listed for key in _keys(row)}
    others = [row for row in map(with_parts, sample.order_details) if seen.isdisjoint(_keys(row))]
    return [laid_over(row, next((details[key] for key in _keys(row) if key in details), {})) for row in listed] + others


def _keys(order: Row) -> list[str]:
    return [f"{name} {number}" for name in ("id", "orderNo") for number in [id_of(order, name)] if number]


def facts_of(sample: Sample) -> Facts:
    """The facts that need no guess: `planId` and `serviceId` of the catalog, and the lines of orders."""
    plans: dict[str, str] = {}
    services: dict[str, str] = {}
    for node in objects(sample.catalog):
        service_id, plan_id = named_id_of(node, "serviceId"), named_id_of(node, "planId")
        if service_id is not None:
            services[service_id] = services.get(service_id) or _name(node, "service_name")
        elif plan_id is not None:
            plans[plan_id] = plans.get(plan_id) or _name(node, "plan")
    last_orders: dict[str, Order] = {}
    for order in sorted(map(_read, orders_of(sample)), key=lambda one: one.created_at or sample.now):
        if order.product_no is not None and order.is_done and order.lines and not order.is_for_other_product:
            last_orders[order.product_no] = order
    return Facts(plans, services, last_orders)


def _read(row: Row) -> Order:
    return read_order(row, _USUAL)


def _name(entry: Row, concept: str) -> str:
    name: Optional[str] = known(_USUAL.read(entry, concept))
    return name or text_of(entry, "name") or ""
