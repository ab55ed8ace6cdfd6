# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When `currentPlan` is a pending switch, and when it is said to be no more than the running plan."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.pending_plan import pending_plan
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import EXPIRY, unreported
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import Trial

ROW = {"planName": "Basic", "planId": 7, "currentPlan": "Basic", "currentPlanExpireDate": "2026-12-05 23:00:00"}
DECLARED = [{"plan": "currentPlan"}, {"plan_id": "currentPlan"}]


def _pending(row: dict[str, Any], field_map: Optional[dict[str, str]] = None, expires_at: Any = EXPIRY) -> Any:
    return pending_plan(row, expires_at, Fields(field_map or {}))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, None),
        ({"currentPlan": "", "currentPlanExpireDate": None}, None),
        ({"currentPlanExpireDate": "2026-12-05"}, "2026-12-05"),
        (ROW, "Basic"),
        ({**ROW, "currentPlan": "Other"}, "Other"),
        ({**ROW, "currentPlanExpireDate": "2026-12-01"}, "Basic until 2026-12-01"),
        ({**ROW, "currentPlanExpireDate": "soon"}, "Basic until soon"),
    ],
)
def test_what_is_filled_is_a_switch(row: dict[str, Any], expected: Optional[str]) -> None:
    assert _pending(row) == expected


@pytest.mark.parametrize("field_map", DECLARED)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"currentPlan": "BASIC "}, None),
        ({"currentPlan": 7}, None),
        ({"planName": None, "planId": None}, None),
        ({"planName": None}, "Basic"),
        ({"currentPlanExpireDate": ""}, None),
        ({"currentPlan": "Other"}, "Other"),
        ({"currentPlanExpireDate": "2026-12-01"}, "Basic until 2026-12-01"),
        ({"currentPlan": None}, "2026-12-05 23:00:00"),
    ],
)
def test_what_is_declared_to_be_the_running_plan_is_held_against_what_else_the_row_tells(
    field_map: dict[str, str], changes: dict[str, Any], expected: Optional[str]
) -> None:
    assert _pending({**ROW, **changes}, field_map) == expected


def test_an_expiry_that_nobody_knows_contradicts_nothing() -> None:
    assert _pending(ROW, DECLARED[0], unreported("expires_at")) is None


# --- a whole account --------------------------------------------------------------------------------------------------

RUNNING = {"currentPlan": "Enterprise Plan"}


def _run(*rows: dict[str, Any], **details: dict[str, Any]) -> dict[str, str]:
    account = Account(**{name: 12 for name, _row in zip("ABC", rows)})
    for (name, pbx), row in zip(account.pbxs.items(), rows):
        pbx.update(row)
        account.details[name] = details.get(name, {})
    states = Trial(account).go().states()
    assert sorted(account.ordered()) == [name for name, state in states.items() if state.startswith("renewed")]
    return states


PENDING, RENEWED = "blocked/plan_switch_pending", "renewed/expiry_moved"


def test_the_running_plan_of_every_pbx_is_no_switch() -> None:
    assert _run(RUNNING, RUNNING) == {"A": RENEWED, "B": RENEWED}


def test_on_a_single_pbx_it_may_be_one() -> None:
    assert _run(RUNNING) == {"A": PENDING}


def test_where_one_pbx_has_none_the_others_may_be_switching() -> None:
    assert _run(RUNNING, RUNNING, {}) == {"A": PENDING, "B": PENDING, "C": RENEWED}


@pytest.mark.parametrize("other", [{"currentPlan": "Basic"}, {**RUNNING, "currentPlanExpireDate": "2026-12-01"}])
def test_of_a_pbx_whose_running_plan_is_another_it_is_one(other: dict[str, Any]) -> None:
    assert _run(RUNNING, other) == {"A": RENEWED, "B": PENDING}


@pytest.mark.parametrize("other", [{"currentPlan": "Basic"}, {**RUNNING, "currentPlanExpireDate": "2026-12-01"}])
def test_a_switch_that_only_the_detail_shows_is_one(other: dict[str, Any]) -> None:
    assert _run(RUNNING, RUNNING, B=other) == {"A": RENEWED, "B": PENDING}


def test_a_plan_that_only_details_tell_is_the_one_to_compare() -> None:
    silent = {**RUNNING, "planName": None}
    details = {"A": {"planName": "Enterprise Plan"}, "B": {"planName": "Basic"}}
    assert _run(silent, silent, **details) == {"A": RENEWED, "B": PENDING}
