# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How records appear in answers, by profile."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from .catalog import Plan, Service
from .fleet import OtherSpec
from .profiles import Profile

if TYPE_CHECKING:
    from .account import Account
    from .fleet import Contact
    from .records import Order, Pbx

PRODUCT_NAME = "P-Series Cloud PBX (PCE Instance)"
PATTERNS = {
    "date": "%Y-%m-%d",
    "datetime": "%Y-%m-%d %H:%M:%S",
    "slashed": "%Y/%m/%d",
    "day_first": "%d/%m/%Y",
    "named": "%b %d, %Y",
}


def instant(value: datetime, form: str, zone: str) -> str | int:
    """An instant in the profile's form, in that time zone if the form has none."""
    if form == "epoch_s":
        return int(value.timestamp())
    if form == "epoch_ms":
        return str(int(value.timestamp() * 1000))
    if form == "offset":
        return value.astimezone(timezone(timedelta(hours=8))).isoformat()
    return value.astimezone(ZoneInfo(zone)).strftime(PATTERNS[form])


def _id(profile: Profile, value: str) -> str | int:
    return int(value) if profile.ids_as_numbers else value


def _named(pairs: list[tuple[str | None, Any]]) -> dict[str, Any]:
    """A mapping in the vendor's alphabetical order, without the fields that the profile omits."""
    return dict(sorted((name, value) for name, value in pairs if name is not None))


def listed_row(account: Account, record: tuple[Pbx, int] | OtherSpec) -> dict[str, Any]:
    """A row of the product list (docs/portal-api.md, 4.1): of a PBX, by the row's number, or of another product."""
    if isinstance(record, OtherSpec):
        return {
            "activationStatus": "activated",
            "comment": "",
            "productId": record.product_id,
            **_serial(account, record),
        }
    pbx, index = record
    changes = dict(pbx.rows[index])
    later = timedelta(days=changes.pop("days_later", 0))
    listed = replace(pbx, **changes, expires_at=pbx.expires_at + later)
    product_id = [("productId", 13)] if account.others else []
    current_plan = _current_plan(account, listed) if account.profile.current_plan == "always" else []
    row = _named(_common(listed) + product_id + current_plan)
    if account.profile.row_complete:
        row = account.shown.row(_named([*row.items(), *_facts(account, listed)]))
    return {**row, **_serial(account, listed)}


def _serial(account: Account, record: Pbx | OtherSpec) -> dict[str, str]:
    return {"productNo": account.profile.serial_number.format(record.product_no)}


def product_detail(account: Account, pbx: Pbx) -> dict[str, Any]:
    """The detail of a product (docs/portal-api.md, 4.2)."""
    created = [("createTime", create_time(account.profile, pbx.created_at))]
    return account.shown.row(_named(_common(pbx) + created + _current_plan(account, pbx) + _facts(account, pbx)))


def _current_plan(account: Account, pbx: Pbx) -> list[tuple[str | None, Any]]:
    """`currentPlan*`, which is filled only while a switch is pending (docs/portal-api.md, 4.2.3), or always."""
    if not pbx.pending_plan and account.profile.current_plan == "pending":
        return [("currentPlan", ""), ("currentPlanExpireDate", "")]
    expiry = str(instant(pbx.expires_at, account.profile.expiry[1], account.profile.time_zone))
    return [("currentPlan", pbx.plan), ("currentPlanExpireDate", expiry)]


def _common(pbx: Pbx) -> list[tuple[str | None, Any]]:
    return [
        ("activationCode", pbx.activation_code),
        ("activationStatus", pbx.activation_status),
        ("comment", pbx.comment),
        ("productNo", pbx.product_no),
    ]


def _facts(account: Account, pbx: Pbx) -> list[tuple[str | None, Any]]:
    profile, plan = account.profile, account.plan(pbx.plan)
    services = dict.fromkeys((*pbx.services, *account.shown.services))
    # If the running plan always has its own field, the other one shows the plan after the switch.
    shown = account.plan(pbx.pending_plan) if pbx.pending_plan and profile.current_plan != "pending" else plan
    name, form = profile.expiry
    facts: list[tuple[str | None, Any]] = [
        (name, instant(pbx.expires_at, form, profile.time_zone)),
        (profile.plan_name, shown.name),
        (profile.plan_id, _id(profile, shown.plan_id)),
        (profile.quantity, str(pbx.quantity) if profile.quantity_as_text else pbx.quantity),
        (profile.cycle, pbx.billing_cycle),
        (profile.services, [_product_service(account, plan.service(service)) for service in services]),
        (profile.auto_renewal, profile.auto_renewal_words[pbx.auto_renewal]),
    ]
    if profile.renewal_manner:
        facts.append(profile.renewal_manner)
    if profile.second_expiry:
        name, form, days = profile.second_expiry
        facts.append((name, instant(pbx.expires_at + timedelta(days=days), form, profile.time_zone)))
    return facts


def _product_service(account: Account, service: Service) -> dict[str, Any]:
    profile = account.profile
    row = {profile.service_id: _id(profile, service.service_id), profile.service_name: service.name}
    return account.shown.service(service.name, row)


def catalog(account: Account) -> dict[str, Any]:
    """The plans and services that can be bought (docs/portal-api.md, 5.2)."""
    profile = account.profile
    result: dict[str, Any] = {"offeringId": "3048570985621020672", "productId": 13, "productName": PRODUCT_NAME}
    if profile.catalog_nested:
        result[profile.catalog_plans] = [
            {**_catalog_plan(profile, plan), profile.catalog_services: _catalog_services(profile, plan.services)}
            for plan in account.plans
        ]
        return result
    every = {service.service_id: service for plan in account.plans for service in plan.services}
    result[profile.catalog_plans] = [_catalog_plan(profile, plan) for plan in account.plans]
    result[profile.catalog_services] = _catalog_services(profile, tuple(every.values()))
    return result


def _catalog_plan(profile: Profile, plan: Plan) -> dict[str, Any]:
    return {
        "planId": _id(profile, plan.plan_id),
        profile.catalog_plan_name: plan.name,
        "pricingPlanId": _id(profile, plan.pricing_plan_id),
    }


def _catalog_services(profile: Profile, services: tuple[Service, ...]) -> list[dict[str, Any]]:
    return [
        {
            "serviceId": _id(profile, service.service_id),
            profile.catalog_service_name: service.name,
            "pricingServiceId": _id(profile, service.pricing_service_id),
            "purchaseType": service.purchase_type,
        }
        for service in services
        if profile.catalog_trials or service.purchase_type == "purchase"
    ]


def renewal_info(account: Account, pbx: Pbx, ids: dict[str, str], name: str) -> dict[str, Any]:
    """The price of renewing one plan or service of a PBX for one cycle (docs/portal-api.md, 5.3 and 5.4)."""
    profile = account.profile
    info: dict[str, Any] = {key: _id(profile, value) for key, value in ids.items()}
    info["name"] = name
    if profile.cycle:
        info[profile.cycle] = pbx.billing_cycle
    if profile.amount:
        info[profile.amount] = money(profile, account.price(pbx, [name]))
        info[profile.currency] = account.prices.currency
    return account.shown.price(info)


def money(profile: Profile, amount: Decimal) -> str | float:
    """An amount in the profile's form."""
    return str(amount) if profile.amount_as_text else float(amount)


def contacts(profile: Profile, entries: list[Contact]) -> Any:
    """The billing contacts (docs/portal-api.md, 7.1.3): documented as an Object, but a list."""
    rows = [_contact(entry) for entry in entries]
    if profile.contacts == "results":
        return {"results": rows}
    if profile.contacts == "single" and len(rows) == 1:
        return rows[0]
    return rows


def _contact(entry: Contact) -> dict[str, str]:
    blank = ("city", "country", "phoneNumber", "remark", "stateProvince", "street", "taxNum", "zipCode")
    known = {
        "billingContactId": entry.id,
        "company": entry.company,
        "emailAddress": entry.email,
        "firstName": entry.first_name,
        "lastName": entry.last_name,
    }
    return dict(sorted({**dict.fromkeys(blank, ""), **known}.items()))


def create_time(profile: Profile, value: datetime) -> int:
    """A Long with an undocumented unit."""
    value += timedelta(seconds=profile.orders_ahead)
    return int(value.timestamp() * (1000 if profile.create_time_unit == "ms" else 1))


def _status(profile: Profile, order: Order) -> str:
    words = dict(pair.split("=", 1) for pair in profile.status_words)
    return words.get(order.status, order.status)


def _po_number(profile: Profile, order: Order) -> str:
    number = order.po_number or ""
    kept = {"upper": number.upper(), "digits": re.sub(r"\D", "", number), "short": number[:10]}
    return kept.get(profile.po_number_kept, number)


def order_row(account: Account, order: Order) -> dict[str, Any]:
    """A row of the order list (docs/portal-api.md, 6.2)."""
    profile = account.profile
    fields: dict[str | None, Any] = {
        "createTime": create_time(profile, order.created_at),
        "currencyCode": order.currency,
        "customReferenceNo": "",
        "id": order.id,
        "invoiceNo": order.invoice_no,
        "orderNo": order.order_no,
        "orderStatus": _status(profile, order),
    }
    if profile.order_row_product_no:
        fields["productNo"] = order.product_no
    if profile.order_row_po_number:
        fields[profile.po_number] = _po_number(profile, order)
    return _named(list(fields.items()))


def order_detail(account: Account, order: Order) -> dict[str, Any]:
    """The detail of an order (docs/portal-api.md, 6.3). Status and PO number are not in basicInformation, whose
    alphabetical table begins with productId."""
    profile = account.profile
    return {
        "basicInformation": {
            "productId": "13",
            "productName": PRODUCT_NAME,
            **({"productNo": order.product_no} if profile.order_detail_product_no else {}),
        },
        "billingInformation": {"billingContactId": order.billing_id},
        "orderInformation": _named(
            [
                ("createTime", create_time(profile, order.created_at)),
                ("currencyCode", order.currency),
                ("id", order.id),
                ("invoiceNo", order.invoice_no),
                ("operationType", order.operation),
                ("orderNo", order.order_no),
                ("orderStatus", _status(profile, order)),
                ("transactionNo", order.transaction_no),
                (profile.po_number, _po_number(profile, order)),
                (profile.amount, money(profile, order.amount)),
            ]
        ),
        "orderSummary": {"serviceList": _order_lines(profile, order)},
    }


def _order_lines(profile: Profile, order: Order) -> list[dict[str, Any]]:
    lines = [line for line in order.lines if profile.services or line["serviceType"] == "plan"]
    return [_order_line(profile, line) for line in lines]


def _order_line(profile: Profile, line: dict[str, Any]) -> dict[str, Any]:
    return _named(
        [
            ("serviceType", line["serviceType"]),
            ("serviceId", _id(profile, str(line["serviceId"]))),
            ("quantity" if "quantity" in line else None, line.get("quantity")),
            (profile.cycle, line["billingCycle"]),
        ]
    )
