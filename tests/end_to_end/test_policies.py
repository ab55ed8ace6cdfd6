# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample policies for plans, in rego-cpp. Their own tests, in Rego, need another engine: see tests/ecosystem."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from regopy import Interpreter

from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import document_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    NOW,
    due_decision,
    policy,
    usd,
)
from tests.support.documents import REPOSITORY
from tests.support.plays import ANNUAL, MONTHLY
from tests.support.processes import Ansible

POLICY = REPOSITORY / "examples" / "policies" / "renewal.rego"


def judged(document: Mapping[str, Any], rule: str = "deny") -> list[str]:
    """The messages of a rule of the policies for a document, sorted."""
    engine = Interpreter()
    engine.add_module(POLICY.name, POLICY.read_text(encoding="utf-8"))
    engine.set_input(document)
    output = engine.query(f"data.main.{rule}")
    assert output.ok()
    (result,) = output.results
    return sorted(result.expressions[0])


def test_a_plan_of_a_fleet_is_judged_item_by_item(six: Ansible) -> None:
    path = six.home / "plan.json"
    numbers = [{"product_no": pbx.product_no} for pbx in six.portal.pbxs]
    six.plan(
        subscriptions=numbers, max_orders=9, dest=str(path), include_expired=True, billing_contact="billing@example.com"
    )
    plan = json.loads(path.read_text(encoding="utf-8"))
    assert {ANNUAL, MONTHLY} < {item["product_no"] for item in plan["items"]}
    assert judged(plan) == [f"{MONTHLY}: the billing cycle monthly is not allowed"]
    assert judged(plan, "warn") == ["expired subscriptions are renewed as well"]


def plan() -> dict[str, Any]:
    decisions = [due_decision(SN, price=usd("1680.00")) for SN in ("A", "B")]
    return document_of(decisions, "https://portal.example.com", "0123456789abcdef", policy(), NOW, DAY)


def test_a_plan_within_the_limits_and_one_without_orders_are_not_denied() -> None:
    assert judged(plan()) == judged(plan(), "warn") == []
    assert judged(document_of([], "https://p", "0123456789abcdef", policy(), NOW, DAY)) == []


def test_more_orders_than_allowed_are_denied() -> None:
    decisions = [due_decision(f"SN{number}", price=usd("1")) for number in range(11)]
    many = document_of(decisions, "https://p", "0123456789abcdef", policy(), NOW, DAY)
    assert judged(many) == ["11 orders, but at most 10 are allowed"]


NO_PLAN = "not a plan of version 2 as saved by yeastar_pce_plan"
CASES = [
    (("items", 0, "price"), None, ["A: the price is not known"]),
    (("items", 0, "price", "amount"), "2500.00", []),
    (("items", 0, "price", "amount"), "2500.01", ["A: the price is 2500.01 USD, but at most 2500 is allowed"]),
    (
        ("items", 0, "price", "currency"),
        "RMB",
        ["A: prices in RMB are not allowed", "the orders cost 1680 RMB, which is more than allowed"],
    ),
    (("items", 0, "price", "amount"), "a lot", [NO_PLAN]),
    (("items", 0, "price", "amount"), 1680, [NO_PLAN]),
    (
        ("items", 0, "price", "currency"),
        None,
        ["A: prices in null are not allowed", NO_PLAN, "the orders cost 1680 null, which is more than allowed"],
    ),
    (("items", 0, "product_no"), None, [NO_PLAN]),
    (("items", 0, "billing_cycle"), None, ["A: the billing cycle null is not allowed", NO_PLAN]),
    (("items", 0, "billing_contact_id"), None, [NO_PLAN]),
    (("totals", "USD"), "5000.01", []),
    (("items", 1, "billing_cycle"), "monthly", ["B: the billing cycle monthly is not allowed"]),
    (("items", 1, "billing_contact_email"), None, ["B: billing contact 3197218168379846218 is not allowed"]),
    (("schema_version",), 3, [NO_PLAN]),
    (("digest",), "", [NO_PLAN]),
    (("items",), None, [NO_PLAN]),
]


@pytest.mark.parametrize(("path", "value", "denied"), CASES, ids=str)
def test_what_is_not_known_to_be_within_the_limits_is_denied(
    path: tuple[Any, ...], value: Any, denied: list[str]
) -> None:
    document = deepcopy(plan())
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert judged(document) == denied


@pytest.mark.parametrize(
    ("amounts", "denied"),
    [
        (["1666.67", "1666.67", "1666.66"], []),
        (["0.1"] * 10, []),
        (["2500", "2500"], []),
        (["2500.00", "2499.500001", "0.50"], ["the orders cost 5000.000001 USD, which is more than allowed"]),
    ],
    ids=str,
)
def test_what_the_orders_cost_is_added_up_from_them_whatever_the_totals_say(
    amounts: list[str], denied: list[str]
) -> None:
    decisions = [due_decision(f"SN{number}", price=usd(amount)) for number, amount in enumerate(amounts)]
    document = document_of(decisions, "https://p", "0123456789abcdef", policy(), NOW, DAY)
    for totals in (document["totals"], {"USD": "0.01"}, {}):
        assert judged({**document, "totals": totals}) == denied


def test_what_is_no_plan_at_all_is_denied() -> None:
    assert judged({}) == [NO_PLAN]
