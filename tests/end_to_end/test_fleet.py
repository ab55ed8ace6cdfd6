# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a fleet takes, and that the result reports them correctly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.simulator import Simulator
from tests.support.processes import Ansible, states


def kinds(portal: Simulator) -> Counter[str]:
    """The requests that reached the portal, by the last part of their path that is not an id."""
    return Counter(entry.path.rstrip("/").split("/")[-1] for entry in portal.log)


def of_all(portal: Simulator) -> list[dict[str, Any]]:
    return [{"product_no": pbx.product_no} for pbx in portal.pbxs]


def test_100_pbxs_of_which_10_are_due_cost_what_the_issue_allows(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 100, "due": 10}})
    result = ansible.renew(subscriptions=of_all(ansible.portal), max_orders=10)
    assert list(states(result).values()).count("renewed") == 10
    assert len(ansible.portal.invoices) == 10
    seen = kinds(ansible.portal)
    assert seen["token"] == 1
    assert seen["instance_product_list"] == 4
    assert seen["detail"] + seen["save"] == 30
    assert seen["existed_auto_renew"] == 10
    assert seen["purchase_product_info"] == 1
    assert seen["billing_contact_list"] == 1
    # Before the decision, and after the orders, to check for duplicates; these up to an empty page.
    assert seen["page"] == 3
    assert result["requests"] == {
        "read": sum(entry.method == "GET" for entry in ansible.portal.log),
        "write": seen["save"],
        "token": seen["token"],
    }
    assert sum(result["requests"].values()) == len(ansible.portal.log)


def test_a_fleet_in_which_nothing_is_due_costs_the_listing_alone(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 60, "due": 0}})
    result = ansible.renew(subscriptions=of_all(ansible.portal), max_orders=0)
    assert not result["changed"] and set(states(result).values()) == {"current"}
    assert kinds(ansible.portal) == {"token": 1, "instance_product_list": 3}


def test_one_more_due_than_max_orders_and_nothing_at_all_is_ordered(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 30, "due": 4}})
    for check_mode in (True, False):
        result = ansible.renew(check_mode, subscriptions=of_all(ansible.portal), max_orders=3)
        assert result["failed"] and not result["changed"]
        assert "4 subscriptions are due and max_orders is 3" in result["msg"]
        assert Counter(states(result).values()) == {"current": 26, "not_attempted": 4}
    assert not ansible.portal.invoices
