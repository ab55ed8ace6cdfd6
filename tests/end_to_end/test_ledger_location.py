# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger is the intended one: nothing is bought with another one, and none is created by mistake."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import ANNUAL, MONTHLY, renewed, role_play, run
from tests.support.processes import Ansible, orders_sent, states

SAVE = "/order/v1/save"
CANARY = "canary-of-a-password"
REFUSED = [
    *("renewals/ledger.sqlite3", "NONE", "None", "sqlite:////var/ledger", f"host=h password={CANARY}"),
    *(f"postgresql+psycopg://u:{CANARY}@h/d", f"Postgresql://u:{CANARY}@h/d", f"postgresql://u:{CANARY}@h/d"),
    *(f"postgresql://u:a/{CANARY}@h/d", f"postgresql://u:a?{CANARY}@h/d", f"postgresql://u:a#{CANARY}@h/d"),
    *(f"postgresql://u@h/d?password={CANARY}", f"postgresql://u@h/d?sslpassword={CANARY}"),
]
MODULES = ("plan", "renewal", "ledger")


def module_play(modules: tuple[str, ...], locations: list[str]) -> dict[str, Any]:
    """Run each module with each of the ledgers, whatever the result."""
    tasks = [
        {
            "name": f"Try {module}",
            f"pbxops.yeastar.yeastar_pce_{module}": {"product_no": ANNUAL, "ledger": location},
            "ignore_errors": True,
        }
        for module in modules
        for location in locations
    ]
    return role_play(roles=[], tasks=tasks)


def files_of(ansible: Ansible) -> set[Path]:
    """The files below the home of a controller, except Ansible's own."""
    return {path for path in ansible.home.rglob("*") if not path.relative_to(ansible.home).parts[0].startswith("tmp")}


@pytest.mark.faults(69)
@pytest.mark.faults(82)
def test_what_is_no_ledger_is_refused_by_modules_and_role_unshown_and_nothing_is_made(six: Ansible) -> None:
    plays = [module_play(MODULES, REFUSED)]
    plays += [role_play(vars={"pce_renewal_ledger": text}, ignore_errors=True) for text in REFUSED]
    local = "{{ ansible_playbook_python }}"
    shown = run(six, {ANNUAL: {}}, "-vvv", f"-eansible_python_interpreter={local}", plays=plays)
    assert shown.output.count("ledger: expected") >= len(REFUSED) * (len(MODULES) + 1)
    assert CANARY not in shown.output
    assert six.portal.log == [] and orders_sent(six.portal) == 0
    named = {str(path.relative_to(six.home)) for path in files_of(six)}
    assert not [name for name in named if CANARY in name or "sqlite" in name or "postgresql" in name or "NONE" in name]
    read = [path.read_text("utf-8", "replace") for path in files_of(six) if path.is_file() and path.suffix != ".yml"]
    assert not any(CANARY in text for text in read)


@pytest.mark.faults(84)
def test_one_portal_under_two_spellings_of_its_address_is_ordered_from_once(tutorial: Ansible) -> None:
    port = tutorial.portal.url.rpartition(":")[2]
    tutorial.portal.fault("commit_late", seconds=3600)
    first = tutorial.renew(product_no=ANNUAL, base_url=f"http://127.0.0.1:{port}")
    assert states(first) == {ANNUAL: "unknown"}
    for spelling in (f"http://LOCALHOST:{port}/", f"http://localhost:{port}"):
        again = tutorial.renew(product_no=ANNUAL, base_url=spelling)
        assert states(again) == {ANNUAL: "unknown"} and not again["changed"]
        (intent,) = tutorial.module("yeastar_pce_ledger", base_url=spelling)["intents"]
        assert intent["status"] == "unknown"
    assert orders_sent(tutorial.portal) == 1


def test_a_folder_that_others_may_write_orders_nothing_until_it_is_changed(tutorial: Ansible) -> None:
    folder = tutorial.home / "state"
    folder.mkdir()
    folder.chmod(0o775)
    ledger = str(folder / "ledger.sqlite3")
    planned = tutorial.plan(product_no=ANNUAL, ledger=ledger)
    assert states(planned) == {ANNUAL: "due"} and "would refuse the ledger" in str(planned["warnings"])
    refused = tutorial.renew(product_no=ANNUAL, ledger=ledger)
    assert refused["failed"] and not refused["changed"] and f"chmod go-w {folder}" in refused["msg"]
    assert list(folder.iterdir()) == []
    assert orders_sent(tutorial.portal) == 0
    folder.chmod(0o755)
    assert states(tutorial.renew(product_no=ANNUAL, ledger=ledger)) == {ANNUAL: "renewed"}


# --- whose ledger it is -----------------------------------------------------------------------------------------------


@pytest.fixture
def become(tutorial: Ansible) -> Path:
    """Replaces sudo, and records that it was called."""
    program = tutorial.home / "sudo"
    program.write_text(f"#!/bin/sh\ntouch {tutorial.home}/called\nexit 1\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("way", ["the inventory", "the command line"])
def test_the_playbooks_use_the_ledger_of_the_user_who_runs_them(tutorial: Ansible, become: Path, way: str) -> None:
    in_inventory = {"ansible_become": True} if way == "the inventory" else {}
    on_command_line = ["--become"] if way == "the command line" else []
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    variables = {"ansible_become_exe": str(become), "ansible_become_user": "nobody", **in_inventory}
    variables |= {"pce_renewal_max_orders": 1, "pce_renewal_wait_timeout": 0}
    inventory = tutorial.home / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {ANNUAL: host, "localhost": host}, "vars": variables}}))
    tutorial.portal.fault("error_before", path=SAVE)
    words = [f"-e{word}" for word in (f"product_no={ANNUAL}", "outcome=not_ordered", "reason=looked")]
    for name, arguments, status in (("plan", [], 0), ("renew", [], 2), ("settle", words, 0), ("renew", [], 0)):
        given = ["-i", inventory, f"-epce_renewal_hosts={ANNUAL}", *on_command_line, *arguments]
        process = tutorial.playbook(f"pbxops.yeastar.{name}", *given)
        assert process.returncode == status, process.stdout
    assert not (tutorial.home / "called").exists()
    assert renewed(tutorial.portal) == [ANNUAL] and orders_sent(tutorial.portal) == 2


def test_the_report_decides_with_the_ledger_of_the_user_who_runs_it(six: Ansible) -> None:
    program = six.home / "sudo"
    program.write_text(f'#!/bin/sh\necho "$@" >> {six.home}/called\nshift 5\nexec "$@"\n')  # -H -S -n -u nobody
    program.chmod(0o755)
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    variables = {"ansible_become": True, "ansible_become_exe": str(program), "ansible_become_user": "nobody"}
    inventory = six.home / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": host}, "vars": variables}}))
    given = {"pce_report_formats": ["csv"], "pce_report_dest": str(six.home), "pce_report_prices": "year"}
    process = six.playbook("pbxops.yeastar.report", "-i", inventory, "-e", json.dumps(given))
    assert process.returncode == 0, process.stdout
    called = (six.home / "called").read_text()
    assert "yeastar_pce_info" in called and "yeastar_pce_plan" not in called


def test_a_task_of_ones_own_with_another_user_names_the_ledger_that_it_looks_in(tutorial: Ansible) -> None:
    tutorial.portal.fault("error_before", path=SAVE)
    tutorial.renew(product_no=ANNUAL)
    path = tutorial.home / "another" / "pbxops.yeastar" / "ledger.sqlite3"
    environment = {"XDG_STATE_HOME": str(tutorial.home / "another")}
    listed = tutorial.start("yeastar_pce_ledger", {}, environment=environment).result()
    assert (listed["ledger"], listed["user"]) == (str(path), getpass.getuser())
    assert f"there is no ledger yet at {path}, for the user {getpass.getuser()}" in listed["msg"]
    word = {"state": "settled", "product_no": ANNUAL, "outcome": "not_ordered", "reason": "looked"}
    refused = tutorial.start("yeastar_pce_ledger", word, environment=environment).result()
    assert refused["failed"] and "no such intent" in refused["msg"] and str(path) in refused["msg"]
    assert not path.parent.parent.exists()


def test_two_hosts_with_two_ledgers_are_no_batch(six: Ansible) -> None:
    hosts = {ANNUAL: {"ledger": str(six.home / "one")}, MONTHLY: {"ledger": str(six.home / "two")}}
    shown = run(six, hosts)
    assert "or their ledgers" in shown.output and six.portal.log == []
