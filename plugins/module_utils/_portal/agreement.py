# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: whether several answers about one PBX agree, and which of them the operator's declaration selects.

A value on which they disagree is undetermined until a declaration says which one is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Optional

from .._model.catalog import Offer, same_name
from .._model.dates import CYCLE_MONTHS, DAY, add_cycles, format_instant
from .._model.declaration import Declaration
from .._model.span import agrees, bounds, same_expiry
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .._secrets import is_confidential
from .._text import quoted

# What an order depends on and users can declare.
CONCEPTS = ("expires_at", "plan", "services", "quantity", "billing_cycle")
# Any answer may be right about these. A plan that only an outdated list still has must not be ordered.
_ANY_ANSWER_COUNTS = ("quantity",)
_LAG_TOLERANCE = 3 * DAY  # as for an expiry that moves by a cycle (docs/reliability.md, 47)
_MOST_KEYS = 6  # differing fields that a message lists


@dataclass(frozen=True)
class Answer:
    """One answer of the portal about a PBX, with its ``name`` and the ``fields`` in which it reports each concept."""

    name: str
    subscription: Subscription
    fields: Mapping[str, Sequence[str]]

    def describe(self, concept: str) -> str:
        """What it says about a concept, and in which fields."""
        value = getattr(self.subscription, concept)
        return f"{self.name} says {_shown(value)} ({', '.join(self.fields.get(concept, ())) or 'in its fields'})"


def disagreements(answers: Sequence[Answer]) -> list[str]:
    """The concepts for which two answers have different values."""
    return [concept for concept in CONCEPTS if _differ(concept, [one.subscription for one in answers])]


def reconciled(base: Subscription, answers: Sequence[Answer], declaration: Optional[Declaration]) -> Subscription:
    """``base``, with the declared value where the answers disagree, or an undetermined one without a declaration.

    A declared value that no answer has leaves the value of ``base``, so that the contradiction shows. ``base`` is the
    newest answer: whatever is declared, a PBX is not renewed from an earlier expiry than ``base`` has.
    """
    changes: dict[str, Any] = {}
    for concept in disagreements(answers):
        informed = [one for one in answers if _is_known(concept, one.subscription)]
        matching = [one for one in informed if _is_declared(concept, one.subscription, declaration)]
        values = " and ".join(one.describe(concept) for one in informed)
        if concept == "expires_at":
            changes.update(_expiry(base, informed, matching, declaration, values))
        elif matching and concept in _ANY_ANSWER_COUNTS:
            changes[concept] = getattr(matching[0].subscription, concept)
        elif getattr(declaration, concept, None) is None:
            changes[concept] = Undetermined(concept, f"{concept}: {values}; declare {concept}", reported=True)
    return replace(base, **changes)


def _expiry(
    base: Subscription,
    informed: Sequence[Answer],
    matching: Sequence[Answer],
    declaration: Optional[Declaration],
    values: str,
) -> dict[str, Any]:
    """The expiry in ``matching`` that is nearest to the declared one; never one that an answer shows as renewed."""
    declared = declaration.expires_at if declaration else None
    known = [base.expires_at, *(one.subscription.expires_at for one in informed)]
    newest, *others = [one for one in known if isinstance(one, datetime)]
    candidates = [(one.subscription.expires_at, one.subscription.span) for one in matching]
    possible = [
        (expires_at, span)
        for expires_at, span in candidates
        if isinstance(expires_at, datetime)
        and newest - expires_at < DAY
        and not any(_is_a_cycle_later(base, expires_at, other) for other in others)
    ]
    if not possible or declared is None:
        why = f"expires_at: {values}; declare expires_at, but not one from before a renewal"
        seen = (max(newest, *others),) if candidates else ()
        return {"expires_at": Undetermined("expires_at", why, reported=True, seen=seen), "span": None}
    expires_at, span = min(possible, key=lambda pair: abs(pair[0] - declared))
    return {"expires_at": expires_at, "span": span}


def merge_rows(
    subscriptions: Sequence[Subscription], rows: Sequence[Mapping[str, Any]], declaration: Optional[Declaration]
) -> Subscription:
    """Merge the rows of a PBX that is listed more than once; values on which they disagree are undetermined.

    A declaration that fits only some of the rows selects those. If the rows agree and nothing selects one of them, the
    plan is undetermined unless it is declared.
    """
    fitting = [one for one in subscriptions if _fits(one, declaration)]
    is_selected = 0 < len(fitting) < len(subscriptions)
    chosen = fitting if is_selected else list(subscriptions)
    differing = [concept for concept in CONCEPTS if _differ(concept, chosen)]
    if not differing and not is_selected and not (declaration and declaration.plan and fitting):
        differing = ["plan"]
    number, names = chosen[0].product_no, " and ".join(differing)
    why = f"the portal lists {number} {len(rows)} times, {_difference(rows)}; declare {names} of the one to be renewed"
    changes: dict[str, Any] = {
        name: Undetermined(name, f"{name}: {'the rows differ, see above' if index else why}", reported=True)
        for index, name in enumerate(differing)
    }
    pending = [one.pending_plan for one in chosen if one.pending_plan]
    if any(one.auto_renewal is True for one in chosen):
        changes["auto_renewal"] = True
    first = min(chosen, key=_earliest)
    if "expires_at" in changes:
        changes["span"] = None
    return replace(first, pending_plan=pending[0] if pending else None, **changes)


def _earliest(subscription: Subscription) -> datetime:
    """The earliest instant of its expiry; the latest representable one if that is unknown."""
    if isinstance(subscription.expires_at, Undetermined):
        return datetime.max.replace(tzinfo=timezone.utc)
    return bounds(subscription.expires_at, subscription.span)[0]


def without_lag(listed: Subscription, detail: Subscription) -> Subscription:
    """A listed subscription without values that only lag behind the detail, and without services if the row names none.

    If the expiry of the detail is one cycle later, the list still has the one from before a renewal. A row may simply
    omit the services (docs/portal-api.md, 11.6).
    """
    before, after = listed.expires_at, detail.expires_at
    if isinstance(before, datetime) and isinstance(after, datetime) and _is_a_cycle_later(detail, before, after):
        listed = replace(listed, expires_at=Undetermined("expires_at", "expires_at: from before a renewal"))
    if listed.services == ():
        listed = replace(listed, services=Undetermined("services", "services: the listing names none"))
    return listed


def _is_a_cycle_later(subscription: Subscription, before: datetime, after: datetime) -> bool:
    """Whether ``after`` is ``before`` moved by the cycle of the PBX, or by any cycle if that is unknown."""
    cycle = subscription.billing_cycle
    cycles = [cycle] if isinstance(cycle, str) else list(CYCLE_MONTHS)
    return any(abs(add_cycles(before, one) - after) <= _LAG_TOLERANCE for one in cycles)


def _is_known(concept: str, subscription: Subscription) -> bool:
    return not isinstance(getattr(subscription, concept), Undetermined)


def _differ(concept: str, subscriptions: Sequence[Subscription]) -> bool:
    values = [getattr(one, concept) for one in subscriptions if _is_known(concept, one)]
    return any(not _is_same(values[0], value) for value in values[1:])


def _is_same(left: Any, right: Any) -> bool:
    if isinstance(left, datetime):
        return same_expiry(left, right)
    if isinstance(left, Offer):
        return _same_offer(left, right)
    if isinstance(left, tuple):
        unmatched = [one for one in left if not any(_same_offer(one, other) for other in right)]
        return len(left) == len(right) and not unmatched
    return bool(left == right)


def _same_offer(left: Offer, right: Offer) -> bool:
    """Whether two may be the same, as when one is known only by its id and the other only by its name."""
    if left.id is not None and right.id is not None:
        return left.id == right.id
    return left.name is None or right.name is None or same_name(left.name, right.name)


def _is_declared(concept: str, subscription: Subscription, declaration: Optional[Declaration]) -> bool:
    """Whether the value of a concept matches the declared one."""
    declared, value = getattr(declaration, concept, None), getattr(subscription, concept)
    if declared is None or isinstance(value, Undetermined):
        return False
    if isinstance(value, datetime):
        return declaration is not None and agrees(declared, declaration.span, value, subscription.span)
    if isinstance(value, Offer):
        return value.is_called(declared)
    if isinstance(value, tuple):
        unnamed = [one for one in value if not any(one.is_called(text) for text in declared)]
        return len(value) == len(declared) and not unnamed
    return bool(value == declared)


def _fits(subscription: Subscription, declaration: Optional[Declaration]) -> bool:
    """Whether no declared value contradicts the row."""
    return declaration is not None and all(
        getattr(declaration, concept) is None
        or not _is_known(concept, subscription)
        or _is_declared(concept, subscription, declaration)
        for concept in CONCEPTS
    )


def _difference(rows: Sequence[Mapping[str, Any]]) -> str:
    """How rows differ, field by field. Values that may be secret are not shown."""
    keys = sorted({key for row in rows for key in row if any(other.get(key) != row[key] for other in rows)})
    if not keys:
        return "in identical rows"
    fields = [f"{key} ({' and '.join(_quoted(key, row.get(key)) for row in rows)})" for key in keys[:_MOST_KEYS]]
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
    return f"in rows that differ in {', '.join(fields)}{more}"


def _quoted(key: str, value: Any) -> str:
    if value is None:
        return "nothing"
    return "a value" if is_confidential(key) else quoted(value)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
