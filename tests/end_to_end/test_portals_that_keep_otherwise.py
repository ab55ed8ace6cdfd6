# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Portals that store orders and tokens, or send answers, in other ways: one order, and never a second one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

PBX, OTHER = "3658B431119665QJ", "3658B431119002QL"

KINDS: dict[str, dict[str, Any]] = {
    "other words for statuses": {"status_words": ["succeed=completed", "pending=awaiting payment"]},
    "statuses that say nothing": {"status_words": ["succeed=", "pending="]},
    "statuses in capitals": {"status_words": ["succeed=SUCCEED"]},
    "PO numbers in capitals": {"po_number_kept": "upper"},
    "PO numbers of digits": {"po_number_kept": "digits"},
    "PO numbers cut": {"po_number_kept": "short"},
    "order details without the PBX": {"order_detail_product_no": False, "order_row_product_no": True},
    "orders dated an hour ahead": {"orders_ahead": 3600},
    "orders dated eight hours ahead": {"orders_ahead": 8 * 3600},
    "orders dated seven hours back": {"orders_ahead": -7 * 3600},
    "one token at a time": {"one_token": True},
    "tokens of a minute": {"token_life": 60},
    "one token of a minute": {"one_token": True, "token_life": 60},
    "in chunks": {"transfer": "chunked"},
    "packed unasked": {"transfer": "gzip"},
    "HTTP 1.0": {"transfer": "http_1_0"},
    "no Date": {"dated": False},
    "HTTP 1.0 without a Date": {"transfer": "http_1_0", "dated": False},
}
of_each_kind = pytest.mark.parametrize("portal", KINDS.values(), ids=KINDS)


def begin(start: Callable[..., Ansible], portal: dict[str, Any], days: float = 12) -> Ansible:
    terms = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
    pbxs = [{"product_no": number, "expires_in_days": days, **terms} for number in (PBX, OTHER)]
    return start(fleet={"pbxs": pbxs, "portal": portal})


@of_each_kind
def test_it_is_renewed_once_and_a_later_run_orders_nothing(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    ansible = begin(start, portal)
    assert states(ansible.renew(product_no=PBX)) == {PBX: "renewed"}
    assert states(ansible.renew(product_no=PBX)) == {PBX: "current"}
    (ansible.home / ".local/state/pbxops.yeastar/ledger.sqlite3").unlink()
    assert states(ansible.renew(product_no=PBX)) == {PBX: "current"}
    assert orders_sent(ansible.portal) == len(ansible.portal.invoices) == 1


@of_each_kind
def test_an_order_whose_answer_is_lost_is_not_sent_again(start: Callable[..., Ansible], portal: dict[str, Any]) -> None:
    ansible = begin(start, portal)
    ansible.portal.fault("drop_after", method="POST", path="/order/v1/save")
    ansible.portal.fault("expiry_late", reads=3)
    lost = ansible.renew(product_no=PBX)
    assert lost["changed"] and states(lost)[PBX] in ("unknown", "pending", "renewed")
    for dummy in range(3):
        ansible.renew(product_no=PBX)
    assert orders_sent(ansible.portal) == len(ansible.portal.invoices) == 1


@of_each_kind
def test_an_open_order_keeps_from_ordering_with_any_ledger_and_the_other_pbx_is_renewed(
    start: Callable[..., Ansible], portal: dict[str, Any]
) -> None:
    ansible = begin(start, portal)
    ansible.portal.fault("order_pending")
    assert states(ansible.renew(product_no=PBX)) == {PBX: "pending"}
    for ledger in ({}, {"ledger": "none"}):
        assert states(ansible.renew(product_no=PBX, **ledger))[PBX] in ("pending", "blocked", "unknown"), ledger
    assert states(ansible.renew(product_no=OTHER)) == {OTHER: "renewed"}
    assert orders_sent(ansible.portal) == len(ansible.portal.invoices) == 2
