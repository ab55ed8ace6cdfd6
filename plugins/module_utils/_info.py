# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read only what was requested: subscriptions, catalog, billing contacts, orders; normalised, or raw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.auto_renewal import combined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import Order
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters, Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined, portable
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.listing import Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.snapshot import DetailRefused, Snapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.questions import AutoRenewals
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import (
    catalog_as_result,
    contact_as_result,
    order_as_result,
    subscription_as_result,
)

from ._secrets import masked


def gather(
    portal: Portal,
    wanted: set[str],
    filters: Filters,
    raw: bool,
    warn: Callable[[str], None] = lambda warning: None,
    must_be_whole: bool = False,
) -> dict[str, Any]:
    """Read what is wanted: `subscriptions`, `catalog`, `billing_contacts`, `orders`; with ``raw`` also unchanged.

    `auto_renewal` is read for each subscription and becomes part of it; ``warn`` is called if the portal keeps refusing
    that. The product list ``must_be_whole`` for callers that need all PBXs of the account.

    Raises ReadError, and ValueError if a requested PBX is not in the account.
    """
    found: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    auto_renewals = AutoRenewals(portal, warn) if "auto_renewal" in wanted else None
    if auto_renewals or "subscriptions" in wanted:
        found["subscriptions"], rows["subscriptions"] = _subscriptions(
            portal, filters, raw, auto_renewals, must_be_whole
        )
    if "catalog" in wanted:
        rows["catalog"] = portal.catalog_answer()
        found["catalog"] = catalog_as_result(portal.catalog(rows["catalog"]))
    if "billing_contacts" in wanted:
        rows["billing_contacts"] = portal.billing_contact_rows()
        found["billing_contacts"] = [contact_as_result(portal.billing_contact(row)) for row in rows["billing_contacts"]]
    if "orders" in wanted:
        orders = portal.pool.map(lambda row: (row, _order(portal, row, filters)), portal.order_listing().rows)
        wanted_orders = [
            (row, order)
            for row, order in orders
            if not filters.product_nos or order.product_no in (None, *filters.product_nos)
        ]
        rows["orders"] = [row for row, order in wanted_orders]
        found["orders"] = [order_as_result(order) for row, order in wanted_orders]
    return {**found, "raw": portable(masked(rows))} if raw else found


def _subscriptions(
    portal: Portal, filters: Filters, raw: bool, auto_renewals: Optional[AutoRenewals], must_be_whole: bool
) -> tuple[list[Any], list[Any]]:
    snapshot = Snapshot(portal)
    listing = snapshot.read_listing()
    if must_be_whole:
        snapshot.require_all_rows()
    completed = _completed(portal, snapshot, filters, listing)
    subscriptions = sorted(filter(filters.match, completed), key=lambda subscription: subscription.product_no)
    if auto_renewals is not None:
        answers = portal.pool.map(auto_renewals.of, [one.product_no for one in subscriptions])
        subscriptions = [
            replace(one, auto_renewal=combined(one.auto_renewal, answer)) for one, answer in zip(subscriptions, answers)
        ]

    def row(product_no: str) -> dict[str, Any]:
        found = {"listing": _as_listed(listing[product_no]), "detail": _detail(portal, product_no, filters)}
        if auto_renewals is not None:
            answer = auto_renewals.answers.get(product_no)
            found["auto_renewal"] = None if isinstance(answer, Undetermined) else answer
        return found

    rows = portal.pool.map(row, [one.product_no for one in subscriptions] if raw else ())
    return [subscription_as_result(subscription, filters.now) for subscription in subscriptions], rows


def _completed(
    portal: Portal, snapshot: Snapshot, filters: Filters, listing: Mapping[str, Sequence[Row]]
) -> list[Subscription]:
    """The wanted PBXs, with their details if the listing does not report everything.

    Raises ValueError for a requested PBX that is not listed.
    """
    missing = [number for number in filters.product_nos if number not in listing]
    if missing:
        reasons = sorted({snapshot.why_not_found(number) for number in missing} - {""})
        folded = {number.casefold() for number in missing}
        similar = [f"it has {number}" for number in listing if number.casefold() in folded]
        problem = f"not among the {len(listing)} PBXs of this account"
        raise ValueError(f"{', '.join(missing)}: {'; '.join([problem, *similar, *reasons])}")

    are_refused = False

    def complete(product_no: str) -> Subscription:
        nonlocal are_refused
        subscription = snapshot.subscriptions[product_no]
        if not filters.match(subscription) or not subscription.undetermined() or are_refused:
            return subscription
        try:
            return snapshot.complete(product_no)
        except DetailRefused:
            are_refused = True  # values that the listing does not report are shown as undetermined
            return subscription

    return portal.pool.map(complete, filters.product_nos or listing)


def _as_listed(rows: list[Mapping[str, Any]]) -> Any:
    """The row of a PBX, or all its rows if the portal lists it more than once."""
    return rows[0] if len(rows) == 1 else rows


def _detail(portal: Portal, product_no: str, filters: Filters) -> Optional[Mapping[str, Any]]:
    """The portal's detail of a PBX that was requested by number, since it costs a request; None if refused."""
    try:
        return portal.subscription_detail(product_no) if product_no in filters.product_nos else None
    except ReadError as error:
        if not error.is_refusal:
            raise
        return None


def _order(portal: Portal, row: Mapping[str, Any], filters: Filters) -> Order:
    order = portal.order(row)
    try:
        return portal.order_with_detail(row) if filters.product_nos and order.product_no is None else order
    except ReadError as error:
        if not error.is_refusal:
            raise
        return order
