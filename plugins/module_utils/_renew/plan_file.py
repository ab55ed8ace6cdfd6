# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a file that a person or a policy approves: canonical JSON, with the SHA-256 of the rest in ``digest``.

It holds no secret. A file is accepted only if it is byte for byte as written, and if everything it says about its
orders follows from them: an approver may read the first of two equal keys where this reads the last, or a total and
not the items.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional, Union

from .._decide.caps import caps_of, excess_of
from .._decide.cycles import days_lost, expiry_after
from .._decide.planner import make_plan
from .._decide.saved_plan import LONGEST_VALIDITY, PlanError, SavedPlan, item_of
from .._files import write_whole
from .._model import money as _money
from .._model.catalog import Offer
from .._model.dates import DAY, format_instant, parse_instant
from .._model.decision import Decision, Terms
from .._model.declaration import FROM_ORDER, Policy
from .._model.money import Money, parse_amount, parse_currency
from .._model.order import BillingContact, OrderRequest
from .._model.span import shown, span_in
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .._model.vocabulary import Reason, State

SCHEMA_VERSION = 2
MAX_SIZE = 10 * 1024 * 1024  # bytes


def document_of(
    decisions: Iterable[Decision], portal: str, account: str, policy: Policy, now: datetime, valid_for: timedelta
) -> dict[str, Any]:
    """The plan of what is due among the decisions, with its digest. ``account`` is a fingerprint, not a secret."""
    due = [decision for decision in decisions if decision.order is not None]
    sums = _money.total(decision.price for decision in due)
    document = {
        "schema_version": SCHEMA_VERSION,
        "portal": portal,
        "account": account,
        "created": format_instant(now),
        "valid_until": format_instant(now + valid_for),
        "policy": {
            "include_expired": policy.include_expired,
            "max_orders": policy.max_orders,
            "max_total": _text(policy.max_total),
            "max_amount_per_item": _text(policy.max_amount_per_item),
            "max_price_increase_percent": _text(policy.max_price_increase_percent),
            "currency": policy.currency,
            "on_unknown_price": "block" if policy.blocks_unknown_price else "allow",
            "term_starts": policy.term_starts,
        },
        "has_changes": bool(due),
        "items": [item_of(decision) for decision in due],
        "totals": {currency: f"{amount:f}" for currency, amount in sums.items()},
        "unknown_prices": sum(decision.price is None for decision in due),
    }
    return {**document, "digest": _digest(document)}


def _text(amount: Optional[Decimal]) -> Optional[str]:
    return None if amount is None else f"{amount:f}"


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _digest(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(_canonical(content)).hexdigest()


def write_plan(path: str, document: Mapping[str, Any]) -> None:
    """Write a plan so that the file is always either the old one or the complete new one. Raises PlanError."""
    target = Path(path).expanduser()
    try:
        write_whole(target, _canonical(document) + b"\n")
    except OSError as error:
        raise PlanError(f"dest: {path} cannot be written: {error.strerror}") from None


def read_plan(path: str, approved_digest: str, portal: str, account: str, now: datetime) -> SavedPlan:
    """Read a plan that was approved by its digest (docs/reliability.md, 67). Raises PlanError with what is wrong."""
    document = _verified(_content_of(path), path)
    digest, created = document["digest"], parse_instant(document["created"])
    if digest != approved_digest.strip().lower():
        raise PlanError(f"plan_digest: {path} has the digest {digest}, which is not the one that was approved")
    if (document["portal"], document["account"]) != (portal, account):
        raise PlanError(
            f"plan_file: {path} was made for {document['portal']} and account {document['account']}, this is {portal}"
            f" and account {account}"
        )
    if now > parse_instant(document["valid_until"]):
        raise PlanError(f"plan_file: {path} was valid until {document['valid_until']}; plan again")
    if created > now + DAY:
        raise PlanError(
            f"plan_file: {path} was made on {document['created']}, but it is {format_instant(now)} by the clock of this"
            " controller; set that clock, or plan again"
        )
    return saved_plan_of(document)


def saved_plan_of(document: Mapping[str, Any]) -> SavedPlan:
    """What a plan that was read and verified orders, and under which limits."""
    policy = _policy_of(document["policy"])
    return SavedPlan(
        digest=document["digest"],
        created=parse_instant(document["created"]),
        include_expired=policy.include_expired,
        term_starts=policy.term_starts,
        max_total=policy.max_total,
        max_amount_per_item=policy.max_amount_per_item,
        items={item["product_no"]: item for item in document["items"]},
    )


def shown_plan(content: bytes) -> dict[str, Any]:
    """Read a plan, only to show it, from its file's content. Raises PlanError if it is not a plan, or was edited."""
    return _verified(content, "it")


def _content_of(path: str) -> bytes:
    try:
        with open(Path(path).expanduser(), "rb") as file:
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise PlanError(f"plan_file: {path} cannot be read: {error.strerror}") from None


def _verified(content: bytes, path: str) -> dict[str, Any]:
    """The plan in a file, if the file is byte for byte what that plan is written as. Raises PlanError."""
    try:
        document = json.loads(content) if len(content) <= MAX_SIZE else None
        canonical = _canonical(document)
    except (ValueError, RecursionError):
        raise PlanError(f"plan_file: {path} is no plan, for it is no JSON") from None
    if not isinstance(document, dict) or "digest" not in document:
        raise PlanError(f"plan_file: {path} is no plan")
    if document["digest"] != _digest(document):
        raise PlanError(f"plan_file: {path} has been edited since it was made; plan again")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise PlanError(f"plan_file: {path} is of another version of this collection; plan again")
    if content.removesuffix(b"\n") != canonical:
        raise PlanError(
            f"plan_file: {path} is not byte for byte what yeastar_pce_plan saved, so it may read differently elsewhere;"
            " pass on the file itself, or plan again"
        )
    _refuse_contradictions(document, path)
    return document


def _refuse_contradictions(document: dict[str, Any], path: str) -> None:
    """Rebuild the document from its orders, and refuse it if the result differs. Raises PlanError."""
    try:
        created, valid_until = parse_instant(document["created"]), parse_instant(document["valid_until"])
        valid_for, policy = valid_until - created, _policy_of(document["policy"])
        decisions = [_decision_of(item, policy, created) for item in document["items"]]
        portal, account = str(document["portal"]), str(document["account"])
        rewritten = document_of(decisions, portal, account, policy, created, valid_for)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlanError(f"plan_file: {path} is no plan as yeastar_pce_plan saves it ({error}); plan again") from None
    wrong = [name for name in {**rewritten, **document} if _entry(name, document) != _entry(name, rewritten)]
    if len({decision.product_no for decision in decisions}) < len(decisions):
        wrong.append("items")
    if not timedelta(0) < valid_for <= LONGEST_VALIDITY:
        wrong.append("valid_until")
    if excess_of(caps_of(policy, ""), make_plan(decisions).reservations(), ()) is not None:
        wrong.append("policy")
    if wrong:
        names = ", ".join(sorted({*wrong} - {"digest"}))
        raise PlanError(f"plan_file: {path} contradicts itself in {names}, which its orders do not lead to; plan again")


def _entry(name: str, document: Mapping[str, Any]) -> bytes:
    return _canonical({name: document[name]} if name in document else {})


def _policy_of(limits: Mapping[str, Any]) -> Policy:
    """The limits under which a plan says it was made. Raises KeyError, TypeError and ValueError."""
    return Policy(
        include_expired=bool(limits["include_expired"]),
        max_orders=_optional(int, limits["max_orders"]),
        max_total=_optional(parse_amount, limits["max_total"]),
        max_amount_per_item=_optional(parse_amount, limits["max_amount_per_item"]),
        max_price_increase_percent=_optional(parse_amount, limits["max_price_increase_percent"]),
        currency=_optional(parse_currency, limits["currency"]),
        on_unknown_price=str(limits["on_unknown_price"]),
        term_starts=str(limits["term_starts"]),
    )


def _decision_of(item: Mapping[str, Any], policy: Policy, created: datetime) -> Decision:
    """The decision behind an item of a plan made at ``created``. Raises KeyError, TypeError and ValueError."""
    expires_at, price, email = parse_instant(item["expires_before"]), item["price"], item["billing_contact_email"]
    plan, services = _offer_of(item["plan"]), tuple(_offer_of(service) for service in item["services"])
    facts = (expires_at, plan, services, int(item["quantity"]), str(item["billing_cycle"]))
    stood_in = (Undetermined(str(concept), str(why), reported=True) for concept, why in item["declared"].items())
    span = span_in(item["expires_between"])
    terms = Terms(*facts, stood_in=tuple(stood_in), span=span)
    expires_after = expiry_after(terms, policy, created)
    lost = None
    if policy.term_starts == FROM_ORDER:
        lost = days_lost(shown(expires_at, span), terms.billing_cycle, expires_after)
    order = OrderRequest(
        product_no=str(item["product_no"]),
        billing_contact_id=str(item["billing_contact_id"]),
        plan_id=str(plan.id),
        service_ids=tuple(str(service.id) for service in services),
        quantity=terms.quantity,
        billing_cycle=terms.billing_cycle,
        po_number=str(item["po_number"]),
    )
    return Decision(
        product_no=order.product_no,
        state=State.DUE,
        reason=Reason.IN_WINDOW,
        message="",
        subscription=Subscription(order.product_no, *facts, auto_renewal=_auto_renewal_of(item)),
        expires_at=expires_at,
        terms=terms,
        order=order,
        contact=None if email is None else BillingContact(order.billing_contact_id, str(email)),
        expires_after=expires_after,
        span=span,
        days_lost=lost,
        price=None if price is None else Money(parse_amount(price["amount"]), parse_currency(price["currency"])),
    )


def _auto_renewal_of(item: Mapping[str, Any]) -> Union[bool, Undetermined]:
    """Off or unknown: a PBX whose auto-renewal is on is not an item. Raises ValueError."""
    if item["auto_renewal"] is None:
        return Undetermined("auto_renewal", "auto_renewal: it was not known")
    if item["auto_renewal"] is not False:
        raise ValueError("auto_renewal: expected false or null")
    return False


def _offer_of(offer: Mapping[str, Any]) -> Offer:
    return Offer(str(offer["id"]), _optional(str, offer["name"]))


def _optional(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)
