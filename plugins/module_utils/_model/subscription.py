# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PBX as the portal reports it, and filters for those that are wanted."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Optional, Union

from .catalog import Offer
from .span import Span, is_within
from .undetermined import Undetermined, _is_unreported, known


@dataclass(frozen=True)
class Subscription:
    """One PBX as the portal reports it (docs/portal-api.md, 4.1 and 4.2).

    ``expires_at`` is the expiry as read in UTC, and ``span`` where it lies if the portal gives no zone or no time of
    day. ``other_expiries`` are those of anything but the plan, by the fields that report them; None if there are none.
    """

    product_no: str
    expires_at: Union[datetime, Undetermined]
    plan: Union[Offer, Undetermined]
    services: Union[tuple[Offer, ...], Undetermined]
    quantity: Union[int, Undetermined]
    billing_cycle: Union[str, Undetermined]
    auto_renewal: Union[bool, Undetermined]
    pending_plan: Optional[str] = None
    activation_status: Optional[str] = None
    comment: Optional[str] = None
    renewal_manners: Optional[tuple[str, ...]] = None
    other_expiries: Optional[tuple[tuple[str, datetime], ...]] = None
    span: Optional[Span] = None

    def undetermined(self) -> tuple[Undetermined, ...]:
        """What an order would need and the portal's answer does not provide."""
        values = (self.expires_at, self.plan, self.services, self.quantity, self.billing_cycle)
        return tuple(value for value in values if isinstance(value, Undetermined))

    def completed_by(self, other: Subscription) -> Subscription:
        """The same PBX, with what this answer does not report taken from ``other``, an answer that is not newer.

        An empty list of services is not taken over, since ``other`` may simply not report them (docs/portal-api.md,
        11.6). Auto-renewal that is on always is, since a renewal would be paid for twice (docs/portal-api.md, 10.8).
        """
        if other.services == ():
            other = replace(
                other, services=Undetermined("services", "services: the listing names none, the detail is silent")
            )
        missing = {
            item.name: getattr(other, item.name)
            for item in fields(self)
            if getattr(self, item.name) is None or _is_unreported(getattr(self, item.name))
        }
        if not _is_unreported(self.expires_at):
            missing.pop("span", None)  # this answer's expiry may be certain
        if other.auto_renewal is True:
            missing["auto_renewal"] = True
        return replace(self, **missing)


@dataclass(frozen=True)
class Filters:
    """Which subscriptions and orders are wanted. A filter leaves out only what certainly does not match.

    ``expires_within`` is in days from ``now``; what has expired is within every window.
    """

    now: datetime
    product_nos: tuple[str, ...] = ()
    expires_within: Optional[int] = None
    plan: Optional[str] = None

    def match(self, subscription: Subscription) -> bool:
        """Whether a subscription is wanted, as far as is known."""
        if self.product_nos and subscription.product_no not in self.product_nos:
            return False
        return self.match_facts(known(subscription.expires_at), subscription.span, known(subscription.plan))

    def match_facts(self, expires_at: Optional[datetime], span: Optional[Span], plan: Optional[Offer]) -> bool:
        """Like `match`, for any PBX with this expiry and plan; None for what is unknown."""
        if self.expires_within is not None and expires_at is not None:
            is_near = is_within(expires_at, span, self.now, self.expires_within)
        else:
            is_near = True
        return is_near and (self.plan is None or plan is None or plan.is_called(self.plan))
