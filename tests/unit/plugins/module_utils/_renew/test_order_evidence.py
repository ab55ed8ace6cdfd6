# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run looks at again before it orders."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import facts as _facts
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import raw
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trial import Trial


def test_orders_that_were_read_long_ago_are_read_again_before_the_next_order() -> None:
    trial = Trial(Account(A=1, B=2))

    def takes_long() -> None:
        trial.clock += _facts.ORDERS_MAX_AGE + 1
        trial.account.orders.append(
            {"id": 7, "orderStatus": "pending", "productNo": "B", "createTime": NOW.isoformat()}
        )

    trial.account.before["save"] = takes_long
    trial.go()
    assert trial.account.ordered() == ["A"]
    assert trial.states() == {"A": "renewed/expiry_moved", "B": "pending/already_ordered"}
    # A list with rows takes a second request, which finds no more.
    assert [call for call in trial.account.log if call in ("page", "save")] == ["page", "save", *["page", "page"] * 2]


def test_orders_that_were_just_read_are_not_read_again() -> None:
    trial = Trial(Account(A=1, B=2)).go()
    assert trial.account.ordered() == ["A", "B"]
    orders = [call for call in trial.account.log if call in ("page", "save")]
    assert orders == ["page", "save", "save", "page", "page"]


@pytest.mark.faults(56)
def test_a_listing_without_services_and_a_silent_detail_do_not_make_an_order_of_the_plan_alone() -> None:
    trial = Trial(Account(A=1))
    trial.account.pbxs["A"]["serviceList"] = []
    trial.account.details["A"]["serviceList"] = None
    trial.go()
    assert trial.account.sent == []
    assert trial.states() == {"A": "blocked/cannot_determine"}


@pytest.mark.faults(56)
def test_services_that_only_the_detail_tells_are_ordered_and_are_no_change() -> None:
    trial = Trial(Account(A=1))
    trial.account.pbxs["A"]["serviceList"] = []
    trial.account.details["A"]["serviceList"] = ["HA"]
    trial.go()
    assert [len(body["serviceList"]) for body in trial.account.sent] == [2]


@pytest.mark.faults(56)
def test_services_that_only_the_detail_tells_are_priced_with_the_rest_and_are_no_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = Trial(Account(A=1), max_amount_per_item=Decimal(100))
    trial.account.pbxs["A"]["serviceList"] = []
    trial.account.details["A"]["serviceList"] = ["HA"]
    prices = {1: Money(Decimal(50), "USD"), 0: Money(Decimal(40), "USD")}
    monkeypatch.setattr(trial.portal, "renewal_price", lambda order, catalog: prices[len(order.service_ids)])
    trial.go()
    assert trial.states() == {"A": "renewed/expiry_moved"} and trial.only()["price"]["amount"] == "50"


@pytest.mark.faults(56)
def test_declared_services_are_held_against_the_detail_where_the_listing_names_none() -> None:
    trial = Trial(Account(A=1))
    trial.account.pbxs["A"]["serviceList"] = []
    trial.account.details["A"]["serviceList"] = ["HA"]
    trial.go(Declaration("A", services=("HA",)))
    assert trial.states() == {"A": "renewed/expiry_moved"}


def test_what_is_due_is_told_as_not_attempted_when_the_evidence_cannot_be_read() -> None:
    trial = Trial(Account(A=1, FAR=300))
    trial.account.before["purchase_product_info"] = lambda: raw(b"<html>")
    with pytest.raises(Exception, match="purchase_product_info") as caught:
        trial.go()
    assert trial.states() == {"A": "not_attempted/stopped", "FAR": "current/enough_time"}
    rows: list[dict[str, Any]] = trial.report.as_result()["results"]
    assert str(caught.value) in rows[0]["message"]


@pytest.mark.faults(47)
def test_one_answer_from_a_server_whose_clock_is_far_off_does_not_get_into_the_ledger() -> None:
    trial = Trial(Account(A=12))
    account = trial.account
    account.ahead = timedelta(0)
    account.before["page"] = lambda: setattr(account, "ahead", timedelta(days=-20000))

    def right_again() -> None:
        account.ahead = timedelta(0)
        account.pbxs["A"]["quantity"] = 101

    account.before["detail"] = right_again
    trial.go()
    assert trial.states() == {"A": "blocked/stale_plan"}
    assert [intent.portal_uncertain_since for intent in trial.ledger.intents()] == [None]
