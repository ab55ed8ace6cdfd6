# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the exchanges show: the token, the clock, the pages of a listing, times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.exchange import Exchange
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.line import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.traffic_seen import (
    clock_line,
    listing_line,
    times_line,
    token_line,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.listing import Listing
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import page, raw, refusal, success


def _exchange(answer: Answer, began: float = 0.0, seconds: float = 0.1, **query: Any) -> Exchange:
    return Exchange("GET", "/list", {name: str(value) for name, value in query.items()}, answer, began, seconds)


def _page(number: int, *ids: int, size: int = 2, total: Optional[int] = None) -> Exchange:
    rows = [{"id": one} for one in ids]
    return _exchange(success(page(rows, total)), pageNo=number, pageSize=size)


def _listing(*ids: int, total: Optional[int] = None) -> Listing:
    return Listing([{"id": one} for one in ids], [], len(ids), total)


@pytest.mark.parametrize(
    ("result", "standing", "seen"),
    [
        ({"token": "t", "expiresIn": "1800", "refreshToken": "r"}, Standing.OK, "1800 seconds"),
        ({"token": "t", "expiresIn": 60}, Standing.OK, "to refresh it: none"),
        ({"token": "t"}, Standing.ATTENTION, "without expiresIn"),
    ],
)
def test_a_token_says_how_long_it_lasts(result: dict[str, Any], standing: Standing, seen: str) -> None:
    line = token_line([_exchange(refusal(500)), _exchange(success(result))], "POST /token")
    assert line.standing == standing and seen in line.seen


@pytest.mark.parametrize(
    ("offset", "standing", "seen"),
    [
        (None, Standing.ATTENTION, "no answer has a Date"),
        (timedelta(minutes=-5), Standing.OK, "300 seconds"),
        (timedelta(minutes=5, seconds=1), Standing.ATTENTION, "ahead"),
        (timedelta(hours=-12), Standing.ATTENTION, "behind"),
        (timedelta(hours=-12, seconds=-1), Standing.FAILED, "behind"),
    ],
)
def test_clocks_that_differ_are_judged_as_a_run_judges_them(
    offset: Optional[timedelta], standing: Standing, seen: str
) -> None:
    line = clock_line(offset)
    assert line.standing == standing and seen in line.seen


def test_a_complete_list_says_its_pages_size_and_order() -> None:
    pages = [_page(2, 3, total=3), _page(1, 1, 2, total=3)]
    line = listing_line("orders", "orders", "GET /list", _listing(1, 2, 3, total=3), pages[::-1], "id")
    assert line.standing == Standing.OK
    assert line.seen == "3 orders on 2 pages; announced: 3; page size obeyed; no row twice; order: ascending"


@pytest.mark.parametrize(
    ("pages", "seen"),
    [
        ([_page(1, 9, 8, 7), _page(2, 6)], "page size not obeyed (3)"),
        ([_page(1, 9, 8), _page(2, 8, 7)], "1 rows repeated"),
        ([_page(1, 9, 10), _page(2, 11)], "order: ascending"),
        ([_page(1, 2, 9), _page(2, 5)], "order: neither ascending nor descending"),
        ([_page(1, 4)], "order: not to be seen"),
    ],
    ids=["size", "repeated", "as numbers", "no order", "one row"],
)
def test_a_list_that_is_paged_otherwise_says_how(pages: list[Exchange], seen: str) -> None:
    assert seen in listing_line("orders", "orders", "GET /list", _listing(1, total=1), pages, "id").seen


def test_a_list_that_was_read_twice_repeats_no_row() -> None:
    twice = [_page(1, 1, 2), _page(2, 3), _page(1, 1, 2), _page(2, 3)]
    line = listing_line("orders", "orders", "GET /list", _listing(1, 2, 3, total=3), twice, "id")
    assert "no row twice" in line.seen and "3 orders on 2 pages" in line.seen


@pytest.mark.parametrize("total", [None, 4])
def test_a_list_with_a_gap_proves_no_absence(total: Optional[int]) -> None:
    line = listing_line("orders", "orders", "GET /list", _listing(1, 2, 3, total=total), [_page(1, 1, 2, 3)], "id")
    assert line.standing == Standing.ATTENTION and "never counts as absent" in line.means


def test_times_say_how_many_were_answered_at_once_and_how_many_refused() -> None:
    side_by_side = [
        _exchange(success({}), 0.0, 1.0),
        _exchange(success({}), 0.5, 3.0),
        _exchange(success({}), 9.0, 1.0),
    ]
    line = times_line(side_by_side)
    assert line.standing == Standing.OK and "up to 2 at the same time" in line.seen and "after 3.00 s" in line.seen
    limited = times_line([*side_by_side, _exchange(raw(b"", status=429))])
    assert limited.standing == Standing.ATTENTION and "1 refused" in limited.seen and limited.next_step is not None
    assert times_line([]).standing == Standing.FAILED
