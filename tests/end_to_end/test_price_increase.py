# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A price may rise by a limited amount since the last order, or since its approval; the invoices show what was paid."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.processes import Ansible, states

FIRST = "3658B431119665QJ"


def cheaper(ansible: Ansible) -> None:
    ansible.portal.account.prices.factor *= Decimal("0.9")


def a_little_dearer(ansible: Ansible) -> None:
    ansible.portal.account.prices.factor *= Decimal("1.05")


def much_dearer(ansible: Ansible) -> None:
    ansible.portal.account.prices.factor *= Decimal("1.0501")


def other_currency(ansible: Ansible) -> None:
    ansible.portal.account.prices.currency = "RMB"


def more_extensions(ansible: Ansible) -> None:
    ansible.portal.pbx(FIRST).quantity += 1


def nothing(ansible: Ansible) -> None:
    """Change nothing."""


def renew_next_year(ansible: Ansible, **arguments: Any) -> dict[str, Any]:
    now = ansible.portal.pbx(FIRST).expires_at - timedelta(days=12)
    given = {"product_no": FIRST, "now": f"{now:%Y-%m-%dT%H:%M:%SZ}", "max_price_increase_percent": "5"}
    return ansible.renew(**{**given, **arguments})


@pytest.mark.parametrize(
    ("change", "arguments", "reason", "said"),
    [
        (nothing, {}, "expiry_moved", ""),
        (cheaper, {}, "expiry_moved", ""),
        (a_little_dearer, {}, "expiry_moved", ""),
        (much_dearer, {}, "price_limit", "the price is 1764.17 USD, and was 1680.00 USD for the last order"),
        (other_currency, {}, "unknown_price", "the last order was in USD"),
        (more_extensions, {}, "unknown_price", "was not of the same plan, services, extensions and cycle"),
        (more_extensions, {"on_unknown_price": "allow"}, "expiry_moved", ""),
        (nothing, {"ledger": "none"}, "unknown_price", "the ledger has no renewal of this PBX"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or (str(value) if isinstance(value, dict) else ""),
)
def test_the_price_is_held_against_the_last_order(
    tutorial: Ansible, change: Any, arguments: dict[str, Any], reason: str, said: str
) -> None:
    assert states(tutorial.renew(product_no=FIRST, on_unknown_price="block")) == {FIRST: "renewed"}
    (row,) = tutorial.module("yeastar_pce_ledger")["intents"]
    assert row["price"] == {"amount": "1680.00", "currency": "USD"}
    change(tutorial)
    result = renew_next_year(tutorial, **arguments)
    (row,) = result["results"]
    assert row["reason"] == reason and said in row["message"], row
    assert len(tutorial.portal.invoices) == (2 if reason == "expiry_moved" else 1)


def test_the_first_time_there_is_no_last_order_and_it_must_be_allowed(tutorial: Ansible) -> None:
    arguments = {"product_no": FIRST, "max_price_increase_percent": "5"}
    refused = tutorial.renew(**arguments)
    assert refused["results"][0]["reason"] == "unknown_price" and not tutorial.portal.invoices
    assert states(tutorial.renew(**arguments, on_unknown_price="allow")) == {FIRST: "renewed"}


@pytest.mark.faults(55)
@pytest.mark.parametrize(
    ("change", "percent", "limits", "reason"),
    [
        (a_little_dearer, "5", {}, "expiry_moved"),
        (a_little_dearer, None, {}, "stale_plan"),
        (much_dearer, "5", {}, "stale_plan"),
        (cheaper, None, {}, "stale_plan"),
        (cheaper, "0", {}, "expiry_moved"),
        (other_currency, "5", {}, "stale_plan"),
        (a_little_dearer, "5", {"max_amount_per_item": "1700"}, "price_limit"),
        (a_little_dearer, "5", {"max_total": "1700"}, "max_total"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_the_price_is_held_against_the_plan_that_is_applied(
    tutorial: Ansible, change: Any, percent: str | None, limits: dict[str, str], reason: str
) -> None:
    path = tutorial.home / "plan.json"
    saved = tutorial.plan(product_no=FIRST, dest=str(path), **limits)
    assert json.loads(path.read_text(encoding="utf-8"))["policy"]["max_price_increase_percent"] is None
    change(tutorial)
    allowed = {} if percent is None else {"max_price_increase_percent": percent}
    result = tutorial.renew(plan_file=str(path), plan_digest=saved["digest"], **allowed)
    (row,) = result["results"]
    assert row["reason"] == reason, row
    assert len(tutorial.portal.invoices) == (1 if reason == "expiry_moved" else 0)
    if reason == "stale_plan":
        assert "price 1680.00 USD -> " in row["message"]
