# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a first contact: what is ready to paste, what a person must decide, and what it names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Optional

import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.diagnosis import Diagnosis
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.fields_seen import field_lines, unread_concepts
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.inference import Candidate
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.line import Line, Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.readiness import Forecast, prospect_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import subscription, unreported


def _decision(number: str = "A", price: Optional[Money] = None, reason: Reason = Reason.IN_WINDOW) -> Decision:
    return Decision(
        number,
        reason.state,
        reason,
        f"about {reason}",
        subscription(),
        price=price,
        price_asked=reason == Reason.IN_WINDOW,
    )


def _candidate(concept: str, path: str, is_certain: bool = False) -> Candidate:
    return Candidate(concept, path, 4, 4, f"in 4 of 4 PBXs `{path}` looks like it", is_certain)


def _report(*decisions: Decision, **changes: Any) -> dict[str, Any]:
    whole = {
        "examined": [Line("token", Standing.OK, "asked", "seen", "means")],
        "forecast": Forecast(tuple(map(prospect_of, decisions))),
        "candidates": {},
        "suggested": {},
        "given": {},
        "listed": len(decisions),
        "unread": frozenset(),
        **changes,
    }
    return Diagnosis(**whole).as_result()


def test_what_is_certain_is_ready_to_paste_and_what_is_not_is_commented_out() -> None:
    found = {
        "plan": (_candidate("plan", "tariff.name", is_certain=True),),
        "quantity": (_candidate("quantity", "seats"), _candidate("quantity", "ports")),
        "amount": (_candidate("amount", "sum"),),
    }
    result = _report(
        _decision(),
        candidates=found,
        suggested={"plan": "tariff.name"},
        given={"expires_at": ["a", "b"]},
        unread=frozenset({"plan", "quantity"}),
    )
    at = result["report"].index("field_map:")
    assert result["report"][at + 1 : at + 5] == [
        '  expires_at: ["a", "b"]',
        '  plan: "tariff.name"',
        '  # quantity: "seats"  # not certain',
        '  # quantity: "ports"  # not certain',
    ]
    assert result["field_map"] == {"expires_at": ["a", "b"], "plan": "tariff.name"}
    assert [one["path"] for one in result["candidates"]] == ["tariff.name", "seats", "ports", "sum"]


def test_without_a_doubt_there_is_no_map_to_paste() -> None:
    result = _report(_decision(), candidates={"plan": (_candidate("plan", "planName", is_certain=True),)})
    assert "field_map:" not in result["report"] and result["ready"]


@pytest.mark.parametrize(
    ("prices", "standing", "seen"),
    [
        ([Money(Decimal("8400.00"), "USD"), None], "attention", "known for 1 of 2"),
        ([Money(Decimal("8400.00"), "USD")], "ok", "such as 8400.00 USD"),
    ],
)
def test_prices_are_known_for_all_or_it_is_said(prices: list[Optional[Money]], standing: str, seen: str) -> None:
    result = _report(*(_decision(str(number), price) for number, price in enumerate(prices)))
    (line,) = [line for line in result["lines"] if line["topic"] == "prices"]
    assert line["standing"] == standing and seen in line["seen"]


def test_only_lines_that_a_person_should_know_say_what_they_mean() -> None:
    lines = [
        Line("token", Standing.OK, "asked", "seen", "meaning of ok", "step of ok"),
        Line("orders", Standing.FAILED, "asked", "seen", "meaning of failed", "step of failed"),
        Line("details", Standing.NOT_TRIED, "asked", "seen", "meaning of not tried"),
    ]
    text = "\n".join(_report(_decision(), examined=lines)["report"])
    assert "meaning of failed" in text and "step of failed" in text
    assert "of ok" not in text and "of not tried" not in text


def test_reasons_are_given_once_for_all_pbxs_that_have_them_and_few_are_named() -> None:
    many = [_decision(f"N{number:02}", reason=Reason.RECENT_ORDER) for number in range(12)]
    report = _report(*many, _decision("R"))["report"]
    assert "blocked: 12" in report and "ready: 1" in report and "  R" in report
    (line,) = [line for line in report if "about recent_order" in line]
    assert "N09 and 2 more: about recent_order" in line and "N10" not in line


def test_nothing_decided_says_why() -> None:
    result = _report(forecast=Forecast(problem="the ledger cannot be read"))
    assert result["lines"][-1]["seen"] == "the ledger cannot be read" and not result["ready"]


@pytest.mark.parametrize(
    ("found", "suggested", "standing", "step"),
    [
        ((), {}, "attention", "declare quantity, or map the field that has it"),
        ((_candidate("quantity", "seats"),), {}, "attention", "find out whether that is right"),
        ((_candidate("quantity", "seats"),), {"quantity": "seats"}, "attention", "write field_map: {quantity: seats}"),
    ],
    ids=["none", "not certain", "suggested"],
)
def test_a_field_that_cannot_be_read_says_what_may_have_it(
    found: tuple[Candidate, ...], suggested: dict[str, str], standing: str, step: str
) -> None:
    seen = [subscription(auto_renewal=False), subscription(auto_renewal=False, quantity=unreported("quantity"))]
    lines = {line.topic: line for line in field_lines(seen, {"quantity": found}, suggested)}
    assert unread_concepts(seen) == {"quantity"} and lines["field plan"].standing == "ok"
    line = lines["field quantity"]
    assert line.standing == standing and "readable in 1 of 2" in line.seen and step in (line.next_step or "")


def test_a_plan_may_be_known_by_its_name_or_its_id() -> None:
    seen = [subscription(auto_renewal=False, plan=unreported("plan"))]
    assert unread_concepts(seen) == {"plan", "plan_id"}
    (line,) = [one for one in field_lines(seen, {}, {"plan_id": "tariff"}) if one.topic == "field plan"]
    assert "write field_map: {plan_id: tariff}" in (line.next_step or "")


def test_without_a_pbx_there_are_no_lines_about_fields() -> None:
    assert field_lines([], {}, {}) == [] and unread_concepts([]) == frozenset()


@pytest.mark.parametrize("path", ["Plan: ende", "<img src=x>.until", "a,b", "ablauf-datum"])
def test_a_step_to_paste_is_yaml_whatever_a_field_is_called(path: str) -> None:
    seen = [subscription(quantity=unreported("quantity"))]
    for suggested in ({}, {"quantity": path}):
        lines = field_lines(seen, {"quantity": (_candidate("quantity", path),)}, suggested)
        (step,) = [line.next_step for line in lines if line.topic == "field quantity"]
        found = step[step.index("{") : step.rindex("}") + 1]
        assert yaml.safe_load(found) == {"quantity": path}
