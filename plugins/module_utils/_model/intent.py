# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intent to order one renewal, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional

from .vocabulary import IntentStatus

# The note begins like this if the portal itself answered with the order, which is therefore certainly ours.
ACCEPTED_AS = "accepted as"


@dataclass(frozen=True)
class Intent:
    """One subscription, to be renewed from one expiry on. At most one of its generations is ever bought.

    ``portal`` is the base URL. ``uncertain_since`` is the controller's instant at which the order was last under way;
    ``portal_uncertain_since`` is the portal's instant when it was sent, so no order of it is older; None if unknown.
    ``note`` says in words what led to the status. ``service_ids`` are sorted and separated by blanks; ``price_amount``
    and ``price_currency`` are the price that the portal named. ``orders_before`` are the orders of the PBX that the
    list showed before, one per line. ``unreported_by`` is the process whose result does not show this yet; None once it
    does. Whatever was not noted or known is None.
    """

    portal: str
    product_no: str
    expires_at: datetime
    account: str
    run_id: str
    status: IntentStatus
    generation: int
    billing_cycle: str
    quantity: int
    po_number: str
    uncertain_since: datetime
    portal_uncertain_since: Optional[datetime] = None
    order_no: Optional[str] = None
    transaction_no: Optional[str] = None
    order_status: Optional[str] = None
    note: str = ""
    plan_id: Optional[str] = None
    service_ids: Optional[str] = None
    price_amount: Optional[str] = None
    price_currency: Optional[str] = None
    orders_before: Optional[str] = None
    unreported_by: Optional[str] = None

    @property
    def is_unsettled(self) -> bool:
        """Whether its order may still take effect, or may have done so."""
        return self.status.is_unsettled

    @property
    def is_closed(self) -> bool:
        """Whether it bought nothing, so that another generation may be ordered."""
        return self.status.is_closed

    @property
    def is_known_to_be_ordered(self) -> bool:
        """Whether an order for it, or the effect of one, has been seen."""
        return self.status in (IntentStatus.ACCEPTED, IntentStatus.RENEWED)

    def __str__(self) -> str:
        return f"{self.product_no} expiring {self.expires_at:%Y-%m-%d}, generation {self.generation} ({self.status})"
