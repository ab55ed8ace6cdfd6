# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what to do about each PBX, and why. No clock, no network, no Ansible; `now` is an argument.

The rules are in docs/architecture.md, 3: first whether it is due, then whatever blocks it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Optional, Union

from .._model.dates import ANNUALLY, DAY, MONTHLY, format_instant, in_words
from .._model.decision import Decision, Terms
from .._model.declaration import FROM_EXPIRY, FROM_ORDER, Declaration, Policy
from .._model.evidence import Evidence
from .._model.order import BillingContact, Order, OrderRequest
from .._model.po_number import is_of_earlier_term, related_orders, tag_of, tagged_for
from .._model.span import Span, bounds, days_left, in_text, same_expiry, shown
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined, known
from .._model.vocabulary import IntentStatus, Reason, State
from .._text import bare
from .caps import Reservation
from .cycles import current_term_began, days_lost, expiry_after
from .objection import Objection
from .terms import (
    cannot_determine,
    choose_contact,
    effective,
    effective_span,
    identify,
    refuse_contradictions,
    resolve_terms,
)

# Days before expiry at which a renewal becomes due, and the days of the shortest cycle of each kind.
DEFAULT_WINDOW = {ANNUALLY: 30, MONTHLY: 7}
SHORTEST_CYCLE = {ANNUALLY: 365, MONTHLY: 28}


@dataclass(frozen=True)
class Plan:
    """The decisions of one run, sorted by product_no. ``excess`` says why no order may be sent; None if they may."""

    decisions: tuple[Decision, ...]
    excess: Optional[str] = None

    def due(self) -> list[Decision]:
        """The decisions to be ordered, the most urgent first."""
        due = [(one, one.terms) for one in self.decisions if one.order is not None and one.terms is not None]
        due.sort(key=lambda pair: (pair[1].expires_at, pair[0].product_no))
        return [decision for decision, dummy in due]

    def reservations(self) -> list[Reservation]:
        """What the orders of the plan count towards the caps of the run."""
        return [Reservation(decision.product_no, decision.expires_at, decision.price) for decision in self.due()]


def screen(
    declaration: Declaration, subscription: Subscription, policy: Policy, now: datetime
) -> Union[Decision, Terms]:
    """Decide as far as the subscription alone allows: return a decision, or the terms of a PBX that is due.

    Terms still have to be checked against the account's evidence; see `decide`.
    """
    expires_at = effective(declaration.expires_at, subscription.expires_at)
    try:
        if isinstance(expires_at, Undetermined):
            refuse_contradictions(declaration, subscription)
            raise Objection(Reason.CANNOT_DETERMINE, cannot_determine([expires_at]))
        return _screen(declaration, subscription, expires_at, policy, now)
    except Objection as unclear:
        span = effective_span(declaration, subscription)
        return _decision_of(subscription, known(expires_at), span, unclear.reason, str(unclear))


def _screen(
    declaration: Declaration, subscription: Subscription, expires_at: datetime, policy: Policy, now: datetime
) -> Union[Decision, Terms]:
    window, span = _window(declaration, subscription, policy), effective_span(declaration, subscription)
    left, due_from = _left(expires_at, span, now), bounds(expires_at, span)[0] - timedelta(days=window)
    if now < due_from:
        message = f"{left}; renewal is due {window} days before, from {format_instant(due_from)} on"
        return _decision_of(subscription, expires_at, span, Reason.ENOUGH_TIME, message)
    if declaration.expected_expiry is not None and not _is_expected(declaration.expected_expiry, expires_at, span):
        expected, seen = format_instant(declaration.expected_expiry), in_text(expires_at, span)
        raise Objection(Reason.EXPECTED_EXPIRY, f"expected_expiry is {expected}, but it expires {seen}")
    # The portal is asked later whether a declaration is true; a row that contradicts it is refused below.
    renews_itself = declaration.auto_renewal or (subscription.auto_renewal is True and declaration.auto_renewal is None)
    _refuse_expired(renews_itself, expires_at, span, policy, now)
    if renews_itself:
        message = f"{left}; auto-renewal is on, the portal renews it itself"
        return _decision_of(subscription, expires_at, span, Reason.AUTO_RENEWAL, message)
    if subscription.pending_plan is not None:
        raise Objection(
            Reason.PLAN_SWITCH_PENDING,
            f"a switch to another plan is pending (current plan: {subscription.pending_plan}); renew once it is"
            " through. If currentPlan always has the running plan here, say so in field_map: {plan: currentPlan}",
        )
    return resolve_terms(declaration, subscription)


def _is_expected(expected: datetime, expires_at: datetime, span: Optional[Span]) -> bool:
    """Whether an expiry is the expected one, as read or as shown."""
    return same_expiry(expected, expires_at) or same_expiry(expected, shown(expires_at, span))


def _left(expires_at: datetime, span: Optional[Span], now: datetime) -> str:
    return f"{days_left(expires_at, span, now)} days left, expires {in_text(expires_at, span)}"


def _refuse_expired(
    renews_itself: bool, expires_at: datetime, span: Optional[Span], policy: Policy, now: datetime
) -> None:
    earliest, latest = bounds(expires_at, span)
    since = f"it has expired on {in_text(expires_at, span)}"
    if latest <= now and renews_itself:
        raise Objection(
            Reason.EXPIRED, f"{since} although auto-renewal is on; see in the portal why, or switch that off"
        )
    if earliest > now or renews_itself or policy.include_expired:
        return
    if latest <= now:
        raise Objection(Reason.EXPIRED, f"{since}; set include_expired: true to renew it all the same")
    zone = "" if span is not None and span.zone else "set time_zone to that of the portal, "
    raise Objection(
        Reason.MAY_HAVE_EXPIRED,
        f"it may have expired: the portal does not report exactly when, so it is between {format_instant(earliest)} and"
        f" {format_instant(latest)}; {zone}declare expires_at with its time and zone, or set include_expired: true to"
        " renew it all the same",
    )


def _window(declaration: Declaration, subscription: Subscription, policy: Policy) -> int:
    """Days before expiry at which this PBX becomes due; the longest default if neither these nor a cycle are known."""
    cycle = effective(declaration.billing_cycle, subscription.billing_cycle)
    wanted = declaration.remaining_days if declaration.remaining_days is not None else policy.remaining_days
    if isinstance(cycle, Undetermined):
        return max(DEFAULT_WINDOW.values()) if wanted is None else min(wanted, max(SHORTEST_CYCLE.values()))
    if wanted is None:
        return DEFAULT_WINDOW[cycle]
    longest = longest_window(cycle, policy.term_starts)
    if not 0 <= wanted <= longest:
        reason = "shorter than the cycle" if policy.term_starts == FROM_EXPIRY else "less than half of the cycle"
        raise Objection(
            Reason.INVALID_WINDOW, f"remaining_days is {wanted}, expected 0 to {longest}: it must be {reason} ({cycle})"
        )
    return wanted


def longest_window(billing_cycle: str, term_starts: str) -> int:
    """How many days before expiry a renewal may be due at most; if those are lost, less than half a cycle."""
    shortest = SHORTEST_CYCLE[billing_cycle]
    return (shortest if term_starts == FROM_EXPIRY else shortest // 2) - 1


def decide(
    declaration: Declaration, subscription: Subscription, evidence: Evidence, policy: Policy, now: datetime
) -> Decision:
    """Decide about one PBX with everything that is known.

    Orders come first (what is already ordered is not ordered again), then catalog and billing contact. If the PBX comes
    out as due, `prices` checks its price next, and `auto_renewal` what the portal says about auto-renewal.
    """
    screened = screen(declaration, subscription, policy, now)
    if isinstance(screened, Decision):
        return screened
    try:
        earlier = _earlier_intent(subscription, screened, evidence)
        if earlier is not None:
            return earlier
        _refuse_unplaced(subscription.product_no, screened, evidence)
        earlier = _earlier_order(subscription, screened, evidence)
        if earlier is not None:
            return unless_overdue(earlier, earlier.known_order.created_at if earlier.known_order else None, now)
        terms = identify(declaration, screened, evidence.catalog)
        contact = choose_contact(declaration.billing_contact or policy.billing_contact, evidence.contacts)
    except Objection as unclear:
        return _decision_on(screened, subscription, unclear.reason, str(unclear))
    return _to_be_ordered(declaration, subscription, terms, contact, evidence, policy, now)


def _to_be_ordered(
    declaration: Declaration,
    subscription: Subscription,
    terms: Terms,
    contact: BillingContact,
    evidence: Evidence,
    policy: Policy,
    now: datetime,
) -> Decision:
    generation = _next_generation(subscription.product_no, terms.expires_at, evidence)
    order = OrderRequest(
        product_no=subscription.product_no,
        billing_contact_id=contact.billing_contact_id,
        plan_id=str(terms.plan.id),
        service_ids=tuple(str(service.id) for service in terms.services),
        quantity=terms.quantity,
        billing_cycle=terms.billing_cycle,
        po_number=declaration.po_number,
    )
    if order.po_number is None:
        order = replace(order, po_number=tag_of(order, terms.expires_at, generation))
    expires_after = expiry_after(terms, policy, now)
    lost = None
    if policy.term_starts == FROM_ORDER:
        lost = days_lost(shown(terms.expires_at, terms.span), terms.billing_cycle, expires_after)
    return Decision(
        product_no=subscription.product_no,
        state=State.DUE,
        reason=Reason.IN_WINDOW,
        message=_order_in_words(subscription, terms, contact, lost, now),
        subscription=subscription,
        expires_at=terms.expires_at,
        terms=terms,
        order=order,
        contact=contact,
        generation=generation,
        expires_after=expires_after,
        span=terms.span,
        days_lost=lost,
    )


def _earlier_intent(subscription: Subscription, terms: Terms, evidence: Evidence) -> Optional[Decision]:
    """An open intent blocks ordering until it is settled, whatever else is known."""
    for intent in evidence.intents.get(subscription.product_no, ()):
        if intent.is_unsettled or (not intent.is_closed and same_expiry(intent.expires_at, terms.expires_at)):
            message = f"the ledger has an intent for {intent}, which must be settled first; run again"
            return _decision_on(terms, subscription, Reason.WAITING, message)
    return None


def _next_generation(product_no: str, expires_at: datetime, evidence: Evidence) -> int:
    """Count the attempts to order for this expiry, including this one, as far as ledger and orders show."""
    intents = evidence.intents.get(product_no, ())
    known = [intent.generation for intent in intents if same_expiry(intent.expires_at, expires_at)]
    tagged = [generation for dummy, generation in tagged_for(expires_at, evidence.orders.get(product_no, ()))]
    return max([*known, *tagged], default=0) + 1


def _refuse_unplaced(product_no: str, terms: Terms, evidence: Evidence) -> None:
    """Raise Objection if an order of an unknown PBX may be the renewal of this one (docs/reliability.md, 63)."""
    for order, why in evidence.unplaced_for(product_no):
        is_recent = order.created_at is None or order.created_at > current_term_began(terms)
        if is_recent or (order.is_open and not _is_over(order, terms)):
            raise Objection(
                Reason.RECENT_ORDER,
                f"{why} which PBX order {order} is for, so it may be the renewal of this one; look at it in the portal,"
                f" and if it is not, say so with yeastar_pce_ledger: outcome: unrelated, order_no: {order.key}",
            )


def _earlier_order(subscription: Subscription, terms: Terms, evidence: Evidence) -> Optional[Decision]:
    """Find an order of this PBX that is open or renews this very term. Raises Objection for one that may renew it."""
    orders = related_orders(evidence, subscription.product_no)
    intents = evidence.intents.get(subscription.product_no, ())
    renewed_by = {intent.order_no for intent in intents if intent.status == IntentStatus.RENEWED}
    open_orders = [
        order for order in orders if order.is_open and not _is_over(order, terms) and order.order_no not in renewed_by
    ]
    if open_orders:
        message = (
            f"order {open_orders[0]} is open; settle it in the portal, it is not ordered again. If it is no renewal,"
            " say so with yeastar_pce_ledger"
        )
        return replace(_decision_on(terms, subscription, Reason.ALREADY_ORDERED, message), known_order=open_orders[0])
    tagged = [order for order, dummy in tagged_for(terms.expires_at, orders) if order.is_done]
    if tagged:
        message = f"order {tagged[0]} is the renewal of this term; the expiry does not show it yet, run again later"
        return replace(_decision_on(terms, subscription, Reason.AWAITING_EXPIRY, message), known_order=tagged[0])
    since = current_term_began(terms)
    recent = [order for order in orders if order.created_at is None or order.created_at > since]
    # An order with our tag for an earlier expiry led to this term, however late it was placed.
    recent = [order for order in recent if not is_of_earlier_term(order.po_number or "", terms.expires_at)]
    recent = [order for order in recent if order.is_done]
    if recent:
        raise Objection(
            Reason.RECENT_ORDER,
            f"order {recent[0]} was placed during the current term and the expiry does not show it; it may be the"
            " renewal, or an expansion: look at it in the portal, and if it is no renewal say so with"
            " yeastar_pce_ledger",
        )
    return None


def unless_overdue(decision: Decision, since: Optional[datetime], now: datetime) -> Decision:
    """Call for a person once the order of a due PBX has been open for more than a day, expired or not.

    ``since`` is when the order was placed. None counts as long ago: a PBX that stays green until it lapses is the worst
    possible outcome (docs/portal-api.md, 11.8 and 11.15).
    """
    if decision.state != State.PENDING or (since is not None and now - since <= DAY):
        return decision
    age = "for an unknown time" if since is None else f"for {in_words(now - since)}"
    message = f"{_lapse(decision, now)}{decision.message} (open {age}: a person must see to it before the PBX lapses)"
    return replace(settled(decision, Reason.OVERDUE_ORDER, message), known_order=decision.known_order)


def _lapse(decision: Decision, now: datetime) -> str:
    if decision.expires_at is None:
        return ""
    earliest, latest = bounds(decision.expires_at, decision.span)
    if earliest > now:
        return ""
    certainly = "has" if latest <= now else "may have"
    return f"it {certainly} expired on {in_text(decision.expires_at, decision.span)}; "


def _is_over(order: Order, terms: Terms) -> bool:
    """Whether an order with an unknown status has led to the current term or an earlier one.

    Not every word for done is known (docs/portal-api.md, 6.2.5), and no unknown word may block a PBX for ever. An
    unpaid order can still take effect, however old it is (docs/reliability.md, 59).
    """
    if order.is_unpaid:
        return False
    is_older = order.created_at is not None and order.created_at <= current_term_began(terms)
    return is_older or is_of_earlier_term(order.po_number or "", terms.expires_at)


def make_plan(decisions: Iterable[Decision]) -> Plan:
    """The decisions of a run, before they are checked against its caps."""
    return Plan(tuple(sorted(decisions, key=lambda decision: decision.product_no)))


def without_orders(plan: Plan, reason: Reason, excess: str) -> Plan:
    """A plan that orders nothing because it would exceed a cap; ``excess`` is a sentence that says so."""
    decisions = (settled(one, reason, excess) if one.state == State.DUE else one for one in plan.decisions)
    return Plan(tuple(decisions), excess)


def not_found(product_no: str, seen: Collection[str], why: str = "") -> Decision:
    """Fail a PBX that is not among those ``seen`` in the account; ``why`` is the likely reason, if there is one.

    It may belong to another account, or not be sold as product 13.
    """
    message = f"{product_no} is not among the {len(seen)} PBXs of this account; check the serial number and the account"
    alike = [number for number in seen if bare(number).casefold() == product_no.casefold()]
    if alike:
        message += f" (it has {alike[0]})"
    if why:
        message += f" ({why})"
    return Decision(product_no, State.FAILED, Reason.NOT_FOUND, message)


def undecided(subscription: Subscription, terms: Terms) -> Decision:
    """A PBX that may be due, before the account's evidence is read. This stands if it never is."""
    message = "not attempted: the run broke off before this was decided"
    return _decision_of(subscription, terms.expires_at, terms.span, Reason.STOPPED, message)


def settled(decision: Decision, reason: Reason, message: str) -> Decision:
    """The decision with another outcome: the state follows from the reason, and no order is left."""
    return replace(decision, state=reason.state, reason=reason, message=message, order=None)


def _decision_of(
    subscription: Subscription, expires_at: Optional[datetime], span: Optional[Span], reason: Reason, message: str
) -> Decision:
    state = reason.state
    return Decision(subscription.product_no, state, reason, message, subscription, expires_at, span=span)


def _decision_on(terms: Terms, subscription: Subscription, reason: Reason, message: str) -> Decision:
    return replace(_decision_of(subscription, terms.expires_at, terms.span, reason, message), terms=terms)


def _order_in_words(
    subscription: Subscription, terms: Terms, contact: BillingContact, lost: Optional[int], now: datetime
) -> str:
    unsure = "".join(f"; {name} is {format_instant(one)}" for name, one in subscription.other_expiries or ())
    unsure += "".join(f"; declared, since {value.why}" for value in terms.stood_in if value.reported)
    unsure += f"; the new term starts at the order, {lost} days are lost" if lost is not None else ""
    services = f" with {' and '.join(map(str, terms.services))}" if terms.services else ""
    return (
        f"{_left(terms.expires_at, terms.span, now)}; to renew:"
        f" {terms.plan}{services}, {terms.quantity} extensions, {terms.billing_cycle}, invoice to {contact}{unsure}"
    )
