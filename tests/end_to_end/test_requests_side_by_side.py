# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Concurrent requests to a slow portal: how many at once, how many in total, and what stops them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.processes import Ansible, orders_sent, states

SAVE = "/order/v1/save"


class Watch:
    """How many exchanges and orders the portal processed at once, and whether two were for the same PBX."""

    def __init__(self, portal: Simulator) -> None:
        self._lock, self._inner = threading.Lock(), portal.exchange
        self.now, self.most, self.most_orders, self.twice = 0, 0, 0, []  # type: ignore[var-annotated]
        self._ordering: Counter[bytes] = Counter()
        portal.exchange = self._exchange  # type: ignore[method-assign]

    def _exchange(self, request: Any, hold: Any) -> Any:
        order = request.body if request.path.endswith(SAVE) else None
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if order:
                self._ordering[order] += 1
                self.most_orders = max(self.most_orders, self._ordering.total())
                self.twice += [order] if self._ordering[order] > 1 else []
        try:
            return self._inner(request, hold)
        finally:
            with self._lock:
                self.now -= 1
                self._ordering[order or b""] -= bool(order)


def of_all(portal: Simulator) -> dict[str, Any]:
    return {"subscriptions": [{"product_no": pbx.product_no} for pbx in portal.pbxs], "max_orders": 100}


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_as_many_requests_are_under_way_as_concurrency_says(start: Callable[..., Ansible], concurrency: int) -> None:
    ansible = start(fleet={"generate": {"count": 40, "due": 20}}, latency=0.05)
    watch = Watch(ansible.portal)
    result = ansible.renew(**of_all(ansible.portal), concurrency=concurrency)
    assert Counter(states(result).values()) == {"renewed": 20, "current": 20}
    assert watch.most_orders <= watch.most <= concurrency and watch.twice == []
    assert concurrency == 1 or watch.most_orders > 1
    assert len(ansible.portal.invoices) == 20


@pytest.mark.parametrize("concurrency", [1, 4])
def test_100_pbxs_of_which_10_are_due_cost_the_same_however_many_at_once(
    start: Callable[..., Ansible], concurrency: int
) -> None:
    ansible = start(fleet={"generate": {"count": 100, "due": 10}})
    ansible.renew(**of_all(ansible.portal), concurrency=concurrency)
    # 1 token, 4 pages of PBXs, catalog, contacts, 1 page of orders before and 2 after, and 4 for each order.
    assert len(ansible.portal.log) == 1 + 4 + 1 + 1 + 3 + 4 * 10


def test_prices_and_details_are_read_side_by_side(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 12, "due": 12}}, profile="detail_only", latency=0.05)
    watch = Watch(ansible.portal)
    result = ansible.plan(**of_all(ansible.portal), currency="USD", on_unknown_price="allow", concurrency=6)
    assert set(states(result).values()) == {"due"} and 1 < watch.most <= 6
    assert not orders_sent(ansible.portal)


def test_an_order_that_turns_uncertain_stops_those_that_have_not_left(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 12, "due": 12}}, latency=0.05)
    ansible.portal.fault("drop_before", path=SAVE, skip=1)
    result = ansible.renew(**of_all(ansible.portal), concurrency=3)
    seen = Counter(states(result).values())
    assert result["failed"] and seen["unknown"] == 1 and seen["not_attempted"] >= 12 - 5
    assert orders_sent(ansible.portal) == 12 - seen["not_attempted"] == len(ansible.portal.invoices) + 1


def test_a_portal_that_asks_for_less_gets_less_from_all_and_everything_is_renewed(
    start: Callable[..., Ansible],
) -> None:
    ansible = start(fleet={"generate": {"count": 12, "due": 12}}, latency=0.02)
    ansible.portal.fault("rate_limited", path="/instance_product/v1/detail", times=3, retry_after=1)
    result = ansible.renew(**of_all(ansible.portal), concurrency=4)
    assert set(states(result).values()) == {"renewed"} and len(ansible.portal.invoices) == 12
    assert sum(entry.path.endswith("/oauth/token") for entry in ansible.portal.log) == 1


def test_info_reads_pages_and_details_side_by_side(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 60, "due": 2}}, profile="detail_only", latency=0.02)
    watch = Watch(ansible.portal)
    result = ansible.info(concurrency=5)
    assert len(result["subscriptions"]) == 60 and 1 < watch.most <= 5
    assert result["requests"] == {"read": 3 + 60, "write": 0, "token": 1}
