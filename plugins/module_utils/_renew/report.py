# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has achieved: one outcome per PBX, true at every moment, and its form for the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Optional

from .._decide.planner import settled
from .._decide.terms import way_out
from .._model.catalog import Catalog, Offer
from .._model.dates import format_instant
from .._model.decision import Decision
from .._model.money import Money
from .._model.order import BillingContact, Order
from .._model.span import Span, days_left, shown, span_as_result
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined, known
from .._model.vocabulary import Reason, State
from .._portal.transport import Traffic
from .diff import diff_of


@dataclass(frozen=True)
class Outcome:
    """What became of one PBX. ``may_have_ordered`` is True once an order was accepted or may have been."""

    decision: Decision
    may_have_ordered: bool = False


@dataclass
class Report:
    """The outcomes of a run so far. A run that breaks off still has a truthful report.

    ``excess`` says which cap stopped the whole run, if one did.
    """

    now: datetime
    is_check_mode: bool
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    excess: Optional[str] = None

    def record(self, decision: Decision, may_have_ordered: bool = False) -> None:
        """Set what is now known of one PBX."""
        self.outcomes[decision.product_no] = Outcome(decision, may_have_ordered)

    @property
    def changed(self) -> bool:
        """Whether an order was accepted or may have been; in check mode, whether one would be sent."""
        return any(self._is_change(outcome) for outcome in self.outcomes.values())

    def _is_change(self, outcome: Outcome) -> bool:
        return outcome.may_have_ordered or (self.is_check_mode and outcome.decision.state == State.DUE)

    def break_off(self, why: str) -> None:
        """End an interrupted run: whatever is still due was not attempted."""
        for outcome in self._sorted():
            if outcome.decision.state in (State.DUE, State.NOT_ATTEMPTED):
                self.record(settled(outcome.decision, Reason.STOPPED, f"not attempted: {why}; run again"))

    def decisions(self) -> list[Decision]:
        """What is known of each PBX, sorted by product_no."""
        return [outcome.decision for outcome in self._sorted()]

    @property
    def failed(self) -> bool:
        """Whether the task has failed: a PBX is blocked, failed, unknown, or was due and not attempted."""
        return any(outcome.decision.state.is_failing for outcome in self.outcomes.values())

    def message(self) -> str:
        """One sentence for the task: the counts, each PBX that needs a person, and why others were not attempted."""
        counts = [f"{count} {state}" for state, count in self._summary().items() if count]
        needing: list[str] = []
        stopped: dict[str, list[str]] = {}
        for decision in self.decisions():
            if decision.state == State.NOT_ATTEMPTED:
                stopped.setdefault(decision.message, []).append(decision.product_no)
            elif decision.state.is_failing:
                needing.append(f"{decision.product_no}: {decision.message}")
        if self.excess is not None:
            stopped.pop(self.excess, None)  # the sentence begins with it
        needing += [f"{', '.join(numbers)}: {message}" for message, numbers in stopped.items()]
        return "; ".join([self.excess or ", ".join(counts) or "no subscriptions", *needing])

    def _summary(self) -> dict[str, int]:
        states = [outcome.decision.state for outcome in self.outcomes.values()]
        return {state.value: states.count(state) for state in State}

    def _sorted(self) -> list[Outcome]:
        return [self.outcomes[product_no] for product_no in sorted(self.outcomes)]

    def as_result(self) -> dict[str, Any]:
        """The keys of docs/architecture.md, 4, except `requests`."""
        return {
            "changed": self.changed,
            "results": [self._row(outcome) for outcome in self._sorted()],
            "summary": self._summary(),
            "diff": diff_of(
                outcome.decision
                for outcome in self._sorted()
                if outcome.may_have_ordered or outcome.decision.state == State.DUE
            ),
        }

    def _row(self, outcome: Outcome) -> dict[str, Any]:
        decision = outcome.decision
        terms = decision.terms
        seen = subscription_as_result(decision.subscription, self.now) if decision.subscription else {}
        shows_expiry_after = decision.state in (State.DUE, State.RENEWED)
        return {
            "product_no": decision.product_no,
            "state": decision.state.value,
            "reason": decision.reason.value,
            "message": decision.message,
            "expires_before": _shown(decision.expires_at, decision.span),
            "expires_between": span_as_result(decision.span),
            "expires_after": _instant(decision.expires_after) if shows_expiry_after else None,
            "days_left": _days_left(decision.expires_at, decision.span, self.now),
            "days_lost": decision.days_lost,
            "plan": str(terms.plan) if terms else seen.get("plan"),
            "services": [str(service) for service in terms.services] if terms else seen.get("services"),
            "quantity": terms.quantity if terms else seen.get("quantity"),
            "billing_cycle": terms.billing_cycle if terms else seen.get("billing_cycle"),
            "auto_renewal": seen.get("auto_renewal"),
            "price": _price(decision.price),
            "order": _order(decision.known_order),
            "changed": self._is_change(outcome),
        }


def fails_host(row: Mapping[str, Any]) -> bool:
    """Whether a row of the results fails its host."""
    return State(row["state"]).is_failing


def traffic_as_result(traffic: Traffic) -> dict[str, int]:
    """How many requests were sent: ``read`` GET, ``write`` orders, ``token`` logins."""
    return {"read": traffic.read, "write": traffic.write, "token": traffic.token}


def subscription_as_result(subscription: Subscription, now: datetime) -> dict[str, Any]:
    """A subscription for the user. What cannot be determined is null, and `undetermined` says why."""
    expires_at, plan, services = known(subscription.expires_at), known(subscription.plan), known(subscription.services)
    return {
        "product_no": subscription.product_no,
        "expires_at": _shown(expires_at, subscription.span),
        "expires_between": None if expires_at is None else span_as_result(subscription.span),
        "days_left": _days_left(expires_at, subscription.span, now),
        "plan": None if plan is None else str(plan),
        "plan_id": None if plan is None else plan.id,
        "services": None if services is None else [str(service) for service in services],
        "service_ids": None if services is None else [service.id for service in services],
        "quantity": known(subscription.quantity),
        "billing_cycle": known(subscription.billing_cycle),
        "auto_renewal": known(subscription.auto_renewal),
        "pending_plan": subscription.pending_plan,
        "activation_status": subscription.activation_status,
        "comment": subscription.comment,
        "other_expiries": {name: format_instant(instant) for name, instant in subscription.other_expiries or ()},
        "undetermined": {
            value.concept: f"{value.why}; {way_out(value)}"
            for value in (*subscription.undetermined(), subscription.auto_renewal)
            if isinstance(value, Undetermined)
        },
    }


def catalog_as_result(catalog: Catalog) -> dict[str, Any]:
    """The plans and services that can be ordered, ids as strings."""

    def entry(offer: Offer, **ids: Optional[str]) -> dict[str, Any]:
        return {"id": offer.id, "name": offer.name, **ids}

    return {
        "plans": [entry(plan.offer, pricing_id=plan.pricing_id) for plan in catalog.plans],
        "services": [
            entry(service.offer, pricing_id=service.pricing_id, plan_id=service.plan_id) for service in catalog.services
        ],
    }


def contact_as_result(contact: BillingContact) -> dict[str, Any]:
    """A billing contact, id as string."""
    return {
        "billing_contact_id": contact.billing_contact_id,
        "email": contact.email,
        "name": contact.name,
        "company": contact.company,
    }


def order_as_result(order: Order) -> dict[str, Any]:
    """An order of the portal's list."""
    return {
        "order_id": order.order_id,
        "order_no": order.order_no,
        "status": order.status,
        "created_at": _instant(order.created_at),
        "product_no": order.product_no,
        "po_number": order.po_number,
    }


def _order(order: Optional[Order]) -> Optional[dict[str, Any]]:
    if order is None:
        return None
    return {
        "order_no": order.order_no,
        "transaction_no": order.transaction_no,
        "status": order.status,
        "po_number": order.po_number,
    }


def _shown(expires_at: Optional[datetime], span: Optional[Span]) -> Optional[str]:
    return None if expires_at is None else format_instant(shown(expires_at, span))


def _days_left(expires_at: Optional[datetime], span: Optional[Span], now: datetime) -> Optional[int]:
    return None if expires_at is None else days_left(expires_at, span, now)


def _instant(instant: Optional[datetime]) -> Optional[str]:
    return None if instant is None else format_instant(instant)


def _price(price: Optional[Money]) -> Optional[dict[str, str]]:
    return None if price is None else {"amount": f"{price.amount:f}", "currency": price.currency}
