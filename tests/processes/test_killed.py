# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end early, also under Ansible, and how later runs find out what became of the order."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.kill_points import KillPoint
from tests.support.processes import Ansible, orders_sent, states
from tests.support.running import together
from tests.support.settling import SETTLE_WINDOW, at, has_waited, settle
from tests.support.tally import judge

FIRST, SECOND = "3658B431119665QJ", "3658B431119002QL"
SAVE = "/order/v1/save"
AFTER_INTENT = KillPoint("_ledger.ledger.Ledger.intend", "after")


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    return start()


def row_of(result: dict[str, Any]) -> tuple[str, str]:
    (row,) = result["results"]
    return row["state"], row["reason"]


OWN_POINTS = (
    KillPoint("_portal.sender.OrderSender.send", "before"),
    KillPoint("_portal.sender.OrderSender.send", "after"),
    KillPoint("_portal.http_client._Body.read", "before"),
    KillPoint("_renew.run.Run._decide_and_order", "after"),
)


@pytest.mark.faults(3, 7, 8)
@pytest.mark.parametrize("point", OWN_POINTS, ids=str)
def test_killed_at_a_point_of_its_own(one: Ansible, point: KillPoint) -> None:
    assert one.start_renewal(at=point, product_no=FIRST).wait() == -signal.SIGKILL
    settle(one, [FIRST])
    judge(one.portal, [FIRST], kills=1)


@pytest.mark.faults(3, 16)
def test_the_window_is_not_over_because_the_portals_clock_alone_says_so(one: Ansible) -> None:
    one.start_renewal(at=AFTER_INTENT, product_no=FIRST).wait()
    waiting = ("unknown", "waiting")
    beyond = SETTLE_WINDOW + 60
    assert row_of(one.renew(product_no=FIRST)) == waiting
    one.portal.clock.advance(beyond)
    assert row_of(one.renew(product_no=FIRST)) == waiting
    assert orders_sent(one.portal) == 0
    assert row_of(one.renew(product_no=FIRST, now=at(beyond))) == ("renewed", "expiry_moved")
    judge(one.portal, [FIRST], kills=1)


@pytest.mark.faults(18, 62)
@pytest.mark.parametrize("verb", ["list_lag", "expiry_late", "commit_late"])
def test_a_killed_runs_order_that_shows_late_is_adopted_and_not_sent_again(one: Ansible, verb: str) -> None:
    late = SETTLE_WINDOW - 120  # s
    one.portal.fault(verb, path=SAVE, seconds=late)
    one.portal.fault("hold", path=SAVE, point="after_commit")
    running = one.start_renewal(product_no=FIRST)
    one.portal.wait_held()
    running.kill()
    one.portal.release()
    seen = row_of(one.renew(product_no=FIRST))
    assert seen == {
        "list_lag": ("current", "enough_time"),
        "expiry_late": ("pending", "awaiting_expiry"),
        "commit_late": ("unknown", "waiting"),
    }.get(verb)
    one.portal.clock.advance(late)
    assert row_of(one.renew(product_no=FIRST, now=at(late))) == ("current", "enough_time")
    assert orders_sent(one.portal) == 1
    judge(one.portal, [FIRST], kills=1)


@pytest.mark.faults(87)
def test_what_a_killed_run_has_bought_is_said_once(start: Callable[..., Ansible]) -> None:
    terms = {"plan": "Enterprise Plan", "quantity": 100, "billing_cycle": "annually"}
    days = {FIRST: 3, SECOND: 5, "3658B431119003QL": 7}
    fleet = {"pbxs": [{"product_no": number, "expires_in_days": left, **terms} for number, left in days.items()]}
    three = start(fleet=fleet)
    three.portal.fault("hold", path=SAVE, point="after_commit", skip=1)
    due = {"subscriptions": [{"product_no": number} for number in days], "max_orders": 3}
    running = three.start_renewal(**due, concurrency=1)
    three.portal.wait_held()
    running.kill()
    three.portal.release()
    foretold, after, once_more = three.renew(True, **due), three.renew(**due), three.renew(**due)
    for said in (foretold, after):
        rows = {row["product_no"]: row for row in said["results"]}
        assert "sent by a run that was interrupted" in rows[FIRST]["message"]
        assert three.portal.orders[0].order_no in rows[FIRST]["message"] and FIRST in str(said["warnings"])
    assert three.portal.orders[1].order_no in {row["product_no"]: row for row in after["results"]}[SECOND]["message"]
    assert "interrupted" not in json.dumps(once_more)
    assert sorted(invoice.product_no for invoice in three.portal.invoices) == sorted(days)


def play_with(one: Ansible, **keywords: Any) -> list[Any]:
    """The arguments of ansible-playbook for a play with one task and these keywords."""
    task = {"pbxops.yeastar.yeastar_pce_renewal": {"product_no": FIRST, "wait_timeout": 0}, **keywords}
    playbook = one.home / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    variables = json.dumps({"ansible_connection": "local", "ansible_python_interpreter": sys.executable})
    return ["-i", "pbx,", "-e", variables, playbook]


@pytest.mark.faults(7, 8)
def test_killed_in_a_play_at_a_point_of_its_own(one: Ansible) -> None:
    report = one.home / "struck"
    point = KillPoint("_renew.run.Run._decide_and_order", "after")
    process = one.playbook(*play_with(one), environment=point.environment(report, {}))
    assert report.exists() and process.returncode and '"rc": 137' in process.stdout
    assert not has_waited(settle(one, [FIRST]))
    judge(one.portal, [FIRST], kills=1)


@pytest.mark.faults(10)
@pytest.mark.parametrize("point", ["half_body", "after_commit"])
def test_a_task_whose_time_is_over_while_its_order_is_under_way(one: Ansible, point: str) -> None:
    # Ansible gives up the task but not the module's process: it continues, and the next run waits for it. If the
    # worker is slow to end, Ansible ends it, and with it the module: half an order is no order, and is sent again in
    # time. Which of the two happened is known from whether the portal received the rest.
    one.portal.fault("hold", path=SAVE, point=point)
    process = one.playbook(*play_with(one, timeout=12))
    assert process.returncode and "cancelled" not in process.stdout
    assert [held.point for held in one.portal.held] == [point], process.stdout
    one.portal.release()
    waited = has_waited(settle(one, [FIRST]))
    first = next(entry for entry in one.portal.log if entry.path.endswith(SAVE))
    came_whole = point == "after_commit" or first.status == 200
    assert waited == (set() if came_whole else {FIRST})
    assert orders_sent(one.portal) == 1 + len(waited)
    judge(one.portal, [FIRST])


@pytest.mark.faults(44)
@pytest.mark.parametrize(("verb", "sent"), [("error_before", 0), ("error_after", 1)])
def test_a_task_that_ansible_repeats_until_it_succeeds_orders_once(one: Ansible, verb: str, sent: int) -> None:
    one.portal.fault(verb, path=SAVE)
    again = {"register": "renewal", "until": "renewal.results[0].state == 'current'", "retries": 2, "delay": 0}
    process = one.playbook(*play_with(one, **again))
    assert bool(process.returncode) is not bool(sent), process.stdout
    assert orders_sent(one.portal) == 1 and len(one.portal.invoices) == sent
    settle(one, [FIRST])
    judge(one.portal, [FIRST])


@pytest.mark.faults(14)
def test_who_waits_for_a_run_that_is_killed_goes_on_from_its_intent(one: Ansible, ledger: dict[str, str]) -> None:
    one.portal.fault("hold", path=SAVE, point="half_body")
    holder = one.start_renewal(product_no=FIRST, **ledger)
    one.portal.wait_held()
    waiting = KillPoint("_ledger.ledger.Ledger.lock", "before", signal.SIGSTOP)
    follower = one.start_renewal(at=waiting, product_no=FIRST, **ledger)
    follower.wait_stopped()
    follower.resume()
    with pytest.raises(subprocess.TimeoutExpired):
        follower.process.wait(1)
    holder.kill()
    one.portal.release()
    assert row_of(follower.result()) == ("unknown", "waiting")
    assert orders_sent(one.portal) == 1
    assert has_waited(settle(one, [FIRST], **ledger)) == {FIRST}
    judge(one.portal, [FIRST], kills=1)


def test_processes_go_on_from_one_point_together(one: Ansible) -> None:
    point = KillPoint("_module.Frame.__enter__", "before", signal.SIGSTOP)
    results = together(one.start_renewal(at=point, check_mode=True, product_no=FIRST) for dummy in range(3))
    assert [states(result) for result in results] == [{FIRST: "due"}] * 3
    assert orders_sent(one.portal) == 0
