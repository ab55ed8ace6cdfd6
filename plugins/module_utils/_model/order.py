# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders: as the portal lists them, and as they are requested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional

# Order statuses of the portal (docs/portal-api.md, 6.2.4). Any other word means that the order is still open.
DONE_STATUS = "succeed"
UNPAID_STATUS = "pending"
DEAD_STATUSES = frozenset({"failed", "invalid", "cancelled", "refunded"})


@dataclass(frozen=True)
class BillingContact:
    """Who receives the invoice (docs/portal-api.md, 7.1)."""

    billing_contact_id: str
    email: str
    name: str = ""
    company: str = ""

    def __str__(self) -> str:
        return f"{self.billing_contact_id} ({self.email})"


@dataclass(frozen=True)
class OrderLine:
    """A plan or a service in an order. What the portal does not report is None."""

    id: str
    quantity: Optional[int] = None
    billing_cycle: Optional[str] = None


@dataclass(frozen=True)
class Order:
    """An order in the portal's list (docs/portal-api.md, 6.2).

    ``product_no`` is None if the row does not name it; ``is_for_other_product`` says that it is not for a cloud PBX.
    ``is_renewal`` and ``lines`` are None if neither row nor detail shows them.
    """

    order_id: Optional[str]
    order_no: Optional[str]
    status: str
    created_at: Optional[datetime]
    product_no: Optional[str]
    is_for_other_product: bool = False
    po_number: Optional[str] = None
    transaction_no: Optional[str] = None
    is_renewal: Optional[bool] = None
    lines: Optional[tuple[OrderLine, ...]] = None

    @property
    def is_done(self) -> bool:
        """Whether it has taken effect."""
        return self.status == DONE_STATUS

    @property
    def is_dead(self) -> bool:
        """Whether it came to nothing and will never take effect."""
        return self.status in DEAD_STATUSES

    @property
    def is_unpaid(self) -> bool:
        """Whether it awaits payment, and can take effect at any time."""
        return self.status == UNPAID_STATUS

    @property
    def is_open(self) -> bool:
        """Whether it may still take effect: every status except done and dead, including unknown words."""
        return not (self.is_done or self.is_dead)

    @property
    def key(self) -> str:
        """What people and the ledger identify it by: its number, or its id if it has none."""
        return self.order_no or self.order_id or ""

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"


@dataclass(frozen=True)
class OrderRequest:
    """Everything in the body of one renewal order (docs/portal-api.md, 12.4)."""

    product_no: str
    billing_contact_id: str
    plan_id: str
    service_ids: tuple[str, ...]
    quantity: int
    billing_cycle: str
    po_number: Optional[str] = None
