# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of a saved plan takes what the collection saves, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import settled
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import SCHEMA_VERSION, document_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    NOW,
    due_decision,
    policy,
    usd,
)
from tests.support.saved_plans import SCHEMA, problems_of_plan

PORTAL, ACCOUNT = "https://portal.example.com", "0123456789abcdef"
LIMITS = policy(max_total=usd("10.00").amount, max_amount_per_item=usd("5.5").amount, currency="USD")


def plan() -> dict[str, Any]:
    """A plan in which every field has a value."""
    decisions = [due_decision(price=usd("1680.00")), due_decision("B", price=Money(usd("9").amount, "RMB"))]
    return document_of(decisions, PORTAL, ACCOUNT, LIMITS, NOW, DAY)


def nothing_due() -> dict[str, Any]:
    return document_of(
        [settled(due_decision(), Reason.EXPIRED, "")], PORTAL, ACCOUNT, policy(max_orders=None), NOW, DAY
    )


@pytest.mark.parametrize("document", [plan(), nothing_due()], ids=["full", "empty"])
def test_what_the_collection_saves_fits(document: dict[str, Any]) -> None:
    assert problems_of_plan(document) == []


def test_the_schema_is_of_the_version_that_is_written() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert schema["$id"].endswith(f":{SCHEMA_VERSION}")


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, objects and lists included."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The plan with another value in one place; without that place if the value is `...`."""
    document = plan()
    node = document
    for key in path[:-1]:
        node = node[key]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


OBJECTS = [(), ("policy",), ("items", 0), ("items", 0, "plan"), ("items", 0, "services", 0), ("items", 0, "price")]
FIELDS = [path for path in places(plan()) if path[:1] != ("totals",) and isinstance(path[-1], str)]


@pytest.mark.parametrize("path", OBJECTS, ids=str)
def test_what_does_not_belong_there_is_refused(path: tuple[Any, ...]) -> None:
    assert "client_secret" in " ".join(problems_of_plan(changed((*path, "client_secret"), "x")))


@pytest.mark.parametrize("path", FIELDS, ids=str)
def test_every_field_is_required_and_none_is_a_number_with_a_fraction(path: tuple[Any, ...]) -> None:
    assert problems_of_plan(changed(path, ...))
    assert problems_of_plan(changed(path, 1680.5))


ITEM, PRICE = ("items", 0), ("items", 0, "price")
WRONG = [
    (("schema_version",), 3),
    (("portal",), "ftp://portal.example.com"),
    (("portal",), "https://user:password@portal.example.com"),
    (("portal",), "https://Portal.example.com"),
    (("account",), "an-id"),
    (("created",), "2026-11-23"),
    (("created",), "2026-13-23T00:00:00Z"),
    (("valid_until",), "2026-11-24T00:00:00+01:00"),
    (("has_changes",), False),
    (("has_changes",), "yes"),
    (("items",), []),
    (("totals", "usd"), "1.00"),
    (("totals", "USD"), 1680),
    (("totals", "USD"), "1,680.00"),
    (("unknown_prices",), -1),
    (("digest",), "0" * 63),
    (("digest",), "G" * 64),
    (("policy", "max_orders"), -1),
    (("policy", "max_total"), "-1"),
    (("policy", "max_amount_per_item"), 5),
    (("policy", "currency"), "dollars"),
    (("policy", "on_unknown_price"), "ask"),
    ((*ITEM, "product_no"), 36580000012345),
    ((*ITEM, "product_no"), "<script>"),
    ((*ITEM, "reason"), "recent_order"),
    ((*ITEM, "expires_before"), "soon"),
    ((*ITEM, "expires_after"), None),
    ((*ITEM, "plan", "id"), 3048571730026938368),
    ((*ITEM, "plan", "id"), None),
    ((*ITEM, "plan", "name"), ""),
    ((*ITEM, "services"), None),
    ((*ITEM, "services"), ["High Availability"]),
    ((*ITEM, "services"), [{"id": "1", "name": "a"}, {"id": "1", "name": "a"}]),
    ((*ITEM, "quantity"), 0),
    ((*ITEM, "quantity"), "100"),
    ((*ITEM, "billing_cycle"), "once"),
    ((*ITEM, "billing_contact_id"), "billing@example.com"),
    ((*ITEM, "billing_contact_email"), ""),
    ((*ITEM, "po_number"), None),
    ((*ITEM, "po_number"), ""),
    ((*ITEM, "auto_renewal"), True),
    ((*ITEM, "auto_renewal"), "off"),
    (PRICE, "1680.00 USD"),
    ((*PRICE, "amount"), "1680."),
    ((*PRICE, "amount"), "1e3"),
    ((*PRICE, "amount"), "1680,00"),
    ((*PRICE, "amount"), "1" * 16),
    ((*PRICE, "currency"), "$"),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_in_its_place(path: tuple[Any, ...], value: Any) -> None:
    problems = problems_of_plan(changed(path, value))
    assert problems and any(str(path[0]) in problem or "has_changes" in str(path) for problem in problems), problems


def test_a_plan_without_orders_sums_nothing_up() -> None:
    assert problems_of_plan({**nothing_due(), "totals": {"USD": "1.00"}})
    assert problems_of_plan({**nothing_due(), "unknown_prices": 1})
