# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback plugin in real plays: the progress of the module and the role while they run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible

LINE = re.compile(r"^pbxops\.yeastar: (\d+) of 8 subscriptions are through, (\d+) to go$", re.MULTILINE)


def play(ansible: Ansible, hosts: str, task: dict[str, Any], **environment: str) -> str:
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    inventory = {"pbxs": {"hosts": {number: {} for number in numbers}, "vars": {"pce_renewal_max_orders": 8}}}
    (ansible.home / "hosts.yml").write_text(json.dumps(inventory))
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "pce_renewal_concurrency": 2}
    whole = {"name": "Renew", "hosts": hosts, "connection": "local", "gather_facts": False, "vars": python}
    (ansible.home / "play.yml").write_text(json.dumps([{**whole, "tasks": [task]}]))
    result = ansible.playbook("-i", ansible.home / "hosts.yml", ansible.home / "play.yml", environment=environment)
    assert result.returncode == 0, result.stdout
    return result.stdout


def tasks(ansible: Ansible) -> dict[str, tuple[str, dict[str, Any]]]:
    subscriptions = [{"product_no": pbx.product_no} for pbx in ansible.portal.pbxs]
    options = {"subscriptions": subscriptions, "max_orders": 8, "concurrency": 2}
    return {
        "module": ("localhost", {"name": "Renew", "pbxops.yeastar.yeastar_pce_renewal": options}),
        "role": ("pbxs", {"name": "Renew", "ansible.builtin.import_role": {"name": "pbxops.yeastar.pce_renewal"}}),
    }


@pytest.mark.parametrize("kind", ["module", "role"])
def test_it_says_how_many_are_through_and_how_many_are_to_come(start: Callable[..., Ansible], kind: str) -> None:
    ansible = start(fleet={"generate": {"count": 8, "due": 8}}, latency=0.35)
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "pbxops.yeastar.progress", "YEASTAR_PROGRESS_INTERVAL": "0.2"}
    shown = [
        (int(through), int(left)) for through, left in LINE.findall(play(ansible, *tasks(ansible)[kind], **enabled))
    ]
    assert shown and shown == sorted(shown) and all(through + left == 8 for through, left in shown)
    assert len(ansible.portal.invoices) == 8


def test_who_has_not_enabled_it_sees_nothing_of_it(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 8, "due": 8}}, latency=0.1)
    assert not LINE.search(play(ansible, *tasks(ansible)["module"], YEASTAR_PROGRESS_INTERVAL="0.1"))


def test_it_says_how_far_a_first_contact_is(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 8, "due": 8}}, latency=0.35)
    task = {"name": "Examine", "pbxops.yeastar.yeastar_pce_portal_info": {"sample": "all", "concurrency": 2}}
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "pbxops.yeastar.progress", "YEASTAR_PROGRESS_INTERVAL": "0.2"}
    assert LINE.search(play(ansible, "localhost", task, **enabled))
