# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables: they take effect wherever they are set, and impossible values are refused before any order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plays import (
    ABSENT,
    ANNUAL,
    FAR,
    MONTHLY,
    ROLE,
    renewed,
    role_play,
    run,
    with_prefix,
)
from tests.support.processes import Ansible, orders_sent

# The annual PBX has 11 or 12 days left: due at 20 days, not due at 5. The far one is due at neither.
DUE, NOT_DUE = with_prefix({"remaining_days": 20}), with_prefix({"remaining_days": 5})
USE_ROLE = {"import_role": {"name": ROLE}}


def tasks_play(*tasks: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    return role_play(roles=[], tasks=list(tasks), **keywords)


@pytest.mark.parametrize(
    ("host_vars", "play", "arguments"),
    [
        pytest.param({"remaining_days": 20}, role_play(), [], id="host vars"),
        pytest.param({}, role_play(vars=DUE), [], id="play vars"),
        pytest.param({}, role_play(roles=[{"role": ROLE, **DUE}]), [], id="role parameters"),
        pytest.param({}, tasks_play({"include_role": {"name": ROLE}, "vars": DUE}), [], id="include_role vars"),
        pytest.param(
            {"remaining_days": 5}, role_play(vars=NOT_DUE), ["-e", "pce_renewal_remaining_days=20"], id="extra vars"
        ),
    ],
)
def test_each_place_of_variables_overrides_the_groups(
    six: Ansible, host_vars: dict[str, Any], play: dict[str, Any], arguments: list[str]
) -> None:
    hosts = {FAR: {}, ANNUAL: host_vars}
    shown = run(six, hosts, *arguments, plays=[play], remaining_days=5)
    assert shown.states() == {FAR: "current", ANNUAL: "renewed"}, shown.output
    assert renewed(six.portal) == [ANNUAL]


def test_group_vars_and_a_fact_of_one_host_decide_for_the_hosts_they_belong_to(six: Ansible) -> None:
    fact = {"set_fact": with_prefix({"remaining_days": 6}), "when": f"inventory_hostname == '{MONTHLY}'"}
    shown = run(six, {ANNUAL: {}, MONTHLY: {}}, plays=[tasks_play(fact, USE_ROLE)], remaining_days=1)
    assert shown.states() == {ANNUAL: "current", MONTHLY: "renewed"}, shown.output
    assert "renewal is due 1 days before" in shown.results()[ANNUAL]["msg"]
    assert renewed(six.portal) == [MONTHLY]


def test_what_is_wrong_with_one_host_fails_that_host_alone(six: Ansible) -> None:
    hosts = {
        "right": {"product_no": ANNUAL, "quantity": 100, "services": ["High Availability"]},
        "wrong_quantity": {"product_no": MONTHLY, "quantity": 26},
        "elsewhere": {"product_no": ABSENT},
        "typing_error": {"product_no": FAR, "billing_cycle": "yearly"},
    }
    shown = run(six, hosts)
    assert shown.states() == {"wrong_quantity": "blocked", "elsewhere": "failed", "right": "renewed"}, shown.output
    failed = [host for host, counts in shown.recap.items() if counts.get("failed")]
    assert sorted(failed) == ["elsewhere", "typing_error", "wrong_quantity"]
    messages = {host: result["msg"] for host, result in shown.results().items()}
    assert "26" in messages["wrong_quantity"] and "25" in messages["wrong_quantity"]
    assert ABSENT in messages["elsewhere"] and "6 PBXs" in messages["elsewhere"]
    assert "pce_renewal_billing_cycle" in shown.output and "yearly" in shown.output
    assert renewed(six.portal) == [ANNUAL]


@pytest.mark.faults(86)
def test_a_misspelt_variable_fails_its_host_alone_and_names_the_nearest(six: Ansible) -> None:
    hosts = {ANNUAL: {}, MONTHLY: {"quantiy": 26}}
    shown = run(six, hosts)
    assert shown.states() == {ANNUAL: "renewed"}, shown.output
    assert "pce_renewal_quantiy (the closest is pce_renewal_quantity)" in shown.output
    assert renewed(six.portal) == [ANNUAL]


SLIP = with_prefix({"max_totl": "1"})


@pytest.mark.parametrize(
    ("play", "arguments"),
    [
        pytest.param(role_play(vars=SLIP), [], id="play vars"),
        pytest.param(role_play(roles=[{"role": ROLE, **SLIP}]), [], id="role parameters"),
        pytest.param(tasks_play({"include_role": {"name": ROLE}, "vars": SLIP}), [], id="include_role vars"),
        pytest.param(tasks_play({"set_fact": SLIP}, USE_ROLE), [], id="fact"),
        pytest.param(role_play(), ["-e", "pce_renewal_max_totl=1"], id="extra vars"),
    ],
)
def test_a_misspelt_variable_is_found_wherever_it_is_set(
    six: Ansible, play: dict[str, Any], arguments: list[str]
) -> None:
    shown = run(six, {ANNUAL: {}, MONTHLY: {}}, *arguments, plays=[play])
    # For role parameters Ansible itself reports this, with all known names.
    assert shown.status == 2 and all(name in shown.output for name in ("max_totl", "max_total")), shown.output
    assert {host: counts.get("failed") for host, counts in shown.recap.items()} == {ANNUAL: 1, MONTHLY: 1}
    assert six.portal.log == []


def test_names_of_ones_own_and_what_the_role_registers_do_not_keep_it_from_a_second_use(six: Ansible) -> None:
    own = {"note": "Head office", "extra_variables": ["pce_renewal_note"]}
    shown = run(six, {ANNUAL: own}, "-e", "pce_renewal_hosts=all", plays=[tasks_play(USE_ROLE, USE_ROLE)])
    assert shown.status == 0 and shown.states() == {ANNUAL: "current"}, shown.output
    assert renewed(six.portal) == [ANNUAL]


def ini(*lines: str) -> str:
    return "\n".join(["[pbxs]", ANNUAL, *lines, "[pbxs:vars]", "pce_renewal_max_orders=2", ""])


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        pytest.param(
            {ANNUAL: {}, "branch": {"product_no": ANNUAL}},
            ["branch", "same PBX", ANNUAL],
            id="same PBX",
            marks=pytest.mark.faults(41),
        ),
        pytest.param(
            {ANNUAL: {"max_orders": 1}, MONTHLY: {"max_orders": 2}},
            ["pce_renewal_max_orders", ANNUAL, MONTHLY],
            id="two caps",
        ),
        pytest.param({ANNUAL: {"max_orders": None}}, ["pce_renewal_max_orders", "not set"], id="no cap"),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused_before_any_request(
    six: Ansible, hosts: dict[str, Any] | str, words: list[str]
) -> None:
    shown = run(six, hosts)
    assert shown.status != 0
    failures = [result["msg"] for result in shown.results("").values() if result["word"] == "fatal"]
    assert failures and all(word in failures[0] for word in words), shown.output
    assert six.portal.log == []


@pytest.mark.faults(64)
@pytest.mark.parametrize(
    ("hosts", "seen"),
    [
        pytest.param(ini("branch pce_renewal_product_no=3631E3418911"), "inf", id="INI float"),
        pytest.param({ANNUAL: {}, "branch": {"product_no": 5349}}, "5349", id="YAML int"),
    ],
)
def test_a_serial_number_that_became_a_number_fails_its_host_alone(
    six: Ansible, hosts: dict[str, Any] | str, seen: str
) -> None:
    shown = run(six, hosts)
    failures = {host: result["msg"] for host, result in shown.results("").items() if result["word"] == "fatal"}
    assert list(failures) == ["branch"]
    assert all(word in failures["branch"] for word in ("product_no", seen, "quote"))
    assert renewed(six.portal) == [ANNUAL]


def test_more_due_than_the_cap_orders_nothing_and_fails_the_due_hosts(six: Ansible) -> None:
    shown = run(six, {ANNUAL: {}, FAR: {}, MONTHLY: {}}, max_orders=1)
    assert shown.states() == {ANNUAL: "not_attempted", FAR: "current", MONTHLY: "not_attempted"}
    words = {host: result["word"] for host, result in shown.results().items()}
    assert words == {ANNUAL: "fatal", FAR: "ok", MONTHLY: "fatal"}
    message = shown.results()[ANNUAL]["msg"]
    assert "2 subscriptions are due" in message and "max_orders is 1" in message
    assert orders_sent(six.portal) == 0
