# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what the portal's evidence says about an intent. Nothing that may still exist counts as absent.

The rules: the expiry moved by a cycle -> renewed; an order that carries the tag, or that agrees with the intent in
PBX, kind, lines and time -> adopted with its status; an order that may be the intent's -> open until a person decides;
if only dead ones may be the intent's once the settle window is over -> dead; absent from a list that was read after the
settle window -> not ordered; otherwise unknown, with one next step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Optional, Union

from .._model.dates import add_cycles, format_instant
from .._model.decision import Decision
from .._model.declaration import FROM_EXPIRY, FROM_ORDER
from .._model.intent import Intent
from .._model.order import Order
from .._model.po_number import is_tag, tagged_for
from .._model.span import bounds, same_expiry, shown
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .._model.vocabulary import IntentStatus, Reason, State
from .cycles import advanced_by_one_cycle, current_term_began, days_lost
from .planner import settled
from .terms import effective

# How far an order may predate its intent: if the portal's time is not noted in it (see SKEW_TO_REFUSE), and if it is.
UNKNOWN_SKEW = timedelta(hours=12)
KNOWN_SKEW = timedelta(minutes=5)

LOOK_BEFORE_ANYTHING_ELSE = (
    "it may have been ordered: look in the portal under Orders and at the expiry of the PBX before anything else"
)


@dataclass(frozen=True)
class Times:
    """When the orders were read, and the settle window.

    ``now`` is the controller's instant before they were requested; ``portal`` is the `Date` of the oldest page of the
    answer, however far off that clock is, so that a cached list keeps its true age. None if no answer had one. ``gap``
    says why an order may exist without being in the list; None if the list is complete.
    """

    now: datetime
    portal: Optional[datetime]
    settle_window: timedelta
    gap: Optional[str] = None

    def left_of_window(self, intent: Intent) -> timedelta:
        """How long the portal may still take to show an order: both clocks must say that the window is over."""
        return self.left_since(intent.uncertain_since, intent.portal_uncertain_since)

    def left_since(self, since: datetime, portal_since: Optional[datetime] = None) -> timedelta:
        """How long the portal may still take to show what was ordered until then, by the clock that leaves more."""
        ages = [self.now - since]
        if self.portal is not None:
            ages.append(self.portal - (portal_since or since))
        return max(self.settle_window - min(ages), timedelta(0))


@dataclass(frozen=True)
class Settlement:
    """What became of an intent. ``reason`` is that of the result; ``doubt`` is what only a person can find out."""

    status: IntentStatus
    reason: Reason
    message: str
    order: Optional[Order] = None
    expires_after: Optional[datetime] = None
    doubt: Optional[str] = None


def settle(
    intent: Intent,
    subscription: Subscription,
    orders: Collection[Order],
    strays: Collection[Order],
    times: Times,
    declared_expiry: Optional[datetime] = None,
    term_starts: str = FROM_EXPIRY,
) -> Settlement:
    """Judge an intent by the PBX as it is now, its orders, and the orders of other PBXs (``strays``).

    ``orders`` must contain all open ones and all since the intent. ``declared_expiry`` is used if the portal reports
    none. ``term_starts`` is from when the portal counts the new term, see `Policy`.
    """
    foreign = [order for order in strays if order.po_number == intent.po_number and is_tag(intent.po_number)]
    if foreign:
        message = (
            f"order {foreign[0]} of {foreign[0].product_no} carries the tag of this PBX; look in the portal. If it is"
            " no renewal of this PBX, settle it with yeastar_pce_ledger as unrelated"
        )
        return Settlement(intent.status, Reason.VERIFICATION_FAILED, message, foreign[0])
    found = orders_of_intent(intent, orders)
    twins = living(found.certain)
    if len(twins) > 1:
        numbers = " and ".join(sorted(str(order) for order in twins))
        message = f"ordered more than once: {numbers}; cancel or have refunded what is too much, then settle it by hand"
        return Settlement(IntentStatus.ACCEPTED, Reason.DUPLICATE_DETECTED, message, twins[0])
    order = _own_order(intent, found, times)
    if order is None:
        term_starts = FROM_EXPIRY  # without an order, an expiry that moved by some days may just have been corrected
    expires_at = _reported_expiry(intent, effective(declared_expiry, subscription.expires_at), term_starts)
    if not (isinstance(expires_at, Undetermined) or same_expiry(intent.expires_at, expires_at)):
        settlement = _moved(intent, expires_at, subscription, order, times.now, term_starts)
    elif order is None:
        settlement = _without_order(intent, found.possible, times)
    else:
        settlement = _not_moved(intent, subscription, order)
    return replace(settlement, doubt=_doubt_about(order, (*found.agreeing, *found.possible)))


def _own_order(intent: Intent, found: OrdersOfIntent, times: Times) -> Optional[Order]:
    order = _order_that_counts(found.certain) or recorded_order(intent)
    # A dead order that merely agrees may be someone else's: it neither overrides a renewal or a person's word nor cuts
    # the settle window short.
    may_be_dead = intent.status != IntentStatus.RENEWED and not times.left_of_window(intent) and times.gap is None
    if order is None and (living(found.agreeing) or may_be_dead):
        order = _order_that_counts(found.agreeing)
    return None if order is None else _completed(order, intent)


def _reported_expiry(
    intent: Intent, reported: Union[datetime, Undetermined], term_starts: str
) -> Union[datetime, Undetermined]:
    """If fields disagree, take the one that has moved by a cycle, unless one still shows the expiry to be renewed."""
    if not isinstance(reported, Undetermined) or any(same_expiry(intent.expires_at, one) for one in reported.seen):
        return reported
    cycle, since = intent.billing_cycle, intent.uncertain_since
    moved = (one for one in reported.seen if advanced_by_one_cycle(intent.expires_at, cycle, one, since, term_starts))
    return next(moved, reported)


def _doubt_about(order: Optional[Order], others: Iterable[Order]) -> Optional[str]:
    """Warn of a possible second charge: if the portal shows no number, a copy of an order looks like anyone's order."""
    if order is None:
        return None
    dated = [other for other in living(others) if other.created_at is not None and other.key != order.key]
    strangers = [other for other in dated if not other.po_number]
    if not strangers:
        return None
    return (
        f"order {strangers[0]} has come as well as {order}, and the portal shows no number of it: if nobody has placed"
        " it, it is a second charge; look in the portal under Orders"
    )


@dataclass(frozen=True)
class OrdersOfIntent:
    """The orders of an intent's PBX that may be the intent's own.

    ``certain`` carry its number or tag; ``agreeing`` came later and are a renewal with the same lines; ``possible``
    came later, and the portal does not show enough of them. An order that came before, is of another kind, has other
    lines or carries a tag of ours for something else is in none of them.
    """

    certain: tuple[Order, ...]
    agreeing: tuple[Order, ...]
    possible: tuple[Order, ...]


def orders_of_intent(intent: Intent, orders: Iterable[Order]) -> OrdersOfIntent:
    """Sort the orders of an intent's PBX by what they prove.

    A different purchase order number proves nothing, unless it is a tag of ours: on some portals people write remarks
    where that number is shown.
    """
    certain, agreeing, possible = [], [], []
    for order in orders:
        is_later = _is_later(order, intent)
        is_alive = not order.is_dead
        if (
            (intent.order_no is not None and order.order_no == intent.order_no)
            or (is_tag(intent.po_number) and order.po_number == intent.po_number)
            # An order for this expiry is one too many, whichever attempt it belongs to.
            or (is_alive and tagged_for(intent.expires_at, [order]))
            # The dead order of an earlier attempt may carry the operator's number as well.
            or (order.po_number == intent.po_number and is_later and is_alive)
        ):
            certain.append(order)
        elif is_later and not is_tag(order.po_number or ""):
            agrees = _agrees(order, intent)
            if agrees:
                agreeing.append(order)
            elif agrees is None:
                possible.append(order)
    return OrdersOfIntent(tuple(certain), tuple(agreeing), tuple(possible))


def _is_later(order: Order, intent: Intent) -> bool:
    """Whether an order may have been placed after the intent was written.

    If the list showed it before the intent, it was not. An order of the current term that the list did not show counts
    as later, whatever its creation time, since orders may be dated by another clock than the `Date` header.
    """
    before = None if intent.orders_before is None else intent.orders_before.splitlines()
    if before is not None and order.key in before:
        return False
    if order.created_at is None:
        return True
    if intent.portal_uncertain_since is None:
        since = intent.uncertain_since - UNKNOWN_SKEW
    else:
        since = intent.portal_uncertain_since - KNOWN_SKEW
    term_began = add_cycles(intent.expires_at, intent.billing_cycle, -1)
    return order.created_at >= since or (before is not None and order.created_at > term_began)


def _agrees(order: Order, intent: Intent) -> Optional[bool]:
    """Whether an order is a renewal with the intent's lines; None if the portal does not show enough of it."""
    if order.is_renewal is False:
        return False
    if order.lines is None or intent.plan_id is None:
        return None
    wanted = {intent.plan_id, *(intent.service_ids or "").split()}
    shown = {line.id for line in order.lines}
    if shown - wanted or any(line.billing_cycle not in (None, intent.billing_cycle) for line in order.lines):
        return False
    quantities = {line.quantity for line in order.lines if line.id == intent.plan_id}
    is_whole = order.is_renewal and shown == wanted and quantities <= {None, intent.quantity}
    return True if is_whole else None


def _completed(order: Order, intent: Intent) -> Order:
    """Fill in what the portal's list leaves out of an order and the ledger knows."""
    return replace(
        order,
        po_number=order.po_number or intent.po_number,
        transaction_no=order.transaction_no or intent.transaction_no,
    )


def living(orders: Iterable[Order]) -> list[Order]:
    """The orders that have taken effect or still may."""
    return [order for order in orders if not order.is_dead]


def _order_that_counts(orders: Collection[Order]) -> Optional[Order]:
    """Pick one that is still open, since it may need action; otherwise one that is done; otherwise any."""
    alive = living(orders)
    return next((order for order in alive if order.is_open), next(iter(alive or orders), None))


def recorded_order(intent: Intent) -> Optional[Order]:
    """The order as the ledger knows it, for when the portal's list does not show it; None if the ledger knows none."""
    if intent.order_no is None:
        return None
    return Order(
        order_id=None,
        order_no=intent.order_no,
        status=intent.order_status or "",
        created_at=None,
        product_no=intent.product_no,
        po_number=intent.po_number,
        transaction_no=intent.transaction_no,
    )


def _moved(
    intent: Intent,
    expires_at: datetime,
    subscription: Subscription,
    order: Optional[Order],
    now: datetime,
    term_starts: str,
) -> Settlement:
    moved = f"{format_instant(intent.expires_at)} -> {format_instant(expires_at)}"
    if subscription.span is not None:
        moved += " as the portal reports it, read in UTC"
    by = f"order {order}" if order else "an order that is not in the list"
    after = shown(expires_at, subscription.span)
    facts = (intent.expires_at, intent.billing_cycle, expires_at)
    if advanced_by_one_cycle(*facts, intent.uncertain_since, term_starts):
        is_past = bounds(expires_at, subscription.span)[1] <= now
        message = f"renewed by {by}: {moved}" + (", which is past as well: renew it again" if is_past else "")
        return Settlement(IntentStatus.RENEWED, Reason.EXPIRY_MOVED, message, order, after)
    seen = f"{by} was for one cycle, but the expiry moved {moved}"
    if order is not None and advanced_by_one_cycle(*facts, intent.uncertain_since, FROM_ORDER):
        seen += f": the new term counts from the order, and {days_lost(*facts)} days are lost"
        message = f"{seen}; look in the portal, and if it always does, set term_starts: order and run again"
    else:
        message = f"{seen}; look in the portal, then settle it in the ledger"
    return Settlement(intent.status, Reason.VERIFICATION_FAILED, message, order, after)


def _not_moved(intent: Intent, subscription: Subscription, order: Order) -> Settlement:
    if order.is_dead:
        message = f"order {order} was not carried out; see in the portal why. The next run may order again"
        return Settlement(IntentStatus.DEAD, Reason.REJECTED, message, order)
    status = intent.status if intent.status == IntentStatus.RENEWED else IntentStatus.ACCEPTED
    if isinstance(subscription.expires_at, Undetermined):
        seen = (
            "the portal does not report when the PBX expires, so this is verified by a declaration alone: look in the"
            " portal, and declare the new expires_at once it shows there"
        )
    else:
        seen = (
            f"the expiry still is {format_instant(intent.expires_at)}; see in the portal whether it is to be paid, or"
            " run again later: it is not ordered again"
        )
    return Settlement(status, reason_of_open(order), f"order {order} is accepted; {seen}", order)


def _without_order(intent: Intent, possible: Sequence[Order], times: Times) -> Settlement:
    unattributed = living(possible)
    if unattributed:
        message = (
            f"order {unattributed[0]} has come since, and the portal does not show whether it is the renewal:"
            f" {LOOK_BEFORE_ANYTHING_ELSE}. Then settle it with yeastar_pce_ledger: as ordered if it is the renewal, as"
            " unrelated if it is not"
        )
        status = (
            intent.status if intent.status in (IntentStatus.ACCEPTED, IntentStatus.RENEWED) else IntentStatus.UNKNOWN
        )
        return Settlement(status, Reason.WAITING, message)
    if intent.status in (IntentStatus.ACCEPTED, IntentStatus.RENEWED):
        message = f"the ledger has it as {intent.status} ({intent.note}); the portal does not show it, look there"
        return Settlement(intent.status, Reason.AWAITING_EXPIRY, message)
    left = times.left_of_window(intent)
    if left > timedelta(0):
        message = (
            f"an earlier run was interrupted or got no clear answer ({intent.note}), and {LOOK_BEFORE_ANYTHING_ELSE};"
            f" {until_freed(times.now + left)}"
        )
        return Settlement(IntentStatus.UNKNOWN, Reason.WAITING, message)
    if times.gap is not None:
        message = (
            f"an earlier run was interrupted or got no clear answer, and no order shows, but the order list may not be"
            f" whole: {times.gap}. Look in the portal under Orders and at the expiry of the PBX, then settle it with"
            " yeastar_pce_ledger: outcome: ordered, or not_ordered"
        )
        return Settlement(IntentStatus.UNKNOWN, Reason.WAITING, message)
    if possible:
        message = (
            f"order {possible[0]} has come since and was not carried out, and no other showed within the"
            " settle window. Whether it was the renewal, the portal does not show. The next run may order again"
        )
        return Settlement(IntentStatus.DEAD, Reason.REJECTED, message)
    return Settlement(
        IntentStatus.ABSENT, Reason.WAITING, "no order showed within the settle window: it was not ordered"
    )


def unless_lost(decision: Decision, changed_at: Optional[datetime], times: Times) -> Decision:
    """Block an order that may already have been placed without a trace, because another server now holds the ledger.

    ``changed_at`` is when that was noticed; None if the ledger has not moved. A list with a gap never proves that there
    is no order.
    """
    if decision.state != State.DUE or decision.terms is None or changed_at is None:
        return decision
    seen = (
        f"another server holds the ledger since {format_instant(changed_at)}, after a failover or a restore, and what"
        f" was noted last may be lost with the old one: {LOOK_BEFORE_ANYTHING_ELSE}"
    )
    left = times.left_since(changed_at)
    if left > timedelta(0):
        return settled(decision, Reason.WAITING, f"{seen}; {until_freed(times.now + left)}")
    if times.gap is not None and changed_at > current_term_began(decision.terms):
        message = f"{seen}. The order list may not be whole, and may hide it: {times.gap}. Renew it in the portal"
        return settled(decision, Reason.RECENT_ORDER, message)
    return decision


def until_freed(instant: datetime) -> str:
    """Say when an uncertain order is tried again, as a clause for people."""
    return f"it is tried again by a run later than {format_instant(instant)}, if no order shows until then"


def reason_of_open(order: Order) -> Reason:
    """Why an accepted order whose expiry has not moved is pending."""
    if order.is_done:
        return Reason.AWAITING_EXPIRY
    return Reason.UNPAID if order.is_unpaid else Reason.PENDING_CONFIRMATION


def columns_of(order: Order) -> dict[str, Optional[str]]:
    """What the ledger keeps of an order, as far as it is known."""
    known = {"order_no": order.order_no, "transaction_no": order.transaction_no, "order_status": order.status}
    return {name: value for name, value in known.items() if value is not None}
