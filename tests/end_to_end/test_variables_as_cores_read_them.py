# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inline vault values and serial numbers like 3631E3418911, which each ansible-core reads differently."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import NATIVE
from tests.support.plays import ANNUAL, EXPIRED, Shown, renewed, run
from tests.support.processes import Ansible

NO_ENVIRONMENT = {"YEASTAR_CLIENT_ID": "", "YEASTAR_CLIENT_SECRET": ""}
REPORT = "pbxops.yeastar.pce_report"


def vaulted(ansible: Ansible, **texts: str) -> dict[str, str]:
    """The lines of YAML for each text as an inline vault value."""
    password = ansible.home / "vault-password"
    password.write_text("of the tests\n", encoding="utf-8")
    command = [Path(sys.executable).parent / "ansible-vault", "encrypt_string", "--vault-password-file", password]
    lines = {}
    for name, text in texts.items():
        process = subprocess.run([*command, text], capture_output=True, text=True, check=True)
        lines[name] = process.stdout
    return lines


def with_vault(ansible: Ansible, name: str, text: str, *arguments: str | Path, **environment: str) -> Shown:
    """Run a file with the vault's password and without credentials in the environment."""
    path = ansible.home / name
    path.write_text(text, encoding="utf-8")
    password = ansible.home / "vault-password"
    process = ansible.playbook(
        "--vault-password-file", password, *arguments, path, environment={**NO_ENVIRONMENT, **environment}
    )
    return Shown(process.stdout, process.returncode)


def role_with(role: str, variables: dict[str, str], **others: Any) -> str:
    """A play that runs a role, with its variables as lines of YAML."""
    lines = [f"    {name}: {value.rstrip()}" for name, value in variables.items()]
    lines += [f"    {name}: {json.dumps(value)}" for name, value in others.items()]
    # Only the implicit host of the inventory runs modules with the Python of the tests.
    head = [
        f"- hosts: {'localhost' if role == REPORT else 'all'}",
        "  gather_facts: false",
        "  connection: local",
        f"  roles: [{role}]",
        "  vars:",
    ]
    return "\n".join([*head, *lines, ""])


@pytest.mark.parametrize("native", [{}, NATIVE], ids=["default", "native"])
def test_the_role_takes_inline_vault_values(six: Ansible, native: dict[str, str]) -> None:
    texts = vaulted(
        six,
        pce_renewal_client_id=six.portal.client_id,
        pce_renewal_client_secret=six.portal.client_secret,
        pce_renewal_po_number="2026-0815",
    )
    play = role_with("pbxops.yeastar.pce_renewal", texts, pce_renewal_max_orders=1)
    shown = with_vault(six, "play.yml", play, "-i", f"{ANNUAL},", **native)
    assert shown.states() == {ANNUAL: "renewed"}, shown.output
    assert renewed(six.portal) == [ANNUAL]
    assert six.portal.client_secret not in shown.output


def test_the_role_takes_inline_vault_values_from_module_defaults(six: Ansible) -> None:
    texts = vaulted(six, client_id=six.portal.client_id, client_secret=six.portal.client_secret)
    lines = [f"      {name}: {value.rstrip()}" for name, value in texts.items()]
    play = role_with("pbxops.yeastar.pce_renewal", {}, pce_renewal_max_orders=1)
    play += "\n".join(["  module_defaults:", "    group/pbxops.yeastar.yeastar:", *lines, ""])
    shown = with_vault(six, "play.yml", play, "-i", f"{ANNUAL},")
    assert shown.states() == {ANNUAL: "renewed"}, shown.output


def test_the_report_takes_inline_vault_values(six: Ansible) -> None:
    texts = vaulted(six, pce_report_client_id=six.portal.client_id, pce_report_client_secret=six.portal.client_secret)
    shown = with_vault(six, "play.yml", role_with(REPORT, texts))
    assert shown.status == 0 and shown.output.count("days left") == 6, shown.output
    assert six.portal.client_secret not in shown.output


def test_the_inventory_takes_inline_vault_values(six: Ansible) -> None:
    texts = vaulted(six, client_id=six.portal.client_id, client_secret=six.portal.client_secret)
    lines = [f"{name}: {value.rstrip()}" for name, value in texts.items()]
    source = six.home / "account.yeastar_pce.yml"
    source.write_text("\n".join(["plugin: pbxops.yeastar.yeastar_pce", *lines, ""]), encoding="utf-8")
    process = six.inventory(
        "--vault-password-file", six.home / "vault-password", "-i", source, "--graph", environment=NO_ENVIRONMENT
    )
    assert process.returncode == 0 and ANNUAL in process.stdout, process.stderr


# A serial number that looks like a number to Python, quoted wherever possible.
HOSTS = {"branch": {"product_no": "{{ serial }}", "include_expired": True}}


@pytest.mark.parametrize("extra", ["3631E3418911", '{"pce_renewal_hosts": "3631E3418911"}'], ids=["text", "JSON"])
def test_a_playbook_takes_a_serial_number_as_the_name_of_a_host(six: Ansible, extra: str) -> None:
    inventory = six.home / "hosts.yml"
    hosts = {EXPIRED: {"pce_renewal_max_orders": 1, "pce_renewal_include_expired": True}, ANNUAL: {}}
    inventory.write_text(json.dumps({"pbxs": {"hosts": hosts}}), encoding="utf-8")
    chosen = extra if extra.startswith("{") else f"pce_renewal_hosts={extra}"
    process = six.playbook("pbxops.yeastar.plan", "-i", inventory, "-e", chosen, environment=NATIVE)
    assert Shown(process.stdout, process.returncode).states() == {EXPIRED: "due"}, process.stdout


def test_a_serial_number_may_come_out_of_a_template(six: Ansible) -> None:
    play = {
        "name": "Renew",
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {"serial": EXPIRED},
        "roles": [{"role": "pbxops.yeastar.pce_renewal"}],
    }
    shown = run(six, HOSTS, plays=[play], environment=NATIVE)
    assert shown.states() == {"branch": "renewed"}, shown.output
    assert renewed(six.portal) == [EXPIRED]


def test_a_serial_number_that_another_template_made_a_number_is_refused(six: Ansible) -> None:
    tasks: list[dict[str, Any]] = [
        {"set_fact": {"pce_renewal_product_no": "{{ serial }}"}},
        {"import_role": {"name": "pbxops.yeastar.pce_renewal"}},
    ]
    play = {"name": "Renew", "hosts": "all", "gather_facts": False, "connection": "local", "tasks": tasks}
    hosts = {"branch": {"include_expired": True}}
    shown = run(six, hosts, "-e", json.dumps({"serial": EXPIRED}), plays=[play], environment=NATIVE)
    if shown.states() != {"branch": "renewed"}:  # with ansible-core 2.18
        assert shown.status == 2 and renewed(six.portal) == [], shown.output
        assert all(word in shown.output for word in ("product_no", "inf", "jinja2_native", "| string")), shown.output


@pytest.mark.parametrize("product_no", ["3631E3418911", "0036580000012345", "36580000012345"])
def test_an_order_is_settled_by_the_serial_number_as_it_is_written(six: Ansible, product_no: str) -> None:
    words = {"product_no": product_no, "outcome": "not_ordered", "reason": "looked it up"}
    process = six.playbook("pbxops.yeastar.settle", "-e", json.dumps(words), environment=NATIVE)
    assert f"no such intent for {product_no}" in " ".join(process.stdout.split()), process.stdout


def test_the_inventory_names_hosts_by_serial_numbers(six: Ansible) -> None:
    source = six.home / "account.yeastar_pce.yml"
    compose = {"note": "yeastar_product_no"}
    settings = {"plugin": "pbxops.yeastar.yeastar_pce", "hostname": "{{ yeastar_product_no }}", "compose": compose}
    source.write_text(json.dumps(settings), encoding="utf-8")
    process = six.inventory("-i", source, "--host", EXPIRED, environment=NATIVE)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["note"] == EXPIRED
