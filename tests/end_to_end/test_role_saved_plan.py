# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role saves the plan of a batch and applies it: what was approved is bought, and nothing for other hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.plays import (
    ANNUAL,
    EXPIRED,
    FAR,
    MONTHLY,
    ROLE,
    SELF_RENEWING,
    SWITCHING,
    Shown,
    playbook,
    renewed,
    role_play,
    run,
)
from tests.support.processes import Ansible, orders_sent

PLAN_PLAY = role_play(roles=[], tasks=[{"import_role": {"name": ROLE, "tasks_from": "plan"}}])
BOTH: dict[str, dict[str, Any]] = {ANNUAL: {}, MONTHLY: {}}


def document_of(ansible: Ansible) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ansible.home / "plan.json").read_text(encoding="utf-8"))
    return document


def save(ansible: Ansible, hosts: dict[str, Any], *arguments: str, **variables: Any) -> Shown:
    return run(ansible, hosts, *arguments, plays=[PLAN_PLAY], plan_dest=str(ansible.home / "plan.json"), **variables)


def apply(ansible: Ansible, hosts: dict[str, Any], *arguments: str, **variables: Any) -> Shown:
    digest = document_of(ansible)["digest"]
    given = {"plan_file": str(ansible.home / "plan.json"), "plan_digest": digest, "max_orders": None, **variables}
    return run(ansible, hosts, *arguments, **given)


def assert_refused(ansible: Ansible, shown: Shown, said: str) -> None:
    assert shown.status == 2 and said in shown.output, shown.output
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


@pytest.mark.faults(67)
def test_the_playbooks_save_apply_and_apply_only_once(six: Ansible) -> None:
    saved = playbook(six, "plan", "-e", "pce_renewal_plan_dest=plan.json")
    document = document_of(six)
    assert [item["product_no"] for item in document["items"]] == [MONTHLY, ANNUAL] and saved.status == 2
    for result in saved.results().values():
        assert result["saved_plan"]["digest"] == document["digest"]
        assert result["saved_plan"]["has_changes"] and result["saved_plan"]["dest"] == "plan.json"
    assert (six.home / "plan.json").stat().st_mode & 0o777 == 0o600
    approved = ["-e", "pce_renewal_plan_file=plan.json", "-e", f"pce_renewal_plan_digest={document['digest']}"]
    expected = {
        "head_office": "due",
        MONTHLY: "due",
        SELF_RENEWING: "skipped",
        EXPIRED: "blocked",
        FAR: "current",
        SWITCHING: "current",
    }
    check = playbook(six, "renew", *approved, "--check", "--diff")
    assert check.states() == expected and check.diffs == [MONTHLY, ANNUAL] and orders_sent(six.portal) == 0
    applied = playbook(six, "renew", *approved, "--diff")
    assert applied.states() == {**expected, "head_office": "renewed", MONTHLY: "renewed"}, applied.output
    assert renewed(six.portal) == applied.diffs == [MONTHLY, ANNUAL]
    again = playbook(six, "renew", *approved)
    assert "this plan was applied on" in again.output and orders_sent(six.portal) == 2


def test_plan_file_check_mode_diff_and_order_name_the_same_items_dates_and_amounts(six: Ansible) -> None:
    save(six, BOTH)
    items = {item["product_no"]: item for item in document_of(six)["items"]}
    assert sorted(items) == [MONTHLY, ANNUAL]
    check, applied = apply(six, BOTH, "--check", "--diff"), apply(six, BOTH, "--diff")
    assert check.diffs == applied.diffs == sorted(items)
    invoices = {invoice.product_no: invoice for invoice in six.portal.invoices}
    for number, item in items.items():
        dates = (item["expires_before"], item["expires_after"])
        for shown in (check, applied):
            result = shown.results()[number]
            assert (result["expires_before"], result["expires_after"]) == dates
            assert f"expires_at: {dates[0]}" in shown.output and f"expires_at: {dates[1]}" in shown.output
            assert f"price: {item['price']['amount']} {item['price']['currency']}" in shown.output
            assert f"extensions: {item['quantity']}" in shown.output
        invoice = invoices.pop(number)
        assert (
            tuple(f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in (invoice.expiry_before, invoice.expiry_after)) == dates
        )
        assert item["price"] == {"amount": f"{invoice.amount}", "currency": invoice.currency}
        body = json.loads(invoice.raw_body)
        plan_line, *service_lines = body["serviceList"]
        assert (item["quantity"], item["billing_cycle"]) == (plan_line["quantity"], plan_line["billingCycle"])
        assert item["plan"]["id"] == str(plan_line["serviceId"])
        assert [one["id"] for one in item["services"]] == sorted(str(line["serviceId"]) for line in service_lines)
        assert (item["billing_contact_id"], item["po_number"]) == (str(body["billingId"]), body["poNumber"])
    assert not invoices


def test_in_check_mode_and_above_a_cap_no_plan_is_saved_and_where_it_cannot_be_every_host_fails(six: Ansible) -> None:
    checked = save(six, BOTH, "--check")
    assert checked.status == 0 and set(checked.states().values()) == {"due"}
    capped = save(six, BOTH, max_orders=1)
    assert set(capped.states().values()) == {"not_attempted"} and "saved_plan" not in capped.output
    assert not (six.home / "plan.json").exists()
    shown = run(six, {ANNUAL: {}, FAR: {}}, plays=[PLAN_PLAY], plan_dest="/nowhere/plan.json")
    results = shown.results()
    assert {host: result["word"] for host, result in results.items()} == {ANNUAL: "fatal", FAR: "fatal"}
    assert all("dest: /nowhere/plan.json cannot be written" in result["msg"] for result in results.values())


def test_nothing_is_bought_for_a_host_that_is_no_item_and_one_that_is_due_says_so(six: Ansible) -> None:
    save(six, {ANNUAL: {}})
    shown = apply(six, {ANNUAL: {}, MONTHLY: {}, FAR: {}})
    assert shown.states() == {ANNUAL: "renewed", MONTHLY: "not_attempted", FAR: "current"}, shown.output
    result = shown.results()[MONTHLY]
    assert result["reason"] == "not_in_plan" and "not part of the plan" in result["msg"] and result["word"] == "fatal"
    assert renewed(six.portal) == [ANNUAL]


@pytest.mark.parametrize("limit", [["--limit", ANNUAL], []], ids=["limit", "host with bad variables"])
def test_a_plan_of_which_a_host_is_missing_is_refused_as_a_whole(six: Ansible, limit: list[str]) -> None:
    save(six, BOTH)
    hosts = BOTH if limit else {ANNUAL: {}, MONTHLY: {"quantity": 0}}
    shown = apply(six, hosts, *limit)
    assert_refused(six, shown, f"it orders {MONTHLY}, which no host of this batch is")


def test_with_the_same_limit_for_both_it_is_a_smaller_plan(six: Ansible) -> None:
    save(six, BOTH, "--limit", MONTHLY)
    assert apply(six, BOTH, "--limit", MONTHLY).states() == {MONTHLY: "renewed"}
    assert renewed(six.portal) == [MONTHLY]


def test_a_part_of_a_play_neither_saves_nor_applies_a_plan(six: Ansible) -> None:
    shown = save(six, BOTH)
    plan_part, part = {**PLAN_PLAY, "serial": 1}, role_play(serial=1)
    digest = document_of(six)["digest"]
    six.portal.reset_log()
    for play, variables in (
        (plan_part, {"plan_dest": str(six.home / "other.json")}),
        (part, {"plan_file": str(six.home / "plan.json"), "plan_digest": digest}),
    ):
        shown = run(six, BOTH, plays=[play], **variables)
        assert_refused(six, shown, f"pce_renewal_{next(iter(variables))}: a plan needs all hosts in one batch")
    assert not six.portal.log and not (six.home / "other.json").exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"quantity": 120}, "quantity is declared as 120, the portal says 100"),
        ({"po_number": "PO-1"}, "-> PO-1"),
        ({"expected_expiry": "2020-01-31"}, "expected_expiry"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_declared_otherwise_by_now_is_refused(six: Ansible, variables: dict[str, Any], said: str) -> None:
    save(six, {ANNUAL: {}})
    shown = apply(six, {ANNUAL: variables})
    assert shown.states() == {ANNUAL: "blocked"}
    assert_refused(six, shown, said)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"plan_digest": "0" * 64}, "not the one that was approved"),
        ({"plan_digest": None}, "plan_digest"),
        ({"plan_file": ""}, "plan_file:"),
        ({"plan_file": None}, "pce_renewal_plan_file: expected a value, got null"),
        (
            {"plan_file": None, "plan_digest": None, "max_orders": 2},
            "pce_renewal_plan_file: expected a value, got null",
        ),
        ({"max_orders": 1}, "2 subscriptions are due and max_orders is 1"),
    ],
    ids=str,
)
def test_a_plan_that_is_not_told_whole_is_refused_and_a_cap_still_holds(
    six: Ansible, variables: dict[str, Any], said: str
) -> None:
    save(six, BOTH)
    assert_refused(six, apply(six, BOTH, **variables), said)


def test_a_rescue_gets_the_host_that_has_changed_and_the_others_are_bought(six: Ansible) -> None:
    save(six, BOTH)
    six.portal.pbx(MONTHLY).quantity += 1
    rescue = {"name": "Rescue", "debug": {"msg": "{{ inventory_hostname }} {{ ansible_failed_result.reason }}"}}
    block = {"block": [{"import_role": {"name": ROLE}}], "rescue": [rescue]}
    digest = document_of(six)["digest"]
    given = {"plan_file": str(six.home / "plan.json"), "plan_digest": digest}
    shown = run(six, BOTH, plays=[role_play(roles=[], tasks=[block])], **given)
    assert shown.results("Rescue")[MONTHLY]["msg"] == f"{MONTHLY} stale_plan"
    assert shown.status == 0 and renewed(six.portal) == [ANNUAL]
