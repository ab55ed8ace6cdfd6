# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PBX has, and what the catalog sells: which is which, and when a declared id or name decides."""

from __future__ import annotations

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.catalog_match import as_offer, is_possible, join
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.objection import Objection
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Between, CatalogEntry, Offer
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    ENTERPRISE,
    HA,
    RECORDING,
    ULTIMATE,
)

SECOND_ID = Offer("77", "Enterprise Plan")
EXPANSION = Offer("3048573516041273344", "Extension Expansion")


def entries(*offers: Offer) -> tuple[CatalogEntry, ...]:
    return tuple(CatalogEntry(offer, None) for offer in offers)


PLANS = entries(ENTERPRISE, ULTIMATE)
TWO_IDS = entries(ENTERPRISE, SECOND_ID, ULTIMATE)
SERVICES = entries(HA, RECORDING, EXPANSION)


def failure(kind: str, offers: tuple[Offer, ...], declared: tuple[str, ...], catalog: tuple[CatalogEntry, ...]) -> str:
    with pytest.raises(Objection) as unclear:
        join(kind, offers, declared, catalog)
    return f"{unclear.value.reason}: {unclear.value}"


OLD_ID, OTHER_NAME = Offer("5", None), Offer(None, "Enterprise")
BY_DECLARATION = [
    pytest.param(Offer(None, "Enterprise Plan"), "77", TWO_IDS, SECOND_ID, id="two-ids-of-one-name"),
    pytest.param(Offer("5", "Enterprise Plan"), "Enterprise Plan", PLANS, ENTERPRISE, id="old-id-and-declared-name"),
    pytest.param(Offer("5", "Enterprise Plan"), str(ENTERPRISE.id), PLANS, ENTERPRISE, id="old-id-and-declared-id"),
    pytest.param(Offer("5", "Enterprise Plan"), "77", TWO_IDS, SECOND_ID, id="old-id-and-two-new-ones"),
    pytest.param(OLD_ID, str(ENTERPRISE.id), PLANS, ENTERPRISE, id="old-id-alone"),
    pytest.param(OTHER_NAME, str(ENTERPRISE.id), PLANS, ENTERPRISE, id="another-name"),
    pytest.param(Offer("5", "Enterprise"), str(ENTERPRISE.id), PLANS, ENTERPRISE, id="old-id-and-another-name"),
    pytest.param(Offer(ENTERPRISE.id, "Enterprise"), str(ENTERPRISE.id), PLANS, ENTERPRISE, id="one-id-two-names"),
    pytest.param(Offer(ENTERPRISE.id, "Enterprise"), "enterprise plan", PLANS, ENTERPRISE, id="one-id-declared-name"),
    pytest.param(Offer(ENTERPRISE.id, "Ultimate Plan"), "Ultimate Plan", PLANS, ULTIMATE, id="id-and-name-disagree"),
]


@pytest.mark.parametrize(("offer", "declared", "catalog", "expected"), BY_DECLARATION)
def test_where_it_cannot_be_joined_a_declared_id_or_name_decides_and_otherwise_it_is_asked_for(
    offer: Offer, declared: str, catalog: tuple[CatalogEntry, ...], expected: Offer
) -> None:
    joined, doubts = join("plan", (offer,), (declared,), catalog)
    assert joined == (expected,)
    assert [doubt.concept for doubt in doubts] == ["plan"] and doubts[0].reported
    refused = failure("plan", (offer,), (), catalog)
    assert refused.startswith("cannot_determine: plan ") and "declare the id of the right one in plan" in refused
    assert all(f"{entry.offer.name} (id {entry.offer.id})" in refused for entry in catalog)
    assert all(said in refused for said in (offer.id, offer.name) if said is not None)


NOT_BY_DECLARATION = [
    pytest.param(Offer(None, "Enterprise Plan"), "Enterprise Plan", TWO_IDS, "2 times", id="a-name-of-two"),
    pytest.param(OTHER_NAME, "Enterprise Plan", PLANS, "Enterprise is not in", id="another-name"),
    pytest.param(OLD_ID, "Enterprise Plan", PLANS, "id 5 is not in", id="a-name-for-an-id"),
    pytest.param(Offer("5", "Ultimate Plan"), str(ENTERPRISE.id), PLANS, "Ultimate Plan (id 5)", id="another-plan"),
    pytest.param(OLD_ID, "5", PLANS, "id 5 is not in", id="an-id-that-the-catalog-lacks"),
    pytest.param(
        Offer(ENTERPRISE.id, "Enterprise"), str(ULTIMATE.id), PLANS, "Enterprise at the PBX", id="the-id-of-another"
    ),
]


@pytest.mark.parametrize(("offer", "declared", "catalog", "says"), NOT_BY_DECLARATION)
def test_what_is_declared_never_stands_in_for_another_plan(
    offer: Offer, declared: str, catalog: tuple[CatalogEntry, ...], says: str
) -> None:
    assert says in failure("plan", (offer,), (declared,), catalog)


@pytest.mark.parametrize("declared", [(), ("Ultimate Plan",), (str(ULTIMATE.id),)])
def test_what_can_be_joined_is_whatever_is_declared(declared: tuple[str, ...]) -> None:
    assert join("plan", (ENTERPRISE,), declared, PLANS) == ((ENTERPRISE,), ())


@pytest.mark.parametrize(
    "name",
    [
        "Enterprise\u00a0Plan",
        " ENTERPRISE  plan ",
        "Enterprise\u2007\u202fPlan",
        "enterprise\tplan",
        "Enterprise\nPlan",
    ],
)
def test_case_and_blanks_of_every_kind_make_no_other_name(name: str) -> None:
    assert join("plan", (Offer(None, name),), (), PLANS) == ((ENTERPRISE,), ())
    assert join("plan", (Offer(None, "Enterprise Plan"),), (), entries(Offer("7", name)))[0][0].id == "7"
    assert join("plan", (Offer("5", name),), ("Enterprise Plan",), PLANS)[0] == (ENTERPRISE,)


SERVICE_JOINS = [
    pytest.param((Offer("1", None),), (str(HA.id),), {HA}, id="one-old-id"),
    pytest.param((HA, Offer("1", None)), ("High Availability", str(RECORDING.id)), {HA, RECORDING}, id="one-of-two"),
    pytest.param((Offer("1", None), Offer("2", None)), (str(HA.id), str(RECORDING.id)), {HA, RECORDING}, id="two"),
    pytest.param(
        (Offer("1", None), Offer("2", "High Availability")),
        (str(HA.id), str(RECORDING.id)),
        {HA, RECORDING},
        id="the-one-with-a-name-goes-first",
    ),
    pytest.param(
        (Offer(None, "HA"), Offer(None, "Recording")), (str(RECORDING.id), str(HA.id)), {HA, RECORDING}, id="two-names"
    ),
]


@pytest.mark.parametrize(("offers", "declared", "expected"), SERVICE_JOINS)
def test_services_with_old_ids_are_those_that_are_declared_and_left_over(
    offers: tuple[Offer, ...], declared: tuple[str, ...], expected: set[Offer]
) -> None:
    joined, doubts = join("service", offers, declared, SERVICES)
    assert set(joined) == expected and len(joined) == len(offers)
    assert {doubt.concept for doubt in doubts} == {"services"}
    assert "declare the id of the right one in services" in failure("service", offers, (), SERVICES)


@pytest.mark.parametrize(
    ("offers", "declared"),
    [
        pytest.param((Offer("1", None), Offer("2", None)), (str(HA.id),), id="fewer-declared"),
        pytest.param((HA, Offer("1", None)), (str(HA.id),), id="none-left"),
        pytest.param((Offer("1", "Recording Minutes"),), (str(HA.id),), id="another-one"),
        pytest.param((Offer("1", None),), ("High Availability",), id="a-name-for-an-id"),
    ],
)
def test_services_are_not_made_up_from_what_is_declared(offers: tuple[Offer, ...], declared: tuple[str, ...]) -> None:
    assert failure("service", offers, declared, SERVICES).startswith("contradiction: services declared as ")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (("High Availability",), True),
        ((str(HA.id), "Recording Minutes"), True),
        (("Recording Minutes",), False),
        ((), False),
        (("High Availability", "Extension Expansion"), False),
    ],
)
def test_declared_services_lie_between_the_certain_and_the_doubtful_ones(
    declared: tuple[str, ...], expected: bool
) -> None:
    between = Between((Offer(None, "High Availability"),), (HA, Offer("7", "Recording Minutes")))
    offers = join("service", tuple(map(as_offer, declared)), declared, SERVICES)[0]
    assert is_possible((between,), declared, offers, SERVICES) is expected


@pytest.mark.parametrize(
    ("seen", "declared", "expected"),
    [
        ((), "Enterprise Plan", True),
        ((Offer(ENTERPRISE.id, None),), "Enterprise Plan", True),
        ((Offer(ENTERPRISE.id, None),), "Ultimate Plan", False),
        ((Offer(None, "Ultimate Plan"), Offer(None, "Enterprise Plan")), "Enterprise Plan", True),
        ((Offer("5", None),), "Enterprise Plan", False),
        ((Offer("5", None),), str(ENTERPRISE.id), True),
    ],
)
def test_a_declared_plan_is_one_that_can_be_read(seen: tuple[Offer, ...], declared: str, expected: bool) -> None:
    offers = join("plan", (as_offer(declared),), (declared,), PLANS)[0]
    assert is_possible(seen, (declared,), offers, PLANS) is expected
