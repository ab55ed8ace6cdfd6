# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only evidence settles an order: portals that refuse an order they placed, list it late or misdate it, and people."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

FIRST, SECOND = "3658B431119665QJ", "3658B431119002QL"
SAVE = "/order/v1/save"
TERMS = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
TWO = {
    "pbxs": [
        {"product_no": FIRST, "expires_in_days": 12, **TERMS},
        {"product_no": SECOND, "expires_in_days": 20, **TERMS},
    ]
}
WINDOW = 4  # s
UNTIL = f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - pbxops.yeastar.yeastar_pce_renewal:
        product_no: "{FIRST}"
        wait_timeout: 0
      register: renewal
      until: renewal is not failed
      retries: 3
      delay: 0
"""


def row_of(result: dict[str, Any], product_no: str = FIRST) -> dict[str, Any]:
    (row,) = [row for row in result["results"] if row["product_no"] == product_no]
    return dict(row)


def outcome(result: dict[str, Any], product_no: str = FIRST) -> tuple[str, str]:
    row = row_of(result, product_no)
    return row["state"], row["reason"]


def settle(ansible: Ansible, **arguments: Any) -> dict[str, Any]:
    given = {"state": "settled", "product_no": FIRST, "reason": "looked in the portal", **arguments}
    return ansible.module("yeastar_pce_ledger", **given)


def refuses_what_it_has_made(ansible: Ansible, listed_after: float = 0, **params: Any) -> None:
    """Let the next order be placed, unpaid, but refused, and appear in the list later."""
    made = {"commit": True, "order_status": "pending", "hidden_seconds": listed_after}
    ansible.portal.fault("business_error", path=SAVE, **{"status": 409, **made, **params})


@pytest.mark.faults(36, 71)
@pytest.mark.parametrize("as_200", [False, True], ids=["HTTP as well", "HTTP 200"])
@pytest.mark.parametrize("status", [400, 409])
def test_an_order_that_was_refused_and_made_all_the_same_is_not_ordered_again(
    start: Callable[..., Ansible], status: int, as_200: bool
) -> None:
    ansible = start(fleet=TWO)
    refuses_what_it_has_made(ansible, listed_after=20, status=status, as_200=as_200)
    both = {"subscriptions": [{"product_no": FIRST}, {"product_no": SECOND}], "max_orders": 2, "concurrency": 1}
    first = ansible.renew(**both)
    assert outcome(first) == ("failed", "rejected") and row_of(first)["changed"] and first["changed"]
    assert "may have been ordered" in row_of(first)["message"] and "later than" in row_of(first)["message"]
    assert outcome(first, SECOND) == ("renewed", "expiry_moved")
    again = ansible.renew(product_no=FIRST)
    assert outcome(again) == ("unknown", "waiting") and not again["changed"] and "refused" in again["msg"]
    ansible.portal.clock.advance(20)
    found = ansible.renew(product_no=FIRST, wait_timeout=0)
    assert outcome(found) == ("pending", "unpaid") and not found["changed"]
    assert [one.product_no for one in ansible.portal.invoices] == [FIRST, SECOND]
    assert orders_sent(ansible.portal) == 2


@pytest.mark.faults(36, 44, 71)
def test_a_task_that_is_repeated_until_it_succeeds_orders_once(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    refuses_what_it_has_made(ansible, listed_after=60)
    playbook = ansible.home / "until.yml"
    playbook.write_text(UNTIL, encoding="utf-8")
    process = ansible.playbook(playbook)
    assert process.returncode != 0
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


@pytest.mark.faults(36, 71)
def test_what_was_refused_and_never_made_is_ordered_once_the_window_is_over(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    ansible.portal.fault("business_error", path=SAVE, status=409)
    assert outcome(ansible.renew(product_no=FIRST, settle_window=WINDOW)) == ("failed", "rejected")
    assert outcome(ansible.renew(product_no=FIRST, settle_window=WINDOW)) == ("unknown", "waiting")
    time.sleep(WINDOW)
    assert outcome(ansible.renew(product_no=FIRST, settle_window=WINDOW)) == ("renewed", "expiry_moved")
    assert [one.po_number[-2:] for one in ansible.portal.invoices] == [".2"]


@pytest.mark.faults(18, 74)
def test_an_order_that_is_dated_before_it_was_sent_is_not_called_absent(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    ansible.portal.account.profile = replace(ansible.portal.account.profile, po_number=None)
    refuses_what_it_has_made(ansible, listed_after=WINDOW)
    first = ansible.renew(product_no=FIRST, settle_window=WINDOW, wait_timeout=0)
    assert outcome(first) == ("failed", "rejected")
    (order,) = ansible.portal.orders
    order.created_at -= timedelta(minutes=10)
    time.sleep(WINDOW)
    again = ansible.renew(product_no=FIRST, settle_window=WINDOW, wait_timeout=0)
    assert outcome(again) == ("pending", "unpaid") and order.order_no in row_of(again)["message"]
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


def a_person_expands(ansible: Ansible, status: str = "succeed") -> str:
    """Let a person buy extensions in the portal; the number of that order."""
    account = ansible.portal.account
    pbx = account.pbxs[FIRST]
    line = {"serviceType": "service", "serviceId": 3048573516041273344, "billingCycle": "annually", "quantity": 10}
    order = account._new_order(pbx, ansible.portal.clock.now(), status, "purchase_service", None)
    order.lines = [line]
    return str(order.order_no)


@pytest.mark.faults(72)
def test_an_expansion_that_comes_after_a_lost_order_is_not_taken_for_it(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    ansible.portal.fault("error_before", path=SAVE)
    assert outcome(ansible.renew(product_no=FIRST, settle_window=WINDOW, wait_timeout=0)) == ("unknown", "ambiguous")
    number = a_person_expands(ansible)
    time.sleep(WINDOW)
    asked = ansible.renew(product_no=FIRST, settle_window=WINDOW)
    assert outcome(asked) == ("blocked", "recent_order") and number in row_of(asked)["message"]
    assert settle(ansible, outcome="unrelated", order_no=number)["changed"]
    assert states(ansible.renew(product_no=FIRST, settle_window=WINDOW)) == {FIRST: "renewed"}
    assert len(ansible.portal.invoices) == 1


@pytest.mark.faults(73)
def test_unrelated_said_of_one_pbx_frees_no_other(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    number = a_person_expands(ansible)
    assert settle(ansible, product_no=SECOND, outcome="unrelated", order_no=number)["changed"]
    assert outcome(ansible.renew(product_no=FIRST)) == ("blocked", "recent_order")
    assert not ansible.portal.invoices


@pytest.mark.faults(73)
def test_an_order_that_the_ledger_knows_is_not_called_not_ordered_by_a_slip(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    ansible.portal.fault("order_pending", path=SAVE)
    assert outcome(ansible.renew(product_no=FIRST, wait_timeout=0)) == ("pending", "unpaid")
    number = ansible.portal.orders[0].order_no
    for said in ({"outcome": "not_ordered"}, {"outcome": "unrelated", "order_no": number}):
        refused = settle(ansible, **said)
        assert refused["failed"] and number in refused["msg"] and "force: true" in refused["msg"]
    assert outcome(ansible.renew(product_no=FIRST, wait_timeout=0)) == ("pending", "unpaid")
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


@pytest.mark.faults(65, 75)
@pytest.mark.parametrize("word", ["confirmed", "completed", "已完成"])
def test_a_final_status_that_nobody_knows_does_not_keep_the_next_term_from_being_renewed(
    start: Callable[..., Ansible], word: str
) -> None:
    ansible = start(fleet=TWO)
    assert outcome(ansible.renew(product_no=FIRST)) == ("renewed", "expiry_moved")
    ansible.portal.orders[0].status = word
    ansible.portal.clock.advance(360 * 86_400)
    year_later = {"product_no": FIRST, "now": ansible.portal.clock.now().isoformat()}
    assert outcome(ansible.renew(**year_later)) == ("renewed", "expiry_moved")


def test_a_portal_that_reports_no_expiry_is_not_waited_for(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=TWO)
    expires_at = ansible.portal.account.pbxs[FIRST].expires_at
    declared = {"product_no": FIRST, "expires_at": expires_at.isoformat(), "field_map": {"expires_at": "notThere"}}
    began = time.monotonic()
    row = row_of(ansible.renew(**declared, wait_timeout=300))
    assert time.monotonic() - began < 60
    assert row["state"] == "pending" and "declare the new expires_at" in row["message"]
    assert outcome(ansible.renew(**declared, wait_timeout=0))[0] == "pending"
    declared["expires_at"] = ansible.portal.account.pbxs[FIRST].expires_at.isoformat()
    assert outcome(ansible.renew(**declared)) == ("current", "enough_time")
    assert ansible.module("yeastar_pce_ledger")["intents"][0]["status"] == "renewed"
    assert len(ansible.portal.invoices) == 1
