# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must survive in a recording whatever the portal answers: shapes, types, equality, order, and nothing else."""

from __future__ import annotations

import random
import string
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.clear import WORDS as KEPT
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.clear import Clear
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.disguise import Disguise
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

WORDS = st.text(string.ascii_letters + string.digits, min_size=6, max_size=20).filter(
    lambda word: word.strip("0") != "" and word.lower() not in KEPT
)
TEXTS = st.text(max_size=30) | WORDS
NUMBERS = st.integers(-(10**25), 10**25) | st.decimals(-(10**9), 10**9, places=2)
LEAVES = st.none() | st.booleans() | TEXTS | NUMBERS
NAMES = st.sampled_from(["comment", "unknownTo", "id", "orderNo", "company", "within"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


def disguised(value: Any, seed: int = 1) -> Any:
    disguise = Disguise(Clear({}, [], Secrets()), random.Random(seed))
    disguise.learn(value)
    return disguise.of(value)


def kind(char: str) -> str:
    if not char.isascii():
        return "other"
    return "A" if char.isupper() else "a" if char.islower() else "0" if char.isdigit() else char


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(shape, value))
    if isinstance(value, str):
        return [kind(char) for char in value]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return (type(value), [kind(char) for char in str(value)])
    return value


@given(VALUES)
def test_shapes_and_types_survive_also_when_it_is_recorded_again(value: Any) -> None:
    once = disguised(value)
    assert shape(once) == shape(value) == shape(disguised(once, seed=2))


@given(st.lists(TEXTS, max_size=20))
def test_equal_texts_stay_equal_and_different_ones_different(texts: list[str]) -> None:
    replaced = disguised(texts)
    pairs = [(one == two, new == other) for one, new in zip(texts, replaced) for two, other in zip(texts, replaced)]
    assert all(before == after for before, after in pairs)


@given(st.sets(st.integers(10**18, 10**19 - 1), min_size=2, max_size=20))
def test_the_order_of_ids_survives_as_numbers_and_as_texts(ids: set[int]) -> None:
    numbers = sorted(ids)
    orders = [{"id": number, "orderId": str(number), "orderNo": f"BN{number}"} for number in numbers]
    rows = disguised({"orders": orders})["orders"]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert [str(row["id"]) for row in rows] == [row["orderId"] for row in rows]
    assert [row["orderNo"] for row in rows] == sorted(row["orderNo"] for row in rows)


@given(st.lists(WORDS, min_size=1, max_size=20, unique_by=str.lower))
def test_no_word_of_many_possibilities_survives(words: list[str]) -> None:
    replaced = " ".join(disguised(words)).lower()
    assert [word for word in words if word.lower() in replaced] == []


@given(st.lists(WORDS, min_size=2, max_size=12), st.integers(0, 10**6))
def test_a_word_is_replaced_alike_wherever_it_is(words: list[str], seed: int) -> None:
    value = {"company": words, "comment": " / ".join(words), "unknownTo": {"within": [f"<{word}>" for word in words]}}
    replaced = disguised(value, seed)
    assert replaced["comment"] == " / ".join(replaced["company"])
    assert replaced["unknownTo"]["within"] == [f"<{word}>" for word in replaced["company"]]
