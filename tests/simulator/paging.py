# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paged results (contract 1), and what faults do to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .answer import Invalid

DEFAULT_PAGE_SIZE = 25
MAX_PAGE_SIZE = 50


@dataclass
class Listing:
    """What a fault changes about one page."""

    missing: int = 0  # rows left out at the end of the page, though the total counts them
    repeat: int | None = None  # the page whose rows are given instead
    hidden: str | None = None  # a product that the listing does not have
    zero_pages: bool = False
    endless: bool = False
    page_size: int | None = None


def page(
    records: Sequence[Any], query: dict[str, str], listing: Listing, row: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """One page of the records; `count` and `total` are both the grand total."""
    number = _number(query, "pageNo", 1, 10**6)
    size = listing.page_size or _number(query, "pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    total = len(records)
    pages = -(-total // size)
    shown = listing.repeat or (1 if listing.endless and number > pages else number)
    rows = records[(shown - 1) * size : shown * size]
    if listing.missing:
        rows = rows[: -listing.missing]
    if listing.endless:
        pages = number + 1
    return {
        "count": total,
        "pageNo": number,
        "pageSize": size,
        "results": [row(record) for record in rows],
        "total": total,
        "totalPage": 0 if listing.zero_pages else pages,
    }


def _number(query: dict[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= most:
        raise Invalid(name, "range", f"must be a whole number from 1 to {most}")
    return int(text)
