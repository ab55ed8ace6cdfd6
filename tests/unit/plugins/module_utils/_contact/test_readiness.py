# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal would do, in groups, and the verdict in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.readiness import (
    Group,
    Prospect,
    counts_of,
    is_ready,
    prospect_of,
    verdict,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import subscription

UNKNOWN = {"quantity": Undetermined("quantity", "quantity: not reported")}


def _decision(reason: Reason, **seen: Any) -> Decision:
    return Decision("A", reason.state, reason, "why", subscription(**seen))


@pytest.mark.parametrize(
    ("decision", "group", "needs"),
    [
        (_decision(Reason.IN_WINDOW), Group.READY, ()),
        (_decision(Reason.ENOUGH_TIME), Group.READY, ()),
        (_decision(Reason.ENOUGH_TIME, **UNKNOWN), Group.NEEDS_DECLARATION, ("quantity",)),
        (_decision(Reason.CANNOT_DETERMINE, **UNKNOWN), Group.NEEDS_DECLARATION, ("quantity",)),
        (_decision(Reason.CANNOT_DETERMINE), Group.BLOCKED, ()),
        (_decision(Reason.BILLING_CONTACT), Group.NEEDS_DECLARATION, ("billing_contact",)),
        (_decision(Reason.AUTO_RENEWAL), Group.HANDLED, ()),
        (_decision(Reason.UNPAID), Group.HANDLED, ()),
        (_decision(Reason.PLAN_SWITCH_PENDING, **UNKNOWN), Group.BLOCKED, ()),
        (_decision(Reason.NOT_READABLE), Group.BLOCKED, ()),
        (_decision(Reason.WAITING), Group.BLOCKED, ()),
    ],
)
def test_each_decision_has_a_group(decision: Decision, group: Group, needs: tuple[str, ...]) -> None:
    prospect = prospect_of(decision)
    assert (prospect.group, prospect.needs) == (group, needs)


@pytest.mark.parametrize("reason", Reason)
def test_only_what_could_be_renewed_or_needs_nothing_is_ready(reason: Reason) -> None:
    prospects = [prospect_of(_decision(reason))]
    expected = reason.state in ("due", "current", "skipped", "pending", "renewed")
    assert is_ready(prospects, {}, has_failed=False) is expected


def _prospects(*reasons: Reason) -> list[Prospect]:
    return [
        prospect_of(_decision(reason, **(UNKNOWN if reason == Reason.CANNOT_DETERMINE else {}))) for reason in reasons
    ]


READY, LACKING, BLOCKED = Reason.IN_WINDOW, Reason.CANNOT_DETERMINE, Reason.RECENT_ORDER


@pytest.mark.parametrize(
    ("prospects", "suggested", "listed", "failed", "said"),
    [
        (_prospects(READY, READY), {}, 2, [], "Ready. 2 of 2 could be renewed"),
        (_prospects(READY), {}, 4, [], "Ready. 1 of 1 could be renewed; 3 PBXs were not looked at (sample: all"),
        (_prospects(READY), {"plan": "x"}, 1, [], "Not ready yet. With the suggested field_map, 1 of 1 could be"),
        (_prospects(READY), {"amount": "x"}, 1, [], "Ready. 1 of 1 could be renewed; amount can be mapped as well"),
        (_prospects(READY), {"amount": "x", "plan": "y"}, 1, [], "Not ready yet. With the suggested field_map, 1 of"),
        (_prospects(READY, LACKING), {}, 2, [], "Not ready. 1 of 2 could be renewed; 1 needs quantity, mapped"),
        (_prospects(BLOCKED, BLOCKED), {}, 2, [], "Not ready. 0 of 2 could be renewed; 2 are blocked (recent_order)"),
        (_prospects(READY), {}, 1, ["catalog"], "Not ready. 1 of 1 could be renewed; look at catalog"),
        ([], {}, 0, [], "Not ready. Nothing could be decided: the account lists no PBX"),
        ([], {}, 0, ["token"], "Not ready. Nothing could be decided: see token"),
    ],
)
def test_the_verdict_says_how_many_could_be_renewed_and_what_the_others_need(
    prospects: list[Prospect], suggested: dict[str, str], listed: int, failed: list[str], said: str
) -> None:
    assert verdict(prospects, suggested, listed, failed).startswith(said)
    assert said.startswith("Ready.") is is_ready(prospects, suggested, bool(failed))


def test_every_group_is_counted() -> None:
    assert counts_of(_prospects(READY, READY, BLOCKED)) == {
        "ready": 2,
        "handled": 0,
        "needs_declaration": 0,
        "blocked": 1,
    }


def test_a_billing_contact_is_set_and_neither_mapped_nor_declared() -> None:
    said = verdict([prospect_of(_decision(Reason.BILLING_CONTACT))], {}, 1, [])
    assert said == "Not ready. 0 of 1 could be renewed; 1 needs billing_contact"
