# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any form of plan, services, quantity, cycle and price is read correctly, or refused with a way out that works."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

PBX = "3658B431119665QJ"
ENTERPRISE, ULTIMATE, OTHER_OFFERING = "3048571730026938368", "3048572026291630080", "3048571730026938999"
HA, RECORDING = "3048573935752720384", "3048573759449317376"


@dataclass(frozen=True)
class Kind:
    """How a portal shows one PBX, the message about it, what helps, and what a user may try by mistake."""

    name: str
    shown: dict[str, Any]
    says: tuple[str, ...] = ()  # nothing: it is correct as it is
    way_out: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=lambda: {"quantity": 50})
    reason: str = "cannot_determine"
    limits: dict[str, Any] = field(default_factory=dict)
    offerings: tuple[str, ...] = (ENTERPRISE,)

    def start(self, start: Callable[..., Ansible]) -> Ansible:
        services = [
            {"name": name, "service_id": one, "pricing_service_id": f"9{one}"} for name, one in SERVICES.items()
        ]
        plans = [("Enterprise Plan", one) for one in self.offerings] + [("Ultimate Plan", ULTIMATE)]
        catalog = [
            {"name": name, "plan_id": one, "pricing_plan_id": f"9{one}", "services": services} for name, one in plans
        ]
        pbx = {"product_no": PBX, "plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100}
        pbxs = [{**pbx, "billing_cycle": "annually", "expires_in_days": 12}]
        return start(fleet={"pbxs": pbxs, "catalog": catalog, "shown": self.shown})


SERVICES = {"High Availability": HA, "Recording Minutes": RECORDING}
LIMITS = {"max_total": 5000, "currency": "USD"}
NESTED = {"expireDate": "subscription.expireDate", "billingCycle": "subscription.billingCycle"}
SEATS = {"extensionNum": "subscription.seats.extensionNum"}


def not_had(**row: Any) -> dict[str, Any]:
    return {"services": {"Recording Minutes": row}}


KINDS = (
    Kind(
        "nested",
        {"moved": {**NESTED, **SEATS}},
        ("subscription.expireDate looks like it", "field_map", "perhaps expires_at: subscription.expireDate"),
        {
            "field_map": {
                "expires_at": ["validTo", "subscription.expireDate"],
                "billing_cycle": "subscription.billingCycle",
                "quantity": ["subscription.seats.extensionNum"],
            }
        },
        {"field_map": {"expires_at": "subscription.billingCycle"}},
    ),
    Kind("spelled", {"rows": {"billingCycle": "1 Year", "extensionNum": "100.0"}}),
    Kind(
        "cycle_number",
        {"rows": {"billingCycle": 1}},
        ("billingCycle cannot be read", "declare billing_cycle"),
        {"billing_cycle": "annually"},
        {"billing_cycle": "annually", "quantity": 50},
    ),
    Kind(
        "two_quantities",
        {"rows": {"quantity": 1}},
        ("quantity says 1", "extensionNum says 100", "quantity: extensionNum", "declare quantity"),
        {"quantity": 100},
    ),
    Kind(
        "status",
        not_had(status="unsubscribed"),
        ("Recording Minutes: status is 'unsubscribed'", "declare services"),
        {"services": ["High Availability"]},
        {"services": ["Recording Minutes"]},
    ),
    Kind(
        "once",
        not_had(billingCycle="once"),
        ("Recording Minutes: billingCycle is 'once', and the plan's is annually", "declare services"),
        {"services": ["High Availability"]},
        {"services": []},
    ),
    Kind(
        "old_expiry",
        not_had(expireDate="2024-01-31"),
        ("Recording Minutes: expireDate is 2024-01-31T00:00:00Z", "declare services"),
        {"services": [HA]},
        {"services": [RECORDING]},
    ),
    Kind("status_that_is_good", {"services": {"High Availability": {"status": "Active", "billingCycle": "annually"}}}),
    Kind(
        "two_offerings",
        {"rows": {"planId": None}},
        ("plan Enterprise Plan is 2 times in the portal's catalog", OTHER_OFFERING, "declare the id"),
        {"plan": ENTERPRISE},
        {"plan": ULTIMATE},
        offerings=(ENTERPRISE, OTHER_OFFERING),
    ),
    Kind("nbsp_and_case", {"rows": {"planId": None, "planName": "ENTERPRISE\u00a0 Plan"}}),
    Kind(
        "other_name",
        {"rows": {"planId": None, "planName": "Cloud Enterprise"}},
        ("plan Cloud Enterprise is not in the portal's catalog, which has:", ENTERPRISE, "declare the id"),
        {"plan": ENTERPRISE},
        {"plan": "Enterprise Plan"},
    ),
    Kind(
        "old_service_id",
        {"services": {"High Availability": {"serviceId": "42"}}},
        ("High Availability (id 42) is not in the portal's catalog, which has:", HA, "declare the id"),
        {"services": ["High Availability"]},
        {"services": ["Recording Minutes"]},
    ),
    Kind("other_expiry", {"rows": {"recordExpireDate": "2027-01-31"}}),
    Kind(
        "price_of_what",
        {"moved": {"totalAmount": "price"}},
        ("price may be the price of one unit", "map it"),
        {"field_map": {"amount": "price"}},
        {"field_map": {"amount": "price"}, "max_amount_per_item": 100},
        "unknown_price",
        LIMITS,
    ),
    Kind(
        "price_per_unit",
        {"prices": {"totalAmount": None, "price": "12.00", "quantity": 100}},
        ("price may be the price of one unit",),
        {"on_unknown_price": "allow"},
        {"max_amount_per_item": 100},
        "unknown_price",
        LIMITS,
    ),
    Kind(
        "three_digits",
        {"prices": {"totalAmount": "1.200"}},
        ("'1.200'",),
        {"on_unknown_price": "allow"},
        {"max_amount_per_item": 500},
        "unknown_price",
        LIMITS,
    ),
    Kind(
        "price_0",
        {"prices": {"totalAmount": 0}},
        ("totalAmount is 0",),
        {"on_unknown_price": "allow"},
        {"max_amount_per_item": 1},
        "unknown_price",
        LIMITS,
    ),
)
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def assert_renewed_once(ansible: Ansible, arguments: dict[str, Any]) -> None:
    result = ansible.renew(product_no=PBX, **arguments)
    assert states(result) == {PBX: "renewed"}, result
    (invoice,) = ansible.portal.invoices
    plan, service = json.loads(invoice.raw_body)["serviceList"]
    assert (plan["serviceId"], plan["quantity"], plan["billingCycle"]) == (int(ENTERPRISE), 100, "annually")
    assert (service["serviceId"], service["billingCycle"]) == (int(HA), "annually")
    again = ansible.renew(product_no=PBX, **arguments)
    assert states(again) == {PBX: "current"} and not again["changed"]
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


@of_each_kind
def test_out_of_the_box_it_is_right_or_refused_by_field_with_a_way_out(
    start: Callable[..., Ansible], kind: Kind
) -> None:
    ansible = kind.start(start)
    if not kind.says:
        assert_renewed_once(ansible, kind.limits)
        return
    plan, result = ansible.plan(product_no=PBX, **kind.limits), ansible.renew(product_no=PBX, **kind.limits)
    for one in (plan, result):
        assert one["failed"] and not one["changed"] and one["results"][0]["reason"] == kind.reason, one
    for said in kind.says:
        assert said in result["msg"]
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


@of_each_kind
def test_with_the_way_out_it_renews_once(start: Callable[..., Ansible], kind: Kind) -> None:
    assert_renewed_once(kind.start(start), {**kind.limits, **kind.way_out})


@of_each_kind
def test_what_is_wrongly_declared_or_named_orders_nothing(start: Callable[..., Ansible], kind: Kind) -> None:
    ansible = kind.start(start)
    result = ansible.renew(product_no=PBX, **{**kind.limits, **kind.wrong})
    assert result["failed"] and not result["changed"] and states(result) == {PBX: "blocked"}, result
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices
