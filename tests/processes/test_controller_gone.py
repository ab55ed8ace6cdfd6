# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible ends, or gives up a task, while the run continues: orders in progress at that moment are the last ones."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.orphans import children_of, wait_for_the_last
from tests.support.plays import ROLE
from tests.support.processes import Ansible, orders_sent
from tests.support.running import Running
from tests.support.settling import settle
from tests.support.tally import judge

SAVE = "/order/v1/save"
FLEET, AT_ONCE = 12, 4


@pytest.fixture
def fleet(start: Callable[..., Ansible]) -> Iterator[Ansible]:
    """Twelve due PBXs, at a portal that holds back the answers to the first four orders."""
    ansible = start(fleet={"generate": {"count": FLEET, "due": FLEET}})
    hold(ansible, AT_ONCE)
    yield ansible
    wait_for_the_last(ansible.home)


def hold(ansible: Ansible, times: int) -> None:
    ansible.portal.fault("hold", path=SAVE, point="after_commit", times=times)


def wait_held(ansible: Ansible, count: int = AT_ONCE) -> None:
    ansible.portal.wait_held(timeout=60, count=count)


def numbers(ansible: Ansible) -> list[str]:
    return [pbx.product_no for pbx in ansible.portal.pbxs]


def options_for(product_nos: list[str]) -> dict[str, Any]:
    subscriptions = [{"product_no": product_no} for product_no in product_nos]
    return {"subscriptions": subscriptions, "max_orders": FLEET}


def begin(ansible: Ansible, **work: Any) -> Running:
    """Start a play: the module for the whole fleet, or the role, with a host for each PBX."""
    hosts = numbers(ansible) if "roles" in work else ["controller"]
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "pce_renewal_max_orders": FLEET,
    }
    inventory = {"all": {"hosts": {host: {} for host in hosts}, "vars": variables}}
    (ansible.home / "hosts.yml").write_text(json.dumps(inventory))
    (ansible.home / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, **work}]))
    return ansible.start_playbook("-i", ansible.home / "hosts.yml", ansible.home / "play.yml")


def begin_module(ansible: Ansible, **keywords: Any) -> Running:
    options = options_for(numbers(ansible))
    return begin(ansible, tasks=[{"pbxops.yeastar.yeastar_pce_renewal": options, **keywords}])


def begin_role(ansible: Ansible, **keywords: Any) -> Running:
    return begin(ansible, roles=[{"role": ROLE, **keywords}])


both = pytest.mark.parametrize("begin_work", [begin_module, begin_role], ids=["module", "role"])


def assert_those_under_way_were_the_last(ansible: Ansible, under_way: int = AT_ONCE, kills: int = 1) -> None:
    """No order was sent since, the ledger has all that were, and the next run sends the rest."""
    ansible.portal.release()
    wait_for_the_last(ansible.home)
    assert orders_sent(ansible.portal) == len(ansible.portal.invoices) == under_way
    intents = ansible.module("yeastar_pce_ledger")["intents"]
    possible = {intent["product_no"] for intent in intents if intent["status"] != "not_sent"}
    assert possible == {invoice.product_no for invoice in ansible.portal.invoices}
    results = settle(ansible, numbers(ansible), concurrency=AT_ONCE)
    judge(ansible.portal, numbers(ansible), results, kills)


@pytest.mark.faults(81)
@both
def test_no_order_leaves_once_ansible_playbook_was_killed(fleet: Ansible, begin_work: Callable[..., Running]) -> None:
    running = begin_work(fleet)
    wait_held(fleet)
    running.kill()
    assert_those_under_way_were_the_last(fleet)


@pytest.mark.faults(81)
@both
def test_no_order_leaves_once_its_process_group_was_killed(fleet: Ansible, begin_work: Callable[..., Running]) -> None:
    # The way ansible-runner ends a job. Since ansible-core 2.19 the workers are in their own sessions.
    running = begin_work(fleet)
    wait_held(fleet)
    os.killpg(running.process.pid, signal.SIGKILL)
    running.wait()
    assert_those_under_way_were_the_last(fleet)


@pytest.mark.faults(10, 81)
@both
def test_no_order_leaves_once_ctrl_c_was_pressed_twice(fleet: Ansible, begin_work: Callable[..., Running]) -> None:
    running = begin_work(fleet)
    wait_held(fleet)
    for dummy in range(2):
        os.killpg(running.process.pid, signal.SIGINT)
    assert running.wait()
    assert_those_under_way_were_the_last(fleet)


def give_up(running: Running) -> None:
    """Let the task time out: its `timeout` has set an alarm in each worker."""
    for worker in children_of(running.process.pid):
        os.kill(worker, signal.SIGALRM)


@pytest.mark.faults(10, 81)
def test_no_order_leaves_once_the_tasks_time_is_over(fleet: Ansible) -> None:
    running = begin_module(fleet, timeout=600)
    wait_held(fleet)
    give_up(running)
    assert running.wait() == 2
    for fact in ('"changed": true', "order in progress may have been accepted", "sends no further orders"):
        assert fact in running.stdout, running.stdout
    assert_those_under_way_were_the_last(fleet, kills=0)


@pytest.mark.faults(10, 81)
def test_no_order_leaves_for_an_item_whose_time_is_over_while_the_loop_goes_on(fleet: Ansible) -> None:
    hold(fleet, times=1)
    first, *others = numbers(fleet)
    task = {
        "pbxops.yeastar.yeastar_pce_renewal": "{{ item }}",
        "loop": [options_for(others), options_for([first])],
        "timeout": 600,
    }
    running = begin(fleet, tasks=[task])
    wait_held(fleet)
    give_up(running)
    wait_held(fleet, AT_ONCE + 1)
    assert_those_under_way_were_the_last(fleet, AT_ONCE + 1, kills=0)


@pytest.mark.faults(81)
@both
def test_nobody_is_waited_for_once_nobody_waits(
    start: Callable[..., Ansible], begin_work: Callable[..., Running]
) -> None:
    ansible = start()
    ansible.portal.fault("order_pending")
    hold(ansible, times=1)
    running = begin_work(ansible)
    wait_held(ansible, 1)
    running.kill()
    ansible.portal.release()
    wait_for_the_last(ansible.home)
    assert len(ansible.portal.invoices) == 1


def begin_under(ansible: Ansible, script: str) -> Running:
    """Start only the module, as "$@" of a script."""
    running = ansible.start("yeastar_pce_renewal", options_for(numbers(ansible)), under=("sh", "-c", script, "sh"))
    wait_held(ansible)
    return running


@pytest.mark.faults(81)
def test_no_order_leaves_once_nobody_reads_the_result(fleet: Ansible) -> None:
    # As on a host whose connection is lost: the module's shell keeps running, and so does the module.
    running = begin_under(fleet, '"$@" | sleep 600')
    reader = children_of(running.process.pid)[-1]
    os.kill(reader, signal.SIGKILL)
    assert_those_under_way_were_the_last(fleet)


@pytest.mark.faults(81)
def test_no_order_leaves_once_the_parent_is_gone(fleet: Ansible) -> None:
    begin_under(fleet, 'exec 3<&0; "$@" <&3 & wait').kill()
    assert_those_under_way_were_the_last(fleet)


def test_a_run_that_was_detached_outlives_its_controller(fleet: Ansible) -> None:
    running = begin_module(fleet, **{"async": 120, "poll": 0})
    wait_held(fleet)
    assert running.wait() == 0
    fleet.portal.release()
    wait_for_the_last(fleet.home)
    judge(fleet.portal, numbers(fleet))
