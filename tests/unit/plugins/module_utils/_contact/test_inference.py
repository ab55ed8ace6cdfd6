# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The right field first on every portal, and never a wrong one called certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.inference import (
    Candidate,
    Sample,
    candidates,
    suggested_map,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.ranking import Judgement, Strength, ranked
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.sample import Field
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles, format_instant
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import CANDIDATES, Fields
from ansible_collections.pbxops.yeastar.tests.unit.helpers.strange_portals import (
    AVAILABILITY,
    CATALOG,
    ENTERPRISE,
    NOW,
    PORTALS,
    RECORDING,
    ULTIMATE,
    Portal,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.stranger_portals import STRANGER_PORTALS

BY_NAME = {portal.name: portal for portal in PORTALS}
EMPTY = Sample({}, {}, None, (), (), (), (), (), NOW)
every_portal = pytest.mark.parametrize("portal", [*PORTALS, *STRANGER_PORTALS], ids=lambda portal: portal.name)


def _sample(details: Sequence[Mapping[str, Any]], **others: Any) -> Sample:
    numbered = {f"36{index}": detail for index, detail in enumerate(details)}
    return replace(EMPTY, rows={key: {} for key in numbered}, details=numbered, **{"catalog": CATALOG, **others})


def _best(concept: str, details: Sequence[Mapping[str, Any]], **others: Any) -> Candidate:
    return candidates(_sample(details, **others))[concept][0]


def _certain(concept: str, details: Sequence[Mapping[str, Any]], **others: Any) -> str | None:
    found = candidates(_sample(details, **others))[concept]
    return found[0].path if found and found[0].is_certain else None


@every_portal
def test_the_right_field_is_suggested_first(portal: Portal) -> None:
    found = candidates(portal.sample)
    firsts = {concept: found[concept][0].path for concept in portal.right if found[concept]}
    assert {concept: path for concept, path in firsts.items() if path not in portal.right[concept]} == {}
    assert set(firsts) == set(portal.right)


@every_portal
def test_no_wrong_field_is_called_certain(portal: Portal) -> None:
    certain = [one for some in candidates(portal.sample).values() for one in some if one.is_certain]
    assert [one for one in certain if one.path not in portal.right.get(one.concept, ())] == []


@every_portal
def test_fields_of_which_nothing_says_which_is_right_are_all_shown_and_none_is_certain(portal: Portal) -> None:
    found = candidates(portal.sample)
    for concept, paths in portal.even.items():
        assert {one.path for one in found[concept][: len(paths)]} == set(paths)
        assert not any(one.is_certain for one in found[concept])


@every_portal
def test_what_is_suggested_is_right_and_can_be_read(portal: Portal) -> None:
    added = suggested_map(portal.sample, {})
    assert {concept: path for concept, path in added.items() if path not in portal.right[concept]} == {}
    rows = list(portal.sample.details.values())
    for concept in {"expires_at", "plan", "plan_id", "quantity", "billing_cycle"} & set(added):
        merged = [{**portal.sample.rows[row["productNo"]], **row} for row in rows]
        assert [row for row in merged if not _reads(added, row, concept)] == []
    assert suggested_map(portal.sample, added) == {}


def _reads(field_map: Mapping[str, str], row: Mapping[str, Any], concept: str) -> bool:
    return isinstance(Fields(field_map).read(row, concept), (str, int, datetime))


def test_there_are_enough_portals_that_it_was_not_tuned_on() -> None:
    assert len([portal for portal in PORTALS if not portal.is_known]) >= 12


def test_nothing_read_suggests_nothing() -> None:
    assert candidates(EMPTY) == dict.fromkeys(CANDIDATES, ())
    assert suggested_map(EMPTY, {}) == {}


def test_evidence_names_the_field_and_counts() -> None:
    best = candidates(BY_NAME["nested three deep"].sample)["plan_id"][0]
    assert best == Candidate(
        "plan_id",
        "subscription.tariff.ref.code",
        8,
        8,
        "in 8 of 8 PBXs `subscription.tariff.ref.code` is the id of a plan of the catalog",
        True,
    )


def test_two_fields_that_always_agree_are_both_named() -> None:
    best = candidates(BY_NAME["two fields that always agree"].sample)["expires_at"][0]
    assert best.is_certain
    assert best.evidence.endswith("; `licenceEnd` always has the same value, so that either is right")


# Expiries


STARTS = [datetime(2024, 2, 3, tzinfo=timezone.utc) + timedelta(days=41 * index) for index in range(5)]
ODD_ENDS = [NOW + timedelta(days=30 + 41 * index * index) for index in range(5)]
ENDS = [add_cycles(start, "annually", 3) for start in STARTS]


def _dates(**columns: Sequence[datetime]) -> list[dict[str, Any]]:
    return [{name: format_instant(values[index]) for name, values in columns.items()} for index in range(5)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"a": STARTS, "b": ENDS}, "b", id="whole years after a beginning"),
        pytest.param({"b": ENDS}, None, id="a lone date under a name that says nothing"),
        pytest.param({"expireOn": ENDS}, "expireOn", id="a lone date that is called an expiry"),
        pytest.param({"supportExpireOn": ENDS}, None, id="the end of support"),
        pytest.param({"a": STARTS, "supportExpireOn": ENDS}, None, id="whole years of support"),
        pytest.param({"a": STARTS, "slaEnd": ENDS}, None, id="whole years of a service level"),
        pytest.param({"a": STARTS, "hardwareLeaseEnd": ENDS}, None, id="whole years of a lease"),
        pytest.param({"a": STARTS, "insuredUntil": ENDS}, None, id="whole years of an insurance"),
        pytest.param({"a": STARTS, "translationEnd": ENDS}, "translationEnd", id="a name that only contains sla"),
        pytest.param(
            {"expireOn": ENDS, "b": [end - timedelta(days=7) for end in ENDS]}, None, id="two dates, one called so"
        ),
        pytest.param(
            {"a": STARTS, "b": ENDS, "c": [end - timedelta(days=7) for end in ENDS]}, "b", id="a week before is no term"
        ),
        pytest.param(
            {"a": STARTS, "b": ENDS, "expireOn": [end + timedelta(days=40) for end in ENDS]},
            None,
            id="another one is called an expiry",
        ),
        pytest.param(
            {"a": STARTS, "b": ENDS, "c": [add_cycles(end, "annually") for end in ENDS]}, None, id="two whole terms"
        ),
        pytest.param({"a": STARTS, "b": [ENDS[0]] * 5}, None, id="the same in every PBX"),
        pytest.param({"a": STARTS, "b": ENDS, "c": [ENDS[0]] * 5}, None, id="another one is the same in every PBX"),
        pytest.param({"expireOn": ENDS, "c": [ENDS[0]] * 5}, None, id="called so, and one that is always the same"),
        pytest.param({"proposalValidTo": ENDS}, None, id="the end of something unknown"),
        pytest.param({"a": STARTS, "b": ENDS, "c": ODD_ENDS}, None, id="another one ends on odd days"),
        pytest.param({"expireOn": [NOW - timedelta(days=9 + index) for index in range(5)]}, None, id="all past"),
        pytest.param({"expireOn": [NOW + timedelta(days=9000 + index) for index in range(5)]}, None, id="far ahead"),
    ],
)
def test_an_expiry_is_certain_only_where_dates_show_it(
    columns: Mapping[str, Sequence[datetime]], expected: str | None
) -> None:
    assert _certain("expires_at", _dates(**columns)) == expected


def test_a_date_is_called_otherwise_by_any_name_on_its_way() -> None:
    rows = _dates(a=STARTS, b=ENDS)
    nested = [{"a": row["a"], "terms": {"sla": {"validTo": row["b"]}}} for row in rows]
    assert _certain("expires_at", nested) is None
    assert _certain("expires_at", [{"a": row["a"], "terms": {"own": {"validTo": row["b"]}}} for row in rows])


def test_nothing_is_certain_next_to_a_date_that_cannot_be_read() -> None:
    details = [{**row, "c": "05/04/2027"} for row in _dates(a=STARTS, b=ENDS)]
    assert _certain("expires_at", details) is None


def test_months_after_a_beginning_are_no_term_of_a_subscription_by_the_year() -> None:
    debits = [NOW.replace(day=start.day, month=12, hour=0) for start in STARTS]
    details = [{**row, "billingCycle": "annually"} for row in _dates(a=STARTS, b=debits)]
    assert _certain("expires_at", details) is None


def test_two_pbxs_are_too_few_to_show_a_term() -> None:
    assert _certain("expires_at", _dates(a=STARTS, b=ENDS)[:2]) is None


# Plans


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([{"x": int(ENTERPRISE[0])}], "x"),
        ([{"x": ENTERPRISE[0]}, {"x": ULTIMATE[0]}, {"x": "3048572026291630081"}], None),
        ([{"x": ENTERPRISE[0], "y": ULTIMATE[0]}], None),
        ([{"x": ENTERPRISE[0], "y": None}] * 4 + [{"x": ENTERPRISE[0], "y": ULTIMATE[0]}], "x"),
        ([{"x": ENTERPRISE[0], "y": ENTERPRISE[0]}], None),
    ],
    ids=["one PBX", "an id that the catalog lacks", "two ids that differ", "filled in few", "agree by chance"],
)
def test_an_id_of_the_catalog_is_that_of_the_plan(details: list[dict[str, Any]], expected: str | None) -> None:
    assert _certain("plan_id", details) == expected


def test_an_id_of_other_plans_than_those_ordered_is_not_certain() -> None:
    orders = [_order(index, 5) for index in range(5)]
    assert _certain("plan_id", [{"x": ENTERPRISE[0]}] * 5, orders=orders) == "x"
    assert _certain("plan_id", [{"x": ULTIMATE[0]}] * 5, orders=orders) is None


@pytest.mark.parametrize(("count", "expected"), [(2, None), (4, None), (6, "x")])
def test_two_ids_that_agree_in_a_few_pbxs_may_differ_in_others(count: int, expected: str | None) -> None:
    details = [{"x": plan[0], "y": int(plan[0])} for plan in (ENTERPRISE, ULTIMATE) * 3]
    assert _certain("plan_id", details[:count]) == expected


def test_short_ids_need_the_name_of_the_same_plan() -> None:
    catalog = {"plans": [{"planId": 1, "name": "Basic"}, {"planId": 2, "name": "Gold"}]}
    details = [{"p": 1, "planName": "Basic", "s": 1}, {"p": 2, "planName": "Gold", "s": 1}] * 3
    assert _certain("plan_id", details, catalog=catalog) == "p"
    assert _certain("plan_id", details[:4], catalog=catalog) is None
    assert _certain("plan_id", [{"p": row["p"], "level": row["planName"]} for row in details], catalog=catalog) is None


def test_an_id_that_the_catalog_lacks_does_not_hide_the_one_that_it_has() -> None:
    details = [{"planId": 4, "tariff": {"code": int(ENTERPRISE[0])}}]
    assert suggested_map(_sample(details), {}) == {"plan_id": "tariff.code"}


# Quantities


def _order(number: int, quantity: int, **others: Any) -> dict[str, Any]:
    line = {"planId": int(ENTERPRISE[0]), "quantity": quantity, "billingCycle": "annually"}
    return {"id": number, "productNo": f"36{number}", "orderStatus": "succeed", "lines": [line], **others}


QUANTITIES = (100, 20, 35, 8, 50)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"x": QUANTITIES}, "x"),
        ({"x": QUANTITIES, "y": (25,) * 5}, "x"),
        ({"x": QUANTITIES, "y": QUANTITIES}, "x"),
        ({"x": QUANTITIES, "y": (100, 20, 35, 8, 49)}, None),
        ({"x": (100, 20, 35, 8, 60)}, "x"),
        ({"x": (100, 20, 35, 8, 40)}, None),
        ({"x": (101, 19, 36, 7, 51)}, None),
        ({"x": QUANTITIES, "y": (150, 30, 45, 8, 50)}, None),
        ({"maxCalls": QUANTITIES}, None),
    ],
    ids=[
        "ordered",
        "a constant",
        "twins",
        "used",
        "bought since",
        "fewer than ordered",
        "others",
        "expanded since",
        "calls",
    ],
)
def test_a_quantity_is_certain_only_where_orders_show_it(
    columns: Mapping[str, Sequence[int]], expected: str | None
) -> None:
    details = [{name: values[index] for name, values in columns.items()} for index in range(5)]
    orders = [_order(index, quantity) for index, quantity in enumerate(QUANTITIES)]
    assert _certain("quantity", details, orders=orders) == expected


def test_a_quantity_that_nothing_confirms_is_not_certain() -> None:
    assert not _best("quantity", [{"seats": quantity} for quantity in QUANTITIES]).is_certain


@pytest.mark.parametrize(("quantities", "expected"), [((7, 9), None), ((7, 7, 7, 7), None), ((7, 9, 7), "x")])
def test_few_orders_and_orders_all_alike_do_not_show_a_quantity(
    quantities: Sequence[int], expected: str | None
) -> None:
    orders = [_order(index, quantity) for index, quantity in enumerate(quantities)]
    assert _certain("quantity", [{"x": quantity} for quantity in quantities], orders=orders) == expected


CHARGES = [{"charge": f"{quantity * unit}.00"} for quantity, unit in zip(QUANTITIES, (12, 12, 9, 12, 9))]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"seats": QUANTITIES}, ("seats", "charge")),
        ({"x": QUANTITIES}, (None, None)),
        ({"seats": QUANTITIES, "x": [2 * quantity for quantity in QUANTITIES]}, (None, "charge")),
        ({"seats": QUANTITIES[::-1]}, (None, None)),
    ],
    ids=["called so", "under a name that says nothing", "another one rises too", "in another order"],
)
def test_a_quantity_that_prices_rise_with_is_certain_only_if_it_is_called_so(
    columns: Mapping[str, Sequence[int]], expected: tuple[str | None, str | None]
) -> None:
    details = [{name: values[index] for name, values in columns.items()} for index in range(5)]
    found = [_certain(concept, details, plan_prices=CHARGES) for concept in ("quantity", "amount")]
    assert tuple(found) == expected


def test_an_amount_without_decimals_may_be_in_cents() -> None:
    charges = [{"charge": quantity * 1200} for quantity in QUANTITIES]
    details = [{"seats": quantity} for quantity in QUANTITIES]
    assert _certain("quantity", details, plan_prices=charges) == "seats"
    assert _certain("amount", details, plan_prices=charges) is None


def test_the_last_order_that_took_effect_counts() -> None:
    orders = [
        *(_order(index, quantity, createTime=1700000000) for index, quantity in enumerate(QUANTITIES)),
        *(_order(index, 500, id=10 + index, createTime=1600000000) for index in range(5)),
        *(_order(index, 500, id=20 + index, createTime=1780000000, orderStatus="cancelled") for index in range(5)),
    ]
    assert _certain("quantity", [{"x": quantity} for quantity in QUANTITIES], orders=orders) == "x"


# Services


def _entry(service: tuple[str, str]) -> dict[str, Any]:
    return {"id": 7, "ref": int(service[0]), "label": service[1]}


@pytest.mark.parametrize(
    ("name", "lists", "expected"),
    [
        ("services", [[AVAILABILITY], [RECORDING], []], "services"),
        ("x", [[AVAILABILITY], [RECORDING], []], None),
        ("services", [[AVAILABILITY, RECORDING]] * 3, None),
        ("formerServices", [[AVAILABILITY], [RECORDING], []], None),
        ("services", [[AVAILABILITY], [], []], None),
    ],
    ids=["varied", "a name that says nothing", "all alike", "former ones", "in a single PBX"],
)
def test_services_are_certain_only_if_they_vary_and_are_called_so(
    name: str, lists: Sequence[Sequence[tuple[str, str]]], expected: str | None
) -> None:
    details = [{name: [_entry(one) for one in services]} for services in lists]
    assert _certain("services", details) == expected


def test_a_list_with_the_line_of_the_plan_is_not_certain() -> None:
    details = [{"services": [_entry(ENTERPRISE), _entry(one)]} for one in (AVAILABILITY, RECORDING, RECORDING)]
    assert _best("services", details).path == "services"
    assert _certain("services", details) is None


def test_the_id_of_a_row_does_not_hide_that_of_the_service() -> None:
    details = [{"services": [_entry(one)]} for one in (AVAILABILITY, RECORDING, RECORDING)]
    assert suggested_map(_sample(details), {}) == {"service_id": "ref", "service_name": "label"}


# Billing cycles and auto-renewal


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"billingTerm": "12 months"}, "billingTerm"),
        ({"x": "annually"}, None),
        ({"x": "annually", "y": "monthly"}, None),
        ({"reportInterval": "monthly"}, None),
        ({"recordCycle": "monthly"}, None),
    ],
)
def test_a_word_for_a_cycle_is_certain_only_if_it_is_called_so(columns: dict[str, str], expected: str | None) -> None:
    assert _certain("billing_cycle", [columns] * 4) == expected


@pytest.mark.parametrize(("name", "expected"), [("term", "term"), ("x", None), ("recordTerm", None)])
def test_cycles_that_differ_by_pbx_need_only_a_name_like_it(name: str, expected: str | None) -> None:
    assert _certain("billing_cycle", [{name: "annually"}, {name: "monthly"}]) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"planAutoRenewFlag": False}, "planAutoRenewFlag"),
        ({"isActive": True}, None),
        ({"prolongs": False}, None),
        ({"addOnAutoRenew": False}, None),
        ({"autoRenewDisabled": False}, None),
        ({"planAutoRenewFlag": False, "autoRenewPlan": True}, None),
    ],
)
def test_values_never_show_what_a_switch_is_for(columns: dict[str, bool], expected: str | None) -> None:
    assert _certain("auto_renewal", [columns] * 4) == expected


# Orders, prices and the catalog


def test_only_a_tag_makes_a_purchase_order_number_certain() -> None:
    orders = [{"id": index, "ourRef": f"4711-{index}", "poRef": f"PO-{index}"} for index in range(4)]
    found = candidates(replace(EMPTY, orders=orders))["po_number"]
    assert [(one.path, one.is_certain) for one in found] == [("poRef", False), ("ourRef", False)]
    tagged = [*orders, {"id": 9, "ourRef": "RN20261205-0a1b2c3d"}]
    found = candidates(replace(EMPTY, orders=tagged))["po_number"]
    assert (found[0].path, found[0].is_certain) == ("ourRef", True)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (lambda units: {"n": units, "each": "12.00", "all": f"{units * 12}.00"}, "all"),
        (lambda units: {"n": units, "each": "12.00", "all": f"{units * 12}.00", "net": f"{units * 11}.00"}, None),
        (lambda units: {"total": f"{units * 12}.00"}, None),
        (lambda units: {"n": 1, "each": "12.00", "all": "12.00"}, None),
    ],
    ids=["a product", "with a discount", "a lone amount", "one unit"],
)
def test_an_amount_is_certain_only_as_the_product_of_units_and_price(price: Any, expected: str | None) -> None:
    prices = [price(units) for units in QUANTITIES]
    found = candidates(replace(EMPTY, plan_prices=prices))["amount"]
    assert (found[0].path if found[0].is_certain else None) == expected


def test_a_country_is_not_a_currency() -> None:
    prices = [{"land": "DEU", "cur": "EUR"}]
    assert [one.path for one in candidates(replace(EMPTY, plan_prices=prices))["currency"]] == ["cur"]


def test_ids_of_prices_are_found_by_name() -> None:
    plans = [{"planId": 1, "price": {"id": 901}, "groupId": 5}, {"planId": 2, "price": {"id": 902}, "groupId": 5}]
    found = candidates(replace(EMPTY, catalog=plans))["pricing_plan_id"]
    assert [(one.path, one.is_certain) for one in found] == [("price.id", True), ("groupId", False)]


def test_a_field_that_is_called_something_else_is_never_certain() -> None:
    field = Field(("x",), {"36": 1}, 1)
    for strength in Strength:
        judgement = Judgement(field, strength, {"36": 1}, 1, "is one", may_be_certain=True)
        assert ranked("quantity", [judgement], "PBXs")[0].is_certain == (strength > Strength.CONTRARY)


# What is added to a map


def test_a_concept_that_is_read_already_is_not_suggested() -> None:
    portal = BY_NAME["nested three deep"]
    added = suggested_map(portal.sample, {"expires_at": "subscription.term.until"})
    assert "expires_at" not in added
    assert "quantity" in added


def test_a_map_that_reads_nothing_is_completed() -> None:
    portal = BY_NAME["nested three deep"]
    added = suggested_map(portal.sample, {"expires_at": "expiry"})
    assert added["expires_at"] == "subscription.term.until"


@pytest.mark.parametrize("field_map", [{"unknown": "x"}, {"plan": ""}, {"plan": "activationCode"}])
def test_a_map_that_is_not_valid_is_refused(field_map: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="field_map"):
        suggested_map(EMPTY, field_map)
