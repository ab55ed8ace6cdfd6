# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The purchase order number by which an order of ours is recognised: the same for the same renewal, whoever runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import decide
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import OrderRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import (
    is_tag,
    related_orders,
    tag_of,
    tagged_for,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    EXPIRY,
    HA,
    NOW,
    RECORDING,
    SN,
    declaration,
    due_decision,
    evidence,
    order,
    policy,
    subscription,
    utc,
)

REQUEST = OrderRequest(
    SN, "3197218168379846218", "3048571730026938368", (str(HA.id), str(RECORDING.id)), 100, "annually"
)


def _tag(expires_at: datetime = EXPIRY, generation: int = 1, **changes: Any) -> str:
    return tag_of(replace(REQUEST, **changes), expires_at, generation)


def test_a_tag_is_the_same_in_every_release() -> None:
    assert _tag() == "RN20261205-b37103ed"
    assert len(_tag(generation=999_999)) <= 32


@pytest.mark.parametrize(
    "changes",
    [
        {"product_no": "3658B431119665QK"},
        {"expires_at": EXPIRY + DAY},
        {"billing_cycle": "monthly"},
        {"quantity": 101},
        {"plan_id": "3048572026291630080"},
        {"service_ids": (str(HA.id),)},
        {"service_ids": ()},
        {"generation": 2},
    ],
    ids=str,
)
def test_a_tag_changes_with_what_is_ordered(changes: dict[str, Any]) -> None:
    assert _tag(**changes) != _tag()


@pytest.mark.parametrize(
    "changes",
    [
        {"service_ids": REQUEST.service_ids[::-1]},
        {"billing_contact_id": "2"},
        {"po_number": "PO-1"},
        {"expires_at": EXPIRY + timedelta(hours=23)},
    ],
    ids=str,
)
def test_a_tag_does_not_change_with_how_it_is_ordered(changes: dict[str, Any]) -> None:
    assert _tag(**changes) == _tag()


def test_two_facts_that_run_together_make_different_tags() -> None:
    assert _tag(plan_id="12", service_ids=("3",)) != _tag(plan_id="1", service_ids=("23",))


def test_a_tag_does_not_depend_on_the_run_or_its_instant() -> None:
    runs = [due_decision(), due_decision(message="another run")]
    orders = [decision.order for decision in runs]
    assert orders[0] is not None and orders[1] is not None
    assert orders[0].po_number == orders[1].po_number == tag_of(orders[0], EXPIRY, 1)


@pytest.mark.parametrize(("generation", "end"), [(1, ""), (2, ".2"), (10, ".10")])
def test_a_later_generation_has_the_tag_of_the_first_with_its_number(generation: int, end: str) -> None:
    assert _tag(generation=generation) == f"{_tag()}{end}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RN20261205-0123abcd", True),
        ("RN20261205-0123abcd.2", True),
        ("RN20261205-0123abcd.10", True),
        ("RN20261205-0123abcd.0", False),
        ("RN20261205-0123abcd.", False),
        ("RN20261205-0123ABCD", False),
        ("RN20261205-0123abcd ", False),
        ("xRN20261205-0123abcd", False),
        ("RN2026125-0123abcd", False),
        ("PO-1", False),
        ("", False),
    ],
)
def test_only_a_whole_tag_is_taken_for_ours(text: str, expected: bool) -> None:
    assert is_tag(text) is expected


@pytest.mark.parametrize(
    ("po_number", "generation"),
    [
        ("RN20261205-0123abcd", 1),
        ("RN20261205-ffffffff.3", 3),
        ("RN20261204-0123abcd", 1),
        ("RN20261206-0123abcd", 1),
        ("RN20261203-0123abcd", None),
        ("RN20261207-0123abcd", None),
        ("RN20271205-0123abcd", None),
        ("PO-1", None),
        ("", None),
        (None, None),
    ],
)
def test_an_order_is_for_an_expiry_if_its_tag_says_that_date_or_a_neighbouring_one(
    po_number: Optional[str], generation: Optional[int]
) -> None:
    one = order(po_number=po_number)
    assert tagged_for(EXPIRY, [one]) == ([] if generation is None else [(one, generation)])


@pytest.mark.parametrize(("expires_at", "text"), [(utc(2027, 1, 1), "20261231"), (utc(2028, 2, 29), "20280301")])
def test_the_neighbouring_dates_are_those_of_the_calendar(expires_at: datetime, text: str) -> None:
    assert len(tagged_for(expires_at, [order(po_number=f"RN{text}-0123abcd")])) == 1


def test_the_next_order_has_the_generation_after_every_one_that_ledger_or_orders_know() -> None:
    dead = order(status="cancelled", po_number="RN20261205-ffffffff.3")
    first, again = due_decision(), decide(declaration(), subscription(), evidence(dead), policy(), NOW)
    assert first.order is not None and again.order is not None
    assert (again.generation, again.order.po_number) == (4, f"{first.order.po_number}.4")


@pytest.mark.faults(73)
def test_an_order_that_carries_a_tag_of_ours_is_unrelated_to_nothing_whatever_somebody_says() -> None:
    ours, theirs = order(po_number="RN20261205-0123abcd"), order(order_no="BN78", po_number="PO-7")
    said = frozenset({(SN.lower(), "BN77"), (SN.lower(), "BN78"), ("other", "BN79")})
    known = evidence(ours, theirs, order(order_no="BN79"), unrelated=said)
    assert [one.order_no for one in related_orders(known, SN)] == ["BN77", "BN79"]
