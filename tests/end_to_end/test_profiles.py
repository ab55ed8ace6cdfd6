# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With any names and shapes of fields an account is read and renewed correctly, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.profiles import PROFILES
from tests.support.processes import Ansible, orders_sent, states

ANNUAL = "3658B431119665QJ"
MONTHLY = "0036580000012345"
FLEET = {
    "pbxs": [
        {
            "product_no": ANNUAL,
            "plan": "Enterprise Plan",
            "services": ["High Availability"],
            "quantity": 100,
            "billing_cycle": "annually",
            "expires_in_days": 12,
        },
        {
            "product_no": MONTHLY,
            "plan": "Ultimate Plan",
            "services": ["High Availability", "Recording Minutes"],
            "quantity": 25,
            "billing_cycle": "monthly",
            "expires_in_days": 5,
        },
    ],
    "orders": [{"product_no": ANNUAL, "created_days_ago": 353, "po_number": "PO-2025-17"}],
}
IDS = {
    "Enterprise Plan": 3048571730026938368,
    "Ultimate Plan": 3048572026291630080,
    "High Availability": 3048573935752720384,
    "Recording Minutes": 3048573759449317376,
}
NAMES_OF_RENAMED = {
    "expires_at": "validThrough",
    "plan": "edition",
    "plan_id": "editionId",
    "quantity": "seats",
    "billing_cycle": "term",
    "services": "options",
    "service_id": "optionId",
    "service_name": "optionName",
    "auto_renewal": "prolongs",
    "po_number": "yourReference",
    "amount": "charge",
    "currency": "chargedIn",
}


@dataclass(frozen=True)
class Account:
    """A profile, what a user must add to it, and what is then known."""

    profile: str
    field_map: dict[str, str] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    tells_prices: bool = True
    tells_po_numbers: bool = True

    def arguments(self) -> dict[str, Any]:
        subscriptions = [
            {"product_no": pbx["product_no"], **{name: pbx[name] for name in self.declared}} for pbx in FLEET["pbxs"]
        ]
        return {"subscriptions": subscriptions, "max_orders": 2, "field_map": self.field_map}


ACCOUNTS = (
    Account("documented"),
    Account("datetime"),
    Account("epoch_seconds", tells_prices=False),
    Account("epoch_milliseconds"),
    Account("detail_only"),
    Account("sparse", declared=("services", "billing_cycle"), tells_prices=False, tells_po_numbers=False),
    Account("renamed", field_map=NAMES_OF_RENAMED),
    Account("conflicting", field_map={"expires_at": "expireDate"}),
    Account("slashed", tells_prices=False),
    Account("offset"),
)
of_each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.profile)


def test_every_profile_of_the_simulator_is_tried() -> None:
    assert {account.profile for account in ACCOUNTS} | {"day_first"} == set(PROFILES)


@of_each_account
def test_info_reads_what_the_account_tells_and_shows_its_own_names_without_activation_codes(
    start: Callable[..., Ansible], account: Account
) -> None:
    ansible = start(fleet=FLEET, profile=account.profile)
    gather = ["subscriptions", "catalog", "billing_contacts", "orders"]
    result = ansible.info(gather=gather, product_no=[ANNUAL, MONTHLY], raw=True, field_map=account.field_map)
    for seen, pbx in zip(
        result["subscriptions"], sorted(FLEET["pbxs"], key=lambda pbx: pbx["product_no"]), strict=True
    ):
        told = {name: pbx[name] for name in ("plan", "services", "quantity", "billing_cycle", "product_no")}
        told |= dict.fromkeys(account.declared)
        assert {name: seen[name] for name in told} == told
        expires_at = ansible.portal.pbx(pbx["product_no"]).expires_at
        assert (seen["expires_at"], seen["days_left"]) == (
            f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
            pbx["expires_in_days"] - 1,
        )
        assert set(seen["undetermined"]) - {"auto_renewal"} == set(account.declared)
    assert {plan["id"] for plan in result["catalog"]["plans"]} == {
        str(IDS["Enterprise Plan"]),
        str(IDS["Ultimate Plan"]),
    }
    assert str(IDS["Recording Minutes"]) in {service["id"] for service in result["catalog"]["services"]}
    assert [contact["email"] for contact in result["billing_contacts"]] == ["billing@example.com"]
    (order,) = result["orders"]
    seeded = ansible.portal.orders[0]
    assert (order["order_no"], order["product_no"], order["status"]) == (seeded.order_no, ANNUAL, "succeed")
    assert order["created_at"] == f"{seeded.created_at:%Y-%m-%dT%H:%M:%SZ}"
    assert order["po_number"] == ("PO-2025-17" if account.tells_po_numbers else None)
    profile = PROFILES[account.profile]
    for row in result["raw"]["subscriptions"]:
        assert {profile.expiry[0], profile.quantity} <= set(row["detail"])
        assert row["listing"]["activationCode"] == row["detail"]["activationCode"] == "********"
    assert "CANARY" not in json.dumps(result)


@of_each_account
def test_what_is_planned_is_what_is_ordered_and_only_once(start: Callable[..., Ansible], account: Account) -> None:
    ansible = start(fleet=FLEET, profile=account.profile)
    plan = ansible.plan(**account.arguments())
    assert states(plan) == {ANNUAL: "due", MONTHLY: "due"}
    renewal = ansible.renew(**account.arguments())
    assert states(renewal) == {ANNUAL: "renewed", MONTHLY: "renewed"}
    assert renewal["diff"] == plan["diff"]
    for planned, renewed in zip(plan["results"], renewal["results"], strict=True):
        (invoice,) = [one for one in ansible.portal.invoices if one.product_no == renewed["product_no"]]
        assert planned["expires_after"] == renewed["expires_after"] == f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}"
        pbx = next(pbx for pbx in FLEET["pbxs"] if pbx["product_no"] == renewed["product_no"])
        plan_line, *service_lines = json.loads(invoice.raw_body)["serviceList"]
        assert (plan_line["serviceId"], plan_line["quantity"]) == (IDS[pbx["plan"]], pbx["quantity"])
        assert [line["serviceId"] for line in service_lines] == [IDS[name] for name in pbx["services"]]
        assert {line["connectionPlanId"] for line in service_lines} == {IDS[pbx["plan"]]}
        assert {line["billingCycle"] for line in (plan_line, *service_lines)} == {pbx["billing_cycle"]}
    second = ansible.renew(**account.arguments())
    assert not second["changed"] and states(second) == {ANNUAL: "current", MONTHLY: "current"}
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 2


@of_each_account
def test_a_price_that_must_be_known_is_the_invoices_or_blocks(start: Callable[..., Ansible], account: Account) -> None:
    ansible = start(fleet=FLEET, profile=account.profile)
    result = ansible.renew(**account.arguments(), on_unknown_price="block")
    if account.tells_prices:
        prices = {invoice.product_no: str(invoice.amount) for invoice in ansible.portal.invoices}
        assert prices == {ANNUAL: "1680.00", MONTHLY: "63.00"}
        for row in result["results"]:
            assert Decimal(row["price"]["amount"]) == Decimal(prices[row["product_no"]])
            assert row["price"]["currency"] == "USD"
    else:
        assert {row["reason"] for row in result["results"]} == {"unknown_price"}
        for said in ("amount", "currency", "field_map", "on_unknown_price"):
            assert said in result["msg"]
        assert result["failed"] and orders_sent(ansible.portal) == 0


# What each unreadable account lacks, and what the message must name.
NOT_READABLE: list[tuple[str, dict[str, str], list[str]]] = [
    ("renamed", {}, ["expires_at", "expireDate", "expirationDate", "endTime", "declare expires_at"]),
    ("renamed", {"expires_at": "validThrough"}, ["planName", "extensionNum", "billingCycle", "serviceList", "declare"]),
    ("renamed", {"expires_at": "validTo"}, ["none of the fields validTo is reported"]),
    ("sparse", {}, ["services: none of the fields serviceList, services, addOnList, addOns", "billingCycle, cycle"]),
    ("conflicting", {}, ["expires_at: the fields expireDate, expirationDate disagree"]),
    ("day_first", {}, ["expireDate cannot be read", "is not an unambiguous date: it may be 20", "with the day first"]),
    ("documented", {"expires_at": "planName"}, ["planName cannot be read: 'Enterprise Plan'", "YYYY-MM-DD"]),
    ("documented", {"quantity": "billingCycle"}, ["billingCycle cannot be read", "whole number"]),
]


@pytest.mark.parametrize(("profile", "field_map", "says"), NOT_READABLE)
def test_what_cannot_be_determined_is_refused_with_concept_candidates_and_field_map(
    start: Callable[..., Ansible], profile: str, field_map: dict[str, str], says: list[str]
) -> None:
    ansible = start(fleet=FLEET, profile=profile)
    result = ansible.renew(product_no=ANNUAL, field_map=field_map)
    assert result["failed"] and not result["changed"]
    (row,) = result["results"]
    assert (row["state"], row["reason"]) == ("blocked", "cannot_determine")
    for said in (*says, "cannot determine", "field_map", "raw: true"):
        assert said in result["msg"]
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


def test_of_fields_that_disagree_the_declared_one_is_renewed_and_no_other_expiry(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=FLEET, profile="conflicting")
    true = ansible.portal.pbx(ANNUAL).expires_at
    result = ansible.renew(product_no=ANNUAL, expires_at=f"{true + timedelta(days=1):%Y-%m-%d}")
    assert result["results"][0]["reason"] == "contradiction" and not ansible.portal.invoices
    assert f"or {true + timedelta(days=31):%Y-%m-%d}" in result["msg"]
    declared = {"product_no": ANNUAL, "expires_at": f"{true:%Y-%m-%d}"}
    plan = ansible.plan(**declared)
    assert "declared, since expires_at: the fields expireDate, expirationDate disagree" in plan["results"][0]["message"]
    assert states(ansible.renew(**declared)) == {ANNUAL: "renewed"}
    again = ansible.renew(**declared)
    assert again["failed"] and not again["changed"]
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


def test_where_the_day_comes_first_the_declared_expiry_is_renewed_once(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=FLEET, profile="day_first")
    declared = {"product_no": ANNUAL, "expires_at": f"{ansible.portal.pbx(ANNUAL).expires_at:%Y-%m-%d}"}
    assert states(ansible.renew(**declared))[ANNUAL] in ("renewed", "pending")
    again = ansible.renew(**declared)
    assert not again["changed"]
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1
