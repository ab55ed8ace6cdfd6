# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a run: what is declared, what applies to the whole run, and which plan it saves or applies."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Optional
from zoneinfo import ZoneInfo

from .._decide.saved_plan import LONGEST_VALIDITY
from .._model.dates import parse_instant
from .._model.declaration import Declaration, Policy
from .._model.money import parse_amount, parse_currency, parse_percentage
from .._model.span import span_of
from .blanks import refuse_blanks
from .ledger import LedgerOptions, ledger_options_of
from .portal import PortalOptions, portal_options_of, zone_option
from .table import DECLARATION_OPTIONS, RUN_LEVEL_OPTIONS
from .values import MAX_DAYS, MAX_SECONDS, product_no_of, read_option, within

MAX_ORDERS = 10_000

MAX_QUANTITY = 1_000_000


@dataclass(frozen=True)
class RunOptions:
    """The options of one run, read once. ``declarations`` is None if only a saved plan has them.

    ``wait_timeout`` is in seconds. ``plan_file`` and ``plan_digest`` name the plan to apply; ``dest`` and ``valid_for``
    say where to save one and how long it is valid.
    """

    portal: PortalOptions
    ledger: LedgerOptions
    policy: Policy
    declarations: Optional[tuple[Declaration, ...]]
    wait_timeout: float
    plan_file: Optional[str]
    plan_digest: str
    dest: Optional[str]
    valid_for: timedelta


def run_options_of(params: Mapping[str, Any]) -> RunOptions:
    """Read every option of a run, once. Raises ValueError for a bad value."""
    plan_file, dest = params.get("plan_file"), params.get("dest")
    is_declared = plan_file is None or params["subscriptions"] is not None
    return RunOptions(
        portal=portal_options_of(params),
        policy=policy_of(params),
        declarations=tuple(declarations_of(params)) if is_declared else None,
        ledger=ledger_options_of(params),
        wait_timeout=wait_timeout_of(params),
        plan_file=plan_file,
        plan_digest=params.get("plan_digest") or "",
        dest=dest,
        valid_for=LONGEST_VALIDITY if dest is None else validity_of(params),
    )


def wait_timeout_of(params: Mapping[str, Any]) -> float:
    """Read how long to follow open or uncertain orders, in seconds. Raises ValueError for a bad value."""
    within("wait_timeout", params["wait_timeout"], 0, MAX_SECONDS)
    return float(params["wait_timeout"])


def declarations_of(params: Mapping[str, Any]) -> list[Declaration]:
    """Read the declaration of each PBX of a run. Raises ValueError for a bad value or a repeated serial number."""
    if params["subscriptions"] is not None:
        declarations = [_declaration(item, zone_option(params)) for item in params["subscriptions"]]
    else:
        declarations = [_declaration(params, zone_option(params))]
    counts = Counter(declaration.product_no for declaration in declarations)
    repeated = sorted(number for number, count in counts.items() if count > 1)
    if repeated:
        raise ValueError(f"subscriptions: {', '.join(repeated)} is given more than once; give each PBX once")
    return declarations


def _declaration(item: Mapping[str, Any], zone: Optional[ZoneInfo]) -> Declaration:
    services = item["services"]
    refuse_blanks(item, DECLARATION_OPTIONS)
    if not all(service.strip() for service in services or ()):
        raise ValueError(
            "services: expected names or ids, got an empty text among them; [] declares that there are none"
        )
    within("quantity", item["quantity"], 1, MAX_QUANTITY)
    within("remaining_days", item["remaining_days"], 0, MAX_DAYS)
    return Declaration(
        product_no=product_no_of(item["product_no"]),
        plan=item["plan"],
        services=None if services is None else tuple(services),
        quantity=item["quantity"],
        billing_cycle=item["billing_cycle"],
        expires_at=read_option("expires_at", item["expires_at"], parse_instant),
        billing_contact=item["billing_contact"],
        expected_expiry=read_option("expected_expiry", item["expected_expiry"], parse_instant),
        remaining_days=item["remaining_days"],
        po_number=item["po_number"],
        auto_renewal=item["auto_renewal"],
        span=None if item["expires_at"] is None else span_of(item["expires_at"], zone),
    )


def policy_of(params: Mapping[str, Any]) -> Policy:
    """Read what applies to the whole run. Raises ValueError for a bad value."""
    refuse_blanks(params, RUN_LEVEL_OPTIONS)
    within("max_orders", params["max_orders"], 0, MAX_ORDERS)
    within("settle_window", params["settle_window"], 1, MAX_SECONDS)
    within("remaining_days", params["remaining_days"], 0, MAX_DAYS)
    return Policy(
        remaining_days=params["remaining_days"],
        include_expired=params["include_expired"],
        billing_contact=params["billing_contact"],
        max_orders=params["max_orders"],
        max_total=read_option("max_total", params["max_total"], parse_amount),
        max_amount_per_item=read_option("max_amount_per_item", params["max_amount_per_item"], parse_amount),
        max_price_increase_percent=read_option(
            "max_price_increase_percent", params["max_price_increase_percent"], parse_percentage
        ),
        currency=read_option("currency", params["currency"], parse_currency),
        on_unknown_price=params["on_unknown_price"],
        on_unknown_auto_renewal=params["on_unknown_auto_renewal"],
        term_starts=params["term_starts"],
        prices_only=bool(params.get("prices_only")),
        run_id=uuid.uuid4().hex if params["run_id"] is None else params["run_id"].strip(),
        settle_window=timedelta(seconds=params["settle_window"]),
    )


def validity_of(params: Mapping[str, Any]) -> timedelta:
    """Read how long a saved plan may be applied. Raises ValueError for a bad value."""
    within("valid_for", params["valid_for"], 1, int(LONGEST_VALIDITY.total_seconds()))
    return timedelta(seconds=params["valid_for"])
