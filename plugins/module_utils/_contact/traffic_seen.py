# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what the exchanges themselves show: the token, the clock, the pages of a listing, times, side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Optional

from .._model.dates import in_words
from .._portal.listing import ROW_KEYS, Listing
from .._portal.transport import TOKEN_LIFETIME
from .._renew.facts import SKEW_TO_REFUSE, SKEW_TO_WARN_OF
from .exchange import Exchange
from .line import Line, Standing


def token_line(exchanges: Sequence[Exchange], call: str) -> Line:
    """What signing in returned, from its successful exchange (docs/portal-api.md, 2.2)."""
    asked = f"{call}: an access token for client_id"
    result = next((one.result for one in reversed(exchanges) if one.result is not None), None)
    details = result if isinstance(result, Mapping) else {}
    lifetime, refreshes = details.get("expiresIn"), "a refresh token" if details.get("refreshToken") else "none"
    if lifetime is None:
        return Line(
            "token",
            Standing.ATTENTION,
            asked,
            f"a token without expiresIn; to refresh it: {refreshes}",
            f"{TOKEN_LIFETIME} seconds are assumed, and a refused token is replaced once for each request",
        )
    return Line(
        "token",
        Standing.OK,
        asked,
        f"a token that is valid for {lifetime} seconds; to refresh it: {refreshes}",
        "a longer run signs in again by itself. Whether a second token ends the first was not tried",
    )


def clock_line(offset: Optional[timedelta]) -> Line:
    """How far the portal's clock is ahead of the controller's; None if no answer had a Date."""
    asked = "the Date header of each answer, compared with this controller's clock"
    if offset is None:
        return Line(
            "clock",
            Standing.ATTENTION,
            asked,
            "no answer has a Date",
            "how old an answer is cannot be seen, so the controller's clock alone decides when an order is absent",
            "keep the controller's clock synchronised",
        )
    off = abs(offset)
    if off <= SKEW_TO_WARN_OF:
        seen = f"the two differ by {off.total_seconds():.0f} seconds"
        return Line("clock", Standing.OK, asked, seen, "close enough: days and the settle window are reliable")
    seen = f"the portal's clock is {in_words(off)} {'ahead' if offset > timedelta(0) else 'behind'}"
    standing = Standing.FAILED if off > SKEW_TO_REFUSE else Standing.ATTENTION
    means = "a run refuses to decide" if standing == Standing.FAILED else "a run warns, and may be off by that much"
    return Line("clock", standing, asked, seen, means, "set the clock of this controller")


def listing_line(topic: str, what: str, call: str, listing: Listing, exchanges: Sequence[Exchange], key: str) -> Line:
    """How a listing is paged: its total, page size, repeated rows and order. ``key`` identifies a row."""
    size, pages = _last_reading(exchanges)
    asked = f"{call}: all pages, {size} rows each"
    sizes = {len(rows) for rows in pages[:-1]} - {size}
    numbers = [str(row.get(key)) for rows in pages for row in rows]
    seen = [f"{listing.count} {what} on {len(pages)} pages"]
    seen.append(f"announced: {'no total' if listing.total is None else listing.total}")
    seen.append("page size " + (f"not obeyed ({', '.join(map(str, sorted(sizes)))})" if sizes else "obeyed"))
    repeated = len(numbers) - len(set(numbers))
    seen.append(f"{repeated} rows repeated" if repeated else "no row twice")
    seen.append(f"order: {_order_of(numbers)}")
    if listing.others:
        seen.append(f"{len(listing.others)} rows of other products, which are left alone")
    if listing.gap is not None:
        return Line(
            topic,
            Standing.ATTENTION,
            asked,
            "; ".join(seen),
            f"{listing.gap}, so rows that it does not return may exist: what is not in it never counts as absent",
            "ask the vendor why the totals differ",
        )
    if not listing.count:
        return Line(topic, Standing.OK, asked, f"no {what}", f"the account has no {what} yet")
    return Line(topic, Standing.OK, asked, "; ".join(seen), "the list is complete, and can be read to its end")


def times_line(exchanges: Sequence[Exchange]) -> Line:
    """How long requests took, and whether those side by side were answered."""
    asked = "every request of this examination"
    if not exchanges:
        return Line("requests", Standing.FAILED, asked, "no answer", "the portal was not reached", "see above")
    seconds = sorted(one.seconds for one in exchanges)
    most = max(sum(other.began <= one.began < other.began + other.seconds for other in exchanges) for one in exchanges)
    limited = sum(one.answer.status == 429 for one in exchanges)
    seen = (
        f"{len(exchanges)} answers, half of them within {statistics.median(seconds):.2f} s, the slowest after"
        f" {seconds[-1]:.2f} s; up to {most} at the same time; {limited} refused as too many"
    )
    if limited:
        return Line(
            "requests", Standing.ATTENTION, asked, seen, "the portal limits requests", "set concurrency to 1 or 2"
        )
    means = "requests side by side are answered" if most > 1 else "requests were made one at a time"
    return Line("requests", Standing.OK, asked, seen, means)


def _last_reading(exchanges: Sequence[Exchange]) -> tuple[int, list[list[Any]]]:
    """The page size that was asked for, and the pages with rows, in order; a doubtful listing is read again."""
    size = 0
    pages: dict[int, list[Any]] = {}
    for one in exchanges:
        if one.result is None or not one.query.get("pageNo", "").isdigit():
            continue
        if one.query["pageNo"] == "1":
            size, pages = int(one.query.get("pageSize", 0)), {}
        pages[int(one.query["pageNo"])] = _rows(one.result)
    return size, [rows for dummy, rows in sorted(pages.items()) if rows]


def _order_of(numbers: Sequence[str]) -> str:
    """In which order ids are listed; those of digits are compared as numbers."""
    keys = [(len(number), number) if number.isdigit() else (0, number) for number in numbers]
    if len(keys) < 2:
        return "not to be seen"
    if keys == sorted(keys):
        return "ascending"
    return "descending" if keys == sorted(keys, reverse=True) else "neither ascending nor descending"


def _rows(page: Any) -> list[Any]:
    lists = [page[name] for name in ROW_KEYS if isinstance(page.get(name), list)] if isinstance(page, Mapping) else []
    return [row for row in max(lists, key=len, default=[]) if isinstance(row, Mapping)]
