# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a PBX through the admin endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clock import MONTHS, parse_instant
from .profiles import AUTO_RENEWAL_STATUSES

if TYPE_CHECKING:
    from .account import Account
    from .records import Pbx


def apply_changes(account: Account, pbx: Pbx, changes: Any) -> Pbx:
    """Check all changes, then make them; raises ValueError and changes nothing if one is wrong."""
    if not isinstance(changes, dict):
        raise ValueError("the changes must be an object")
    plans = [plan.name for plan in account.plans]
    plan = account.plan(changes["plan"] if changes.get("plan") in plans else pbx.plan)
    checks = {
        "quantity": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
        "billing_cycle": lambda value: value in MONTHS,
        "services": lambda value: isinstance(value, list),
        "plan": lambda value: value in plans,
        "pending_plan": lambda value: value is None or value in plans,
        "auto_renewal": lambda value: isinstance(value, bool),
        "auto_renewal_status": lambda value: value is None or value in AUTO_RENEWAL_STATUSES,
        "expires_at": lambda value: isinstance(value, str),
        "comment": lambda value: isinstance(value, str),
        "activation_status": lambda value: value in ("unknown", "unactivated", "activated"),
    }
    for name, value in changes.items():
        if name not in checks:
            raise ValueError(f"unknown field {name!r}; a PBX has {', '.join(checks)}")
        if not checks[name](value):
            raise ValueError(f"{name} cannot be {value!r}")
    for name in changes.get("services", pbx.services):
        if plan.service(name) is None:
            raise ValueError(f"{plan.name} has no service {name!r}")
    changes = dict(changes)
    if "expires_at" in changes:
        changes["expires_at"] = parse_instant(changes["expires_at"])
    for name, value in changes.items():
        setattr(pbx, name, value)
    return pbx
