# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server that is lost in the middle of a run: nothing is sent without an intent, and no intent is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.postgres import Postgres
from tests.support.processes import Ansible, orders_sent, states
from tests.support.settling import assert_truthful, fleet_arguments, has_waited, settle
from tests.support.tally import judge

FIRST = "3658B431119665QJ"
DETAIL, SAVE = "/instance_product/v1/detail", "/order/v1/save"

CRASH, CUT_OFF = "crash", "cut_off"


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    return start()


def renew_and_lose(
    one: Ansible,
    postgres: Postgres,
    database_url: str,
    loss: str,
    point: str,
    path: str = SAVE,
    **arguments: Any,
) -> dict[str, Any]:
    """The result of a run that loses its database while the portal holds the exchange."""
    one.portal.fault("hold", path=path, point=point)
    running = one.start_renewal(**(arguments or {"product_no": FIRST}), ledger=database_url)
    one.portal.wait_held()
    if loss == CRASH:
        postgres.stop(crash=True)
    else:
        assert postgres.cut_off(database_url) == 1
    one.portal.release()
    result = running.result()
    assert_truthful(result)
    assert postgres.password not in json.dumps(result)
    if loss == CRASH:
        postgres.start()
    return result


@pytest.mark.faults(6, 7)
@pytest.mark.parametrize("loss", [CRASH, CUT_OFF])
def test_lost_between_intent_and_outcome_the_order_is_told_and_the_next_run_adopts_it(
    one: Ansible, postgres: Postgres, database_url: str, loss: str
) -> None:
    result = renew_and_lose(one, postgres, database_url, loss, "after_commit")
    (row,), (invoice,) = result["results"], one.portal.invoices
    assert row["changed"] and row["order"]["order_no"] == invoice.order_no
    assert "could not be noted" in str(result["warnings"])
    assert not has_waited(settle(one, [FIRST], ledger=database_url))
    assert orders_sent(one.portal) == 1
    judge(one.portal, [FIRST], [result])


@pytest.mark.faults(6, 7)
@pytest.mark.parametrize("loss", [CRASH, CUT_OFF])
def test_lost_during_the_first_of_two_orders_the_other_is_not_sent_and_fails_the_task(
    start: Callable[..., Ansible], postgres: Postgres, database_url: str, loss: str
) -> None:
    two = start(fleet={"generate": {"count": 2, "due": 2}})
    numbers = [pbx.product_no for pbx in two.portal.pbxs]
    arguments = {**fleet_arguments(numbers), "concurrency": 1}
    result = renew_and_lose(two, postgres, database_url, loss, "after_commit", **arguments)
    (invoice,) = two.portal.invoices
    (other,) = set(numbers) - {invoice.product_no}
    assert states(result) == {invoice.product_no: "renewed", other: "not_attempted"}
    assert result["failed"] and result["changed"] and f"; {other}: not attempted: " in result["msg"]
    assert has_waited(settle(two, numbers, ledger=database_url)) == set()
    judge(two.portal, numbers, [result])


def test_lost_between_intent_and_order_nothing_is_sent(one: Ansible, postgres: Postgres, database_url: str) -> None:
    result = renew_and_lose(one, postgres, database_url, CUT_OFF, "half_answer", DETAIL)
    (row,) = result["results"]
    assert result["failed"]
    assert (row["state"], row["reason"], result["changed"]) == ("failed", "ledger", False)
    assert "the order was not placed" in row["message"] and orders_sent(one.portal) == 0
    assert has_waited(settle(one, [FIRST], ledger=database_url)) == {FIRST}
    judge(one.portal, [FIRST], [result])


@pytest.mark.faults(5)
def test_an_intent_outlives_the_run_and_the_server_at_once(one: Ansible, postgres: Postgres, database_url: str) -> None:
    one.portal.fault("hold", path=SAVE, point="half_body")
    running = one.start_renewal(product_no=FIRST, ledger=database_url)
    one.portal.wait_held()
    running.kill()
    postgres.stop(crash=True)
    one.portal.release()
    result = one.renew(product_no=FIRST, ledger=database_url)
    assert result["failed"] and not result["changed"] and "Make sure that the server is up" in result["msg"]
    postgres.start()
    assert has_waited(settle(one, [FIRST], ledger=database_url)) == {FIRST}
    judge(one.portal, [FIRST], kills=1)
