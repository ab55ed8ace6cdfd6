# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes renew one fleet at once with one ledger: each PBX is charged once, and every result is true."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import SETUP, number_of
from tests.support.kill_points import KillPoint
from tests.support.pgbouncer import pooled
from tests.support.plays import Shown, run
from tests.support.postgres import ISOLATIONS, Postgres, wait_for_waiters
from tests.support.processes import Ansible, orders_sent, states
from tests.support.running import together
from tests.support.settling import assert_truthful, fleet_arguments, settle
from tests.support.tally import judge

SAVE = "/order/v1/save"
# The ledger is not there yet; or everybody has read that everything is due.
AT_THE_START = KillPoint("_module.Frame.__enter__", "before", signal.SIGSTOP)
ALL_DUE = KillPoint("_renew.run.Run._carry_out", "before", signal.SIGSTOP)


@dataclass(frozen=True)
class Race:
    """That many processes continue from a point at once."""

    processes: int
    point: KillPoint
    lags: bool

    def __str__(self) -> str:
        return f"{self.processes}-{self.point.function}{'-lagging' if self.lags else ''}"


RACES = (
    Race(2, AT_THE_START, False),
    Race(2, ALL_DUE, True),
    Race(8, AT_THE_START, True),
    Race(8, ALL_DUE, False),
)


@pytest.fixture
def eight(start: Callable[..., Ansible]) -> Ansible:
    """Eight PBXs, of which six are due."""
    return start(fleet={"generate": {"count": 8, "due": 6}})


def numbers(ansible: Ansible) -> list[str]:
    return [pbx.product_no for pbx in ansible.portal.pbxs]


def due(ansible: Ansible) -> list[str]:
    return numbers(ansible)[:6]


def let_lag(ansible: Ansible) -> None:
    """Orders and expiries appear only after some more reads."""
    ansible.portal.fault("list_lag", reads=4, times=3)
    ansible.portal.fault("expiry_late", reads=3, times=3)


def race(controllers: Sequence[Ansible], point: KillPoint, **arguments: Any) -> list[dict[str, Any]]:
    """The results of one process on each controller."""
    return together(controller.start_renewal(at=point, **arguments) for controller in controllers)


def assert_nothing_untrue(ansible: Ansible, results: Sequence[dict[str, Any]]) -> None:
    """Exactly the process that says it ordered a PBX did so, and a PBX that is reported as renewed is renewed."""
    portal = ansible.portal
    rows = [row for result in results for row in result["results"]]
    for result in results:
        assert_truthful(result)
    assert sorted(row["product_no"] for row in rows if row["changed"]) == sorted(
        invoice.product_no for invoice in portal.invoices
    )
    assert sum(result["requests"]["write"] for result in results) == orders_sent(portal)
    order_of = {invoice.product_no: invoice for invoice in portal.invoices}
    for row in rows:
        assert row["state"] in ("renewed", "current", "pending", "unknown", "not_attempted"), row
        if row["state"] in ("renewed", "pending"):
            assert row["order"]["order_no"] == order_of[row["product_no"]].order_no, row
        if row["state"] == "renewed":
            assert row["expires_after"] == f"{order_of[row['product_no']].expiry_after:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.faults(14, 38, 43, 46, 58, 62)
@pytest.mark.parametrize("of", RACES, ids=str)
def test_processes_of_one_controller_renew_a_fleet_at_once(eight: Ansible, of: Race, ledger: dict[str, str]) -> None:
    if of.lags:
        let_lag(eight)
    results = race([eight] * of.processes, of.point, **fleet_arguments(numbers(eight)), **ledger)
    assert_nothing_untrue(eight, results)
    assert orders_sent(eight.portal) == 6
    results += settle(eight, numbers(eight), **ledger)
    judge(eight.portal, due(eight), results)


def other_controller(ansible: Ansible, name: str) -> Ansible:
    home = ansible.home / name
    home.mkdir()
    return replace(ansible, home=home)


@pytest.mark.faults(39, 62)
def test_two_controllers_with_one_ledger_renew_a_fleet_at_once(eight: Ansible, database_url: str) -> None:
    let_lag(eight)
    controllers = [eight, other_controller(eight, "elsewhere")]
    results = race(controllers, ALL_DUE, **fleet_arguments(numbers(eight)), ledger=database_url)
    assert_nothing_untrue(eight, results)
    results += settle(controllers[1], numbers(eight), ledger=database_url)
    judge(eight.portal, due(eight), results)


@pytest.mark.faults(39)
def test_a_controller_that_is_killed_leaves_its_intent_to_the_other(eight: Ansible, database_url: str) -> None:
    other = other_controller(eight, "elsewhere")
    eight.portal.fault("hold", path=SAVE, point="before_commit")
    running = eight.start_renewal(**fleet_arguments(numbers(eight)), ledger=database_url)
    eight.portal.wait_held()
    running.kill()
    eight.portal.release()
    results = settle(other, numbers(eight), ledger=database_url)
    judge(eight.portal, due(eight), results, kills=1)


def slices(ansible: Ansible) -> list[list[str]]:
    return [due(ansible)[index::3] for index in range(3)]


@pytest.mark.faults(43)
def test_the_cap_of_a_run_holds_across_its_slices_and_a_refused_one_orders_nothing(
    eight: Ansible, ledger: dict[str, str]
) -> None:
    given = [
        {"subscriptions": [{"product_no": number} for number in part], "max_orders": 5, "run_id": "job-17", **ledger}
        for part in slices(eight)
    ]
    results = together(eight.start_renewal(at=ALL_DUE, **arguments) for arguments in given)
    assert_nothing_untrue(eight, results)
    outcomes = sorted(tuple(sorted(states(result).values())) for result in results)
    assert outcomes == [("not_attempted", "not_attempted"), ("renewed", "renewed"), ("renewed", "renewed")]
    (refused,) = [result for result in results if result.get("failed")]
    assert "this run (job-17) has ordered or is ordering 4 (" in refused["msg"] and not refused["changed"]
    assert "; due here: 2 (" in refused["msg"] and "max_orders is 5: nothing was ordered here" in refused["msg"]
    judge(eight.portal, [number for number in due(eight) if number not in states(refused)], results)


@pytest.mark.faults(43, 78)
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_two_jobs_of_one_run_hold_its_cap_whatever_isolation_the_server_gives(
    eight: Ansible, postgres: Postgres, database_url: str, isolation: str
) -> None:
    """Both wait for the same transaction, so that the second one starts before the first has reserved."""
    postgres.isolate(database_url, isolation)
    options = {"ledger": database_url, "run_id": "job-20", "max_orders": 1}
    jobs = [eight.start_renewal(at=ALL_DUE, product_no=number, **options) for number in due(eight)[:2]]
    for job in jobs:
        job.wait_stopped()
    with postgres.admin(database_url.rpartition("/")[2]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (number_of(SETUP),))
        for job in jobs:
            job.resume()
        wait_for_waiters(other, 2)
    results = [job.result() for job in jobs]
    assert_nothing_untrue(eight, results)
    assert sorted(row["state"] for result in results for row in result["results"]) == ["not_attempted", "renewed"]
    (refused,) = [result for result in results if result.get("failed")]
    assert "max_orders is 1: nothing was ordered here" in refused["msg"] and orders_sent(eight.portal) == 1


@pytest.mark.faults(38)
@pytest.mark.parametrize("pool_mode", ["session", "transaction"])
def test_behind_a_pooler_jobs_order_once_or_not_at_all(
    eight: Ansible, postgres: Postgres, database_url: str, pool_mode: str
) -> None:
    number = due(eight)[0]
    with pooled(postgres, database_url, pool_mode) as address:
        jobs = [eight.start_renewal(product_no=number, ledger=address) for dummy in range(2)]
        results = [job.result() for job in jobs]
    if pool_mode == "session":
        judge(eight.portal, [number], results)
        return
    assert orders_sent(eight.portal) == 0
    for result in results:
        assert result["failed"] and not result["changed"] and "is behind a pooler" in result["msg"]


@pytest.mark.faults(43)
def test_processes_of_a_run_that_all_have_the_whole_list_count_each_pbx_once(
    eight: Ansible, ledger: dict[str, str]
) -> None:
    arguments = {**fleet_arguments(numbers(eight)), "run_id": "job-18", **ledger, "max_orders": 6}
    results = race([eight] * 3, ALL_DUE, **arguments)
    assert_nothing_untrue(eight, results)
    judge(eight.portal, due(eight), results)


@pytest.mark.faults(43)
def test_what_one_process_of_a_run_has_ordered_another_does_not_take_out_of_the_count(
    eight: Ansible, ledger: dict[str, str]
) -> None:
    first, others = due(eight)[:2], due(eight)[2:4]
    arguments = {"run_id": "job-19", **ledger, "max_orders": 2}
    both = {**fleet_arguments(first), **arguments}
    assert_nothing_untrue(eight, race([eight] * 2, ALL_DUE, **both))
    refused = eight.renew(**{**fleet_arguments(others), **arguments})
    assert refused["failed"] and set(states(refused).values()) == {"not_attempted"}
    judge(eight.portal, first)


@pytest.mark.faults(42)
def test_50_forks_over_200_pbxs_log_in_once_list_once_and_order_at_most_four_at_a_time(
    start: Callable[..., Ansible],
) -> None:
    ansible = start(fleet={"generate": {"count": 200, "due": 6}})
    portal = ansible.portal
    portal.fault("hold", path=SAVE, point="before_commit", times=4)
    hosts = {pbx.product_no: {} for pbx in portal.pbxs}
    shown: list[Shown] = []
    play = threading.Thread(target=lambda: shown.append(run(ansible, hosts, "--forks", "50", max_orders=6)))
    play.start()
    portal.wait_held(timeout=400, count=4)
    play.join(1)
    assert orders_sent(portal) == 4
    portal.release()
    play.join()
    assert shown[0].status == 0 and Counter(shown[0].states().values()) == {"renewed": 6, "current": 194}
    kinds = Counter(entry.path.rpartition("/")[2] for entry in portal.log)
    pages = [str(entry.query) for entry in portal.log if entry.path.endswith("/instance_product_list")]
    assert (kinds["token"], kinds["save"]) == (1, 6) and len(pages) == len(set(pages)) == 8
    judge(portal, [pbx.product_no for pbx in portal.pbxs][:6])
