# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: whether the portal renews a PBX itself, judged by row, answer and declaration, and what follows from that.

A PBX that the portal renews and that is ordered as well is paid for twice (docs/portal-api.md, 10.8).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Optional, Union

from .._model.decision import Decision
from .._model.declaration import Declaration, Policy
from .._model.undetermined import Undetermined, known
from .._model.vocabulary import Reason
from .planner import screen, settled
from .terms import contradiction_of

Switch = Union[bool, Undetermined]

_ADVICE = "look in the portal and declare auto_renewal, or name the right field in field_map"


def combined(reported: Switch, answer: Switch) -> Switch:
    """Combine a row with the portal's answer: "on" in either wins, then "off" in either; both beat an unknown value.

    If neither is known, return the row's value if something unreadable stands there, and the answer otherwise.
    """
    for wanted in (True, False):
        if wanted in (known(reported), known(answer)):
            return wanted
    return reported if isinstance(reported, Undetermined) and reported.reported else answer


def needs_answer(decision: Decision) -> bool:
    """Whether to ask the portal: the PBX would be ordered, or only its declaration prevents an order."""
    if decision.subscription is None:
        return False
    only_declared = decision.reason == Reason.AUTO_RENEWAL and decision.subscription.auto_renewal is not True
    return decision.order is not None or only_declared


def held_to_auto_renewal(
    decision: Decision,
    declaration: Declaration,
    answer: Switch,
    policy: Policy,
    now: datetime,
    approved: Optional[bool] = None,
) -> Decision:
    """Check a decision that needs it against the portal's answer, and record the result in its subscription.

    ``approved`` is what a saved plan says. It is used if the portal says nothing, and it is not asserted.
    """
    if decision.subscription is None:
        raise ValueError("expected a decision about a PBX of the account")
    reported = decision.subscription.auto_renewal
    seen = combined(reported, answer)
    contradiction = contradiction_of("auto_renewal", declaration.auto_renewal, seen)
    if contradiction is not None:
        return settled(decision, Reason.CONTRADICTION, contradiction)
    subscription = replace(decision.subscription, auto_renewal=seen)
    screened = screen(declaration, subscription, policy, now)
    if isinstance(screened, Decision):
        return screened
    if isinstance(seen, Undetermined):
        seen = next((value for value in (declaration.auto_renewal, approved) if value is not None), seen)
    decision = replace(decision, subscription=replace(subscription, auto_renewal=seen))
    if not isinstance(seen, Undetermined):
        return decision
    if seen is reported and seen.reported:
        return settled(decision, Reason.CANNOT_DETERMINE, f"cannot determine {seen.why}; {_ADVICE}")
    if policy.on_unknown_auto_renewal == "block":
        unknown = f"whether auto-renewal is on is not known: {seen.why}"
        return settled(
            decision, Reason.CANNOT_DETERMINE, f"{unknown}; {_ADVICE}, or set on_unknown_auto_renewal: allow"
        )
    return replace(decision, message=f"{decision.message}; whether auto-renewal is on is not known ({seen.why})")
