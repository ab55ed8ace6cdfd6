# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known besides the subscriptions when a run decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .catalog import Catalog
from .intent import Intent
from .order import BillingContact, Order


@dataclass(frozen=True)
class Evidence:
    """What is known besides the subscriptions, read once for a batch. ``orders`` is keyed by product_no.

    ``intents`` is what the ledger has, keyed likewise; ``unrelated`` holds PBX and order of each order that a person
    called no renewal; ``unplaced`` holds the orders that may be for any PBX, each with the reason, as a clause.
    """

    catalog: Catalog = field(default_factory=Catalog)
    contacts: tuple[BillingContact, ...] = ()
    orders: Mapping[str, tuple[Order, ...]] = field(default_factory=dict)
    intents: Mapping[str, tuple[Intent, ...]] = field(default_factory=dict)
    unrelated: frozenset[tuple[str, str]] = frozenset()
    unplaced: tuple[tuple[Order, str], ...] = ()

    def unplaced_for(self, product_no: str) -> list[tuple[Order, str]]:
        """The orders that may be for any PBX, except those that a person called unrelated to this one."""
        return [(order, why) for order, why in self.unplaced if not self.is_unrelated(product_no, order)]

    def is_unrelated(self, product_no: str, order: Order) -> bool:
        """Whether a person said that an order, by its number or its id, is not a renewal of this PBX."""
        pbx = product_no.casefold()
        return bool({(pbx, order.order_no), (pbx, order.order_id)} & self.unrelated)
