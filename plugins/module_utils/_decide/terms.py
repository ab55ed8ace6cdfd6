# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what a renewal would continue, from the portal's answer, the operator's declaration and the catalog.

A declared value is asserted against what can be read of the portal's answer, and replaces what is missing or cannot be
read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Optional, TypeVar, Union

from .._model.catalog import Between, Catalog, Offer, same_name
from .._model.dates import format_instant
from .._model.decision import Terms
from .._model.declaration import Declaration
from .._model.order import BillingContact
from .._model.span import Span, agrees, certain_within, same_expiry
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .._model.vocabulary import Reason
from .._text import listed
from .catalog_match import as_offer, is_plain_number, is_possible, join
from .objection import Objection

T = TypeVar("T")


def effective_span(declaration: Declaration, subscription: Subscription) -> Optional[Span]:
    """The span of the expiry that `effective` returns, from the portal and from a more exact declaration."""
    if declaration.expires_at is None:
        return subscription.span
    if isinstance(subscription.expires_at, Undetermined):
        return declaration.span
    return certain_within(declaration.expires_at, declaration.span, subscription.span) or subscription.span


def effective(declared: Optional[T], reported: Union[T, Undetermined]) -> Union[T, Undetermined]:
    """The portal's value; if that cannot be determined, the declared one, unless what can be read contradicts it.

    Plan and services are left to `identify`, since it takes the catalog to compare them.
    """
    if isinstance(reported, Undetermined) and declared is not None and not _is_contradicted(declared, reported.seen):
        return declared
    return reported


def _is_contradicted(declared: object, seen: tuple[Any, ...]) -> bool:
    if isinstance(declared, datetime):
        return bool(seen) and not any(same_expiry(declared, one) for one in seen)
    return isinstance(declared, (int, str)) and bool(seen) and declared not in seen


def resolve_terms(declaration: Declaration, subscription: Subscription) -> Terms:
    """Settle the terms of one PBX. Ids or names that only the catalog knows may still be missing.

    Raises Objection with every contradiction or, if there is none, with everything that cannot be determined.
    """
    refuse_contradictions(declaration, subscription)
    missing: list[Undetermined] = []
    stood_in: list[Undetermined] = []

    def need(declared: Optional[T], reported: Union[T, Undetermined]) -> Any:
        value = effective(declared, reported)
        if isinstance(value, Undetermined):
            missing.append(value)
        elif isinstance(reported, Undetermined):
            stood_in.append(reported)
        return value

    terms = Terms(
        expires_at=need(declaration.expires_at, subscription.expires_at),
        plan=need(None if declaration.plan is None else as_offer(declaration.plan), subscription.plan),
        services=need(
            None if declaration.services is None else tuple(map(as_offer, declaration.services)), subscription.services
        ),
        quantity=need(declaration.quantity, subscription.quantity),
        billing_cycle=need(declaration.billing_cycle, subscription.billing_cycle),
        span=effective_span(declaration, subscription),
    )
    if missing:
        raise Objection(Reason.CANNOT_DETERMINE, cannot_determine(missing))
    return replace(terms, stood_in=tuple(stood_in))


def cannot_determine(missing: list[Undetermined]) -> str:
    """Say what is missing, and what the operator can do about it."""
    clauses = "; ".join(value.why for value in missing)
    mappings = [mapping for value in missing for mapping in value.mappings]
    declarable = [value.concept for value in missing if value.concept in _SAMPLES]
    advice = [f"declare {', '.join(declarable)}"] if declarable else []
    rows = "(yeastar_pce_info with raw: true shows the rows)"
    if mappings or not all(value.reported for value in missing):
        perhaps = f", perhaps {_or(mappings)}" if mappings else ""
        advice.insert(0, f"name the right field in field_map{perhaps} {rows}")
    elif not all(_is_only_to_be_declared(value) for value in missing):
        advice.append(f"name another field in field_map, if one says it {rows}")
    return f"cannot determine {clauses}; {', or '.join(advice)}"


def way_out(value: Undetermined) -> str:
    """The lines that an operator can write for a value that cannot be determined."""
    lines = []
    is_named = bool(value.mappings) or not value.reported or value.concept not in _SAMPLES
    if is_named and not _is_only_to_be_declared(value):
        mappings = [f"{{{mapping}}}" for mapping in value.mappings] or [f"{{{value.concept}: THE_FIELD}}"]
        lines.append(f"field_map: {_or(mappings)}")
    if value.concept in _SAMPLES:
        samples = [sample for one in value.seen for sample in _samples(one)] or [_SAMPLES[value.concept]]
        lines.append(f"{value.concept}: {_or(samples)}")
    return f"write {', or '.join(lines)}"


# A sample declaration of each.
_SAMPLES = {
    "expires_at": '"2026-12-05"',
    "plan": "Enterprise Plan",
    "services": "[High Availability]",
    "quantity": "100",
    "billing_cycle": "annually",
    "auto_renewal": "false",
}
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z][\w ./()+-]*")


def _is_only_to_be_declared(value: Undetermined) -> bool:
    """Whether the right field is known, and only its content leaves a doubt."""
    return bool(value.seen) and not value.mappings


def _samples(seen: object) -> list[str]:
    if isinstance(seen, Between):
        return [f"[{', '.join(map(_quoted, offers))}]" for offers in (seen.least, seen.most)]
    return [_quoted(seen)]


def _quoted(seen: object) -> str:
    """A value as it is written in YAML."""
    text = format_instant(seen) if isinstance(seen, datetime) else str(seen)
    if isinstance(seen, Offer):
        text = seen.name or seen.id or ""
    return text if isinstance(seen, int) or _NEEDS_NO_QUOTES.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _or(texts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(texts))


def refuse_contradictions(declaration: Declaration, subscription: Subscription) -> None:
    """Raise Objection with every declared value that contradicts what can be read, except plan and services."""
    found = []
    concepts = ["quantity", "billing_cycle", "auto_renewal"]
    if not _is_of_the_span(declaration, subscription):
        concepts.append("expires_at")
    for concept in concepts:
        contradiction = contradiction_of(concept, getattr(declaration, concept), getattr(subscription, concept))
        if contradiction is not None:
            found.append(contradiction)
    if found:
        raise Objection(Reason.CONTRADICTION, "; ".join(found))


def _is_of_the_span(declaration: Declaration, subscription: Subscription) -> bool:
    declared, expires_at = declaration.expires_at, subscription.expires_at
    if declared is None or isinstance(expires_at, Undetermined):
        return False
    return agrees(declared, declaration.span, expires_at, subscription.span)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def contradiction_of(concept: str, declared: Optional[T], reported: Union[T, Undetermined]) -> Optional[str]:
    """Say how a declared value differs from what can be read of the reported one; None if it does not."""
    seen = reported.seen if isinstance(reported, Undetermined) else (reported,)
    if declared is None or not _is_contradicted(declared, seen):
        return None
    return f"{concept} is declared as {_shown(declared)}, the portal says {_or(map(_shown, seen))}"


def identify(declaration: Declaration, terms: Terms, catalog: Catalog) -> Terms:
    """Join plan and services to the catalog, so that each has its id, and compare them with the declared ones.

    Raises Objection if one is not in the catalog, is there more than once, or contradicts the declaration.
    """
    plan_texts, service_texts = _texts(declaration)
    plans, plan_doubts = join("plan", (terms.plan,), plan_texts, catalog.plans)
    own_services = tuple(entry for entry in catalog.services if entry.plan_id in (None, plans[0].id))
    services, service_doubts = join("service", terms.services, service_texts, own_services)
    if len({service.id for service in services}) < len(services):
        raise Objection(Reason.CANNOT_DETERMINE, f"a service is listed twice: {_names(services)}")
    contradictions = []
    if declaration.plan is not None and not plans[0].is_called(declaration.plan):
        said = f"{plans[0]} (id {plans[0].id})"
        contradictions.append(f"plan is declared as {declaration.plan}, the portal says {said}")
    if declaration.services is not None and not _are_called(services, service_texts):
        contradictions.append(f"services are declared as {_or_none(service_texts)}, the portal says {_names(services)}")
    for value in terms.stood_in:
        if value.concept == "plan" and not is_possible(value.seen, plan_texts, plans, catalog.plans):
            contradictions.append(f"plan is declared as {declaration.plan}, the portal says {_seen(value)}")
        if value.concept == "services" and not is_possible(value.seen, service_texts, services, own_services):
            declared = _or_none(service_texts)
            contradictions.append(f"services are declared as {declared}, the portal says {_seen(value)}")
    if contradictions:
        raise Objection(Reason.CONTRADICTION, "; ".join(contradictions))
    return replace(terms, plan=plans[0], services=services, stood_in=(*terms.stood_in, *plan_doubts, *service_doubts))


def _texts(declaration: Declaration) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The declared plan and services."""
    return () if declaration.plan is None else (declaration.plan,), declaration.services or ()


def _are_called(services: tuple[Offer, ...], texts: tuple[str, ...]) -> bool:
    unnamed = [service for service in services if not any(service.is_called(text) for text in texts)]
    unknown = [text for text in texts if not any(service.is_called(text) for service in services)]
    return not unnamed and not unknown


def _or_none(texts: Iterable[str]) -> str:
    return ", ".join(texts) or "none"


def _names(offers: Iterable[Offer]) -> str:
    return _or_none(map(str, offers))


def _seen(value: Undetermined) -> str:
    return _or(sample for one in value.seen for sample in _samples(one))


def choose_contact(wanted: Optional[str], contacts: tuple[BillingContact, ...]) -> BillingContact:
    """The billing contact wanted by id or e-mail; if none is wanted, the only one there is.

    Raises Objection with the choices (docs/reliability.md, 57).
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
            raise Objection(
                Reason.BILLING_CONTACT, f"the id of billing contact {found[0]} is not a number, as an order needs it"
            )
        return found[0]
    choices = listed([str(contact) for contact in contacts])
    what = "no billing contact is named" if wanted is None else f"billing contact {wanted} matches {len(found)}"
    raise Objection(
        Reason.BILLING_CONTACT, f"{what} and the account has {len(contacts)}: {choices}; set billing_contact"
    )
