# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as ansible-inventory shows it and as a play sees it, complete or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator.profiles import PROFILES
from tests.support.plays import (
    ANNUAL,
    EXPIRED,
    FAR,
    MONTHLY,
    OUTCOME_TASK,
    REPOSITORY,
    SELF_RENEWING,
    SWITCHING,
    Shown,
    renewed,
)
from tests.support.processes import Ansible, orders_sent

EXAMPLES = REPOSITORY / "examples"
PLUGIN = "pbxops.yeastar.yeastar_pce"
LISTING = "/instance_product_list"
EVERY_GROUP = {"expires_in_7", "expires_in_14", "expires_in_30", "expired", "expiry_unknown"}
IS_FATAL = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
NAMES_OF_RENAMED = {"expires_at": "validThrough", "plan": "edition", "plan_id": "editionId", "quantity": "seats"}
HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch struck') }} \u2028\x1b[31m'\"; rm -rf ~"


def source(ansible: Ansible, name: str = "account", **options: Any) -> Path:
    """An inventory file with these options."""
    path = ansible.home / f"{name}.yeastar_pce.yml"
    path.write_text(json.dumps({"plugin": PLUGIN, **options}), encoding="utf-8")
    return path


def cached(ansible: Ansible) -> dict[str, Any]:
    return {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ansible.home / "cache"),
    }


def listed(ansible: Ansible, *arguments: str | Path, **environment: str) -> dict[str, Any]:
    """The output of ansible-inventory, without any warning."""
    process = ansible.inventory("--list", *arguments, environment=environment)
    assert process.returncode == 0 and not process.stderr, process.stderr
    return read(process.stdout)


def read(output: str) -> dict[str, Any]:
    """The listing in an output, without Ansible's marks for text that is not a template."""

    def unmarked(mapping: dict[str, Any]) -> Any:
        return mapping["__ansible_unsafe"] if set(mapping) == {"__ansible_unsafe"} else mapping

    answer: dict[str, Any] = json.loads(output, object_hook=unmarked)
    return answer


def members(shown: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sorted hosts of each group, except Ansible's own groups; listings do not contain empty groups."""
    return {name: sorted(row["hosts"]) for name, row in shown.items() if "hosts" in row and name != "ungrouped"}


def variables(shown: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = shown["_meta"]["hostvars"]
    return found


def test_six_pbxs_are_in_the_groups_of_their_expiry_and_plan_with_what_the_portal_reports(six: Ansible) -> None:
    shown = listed(six, "-i", source(six))
    assert members(shown) == {
        "expires_in_7": [MONTHLY],
        "expires_in_14": sorted([MONTHLY, SELF_RENEWING, ANNUAL]),
        "expires_in_30": sorted([MONTHLY, SELF_RENEWING, ANNUAL]),
        "expired": [EXPIRED],
        "plan_Enterprise_Plan": sorted([ANNUAL, SELF_RENEWING, EXPIRED, SWITCHING]),
        "plan_Ultimate_Plan": sorted([MONTHLY, FAR]),
    }
    assert set(shown["all"]["children"]) >= EVERY_GROUP, "also while they are empty"
    (told,) = [row for row in six.info()["subscriptions"] if row["product_no"] == MONTHLY]
    expected = {f"yeastar_{name}": value for name, value in told.items()}
    assert variables(shown)[MONTHLY] == {**expected, "pce_renewal_product_no": MONTHLY}
    assert expected["yeastar_plan_id"] == "3048572026291630080", "ids are text"


def test_graph_and_host_show_the_same(six: Ansible) -> None:
    path = source(six)
    graph = six.inventory("--graph", "expires_in_7", "-i", path)
    assert graph.stdout.split() == ["@expires_in_7:", f"|--{MONTHLY}"]
    host = read(six.inventory("--host", MONTHLY, "-i", path).stdout)
    assert (host["pce_renewal_product_no"], host["yeastar_quantity"]) == (MONTHLY, 25)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_is_listed_whole_and_what_is_not_known_is_said(
    start: Callable[..., Ansible], profile: str
) -> None:
    fleet = yaml.safe_load((REPOSITORY / "tests/simulator/fleets/six.yml").read_text(encoding="utf-8"))
    ansible = start(fleet=fleet, profile=profile)
    # Filters keep PBXs that they cannot evaluate.
    shown = listed(ansible, "-i", source(ansible, expires_within=30, plan="Enterprise Plan"))
    groups, hosts = members(shown), variables(shown)
    names_expiry, names_plan = profile not in ("renamed", "conflicting", "day_first"), profile != "renamed"
    near, of_plan = {ANNUAL, MONTHLY, SELF_RENEWING, EXPIRED}, {ANNUAL, SELF_RENEWING, EXPIRED, SWITCHING}
    everyone = {pbx.product_no for pbx in ansible.portal.pbxs}
    assert set(hosts) == (near if names_expiry else everyone) & (of_plan if names_plan else everyone)
    assert set(groups.get("expiry_unknown", [])) == (set() if names_expiry else set(hosts))
    for variable in hosts.values():
        assert ("expires_at" in variable["yeastar_undetermined"]) is not names_expiry
        assert (variable["yeastar_days_left"] is None) is not names_expiry


def test_a_field_map_tells_what_a_profile_does_not(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=REPOSITORY / "tests/simulator/fleets/six.yml", profile="renamed")
    shown = listed(ansible, "-i", source(ansible, field_map=NAMES_OF_RENAMED))
    assert members(shown)["expires_in_7"] == [MONTHLY] and "expiry_unknown" not in members(shown)
    assert variables(shown)[MONTHLY]["pce_renewal_field_map"] == NAMES_OF_RENAMED


def test_a_thousand_are_read_once_and_cached_for_this_account_only(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 1000, "due": 10}})
    path = source(ansible, **cached(ansible))
    first = listed(ansible, "-i", path)
    assert len(variables(first)) == 1000 and len(ansible.portal.log) == 41, "a login and 40 pages"
    assert listed(ansible, "-i", path) == first and len(ansible.portal.log) == 41, "from the cache"
    refused = ansible.inventory("--list", "-i", path, environment={"YEASTAR_CLIENT_ID": "another"})
    assert len(ansible.portal.log) == 42 and "credentials were refused" in refused.stderr
    assert variables(read(refused.stdout)) == {}
    (kept,) = (ansible.home / "cache").iterdir()
    text = kept.read_text(encoding="utf-8")
    for unwanted in ("days_left", "CANARY", ansible.portal.client_secret, *ansible.portal.tokens):
        assert unwanted not in text
    assert "expires_at" in text


def test_a_cache_is_flushed_on_request_and_passed_over_when_it_is_not_ours(six: Ansible) -> None:
    path = source(six, **cached(six))
    expected = listed(six, "-i", path)
    (kept,) = (six.home / "cache").iterdir()
    before = len(six.portal.log)
    process = six.playbook("--flush-cache", "--list-hosts", "-i", path, "pbxops.yeastar.plan")
    assert "hosts (6)" in process.stdout and len(six.portal.log) > before, process.stdout
    altered = kept.read_text(encoding="utf-8").replace('": 25', '": 2.5')  # extensions
    for content in ("{", "[]", '{"schema": 1}', altered):
        kept.write_text(content, encoding="utf-8")
        before = len(six.portal.log)
        process = six.inventory("--list", "-i", path)  # which warns if the file is not JSON
        assert read(process.stdout) == expected and len(six.portal.log) > before, content[:40]


def test_filters_names_and_composed_groups_are_the_users(six: Ansible) -> None:
    six.portal.pbx(ANNUAL).comment = "Head office, 2nd floor"
    path = source(
        six,
        include=["yeastar_plan == 'Enterprise Plan'", "yeastar_quantity > 100"],
        exclude=["yeastar_auto_renewal", f"yeastar_product_no == '{SWITCHING}'"],
        hostname="{{ yeastar_comment | default(yeastar_product_no, true) | regex_replace('[^\\w.-]+', '-') }}",
        compose={"is_small": "yeastar_quantity < 60"},
        groups={"large": "yeastar_quantity >= 100"},
        keyed_groups=[{"key": "yeastar_billing_cycle", "prefix": "billed"}],
        strict=True,
    )
    shown = listed(six, "-i", path)
    assert sorted(variables(shown)) == sorted(["Head-office-2nd-floor", EXPIRED, FAR])
    assert members(shown)["large"] == sorted(["Head-office-2nd-floor", FAR])
    assert members(shown)["billed_annually"] == sorted(variables(shown))
    assert variables(shown)[EXPIRED]["is_small"] is True
    assert variables(shown)["Head-office-2nd-floor"]["pce_renewal_product_no"] == ANNUAL


def test_what_a_customer_writes_is_never_evaluated(six: Ansible) -> None:
    six.portal.pbx(ANNUAL).comment = HOSTILE
    path = source(six, keyed_groups=[{"key": "yeastar_comment", "prefix": "note"}], compose={"told": "yeastar_comment"})
    play = {
        "hosts": ANNUAL,
        "gather_facts": False,
        "connection": "local",
        "tasks": [{"ansible.builtin.debug": {"msg": "{{ yeastar_comment }}|{{ told }}"}}],
    }
    playbook = six.home / "play.yml"
    playbook.write_text(json.dumps([play]))
    process = six.playbook("-i", path, playbook)
    assert process.returncode == 0, process.stdout
    assert process.stdout.count("lookup('ansible.builtin.pipe'") == 2, "the text as it stands"
    process = six.playbook("-i", source(six, hostname="{{ yeastar_comment }}"), playbook, environment=IS_FATAL)
    assert process.returncode and "hostname: expected letters" in process.stdout
    assert not (six.home / "struck").exists()


# Reasons for a source to fail, and its message.
FAILURES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "short": ({}, [{"verb": "short_listing", "times": 9}], "could not be read completely"),
    "shifting": ({}, [{"verb": "shift_listing", "action": "insert", "times": 9}], "could not be read completely"),
    "second page missing": ({}, [{"verb": "error_before", "path": LISTING, "skip": 1, "times": 9}], "HTTP 500"),
    "refused": ({"client_secret": "canary-9d1f"}, [], "credentials were refused"),
    "two of one name": ({"hostname": "{{ yeastar_plan | replace(' ', '') }}"}, [], "would both be the host"),
    "no such variable": ({"include": ["yeastar_extensions > 3"]}, [], "yeastar_extensions"),
    "one that cannot be composed": (
        {"strict": True, "compose": {"first": "yeastar_services[0] if yeastar_quantity < 900 else 1 / 0"}},
        [],
        "Could not set first",
    ),
}


@pytest.mark.parametrize("portal", [{"total_off": -23}, {"total_off": None}])
def test_a_total_that_is_too_low_or_missing_hides_no_host(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    ansible = start(fleet={"generate": {"count": 30, "due": 3}, "portal": portal})
    process = ansible.inventory("--list", "-i", source(ansible), environment=IS_FATAL)
    assert process.returncode == 0 and len(json.loads(process.stdout)["_meta"]["hostvars"]) == 30
    said = "it announces 7 rows and returns 30" in re.sub(r"\s+", " ", process.stderr)
    assert said == (portal["total_off"] is not None)


@pytest.mark.parametrize("name", FAILURES)
def test_a_source_that_fails_has_no_host_and_says_why(start: Callable[..., Ansible], name: str) -> None:
    options, faults, said = FAILURES[name]
    ansible = start(fleet={"generate": {"count": 30, "due": 3}})
    ansible.portal.pbxs[-1].quantity = 900
    ansible.portal.pbx(ansible.portal.pbxs[-1].product_no).quantity = 900
    for fault in faults:
        ansible.portal.fault(**fault)
    process = ansible.inventory("--list", "-i", source(ansible, retries=0, **options), environment=IS_FATAL)
    assert process.returncode and not process.stdout, process.stdout
    told = re.sub(r"\s+", " ", process.stderr)
    assert said in told
    for secret in ("canary-9d1f", ansible.portal.client_secret, *ansible.portal.tokens):
        assert secret not in told


def test_a_source_that_fails_leaves_what_others_have_as_it_was(six: Ansible) -> None:
    others = six.home / "hosts.yml"
    others.write_text(json.dumps({"pbxs": {"hosts": {MONTHLY: {"pce_renewal_remaining_days": 3}}}}))
    failing = source(six, strict=True, groups={"large": "yeastar_quantity > yeastar_none"})
    process = six.inventory("--list", "-i", others, "-i", failing)
    shown = read(process.stdout)
    assert variables(shown) == {MONTHLY: {"pce_renewal_remaining_days": 3}} and members(shown) == {"pbxs": [MONTHLY]}
    assert "Could not add host" in re.sub(r"\s+", " ", process.stderr)
    merged = variables(listed(six, "-i", others, "-i", source(six)))[MONTHLY]
    assert (merged["pce_renewal_remaining_days"], merged["yeastar_quantity"]) == (3, 25)


def test_a_name_that_is_another_pbx_in_another_source_is_refused(six: Ansible) -> None:
    others = six.home / "hosts.yml"
    others.write_text(json.dumps({"pbxs": {"hosts": {MONTHLY: {"pce_renewal_product_no": ANNUAL}}}}))
    process = six.inventory("--list", "-i", others, "-i", source(six), environment=IS_FATAL)
    assert process.returncode and "in another source" in re.sub(r"\s+", " ", process.stderr)


def test_credentials_may_be_templates_and_what_the_file_sets_reaches_the_role_but_no_secret(six: Ansible) -> None:
    path = source(
        six,
        base_url="{{ portal }}",
        client_id="{{ lookup('ansible.builtin.env', 'OUR_ID') }}",
        client_secret="{{ lookup('ansible.builtin.env', 'OUR_SECRET') }}",
        timeout=20,
    )
    ours = {"OUR_ID": six.portal.client_id, "OUR_SECRET": six.portal.client_secret}
    elsewhere = {"YEASTAR_BASE_URL": "http://127.0.0.1:9", "YEASTAR_CLIENT_ID": "x", "YEASTAR_CLIENT_SECRET": "y"}
    process = six.inventory("--list", "-i", path, "-e", f"portal={six.portal.url}", environment={**elsewhere, **ours})
    assert six.portal.client_secret not in process.stdout + process.stderr
    host = variables(read(process.stdout))[ANNUAL]
    role = {name: value for name, value in host.items() if name.startswith("pce_renewal_")}
    assert role == {
        "pce_renewal_product_no": ANNUAL,
        "pce_renewal_base_url": six.portal.url,
        "pce_renewal_client_id": six.portal.client_id,
        "pce_renewal_timeout": 20.0,
    }
    # The role then uses the account of the file, not of the environment; the secret is passed in group_vars.
    variable = "pce_renewal_client_secret={{ lookup('ansible.builtin.env', 'OUR_SECRET') }}"
    arguments = (
        "-i",
        path,
        "pbxops.yeastar.plan",
        "-e",
        f"portal={six.portal.url}",
        "-e",
        json.dumps({"pce_renewal_max_orders": 2}),
    )
    process = six.playbook(*arguments, "-e", variable, "--limit", ANNUAL, environment={**elsewhere, **ours})
    assert Shown(process.stdout, process.returncode).states() == {ANNUAL: "due"}, process.stdout


def test_the_whole_program_is_one_line(six: Ansible) -> None:
    settings = {"ANSIBLE_CONFIG": str(EXAMPLES / "ansible.cfg")}
    command = ("-i", EXAMPLES / "account" / "account.yeastar_pce.yml", "pbxops.yeastar.renew")
    for _run in range(2):
        process = six.playbook(*command, "--limit", "expires_in_30", environment=settings)
        assert process.returncode == 0, process.stdout
        assert renewed(six.portal) == sorted([ANNUAL, MONTHLY]) and orders_sent(six.portal) == 2
    shown = Shown(process.stdout, process.returncode)
    assert shown.states(OUTCOME_TASK) == {SELF_RENEWING: "skipped"}, "what was renewed is not near any more"


def test_the_example_settings_end_a_run_whose_account_cannot_be_read(six: Ansible) -> None:
    settings = {"ANSIBLE_CONFIG": str(EXAMPLES / "ansible.cfg"), "YEASTAR_CLIENT_SECRET": "wrong"}
    process = six.playbook("-i", EXAMPLES / "account", "pbxops.yeastar.report", environment=settings)
    assert process.returncode and "Completely failed to parse inventory source" in process.stdout, process.stdout


def test_when_nothing_is_near_a_group_ends_well_where_a_limit_does_not(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 3, "due": 0}})
    command = ("-i", source(ansible), "pbxops.yeastar.renew", "--extra-vars", "pce_renewal_max_orders=2")
    process = ansible.playbook(*command, "--extra-vars", "pce_renewal_hosts=expires_in_30")
    assert process.returncode == 0 and "no hosts matched" in process.stdout, process.stdout
    process = ansible.playbook(*command, "--limit", "expires_in_30")
    assert process.returncode == 1 and "no hosts to target" in process.stdout
    assert orders_sent(ansible.portal) == 0


@pytest.mark.parametrize("name", ["plan", "renew"])
def test_a_playbook_does_not_take_an_account_that_could_not_be_read_for_one_with_nothing_due(
    six: Ansible, name: str
) -> None:
    command = ("-i", source(six, client_secret="wrong"), f"pbxops.yeastar.{name}", "--limit", "expires_in_30")
    process = six.playbook(*command, "--extra-vars", "pce_renewal_max_orders=2")
    assert process.returncode and "the inventory has no hosts" in process.stdout, process.stdout
    assert orders_sent(six.portal) == 0
