# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a ledger in PostgreSQL: an option of modules, role and playbook that is never shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.plays import ANNUAL, MONTHLY, renewed, role_play, run
from tests.support.postgres import PASSWORD
from tests.support.processes import Ansible, orders_sent

SAVE = "/order/v1/save"
NO_PASSWORD = {"PGPASSWORD": ""}


@pytest.fixture
def two(start: Callable[..., Ansible]) -> Ansible:
    fleet = {"product_no": ANNUAL, "plan": "Enterprise Plan", "quantity": 100, "billing_cycle": "annually"}
    other = {**fleet, "product_no": MONTHLY}
    return start(fleet={"pbxs": [{**pbx, "expires_in_days": 12} for pbx in (fleet, other)]})


@pytest.mark.faults(69)
def test_role_module_and_playbook_take_the_password_and_never_show_it(two: Ansible, database_url: str) -> None:
    two.portal.fault("error_before", path=SAVE)
    group = {"ledger": database_url, "ledger_password": PASSWORD, "wait_timeout": 0}
    local = "-eansible_python_interpreter={{ ansible_playbook_python }}"
    first = run(two, {ANNUAL: {}}, "-vvv", local, environment=NO_PASSWORD, **group)
    assert first.states() == {ANNUAL: "unknown"}, first.output

    options = {"ledger": database_url, "ledger_password": PASSWORD}
    tasks = [{"name": "List", "pbxops.yeastar.yeastar_pce_ledger": options}]
    listed = run(two, {ANNUAL: {}}, "-vvv", local, plays=[role_play(roles=[], tasks=tasks)], environment=NO_PASSWORD)
    assert listed.status == 0 and '"status": "unknown"' in listed.output

    words = {"product_no": ANNUAL, "outcome": "not_ordered", "reason": "looked", "pce_renewal_ledger": database_url}
    given = [f"-e{name}={word}" for name, word in {**words, "pce_renewal_ledger_password": PASSWORD}.items()]
    settled = two.playbook("pbxops.yeastar.settle", "-vvv", local, *given, environment=NO_PASSWORD)
    assert settled.returncode == 0 and "changed=1" in settled.stdout, settled.stdout

    again = run(two, {ANNUAL: {}}, "-vvv", local, environment=NO_PASSWORD, **group)
    assert renewed(two.portal) == [ANNUAL] and orders_sent(two.portal) == 2, again.output
    # The test itself wrote the command line of the playbook.
    assert not [text for text in (first.output, listed.output, again.output) if PASSWORD in text]
    assert f'"ledger_password": "{PASSWORD}"' not in settled.stdout


def test_a_wrong_password_orders_nothing_and_is_not_shown(two: Ansible, database_url: str) -> None:
    shown = run(two, {ANNUAL: {}}, "-vvv", ledger=database_url, ledger_password="canary-of-a-password")
    assert shown.status == 2 and "password authentication failed" in shown.output
    assert "canary" not in shown.output and orders_sent(two.portal) == 0


def test_hosts_whose_passwords_differ_are_no_batch(two: Ansible, database_url: str) -> None:
    hosts = {ANNUAL: {"ledger_password": PASSWORD}, MONTHLY: {"ledger_password": "canary-of-a-password"}}
    shown = run(two, hosts, "-vvv", ledger=database_url)
    assert "or their ledgers" in shown.output and "canary" not in shown.output and PASSWORD not in shown.output
    assert two.portal.log == []
