# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role with an inventory: each host has its own outcome, also with the options of ansible-playbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.plays import (
    ANNUAL,
    EXPIRED,
    FAR,
    MONTHLY,
    SELF_RENEWING,
    SWITCHING,
    Shown,
    playbook,
    renewed,
    role_play,
    run,
)
from tests.support.processes import Ansible, orders_sent

# The outcome of the example inventory: the callback's word, the state, and a part of the message.
FIRST_RUN = {
    "head_office": ("changed", "renewed", "renewed by order"),
    MONTHLY: ("changed", "renewed", "renewed by order"),
    SELF_RENEWING: ("ok", "skipped", "auto-renewal is on"),
    EXPIRED: ("fatal", "blocked", "include_expired"),
    FAR: ("ok", "current", "renewal is due 30 days before"),
    SWITCHING: ("ok", "current", "renewal is due 30 days before"),
}
CHECK_RUN = {
    **FIRST_RUN,
    "head_office": ("changed", "due", "100 extensions"),
    MONTHLY: ("changed", "due", "25 extensions"),
}
SECOND_RUN = {
    **FIRST_RUN,
    "head_office": ("ok", "current", "renewal is due 45 days before"),
    MONTHLY: ("ok", "current", "renewal is due 7 days before"),
}


def assert_shows(shown: Shown, expected: dict[str, tuple[str, str, str]]) -> None:
    """Each host has exactly this outcome, and the recap and the exit status agree with it."""
    results = shown.results()
    assert {host: (result["word"], result["state"]) for host, result in results.items()} == {
        host: (word, state) for host, (word, state, *dummy) in expected.items()
    }, shown.output
    for host, (*dummy, message) in expected.items():
        assert message in results[host]["msg"]
    for word, count in (("changed", "changed"), ("fatal", "failed")):
        wanted = sorted(host for host, (seen, *dummy) in expected.items() if seen == word)
        assert sorted(host for host, counts in shown.recap.items() if counts.get(count)) == wanted
    assert sorted(shown.recap) == sorted(expected)
    assert shown.status == (2 if any(word == "fatal" for word, *dummy in expected.values()) else 0)


def test_each_host_of_the_example_shows_its_own_outcome_and_a_second_run_changes_nothing(six: Ansible) -> None:
    before = {pbx.product_no: f"{pbx.expires_at:%Y-%m-%dT%H:%M:%SZ}" for pbx in six.portal.pbxs}
    first = playbook(six, "renew", "--diff")
    assert_shows(first, FIRST_RUN)
    assert renewed(six.portal) == first.diffs == [MONTHLY, ANNUAL]
    results = first.results()
    for invoice in six.portal.invoices:
        result = results["head_office" if invoice.product_no == ANNUAL else invoice.product_no]
        assert result["order"]["order_no"] == invoice.order_no and invoice.order_no in result["msg"]
        assert result["expires_after"] == f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}"
    assert {host: result["expires_before"] for host, result in results.items()} == {
        host: before[ANNUAL if host == "head_office" else host] for host in FIRST_RUN
    }

    second = playbook(six, "renew", "--diff")
    assert_shows(second, SECOND_RUN)
    assert second.diffs == [] and orders_sent(six.portal) == 2


@pytest.mark.faults(68)
def test_check_mode_sends_nothing_and_foretells_the_changes_and_diffs(six: Ansible) -> None:
    check = playbook(six, "renew", "--check", "--diff")
    assert_shows(check, CHECK_RUN)
    assert check.diffs == [MONTHLY, ANNUAL]
    assert orders_sent(six.portal) == 0


@pytest.mark.parametrize("choice", [("--limit", "head_office"), ("-e", "pce_renewal_hosts=head_office")], ids=" ".join)
def test_one_due_host_that_is_chosen_is_the_one_ordered(six: Ansible, choice: tuple[str, str]) -> None:
    shown = playbook(six, "renew", *choice)
    assert_shows(shown, {"head_office": FIRST_RUN["head_office"]})
    assert shown.diffs == []
    assert renewed(six.portal) == [ANNUAL]


@pytest.mark.parametrize(
    ("fault", "word", "state", "ordered"),
    [
        # A refusal that is not definite may hide an order: docs/portal-api.md, 1.1.5.
        ({"verb": "business_error", "status": 400}, "fatal", "failed", False),
        ({"verb": "order_pending"}, "changed", "pending", True),
    ],
    ids=["refused", "unpaid"],
)
def test_an_order_that_goes_wrong_shows_at_its_host_and_the_others_are_renewed(
    six: Ansible, fault: dict[str, Any], word: str, state: str, ordered: bool
) -> None:
    six.portal.fault(path="/order/v1/save", **fault)  # affects the most urgent order
    shown = run(six, {ANNUAL: {}, FAR: {}, MONTHLY: {}}, wait_timeout=0, concurrency=1)
    assert shown.states() == {ANNUAL: "renewed", FAR: "current", MONTHLY: state}, shown.output
    result = shown.results()[MONTHLY]
    assert (result["word"], result["changed"]) == (word, True)
    assert (MONTHLY in renewed(six.portal)) == ordered and ANNUAL in renewed(six.portal)


def test_the_first_host_failing_hides_no_later_hosts_outcome(six: Ansible) -> None:
    shown = run(six, {EXPIRED: {}, FAR: {}, ANNUAL: {}, MONTHLY: {}}, "--forks", "1")
    assert renewed(six.portal) == [MONTHLY, ANNUAL]
    expected = {EXPIRED: "blocked", FAR: "current", ANNUAL: "renewed", MONTHLY: "renewed"}
    assert shown.states() == expected, shown.output


def test_serial_makes_batches_of_which_each_has_its_own_call_and_outcomes(six: Ansible) -> None:
    hosts = {host: {} for host in (ANNUAL, FAR, EXPIRED, MONTHLY)}
    shown = run(six, hosts, plays=[role_play(serial=2)], max_orders=2)
    assert shown.states() == {ANNUAL: "renewed", FAR: "current", EXPIRED: "blocked", MONTHLY: "renewed"}
    assert renewed(six.portal) == [MONTHLY, ANNUAL]
    assert sum(entry.path.endswith("/token") for entry in six.portal.log) == 2


def test_the_cap_holds_for_all_batches_of_a_play_together(six: Ansible) -> None:
    shown = run(six, {host: {} for host in (ANNUAL, FAR, MONTHLY)}, plays=[role_play(serial=1)], max_orders=1)
    assert shown.states() == {ANNUAL: "renewed", FAR: "current", MONTHLY: "not_attempted"}
    already, here = f"has ordered or is ordering 1 ({ANNUAL}) already", f"due here: 1 ({MONTHLY})"
    assert f"{already}; {here}; max_orders is 1: nothing was ordered here" in shown.results()[MONTHLY]["msg"]
    assert renewed(six.portal) == [ANNUAL]


@pytest.mark.parametrize(
    ("tag", "orders"), [("renewal", [ANNUAL]), ("telephones", [])], ids=["its tag runs it", "another tag does nothing"]
)
def test_tags_of_the_role_decide_whether_it_runs(six: Ansible, tag: str, orders: list[str]) -> None:
    tagged = role_play(tasks=[{"import_role": {"name": "pbxops.yeastar.pce_renewal"}, "tags": ["renewal"]}], roles=[])
    shown = run(six, {ANNUAL: {}}, "--tags", tag, plays=[tagged])
    assert shown.status == 0
    assert renewed(six.portal) == sorted(shown.states()) == orders
    assert bool(six.portal.log) == bool(orders)


@pytest.mark.parametrize("forks", ["1", "20"])
def test_the_number_of_forks_changes_neither_calls_nor_outcomes(start: Callable[..., Ansible], forks: str) -> None:
    ansible = start(fleet={"generate": {"count": 12, "due": 3}})
    hosts = {pbx.product_no: {} for pbx in ansible.portal.pbxs}
    shown = run(ansible, hosts, "--forks", forks, max_orders=3)
    states = shown.states()
    assert sorted(states) == sorted(hosts)
    assert sorted(host for host, state in states.items() if state == "renewed") == renewed(ansible.portal)
    assert len(ansible.portal.invoices) == 3
    assert sum(entry.path.endswith(("/token", "/instance_product_list")) for entry in ansible.portal.log) == 2
