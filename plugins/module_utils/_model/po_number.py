# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the purchase order number that identifies an order as ours, with or without a ledger."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from .dates import DAY
from .evidence import Evidence
from .order import Order, OrderRequest

_TAG = re.compile(r"RN(?P<expiry>\d{8})-[0-9a-f]{8}(?:\.(?P<generation>[1-9]\d{0,5}))?")


def is_tag(po_number: str) -> bool:
    """Whether a purchase order number is one of our tags, not one that the operator chose."""
    return _TAG.fullmatch(po_number) is not None


def is_of_earlier_term(po_number: str, expires_at: datetime) -> bool:
    """Whether a purchase order number is our tag for an expiry that lies at least one cycle before this one.

    The shortest cycle has 28 days; a closer tag may be for this expiry, read differently.
    """
    match = _TAG.fullmatch(po_number)
    return match is not None and match["expiry"] <= f"{expires_at - 27 * DAY:%Y%m%d}"


def tag_of(request: OrderRequest, expires_at: datetime, generation: int) -> str:
    """The purchase order number that identifies an order, derived from what it is for and never from the run.

    It shows the expiry that the order renews; the rest is a hash of product, cycle, quantity and ids. Later
    generations, which follow one that came to nothing, end in their number (docs/reliability.md, 59).
    """
    facts = (
        request.product_no,
        f"{expires_at:%Y-%m-%d}",
        request.billing_cycle,
        str(request.quantity),
        request.plan_id,
        *sorted(request.service_ids),
    )
    digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:8]
    return f"RN{expires_at:%Y%m%d}-{digest}" + (f".{generation}" if generation > 1 else "")


def tagged_for(expires_at: datetime, orders: Iterable[Order]) -> list[tuple[Order, int]]:
    """The orders of one PBX that carry our tag for this expiry, each with its generation.

    Two readings of one expiry may lie up to a day apart, so tags for the neighbouring dates count as well.
    """
    dates = {f"{expires_at + offset:%Y%m%d}" for offset in (-DAY, 0 * DAY, DAY)}
    found = []
    for order in orders:
        match = _TAG.fullmatch(order.po_number or "")
        if match and match["expiry"] in dates:
            found.append((order, int(match["generation"] or 1)))
    return found


def related_orders(evidence: Evidence, product_no: str) -> list[Order]:
    """The orders of a PBX, except those that a person called unrelated to it.

    One that carries our tag always counts, even if someone called it unrelated by mistake.
    """
    return [
        order
        for order in evidence.orders.get(product_no, ())
        if is_tag(order.po_number or "") or not evidence.is_unrelated(product_no, order)
    ]
