# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paged results (docs/portal-api.md, 1.4), and how faults change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .answer import Invalid
from .profiles import Profile

DEFAULT_PAGE_SIZE = 25
MAX_PAGE_SIZE = 50


@dataclass
class Listing:
    """How a fault changes one page."""

    missing: int = 0  # rows left out at the end of the page, although the total includes them
    repeat: int | None = None  # the page whose rows are returned instead
    hidden: str | None = None  # a product that is missing in the listing
    zero_pages: bool = False
    endless: bool = False
    page_size: int | None = None


def page(
    records: Sequence[Any],
    query: dict[str, str],
    listing: Listing,
    row: Callable[[Any], dict[str, Any]],
    profile: Profile,
) -> dict[str, Any]:
    """One page of the records. `count` and `total` are both the grand total, unless the profile says otherwise."""
    number = _number(query, "pageNo", 1, 10**6)
    asked = listing.page_size or _number(query, "pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    caps = (profile.page_cap, profile.later_page_cap if number > 1 else None)
    size = min([asked, *(cap for cap in caps if cap is not None)])
    pages = -(-len(records) // size)
    if number > max(pages, 1) and profile.beyond_last == "refused":
        raise Invalid("pageNo", "range", f"must be at most {pages}")
    last = pages if profile.beyond_last == "last" else number
    shown = listing.repeat or (1 if listing.endless and number > pages else min(number, max(last, 1)))
    begin = (shown - 1) * size
    rows = records[begin : begin + size]
    if profile.page_overlap and begin and rows:
        rows = [records[begin - 1], *rows[1:]]
    if listing.missing:
        rows = rows[: -listing.missing]
    result = {"pageNo": number, "pageSize": asked, profile.rows: [row(record) for record in rows]}
    if profile.total_off is None:
        return result
    if profile.total_of == "count":
        return {**result, "count": len(rows)}
    total = (len(records) if profile.total_of == "all" else len(rows)) + profile.total_off
    pages = number + 1 if listing.endless else pages
    return {**result, "count": total, "total": total, "totalPage": 0 if listing.zero_pages else pages}


def _number(query: dict[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= most:
        raise Invalid(name, "range", f"must be a whole number from 1 to {most}")
    return int(text)
