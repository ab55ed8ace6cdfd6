# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs after one that went wrong, until nothing is left to do, and the checks for each of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulator import Simulator
from tests.support.processes import Ansible, orders_sent, states

SETTLE_WINDOW = 900  # s, the option's default
_BEYOND = SETTLE_WINDOW + 60
_LIMIT = 6
_DONE = {"renewed", "current"}
# The message of an unfinished state says what to do.
_NEXT_STEPS = (
    "look in the portal",
    "look there",
    "to be paid",
    "run again",
    "it is tried again by a run later than",
    "Make sure that",  # for a ledger that cannot be used
)
_NEEDS_NEXT_STEP = ("pending", "unknown", "blocked", "failed")


def fleet_arguments(product_nos: Collection[str]) -> dict[str, Any]:
    """The options of a run for these PBXs, all of which may be ordered, one after another."""
    subscriptions = [{"product_no": product_no} for product_no in product_nos]
    return {"subscriptions": subscriptions, "max_orders": len(subscriptions), "concurrency": 1}


def at(seconds: float) -> str:
    """The option `now` for a controller whose clock is ahead by that many seconds."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def settle(ansible: Ansible, product_nos: Collection[str], **options: Any) -> list[dict[str, Any]]:
    """Run until every PBX is renewed; the results.

    If a run says that a PBX has to wait, both clocks are moved beyond the settle window. A waiting PBX is not ordered.
    """
    arguments = {**fleet_arguments(product_nos), **options}
    results: list[dict[str, Any]] = []
    ahead = 0.0
    while not results or not set(states(results[-1]).values()) <= _DONE:
        assert len(results) < _LIMIT, f"not settled after {_LIMIT} runs: {json.dumps(results[-1])}"
        if results and _waiting(results[-1]) and not ahead:
            ahead = _BEYOND
            ansible.portal.clock.advance(_BEYOND)
        before = _orders_by_product(ansible.portal, product_nos)
        result = ansible.renew(**arguments, **({"now": at(ahead)} if ahead else {}))
        assert_truthful(result)
        after = _orders_by_product(ansible.portal, product_nos)
        assert [number for number in _waiting(result) if before[number] != after[number]] == []
        assert result["changed"] is (before != after), json.dumps(result)
        results.append(result)
    return results


def has_waited(results: Collection[Mapping[str, Any]]) -> set[str]:
    """The PBXs that a run did not order because an earlier run may have."""
    return {product_no for result in results for product_no in _waiting(result)}


def assert_truthful(result: Mapping[str, Any]) -> None:
    """Unfinished PBXs say what to do next; the result has changed if a PBX has."""
    for row in result["results"]:
        if row["state"] in _NEEDS_NEXT_STEP:
            assert any(step in row["message"] for step in _NEXT_STEPS), json.dumps(row)
    assert result["changed"] is any(row["changed"] for row in result["results"])


def _waiting(result: Mapping[str, Any]) -> list[str]:
    return [row["product_no"] for row in result["results"] if (row["state"], row["reason"]) == ("unknown", "waiting")]


def _orders_by_product(portal: Simulator, product_nos: Collection[str]) -> dict[str, int]:
    """How often a complete order for each PBX has reached the portal; under "" all orders, complete or not."""
    bodies = [entry.raw_body or "" for entry in portal.log if entry.path.endswith("/order/v1/save")]
    return {
        "": orders_sent(portal),
        **{number: sum(f'"{number}"' in body for body in bodies) for number in product_nos},
    }
