# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which facts the orders of an account show: the PBX, our number, the time, the words for their status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .._model.dates import parse_instant
from .._model.order import DEAD_STATUSES, DONE_STATUS, UNPAID_STATUS, Order
from .._portal.order_rows import Row
from .line import Line, Standing

# docs/portal-api.md, 6.2.4; any other word counts as open.
KNOWN_STATUSES = {DONE_STATUS, UNPAID_STATUS, "confirming", *DEAD_STATUSES}
_MOST_WORDS = 8


def order_fields_line(
    asked: str, orders: Sequence[Order], details: Sequence[Order], rows: Sequence[Row], refused: str, unread: int = 0
) -> Line:
    """What ``orders``, read from the ``rows`` of the list, and the ``details`` of some of them show.

    ``refused`` says which details were not given, as the end of a sentence; ``unread`` is the number of orders that
    may be for any PBX and whose details were not asked for.
    """
    in_list = sum(order.product_no is not None for order in orders)
    in_detail = sum(order.product_no is not None for order in details)
    numbered = sum(order.po_number is not None for order in (*orders, *details))
    statuses = Counter(order.status or "(none)" for order in orders)
    strange = sorted(set(statuses) - KNOWN_STATUSES)
    words = ", ".join(f"{word} {count}" for word, count in statuses.most_common(_MOST_WORDS))
    seen = (
        f"the PBX is named in {in_list} of {len(orders)} rows and {in_detail} of {len(details)} details; a purchase"
        f" order number shows in {numbered or 'none'}; created: {_forms(rows)}; statuses: {words}{refused}"
    )
    doubts, steps = [], []
    if in_list < len(orders) and (in_detail < len(details) or not details):
        doubts.append("an order that names no PBX may be for any of them, and holds all renewals back while it is open")
    if unread:
        doubts.append(f"{unread} orders that name no PBX were not looked at, and may be renewals in the current term")
        steps.append("look at all, with sample: all")
    if not numbered:
        doubts.append("our number cannot be seen again on an order, so its lines and time must distinguish it")
        steps.append("map po_number, if another field has it")
    if strange:
        doubts.append(f"the words {', '.join(strange)} are not known, and count as open orders")
        steps.append("report these words, and what they mean")
    means = "; ".join(doubts) or "each order can be matched to its PBX and to the run that placed it"
    standing = Standing.ATTENTION if doubts or refused else Standing.OK
    return Line("order_fields", standing, asked, seen, means, "; ".join(steps) or None)


def _forms(rows: Sequence[Row]) -> str:
    """In which forms creation times are written, the most frequent first."""
    return ", ".join(form for form, dummy in Counter(_form_of(row.get("createTime")) for row in rows).most_common(2))


def _form_of(value: Any) -> str:
    if value in (None, ""):
        return "not shown"
    try:
        parse_instant(value)
    except ValueError:
        return "not readable"
    digits = str(value)
    if digits.isdigit():
        return "milliseconds since 1970" if len(digits) > 11 else "seconds since 1970"
    return "text"
