# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that the tests of the pure layers start from: one annual PBX, twelve days before it expires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Reservation, caps_of, excess_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import (
    Plan,
    decide,
    make_plan,
    without_orders,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Catalog, CatalogEntry, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision, Terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.evidence import Evidence
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import BillingContact, Order, OrderLine
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus


def utc(*parts: int) -> datetime:
    """An instant in UTC: year, month, day, hour and so on."""
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


SN = "3658B431119665QJ"
UNSETTLED = [status for status in IntentStatus if status.is_unsettled]
CLOSED = [status for status in IntentStatus if status.is_closed]
NOW = utc(2026, 11, 23)
NOW_TEXT = "2026-11-23T00:00:00Z"  # as an option
EXPIRY = utc(2026, 12, 5)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

ENTERPRISE = Offer("3048571730026938368", "Enterprise Plan")
ULTIMATE = Offer("3048572026291630080", "Ultimate Plan")
HA = Offer("3048573935752720384", "High Availability")
RECORDING = Offer("3048573759449317376", "Recording Minutes")


def unreported(concept: str) -> Undetermined:
    """What the portal says nothing about."""
    return Undetermined(concept, f"{concept}: none of the fields x, y is reported")


UNKNOWN_PRICE = Undetermined("price", "amount: none of the fields x, y is reported")


def unreadable(concept: str) -> Undetermined:
    """What the portal says something about that cannot be read."""
    return Undetermined(concept, f"{concept}: x cannot be read: nonsense", reported=True)


def subscription(**changes: Any) -> Subscription:
    """An annual PBX that reports everything, twelve days before it expires."""
    return replace(
        Subscription(
            product_no=SN,
            expires_at=EXPIRY,
            plan=ENTERPRISE,
            services=(HA,),
            quantity=100,
            billing_cycle="annually",
            auto_renewal=unreported("auto_renewal"),
        ),
        **changes,
    )


def silent_subscription(**changes: Any) -> Subscription:
    """A PBX of which the portal reports nothing but the serial number."""
    names = ("expires_at", "plan", "services", "quantity", "billing_cycle", "auto_renewal")
    return subscription(**{**{name: unreported(name) for name in names}, **changes})


def declaration(**changes: Any) -> Declaration:
    """Nothing is declared, unless given."""
    return Declaration(**{"product_no": SN, **changes})


def full_declaration(**changes: Any) -> Declaration:
    """Everything an order needs is declared, just as `subscription` reports it."""
    return replace(
        Declaration(SN, "Enterprise Plan", ("High Availability",), 100, "annually", EXPIRY),
        **changes,
    )


def policy(**changes: Any) -> Policy:
    """A policy without price limits."""
    return Policy(**{"max_orders": 10, **changes})


def catalog() -> Catalog:
    """Two plans and two services, as the portal lists them."""
    return Catalog(
        plans=(CatalogEntry(ENTERPRISE, "1001"), CatalogEntry(ULTIMATE, "1002")),
        services=(CatalogEntry(HA, "2001"), CatalogEntry(RECORDING, "2002")),
    )


def contact(**changes: Any) -> BillingContact:
    """A billing contact."""
    return replace(BillingContact("3197218168379846218", "billing@example.com"), **changes)


def order(**changes: Any) -> Order:
    """An order of the PBX, done, and placed yesterday."""
    return replace(Order("77", "BN77", "succeed", NOW - DAY, SN), **changes)


def renewal_lines(**changes: Any) -> tuple[OrderLine, ...]:
    """The lines of an order that renews what `intent` is for; ``changes`` are those of the plan's."""
    return (replace(OrderLine(str(ENTERPRISE.id), 100, "annually"), **changes), OrderLine(str(HA.id)))


def evidence(*orders: Order, **changes: Any) -> Evidence:
    """A catalog, one billing contact, and the given orders of the PBX."""
    return replace(Evidence(catalog(), (contact(),), {SN: orders} if orders else {}), **changes)


def intent(**changes: Any) -> Intent:
    """An intent to renew the PBX, written now, and of which nothing more is known."""
    written = Intent(
        portal="https://portal.example",
        product_no=SN,
        expires_at=EXPIRY,
        account="account",
        run_id="run",
        status=IntentStatus.INTENDED,
        generation=1,
        billing_cycle="annually",
        quantity=100,
        po_number="RN20261205-0123abcd",
        uncertain_since=NOW,
        portal_uncertain_since=NOW,
        note="to be ordered",
        plan_id=ENTERPRISE.id,
        service_ids=HA.id,
    )
    return replace(written, **changes)


def terms(**changes: Any) -> Terms:
    """What `subscription` would continue."""
    return replace(Terms(EXPIRY, ENTERPRISE, (HA,), 100, "annually"), **changes)


def usd(amount: str) -> Money:
    """An amount of dollars."""
    return Money(Decimal(amount), "USD")


def wanted(*product_nos: str, **prices: Optional[Money]) -> list[Reservation]:
    """An order of each PBX, from one expiry on; without a price, or with one."""
    of_all: dict[str, Optional[Money]] = {**dict.fromkeys(product_nos), **prices}
    return [Reservation(product_no, EXPIRY, price) for product_no, price in of_all.items()]


def due_decision(product_no: str = SN, **changes: Any) -> Decision:
    """A decision that is due."""
    decision = decide(
        declaration(product_no=product_no), subscription(product_no=product_no), evidence(), policy(), NOW
    )
    return replace(decision, **changes)


def plan_of(decisions: Iterable[Decision], limits: Policy) -> Plan:
    """What a run that has ordered nothing yet makes of its decisions, once its caps are counted."""
    plan = make_plan(decisions)
    excess = excess_of(caps_of(limits, "one"), plan.reservations(), [])
    return plan if excess is None else without_orders(plan, *excess)
