# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done about one PBX, and the terms of its renewal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional

from .catalog import Offer
from .money import Money
from .order import BillingContact, Order, OrderRequest
from .span import Span
from .subscription import Subscription
from .undetermined import Undetermined
from .vocabulary import Reason, State


@dataclass(frozen=True)
class Terms:
    """What a renewal would continue, from the portal or, if that cannot be determined, from the declaration.

    ``stood_in`` is what could not be determined and was declared instead.
    """

    expires_at: datetime
    plan: Offer
    services: tuple[Offer, ...]
    quantity: int
    billing_cycle: str
    stood_in: tuple[Undetermined, ...] = field(default=(), compare=False)
    span: Optional[Span] = field(default=None, compare=False)


@dataclass(frozen=True)
class Decision:
    """What is to be done about one PBX, or what became of it, and why.

    ``expires_at`` is the expiry on which the decision rests, from the portal or the declaration, and None if neither
    has one; ``span`` is where it lies. ``days_lost`` is how much of the running term is lost if the new one starts at
    the order. ``order`` is what is to be sent, set if and only if the state is ``due``; ``generation`` then counts the
    attempts for this expiry, and ``contact`` is who will receive the invoice. ``known_order`` is an order that the
    portal has, found or just accepted.
    """

    product_no: str
    state: State
    reason: Reason
    message: str
    subscription: Optional[Subscription] = None
    expires_at: Optional[datetime] = None
    terms: Optional[Terms] = None
    order: Optional[OrderRequest] = None
    contact: Optional[BillingContact] = None
    expires_after: Optional[datetime] = None
    generation: int = 1
    price: Optional[Money] = None
    price_asked: bool = False
    known_order: Optional[Order] = None
    span: Optional[Span] = None
    days_lost: Optional[int] = None
