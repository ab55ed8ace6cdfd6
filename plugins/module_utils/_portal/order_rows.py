# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: read an order of the portal from its row and its detail (docs/portal-api.md, 6.2 and 6.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from .._model import dates as _time
from .._model.order import Order, OrderLine
from .._model.po_number import is_tag
from .._model.undetermined import Undetermined, known
from .._text import clean, shortened
from .fields import Fields, read_id, read_text

PRODUCT_ID = 13  # Cloud PBX (PCE Instance): docs/portal-api.md, 5.1.2
# Prefixes of the operation types that are not renewals (docs/portal-api.md, 6.1.2).
_OTHER_OPERATIONS = ("purchase", "trial", "switch")

Row = Mapping[str, Any]


def read_order(row: Row, fields: Fields) -> Order:
    """Read an order from its row, its detail, or both merged."""
    source = with_parts(row)
    po_number = fields.read(source, "po_number")
    if isinstance(po_number, Undetermined):
        # A comment in another field must not hide our tag.
        po_number = next(filter(is_tag, fields.texts(source, "po_number")), None)
    try:
        created_at = _time.parse_instant(source.get("createTime"))
    except ValueError:
        created_at = None
    return Order(
        order_id=id_of(source, "id"),
        order_no=id_of(source, "orderNo"),
        status=status_of(source),
        created_at=created_at,
        product_no=_serial_number(source),
        is_for_other_product=is_of_other_product(source)
        or text_of(source, "operationType") in ("purchase_plan", "trial_plan"),
        po_number=po_number,
        transaction_no=text_of(source, "transactionNo"),
        is_renewal=_is_renewal(source),
        lines=_lines(source, fields),
    )


def with_parts(row: Row) -> Row:
    """An order with the fields of the parts of its detail among its own (docs/portal-api.md, 6.3)."""
    source: Row = row
    for part in ("basicInformation", "orderInformation", "orderSummary"):
        if isinstance(row.get(part), Mapping):
            source = laid_over(source, row[part])
    return source


def is_of_other_product(row: Row) -> bool:
    """Whether a row or an order says that it is for another product than Cloud PBX."""
    return id_of(row, "productId") not in (None, str(PRODUCT_ID))


def _is_renewal(order: Row) -> Optional[bool]:
    """Whether an order is a renewal; None if its operation type is missing or not known."""
    kind = (text_of(order, "operationType") or "").casefold()
    if kind.startswith("renew"):
        return True
    return False if kind.startswith(_OTHER_OPERATIONS) else None


def _lines(source: Row, fields: Fields) -> Optional[tuple[OrderLine, ...]]:
    """The plan and services that an order is for, at any depth; None if there is no plan among them."""
    lines, has_plan = [], False
    for node in objects(source):
        plan_id, service_id = id_of(node, "planId"), id_of(node, "serviceId")
        if plan_id or service_id:
            quantity, cycle = fields.read(node, "quantity"), fields.read(node, "billing_cycle")
            lines.append(OrderLine(str(service_id or plan_id), known(quantity), known(cycle)))
            has_plan = has_plan or service_id is None or node.get("serviceType") == "plan"
    return tuple(lines) if has_plan else None


def objects(node: Any) -> Iterator[Row]:
    """Every object of an answer, at any depth."""
    if isinstance(node, Mapping):
        yield node
    for value in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from objects(value)


def laid_over(row: Row, base: Row) -> dict[str, Any]:
    """Merge two rows: ``row``, with its empty values taken from ``base``."""
    return {**base, **{key: value for key, value in row.items() if value not in (None, "")}}


def _serial_number(order: Row) -> Optional[str]:
    """The PBX of an order; None if its text names several, since any of them may be meant."""
    product_no = id_of(order, "productNo")
    return None if product_no is None or re.search(r"[\s,;|/]", product_no) else product_no


def status_of(row: Row) -> str:
    """The order status in lower case; empty, which counts as open, if it is missing or not text."""
    return (text_of(row, "orderStatus") or "").lower()


def text_of(row: Row, key: str) -> Optional[str]:
    """A text of a row; None if it is empty or not text."""
    try:
        return read_text(row.get(key)) or None
    except ValueError:
        return None


def id_of(row: Any, key: str) -> Optional[str]:
    """An id of a row; None if it has no readable one."""
    try:
        return read_id(row.get(key)) if isinstance(row, Mapping) else None
    except ValueError:
        return None


def named_id_of(row: Any, key: str) -> Optional[str]:
    """An id of a row, even an unreadable one: then as it is displayed, which no other id equals."""
    value = row.get(key) if isinstance(row, Mapping) else None
    return shortened(clean(value.strip())) or None if isinstance(value, str) else id_of(row, key)
