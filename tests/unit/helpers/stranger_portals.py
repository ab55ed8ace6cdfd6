# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Portals that mislead: written as those of `strange_portals`, after inference was right on all of those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles, format_instant
from ansible_collections.pbxops.yeastar.tests.unit.helpers.strange_portals import (
    ENTERPRISE,
    NOW,
    Pbx,
    Portal,
    fleet,
    orders_of,
    portal_of,
)


def _day(instant: Any) -> str:
    return f"{instant:%Y-%m-%d}"


def co_terminous() -> Portal:
    """All subscriptions end on odd days, and the maintenance, in another language, whole years after the beginning."""
    pbxs = fleet(12, ("annually",))
    return portal_of(
        "odd ends of terms, whole years of something else",
        pbxs,
        lambda pbx: {
            "anfang": _day(pbx.started),
            "ende": _day(pbx.expires + timedelta(days=pbx.index * 17 % 60)),
            "wartungsende": _day(add_cycles(pbx.expires, "annually", pbx.index % 2)),
            "paket": pbx.plan[0],
        },
        {"plan_id": ("paket",)},
        even={"expires_at": ("ende", "wartungsende")},
    )


def plan_of_the_partner() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "the plan of the partner",
        pbxs,
        lambda pbx: {
            "owner": {"tariff": int(ENTERPRISE[0]), "since": _day(NOW - timedelta(days=900))},
            "package": pbx.plan[1],
            "expireDate": _day(pbx.expires),
        },
        {"plan": ("package",), "expires_at": ("expireDate",)},
    )


def expanded_often() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "expanded since the last order",
        pbxs,
        lambda pbx: {
            "initialUsers": pbx.quantity,
            "users": pbx.quantity + (pbx.index % 2) * 10,
            "planId": pbx.plan[0],
            "term": {"end": format_instant(pbx.expires), "cycle": pbx.cycle},
        },
        {
            "plan_id": ("planId",),
            "billing_cycle": ("term.cycle",),
            "expires_at": ("term.end",),
            "quantity": ("users",),
        },
        order_details=orders_of(pbxs),
    )


def partly_empty() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "a quarter has no subscription",
        pbxs,
        lambda pbx: {
            "made": _day(pbx.started),
            "until": "" if pbx.index % 4 == 3 else _day(pbx.expires),
            "tariff": None if pbx.index % 4 == 3 else pbx.plan[1],
            "lines": 0 if pbx.index % 4 == 3 else pbx.quantity,
        },
        {"expires_at": ("until",), "plan": ("tariff",)},
    )


def all_alike() -> Portal:
    """Bought in bulk: every PBX has the same plan, quantity, cycle and end."""
    pbxs = fleet(12)
    return portal_of(
        "all alike",
        pbxs,
        lambda pbx: {
            "validTo": "2027-03-31",
            "bought": "2026-03-31",
            "plan": {"name": ENTERPRISE[1], "number": ENTERPRISE[0]},
            "seats": 10,
            "channels": 10,
            "billingCycle": "annually",
        },
        {
            "expires_at": ("validTo",),
            "plan": ("plan.name",),
            "plan_id": ("plan.number",),
            "billing_cycle": ("billingCycle",),
            "quantity": ("seats",),
        },
    )


def internal_ids() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "internal ids under usual names, cycles as codes",
        pbxs,
        lambda pbx: {
            "plan_id": 11 + pbx.index % 3,
            "plan_code": int(pbx.plan[0]),
            "expire_time": int(pbx.expires.timestamp()),
            "expire_date": _day(pbx.expires),
            "create_time": int(pbx.started.timestamp()),
            "ext_num": pbx.quantity,
            "cycle_type": 1 if pbx.cycle == "annually" else 2,
            "service_list": [
                {"id": 500 + pbx.index, "code": one[0], "name": one[1], "status": "active"} for one in pbx.services
            ],
        },
        {
            "plan_id": ("plan_code",),
            "expires_at": ("expire_time", "expire_date"),
            "quantity": ("ext_num",),
            "services": ("service_list",),
            "service_id": ("code",),
            "service_name": ("name",),
        },
        order_details=orders_of(pbxs),
    )


def bundles() -> Portal:
    """Services by name alone, among lists of other things; the offer of each plan is in the row too."""
    pbxs = fleet(12)
    return portal_of(
        "lists of many things",
        pbxs,
        lambda pbx: {
            "features": ["IVR", "Queue", "High Availability"],
            "booked": [{"title": one[1], "amount": 1} for one in pbx.services],
            "bookable": [
                {"title": name, "amount": 1}
                for name in ("High Availability", "Recording Minutes")
                if name not in [one[1] for one in pbx.services]
            ],
            "plans": [pbx.plan[1]],
            "tags": ["a", "b"],
            "current": {"product": pbx.plan[1], "licences": pbx.quantity, "lapses": pbx.expires.isoformat()},
        },
        {
            "services": ("booked",),
            "service_name": ("title",),
            "plan": ("current.product",),
            "expires_at": ("current.lapses",),
            "quantity": ("current.licences",),
        },
        order_details=orders_of(pbxs),
    )


def invoices_follow() -> Portal:
    pbxs = fleet(11, ("monthly",))
    return portal_of(
        "months without a word for them, an invoice two weeks later",
        pbxs,
        lambda pbx: {
            "laufzeit": {"von": format_instant(pbx.started), "bis": format_instant(pbx.expires)},
            "naechsteRechnung": format_instant(pbx.expires + timedelta(days=14)),
            "plan": pbx.plan[0],
            "teilnehmer": pbx.quantity,
        },
        {"plan_id": ("plan",), "expires_at": ("laufzeit.bis",), "quantity": ("teilnehmer",)},
        order_details=orders_of(pbxs),
    )


def _cents(pbxs: Sequence[Pbx]) -> list[dict[str, Any]]:
    return [
        {
            "num": pbx.quantity,
            "unitCents": 1200,
            "amountCents": pbx.quantity * 1200,
            "display": f"{pbx.quantity * 12:,}.00 USD",
            "currency": "USD",
            "language": "ENG",
        }
        for pbx in pbxs
    ]


def cents() -> Portal:
    pbxs = fleet(8)
    return portal_of(
        "prices in cents",
        pbxs,
        lambda pbx: {"planId": pbx.plan[0], "extensionNum": pbx.quantity, "expireDate": _day(pbx.expires)},
        {
            "plan_id": ("planId",),
            "quantity": ("extensionNum",),
            "expires_at": ("expireDate",),
            "currency": ("currency",),
        },
        plan_prices=_cents(pbxs),
    )


def chinese() -> Portal:
    pbxs = fleet(9)
    return portal_of(
        "names of fields in Chinese",
        pbxs,
        lambda pbx: {
            "\u5f00\u59cb\u65f6\u95f4": int(pbx.started.timestamp() * 1000),
            "\u5230\u671f\u65f6\u95f4": int(pbx.expires.timestamp() * 1000),
            "\u5957\u9910": {"\u7f16\u53f7": pbx.plan[0], "\u540d\u79f0": pbx.plan[1]},
            "\u5206\u673a\u6570": str(pbx.quantity),
            "\u5468\u671f": "Annually" if pbx.cycle == "annually" else "Monthly",
            "\u670d\u52a1": [{"\u7f16\u53f7": int(one[0])} for one in pbx.services],
        },
        {
            "expires_at": ("\u5230\u671f\u65f6\u95f4",),
            "plan_id": ("\u5957\u9910.\u7f16\u53f7",),
            "plan": ("\u5957\u9910.\u540d\u79f0",),
            "quantity": ("\u5206\u673a\u6570",),
            "billing_cycle": ("\u5468\u671f",),
            "services": ("\u670d\u52a1",),
            "service_id": ("\u7f16\u53f7",),
        },
        order_details=orders_of(pbxs),
    )


def too_deep() -> Portal:
    """The expiry lies too deep to be named, and something else is valid until a date."""
    pbxs = fleet(12)
    return portal_of(
        "too deep to be named",
        pbxs,
        lambda pbx: {
            "a": {"b": {"c": {"d": {"e": {"expires": _day(pbx.expires)}}}}},
            "proposal": {"validTo": _day(NOW + timedelta(days=10 + pbx.index))},
            "edition": {"name": pbx.plan[1]},
            "payment": {"term": "monthly"},
        },
        {"plan": ("edition.name",)},
    )


def default_plan() -> Portal:
    """The plan itself is not there, but the one that a new customer of the reseller gets."""
    pbxs = fleet(12)
    return portal_of(
        "an expiry per service, a plan by default",
        pbxs,
        lambda pbx: {
            "defaults": {"planName": ENTERPRISE[1], "extensions": 10},
            "recording": {"expireDate": _day(pbx.expires + timedelta(days=30 * (pbx.index % 3)))},
            "haExpireDate": _day(pbx.expires + timedelta(days=11 * (pbx.index % 4))),
            "planExpireDate": _day(pbx.expires),
            "openedAt": _day(pbx.started),
        },
        {"expires_at": ("planExpireDate",)},
    )


STRANGER_PORTALS = [
    co_terminous(),
    plan_of_the_partner(),
    expanded_often(),
    partly_empty(),
    all_alike(),
    internal_ids(),
    bundles(),
    invoices_follow(),
    cents(),
    chinese(),
    too_deep(),
    default_plan(),
]
