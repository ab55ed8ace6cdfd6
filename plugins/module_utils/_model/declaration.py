# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator declares about a PBX, and what applies to a whole run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Optional

from .span import Span

# From when the portal counts the new term: from the old expiry, or from the day of the order.
FROM_EXPIRY, FROM_ORDER = "expiry", "order"


@dataclass(frozen=True)
class Declaration:
    """What the operator declares about one PBX. None means nothing was declared; for ``span`` see `Subscription`."""

    product_no: str
    plan: Optional[str] = None
    services: Optional[tuple[str, ...]] = None
    quantity: Optional[int] = None
    billing_cycle: Optional[str] = None
    expires_at: Optional[datetime] = None
    billing_contact: Optional[str] = None
    expected_expiry: Optional[datetime] = None
    remaining_days: Optional[int] = None
    po_number: Optional[str] = None
    auto_renewal: Optional[bool] = None
    span: Optional[Span] = None


@dataclass(frozen=True)
class Policy:
    """What applies to every PBX of a run. Days are whole days, amounts are in ``currency``.

    ``run_id`` names the run whose orders the caps count; ``settle_window`` is how long the portal may take to show an
    order that it has accepted.
    """

    remaining_days: Optional[int] = None
    include_expired: bool = False
    billing_contact: Optional[str] = None
    max_orders: Optional[int] = None
    max_total: Optional[Decimal] = None
    max_amount_per_item: Optional[Decimal] = None
    max_price_increase_percent: Optional[Decimal] = None
    currency: Optional[str] = None
    on_unknown_price: Optional[str] = None
    on_unknown_auto_renewal: str = "allow"
    asks_prices: bool = False
    prices_only: bool = False
    run_id: str = ""
    settle_window: timedelta = timedelta(seconds=900)
    term_starts: str = FROM_EXPIRY

    @property
    def limits_price(self) -> bool:
        """Whether an order depends on its price."""
        limits = (self.max_total, self.max_amount_per_item, self.max_price_increase_percent, self.currency)
        return any(limit is not None for limit in limits)

    @property
    def blocks_unknown_price(self) -> bool:
        """Whether an order must not be sent if its price is unknown."""
        return self.limits_price if self.on_unknown_price is None else self.on_unknown_price == "block"

    @property
    def needs_prices(self) -> bool:
        """Whether the portal must be asked for prices."""
        return self.asks_prices or self.prices_only or self.limits_price or self.on_unknown_price == "block"
