# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is inferred follows from values: not from names, places or the order of fields, and never from noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.inference import (
    Candidate,
    Sample,
    candidates,
    suggested_map,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles, format_instant
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import CANDIDATES, Fields
from ansible_collections.pbxops.yeastar.tests.unit.helpers.strange_portals import NOW, PORTALS
from ansible_collections.pbxops.yeastar.tests.unit.helpers.stranger_portals import STRANGER_PORTALS

exact = settings(deadline=None, max_examples=60, derandomize=True)

# Fields of the portal below, by the concept that its values alone show.
SHOWN = {
    "plan_id": "x1",
    "plan": "x2",
    "billing_cycle": "x3",
    "expires_at": "x4",
    "quantity": "x5",
    "services": "x6",
}
CATALOG = {
    "plans": [
        {"planId": 3048571730026938368, "planName": "Enterprise Plan"},
        {"planId": 3048572026291630080, "planName": "Ultimate Plan"},
    ],
    "addOns": [
        {"serviceId": 3048573935752720384, "serviceName": "High Availability"},
        {"serviceId": 3048573759449317376, "serviceName": "Recording Minutes"},
    ],
}
# Of a few PBXs that all have the plan of their partner, values cannot tell whose plan an id is; either gives the same.
UNDECIDABLE = {("the plan of the partner", "plan_id")}
# Texts that say nothing about what a field is.
NAMES = st.text("qwjkz", min_size=2, max_size=6)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.decimals(allow_nan=False, allow_infinity=False)
)
KEYS = st.one_of(
    st.text(max_size=5), st.sampled_from(sorted({name for names in CANDIDATES.values() for name in names}))
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
ROWS = st.dictionaries(KEYS, JSON, max_size=5)


def _details() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    details, orders = {}, []
    for index, quantity in enumerate((100, 20, 5, 50, 35, 8)):
        cycle = ("annually", "monthly")[index % 2]
        start = datetime(2025, 1 + index, 3 + index * 4, 9, tzinfo=timezone.utc)
        expires = add_cycles(start, cycle, 2 if cycle == "annually" else 24)
        plan = CATALOG["plans"][index % 2]
        services = CATALOG["addOns"][: index % 3]
        details[f"36{index}"] = {
            "x0": format_instant(start),
            "x1": str(plan["planId"]),
            "x2": plan["planName"],
            "x3": cycle,
            "x4": format_instant(expires),
            "x5": quantity,
            "x6": [one["serviceName"] for one in services],
        }
        lines = [{"planId": plan["planId"], "quantity": quantity, "billingCycle": cycle}, *services]
        orders.append({"id": index + 1, "productNo": f"36{index}", "orderStatus": "succeed", "lines": lines})
    return details, orders


def _sample(details: Mapping[str, Mapping[str, Any]], orders: Sequence[Mapping[str, Any]]) -> Sample:
    rows = {number: {"productNo": number} for number in details}
    return Sample(rows, details, CATALOG, orders, (), (), (), (), NOW)


def _winners(found: Mapping[str, Sequence[Candidate]]) -> dict[str, str]:
    return {concept: some[0].path for concept, some in found.items() if some and some[0].is_certain}


def _placed(row: Mapping[str, Any], places: Mapping[str, tuple[str, ...]], order: Sequence[str]) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    for name in order:
        node = placed
        for part in places[name][:-1]:
            node = node.setdefault(part, {})
        node[places[name][-1]] = row[name]
    return placed


def test_values_alone_show_what_they_are() -> None:
    assert _winners(candidates(_sample(*_details()))) == SHOWN


@st.composite
def places(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """A new name for each field, up to three objects deep, and the order in which rows have them."""
    names = [f"x{index}" for index in range(7)]
    # Objects and fields never share a name, so that none hides another.
    within = st.lists(NAMES.map(lambda name: f"{name}o"), max_size=3)
    leaf_names = draw(st.lists(NAMES, min_size=7, max_size=7, unique=True))
    paths = {name: (*draw(within), leaf) for name, leaf in zip(names, leaf_names)}
    return paths, list(draw(st.permutations(names)))


@exact
@given(places())
def test_names_places_and_order_of_fields_do_not_matter(drawn: tuple[dict[str, tuple[str, ...]], list[str]]) -> None:
    paths, order = drawn
    details, orders = _details()
    placed = {number: _placed(row, paths, order) for number, row in details.items()}
    expected = {concept: ".".join(paths[name]) for concept, name in SHOWN.items()}
    assert _winners(candidates(_sample(placed, orders))) == expected
    assert suggested_map(_sample(placed, orders), {}) == expected


def _noise() -> Iterator[Callable[[int, int], Any]]:
    """Kinds of values that say nothing of a subscription; ``seed`` and the number of the PBX make them differ."""
    yield lambda seed, index: f"customer {seed} {index}"
    yield lambda seed, index: 4000000000000000000 + seed * 1009 + index * 7919
    yield lambda seed, index: format_instant(NOW - timedelta(days=1 + seed % 300, hours=index * (7 + seed % 90)))
    yield lambda seed, index: format_instant(NOW + timedelta(days=1 + seed % 300, hours=1 + index * (31 + seed % 50)))
    yield lambda seed, index: 1 + (seed * 7 + index * 13) % 200
    yield lambda seed, index: seed % 500
    yield lambda seed, index: bool((seed + index) % 3)
    yield lambda seed, index: None if index % 2 else ""
    yield lambda seed, index: f"+49 30 {seed}{index}"
    yield lambda seed, index: [f"tag {seed}", index]
    yield lambda seed, index: {"a": seed, "b": f"u{index}@example.com"}
    yield lambda seed, index: Decimal(seed) / 8


NOISE = st.dictionaries(
    NAMES.map(lambda name: f"n{name}"), st.tuples(st.sampled_from(list(_noise())), st.integers(0, 10**6)), max_size=6
)


@exact
@given(NOISE, st.sampled_from([None, *SHOWN]))
def test_noise_never_makes_a_wrong_field_certain(noise: Mapping[str, Any], lacking: str | None) -> None:
    details, orders = _details()
    noisy = {
        number: {
            **{name: value for name, value in row.items() if name != SHOWN.get(lacking or "")},
            **{name: make(seed, index) for name, (make, seed) in noise.items()},
        }
        for index, (number, row) in enumerate(details.items())
    }
    certain = _winners(candidates(_sample(noisy, orders)))
    assert {concept: path for concept, path in certain.items() if SHOWN.get(concept) != path} == {}
    assert lacking not in certain


@exact
@given(
    st.dictionaries(st.text(min_size=1, max_size=4), ROWS, max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=4), ROWS, max_size=3),
    JSON,
    st.lists(ROWS, max_size=3),
    st.lists(ROWS, max_size=3),
)
def test_whatever_was_read_it_is_ranked_the_same_way_twice(
    rows: Any, details: Any, catalog: Any, orders: Any, prices: Any
) -> None:
    sample = Sample(rows, details, catalog, orders, orders, prices, prices, orders, NOW)
    found = candidates(sample)
    assert set(found) == set(CANDIDATES)
    backwards = replace(
        sample,
        rows={number: dict(reversed(list(row.items()))) for number, row in reversed(list(rows.items()))},
        details={number: dict(reversed(list(row.items()))) for number, row in reversed(list(details.items()))},
    )
    assert candidates(backwards) == found
    added = suggested_map(sample, {})
    assert suggested_map(sample, {}) == added
    Fields(added)


@exact
@given(st.sampled_from([*PORTALS, *STRANGER_PORTALS]), st.data())
def test_a_part_of_what_was_read_never_makes_a_wrong_field_certain(portal: Any, data: st.DataObject) -> None:
    sample = portal.sample
    numbers = data.draw(st.sets(st.sampled_from(sorted(sample.details)), max_size=8))
    empty = data.draw(
        st.sets(st.sampled_from([one.name for one in fields(sample) if one.name not in ("now", "details", "rows")]))
    )
    part = replace(
        sample,
        rows={number: row for number, row in sample.rows.items() if number in numbers},
        details={number: row for number, row in sample.details.items() if number in numbers},
        **{name: None if name == "catalog" else () for name in empty},
    )
    certain = [one for some in candidates(part).values() for one in some if one.is_certain]
    # Fields that differ elsewhere may always agree here: then either is right here.
    possible = {one: portal.right.get(one.concept, ()) + portal.even.get(one.concept, ()) for one in certain}
    rights = {
        one: paths if "either is right" in one.evidence else portal.right.get(one.concept, ())
        for one, paths in possible.items()
    }
    wrong = [one for one, paths in rights.items() if one.path not in paths]
    assert [one for one in wrong if (portal.name, one.concept) not in UNDECIDABLE] == []
