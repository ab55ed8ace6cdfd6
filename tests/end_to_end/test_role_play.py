# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in a play: only hosts that reach it are ordered, regardless of conditions, blocks and strategies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plays import (
    ANNUAL,
    EXPIRED,
    FAR,
    MONTHLY,
    ROLE,
    renewed,
    role_play,
    run,
)
from tests.support.processes import Ansible

IMPORT, INCLUDE = {"import_role": {"name": ROLE}}, {"include_role": {"name": ROLE}}
BOTH = {ANNUAL: {}, MONTHLY: {}}


def on(host: str) -> dict[str, str]:
    return {"when": f"inventory_hostname == '{host}'"}


def other_than(host: str) -> dict[str, str]:
    return {"when": f"inventory_hostname != '{host}'"}


def tasks_play(*tasks: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    return role_play(roles=[], tasks=list(tasks), **keywords)


@pytest.mark.parametrize("use", [IMPORT, INCLUDE], ids=["import_role", "include_role"])
@pytest.mark.parametrize(("left_out", "taken"), [(ANNUAL, MONTHLY), (MONTHLY, ANNUAL)], ids=["first", "last"])
def test_a_host_that_a_condition_leaves_out_is_not_ordered(
    six: Ansible, use: dict[str, Any], left_out: str, taken: str
) -> None:
    shown = run(six, BOTH, plays=[tasks_play({**use, **other_than(left_out)})])
    assert renewed(six.portal) == [taken]
    assert shown.states() == {taken: "renewed"}, shown.output
    assert shown.status == 0


def test_a_host_that_failed_in_the_same_block_and_is_to_be_rescued_is_not_ordered(six: Ansible) -> None:
    block = [{"fail": {"msg": "not now"}, **on(MONTHLY)}, IMPORT]
    shown = run(six, BOTH, plays=[tasks_play({"block": block, "rescue": [{"debug": {"msg": "rescued"}}]})])
    assert renewed(six.portal) == [ANNUAL]
    assert shown.states() == {ANNUAL: "renewed"}


def test_hosts_that_failed_or_ended_earlier_in_the_play_are_not_ordered(six: Ansible) -> None:
    hosts = {"ended": {"product_no": FAR, "remaining_days": 300}, ANNUAL: {}, MONTHLY: {}}
    early = [{"meta": "end_host", **on("ended")}, {"fail": {"msg": "not now"}, **on(ANNUAL)}]
    shown = run(six, hosts, plays=[tasks_play(*early, IMPORT)])
    assert renewed(six.portal) == [MONTHLY]
    assert shown.states() == {MONTHLY: "renewed"}
    assert shown.recap[ANNUAL]["failed"] == 1


def test_a_host_that_failed_and_always_reaches_the_role_is_not_ordered(six: Ansible) -> None:
    block = [{"fail": {"msg": "not now"}, **on(MONTHLY)}]
    shown = run(six, BOTH, plays=[tasks_play({"block": block, "always": [IMPORT]})])
    assert renewed(six.portal) == [ANNUAL]
    assert shown.states() == {ANNUAL: "renewed"}, shown.output
    assert "clear_host_errors" in shown.output and shown.recap[MONTHLY]["failed"]


@pytest.mark.faults(10)
def test_a_task_whose_time_is_over_tells_each_host_what_has_become_of_it(six: Ansible) -> None:
    six.portal.fault("order_status", status="pending")
    hosts = {MONTHLY: {}, ANNUAL: {}, FAR: {}}
    # A second apart, since Ansible itself handles a timeout after a host has its outcome, and reports a failure.
    timed = {"role": ROLE, "timeout": "{{ 7 + groups['all'].index(inventory_hostname) }}"}
    shown = run(six, hosts, plays=[role_play(roles=[timed])], wait_timeout=300, concurrency=1)
    states = {MONTHLY: "pending", ANNUAL: "renewed", FAR: "current"}
    assert shown.states() == states, shown.output
    assert {host: shown.recap[host].get("changed", 0) for host in hosts} == {MONTHLY: 1, ANNUAL: 1, FAR: 0}
    assert len(six.portal.invoices) == 2


def test_a_strategy_that_takes_hosts_apart_is_refused_before_anything_is_sent(six: Ansible) -> None:
    shown = run(six, BOTH, plays=[role_play(strategy="free")])
    assert shown.status != 0
    assert "the strategy free " in shown.output and "use the strategy linear" in shown.output
    assert six.portal.log == []


def once(value: Any = True) -> dict[str, Any]:
    return {"run_once": value}


APPLY = {"include_role": {"name": ROLE, "apply": once()}}
ONCE = {
    "role": role_play(roles=[{"role": ROLE, **once()}]),
    "play": role_play(**once()),
    "import": tasks_play({**IMPORT, **once()}),
    "include": tasks_play({**INCLUDE, **once()}),
    "apply": tasks_play(APPLY),
    "block": tasks_play({"block": [{"block": [INCLUDE]}], **once()}),
    "template": tasks_play({**INCLUDE, **once("{{ groups['all'] | length > 1 }}")}),
    "plan": tasks_play({"import_role": {"name": ROLE, "tasks_from": "plan"}, **once()}),
}


@pytest.mark.faults(80)
@pytest.mark.parametrize("play", ONCE.values(), ids=list(ONCE))
def test_run_once_anywhere_around_the_role_is_refused_before_anything_is_sent(
    six: Ansible, play: dict[str, Any]
) -> None:
    """Ansible gives the other hosts the result of the one that runs, or none; they would silently not be renewed."""
    shown = run(six, BOTH, plays=[play])
    assert shown.status != 0 and six.portal.log == [], shown.output
    assert "run_once lets one host stand for all" in shown.output and shown.states() == {}


@pytest.mark.parametrize(
    ("around", "play"),
    [
        ({"run_once": "{{ groups['all'] | length == 1 }}"}, {}),
        ({"throttle": 1}, {}),
        ({"delegate_to": "localhost", "delegate_facts": True}, {}),
        ({"delegate_to": MONTHLY}, {}),
        ({}, {"any_errors_fatal": True}),
        ({}, {"max_fail_percentage": 0}),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else None,
)
def test_what_else_sends_tasks_elsewhere_or_ends_a_play_leaves_each_host_its_own_outcome(
    six: Ansible, around: dict[str, Any], play: dict[str, Any]
) -> None:
    told = {"name": "After", "debug": {"msg": "{{ inventory_hostname }} {{ pce_renewal_outcome.state }}"}}
    shown = run(
        six, {ANNUAL: {}, FAR: {}, MONTHLY: {}}, plays=[tasks_play({"block": [INCLUDE], **around}, told, **play)]
    )
    states = {ANNUAL: "renewed", FAR: "current", MONTHLY: "renewed"}
    assert shown.states() == states, shown.output
    told_by = {host: result["msg"] for host, result in shown.results("After").items()}
    assert told_by == {host: f"{host} {state}" for host, state in states.items()}
    assert renewed(six.portal) == [MONTHLY, ANNUAL] and shown.status == 0


@pytest.mark.parametrize("keyword", [{"any_errors_fatal": True}, {"max_fail_percentage": 0}], ids=str)
def test_a_play_that_ends_with_its_first_failure_orders_nothing_for_a_request_that_is_wrong(
    six: Ansible, keyword: dict[str, Any]
) -> None:
    shown = run(six, {**BOTH, FAR: {"quantity": 0}}, plays=[tasks_play(INCLUDE, **keyword)])
    assert shown.status != 0 and six.portal.log == [] and shown.states() == {}


def test_the_role_used_twice_in_a_play_orders_once_and_shows_the_later_outcome(six: Ansible) -> None:
    shown = run(six, BOTH, plays=[tasks_play(IMPORT, INCLUDE)])
    assert shown.status == 0
    assert [counts["changed"] for counts in shown.recap.values()] == [1, 1]
    assert shown.states() == {ANNUAL: "current", MONTHLY: "current"}
    assert renewed(six.portal) == [MONTHLY, ANNUAL]


def test_a_renewal_after_a_plan_in_the_same_play_shows_the_renewal(six: Ansible) -> None:
    plan = {"import_role": {"name": ROLE, "tasks_from": "plan"}}
    shown = run(six, BOTH, plays=[tasks_play(plan, {**INCLUDE, **on(MONTHLY)})])
    assert shown.states("what became of this PBX") == {MONTHLY: "renewed"}, shown.output
    assert shown.recap[MONTHLY].get("changed") == 1
    assert renewed(six.portal) == [MONTHLY]


def test_a_rescue_around_the_role_gets_the_host_that_failed_and_its_reason(six: Ansible) -> None:
    rescue = {"name": "Rescue", "debug": {"msg": "{{ inventory_hostname }} {{ ansible_failed_result.reason }}"}}
    shown = run(six, {ANNUAL: {}, EXPIRED: {}}, plays=[tasks_play({"block": [INCLUDE], "rescue": [rescue]})])
    assert shown.status == 0
    assert {host: result["msg"] for host, result in shown.results("Rescue").items()} == {EXPIRED: f"{EXPIRED} expired"}
    assert renewed(six.portal) == [ANNUAL]


def test_a_rescue_around_a_batch_that_was_refused_runs_for_every_host(six: Ansible) -> None:
    rescue = {"name": "Rescue", "debug": {"msg": "rescued"}}
    plays = [tasks_play({"block": [IMPORT], "rescue": [rescue]}, {"name": "After", "debug": {"msg": "after"}})]
    shown = run(six, BOTH, plays=plays, max_orders=None)
    assert shown.status == 0
    assert sorted(shown.results("Rescue")) == sorted(shown.results("After")) == [MONTHLY, ANNUAL]
    assert six.portal.log == []


@pytest.mark.faults(64)
def test_no_connection_is_made_whatever_an_inventory_in_ini_says_and_leading_zeros_stay_in_it(six: Ansible) -> None:
    hosts = f"""[pbxs]
branch pce_renewal_product_no={MONTHLY}
[pbxs:vars]
ansible_connection=ssh
ansible_host=192.0.2.1
ansible_ssh_timeout=1
ansible_python_interpreter=/no/python/here
pce_renewal_max_orders=1
"""
    play = role_play()
    del play["connection"]
    shown = run(six, hosts, plays=[play])
    assert shown.states() == {"branch": "renewed"}, shown.output
    assert renewed(six.portal) == [MONTHLY]


def test_hosts_of_which_some_are_in_check_mode_are_refused_and_nothing_is_ordered(six: Ansible) -> None:
    use = {**IMPORT, "check_mode": f"{{{{ inventory_hostname == '{MONTHLY}' }}}}"}
    shown = run(six, BOTH, plays=[tasks_play(use)])
    assert shown.status != 0 and six.portal.invoices == []
    assert "is renew, that of" in shown.output and "is check" in shown.output


def test_an_outcome_with_a_condition_of_its_own_is_refused_and_nothing_is_ordered(six: Ansible) -> None:
    request = {"pbxops.yeastar.yeastar_pce_request": {}, "register": "pce_renewal_request"}
    outcome = {"name": "Outcome", "pbxops.yeastar.yeastar_pce_outcome": {}, **on(MONTHLY)}
    shown = run(six, BOTH, plays=[tasks_play(*(with_serial_numbers(task) for task in (request, outcome)))])
    assert shown.status != 0 and six.portal.invoices == []
    assert "same when and check_mode" in shown.output


def test_a_limit_that_is_raised_after_the_requests_does_not_count(six: Ansible) -> None:
    request = {"pbxops.yeastar.yeastar_pce_request": {}, "register": "pce_renewal_request"}
    outcome = {"pbxops.yeastar.yeastar_pce_outcome": {}, "vars": {"pce_renewal_max_orders": 5}}
    shown = run(
        six, BOTH, plays=[tasks_play(*(with_serial_numbers(task) for task in (request, outcome)))], max_orders=1
    )
    assert shown.status != 0 and six.portal.invoices == []
    assert "2 subscriptions are due and max_orders is 1" in shown.output


def test_an_error_that_ends_the_run_is_told_as_a_warning_too_and_leaves_what_is_current_alone(six: Ansible) -> None:
    six.portal.fault("html", path="purchase_product_info")
    shown = run(six, {ANNUAL: {}, FAR: {}}, plays=[tasks_play(IMPORT)])
    assert shown.states() == {ANNUAL: "not_attempted", FAR: "current"}
    assert "[WARNING]: GET /pricing" in shown.output
    assert six.portal.invoices == []


def with_serial_numbers(task: dict[str, Any]) -> dict[str, Any]:
    """A task outside the role, which would give the host's name as its default."""
    return {**task, "vars": {"pce_renewal_product_no": "{{ inventory_hostname }}", **task.get("vars", {})}}
