# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does with the ledger: look at it, and settle by hand what no evidence settles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from .._model.dates import format_instant
from .._model.intent import Intent
from .._model.span import same_expiry
from .._model.vocabulary import IntentStatus
from .ledger import IntentConflict, Ledger
from .location import NONE, user_name

ORDERED, NOT_ORDERED, UNRELATED = "ordered", "not_ordered", "unrelated"
_STATUS_OF = {ORDERED: IntentStatus.RENEWED, NOT_ORDERED: IntentStatus.ABSENT}


@dataclass(frozen=True)
class Word:
    """What a person asks for or states. ``outcome`` is None if they only look.

    With ``force``, their word counts even against an order that the ledger knows.
    """

    product_no: Optional[str] = None
    outcome: Optional[str] = None
    reason: str = ""
    expires_at: Optional[datetime] = None
    order_no: Optional[str] = None
    force: bool = False


def keep(ledger: Ledger, word: Word, is_check_mode: bool) -> dict[str, Any]:
    """Do what a person asks, and return the result of the module.

    Raises ValueError if there is nothing to settle, or if the ledger knows better and ``force`` is not set.
    """
    changed, diff = False, []
    if word.outcome == UNRELATED:
        changed = _call_unrelated(ledger, word, is_check_mode)
    elif word.outcome is not None:
        intent, status = _intent_meant(ledger, word), _STATUS_OF[word.outcome]
        changed = not (intent.status == status or (status == IntentStatus.ABSENT and intent.is_closed))
        if changed and word.outcome == NOT_ORDERED and intent.is_known_to_be_ordered and not word.force:
            raise ValueError(_contradiction(intent))
        if changed:
            diff = [_diff(intent, status)]
        if changed and not is_check_mode:
            note = f"settled by hand: {word.reason}"
            with ledger.lock(intent.product_no):
                try:
                    ledger.update(intent, status=status, note=note, order_no=word.order_no or intent.order_no)
                except IntentConflict as taken:
                    raise ValueError(f"state: a run has just changed it, {taken}; list it and decide again") from None
    intents = ledger.intents() if word.product_no is None else ledger.intents_of(word.product_no)
    unrelated = {number for dummy, number in ledger.unrelated_orders()}
    result = {
        "intents": [_row(intent) for intent in intents],
        "unrelated_orders": sorted(unrelated),
        "ledger": ledger.name,
        "user": user_name(),
        **({} if intents else {"msg": f"no intents: {_whereabouts(ledger)}"}),
    }
    return {"changed": changed, **result, **({"diff": diff} if diff else {})}


def _call_unrelated(ledger: Ledger, word: Word, is_check_mode: bool) -> bool:
    """Note that an order is not a renewal of a PBX. Returns whether that is new."""
    product_no, order_no = str(word.product_no), str(word.order_no)
    if ledger.was_answered_with(product_no, order_no) and not word.force:
        raise ValueError(
            f"outcome: the portal itself answered the renewal of {product_no} with order {order_no}, so it is not"
            " unrelated, and calling it so lets the next run buy once more. If that is meant all the same, repeat this"
            " with force: true"
        )
    changed = (product_no.casefold(), order_no) not in ledger.unrelated_orders()
    if changed and not is_check_mode:
        with ledger.lock(product_no):
            ledger.call_unrelated(product_no, order_no, word.reason)
    return changed


def _whereabouts(ledger: Ledger) -> str:
    """Which ledger this is, for anyone who looks in it for an intent that is in another one."""
    if ledger.name == NONE:
        return "ledger is none, which keeps nothing"
    seen = f"the ledger is {ledger.name}" if ledger.is_kept else f"there is no ledger yet at {ledger.name}"
    return (
        f"{seen}, for the user {user_name()}. Runs of another user, such as with become, have another one unless it is"
        " named in ledger"
    )


def _intent_meant(ledger: Ledger, word: Word) -> Intent:
    intents = ledger.intents_of(str(word.product_no))
    if word.expires_at is not None:
        intents = [intent for intent in intents if same_expiry(intent.expires_at, word.expires_at)]
    unsettled = [intent for intent in intents if intent.is_unsettled]
    if len(unsettled) > 1:
        expiries = ", ".join(format_instant(intent.expires_at) for intent in unsettled)
        raise ValueError(f"expires_at: {word.product_no} has several intents to be settled, name one: {expiries}")
    if not intents:
        missing = f"product_no: the ledger has no such intent for {word.product_no}; list it to see all"
        raise ValueError(f"{missing}: {_whereabouts(ledger)}")
    return (unsettled or intents)[-1]


def _contradiction(intent: Intent) -> str:
    """Why an intent cannot be settled as not ordered: the ledger knows an order, which someone may have paid."""
    order = f"order {intent.order_no} ({intent.order_status})" if intent.order_no else "an order without a number"
    return (
        f"outcome: the ledger has {order} for {intent}: {intent.note}. Calling that not ordered lets the next run buy"
        f" {intent.product_no} once more. If the order is no renewal of this PBX, settle it as unrelated with its"
        " order_no; if it is cancelled or refunded, repeat this with force: true"
    )


def _diff(intent: Intent, status: IntentStatus) -> dict[str, str]:
    header = f"{intent.product_no} {format_instant(intent.expires_at)}"
    return {
        "before_header": header,
        "after_header": header,
        "before": f"status: {intent.status}\n",
        "after": f"status: {status}\n",
    }


def _row(intent: Intent) -> dict[str, Any]:
    order = {"order_no": intent.order_no, "transaction_no": intent.transaction_no, "status": intent.order_status}
    price = {"amount": intent.price_amount, "currency": intent.price_currency}
    return {
        "product_no": intent.product_no,
        "expires_at": format_instant(intent.expires_at),
        "status": intent.status.value,
        "unsettled": intent.is_unsettled,
        "generation": intent.generation,
        "uncertain_since": format_instant(intent.uncertain_since),
        "po_number": intent.po_number,
        "price": price if intent.price_amount is not None else None,
        "order": order if intent.order_no is not None else None,
        "run_id": intent.run_id,
        "note": intent.note,
    }
