# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import (
    THREE_DECIMALS,
    parse_amount,
    parse_price,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined, portable
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.envelope import parse_envelope
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import _READERS, CANDIDATES, Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.services import services_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import masked
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import cleaned

exact = settings(deadline=None, max_examples=200, derandomize=True)

READABLE = {
    "expires_at": st.sampled_from(["2026-12-05", "2026-12-06", 1796428800, 1796428800000, "2026/12/05"]),
    "quantity": st.sampled_from([100, "100", 101, "5"]),
    "billing_cycle": st.sampled_from(["annually", "Yearly", "monthly"]),
    "auto_renewal": st.sampled_from([True, False, "on", "0"]),
    "amount": st.sampled_from([1200, "1200.00", Decimal("1200.0"), 0]),
    "plan": st.sampled_from(["Enterprise Plan", "Ultimate Plan"]),
    "services": st.sampled_from([[], [{"serviceId": 1}]]),
}
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.decimals(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
SECRET = "A1B2-C3D4-E5F6"
SECRET_KEYS = st.sampled_from(["activationCode", "activation_code", "ActivationCode", "clientSecret", "accessToken"])


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A concept, and a row that reports it under any of its candidates."""
    concept = draw(st.sampled_from(sorted(READABLE)))
    keys = draw(st.lists(st.sampled_from(CANDIDATES[concept]), unique=True))
    values = st.one_of(READABLE[concept], SCALARS, st.just(""))
    return concept, {key: draw(values) for key in keys}


@exact
@given(rows())
def test_a_value_is_read_only_where_every_candidate_that_reports_says_the_same(
    case: tuple[str, dict[str, Any]],
) -> None:
    concept, row = case
    value = Fields({}).read(row, concept)
    said = []
    for reported in (one for one in row.values() if one not in (None, "")):
        try:
            said.append(_READERS[concept](reported))
        except ValueError:
            said.append(Undetermined(concept, "unreadable"))
    if concept == "auto_renewal" and True in said:
        said = [True]  # on wins over whatever else is said
    agree = bool(said) and not isinstance(said[0], Undetermined) and all(one == said[0] for one in said)
    assert isinstance(value, Undetermined) != agree
    if isinstance(value, Undetermined):
        assert value.reported == bool(said)
    else:
        assert value == said[0]


@exact
@given(st.sampled_from(sorted(CANDIDATES)), JSON)
def test_whatever_a_field_holds_it_is_read_or_undetermined(concept: str, value: Any) -> None:
    row = {CANDIDATES[concept][-1]: value}
    result = Fields({}).read(row, concept)
    if value is None or value == "":
        assert isinstance(result, Undetermined)
        assert not result.reported
    if isinstance(result, Undetermined):
        assert result.concept == concept


@exact
@given(st.sampled_from(sorted(CANDIDATES)), JSON)
def test_a_field_map_never_looks_at_the_candidates(concept: str, value: Any) -> None:
    row = dict.fromkeys(CANDIDATES[concept], value)
    result = Fields({concept: "not.a.candidate"}).read(row, concept)
    assert isinstance(result, Undetermined)
    assert not result.reported


@st.composite
def hidden(draw: st.DrawFn) -> Any:
    """Rows with a secret somewhere inside, at any depth."""
    node: Any = {draw(SECRET_KEYS): draw(st.sampled_from([SECRET, [SECRET], {"value": SECRET}]))}
    for dummy in range(draw(st.integers(0, 5))):
        key = draw(st.text(max_size=5))
        node = draw(st.sampled_from([[node], (node, 1), {key: node}, {key: [node, None]}]))
    return node


@exact
@given(hidden())
def test_a_secret_is_hidden_at_any_depth(row: Any) -> None:
    assert SECRET in repr(row)
    assert SECRET not in repr(masked(row))


@exact
@given(JSON)
def test_what_is_shown_keeps_every_digit_and_survives_any_json_reader(row: Any) -> None:
    shown = portable(row)
    assert json.loads(json.dumps(shown), parse_int=lambda digits: int(float(digits))) == shown


@exact
@given(st.integers(-(10**30), 10**30))
def test_an_id_is_kept_digit_for_digit_from_the_wire_to_the_screen(number: int) -> None:
    envelope = parse_envelope(b'{"code": "success", "result": {"id": %d}}' % number)
    assert str(portable(envelope.result)["id"]) == str(number)


@exact
@given(JSON)
def test_an_answer_reads_back_as_it_was_sent(result: Any) -> None:
    content = json.dumps({"code": "success", "result": result}, default=float).encode()
    assert parse_envelope(content).result == cleaned(json.loads(content, parse_float=Decimal)["result"])


@exact
@given(st.binary())
def test_any_bytes_are_an_envelope_or_a_value_error(content: bytes) -> None:
    for candidate in (content, b'{"code": "success", "result": ' + content + b"}"):
        with suppress(ValueError):
            assert parse_envelope(candidate).code


@exact
@given(st.one_of(JSON, st.floats()))
def test_anything_at_all_is_an_amount_that_is_not_negative_or_a_value_error(value: object) -> None:
    try:
        amount = parse_amount(value)
    except ValueError:
        return
    assert amount.is_finite()
    assert amount >= 0


PRICE_TEXTS = st.from_regex(r"[0-9]{1,6}([.,][0-9]{1,4}){0,2}", fullmatch=True)


@exact
@given(st.one_of(PRICE_TEXTS, JSON), st.sampled_from(["EUR", "KWD", None]))
def test_a_price_that_is_read_reads_in_one_way_in_every_country(value: object, currency: Optional[str]) -> None:
    """As with a point for the fraction; or with a point, or a comma, between thousands, where that makes a number."""
    try:
        price = parse_price(value, currency)
    except ValueError:
        return
    assert price == parse_amount(value)
    if isinstance(value, str) and currency not in THREE_DECIMALS:
        groups = value.strip().split(".")
        assert len(groups) == 1 or any(len(group) != 3 for group in groups[1:])


NUMBER_TEXTS = st.from_regex(r" ?[0-9]{1,6}([.,][0-9]{1,4})? ?", fullmatch=True)


@exact
@given(st.one_of(NUMBER_TEXTS, st.integers(), st.decimals(allow_nan=False), JSON))
def test_a_number_of_extensions_that_is_read_is_the_number_that_stands_there(value: Any) -> None:
    quantity = Fields({}).read({"quantity": value}, "quantity")
    if not isinstance(quantity, Undetermined):
        assert quantity == Decimal(str(value).strip()) and quantity > 0
        assert not (isinstance(value, str) and re.fullmatch("[0-9]+[.,][0-9]{3}", value.strip()))


CYCLE_WORDS = st.lists(
    st.sampled_from(
        ["1", "2", "12", "24", "one", "per", "every", "semi", "half", "bi", "year", "years", "month", "monthly", "P1Y"]
    ),
    min_size=1,
    max_size=4,
).flatmap(lambda words: st.sampled_from([" ", "-", "_", ""]).map(lambda blank: blank.join(words)))


@exact
@given(CYCLE_WORDS)
def test_a_cycle_that_is_read_is_one_year_or_one_month_and_nothing_else(text: str) -> None:
    cycle = Fields({}).read({"billingCycle": text}, "billing_cycle")
    if isinstance(cycle, Undetermined):
        return
    units, numbers = re.findall("year|month|P1Y", text), re.findall("[0-9]+", text)
    assert len(units) == 1 and not re.search("semi|half|bi", text)
    assert numbers in ([], ["1"]) or (numbers == ["12"] and units == ["month"])
    assert (cycle == "annually") == (units != ["month"] or numbers == ["12"])


NAMES = st.sampled_from(
    ["planInfo", "plan", "license", "name", "id", "expireDate", "validTo", "seats", "cycle", "addOns", "accessToken"]
)
READABLE_VALUES = st.one_of(SCALARS, *READABLE.values())
NESTED = st.recursive(
    READABLE_VALUES, lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=2)
)


@exact
@given(st.dictionaries(NAMES, NESTED, max_size=4), st.sampled_from(sorted(READABLE)))
def test_what_is_suggested_is_not_used_and_can_be_read_once_it_is_named(row: dict[str, Any], concept: str) -> None:
    value = Fields({}).read(row, concept)
    if not isinstance(value, Undetermined):
        assert any(key in row for key in CANDIDATES[concept])
        return
    for mapping in value.mappings:
        named, path = mapping.split(": ")
        assert named == concept and "Token" not in path
        assert not isinstance(Fields({concept: path}).read(row, concept), Undetermined)
    assert len(value.mappings) <= 3 + len(value.seen)


OWN_NAMES = st.sampled_from(
    ["status", "serviceState", "billingCycle", "expireDate", "isExpired", "enabled", "cancelTime", "type", "quantity"]
)
OWN_VALUES = st.one_of(JSON, st.sampled_from(["active", "trial", "2026-12-05", "2025-12-05", "annually", "monthly", 0]))


@exact
@given(st.lists(st.dictionaries(OWN_NAMES, OWN_VALUES, max_size=3), max_size=4))
def test_whatever_the_rows_of_services_say_none_is_added_and_none_is_dropped(owns: list[dict[str, Any]]) -> None:
    rows = [{"serviceId": number, **own} for number, own in enumerate(owns)]
    services = services_of({"serviceList": rows}, Fields({}), "annually", datetime(2026, 12, 5, tzinfo=timezone.utc))
    listed = tuple(Offer(str(number), None) for number in range(len(rows)))
    if isinstance(services, Undetermined):
        (between,) = services.seen
        assert between.most == listed and set(between.least) < set(listed)
        assert services.reported
    else:
        assert services == listed
        assert not any(own.get("status") in ("trial", "2025-12-05") for own in owns)
        assert not any(own.get("expireDate") == "2025-12-05" for own in owns)
