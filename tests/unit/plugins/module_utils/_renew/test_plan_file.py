# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a saved plan: what stands in it, and that nothing is accepted but what was saved, for here and now."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _files
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.planner import settled
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.saved_plan import PlanError, SavedPlan
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Decision
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import plan_file as _plan_file
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import (
    document_of,
    read_plan,
    shown_plan,
    write_plan,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    NOW,
    SN,
    due_decision,
    policy,
    usd,
)

PORTAL, ACCOUNT = "https://portal.example.com", "0123456789abcdef"


def document(*decisions: Decision, valid_for: timedelta = DAY, limits: Optional[Policy] = None) -> dict[str, Any]:
    return document_of(decisions or [due_decision()], PORTAL, ACCOUNT, limits or policy(), NOW, valid_for)


def saved(path: Path) -> SavedPlan:
    plan = document()
    write_plan(str(path), plan)
    return read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def test_only_what_is_due_is_an_item_and_its_known_prices_are_summed_by_currency() -> None:
    one, two = due_decision(price=usd("1.50")), due_decision("B", price=usd("2.25"))
    three = due_decision("C", price=Money(usd("9").amount, "RMB"))
    others = [due_decision("D"), settled(due_decision("E"), Reason.PRICE_LIMIT, "too much")]
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
        "term_starts": "expiry",
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


# for here and now


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


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b" " * (_plan_file.MAX_SIZE + 1)])
def test_what_is_no_plan_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(PlanError, match="is no plan"):
        read_plan(str(path), "0", PORTAL, ACCOUNT, NOW)


def test_a_file_that_is_not_there_and_one_of_another_version_are_refused(path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        read_plan(str(path), "0", PORTAL, ACCOUNT, NOW)
    newer = {**document(), "schema_version": 3}
    newer["digest"] = _plan_file._digest(newer)
    path.write_text(json.dumps(newer))
    with pytest.raises(PlanError, match="of another version"):
        read_plan(str(path), newer["digest"], PORTAL, ACCOUNT, NOW)


# one form alone


def priced() -> dict[str, Any]:
    return document(due_decision("A", price=usd("1680.00")), due_decision("B", price=usd("20.00")))


def refused(path: Path, digest: str, said: str) -> None:
    """Neither bought from nor shown."""
    with pytest.raises(PlanError, match=said):
        read_plan(str(path), digest, PORTAL, ACCOUNT, NOW)
    with pytest.raises(PlanError, match=said):
        shown_plan(path.read_bytes())


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["none", "as saved"])
def test_the_file_is_accepted_with_its_final_line_feed_and_without(path: Path, end: bytes) -> None:
    plan = priced()
    write_plan(str(path), plan)
    path.write_bytes(path.read_bytes().removesuffix(b"\n") + end)
    assert read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW).digest == plan["digest"]
    assert shown_plan(path.read_bytes()) == plan


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "first of two keys": lambda text: b'{"items":[],' + text[1:],
    "first of two keys in an item": lambda text: text.replace(b'"quantity":', b'"quantity":1,"quantity":'),
    "first of two keys, alike": lambda text: text.replace(b'"quantity":', b'"quantity":100,"quantity":'),
    "indented": lambda text: json.dumps(json.loads(text), indent=4).encode(),
    "other order": lambda text: json.dumps(dict(reversed(json.loads(text).items())), separators=(",", ":")).encode(),
    "escaped": lambda text: text.replace(b"Enterprise", b"\\u0045nterprise"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "two line feeds": lambda text: text + b"\n",
    "carriage return": lambda text: text.replace(b"\n", b"\r\n"),
    "blank before": lambda text: b" " + text,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_reads_the_same_here_and_is_not_what_was_saved_is_refused(
    path: Path, form: Callable[[bytes], bytes]
) -> None:
    plan = priced()
    write_plan(str(path), plan)
    path.write_bytes(form(path.read_bytes()))
    assert json.loads(path.read_bytes().decode("utf-16" if b"\0" in path.read_bytes() else "utf-8-sig")) == plan
    refused(path, plan["digest"], "not byte for byte what yeastar_pce_plan saved")


# what follows from the orders


def item(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plan: plan["items"][0].update(changes)


def top(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plan: plan.update(changes)


def limits(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plan: plan["policy"].update(changes)


CONTRADICTIONS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (top(totals={"USD": "1.00"}), "totals"),
    (top(totals={"USD": "1700.0"}), "totals"),
    (top(totals={}), "totals"),
    (top(totals={"USD": "1700.00", "RMB": "0"}), "totals"),
    (top(unknown_prices=1), "unknown_prices"),
    (top(unknown_prices=False), "unknown_prices"),
    (top(has_changes=False), "has_changes"),
    (top(has_changes=1), "has_changes"),
    (top(valid_until="2026-11-30T00:00:01Z"), "valid_until"),
    (top(valid_until="2026-11-23T00:00:00Z"), "valid_until"),
    (top(valid_until="2026-11-24"), "valid_until"),
    (top(created="2026-11-16T23:59:59Z"), "valid_until"),
    (top(approved_by="somebody"), "approved_by"),
    (lambda plan: plan["items"].append(plan["items"][0]), "items"),
    (item(product_no="B"), "items"),
    (item(expires_after="2036-12-05T00:00:00Z"), "items"),
    (item(reason="recent_order"), "items"),
    (item(quantity=True), "items"),
    (item(quantity="100"), "items"),
    (item(price={"amount": "01680.00", "currency": "USD"}), "items"),
    (item(price={"amount": "1680.00", "currency": "usd"}), "items"),
    (item(billing_contact_email=""), "items"),
    (item(comment="free of charge"), "items"),
    (item(services=[{"id": "9", "name": None}, {"id": "1", "name": None}]), "items"),
    (limits(include_expired="no"), "policy"),
    (limits(on_unknown_price="ask"), "policy"),
    (limits(max_orders=1), "policy"),
    (limits(max_total="1699.99"), "policy"),
]


@pytest.mark.parametrize(("edit", "name"), CONTRADICTIONS)
def test_a_plan_that_says_otherwise_than_its_orders_is_refused(
    path: Path, edit: Callable[[dict[str, Any]], None], name: str
) -> None:
    plan = priced()
    edit(plan)
    plan["digest"] = _plan_file._digest(plan)
    write_plan(str(path), plan)
    refused(path, plan["digest"], rf"contradicts itself in .*\b{name}\b.*plan again")


INCOMPLETE: list[Callable[[dict[str, Any]], object]] = [
    lambda plan: plan.pop("totals"),
    lambda plan: plan.pop("portal"),
    lambda plan: plan["items"][0].pop("quantity"),
    lambda plan: plan["policy"].pop("currency"),
    top(items=None),
    top(items=[1]),
    top(policy=[]),
    top(created="soon"),
    item(quantity=float("inf")),
    item(billing_cycle="once"),
    item(auto_renewal=True),
    item(auto_renewal=0),
    item(auto_renewal="off"),
    lambda plan: plan["items"][0].pop("auto_renewal"),
    item(declared=None),
    lambda plan: plan["items"][0].pop("declared"),
    item(expires_before="2099-12-31"),
    item(price="1680.00 USD"),
    item(price={"amount": "a lot", "currency": "USD"}),
    limits(max_total="much"),
]


@pytest.mark.parametrize("edit", INCOMPLETE)
def test_what_lacks_anything_or_holds_what_cannot_be_read_is_no_plan(
    path: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    plan = priced()
    edit(plan)
    plan["digest"] = _plan_file._digest(plan)
    write_plan(str(path), plan)
    refused(path, plan["digest"], r"plan_file: \S+ (is no plan as yeastar_pce_plan saves it|contradicts itself)")


def test_half_a_character_is_no_plan(path: Path) -> None:
    path.write_bytes(b'{"digest":"\\ud800"}')
    refused(path, "0", "is no plan")


def test_a_plan_that_is_yet_to_be_made_is_refused_and_clocks_may_differ(path: Path) -> None:
    plan = priced()
    write_plan(str(path), plan)
    read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW - DAY)
    with pytest.raises(PlanError, match="was made on 2026-11-23T00:00:00Z, but it is 2026-11-21T23:59:59Z"):
        read_plan(str(path), plan["digest"], PORTAL, ACCOUNT, NOW - DAY - timedelta(seconds=1))
