# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what a renewal would continue, from the portal's answer, the operator's declaration and the catalog.

A declared value is asserted against what the portal reports, and stands in for what it does not report.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Optional, TypeVar, Union

from ._model import (
    BillingContact,
    Catalog,
    CatalogEntry,
    Declaration,
    Offer,
    Subscription,
    Terms,
    Undetermined,
    same_name,
)
from ._time import DAY, format_instant

T = TypeVar("T")


class Unclear(Exception):
    """Terms that cannot be settled. ``reason`` is one of the reason codes, the text says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        """``message`` names every value that was expected and seen."""
        self.reason = reason
        super().__init__(message)


def is_plain_number(text: str) -> bool:
    """Whether an id can stand as a bare integer in an order's body."""
    return text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0"))


def same_expiry(left: datetime, right: datetime) -> bool:
    """Whether two instants are the same expiry: less than a day apart.

    A bare date has no zone (contract, section 11, row 2), and one term differs from the next by at least 28 days.
    """
    return abs(left - right) < DAY


def effective(declared: Optional[T], reported: Union[T, Undetermined]) -> Union[T, Undetermined]:
    """The portal's value; where it reports none, the declared one."""
    if isinstance(reported, Undetermined) and not reported.reported and declared is not None:
        return declared
    return reported


def resolve_terms(declaration: Declaration, subscription: Subscription) -> Terms:
    """Settle the terms of one PBX. Ids or names that only the catalog knows may still be missing from them.

    Raises Unclear with every contradiction, or else with everything that cannot be determined.
    """
    contradictions = _contradictions(declaration, subscription)
    if contradictions:
        raise Unclear("contradiction", "; ".join(contradictions))
    missing: list[Undetermined] = []

    def need(declared: Optional[T], reported: Union[T, Undetermined]) -> Any:
        value = effective(declared, reported)
        if isinstance(value, Undetermined):
            missing.append(value)
        return value

    terms = Terms(
        expires_at=need(declaration.expires_at, subscription.expires_at),
        plan=need(_as_offer(declaration.plan), subscription.plan),
        services=need(_as_offers(declaration.services), subscription.services),
        quantity=need(declaration.quantity, subscription.quantity),
        billing_cycle=need(declaration.billing_cycle, subscription.billing_cycle),
    )
    if missing:
        raise Unclear("cannot_determine", cannot_determine(missing))
    return terms


def cannot_determine(missing: list[Undetermined]) -> str:
    """Say what is missing, and what the operator can do about it."""
    clauses = "; ".join(value.why for value in missing)
    unreported = [value.concept for value in missing if not value.reported]
    advice = "name the right field in field_map (yeastar_pce_info with raw: true shows the rows)"
    if unreported:
        advice += f", or declare {', '.join(unreported)}"
    return f"cannot determine {clauses}; {advice}"


def _as_offer(text: Optional[str]) -> Optional[Offer]:
    if text is None:
        return None
    word = text.strip()
    return Offer(word, None) if is_plain_number(word) else Offer(None, word)


def _as_offers(texts: Optional[tuple[str, ...]]) -> Optional[tuple[Offer, ...]]:
    return None if texts is None else tuple(offer for offer in map(_as_offer, texts) if offer)


def _contradictions(declaration: Declaration, subscription: Subscription) -> list[str]:
    found = []
    for concept in ("quantity", "billing_cycle", "auto_renewal"):
        contradiction = contradiction_of(concept, getattr(declaration, concept), getattr(subscription, concept))
        if contradiction is not None:
            found.append(contradiction)
    expires_at = subscription.expires_at
    if (
        declaration.expires_at is not None
        and not isinstance(expires_at, Undetermined)
        and not same_expiry(declaration.expires_at, expires_at)
    ):
        declared, reported = format_instant(declaration.expires_at), format_instant(expires_at)
        found.append(f"expires_at is declared as {declared}, the portal says {reported}")
    return found


def contradiction_of(concept: str, declared: Optional[T], reported: Union[T, Undetermined]) -> Optional[str]:
    """What a declared value and a reported one say of each other, if both are there and differ."""
    if declared is None or isinstance(reported, Undetermined) or declared == reported:
        return None
    seen = [str(value).lower() if isinstance(value, bool) else value for value in (declared, reported)]
    return f"{concept} is declared as {seen[0]}, the portal says {seen[1]}"


def identify(declaration: Declaration, terms: Terms, catalog: Catalog) -> Terms:
    """Join plan and services to the catalog, so that each has its id, and compare them with the declared ones.

    Raises Unclear when one is not in the catalog, is there more than once, or contradicts the declaration.
    """
    plan = _identify_one("plan", terms.plan, catalog.plans)
    own_services = tuple(entry for entry in catalog.services if entry.plan_id in (None, plan.id))
    services = tuple(_identify_one("service", service, own_services) for service in terms.services)
    if len({service.id for service in services}) < len(services):
        raise Unclear("cannot_determine", f"a service is listed twice: {_names(services)}")
    contradictions = []
    if declaration.plan is not None and not plan.is_called(declaration.plan):
        contradictions.append(f"plan is declared as {declaration.plan}, the portal says {plan} (id {plan.id})")
    if declaration.services is not None and not _are_called(services, declaration.services):
        declared = ", ".join(declaration.services) or "none"
        contradictions.append(f"services are declared as {declared}, the portal says {_names(services)}")
    if contradictions:
        raise Unclear("contradiction", "; ".join(contradictions))
    return replace(terms, plan=plan, services=services)


def _are_called(services: tuple[Offer, ...], texts: tuple[str, ...]) -> bool:
    unnamed = [service for service in services if not any(service.is_called(text) for text in texts)]
    unknown = [text for text in texts if not any(service.is_called(text) for service in services)]
    return not unnamed and not unknown


def _names(offers: tuple[Offer, ...]) -> str:
    return ", ".join(str(offer) for offer in offers) or "none"


def _identify_one(kind: str, offer: Offer, entries: tuple[CatalogEntry, ...]) -> Offer:
    matching = [
        entry.offer
        for entry in entries
        if (offer.id is not None and offer.id == entry.offer.id)
        or (offer.id is None and entry.offer.name is not None and same_name(offer.name or "", entry.offer.name))
    ]
    found = {one.id: one for one in sorted(matching, key=lambda one: one.name is not None)}
    choices = ", ".join(sorted(f"{entry.offer} (id {entry.offer.id})" for entry in entries)) or "none"
    if len(found) != 1:
        times = "not" if not found else f"{len(found)} times"
        raise Unclear("cannot_determine", f"{kind} {offer} is {times} in the portal's catalog, which has: {choices}")
    entry_offer = next(iter(found.values()))
    if offer.name is not None and entry_offer.name is not None and not same_name(offer.name, entry_offer.name):
        raise Unclear(
            "cannot_determine", f"{kind} id {offer.id} is {offer.name} at the PBX and {entry_offer.name} in the catalog"
        )
    if not is_plain_number(entry_offer.id or ""):
        raise Unclear("cannot_determine", f"{kind} {offer} has the id {entry_offer.id}, expected digits")
    return Offer(entry_offer.id, entry_offer.name or offer.name)


def choose_contact(wanted: Optional[str], contacts: tuple[BillingContact, ...]) -> BillingContact:
    """The billing contact asked for by id or e-mail; without one, the only one there is.

    Raises Unclear with the choices (faults, row 57).
    """
    found = [
        contact
        for contact in contacts
        if wanted is None
        or wanted.strip() == contact.billing_contact_id
        or (contact.email and same_name(wanted, contact.email))
    ]
    if len(found) == 1:
        if not is_plain_number(found[0].billing_contact_id):
            raise Unclear(
                "billing_contact", f"the id of billing contact {found[0]} is not a number, as an order needs it"
            )
        return found[0]
    choices = ", ".join(str(contact) for contact in contacts) or "none"
    what = "no billing contact is named" if wanted is None else f"billing contact {wanted} matches {len(found)}"
    raise Unclear("billing_contact", f"{what} and the account has {len(contacts)}: {choices}; set billing_contact")
