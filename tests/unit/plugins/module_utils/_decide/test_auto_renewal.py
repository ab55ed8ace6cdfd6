# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who renews a PBX, by its row, the portal's answer, the declaration and a saved plan."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.auto_renewal import (
    combined,
    held_to_auto_renewal,
    needs_answer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import decide, not_found
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.auto_renewal_fields import read_answer
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    EXPIRY,
    NOW,
    declaration,
    evidence,
    policy,
    subscription,
    unreadable,
    unreported,
)

REFUSED = Undetermined("auto_renewal", "auto_renewal: the portal refuses to say (HTTP 403)")
OTHER = Undetermined("auto_renewal", "auto_renewal: the portal answers an object", reported=True)
UNREPORTED, UNREADABLE = unreported("auto_renewal"), unreadable("auto_renewal")

SKIPPED, DUE = ("skipped", "auto_renewal"), ("due", "in_window")
BLOCKED, CONTRADICTED = ("blocked", "cannot_determine"), ("blocked", "contradiction")


def _hold(
    row: Any,
    answer: Any,
    declared: Optional[bool] = None,
    on_unknown: str = "allow",
    approved: Optional[bool] = None,
    now: Any = NOW,
) -> Decision:
    """What a run makes of a PBX that nothing but auto-renewal keeps from being ordered."""
    stated, rules = declaration(auto_renewal=declared), policy(include_expired=True, on_unknown_auto_renewal=on_unknown)
    decision = decide(stated, subscription(auto_renewal=row), evidence(), rules, now)
    return held_to_auto_renewal(decision, stated, answer, rules, now, approved) if needs_answer(decision) else decision


@pytest.mark.parametrize("declared", [None, True, False])
@pytest.mark.parametrize("answer", [True, False, REFUSED, OTHER])
@pytest.mark.parametrize("row", [True, False, UNREPORTED, UNREADABLE])
def test_any_on_wins_and_a_declaration_is_asserted_and_stands_in(row: Any, answer: Any, declared: Any) -> None:
    said = True if True in (row, answer) else False if False in (row, answer) else None
    if declared is not None and said is not None and declared != said:
        expected = [CONTRADICTED]
    elif (said if said is not None else declared) is True:
        expected = [SKIPPED]
    elif (said if said is not None else declared) is False:
        expected = [DUE]
    else:
        expected = [BLOCKED if row is UNREADABLE else DUE]
    decision = _hold(row, answer, declared)
    assert [(decision.state, decision.reason)] == expected
    assert (decision.order is not None) == (expected == [DUE])


@pytest.mark.parametrize("answer", [REFUSED, OTHER])
def test_what_nobody_tells_is_ordered_and_said_or_blocked_as_the_policy_says(answer: Undetermined) -> None:
    allowed, blocked = (_hold(UNREPORTED, answer, on_unknown=word) for word in ("allow", "block"))
    assert allowed.state == "due" and f"whether auto-renewal is on is not known ({answer.why})" in allowed.message
    assert (blocked.state, blocked.reason) == BLOCKED
    assert answer.why in blocked.message and "on_unknown_auto_renewal: allow" in blocked.message


@pytest.mark.parametrize(("row", "answer"), [(False, REFUSED), (UNREPORTED, False), (UNREADABLE, False)])
@pytest.mark.parametrize("on_unknown", ["allow", "block"])
def test_what_is_known_to_be_off_is_ordered_without_a_word(row: Any, answer: Any, on_unknown: str) -> None:
    decision = _hold(row, answer, on_unknown=on_unknown)
    assert decision.state == "due" and "auto-renewal" not in decision.message
    assert decision.subscription is not None and decision.subscription.auto_renewal is False


@pytest.mark.parametrize("on_unknown", ["allow", "block"])
def test_a_field_that_cannot_be_read_blocks_with_its_name_and_the_ways_out(on_unknown: str) -> None:
    decision = _hold(UNREADABLE, REFUSED, on_unknown=on_unknown)
    assert (decision.state, decision.reason) == BLOCKED and UNREADABLE.why in decision.message
    assert "declare auto_renewal" in decision.message and "field_map" in decision.message


@pytest.mark.parametrize(("declared", "row", "answer"), [(False, UNREPORTED, True), (True, UNREADABLE, False)])
def test_a_contradiction_names_both_values(declared: bool, row: Any, answer: bool) -> None:
    decision = _hold(row, answer, declared)
    words = {True: "true", False: "false"}
    assert f"auto_renewal is declared as {words[declared]}, the portal says {words[answer]}" in decision.message


@pytest.mark.parametrize(("answer", "declared"), [(True, None), (REFUSED, True)])
def test_what_has_expired_although_it_is_on_is_for_a_person(answer: Any, declared: Optional[bool]) -> None:
    decision = _hold(UNREPORTED, answer, declared, now=EXPIRY)
    assert (decision.state, decision.reason) == ("blocked", "expired") and "auto-renewal is on" in decision.message


def test_what_a_plan_was_approved_with_stands_in_and_does_not_contradict() -> None:
    assert _hold(UNREPORTED, REFUSED, on_unknown="block", approved=False).state == "due"
    assert _hold(UNREADABLE, REFUSED, approved=False).state == "due"
    on = _hold(UNREPORTED, True, approved=False)
    assert (on.state, on.reason) == SKIPPED


def test_only_what_would_be_ordered_or_is_left_alone_for_a_word_alone_is_asked_about() -> None:
    def decided(declared: Optional[bool], **seen: Any) -> Decision:
        return decide(declaration(auto_renewal=declared), subscription(**seen), evidence(), policy(), NOW)

    assert needs_answer(decided(None)) and needs_answer(decided(False)) and needs_answer(decided(True))
    assert not needs_answer(decided(None, auto_renewal=True)) and not needs_answer(decided(True, auto_renewal=True))
    assert not needs_answer(decided(None, expires_at=EXPIRY.replace(year=2028)))
    assert not needs_answer(decided(None, pending_plan="Basic Plan")) and not needs_answer(not_found("X", []))
    with pytest.raises(ValueError, match="a PBX of the account"):
        held_to_auto_renewal(not_found("X", []), declaration(), False, policy(), NOW)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"autoRenew": True}, True),
        ({"autoRenew": False}, False),
        ({"autoRenew": "Y"}, True),
        ({"autoRenew": "0"}, False),
        ({"isAutoRenew": 1}, True),
        (REFUSED, REFUSED),
    ],
)
def test_an_answer_is_read(answer: Any, expected: Any) -> None:
    assert read_answer(answer) == expected


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (None, "None"),
        (True, "True"),
        ([{"autoRenew": True}], "a list"),
        ({}, "None"),
        ({"autoRenew": None}, "None"),
        ({"autoRenew": "perhaps"}, "perhaps"),
        ({"autoRenew": {"since": 5}}, "an object"),
        ({"autoRenewal": False}, "None"),
    ],
)
def test_an_answer_of_another_shape_is_neither_on_nor_off(answer: Any, seen: str) -> None:
    value = read_answer(answer)
    assert isinstance(value, Undetermined) and value.reported and seen in value.why


def test_where_neither_tells_the_field_that_cannot_be_read_is_named() -> None:
    assert combined(UNREADABLE, REFUSED) is UNREADABLE
    assert combined(UNREPORTED, REFUSED) is REFUSED
