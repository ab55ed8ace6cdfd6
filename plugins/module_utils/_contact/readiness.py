# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what would happen, PBX by PBX, and the verdict in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .._model.decision import Decision
from .._model.vocabulary import Reason, State, Vocabulary

BILLING_CONTACT = "billing_contact"  # an option, which no field_map and no declaration replaces


class Group(Vocabulary):
    """What a PBX needs before it can be renewed."""

    READY = "ready"
    HANDLED = "handled"  # an order is open, or the portal renews it itself
    NEEDS_DECLARATION = "needs_declaration"
    BLOCKED = "blocked"


# What a renewal does without: prices matter to limits alone, and an order without our number is known by its lines.
_NOT_NEEDED = frozenset({"amount", "currency", "pricing_plan_id", "pricing_service_id", "po_number"})


@dataclass(frozen=True)
class Prospect:
    """What a renewal today would make of one PBX. ``needs`` names what is to be declared."""

    decision: Decision
    group: Group
    needs: tuple[str, ...] = ()

    def as_result(self) -> dict[str, Any]:
        """The prospect for the user."""
        decision = self.decision
        return {
            "product_no": decision.product_no,
            "group": self.group.value,
            "needs": list(self.needs),
            "state": decision.state.value,
            "reason": decision.reason.value,
            "message": decision.message,
        }


@dataclass(frozen=True)
class Forecast:
    """The prospects of each PBX that was looked at; ``problem`` says why there are none, ``price_problems`` why prices
    are unknown.
    """

    prospects: tuple[Prospect, ...] = ()
    problem: Optional[str] = None
    price_problems: tuple[str, ...] = ()


def prospect_of(decision: Decision) -> Prospect:
    """Group one decision."""
    seen = decision.subscription
    missing = [value.concept for value in seen.undetermined()] if seen else []
    if decision.state in (State.SKIPPED, State.PENDING, State.RENEWED):
        return Prospect(decision, Group.HANDLED)
    if decision.state == State.DUE or (decision.reason == Reason.ENOUGH_TIME and not missing):
        return Prospect(decision, Group.READY)
    if decision.reason == Reason.BILLING_CONTACT:
        return Prospect(decision, Group.NEEDS_DECLARATION, (BILLING_CONTACT,))
    if missing and decision.reason in (Reason.CANNOT_DETERMINE, Reason.ENOUGH_TIME):
        return Prospect(decision, Group.NEEDS_DECLARATION, tuple(missing))
    return Prospect(decision, Group.BLOCKED)


def counts_of(prospects: Iterable[Prospect]) -> dict[str, int]:
    """How many PBXs are in each group."""
    groups = Counter(one.group for one in prospects)
    return {group.value: groups[group] for group in Group}


def is_ready(prospects: Sequence[Prospect], suggested: Mapping[str, str], has_failed: bool) -> bool:
    """Whether every PBX that was looked at could be renewed with the options as they are."""
    fine = all(one.group in (Group.READY, Group.HANDLED) for one in prospects)
    return bool(prospects) and fine and not _needed(suggested) and not has_failed


def _needed(suggested: Mapping[str, str]) -> list[str]:
    return sorted(set(suggested) - _NOT_NEEDED)


def verdict(prospects: Sequence[Prospect], suggested: Mapping[str, str], listed: int, failed: Sequence[str]) -> str:
    """The first line of the report: how many could be renewed, and what the others need."""
    if not prospects:
        why = f": see {', '.join(failed)}" if failed else ": the account lists no PBX" if not listed else ""
        return f"Not ready. Nothing could be decided{why}"
    counts = counts_of(prospects)
    ready = counts[Group.READY.value]
    clauses = [f"{ready} of {len(prospects)} could be renewed"]
    handled = counts[Group.HANDLED.value]
    if handled:
        clauses.append(
            f"{handled} {'needs' if handled == 1 else 'need'} nothing (an order is open, or the portal renews it)"
        )
    needs = Counter(", ".join(one.needs) for one in prospects if one.group == Group.NEEDS_DECLARATION)
    clauses += [
        f"{count} {'needs' if count == 1 else 'need'} {what}{'' if what == BILLING_CONTACT else ', mapped or declared'}"
        for what, count in sorted(needs.items())
    ]
    reasons = Counter(one.decision.reason.value for one in prospects if one.group == Group.BLOCKED)
    clauses += [f"{count} {'is' if count == 1 else 'are'} blocked ({why})" for why, count in sorted(reasons.items())]
    if failed:
        clauses.append(f"look at {', '.join(failed)}")
    if listed > len(prospects):
        clauses.append(f"{listed - len(prospects)} PBXs were not looked at (sample: all looks at each)")
    needed = _needed(suggested)
    if suggested and not needed:
        clauses.append(f"{', '.join(sorted(suggested))} can be mapped as well, see the suggested field_map")
    said = "; ".join(clauses)
    if needed:
        return f"Not ready yet. With the suggested field_map, {said}"
    return f"{'Ready' if is_ready(prospects, suggested, bool(failed)) else 'Not ready'}. {said}"
