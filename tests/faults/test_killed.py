# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewal that is killed while its order is at the portal, and the runs after it: one invoice, whatever happens."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator import POINTS, Simulator
from tests.simulator.holds import READING
from tests.support.kill_points import KillPoint
from tests.support.processes import Ansible, orders_sent, states
from tests.support.running import run_until, together

FIRST = "3658B431119665QJ"
SAVE = "/order/v1/save"
SIGNALS = pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    return start()


def hold_order(portal: Simulator, point: str) -> None:
    """Hold the order, and make it come on a connection of its own if that is what shall be held."""
    if point == "on_accept":
        portal.fault("close", path="/instance_product/v1/detail")
        portal.fault("hold", point=point, skip=1)
    else:
        portal.fault("hold", point=point, path=SAVE)


def assert_settles(ansible: Ansible) -> None:
    """Run until nothing is left to be done, or only to be waited for: one invoice in the end, no more while waiting."""

    def is_settled(result: dict[str, Any]) -> bool:
        (row,) = result["results"]
        return row["state"] == "current" or row["reason"] == "waiting"

    before = len(ansible.portal.invoices)
    (row,) = run_until(lambda dummy: ansible.renew(product_no=FIRST), is_settled)[-1]["results"]
    assert len(ansible.portal.invoices) == (1 if row["state"] == "current" else before)


@SIGNALS
@pytest.mark.parametrize("point", POINTS)
def test_killed_while_the_server_stands_still(one: Ansible, point: str, number: signal.Signals) -> None:
    hold_order(one.portal, point)
    running = one.start_renewal(product_no=FIRST)
    assert one.portal.wait_held()[0].point == point
    running.send(number)
    running.wait()
    one.portal.release()
    assert not one.portal.faults
    assert len(one.portal.invoices) == (point not in READING)
    assert_settles(one)


OWN_POINTS = (
    KillPoint("_transport.WritingTransport.post_once", "before"),
    KillPoint("_transport.WritingTransport.post_once", "after"),
    KillPoint("_http._Body.read", "before"),
    KillPoint("_executor.Run.execute", "after"),
)


@pytest.mark.parametrize("at", OWN_POINTS, ids=str)
def test_killed_at_a_point_of_its_own(one: Ansible, at: KillPoint) -> None:
    assert one.start_renewal(at=at, product_no=FIRST).wait() == -signal.SIGKILL
    assert_settles(one)


def test_processes_go_on_from_one_point_together(one: Ansible) -> None:
    at = KillPoint("_runner.Runner.__enter__", "before", signal.SIGSTOP)
    results = together(one.start_renewal(at=at, check_mode=True, product_no=FIRST) for dummy in range(3))
    assert [states(result) for result in results] == [{FIRST: "due"}] * 3
    assert orders_sent(one.portal) == 0


def test_killed_in_a_play_at_a_point_of_its_own(one: Ansible) -> None:
    report = one.home / "struck"
    task = {"pbxops.yeastar.yeastar_pce_renewal": {"product_no": FIRST, "wait_timeout": 0}}
    playbook = one.home / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    variables = json.dumps({"ansible_connection": "local", "ansible_python_interpreter": sys.executable})
    at = KillPoint("_executor.Run.execute", "after")
    # What Ansible unpacks a module into stays when the module is killed.
    environment = at.environment(report, {"TMPDIR": str(one.home)})
    process = one.playbook("-i", "pbx,", "-e", variables, playbook, environment=environment)
    assert report.exists() and process.returncode and '"rc": 137' in process.stdout
    assert_settles(one)
