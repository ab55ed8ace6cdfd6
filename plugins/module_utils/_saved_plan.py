# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a file: what a person or a policy approves, and what a renewal then buys, that or nothing.

The file is canonical JSON with the SHA-256 of all the rest of it in ``digest``. It holds no secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Optional

from . import _money
from ._files import write_whole
from ._model import Decision, Declaration, Offer, Policy
from ._money import Money, parse_amount, parse_currency
from ._planner import settled
from ._terms import same_expiry
from ._time import DAY, format_instant, parse_instant

SCHEMA_VERSION = 1
DEFAULT_VALIDITY = timedelta(hours=24)
LONGEST_VALIDITY = timedelta(days=7)
MAX_SIZE = 10 * 1024 * 1024  # bytes


class PlanError(ValueError):
    """A saved plan that must not be applied: not one, edited, expired, or made for another portal or account."""


@dataclass(frozen=True)
class SavedPlan:
    """A plan that was read from a file and is what its digest says. ``items`` is keyed by product_no."""

    digest: str
    created: datetime
    include_expired: bool
    items: Mapping[str, Mapping[str, Any]]

    def declarations(self) -> list[Declaration]:
        """What a run must find to order just what was approved. What was due then counts as due now."""
        return [
            Declaration(
                product_no=product_no,
                plan=item["plan"]["id"],
                services=tuple(service["id"] for service in item["services"]),
                quantity=item["quantity"],
                billing_cycle=item["billing_cycle"],
                expires_at=parse_instant(item["expires_before"]),
                billing_contact=item["billing_contact_id"],
                remaining_days=max(0, -((self.created - parse_instant(item["expires_before"])) // DAY)),
                po_number=item["po_number"],
            )
            for product_no, item in self.items.items()
        ]

    def hold(self, decision: Decision) -> Decision:
        """A decision about one of the items: as it is if it orders just what was approved, else refused as stale."""
        item = self.items[decision.product_no]
        before = parse_instant(item["expires_before"])
        if decision.expires_at is not None and not same_expiry(before, decision.expires_at):
            changes = [f"expires_at {format_instant(before)} -> {format_instant(decision.expires_at)}"]
        elif decision.reason == "contradiction":
            changes = [decision.message]
        elif decision.order is None:
            return decision
        else:
            now = _item(decision)
            keys = ("plan", "services", "quantity", "billing_cycle", "billing_contact_id", "po_number", "price")
            changes = [f"{key} {_said(item[key])} -> {_said(now[key])}" for key in keys if item[key] != now[key]]
        if not changes:
            return decision
        return settled(decision, "stale_plan", f"changed since the plan: {'; '.join(changes)}; plan again")


def document_of(
    decisions: Iterable[Decision], portal: str, account: str, policy: Policy, now: datetime, valid_for: timedelta
) -> dict[str, Any]:
    """The plan of what is due among the decisions, with its digest. ``account`` is a fingerprint, no secret."""
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
            "max_total": None if policy.max_total is None else f"{policy.max_total:f}",
            "max_amount_per_item": None if policy.max_amount_per_item is None else f"{policy.max_amount_per_item:f}",
            "currency": policy.currency,
            "on_unknown_price": "block" if policy.blocks_unknown_price else "allow",
        },
        "has_changes": bool(due),
        "items": [_item(decision) for decision in due],
        "totals": {currency: f"{amount:f}" for currency, amount in sums.items()},
        "unknown_prices": sum(decision.price is None for decision in due),
    }
    return {**document, "digest": _digest(document)}


def _item(decision: Decision) -> dict[str, Any]:
    """Everything that an order will contain, and what it leads to."""
    terms, order = decision.terms, decision.order
    if terms is None or order is None or decision.expires_after is None:
        raise ValueError("expected a decision that is due")
    return {
        "product_no": decision.product_no,
        "reason": decision.reason,
        "expires_before": format_instant(terms.expires_at),
        "expires_after": format_instant(decision.expires_after),
        "plan": _offer(terms.plan),
        "services": sorted(map(_offer, terms.services), key=lambda offer: str(offer["id"])),
        "quantity": terms.quantity,
        "billing_cycle": terms.billing_cycle,
        "billing_contact_id": order.billing_contact_id,
        "po_number": order.po_number,
        "price": None if decision.price is None else _price(decision.price),
    }


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


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _digest(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(_canonical(content)).hexdigest()


def write_plan(path: str, document: Mapping[str, Any]) -> None:
    """Write a plan, so that at any moment the file is the old one or the whole new one. Raises PlanError."""
    target = Path(path).expanduser()
    try:
        write_whole(target, _canonical(document) + b"\n")
    except OSError as error:
        raise PlanError(f"dest: {path} cannot be written: {error.strerror}") from None


def read_plan(path: str, approved_digest: str, portal: str, account: str, now: datetime) -> SavedPlan:
    """Read a plan that was approved by its digest. Raises PlanError with what is wrong with it (faults, row 67)."""
    document = _load(path)
    digest = _digest(document)
    if not hmac.compare_digest(digest, str(document.get("digest"))):
        raise PlanError(f"plan_file: {path} has been edited since it was made; plan again")
    if not hmac.compare_digest(digest, approved_digest.strip().lower()):
        raise PlanError(f"plan_digest: {path} has the digest {digest}, which is not the one that was approved")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise PlanError(f"plan_file: {path} is of another version of this collection; plan again")
    if (document["portal"], document["account"]) != (portal, account):
        raise PlanError(
            f"plan_file: {path} was made for {document['portal']} and account {document['account']}, this is {portal}"
            f" and account {account}"
        )
    if now > parse_instant(document["valid_until"]):
        raise PlanError(f"plan_file: {path} was valid until {document['valid_until']}; plan again")
    return SavedPlan(
        digest=digest,
        created=parse_instant(document["created"]),
        include_expired=document["policy"]["include_expired"],
        items={item["product_no"]: _checked(item) for item in document["items"]},
    )


def _load(path: str) -> dict[str, Any]:
    try:
        with open(Path(path).expanduser(), "rb") as file:
            content = file.read(MAX_SIZE + 1)
        document = json.loads(content) if len(content) <= MAX_SIZE else None
    except OSError as error:
        raise PlanError(f"plan_file: {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise PlanError(f"plan_file: {path} is no plan, for it is no JSON") from None
    if not isinstance(document, dict) or "digest" not in document:
        raise PlanError(f"plan_file: {path} is no plan")
    return document


def _checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with its price in the form in which prices are compared."""
    price = item["price"]
    if price is None:
        return dict(item)
    return {**item, "price": _price(Money(parse_amount(price["amount"]), parse_currency(price["currency"])))}
