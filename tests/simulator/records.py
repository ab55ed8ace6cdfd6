# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of an account: PBXs, orders and the ledger of invoices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass
class Pbx:
    """A PBX and its subscription. Tests may change every field; `expires_at` stays an aware UTC instant."""

    product_no: str
    plan: str
    services: list[str]
    quantity: int
    billing_cycle: str
    expires_at: datetime
    auto_renewal: bool
    pending_plan: str | None
    created_at: datetime
    instance_id: str
    activation_status: str = "activated"
    auto_renewal_status: str | None = None  # None: as the profile says
    comment: str = ""
    rows: tuple[dict[str, Any], ...] = ({},)  # in the product list, each with its differences

    @property
    def activation_code(self) -> str:
        """A canary: it must never appear in anything that a client writes."""
        return f"ACT-{self.product_no}-CANARY"


@dataclass
class Order:
    """An order, as the order list and the order detail show it."""

    id: str
    order_no: str
    transaction_no: str
    product_no: str
    status: str
    operation: str
    created_at: datetime
    po_number: str | None
    invoice_no: str
    amount: Decimal
    currency: str
    billing_id: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    cycles: int = 1  # by how many cycles the expiry moves when the order succeeds
    moves: str = ""  # the PBX whose expiry moves: product_no, unless a fault chose another
    moved: bool = False
    hidden_reads: int = 0  # the order list omits it that many more times
    hidden_until: datetime | None = None
    late_reads: int = 0  # the expiry moves after that many more detail reads


@dataclass
class Invoice:
    """One row of the ledger: one order that the portal accepted from a client, paid or still open.

    `expiry_after` is None until the expiry has moved.
    """

    invoice_no: str
    order_no: str
    product_no: str
    amount: Decimal
    currency: str
    cycle: str
    expiry_before: datetime
    expiry_after: datetime | None
    created_at: datetime
    po_number: str | None
    paid: bool
    raw_body: str


@dataclass
class Handling:
    """How an accepted order is carried out, which faults can change."""

    status: str = "succeed"
    cycles: int = 1
    copies: int = 1
    moves: str | None = None
    hidden_reads: int = 0
    hidden_seconds: float = 0.0
    late_reads: int = 0
    late_seconds: float = 0.0
    commit_seconds: float = 0.0
