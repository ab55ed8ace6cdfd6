# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewal of eight PBXs, four orders at a time, that is ended in the middle, and the runs after it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.kill_points import KillPoint
from tests.support.processes import POSTGRESQL, SQLITE, Ansible, orders_sent
from tests.support.settling import assert_truthful, fleet_arguments, settle
from tests.support.tally import judge

SAVE = "/order/v1/save"
FOUR = {"concurrency": 4, "wait_timeout": 0, "run_id": "side by side"}
ORDERS, FOLLOW = "_renew.order.Orders.", "_renew.follow.Follow."
# Each is met by several orders at once; the skipped ones make sure that some are in flight and some are done.
POINTS = (
    KillPoint("_ledger.ledger.Ledger.intend", "after", skip=2),
    KillPoint(ORDERS + "_look_again", "after", skip=3),
    KillPoint("_portal.sender.OrderSender.send", "before", skip=3),
    KillPoint(FOLLOW + "add_accepted", "before", skip=1),
    KillPoint("_ledger.ledger.Ledger._note", "before", skip=14),
    KillPoint(FOLLOW + "verify", "after", skip=5),
)
CASES = [(SQLITE, point, number) for number in (signal.SIGKILL, signal.SIGTERM) for point in POINTS]
CASES += [(POSTGRESQL, POINTS[3], signal.SIGKILL), (POSTGRESQL, POINTS[3], signal.SIGTERM)]


@pytest.fixture
def eight(start: Callable[..., Ansible]) -> Ansible:
    return start(fleet={"generate": {"count": 8, "due": 8}}, latency=0.02)


def numbers(ansible: Ansible) -> list[str]:
    return [pbx.product_no for pbx in ansible.portal.pbxs]


def assert_told(result: dict[str, Any], ansible: Ansible) -> None:
    """Orders that were sent are reported as ordered or possibly ordered, the others as not attempted."""
    assert_truthful(result)
    assert "interrupted by SIGTERM" in result["msg"]
    charged = {invoice.product_no for invoice in ansible.portal.invoices}
    for row in result["results"]:
        if row["product_no"] in charged:
            assert row["changed"] and row["state"] in ("renewed", "pending", "unknown"), row
        elif not row["changed"]:
            assert row["state"] == "not_attempted", row


@pytest.mark.faults(1, 3, 6, 7, 8, 10)
@pytest.mark.parametrize(
    ("ledger", "point", "number"), CASES, indirect=["ledger"], ids=lambda value: getattr(value, "name", str(value))
)
def test_ended_while_four_orders_are_under_way_each_pbx_is_charged_once_and_renewed(
    eight: Ansible, point: KillPoint, number: signal.Signals, ledger: dict[str, str]
) -> None:
    arguments = {**fleet_arguments(numbers(eight)), **FOUR, **ledger}
    struck = KillPoint(point.function, point.when, number, point.skip)
    running = eight.start_renewal(at=struck, **arguments)
    results = []
    if number == signal.SIGKILL:
        assert running.wait() == -signal.SIGKILL
    else:
        results.append(running.result())
        assert_told(results[0], eight)
    results += settle(eight, numbers(eight), **{**FOUR, **ledger})
    judge(eight.portal, numbers(eight), results, kills=1)


@pytest.mark.faults(10)
def test_told_to_end_while_the_portal_holds_four_orders_it_ends_at_once_and_names_them_all(eight: Ansible) -> None:
    eight.portal.fault("hold", path=SAVE, point="before_commit", times=4)
    running = eight.start_renewal(**{**fleet_arguments(numbers(eight)), **FOUR})
    eight.portal.wait_held(count=4)
    running.send(signal.SIGTERM)
    result = running.result(timeout=15)
    assert [row["state"] for row in result["results"]].count("unknown") == 4
    assert [row["state"] for row in result["results"]].count("not_attempted") == 4
    eight.portal.release()
    assert_told(result, eight)
    assert orders_sent(eight.portal) == 4
    results = settle(eight, numbers(eight), **FOUR)
    judge(eight.portal, numbers(eight), [result, *results], kills=1)


@pytest.mark.faults(1, 6, 44)
def test_a_run_over_thirty_that_is_killed_in_the_middle_goes_on_where_it_stopped(start: Callable[..., Ansible]) -> None:
    thirty = start(fleet={"generate": {"count": 30, "due": 30}})
    arguments = {**fleet_arguments(numbers(thirty)), **FOUR}
    assert (
        thirty.start_renewal(at=KillPoint(FOLLOW + "add_accepted", "after", skip=14), **arguments).wait()
        == -signal.SIGKILL
    )
    done = len(thirty.portal.invoices)
    assert 15 <= done < 30
    results = settle(thirty, numbers(thirty), **FOUR)
    # Completed orders were not repeated; of one that was being sent, half may have arrived.
    whole = [entry for entry in thirty.portal.log if entry.path.endswith(SAVE) and entry.body is not None]
    assert len(whole) == 30
    judge(thirty.portal, numbers(thirty), results, kills=1)
