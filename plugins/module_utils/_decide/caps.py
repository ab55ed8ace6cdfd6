# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the caps of a run, checked against every order that it has reserved and those that it would send now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Optional

from .._model import money as _money
from .._model.declaration import Policy
from .._model.money import Money
from .._model.span import same_expiry
from .._model.vocabulary import Reason

_MOST_NAMED = 5  # PBXs named in a message; the rest are counted


@dataclass(frozen=True)
class Caps:
    """The most that a run, identified by ``run_id``, may order across all its processes. None means no limit.

    ``holder`` names the one process of the run that reserves; ``currency`` is that of ``max_total``, if it is known.
    """

    run_id: str
    max_orders: Optional[int] = None
    max_total: Optional[Decimal] = None
    holder: str = ""
    currency: Optional[str] = None


@dataclass(frozen=True)
class Reservation:
    """One order of a run: the PBX, the expiry that it renews, and its price, or None if that is unknown.

    ``expires_at`` is None for a reservation from a ledger before version 3: one order, whatever its expiry.
    """

    product_no: str
    expires_at: Optional[datetime]
    price: Optional[Money] = None

    def is_same_order_as(self, other: Reservation) -> bool:
        """Whether both are for the same order, which is bought at most once."""
        if self.expires_at is None or other.expires_at is None:
            is_same_expiry = self.expires_at is other.expires_at
        else:
            is_same_expiry = same_expiry(self.expires_at, other.expires_at)
        return is_same_expiry and self.product_no == other.product_no


def caps_of(policy: Policy, holder: str) -> Caps:
    """The caps of a run, for its process ``holder``."""
    return Caps(policy.run_id, policy.max_orders, policy.max_total, holder, policy.currency)


def excess_of(
    caps: Caps, wanted: Collection[Reservation], reserved: Collection[Reservation]
) -> Optional[tuple[Reason, str]]:
    """Return the cap that a run exceeds with the orders ``wanted``, and a sentence about it; None if it exceeds none.

    ``reserved`` is what all processes of the run have reserved. An order that several of them have reserved counts
    once, at the highest of its prices. Ordering nothing never exceeds a cap.
    """
    if not wanted:
        return None
    orders = _orders_in([*wanted, *reserved])
    if caps.max_orders is not None and len(orders) > caps.max_orders:
        said = f"{len(wanted)} subscriptions are due and"
        if reserved:
            said = f"{_already(caps, reserved)}; due here: {_counted(wanted)};"
        return Reason.MAX_ORDERS, f"{said} max_orders is {caps.max_orders}: nothing was ordered here"
    sums = _cost(orders)
    if caps.max_total is not None and (len(sums) > 1 or any(amount > caps.max_total for amount in sums.values())):
        due, currency = _amounts(_orders_in(wanted)), f" {caps.currency}" if caps.currency else ""
        said = f"the orders cost {due} and"
        if reserved:
            spent = _amounts(_orders_in(reserved))
            said = f"{_already(caps, reserved)} for {spent}; due here: {_counted(wanted)} for {due};"
        return Reason.MAX_TOTAL, f"{said} max_total is {caps.max_total}{currency}: nothing was ordered here"
    return None


def _orders_in(reservations: Iterable[Reservation]) -> list[list[Reservation]]:
    """Group the reservations by order."""
    of_pbx: dict[str, list[list[Reservation]]] = {}
    for reservation in reservations:
        orders = of_pbx.setdefault(reservation.product_no, [])
        for order in orders:
            if order[0].is_same_order_as(reservation):
                order.append(reservation)
                break
        else:
            orders.append([reservation])
    return [order for orders in of_pbx.values() for order in orders]


def _cost(orders: Iterable[Iterable[Reservation]]) -> dict[str, Decimal]:
    """Sum up orders per currency, each at the highest of its known prices."""
    prices: list[Money] = []
    for order in orders:
        highest: dict[str, Money] = {}
        for price in (reservation.price for reservation in order if reservation.price is not None):
            highest[price.currency] = max(price, highest.get(price.currency, price), key=lambda one: one.amount)
        prices += highest.values()
    return _money.total(prices)


def _amounts(orders: Iterable[Iterable[Reservation]]) -> str:
    sums = _cost(orders)
    return " + ".join(f"{amount} {currency}" for currency, amount in sorted(sums.items())) or "an unknown amount"


def _already(caps: Caps, reserved: Collection[Reservation]) -> str:
    """Say what the run's other processes have reserved; whether they have ordered it is not known yet."""
    return f"this run ({caps.run_id}) has ordered or is ordering {_counted(reserved)} already"


def _counted(reservations: Collection[Reservation]) -> str:
    names = sorted(order[0].product_no for order in _orders_in(reservations))
    named, others = names[:_MOST_NAMED], len(names) - _MOST_NAMED
    return f"{len(names)} ({', '.join(named)}{f' and {others} more' if others > 0 else ''})"
