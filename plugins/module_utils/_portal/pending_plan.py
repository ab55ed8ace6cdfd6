# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what `currentPlan` means: a pending switch to another plan, or on some portals just the running plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Optional, Union

from .._model import dates as _time
from .._model.catalog import Offer
from .._model.span import same_expiry
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined, known
from .._text import shown
from .fields import Fields

CURRENT_PLAN, ITS_EXPIRY = "currentPlan", "currentPlanExpireDate"
_UNMAPPED = Fields({})


def pending_plan(row: Mapping[str, Any], expires_at: Union[datetime, Undetermined], fields: Fields) -> Optional[str]:
    """The running plan of a row if a switch to another one is pending (docs/portal-api.md, 4.2).

    If ``field_map`` reads the plan from `currentPlan`, that field means a switch only if the row also has another plan
    or another expiry.
    """
    current, until = row.get(CURRENT_PLAN), row.get(ITS_EXPIRY)
    if not current:
        return shown(until) if until else None
    ends_alike = not until or isinstance(expires_at, Undetermined) or _is_same(until, expires_at)
    name, plan_id = known(_UNMAPPED.read(row, "plan")), known(_UNMAPPED.read(row, "plan_id"))
    is_own = (name is None and plan_id is None) or Offer(plan_id, name).is_called(shown(current))
    if ends_alike and is_own and any(fields.names(concept, CURRENT_PLAN) for concept in ("plan", "plan_id")):
        return None
    return shown(current) if ends_alike else f"{shown(current)} until {shown(until)}"


def without_running_plan(subscription: Subscription) -> Subscription:
    """Drop a pending plan that is the PBX's own, for portals that fill `currentPlan` for every PBX."""
    plan, pending = subscription.plan, subscription.pending_plan
    if isinstance(plan, Offer) and pending is not None and plan.is_called(pending):
        return replace(subscription, pending_plan=None)
    return subscription


def _is_same(until: object, expires_at: datetime) -> bool:
    try:
        return same_expiry(_time.parse_instant(until), expires_at)
    except ValueError:
        return False
