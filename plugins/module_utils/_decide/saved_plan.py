# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be bought from a saved plan: exactly what was approved. For the file itself, see `_renew.plan_file`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Optional

from .._errors import CollectionError
from .._model import money as _money
from .._model.catalog import Offer, same_name
from .._model.dates import DAY, format_instant, parse_instant
from .._model.decision import Decision, Terms
from .._model.declaration import FROM_EXPIRY, Declaration, Policy
from .._model.money import Money
from .._model.span import FIRST, LAST, same_expiry, shown, span_as_result, span_in
from .._model.subscription import Subscription
from .._model.undetermined import known
from .._model.vocabulary import Reason
from .planner import longest_window, settled

LONGEST_VALIDITY = timedelta(days=7)


class PlanError(CollectionError, ValueError):
    """A saved plan that must not be applied: not a plan, edited, expired, or made for another portal or account."""


@dataclass(frozen=True)
class SavedPlan:
    """A plan that was read from a file and matches its digest. ``items`` is keyed by product_no.

    ``max_price_increase_percent`` is how far a price may have risen when the plan is applied; None if not at all.
    """

    digest: str
    created: datetime
    include_expired: bool
    items: Mapping[str, Mapping[str, Any]]
    max_total: Optional[Decimal] = None
    max_amount_per_item: Optional[Decimal] = None
    max_price_increase_percent: Optional[Decimal] = None
    term_starts: str = FROM_EXPIRY

    def bound(self, policy: Policy) -> Policy:
        """The policy for applying the plan. If prices may rise, the plan's own limits hold as well."""
        bound = replace(policy, asks_prices=True, include_expired=self.include_expired, term_starts=self.term_starts)
        if policy.max_price_increase_percent is None:
            return bound
        return replace(
            bound,
            max_price_increase_percent=None,  # it counts from the plan, see `hold`
            on_unknown_price="block" if policy.blocks_unknown_price else "allow",
            max_total=_stricter(policy.max_total, self.max_total),
            max_amount_per_item=_stricter(policy.max_amount_per_item, self.max_amount_per_item),
        )

    def declarations(self) -> list[Declaration]:
        """Declare what a run must find to order exactly what was approved. What was due then counts as due now."""
        return [
            Declaration(
                product_no=product_no,
                plan=item["plan"]["id"],
                services=tuple(service["id"] for service in item["services"]),
                quantity=item["quantity"],
                billing_cycle=item["billing_cycle"],
                expires_at=parse_instant(item["expires_before"]),
                billing_contact=item["billing_contact_id"],
                remaining_days=self._window_of(item),
                po_number=item["po_number"],
                span=span_in(item["expires_between"]),
            )
            for product_no, item in self.items.items()
        ]

    def _window_of(self, item: Mapping[str, Any]) -> int:
        """Days before expiry at which an item is certainly due, even if its time zone has become known since."""
        days = -((self.created - parse_instant(item["expires_before"])) // DAY) + 2
        return min(max(0, days), longest_window(item["billing_cycle"], self.term_starts))

    def as_options(self) -> dict[str, dict[str, Any]]:
        """The declarations in the form of the modules' option `subscriptions`, keyed by product_no."""
        return {
            one.product_no: {
                **{name: value for name, value in vars(one).items() if value is not None and name != "span"},
                "services": list(one.services or ()),
                "expires_at": _as_told(self.items[one.product_no]),
            }
            for one in self.declarations()
        }

    def declarations_for(self, own: Iterable[Declaration]) -> list[Declaration]:
        """Like `declarations`, for PBXs that have a declaration of their own, which takes precedence over the plan.

        A value declared differently from what was approved thus leads to another order, which `hold` refuses. A PBX
        that is not in the plan is decided as declared. Raises PlanError for a plan item whose PBX is not
        among them.
        """
        declared = {declaration.product_no: declaration for declaration in own}
        missing = sorted(set(self.items) - set(declared))
        if missing:
            raise PlanError(
                f"plan_file: it orders {', '.join(missing)}, which no host of this batch is; what was approved is"
                " bought as a whole, so take all of its hosts, without --limit, or plan again with the same limit"
            )
        for approved in self.declarations():
            given = {key: value for key, value in vars(declared[approved.product_no]).items() if value is not None}
            if "expires_at" in given:
                given.setdefault("span", None)
            declared[approved.product_no] = replace(approved, **{**given, "remaining_days": approved.remaining_days})
        return list(declared.values())

    def hold(self, decision: Decision) -> Decision:
        """Pass a decision that orders nothing, or exactly what was approved; refuse any other."""
        item = self.items.get(decision.product_no)
        if item is None:
            return decision if decision.order is None else _not_in_plan(decision)
        before = parse_instant(item["expires_before"])
        other_zone = _other_zone(item, decision)
        seen = None if decision.expires_at is None else shown(decision.expires_at, decision.span)
        if seen is not None and not same_expiry(before, seen):
            changes = [f"expires_at {format_instant(before)} -> {format_instant(seen)}"]
        elif other_zone is not None:
            changes = [f"time_zone {other_zone}"]
        elif decision.reason == Reason.ENOUGH_TIME:
            changes = ["it is not due by now"]
        elif decision.reason == Reason.CONTRADICTION:
            changes = _reported_otherwise(item, decision.subscription) or [decision.message]
        elif decision.reason == Reason.BILLING_CONTACT:
            changes = [f"billing_contact_id {item['billing_contact_id']} -> unknown ({decision.message})"]
        elif decision.order is None:
            return decision
        else:
            now = item_of(decision)
            apart = (
                *("reason", "expires_before", "expires_between", "expires_after", "days_lost"),
                *("price", "auto_renewal", "declared"),
            )
            keys = [name for name in now if name not in apart]
            if not self._is_approved_price(item["price"], decision.price):
                keys.append("price")
            changes = [f"{key} {_said(item[key])} -> {_said(now[key])}" for key in keys if item[key] != now[key]]
            # What was approved is not bought if the portal now says something else that cannot be read.
            changes += [why for key, why in now["declared"].items() if item.get("declared", {}).get(key) != why]
        if not changes:
            return decision
        return settled(decision, Reason.STALE_PLAN, f"changed since the plan: {'; '.join(changes)}; plan again")

    def _is_approved_price(self, approved: Optional[Mapping[str, str]], price: Optional[Money]) -> bool:
        """Whether a price is the approved one or, if others are allowed, not too far above it."""
        if approved is None or price is None:
            return approved is None and price is None
        before = Money(Decimal(approved["amount"]), approved["currency"])
        if self.max_price_increase_percent is None or price.currency != before.currency:
            return price == before
        return not _money.exceeds(price.amount, before.amount, self.max_price_increase_percent)


def _other_zone(item: Mapping[str, Any], decision: Decision) -> Optional[str]:
    """The time zones with which a plan was made and is applied, if they differ."""
    then = None if item["expires_between"] is None else item["expires_between"]["time_zone"]
    now = None if decision.span is None else decision.span.zone
    return None if then is None or now is None or then == now else f"{then} -> {now}"


def _stricter(one: Optional[Decimal], other: Optional[Decimal]) -> Optional[Decimal]:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _as_told(item: Mapping[str, Any]) -> str:
    """The expiry of an item as text, without a zone if none was known."""
    between = item["expires_between"]
    text = str(item["expires_before"])
    if between is None or between["time_zone"] is not None or between["earliest"] == between["latest"]:
        return text
    is_date = parse_instant(between["latest"]) - parse_instant(between["earliest"]) > FIRST + LAST
    return text[: len("2026-12-05")] if is_date else text.removesuffix("Z")


def _declared(terms: Terms) -> dict[str, str]:
    """For each concept, every reason why a declaration replaces what the portal reports."""
    whys: dict[str, list[str]] = {}
    for value in terms.stood_in:
        if value.reported:
            whys.setdefault(value.concept, []).append(value.why)
    return {concept: "; ".join(sorted(found)) for concept, found in whys.items()}


def item_of(decision: Decision) -> dict[str, Any]:
    """The plan item of a decision that is due: everything that the order will contain, and its effect."""
    terms, order = decision.terms, decision.order
    if terms is None or order is None or decision.expires_after is None:
        raise ValueError("expected a decision that is due")
    return {
        "product_no": decision.product_no,
        "reason": decision.reason,
        "expires_before": format_instant(shown(terms.expires_at, terms.span)),
        "expires_between": span_as_result(terms.span),
        "expires_after": format_instant(decision.expires_after),
        "days_lost": decision.days_lost,
        "plan": _offer(terms.plan),
        "services": sorted(map(_offer, terms.services), key=lambda offer: str(offer["id"])),
        "quantity": terms.quantity,
        "billing_cycle": terms.billing_cycle,
        "billing_contact_id": order.billing_contact_id,
        "billing_contact_email": (decision.contact and decision.contact.email) or None,
        "po_number": order.po_number,
        "declared": _declared(terms),
        "price": None if decision.price is None else _price(decision.price),
        "auto_renewal": None if decision.subscription is None else known(decision.subscription.auto_renewal),
    }


def _reported_otherwise(item: Mapping[str, Any], subscription: Optional[Subscription]) -> list[str]:
    """List what the portal itself reports differently from what was approved, each as old -> new."""
    if subscription is None:
        return []
    changes = []
    for key in ("quantity", "billing_cycle"):
        value = known(getattr(subscription, key))
        if value not in (None, item[key]):
            changes.append(f"{key} {item[key]} -> {value}")
    plan, services = known(subscription.plan), known(subscription.services)
    if plan is not None and not _is_approved(plan, item["plan"]):
        changes.append(f"plan {_said(item['plan'])} -> {plan}")
    if services is not None:
        missing = [one for one in item["services"] if not any(_is_approved(offer, one) for offer in services)]
        if missing or len(services) != len(item["services"]):
            changes.append(f"services {_said(item['services'])} -> {_said(list(map(_offer, services)))}")
    return changes


def _is_approved(offer: Offer, approved: Mapping[str, Optional[str]]) -> bool:
    """Whether an offer, which may be known only by its name, is the approved one."""
    if offer.id is not None:
        return offer.id == approved["id"]
    return same_name(offer.name or "", approved["name"] or "")


def _not_in_plan(decision: Decision) -> Decision:
    return settled(
        decision, Reason.NOT_IN_PLAN, f"not part of the plan, so it is not bought: {decision.message}; plan again"
    )


def _offer(offer: Offer) -> dict[str, Optional[str]]:
    return {"id": offer.id, "name": offer.name}


def _price(price: Money) -> dict[str, str]:
    return {"amount": f"{price.amount:f}", "currency": price.currency}


def _said(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, Mapping):
        return str(value.get("name") or value.get("id") or f"{value.get('amount')} {value.get('currency')}")
    return str(value)
