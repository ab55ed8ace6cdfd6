# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: before and after of each PBX that changes, in the user's terms, for `--diff`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .._model.dates import format_instant
from .._model.decision import Decision, Terms
from .._model.span import in_text
from .._model.undetermined import Undetermined


def diff_of(decisions: Iterable[Decision]) -> list[dict[str, str]]:
    """One entry for each decision whose order was or would be sent; the sequence is kept."""
    return [
        _entry(decision, decision.terms, decision.expires_after)
        for decision in decisions
        if decision.terms is not None and decision.expires_after is not None
    ]


def _entry(decision: Decision, terms: Terms, expires_after: datetime) -> dict[str, str]:
    ordered: dict[str, Any] = {
        "expires_at": format_instant(expires_after),
        "renewed plan": terms.plan,
        "renewed services": ", ".join(str(service) for service in terms.services) or "none",
        "extensions": terms.quantity,
        "billing cycle": terms.billing_cycle,
    }
    others = decision.subscription.other_expiries if decision.subscription else None
    seen = "".join(f"{name}: {format_instant(instant)}\n" for name, instant in others or ())
    declared = [value.why for value in terms.stood_in if value.reported]
    if declared:
        ordered["declared, since"] = "; ".join(declared)
    if decision.days_lost is not None:
        ordered["days lost"] = decision.days_lost
    if decision.subscription is not None and isinstance(decision.subscription.auto_renewal, Undetermined):
        ordered["auto-renewal"] = "not known"
    ordered["price"] = decision.price or (
        "not known" if decision.price_asked else "not asked for, since no limit is set"
    )
    return {
        "before_header": decision.product_no,
        "after_header": decision.product_no,
        "before": f"expires_at: {in_text(terms.expires_at, terms.span)}\n{seen}",
        "after": "".join(f"{name}: {value}\n" for name, value in ordered.items()) + seen,
    }
