# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: whether a decision made again just before the order is still the one that was planned."""

from __future__ import annotations

from .._model.dates import format_instant
from .._model.decision import Decision
from .._model.span import same_expiry
from .._model.vocabulary import Reason
from .planner import settled


def changed_since(planned: Decision, fresh: Decision) -> list[str]:
    """List what an order would say differently after the re-read, for the user (docs/reliability.md, 45, 54, 55)."""
    if planned.terms is None or fresh.terms is None or planned.order is None or fresh.order is None:
        raise ValueError("expected two decisions that are due")
    old, new = planned.terms, fresh.terms
    changes = []
    if not same_expiry(old.expires_at, new.expires_at):
        changes.append(f"expires_at {format_instant(old.expires_at)} -> {format_instant(new.expires_at)}")
    if old.quantity != new.quantity:
        changes.append(f"quantity {old.quantity} -> {new.quantity}")
    if old.billing_cycle != new.billing_cycle:
        changes.append(f"billing_cycle {old.billing_cycle} -> {new.billing_cycle}")
    if old.plan.id != new.plan.id:
        changes.append(f"plan {old.plan} -> {new.plan}")
    # A listing that names no services may simply not report them; then the detail is not a change.
    if old.services and set(planned.order.service_ids) != set(fresh.order.service_ids):
        before, after = (", ".join(sorted(map(str, terms.services))) or "none" for terms in (old, new))
        changes.append(f"services {before} -> {after}")
    if planned.price != fresh.price:
        changes.append(f"price {planned.price or 'unknown'} -> {fresh.price or 'unknown'}")
    return changes


def unless_changed(planned: Decision, fresh: Decision) -> Decision:
    """Return the new decision, or refuse it if it differs from the planned one."""
    changes = changed_since(planned, fresh) if fresh.order is not None else []
    if changes:
        message = f"changed while the run was under way: {'; '.join(changes)}; run again"
        return settled(fresh, Reason.STALE_PLAN, message)
    return fresh
