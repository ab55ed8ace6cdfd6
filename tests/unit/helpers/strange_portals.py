# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Portals of different making: the same kind of facts under other names, places and forms, each with the right answers.

They were written before what infers from them. It may be tuned on those that are `known`; the others judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.inference import Sample
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles, format_instant

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=timezone.utc)
ENTERPRISE, ULTIMATE = ("3048571730026938368", "Enterprise Plan"), ("3048572026291630080", "Ultimate Plan")
AVAILABILITY = ("3048573935752720384", "High Availability")
RECORDING = ("3048573759449317376", "Recording Minutes")
CATALOG: Mapping[str, Any] = MappingProxyType(
    {
        "offeringId": "3048571700000000001",
        "plans": [
            {
                "planId": int(plan[0]),
                "planName": plan[1],
                "pricingPlanId": int(plan[0]) + 5,
                "services": [
                    {"serviceId": int(one[0]), "serviceName": one[1], "pricingServiceId": int(one[0]) + offset}
                    for one in (AVAILABILITY, RECORDING)
                ],
            }
            for offset, plan in ((7, ENTERPRISE), (8, ULTIMATE))
        ],
    }
)
CATALOG_ANSWERS = {"pricing_plan_id": ("pricingPlanId",), "pricing_service_id": ("pricingServiceId",)}

Row = dict[str, Any]


@dataclass(frozen=True)
class Pbx:
    """The facts about one PBX, which each portal shows in its own way."""

    index: int
    product_no: str
    plan: tuple[str, str]
    services: tuple[tuple[str, str], ...]
    quantity: int
    cycle: str
    started: datetime
    expires: datetime
    renews_itself: bool


@dataclass(frozen=True)
class Portal:
    """What a portal shows, and which fields are right.

    ``right`` has the paths any of which is right for a concept that is there; a concept that it lacks is not there.
    ``even`` has those of which nothing in the sample says which is right. ``is_known`` tells that inference may be
    tuned on it.
    """

    name: str
    sample: Sample
    right: Mapping[str, tuple[str, ...]]
    even: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_known: bool = False


def fleet(count: int, cycles: Sequence[str] = ("annually", "annually", "monthly")) -> list[Pbx]:
    """PBXs that began at different times and end within their cycle; one of seven has just expired."""
    quantities = (100, 20, 5, 50, 35, 8, 250, 12, 15, 60, 500, 25, 10)
    pbxs = []
    for index in range(count):
        cycle = cycles[index % len(cycles)]
        started = datetime(2021 + index % 4, 1 + (index * 5) % 12, 1 + (index * 11) % 27, tzinfo=timezone.utc)
        started += timedelta(hours=(index * 7) % 24, minutes=(index * 13) % 60)
        expires = started
        terms = 0
        while expires < NOW:
            terms += 1
            expires = add_cycles(started, cycle, terms)
        if index % 7 == 6:
            expires = add_cycles(started, cycle, terms - 1)
        pbxs.append(
            Pbx(
                index,
                f"36{31 + index}B4{31119665 + index * 7919}QJ"[:16],
                ULTIMATE if index % 3 == 1 else ENTERPRISE,
                ((), (AVAILABILITY,), (AVAILABILITY, RECORDING), (RECORDING,))[index % 4],
                quantities[index % len(quantities)],
                cycle,
                started,
                expires,
                index % 5 == 2,
            )
        )
    return pbxs


def _epoch(instant: datetime) -> int:
    return int(instant.timestamp())


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def orders_of(pbxs: Sequence[Pbx], with_lines: bool = True) -> list[Row]:
    """The last order of each PBX, as the portal's details show orders."""
    orders = []
    for pbx in pbxs:
        created = add_cycles(pbx.expires, pbx.cycle, -1) - timedelta(days=pbx.index % 6, hours=3)
        lines = [{"planId": int(pbx.plan[0]), "quantity": pbx.quantity, "billingCycle": pbx.cycle}]
        lines += [{"serviceId": int(one[0]), "billingCycle": pbx.cycle} for one in pbx.services]
        lines[0]["serviceType"] = "plan"
        orders.append(
            {
                "id": str(3206243356000391168 + pbx.index * 1013),
                "orderNo": f"BN{3206243356000391168 + pbx.index * 977}",
                "orderStatus": "succeed",
                "createTime": _epoch(created) * 1000,
                "basicInformation": {"productId": "13", "productNo": pbx.product_no},
                **({"orderSummary": {"lines": lines}} if with_lines else {}),
            }
        )
    return orders


def portal_of(
    name: str,
    pbxs: Sequence[Pbx],
    detail: Callable[[Pbx], Row],
    right: Mapping[str, tuple[str, ...]],
    row: Callable[[Pbx], Row] = lambda pbx: {"activationStatus": "activated"},
    sampled: int | None = None,
    catalog: Any = CATALOG,
    is_known: bool = False,
    even: Mapping[str, tuple[str, ...]] | None = None,
    **others: Any,
) -> Portal:
    sample = Sample(
        rows={pbx.product_no: {"productNo": pbx.product_no, **row(pbx)} for pbx in pbxs},
        details={pbx.product_no: {"productNo": pbx.product_no, **detail(pbx)} for pbx in pbxs[:sampled]},
        catalog=catalog,
        orders=others.get("orders", ()),
        order_details=others.get("order_details", ()),
        plan_prices=others.get("plan_prices", ()),
        service_prices=others.get("service_prices", ()),
        contacts=others.get("contacts", ()),
        now=NOW,
    )
    answers = CATALOG_ANSWERS if catalog is CATALOG else {}
    return Portal(name, sample, {**answers, **right}, even or {}, is_known)


# Those on which inference may be tuned.


def documented() -> Portal:
    pbxs = fleet(12)
    orders = [
        {**order, "poNumber": ("RN20261205-0a1b2c3d" if index == 3 else f"PO-{4000 + index}")}
        for index, order in enumerate(orders_of(pbxs))
    ]
    return portal_of(
        "documented",
        pbxs,
        lambda pbx: {
            "activationStatus": "activated",
            "createTime": _epoch(pbx.started) * 1000,
            "updateTime": _epoch(NOW - timedelta(days=pbx.index * 3 + 1)) * 1000,
            "instanceId": str(1282352 + pbx.index),
            "expireDate": _day(pbx.expires),
            "planName": pbx.plan[1],
            "planId": int(pbx.plan[0]),
            "extensionNum": pbx.quantity,
            "billingCycle": pbx.cycle,
            "serviceList": [{"serviceId": int(one[0]), "serviceName": one[1]} for one in pbx.services],
            "autoRenew": pbx.renews_itself,
        },
        {
            "expires_at": ("expireDate",),
            "plan": ("planName",),
            "plan_id": ("planId",),
            "quantity": ("extensionNum",),
            "billing_cycle": ("billingCycle",),
            "services": ("serviceList",),
            "service_id": ("serviceId",),
            "service_name": ("serviceName",),
            "auto_renewal": ("autoRenew",),
            "po_number": ("poNumber",),
            "amount": ("totalAmount",),
            "currency": ("currencyCode",),
        },
        order_details=orders,
        plan_prices=[
            {
                "quantity": pbx.quantity,
                "unitPrice": "12.00",
                "totalAmount": f"{pbx.quantity * 12}.00",
                "currencyCode": "USD",
            }
            for pbx in pbxs[:5]
        ],
        is_known=True,
    )


def nested_three_deep() -> Portal:
    pbxs = fleet(40)
    return portal_of(
        "nested three deep",
        pbxs,
        lambda pbx: {
            "subscription": {
                "tariff": {"ref": {"code": int(pbx.plan[0]), "label": pbx.plan[1]}},
                "term": {"from": format_instant(pbx.started), "until": format_instant(pbx.expires), "unit": pbx.cycle},
                "size": {"licensed": pbx.quantity, "calls": 25, "storage": 2048},
                "options": [{"ref": {"code": int(one[0])}, "label": one[1]} for one in pbx.services],
            },
        },
        {
            "expires_at": ("subscription.term.until",),
            "plan": ("subscription.tariff.ref.label",),
            "plan_id": ("subscription.tariff.ref.code",),
            "quantity": ("subscription.size.licensed",),
            "billing_cycle": ("subscription.term.unit",),
            "services": ("subscription.options",),
            "service_id": ("ref.code",),
            "service_name": ("label",),
        },
        sampled=8,
        order_details=orders_of(pbxs[:8]),
        is_known=True,
    )


def epoch_digits() -> Portal:
    pbxs = fleet(10)
    return portal_of(
        "epoch seconds as digits",
        pbxs,
        lambda pbx: {
            "resellerId": str(1795000123 + pbx.index % 3),
            "ticket": str(1801111111 + pbx.index * 86413),
            "born": str(_epoch(pbx.started)),
            "ends": str(_epoch(pbx.expires)),
            "product": int(pbx.plan[0]),
            "seats": pbx.quantity,
            "period": "1 Year" if pbx.cycle == "annually" else "1 Month",
        },
        {
            "expires_at": ("ends",),
            "plan_id": ("product",),
            "quantity": ("seats",),
            "billing_cycle": ("period",),
        },
        order_details=orders_of(pbxs),
        is_known=True,
    )


def epoch_milliseconds_and_words() -> Portal:
    pbxs = fleet(7)
    return portal_of(
        "epoch milliseconds, 12 months",
        pbxs,
        lambda pbx: {
            "times": {"ordered": _epoch(pbx.started) * 1000, "void": _epoch(pbx.expires) * 1000},
            "edition": pbx.plan[1],
            "editionKey": pbx.plan[0],
            "capacity": {"users": str(pbx.quantity), "lines": str(max(4, pbx.quantity // 4))},
            "every": "12 months" if pbx.cycle == "annually" else "1 month",
            "extras": [one[1] for one in pbx.services],
        },
        {
            "expires_at": ("times.void",),
            "plan": ("edition",),
            "plan_id": ("editionKey",),
            "quantity": ("capacity.users",),
            "billing_cycle": ("every",),
            "services": ("extras",),
        },
        order_details=orders_of(pbxs),
        is_known=True,
    )


def thin_list() -> Portal:
    pbxs = fleet(40)
    return portal_of(
        "thin list, details of five",
        pbxs,
        lambda pbx: {
            "validThrough": _day(pbx.expires),
            "edition": pbx.plan[1],
            "editionId": int(pbx.plan[0]),
            "seats": pbx.quantity,
            "term": pbx.cycle,
            "options": [{"optionId": int(one[0]), "optionName": one[1]} for one in pbx.services],
            "prolongs": pbx.renews_itself,
            "isDemo": False,
        },
        {
            "expires_at": ("validThrough",),
            "plan": ("edition",),
            "plan_id": ("editionId",),
            "quantity": ("seats",),
            "billing_cycle": ("term",),
            "services": ("options",),
            "service_id": ("optionId",),
            "service_name": ("optionName",),
            "auto_renewal": ("prolongs",),
            "amount": ("charge",),
            "currency": ("chargedIn",),
        },
        sampled=5,
        order_details=orders_of(pbxs[:5]),
        plan_prices=[{"charge": f"{pbx.quantity * 12}.00", "chargedIn": "USD"} for pbx in pbxs[:5]],
        is_known=True,
    )


def names_only() -> Portal:
    pbxs = fleet(9)
    return portal_of(
        "names only, services as names, several dates",
        pbxs,
        lambda pbx: {
            "package": pbx.plan[1].upper(),
            "addons": [one[1] for one in pbx.services],
            "licence": {"expiresOn": _day(pbx.expires), "since": _day(pbx.started)},
            "support": {"expiresOn": _day(add_cycles(pbx.started, "annually", 7))},
            "reminder": _day(pbx.expires - timedelta(days=30)),
            "extensions": pbx.quantity,
            "maxCalls": 8 + pbx.index % 3,
        },
        {
            "expires_at": ("licence.expiresOn",),
            "plan": ("package",),
            "quantity": ("extensions",),
            "services": ("addons",),
        },
        is_known=True,
    )


# Those that judge it.


def without_catalog() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "no catalog at all",
        pbxs,
        lambda pbx: {
            "subscriptionEndDate": _day(pbx.expires),
            "subscriptionStartDate": _day(pbx.started),
            "plan_name": pbx.plan[1],
            "plan_id": pbx.plan[0],
            "extension_count": pbx.quantity,
            "billing_term": "yearly" if pbx.cycle == "annually" else "monthly",
            "add_ons": [{"id": one[0], "name": one[1]} for one in pbx.services],
            "port": 5060,
        },
        {
            "expires_at": ("subscriptionEndDate",),
            "plan": ("plan_name",),
            "plan_id": ("plan_id",),
            "quantity": ("extension_count",),
            "billing_cycle": ("billing_term",),
            "services": ("add_ons",),
            "service_id": ("id",),
            "service_name": ("name",),
        },
        catalog=None,
    )


def day_first() -> Portal:
    pbxs = fleet(14, ("annually",))
    return portal_of(
        "day first, and a reminder that can be read",
        pbxs,
        lambda pbx: {
            "expiryDate": f"{pbx.expires:%d/%m/%Y}",
            "notifyOn": _day(pbx.expires - timedelta(days=14)),
            "created": f"{pbx.started:%d/%m/%Y}",
            "planName": pbx.plan[1],
            "userCount": pbx.quantity,
            "usersInUse": pbx.quantity - pbx.index % 3,
            "billing": {"cycle": "YEARLY"},
        },
        {
            "plan": ("planName",),
            "quantity": ("userCount",),
            "billing_cycle": ("billing.cycle",),
        },
        order_details=orders_of(pbxs),
    )


def offsets() -> Portal:
    pbxs = fleet(11)
    china = timezone(timedelta(hours=8))
    return portal_of(
        "offsets, list row complete",
        pbxs,
        lambda pbx: {"comment": ""},
        {
            "expires_at": ("serviceEnd",),
            "plan": ("package.title",),
            "plan_id": ("package.key",),
            "quantity": ("package.units",),
            "auto_renewal": ("renewsAutomatically",),
        },
        row=lambda pbx: {
            "serviceStart": pbx.started.astimezone(china).isoformat(),
            "serviceEnd": pbx.expires.astimezone(china).isoformat(),
            "lastLogin": (NOW - timedelta(hours=pbx.index * 31 + 2)).astimezone(china).isoformat(),
            "package": {"key": pbx.plan[0], "title": pbx.plan[1], "units": f"{pbx.quantity}.00"},
            "renewsAutomatically": "yes" if pbx.renews_itself else "no",
            "suspended": "no",
        },
        sampled=4,
        order_details=orders_of(pbxs),
    )


def services_elsewhere() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "services as objects of an agreement, next to those on offer",
        pbxs,
        lambda pbx: {
            "agreement": {
                "no": f"C-{70000 + pbx.index * 17}",
                "article": int(pbx.plan[0]),
                "positions": [
                    {"row": index + 1, "article": int(one[0]), "text": one[1], "pieces": 1}
                    for index, one in enumerate(pbx.services)
                ],
                "endOfTerm": _day(pbx.expires),
                "beginning": _day(pbx.started),
                "pieces": pbx.quantity,
            },
            "offers": [{"article": int(one[0]), "text": one[1]} for one in (AVAILABILITY, RECORDING)],
        },
        {
            "expires_at": ("agreement.endOfTerm",),
            "plan_id": ("agreement.article",),
            "quantity": ("agreement.pieces",),
            "services": ("agreement.positions",),
            "service_id": ("article",),
            "service_name": ("text",),
        },
        order_details=orders_of(pbxs),
    )


def several_dates() -> Portal:
    pbxs = fleet(13, ("annually",))
    return portal_of(
        "several dates, and a next debit of a monthly instalment",
        pbxs,
        lambda pbx: {
            "activatedAt": format_instant(pbx.started),
            "paidUntil": format_instant(pbx.expires),
            "nextDebit": format_instant(_next_month(pbx)),
            "renewDate": format_instant(pbx.expires - timedelta(days=7)),
            "warrantyUntil": format_instant(pbx.started + timedelta(days=2400 + pbx.index)),
            "certificate": {"validTo": format_instant(NOW + timedelta(days=11 + pbx.index * 5))},
            "planCode": int(pbx.plan[0]),
            "licences": pbx.quantity,
            "interval": "P1Y",
            "payment": {"interval": "P1M"},
        },
        {
            "expires_at": ("paidUntil",),
            "plan_id": ("planCode",),
            "quantity": ("licences",),
            "billing_cycle": ("interval",),
        },
        order_details=orders_of(pbxs),
    )


def _next_month(pbx: Pbx) -> datetime:
    debits = (add_cycles(pbx.started, "monthly", count) for count in range(1, 90))
    return next(debit for debit in debits if debit > NOW)


def decoy_numbers() -> Portal:
    pbxs = fleet(12, ("monthly",))
    return portal_of(
        "decoy numbers, quantities as text",
        pbxs,
        lambda pbx: {
            "levels": {
                "purchased": f"{pbx.quantity}.00",
                "used": f"{max(1, pbx.quantity - 1 - pbx.index % 4)}.00",
                "concurrentCalls": f"{25 + pbx.index}.00",
                "minutes": "100.00",
            },
            "extensionLength": 4,
            "region": 3,
            "rank": pbx.index + 1,
            "goodUntil": _day(pbx.expires + timedelta(hours=23)),
            "installed": _day(pbx.started),
            "what": {"identifier": pbx.plan[0]},
            "rhythm": "month",
        },
        {
            "expires_at": ("goodUntil",),
            "plan_id": ("what.identifier",),
            "quantity": ("levels.purchased",),
            "billing_cycle": ("rhythm",),
            "amount": ("sum",),
            "currency": ("iso",),
        },
        order_details=orders_of(pbxs),
        plan_prices=[
            {
                "count": pbx.quantity,
                "each": Decimal("1.20"),
                "sum": Decimal("1.20") * pbx.quantity,
                "tax": Decimal("0.00"),
                "iso": "EUR",
                "country": "DEU",
            }
            for pbx in pbxs[:5]
        ],
    )


def decoy_prices() -> Portal:
    """The same as above in prices: the list price is the product, and what is paid is less."""
    pbxs = fleet(6)
    return portal_of(
        "decoy prices, tags in a reference",
        pbxs,
        lambda pbx: {"planId": int(pbx.plan[0]), "extensions": pbx.quantity, "expireTime": _epoch(pbx.expires)},
        {
            "expires_at": ("expireTime",),
            "plan_id": ("planId",),
            "quantity": ("extensions",),
            "currency": ("money.code",),
            "po_number": ("yourReference",),
        },
        orders=[
            {**order, "yourReference": f"RN{pbx.expires:%Y%m%d}-{pbx.index:08x}", "memo": "by phone"}
            for pbx, order in zip(pbxs, orders_of(pbxs, with_lines=False))
        ],
        plan_prices=[
            {
                "units": pbx.quantity,
                "perUnit": "12.00",
                "listed": f"{pbx.quantity * 12}.00",
                "toPay": f"{pbx.quantity * 9}.00",
                "money": {"code": "EUR"},
            }
            for pbx in pbxs
        ],
        even={"amount": ("listed", "toPay")},
    )


def german() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "names of fields in German",
        pbxs,
        lambda pbx: {
            "vertragsbeginn": _day(pbx.started),
            "vertragsende": _day(pbx.expires),
            "tarif": pbx.plan[1],
            "tarifnummer": pbx.plan[0],
            "nebenstellen": pbx.quantity,
            "abrechnungszeitraum": "j\u00e4hrlich" if pbx.cycle == "annually" else "monatlich",
            "zusatzdienste": [{"nummer": one[0], "bezeichnung": one[1]} for one in pbx.services],
            "kundennummer": 40000 + pbx.index,
            "angelegt": format_instant(pbx.started - timedelta(days=9, hours=pbx.index)),
        },
        {
            "expires_at": ("vertragsende",),
            "plan": ("tarif",),
            "plan_id": ("tarifnummer",),
            "quantity": ("nebenstellen",),
            "services": ("zusatzdienste",),
            "service_id": ("nummer",),
            "service_name": ("bezeichnung",),
        },
        order_details=orders_of(pbxs),
    )


def pinyin() -> Portal:
    pbxs = fleet(10)
    return portal_of(
        "names of fields in Pinyin",
        pbxs,
        lambda pbx: {
            "kaishiShijian": f"{pbx.started:%Y/%m/%d %H:%M:%S}",
            "daoqiShijian": f"{pbx.expires:%Y/%m/%d %H:%M:%S}",
            "taocan": {"bianhao": int(pbx.plan[0]), "mingcheng": pbx.plan[1]},
            "fenjiShuliang": pbx.quantity,
            "bingfaShu": pbx.quantity * 2,
            "jifeiZhouqi": "year" if pbx.cycle == "annually" else "month",
            "zengzhiFuwu": [{"bianhao": int(one[0]), "mingcheng": one[1]} for one in pbx.services],
        },
        {
            "expires_at": ("daoqiShijian",),
            "plan": ("taocan.mingcheng",),
            "plan_id": ("taocan.bianhao",),
            "quantity": ("fenjiShuliang",),
            "billing_cycle": ("jifeiZhouqi",),
            "services": ("zengzhiFuwu",),
            "service_id": ("bianhao",),
            "service_name": ("mingcheng",),
        },
        order_details=orders_of(pbxs),
    )


def pending_plan() -> Portal:
    """After a switch that is pending, the row has another plan, filled for every PBX."""
    pbxs = fleet(12)
    return portal_of(
        "running plan and the next one",
        pbxs,
        lambda pbx: {
            "runs": int(pbx.plan[0]),
            "then": int(ULTIMATE[0] if pbx.index == 6 else pbx.plan[0]),
            "expireDate": _day(pbx.expires),
            "extensionNum": pbx.quantity,
        },
        {"expires_at": ("expireDate",), "quantity": ("extensionNum",)},
        even={"plan_id": ("runs", "then")},
        order_details=orders_of(pbxs[:5]),
    )


def one_pbx() -> Portal:
    pbxs = fleet(1)
    return portal_of(
        "a single PBX",
        pbxs,
        lambda pbx: {
            "offer": {"ref": int(pbx.plan[0])},
            "lasts": format_instant(pbx.expires),
            "serves": format_instant(pbx.expires + timedelta(days=200)),
            "users": pbx.quantity,
            "minutes": 100,
        },
        {"plan_id": ("offer.ref",)},
        order_details=orders_of(pbxs),
        even={"expires_at": ("lasts", "serves"), "quantity": ("users", "minutes")},
    )


def twins() -> Portal:
    pbxs = fleet(12)
    return portal_of(
        "two fields that always agree",
        pbxs,
        lambda pbx: {
            "begin": _day(pbx.started),
            "licenceEnd": _day(pbx.expires),
            "validTo": _epoch(datetime.fromisoformat(_day(pbx.expires) + "T00:00:00+00:00")),
            "plan": {"id": int(pbx.plan[0]), "key": pbx.plan[0]},
            "extensions": pbx.quantity,
        },
        {
            "expires_at": ("validTo", "licenceEnd"),
            "plan_id": ("plan.id", "plan.key"),
            "quantity": ("extensions",),
        },
        order_details=orders_of(pbxs),
    )


def two_terms() -> Portal:
    """Both ends lie whole years after the beginning: that of the term paid for and that of the agreement."""
    pbxs = fleet(12, ("annually",))
    return portal_of(
        "two ends of whole terms",
        pbxs,
        lambda pbx: {
            "a": _day(pbx.started),
            "b": _day(pbx.expires),
            "c": _day(add_cycles(pbx.expires, "annually", 1 + pbx.index % 2)),
            "d": pbx.plan[1],
            "e": "year",
        },
        {"plan": ("d",), "billing_cycle": ("e",)},
        even={"expires_at": ("b", "c")},
    )


def small_ids() -> Portal:
    """Ids of one digit: numbers that mean something else are ids of plans too."""
    pbxs = fleet(12)
    catalog = {
        "plans": [
            {"planId": 1, "name": "Basic", "services": [{"serviceId": 3, "name": "Extra"}]},
            {"planId": 2, "name": "Gold"},
        ]
    }
    return portal_of(
        "ids of one digit",
        pbxs,
        lambda pbx: {
            "state": 1,
            "kind": 1 + pbx.index % 2,
            "supportLevel": "Gold" if pbx.index % 4 else "Basic",
            "finish": _day(pbx.expires),
            "start": _day(pbx.started),
        },
        {"expires_at": ("finish",)},
        catalog=catalog,
    )


def only_instalments() -> Portal:
    """No expiry at all: a next debit each month of a subscription that runs for a year."""
    pbxs = fleet(12, ("annually",))
    return portal_of(
        "no expiry, only a next debit",
        pbxs,
        lambda pbx: {
            "begin": _day(pbx.started),
            "debit": _day(_next_month(pbx)),
            "planId": int(pbx.plan[0]),
            "billingCycle": "annually",
            "devices": pbx.quantity * 3 + pbx.index,
            "formerAddOns": [one[1] for one in pbx.services],
        },
        {"plan_id": ("planId",), "billing_cycle": ("billingCycle",)},
        even={"services": ("formerAddOns",)},
    )


PORTALS = [
    documented(),
    nested_three_deep(),
    epoch_digits(),
    epoch_milliseconds_and_words(),
    thin_list(),
    names_only(),
    without_catalog(),
    day_first(),
    offsets(),
    services_elsewhere(),
    several_dates(),
    decoy_numbers(),
    decoy_prices(),
    german(),
    pinyin(),
    pending_plan(),
    one_pbx(),
    twins(),
    two_terms(),
    small_ids(),
    only_instalments(),
]
