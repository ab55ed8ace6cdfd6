# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The caps of a run across retries, loops, batches and jobs: every order counts, and the message says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.plays import ANNUAL, MONTHLY, Shown, renewed, run
from tests.support.processes import Ansible

# Expired 70 days ago, and renewed from the old expiry: it takes three orders until it is current again.
BEHIND = {"product_no": MONTHLY, "plan": "Enterprise Plan", "quantity": 25, "billing_cycle": "monthly"}
LOCAL = {"gather_facts": False, "connection": "local", "hosts": "localhost"}


@pytest.fixture
def behind(start: Callable[..., Ansible]) -> Ansible:
    """A monthly PBX that is several terms behind."""
    return start(fleet={"pbxs": [{**BEHIND, "expires_in_days": -70}]})


def module_play(*tasks: dict[str, Any], **keywords: Any) -> list[dict[str, Any]]:
    return [{"name": "Renew", "tasks": list(tasks), **LOCAL, **keywords}]


def renewal(*, name: str = "Renew", task: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "pbxops.yeastar.yeastar_pce_renewal": {"wait_timeout": 0, **options}, **(task or {})}


UNTIL = {"register": "result", "until": "result is not changed", "retries": 4, "delay": 0}


@pytest.mark.faults(77)
@pytest.mark.parametrize(
    ("caps", "orders", "says"),
    [
        (
            {"max_orders": 1},
            1,
            f"has ordered or is ordering 1 ({MONTHLY}) already; due here: 1 ({MONTHLY}); max_orders is 1",
        ),
        ({"max_orders": 2}, 2, "; max_orders is 2: nothing was ordered here"),
        ({"max_total": "40"}, 1, "; max_total is 40: nothing was ordered here"),
        ({"max_orders": 3}, 3, None),
    ],
    ids=["max_orders 1", "max_orders 2", "max_total", "enough for all"],
)
def test_each_term_that_until_renews_counts_as_an_order_of_the_run(
    behind: Ansible, caps: dict[str, Any], orders: int, says: str | None
) -> None:
    task = renewal(product_no=MONTHLY, include_expired=True, **caps, task={**UNTIL, "ignore_errors": True})
    shown = run(behind, {}, plays=module_play(task))
    assert len(behind.portal.invoices) == orders, shown.output
    assert (says is None) == (shown.recap["localhost"].get("ignored") is None)
    if says:
        assert says in shown.output


@pytest.mark.parametrize(
    ("caps", "says"),
    [
        ({"max_orders": 1}, f"ordering 1 ({ANNUAL}) already; due here: 1 ({MONTHLY}); max_orders is 1: nothing"),
        (
            {"max_total": "1700", "currency": "USD"},
            f"1 ({ANNUAL}) already for 1680.00 USD; due here: 1 ({MONTHLY}) for 63.00 USD; max_total is 1700 USD",
        ),
    ],
    ids=["max_orders", "max_total"],
)
def test_a_later_turn_of_a_loop_says_what_the_run_has_ordered_already(
    six: Ansible, caps: dict[str, Any], says: str
) -> None:
    loop = {"loop": [ANNUAL, MONTHLY], "register": "result"}
    shown = run(six, {}, plays=module_play(renewal(product_no="{{ item }}", **caps, task=loop)))
    assert renewed(six.portal) == [ANNUAL]
    assert shown.status == 2 and says in shown.output and "nothing was ordered here" in shown.output


PIPELINE = "{{ lookup('env', 'PIPELINE') }}"


def job(ansible: Ansible, kind: str, number: str, pipeline: str | None) -> Shown:
    """One job of a pipeline, for one PBX and with a cap of one, with the name of its run in a variable."""
    given = {"run_id": PIPELINE, "max_orders": 1}
    environment = {} if pipeline is None else {"PIPELINE": pipeline}
    if kind == "role":
        return run(ansible, {number: {}}, environment=environment, **given)
    return run(ansible, {}, plays=module_play(renewal(product_no=number, **given)), environment=environment)


@pytest.mark.faults(79)
@pytest.mark.parametrize("kind", ["role", "module"])
@pytest.mark.parametrize("pipeline", [None, "", " "], ids=["not set", "empty", "blank"])
def test_a_run_that_is_named_by_a_variable_that_is_not_set_is_refused(
    six: Ansible, kind: str, pipeline: str | None
) -> None:
    shown = job(six, kind, ANNUAL, pipeline)
    assert shown.status == 2 and six.portal.log == [], shown.output
    assert "run_id: expected a value, got an empty text; set the variable that it comes from" in shown.output


@pytest.mark.faults(43)
@pytest.mark.parametrize("kind", ["role", "module"])
def test_the_jobs_of_a_pipeline_that_is_named_have_one_cap(six: Ansible, kind: str) -> None:
    shown = [job(six, kind, number, "pipeline-7") for number in (ANNUAL, MONTHLY)]
    assert [one.status for one in shown] == [0, 2] and renewed(six.portal) == [ANNUAL]
    already, here = f"this run (pipeline-7) has ordered or is ordering 1 ({ANNUAL}) already", f"due here: 1 ({MONTHLY})"
    assert f"{already}; {here}; max_orders is 1: nothing was ordered here" in shown[1].output
