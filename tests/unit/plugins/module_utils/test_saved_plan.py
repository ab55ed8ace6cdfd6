# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved plan: what stands in it, when it may be applied, and which decisions it approves."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _files, _saved_plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import Spent, open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model import Decision, Offer, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._planner import settled
from ansible_collections.pbxops.yeastar.plugins.module_utils._saved_plan import (
    PlanError,
    SavedPlan,
    document_of,
    read_plan,
    write_plan,
)
from ansible_collections.pbxops.yeastar.tests.unit.plugins.module_utils.builders import (
    DAY,
    ENTERPRISE,
    EXPIRY,
    HA,
    NOW,
    RECORDING,
    SN,
    ULTIMATE,
    contact,
    declaration,
    due_decision,
    policy,
    subscription,
    terms,
    unreported,
    usd,
    wanted,
)

PORTAL, ACCOUNT = "https://portal.example.com", "0123456789abcdef"


def document(*decisions: Decision, valid_for: timedelta = DAY, limits: Optional[Policy] = None) -> dict[str, Any]:
    return document_of(decisions or [due_decision()], PORTAL, ACCOUNT, limits or policy(), NOW, valid_for)


def saved(path: Path, **changes: Any) -> SavedPlan:
    plan = document(**changes)
    write_plan(str(path), plan)
    return read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def test_only_what_is_due_is_an_item_and_its_known_prices_are_summed_by_currency() -> None:
    one, two = due_decision(price=usd("1.50")), due_decision("B", price=usd("2.25"))
    three = due_decision("C", price=Money(usd("9").amount, "RMB"))
    others = [due_decision("D"), settled(due_decision("E"), "price_limit", "too much")]
    plan = document(one, two, three, *others)
    assert [item["product_no"] for item in plan["items"]] == [SN, "B", "C", "D"]
    assert (plan["totals"], plan["unknown_prices"]) == ({"USD": "3.75", "RMB": "9"}, 1)
    assert plan["has_changes"] and not document(others[1])["has_changes"]


def test_the_policy_is_told_in_texts() -> None:
    limits = policy(max_total=usd("10.00").amount, max_amount_per_item=usd("5.5").amount, currency="USD")
    limits = replace(limits, max_price_increase_percent=usd("2.5").amount)
    assert document(limits=limits)["policy"] == {
        "include_expired": False,
        "max_orders": 10,
        "max_total": "10.00",
        "max_amount_per_item": "5.5",
        "max_price_increase_percent": "2.5",
        "currency": "USD",
        "on_unknown_price": "block",
    }


def test_the_digest_is_that_of_everything_else_and_of_nothing_else() -> None:
    plan = document()
    assert document()["digest"] == plan["digest"]
    assert document(valid_for=2 * DAY)["digest"] != plan["digest"]
    assert document(due_decision(price=usd("1")))["digest"] != plan["digest"]
    other_account = document_of([due_decision()], PORTAL, "other", policy(), NOW, DAY)
    assert other_account["digest"] != plan["digest"]


def test_the_file_is_its_owners_alone_and_replaces_the_old_one_whole(path: Path) -> None:
    path.write_text("old")
    plan = saved(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(plan.items) == [SN] and os.listdir(path.parent) == [path.name]


def test_a_failure_while_it_is_written_leaves_the_old_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("old")
    monkeypatch.setattr(_files.os, "fsync", _no_space)
    with pytest.raises(PlanError, match=f"dest: {path} cannot be written: No space left"):
        write_plan(str(path), document())
    assert path.read_text() == "old" and os.listdir(path.parent) == [path.name]


def _no_space(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_the_declarations_find_due_what_was_due_and_nothing_else(path: Path) -> None:
    (declared,) = saved(path).declarations()
    assert (declared.product_no, declared.expires_at, declared.remaining_days) == (SN, EXPIRY, 12)
    assert (declared.plan, declared.services, declared.quantity) == (ENTERPRISE.id, (HA.id,), 100)
    assert declared.po_number == due_decision().order.po_number


def test_a_part_of_a_day_counts_as_a_whole_one_and_what_has_expired_as_none(path: Path) -> None:
    plan = saved(path)
    assert replace(plan, created=NOW + timedelta(hours=1)).declarations()[0].remaining_days == 12
    assert replace(plan, created=EXPIRY + DAY).declarations()[0].remaining_days == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"approved_digest": "0" * 64}, "not the one that was approved"),
        ({"approved_digest": "a digest that was cut…"}, "not the one that was approved"),
        ({"portal": "https://other.example.com"}, "this is https://other.example.com"),
        ({"account": "another"}, "and account another"),
        ({"now": NOW + DAY + timedelta(seconds=1)}, "was valid until 2026-11-24T00:00:00Z"),
    ],
    ids=["another digest", "no digest", "another portal", "another account", "too late"],
)
def test_a_plan_that_is_not_for_here_and_now_is_refused(path: Path, changes: dict[str, Any], said: str) -> None:
    plan = document()
    write_plan(str(path), plan)
    given = {"approved_digest": plan["digest"], "portal": PORTAL, "account": ACCOUNT, "now": NOW, **changes}
    with pytest.raises(PlanError, match=said):
        read_plan(str(path), **given)


def test_a_digest_is_taken_as_people_copy_it(path: Path) -> None:
    plan = document()
    write_plan(str(path), plan)
    assert read_plan(str(path), f" {plan['digest'].upper()}\n", PORTAL, ACCOUNT, NOW + DAY).digest == plan["digest"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b" " * (_saved_plan.MAX_SIZE + 1)])
def test_what_is_no_plan_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(PlanError, match="is no plan"):
        read_plan(str(path), "0", PORTAL, ACCOUNT, NOW)


def test_a_file_that_is_not_there_and_one_of_another_version_are_refused(path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        read_plan(str(path), "0", PORTAL, ACCOUNT, NOW)
    newer = {**document(), "schema_version": 2}
    newer["digest"] = _saved_plan._digest(newer)
    path.write_text(json.dumps(newer))
    with pytest.raises(PlanError, match="of another version"):
        read_plan(str(path), newer["digest"], PORTAL, ACCOUNT, NOW)


def test_a_file_that_was_only_written_otherwise_is_still_the_same_plan(path: Path) -> None:
    plan = document()
    path.write_text(json.dumps(plan, indent=4))
    assert read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW).digest == plan["digest"]


def test_a_decision_that_orders_what_was_approved_stands(path: Path) -> None:
    plan = saved(path)
    assert plan.hold(due_decision()) == due_decision()
    blocked = settled(due_decision(), "plan_switch_pending", "a switch is pending")
    assert plan.hold(blocked) == blocked


def test_what_is_declared_counts_before_the_plan_but_for_when_it_is_due(path: Path) -> None:
    own = declaration(quantity=120, services=(), expected_expiry=EXPIRY, remaining_days=3)
    (merged,) = saved(path).declarations_for([own])
    assert (merged.quantity, merged.services, merged.expected_expiry) == (120, (), EXPIRY)
    assert (merged.plan, merged.remaining_days, merged.expires_at) == (ENTERPRISE.id, 12, EXPIRY)


def test_who_is_no_item_is_decided_about_as_declared_and_an_item_of_nobody_refuses_all(path: Path) -> None:
    plan = saved(path)
    other = declaration(product_no="B", quantity=5)
    assert plan.declarations_for([declaration(), other])[1] == other
    with pytest.raises(PlanError, match=f"it orders {SN}, which no host of this batch is"):
        plan.declarations_for([other])


def test_what_is_no_item_orders_nothing(path: Path) -> None:
    plan = saved(path)
    held = plan.hold(due_decision("B"))
    assert (held.state, held.reason, held.order) == ("not_attempted", "not_in_plan", None)
    assert "12 days left" in held.message
    current = settled(due_decision("B"), "enough_time", "300 days left")
    assert plan.hold(current) == current


DRIFTS = [
    ({"terms": terms(quantity=120)}, "quantity 100 -> 120"),
    ({"terms": terms(plan=ULTIMATE)}, "plan Enterprise Plan -> Ultimate Plan"),
    ({"terms": terms(services=())}, "services High Availability -> none"),
    ({"terms": terms(services=(HA, RECORDING))}, "services High Availability -> Recording Minutes, High Availability"),
    ({"terms": terms(billing_cycle="monthly")}, "billing_cycle annually -> monthly"),
    ({"price": usd("1200.00")}, "price unknown -> 1200.00 USD"),
    ({"contact": contact(email="new@example.com")}, "billing_contact_email billing@example.com -> new@example.com"),
    ({"contact": None}, "billing_contact_email billing@example.com -> unknown"),
    ({"expires_at": EXPIRY + 365 * DAY}, "expires_at 2026-12-05T00:00:00Z -> 2027-12-05T00:00:00Z"),
]


@pytest.mark.parametrize(("changes", "said"), DRIFTS, ids=[said for dummy, said in DRIFTS])
def test_a_decision_that_orders_anything_else_is_stale_and_orders_nothing(
    path: Path, changes: dict[str, Any], said: str
) -> None:
    held = saved(path).hold(due_decision(**changes))
    assert (held.state, held.reason, held.order) == ("blocked", "stale_plan", None)
    assert said in held.message and "plan again" in held.message


def test_what_is_not_due_any_more_and_what_contradicts_the_plan_is_stale(path: Path) -> None:
    plan = saved(path)
    current = settled(due_decision(expires_at=EXPIRY + 365 * DAY), "enough_time", "377 days left")
    assert plan.hold(current).reason == "stale_plan"
    contact_gone = settled(due_decision(), "billing_contact", "billing contact 1 matches 0")
    assert plan.hold(contact_gone).reason == "stale_plan"
    assert "billing_contact_id 3197218168379846218 -> unknown" in plan.hold(contact_gone).message


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ({"quantity": 120}, "quantity 100 -> 120"),
        ({"billing_cycle": "monthly", "quantity": 5}, "quantity 100 -> 5; billing_cycle annually -> monthly"),
        ({"plan": ULTIMATE}, "plan Enterprise Plan -> Ultimate Plan"),
        ({"plan": Offer(None, "ultimate plan")}, "plan Enterprise Plan -> ultimate plan"),
        (
            {"plan": Offer(None, "enterprise plan"), "services": ()},
            "since the plan: services High Availability -> none",
        ),
        ({"services": (HA, RECORDING)}, "services High Availability -> High Availability, Recording Minutes"),
        ({"services": (Offer(None, "Recording Minutes"),)}, "services High Availability -> Recording Minutes"),
        ({"quantity": unreported("quantity")}, "since the plan: declared as 100"),
    ],
    ids=str,
)
def test_what_the_portal_reports_otherwise_than_approved_is_said_as_old_and_new(
    path: Path, reported: dict[str, Any], said: str
) -> None:
    contradiction = settled(due_decision(subscription=subscription(**reported)), "contradiction", "declared as 100")
    held = saved(path).hold(contradiction)
    assert held.reason == "stale_plan" and said in held.message, held.message
    without = saved(path).hold(replace(contradiction, subscription=None))
    assert "since the plan: declared as 100" in without.message


def test_a_plan_is_spent_with_the_first_orders_that_it_leads_to() -> None:
    ledger = open_ledger("none", PORTAL, lambda: NOW, read_only=False)
    assert ledger.reserve(Caps("run", max_orders=0), wanted("A"), "digest") is not None
    assert ledger.reserve(Caps("run"), [], "digest") is None
    ledger.refuse_spent("digest")
    assert ledger.reserve(Caps("run"), wanted("A"), "digest") is None
    for refuse in (lambda: ledger.refuse_spent("digest"), lambda: ledger.reserve(Caps("other"), wanted("A"), "digest")):
        with pytest.raises(Spent, match="applied on 2026-11-23T00:00:00Z by the run run"):
            refuse()
    ledger.refuse_spent("another digest")
