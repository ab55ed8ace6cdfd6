# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: whether an order may be sent at the portal's price, or at an unknown one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import Union

from .._model import money as _money
from .._model.dates import format_instant
from .._model.decision import Decision
from .._model.declaration import Policy
from .._model.intent import Intent
from .._model.money import Money
from .._model.undetermined import Undetermined, known
from .._model.vocabulary import IntentStatus, Reason
from .cycles import advanced_by_one_cycle
from .planner import settled


def priced(
    decision: Decision, price: Union[Money, Undetermined], policy: Policy, intents: Collection[Intent] = ()
) -> Decision:
    """Check a due decision against the price limits.

    ``intents`` are those of the PBX; ``max_price_increase_percent`` counts from the price of its last renewal.
    """
    decision = replace(decision, price=known(price), price_asked=True)
    if isinstance(price, Undetermined):
        if not policy.blocks_unknown_price:
            return decision
        return settled(
            decision,
            Reason.UNKNOWN_PRICE,
            f"the portal's price cannot be determined: {price.why}; name its fields in field_map (amount, currency), or"
            " set on_unknown_price: allow, and no price limit holds for it",
        )
    if policy.currency is not None and price.currency != policy.currency:
        return settled(decision, Reason.PRICE_LIMIT, f"the price is {price}, expected {policy.currency}")
    if policy.max_amount_per_item is not None and price.amount > policy.max_amount_per_item:
        limit = f"max_amount_per_item is {policy.max_amount_per_item}"
        return settled(decision, Reason.PRICE_LIMIT, f"the price is {price}, {limit}")
    if policy.max_price_increase_percent is not None:
        return _held_to_last(decision, price, intents, policy, policy.max_price_increase_percent)
    return decision


def _held_to_last(
    decision: Decision, price: Money, intents: Collection[Intent], policy: Policy, percent: Decimal
) -> Decision:
    last = _last_price(decision, intents, policy.term_starts)
    if isinstance(last, Money) and last.currency != price.currency:
        last = Undetermined("price", f"the last order was in {last.currency}, the price is {price}")
    if isinstance(last, Money):
        if not _money.exceeds(price.amount, last.amount, percent):
            return decision
        seen = f"the price is {price}, and was {last} for the last order"
        return settled(decision, Reason.PRICE_LIMIT, f"{seen}; max_price_increase_percent is {percent}")
    if not policy.blocks_unknown_price:
        return decision
    return settled(
        decision,
        Reason.UNKNOWN_PRICE,
        f"there is no last price to hold max_price_increase_percent against: {last.why}; set on_unknown_price: allow to"
        " renew it once at any price within the other limits",
    )


def _last_price(decision: Decision, intents: Collection[Intent], term_starts: str) -> Union[Money, Undetermined]:
    """The price of the renewal that led to the current term, if plan, services, extensions and cycle are the same."""
    terms, order = decision.terms, decision.order
    renewed = [intent for intent in intents if intent.status == IntentStatus.RENEWED]
    if terms is None or order is None or not renewed:
        return Undetermined("price", "the ledger has no renewal of this PBX")
    last = max(renewed, key=lambda intent: intent.expires_at)
    when = f"its last renewal in the ledger, from {format_instant(last.expires_at)} on,"
    facts = (last.expires_at, last.billing_cycle, terms.expires_at, last.uncertain_since)
    if not advanced_by_one_cycle(*facts, term_starts):
        return Undetermined("price", f"{when} did not lead to the current term")
    was = (last.plan_id, last.service_ids, last.quantity, last.billing_cycle)
    if was != (order.plan_id, " ".join(sorted(order.service_ids)), order.quantity, order.billing_cycle):
        return Undetermined("price", f"{when} was not of the same plan, services, extensions and cycle")
    if last.price_amount is None or last.price_currency is None:
        return Undetermined("price", f"{when} has no price noted")
    return Money(Decimal(last.price_amount), last.price_currency)
