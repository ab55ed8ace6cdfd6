# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: neither client secret nor token nor activation code appears in anything that is shown or written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.verbs import VERBS
from tests.support.processes import Ansible, orders_sent

SECRET = "canary-of-a-client-secret-7f3a91"
SAVE = "/order/v1/save"
TOKEN = "/oauth/token"

# The verbs that need more than their name. All others, and those of listings, use their default path.
NEEDED: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 0.1},
    "drip": {"seconds": 0.001},
    "alter_field": {"name": "requestId", "remove": True},
    "business_error": {"commit": True},
    "order_status": {"status": "failed"},
    "commit_late": {"seconds": 3600},
    "expiry_late": {"reads": 9},
    "list_lag": {"reads": 9},
    "hide_product": {"product_no": "none of them"},
    "bad_paging": {"kind": "endless"},
    "shift_listing": {"action": "insert"},
    "quantity_change": {"quantity": 777},
    "price_change": {"factor": 2},
}
# Answers of the login that contain tokens and cannot be read.
ON_LOGIN: list[dict[str, Any]] = [
    {"verb": "duplicate_keys", "path": TOKEN},
    {"verb": "truncate_close", "path": TOKEN},
    {"verb": "alter_field", "path": TOKEN, "name": "token", "value": ""},
]
MET = sorted(set(VERBS) - {"hold"})  # which waits until a test releases it
ON_OTHERS = [
    {"verb": verb, **({"path": SAVE} if VERBS[verb].path is None else {}), **NEEDED.get(verb, {})} for verb in MET
]
ON_ORDERS = [fault for fault in ON_OTHERS if SAVE in (fault.get("path") or VERBS[fault["verb"]].path)]
HOSTS = len(ON_LOGIN) + len(ON_ORDERS) + 1  # a fault of a login or an order ends a run, one of a listing does not
OF_THE_ROLE = [{"verb": "error_before", "path": SAVE}]

FAULTS_PLAYBOOK = """
- name: Queue every fault
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Queue every fault
      ansible.builtin.uri:
        url: "{{ lookup('env', 'YEASTAR_BASE_URL') }}/_admin/faults"
        method: POST
        body_format: json
        body: "{{ faults }}"

- name: Meet a fault with each PBX
  hosts: pbxs
  connection: local
  gather_facts: false
  tasks:
    - name: Renew one PBX
      pbxops.yeastar.yeastar_pce_renewal:
        product_no: "{{ inventory_hostname }}"
        client_secret: "{{ lookup('env', 'YEASTAR_CLIENT_SECRET') }}"
        on_unknown_price: block
        retries: 0
        wait_timeout: 0
        concurrency: 1 # so that a task meets one fault
      ignore_errors: true # most faults fail the task, and the next one is to be met all the same
"""

ROLE_PLAYBOOK = """
- name: Read everything, raw
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Queue a fault
      ansible.builtin.uri:
        url: "{{ lookup('env', 'YEASTAR_BASE_URL') }}/_admin/faults"
        method: POST
        body_format: json
        body: "{{ faults }}"

    - name: Read everything
      pbxops.yeastar.yeastar_pce_info:
        gather: [subscriptions, catalog, billing_contacts, orders]
        product_no: "{{ groups.pbxs }}"
        raw: true
      register: everything

    - name: Show everything
      ansible.builtin.debug:
        var: everything

- name: Renew with a fault, then plan
  hosts: pbxs
  connection: local
  gather_facts: false
  vars:
    pce_renewal_client_secret: "{{ lookup('env', 'YEASTAR_CLIENT_SECRET') }}"
    pce_renewal_max_orders: 9
    pce_renewal_concurrency: 1
    pce_renewal_wait_timeout: 0
  tasks:
    - name: Renew and plan
      block:
        - name: Renew
          ansible.builtin.import_role:
            name: pbxops.yeastar.pce_renewal
      rescue:
        - name: Plan
          ansible.builtin.import_role:
            name: pbxops.yeastar.pce_renewal
            tasks_from: plan
          vars:
            pce_renewal_wait_timeout: null

- name: Give the role what it refuses
  hosts: pbxs
  connection: local
  gather_facts: false
  vars:
    pce_renewal_client_secret: "{{ lookup('env', 'YEASTAR_CLIENT_SECRET') }}"
    pce_renewal_max_orders: as many as you like
  tasks:
    - name: Renew
      ansible.builtin.import_role:
        name: pbxops.yeastar.pce_renewal
"""


@pytest.fixture
def many(start: Callable[..., Ansible]) -> Ansible:
    account = {"client_id": "demo-client", "client_secret": SECRET}
    return start(fleet={"account": account, "generate": {"count": HOSTS, "due": HOSTS}})


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    account = {"client_id": "demo-client", "client_secret": SECRET}
    return start(fleet={"account": account, "generate": {"count": 1, "due": 1}})


def assert_no_secret_in(text: str, ansible: Ansible) -> None:
    assert ansible.portal.tokens, "no token was ever issued"
    codes = [pbx.activation_code for pbx in ansible.portal.pbxs]
    for canary in (SECRET[:10], "CANARY", "eyJhbGciOi", *ansible.portal.tokens, *codes):
        found = text.find(canary)
        assert found < 0, f"{canary[:12]}… in: {text[max(0, found - 300) : found + 20]}"


def assert_no_secret_in_files(ansible: Ansible) -> None:
    for path in ansible.home.rglob("*"):
        if path.is_file():
            assert_no_secret_in(path.read_text("utf-8", "replace"), ansible)


def play(ansible: Ansible, playbook: str, faults: list[dict[str, Any]], hosts: int) -> str:
    """The output of a playbook for some of the account's PBXs, at Ansible's highest verbosity."""
    directory = Path(ansible.home, "project")
    directory.mkdir()
    (directory / "playbook.yml").write_text("---" + playbook)
    (directory / "faults.json").write_text(json.dumps({"faults": faults}))
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs[:hosts]]
    (directory / "hosts.ini").write_text("\n".join(["[pbxs]", *numbers, ""]))
    arguments = ["-vvv", "--diff", "-i", directory / "hosts.ini", "-e", f"@{directory / 'faults.json'}"]
    arguments += ["-e", "ansible_python_interpreter={{ ansible_playbook_python }}"]
    # One host after another, so that it is certain which fault affects which of them.
    environment = {"ANSIBLE_FORKS": "1", "ANSIBLE_REMOTE_TMP": str(ansible.home / "remote")}
    return ansible.playbook(*arguments, directory / "playbook.yml", environment=environment).stdout


@pytest.mark.faults(69)
def test_no_fault_makes_a_secret_show_in_the_most_talkative_output_or_in_a_file(many: Ansible) -> None:
    output = play(many, FAULTS_PLAYBOOK, ON_OTHERS + ON_LOGIN, HOSTS)
    assert not many.portal.faults, "some faults were never met"
    met = [entry.fault for entry in many.portal.log if entry.fault]
    assert len(met) == len(ON_OTHERS) + len(ON_LOGIN) and set(met) == set(MET)
    # One more without a fault, and one more after the refused token.
    assert orders_sent(many.portal) == len(ON_ORDERS) + 2
    assert output.count("...ignoring") > len(ON_LOGIN)
    for said in (
        "may have been ordered",
        "1 renewed",
        "the order was not placed",
        "--- before",
    ):
        assert said in output
    assert_no_secret_in(output, many)
    assert_no_secret_in_files(many)


@pytest.mark.faults(69)
def test_the_role_and_a_raw_reading_show_no_secret(many: Ansible) -> None:
    output = play(many, ROLE_PLAYBOOK, OF_THE_ROLE, 3)
    assert not many.portal.faults, "the fault was never met"
    assert orders_sent(many.portal) == 1
    for said in ('"activationCode": "********"', "may have been ordered", "as many as you like", "Plan"):
        assert said in output
    assert_no_secret_in(output, many)
    assert_no_secret_in_files(many)


@pytest.mark.faults(69)
@pytest.mark.parametrize(
    "arguments",
    [
        {"field_map": {"expires_at": 5}},
        {"field_map": {"expires_at": "activationCode"}},
        {"field_map": {"plan": "activationCode", "billing_cycle": "activationCode"}},
        {"now": "an instant that cannot be read"},
        {"ca_path": "/nowhere/authority.pem", "retries": 0},
        {"timeout": float("inf")},
        {"product_no": ["a", "list"]},
    ],
    ids=str,
)
def test_a_run_that_ends_in_an_error_shows_no_secret(one: Ansible, arguments: dict[str, Any]) -> None:
    product_no = one.portal.pbxs[0].product_no
    one.info()  # a login, so that there are tokens
    if "ca_path" in arguments:
        arguments = {**arguments, "base_url": one.portal.url.replace("http:", "https:")}
    result = one.renew(**{"product_no": product_no, "client_secret": SECRET, **arguments})
    assert result["failed"] and result["msg"]
    assert_no_secret_in(json.dumps(result), one)
    assert_no_secret_in_files(one)


@pytest.mark.faults(69)
def test_an_access_token_of_the_users_own_is_not_shown(one: Ansible) -> None:
    product_no = one.portal.pbxs[0].product_no
    one.info()
    result = one.renew(product_no=product_no, access_token=one.portal.tokens[0])
    assert result["results"][0]["state"] == "renewed"
    assert result["requests"]["token"] == 0
    assert_no_secret_in(json.dumps(result), one)


@pytest.mark.faults(69)
@pytest.mark.parametrize("padding", [0, 270, 400], ids=["short", "too long with the secret", "too long without it"])
def test_what_the_portal_says_in_an_error_is_told_without_the_secret_it_repeats(one: Ansible, padding: int) -> None:
    product_no = one.portal.pbxs[0].product_no
    one.info()
    token = one.portal.tokens[0]
    for path, secret in ((SAVE, token), ("/instance_product_list", SECRET)):
        one.portal.fault("business_error", path=path, status=400, message="?" * padding + f" you said: {secret}")
    reading = one.renew(product_no=product_no, access_token=token)
    ordering = one.renew(product_no=product_no, access_token=token)
    assert not one.portal.faults, "the faults were never met"
    for result in (reading, ordering):
        assert result["failed"] and ("characters)" if padding == 400 else "you said: ********'") in result["msg"]
        assert_no_secret_in(json.dumps(result), one)
    assert_no_secret_in_files(one)
    with closing(sqlite3.connect(next(one.home.rglob("ledger.sqlite3")))) as ledger:
        ((note,),) = ledger.execute("SELECT note FROM yeastar_intent").fetchall()
    assert padding == 400 or "you said: ********" in note
