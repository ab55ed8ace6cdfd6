# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which facts the orders of an account show."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.line import Line, Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.orders_seen import order_fields_line
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import Order
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import order


def _line(*orders: Order, details: tuple[Order, ...] = (), refused: str = "", **row: Any) -> Line:
    rows = [{"createTime": "2026-11-01 10:00:00", **row} for dummy in orders]
    return order_fields_line("GET /orders", orders, details, rows, refused)


def test_orders_that_name_pbx_and_number_can_be_matched() -> None:
    line = _line(order(po_number="PO-1"))
    assert line.standing == Standing.OK and "1 of 1 rows" in line.seen and line.next_step is None


@pytest.mark.parametrize(
    ("line", "doubt"),
    [
        (_line(order(product_no=None, po_number="PO-1")), "may be for any of them"),
        (_line(order(product_no=None), details=(order(product_no=None, po_number="P"),)), "may be for any of them"),
        (_line(order(po_number=None)), "our number cannot be seen again"),
        (_line(order(po_number="PO-1", status="parked")), "parked are not known"),
        (_line(order(po_number="PO-1"), refused="; 1 not: HTTP 403"), "each order can be matched"),
    ],
    ids=["no PBX", "no PBX in the detail either", "no number", "a word", "a refused detail"],
)
def test_what_cannot_be_seen_is_said(line: Line, doubt: str) -> None:
    assert line.standing == Standing.ATTENTION and doubt in line.means


def test_a_pbx_that_only_the_detail_names_is_enough() -> None:
    line = _line(order(product_no=None, po_number="PO-1"), details=(order(),))
    assert line.standing == Standing.OK and "0 of 1 rows and 1 of 1 details" in line.seen


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (1793491200, "seconds since 1970"),
        ("1793491200000", "milliseconds since 1970"),
        ("2026-11-01", "text"),
        ("soon", "not readable"),
        (None, "not shown"),
    ],
)
def test_the_form_of_creation_times_is_named(value: Any, form: str) -> None:
    assert f"created: {form};" in _line(order(), createTime=value).seen
