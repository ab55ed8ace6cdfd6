# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal knows and what the operator wants, without HTTP and without Ansible.

Ids are strings, instants are aware datetimes in UTC, money is a Decimal with a currency. A value that could not be
read is an `Undetermined`, so that no caller can mistake it for a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Optional, TypeVar, Union

from ._intent import Intent
from ._money import Money
from ._span import Span, bounds

T = TypeVar("T")

# From when the portal counts the new term: the old expiry, or the day of the order.
FROM_EXPIRY, FROM_ORDER = "expiry", "order"


@dataclass(frozen=True)
class Undetermined:
    """A value of the portal that cannot be determined. The operator's declaration may stand in for it.

    ``reported`` is False when the portal says nothing, and True when it says something that cannot be read or that
    contradicts itself. ``seen`` is what can be read of that all the same: a declared value must be one of these.
    ``why`` is a clause for people; ``mappings`` are lines of `field_map` that may be what is wanted.
    """

    concept: str
    why: str
    reported: bool = False
    seen: tuple[Any, ...] = ()
    mappings: tuple[str, ...] = ()


def known(value: Union[T, Undetermined]) -> Optional[T]:
    """The value, or None where it could not be determined."""
    return None if isinstance(value, Undetermined) else value


@dataclass(frozen=True)
class Offer:
    """A plan or a service, by id, by name, or by both, as far as known."""

    id: Optional[str]
    name: Optional[str]

    def __str__(self) -> str:
        return self.name or f"id {self.id}"

    def is_called(self, text: str) -> bool:
        """Whether an operator's word for it, an id or a name in any case, means this one."""
        return text.strip() == self.id or (self.name is not None and same_name(text, self.name))


def same_name(left: str, right: str) -> bool:
    """Whether two names are the same but for case and blanks, of which several, or none that breaks, count as one."""
    return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()


@dataclass(frozen=True)
class Between:
    """Services that a PBX has for certain, and those that it has at most."""

    least: tuple[Offer, ...]
    most: tuple[Offer, ...]


def _is_unreported(value: object) -> bool:
    return isinstance(value, Undetermined) and not value.reported


@dataclass(frozen=True)
class Subscription:
    """One PBX as the portal reports it (docs/portal-api.md, 4.1 and 4.2).

    ``expires_at`` is as it is read in UTC, and ``span`` where it lies if the portal tells no zone or no time of day.
    ``other_expiries`` are those that are not the plan's, by the fields that tell them; None where there are none.
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
        """What an order would need and the portal's answer does not tell."""
        values = (self.expires_at, self.plan, self.services, self.quantity, self.billing_cycle)
        return tuple(value for value in values if isinstance(value, Undetermined))

    def completed_by(self, other: Subscription) -> Subscription:
        """The same PBX with what this answer does not report taken from ``other``, an answer that is not newer.

        That there are no services is not taken from it: it may just not have them (docs/portal-api.md, 11.6). That
        auto-renewal is on is, whatever this answer says: a renewal would be paid for twice (docs/portal-api.md, 10.8).
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
class CatalogEntry:
    """A plan or service that can be ordered (docs/portal-api.md, 5.2).

    ``pricing_id`` is the path parameter of the renewal information; ``plan_id`` the plan a service belongs to.
    """

    offer: Offer
    pricing_id: Optional[str]
    plan_id: Optional[str] = None


@dataclass(frozen=True)
class Catalog:
    """The plans and services of product 13."""

    plans: tuple[CatalogEntry, ...] = ()
    services: tuple[CatalogEntry, ...] = ()


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
    """A plan or a service that an order is for. What the portal does not tell is None."""

    id: str
    quantity: Optional[int] = None
    billing_cycle: Optional[str] = None


@dataclass(frozen=True)
class Order:
    """An order in the portal's list (docs/portal-api.md, 6.2).

    ``product_no`` is None where the row does not tell; ``is_for_other_product`` says that it is not for a cloud PBX.
    ``is_renewal`` and ``lines`` are None where neither row nor detail show them.
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
    def key(self) -> str:
        """By which a person names it, and the ledger remembers it: its number, or else its id."""
        return self.order_no or self.order_id or ""

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"


@dataclass(frozen=True)
class Declaration:
    """What the operator declares of one PBX. None means nothing was declared; for ``span`` see `Subscription`."""

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
    """What holds for every PBX of a run. Days are whole days, amounts are in ``currency``.

    ``run_id`` names the run that the caps hold for; ``settle_window`` is how long the portal may take to show an order
    that it has accepted.
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
        """Whether an order whose price is not known may not be sent."""
        return self.limits_price if self.on_unknown_price is None else self.on_unknown_price == "block"

    @property
    def needs_prices(self) -> bool:
        """Whether the portal must be asked for prices."""
        return self.asks_prices or self.prices_only or self.limits_price or self.on_unknown_price == "block"


@dataclass(frozen=True)
class Filters:
    """Which subscriptions and orders are wanted. A filter leaves out only what is known not to match.

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
        """As `match`, of any PBX with this expiry and plan; None for what is not known."""
        if self.expires_within is not None and expires_at is not None:
            is_within = bounds(expires_at, span)[0] - self.now <= timedelta(days=self.expires_within)
        else:
            is_within = True
        return is_within and (self.plan is None or plan is None or plan.is_called(self.plan))


@dataclass(frozen=True)
class Evidence:
    """What is known beside the subscriptions, read once for a batch. ``orders`` is keyed by product_no.

    ``intents`` is what the ledger has, likewise; ``unrelated`` has PBX and order of what a person called no renewal;
    ``unplaced`` the orders that may be for any PBX, each with why, as a clause.
    """

    catalog: Catalog = Catalog()
    contacts: tuple[BillingContact, ...] = ()
    orders: Mapping[str, tuple[Order, ...]] = field(default_factory=dict)
    intents: Mapping[str, tuple[Intent, ...]] = field(default_factory=dict)
    unrelated: frozenset[tuple[str, str]] = frozenset()
    unplaced: tuple[tuple[Order, str], ...] = ()

    def unplaced_for(self, product_no: str) -> list[tuple[Order, str]]:
        """The orders that may be for any PBX, without those that a person has called unrelated to this one."""
        return [(order, why) for order, why in self.unplaced if not self.is_unrelated(product_no, order)]

    def is_unrelated(self, product_no: str, order: Order) -> bool:
        """Whether a person has said of an order, by its number or its id, that it is no renewal of this PBX."""
        pbx = product_no.casefold()
        return bool({(pbx, order.order_no), (pbx, order.order_id)} & self.unrelated)


@dataclass(frozen=True)
class Terms:
    """What a renewal would continue, from the portal and, where that cannot be determined, from the declaration.

    ``stood_in`` is what could not be determined, and was declared.
    """

    expires_at: datetime
    plan: Offer
    services: tuple[Offer, ...]
    quantity: int
    billing_cycle: str
    stood_in: tuple[Undetermined, ...] = field(default=(), compare=False)
    span: Optional[Span] = field(default=None, compare=False)


@dataclass(frozen=True)
class OrderRequest:
    """Everything the body of one renewal order says (docs/portal-api.md, 12.4)."""

    product_no: str
    billing_contact_id: str
    plan_id: str
    service_ids: tuple[str, ...]
    quantity: int
    billing_cycle: str
    po_number: Optional[str] = None


@dataclass(frozen=True)
class Decision:
    """What is to happen to one PBX, or what became of it, and why.

    ``expires_at`` is what was decided by, from the portal or from the declaration, and None where neither tells, and
    ``span`` where that lies; ``days_lost`` is what is lost of the running term, where the new one starts at the order;
    ``order`` is what is to be sent and is set if and only if the state is ``due``, and ``generation`` then counts the
    attempts for this expiry, and ``contact`` is who will receive the invoice; ``known_order`` is an order that the
    portal has, found or just accepted.
    """

    product_no: str
    state: str
    reason: str
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


def portable(value: Any) -> Any:
    """A copy of a portal's row that any JSON reader takes as it is: integers above 2^53, which many would round, are
    strings (docs/portal-api.md, 9.1).
    """
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > 2**53):
        return str(value)
    return value
