# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listings: read to their end by what comes, refused only while they shift (docs/reliability.md, 50 and 51)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Optional, Union

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import listing as _listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import AccessError, ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.listing import Listing, read_listing
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Bench,
    Call,
    page,
    refusal,
    success,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.side_by_side import Line

Serve = Callable[[int, int], dict[str, Any]]


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number} for number in range(first, last + 1)]


def expected(*pages: Any, size: int = 25) -> list[Call]:
    """Expected pages: ``(page number, result)``, or an answer instead of the result."""
    params = {"x": "y", "pageSize": str(size)}
    return [
        Call(
            "GET",
            "/list",
            result if isinstance(result, Answer) else success(result),
            params={**params, "pageNo": str(number)},
        )
        for number, result in pages
    ]


def read(*pages: Any) -> list[Any]:
    with Bench(*expected(*pages), access_token="given", retries=0) as bench:
        return [row["id"] for row in read_listing(bench.transport, "/list", {"x": "y"}, "id").rows]


class Portal:
    """A portal whose pages ``serve`` makes from page number and size. ``asked`` has the numbers that were asked for."""

    def __init__(self, serve: Serve, size: int = 1) -> None:
        self._serve, self.pool, self.asked, self.sizes = serve, size, [], []  # type: ignore[var-annotated]
        self.line = Line(size, self._answer, access_token="given", retries=0)

    def _answer(self, path: str, token: Optional[str], payload: dict[str, Any]) -> Answer:
        params = payload["params"]
        self.asked.append(int(params["pageNo"]))
        self.sizes.append(int(params["pageSize"]))
        served = self._serve(self.asked[-1], self.sizes[-1])
        return served if isinstance(served, Answer) else success(served)

    def read(self, **options: Any) -> Listing:
        return read_listing(self.line.transport, "/list", {}, "id", **options)

    def ids(self) -> list[int]:
        return [row["id"] for row in self.read().rows]

    @property
    def warnings(self) -> list[str]:
        return list(self.line.bench.warnings)


def serving(whole: Union[int, list[dict[str, Any]]], **members: Any) -> Serve:
    """Serves these rows (or so many) as a portal does; ``members`` replace what each page says."""
    everything = rows(1, whole) if isinstance(whole, int) else whole

    def serve(number: int, size: int) -> dict[str, Any]:
        shown = everything[(number - 1) * size : number * size]
        return page(shown, len(everything), pageNo=number, pageSize=size, **members)

    return serve


# --- to the last row --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        ([(1, page([]))], 0),
        ([(1, {"total": 0, "results": None})], 0),
        ([(1, {"total": 0})], 0),
        ([(1, page(rows(1, 3)))], 3),
        ([(1, page(rows(1, 25), 30)), (2, page(rows(26, 30), 30))], 30),
        ([(1, page(rows(1, 25), 50)), (2, page(rows(26, 50), 50))], 50),
        ([(1, page(rows(1, 10), 25)), (2, page(rows(11, 20), 25)), (3, page(rows(21, 25), 25))], 25),
        ([(1, page(rows(1, 80))), (2, page([], 80))], 80),
        ([(1, page(rows(1, 3), totalPage=0))], 3),
        ([(1, page(rows(1, 3), total=None)), (2, page([], total=None))], 3),
        ([(1, page(rows(1, 3), total="3", count=None))], 3),
    ],
    ids=[
        "empty",
        "no rows: null",
        "no rows: absent",
        "one",
        "two",
        "full last",
        "smaller pages",
        "size ignored",
        "totalPage 0",
        "count only",
        "digits",
    ],
)
def test_a_listing_is_read_to_its_last_row_and_no_further(pages: list[Any], count: int) -> None:
    assert read(*pages) == list(range(1, count + 1))


def test_a_listing_of_1_000_full_pages_is_still_whole() -> None:
    portal = Portal(serving(25_000), size=4)
    listing = portal.read()
    assert len(listing.rows) == 25_000 and listing.gap is None and portal.asked[-1] == 1000


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (25, 1), (26, 2), (100, 4), (101, 5), (251, 11)])
@pytest.mark.parametrize("size", [1, 4])
def test_every_page_is_asked_for_once_and_rows_keep_their_order(size: int, count: int, pages: int) -> None:
    portal = Portal(serving(count), size)
    assert portal.ids() == list(range(1, count + 1))
    assert portal.asked == list(range(1, pages + 1))


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 2), (25, 2), (26, 3), (100, 5), (101, 6)])
def test_where_nothing_may_be_taken_for_absent_no_page_with_rows_is_the_last(count: int, pages: int) -> None:
    portal = Portal(serving(count), size=4)
    listing = portal.read(to_the_end=True)
    assert (len(listing.rows), listing.gap, portal.asked) == (count, None, list(range(1, pages + 1)))


@pytest.mark.parametrize("count", [26, 30, 51, 75])
def test_a_total_that_ends_with_a_page_hides_nothing_that_may_not_be_taken_for_absent(count: int) -> None:
    portal = Portal(serving(count, total=25, totalPage=1))
    assert portal.read(to_the_end=True).gap == f"it announces 25 rows and returns {count}"


def test_pages_after_the_first_are_under_way_at_once() -> None:
    portal = Portal(serving(251), size=4)
    portal.read()
    assert portal.line.most == 4 and len(portal.asked) == 11


@pytest.mark.parametrize("cap", [1, 10])
@pytest.mark.parametrize("size", [1, 4])
def test_pages_that_are_smaller_than_asked_for_are_read_to_the_end(size: int, cap: int) -> None:
    portal = Portal(lambda number, asked: serving(95)(number, cap), size)
    assert portal.ids() == list(range(1, 96)) and len(set(portal.asked)) == len(portal.asked)


@pytest.mark.parametrize("name", ["records", "list", "rows"])
@pytest.mark.parametrize("total", [{}, {"total": None, "count": None}])
def test_rows_may_have_another_name(name: str, total: dict[str, None]) -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        result = serving(30, **total)(number, size)
        return {name: result.pop("results"), **result, "orders": []}

    portal = Portal(serve)
    assert portal.ids() == list(range(1, 31)) and portal.warnings == []


def test_an_empty_list_of_another_name_hides_no_rows() -> None:
    assert read((1, {**page([]), "total": 2, "records": rows(1, 2)})) == [1, 2]


def test_a_listing_is_as_old_as_its_oldest_page() -> None:
    def read_as_of(*dates: Optional[str]) -> Optional[datetime]:
        calls = [
            Call("GET", "/list", success(page(rows(number, number), 2), **({"Date": date} if date else {})))
            for number, date in enumerate(dates, 1)
        ]
        with Bench(*calls, access_token="given") as bench:
            return read_listing(bench.transport, "/list", {}, "id").as_of

    ten, nine = ("Mon, 23 Nov 2026 10:00:00 GMT", "Mon, 23 Nov 2026 09:00:00 GMT")
    oldest = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
    assert read_as_of(ten, nine) == read_as_of(nine, ten) == read_as_of(None, nine) == oldest
    assert read_as_of(None, None) is None


# --- no total ---------------------------------------------------------------------------------------------------------

NO_TOTAL = {"total": None, "count": None, "totalPage": None}


@pytest.mark.parametrize("count", [0, 3, 25, 30, 50])
@pytest.mark.parametrize("beyond", ["empty", "null", "first", "last", "refused"])
def test_without_a_total_a_listing_is_read_until_nothing_new_comes_and_proves_no_absence(
    count: int, beyond: str
) -> None:
    pages = max(-(-count // 25), 1)

    def serve(number: int, size: int) -> Any:
        if number > pages and beyond == "refused":
            return refusal(400, "parameter_validation_failed")
        if number > pages and beyond == "null":
            return {"results": None}
        shown = {"first": 1, "last": pages}.get(beyond, number) if number > pages else number
        return serving(count, **NO_TOTAL)(shown, size)

    portal = Portal(serve, size=4)
    listing = portal.read()
    assert [row["id"] for row in listing.rows] == list(range(1, count + 1))
    assert listing.gap == "it does not say how many rows it has"
    assert portal.asked == ([1] if count == 0 else list(range(1, pages + 2))) and portal.warnings == []


@pytest.mark.parametrize("pages", [3, "3", None])
def test_a_count_of_one_page_alone_is_not_taken_for_the_whole(pages: Any) -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        shown = rows(1, 60)[(number - 1) * size : number * size]
        return page(shown, total=None, count=len(shown), totalPage=pages)

    listing = Portal(serve, size=4).read()
    assert len(listing.rows) == 60 and listing.gap == "it does not say how many rows it has"


@pytest.mark.parametrize(
    ("members", "to_the_end"),
    [
        ({"totalPage": 3}, False),
        ({"totalPage": 3}, True),
        ({"totalPage": None}, True),
        ({"total": None, "totalPage": None}, False),
        ({"total": None, "totalPage": 1}, False),
        ({"total": None, "totalPage": None, "pageSize": None}, True),
    ],
)
@pytest.mark.parametrize("count", [30, 25])
def test_a_total_of_one_page_alone_does_not_end_a_reading_on_a_page_that_is_not_full(
    members: dict[str, Any], to_the_end: bool, count: int
) -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        shown = rows(1, count)[(number - 1) * 10 : number * 10]
        return page(shown, **{"pageSize": size, **members})

    listing = Portal(serve, size=4).read(to_the_end=to_the_end)
    assert [row["id"] for row in listing.rows] == list(range(1, count + 1)) and listing.gap is not None


# --- a total that does not fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(("count", "total"), [(3, 2), (3, 5), (30, 25), (30, 29), (30, 31), (55, 25), (25, 24), (0, 2)])
def test_a_total_that_is_off_in_every_reading_is_said_and_all_rows_are_there(count: int, total: int, size: int) -> None:
    portal = Portal(serving(count, total=total), size)
    listing = portal.read()
    assert [row["id"] for row in listing.rows] == list(range(1, count + 1))
    assert listing.gap == f"it announces {total} rows and returns {count}"
    assert len(portal.warnings) == 1
    assert f"GET /list: it announces {total} rows and returns {count}" in portal.warnings[0]
    portal.read()
    assert len(portal.warnings) == 1


def test_rows_that_each_page_keeps_back_are_missing_and_said_so() -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        whole = serving(60)(number, size)
        return {**whole, "results": whole["results"][:20]}

    listing = Portal(serve).read()
    assert listing.gap == "it announces 60 rows and returns 50" and {row["id"] for row in listing.rows} >= {1, 20, 26}


def _refused_after_the_first(status: int, count: int) -> Serve:
    return lambda number, size: serving(count)(number, size) if number == 1 else refusal(status)


def test_a_page_that_is_refused_is_an_end_only_where_all_rows_have_come() -> None:
    assert len(Portal(_refused_after_the_first(404, 25)).read(to_the_end=True).rows) == 25
    with pytest.raises(ReadError, match="HTTP 404"):
        Portal(_refused_after_the_first(404, 30)).read(to_the_end=True)


@pytest.mark.parametrize("status", [403, 401, 429, 500])
def test_a_page_that_fails_otherwise_is_no_end(status: int) -> None:
    with pytest.raises(AccessError if status < 404 else ReadError, match=f"HTTP {status}"):
        Portal(_refused_after_the_first(status, 25)).read(to_the_end=True)


# --- a row that comes twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 24, 25, 30, 60])
@pytest.mark.parametrize("total", ["as it is", "of the different", "none"])
def test_a_row_that_comes_twice_in_every_reading_is_there_twice(count: int, total: str) -> None:
    whole = [*rows(1, count), {"id": 1, "kind": "trial"}]
    members = {"as it is": {}, "of the different": {"total": count}, "none": NO_TOTAL}[total]
    listing = Portal(serving(whole, **members), size=4).read()
    assert listing.rows == whole
    assert (listing.gap is None) is (total != "none")


def _overlapping(whole: list[dict[str, Any]]) -> Serve:
    """Every page but the first begins a row early, so that the last row never comes."""

    def serve(number: int, size: int) -> dict[str, Any]:
        first = (number - 1) * size - (number > 1)
        return page(whole[first : first + size][: len(whole) - 1 - first], len(whole))

    return serve


@pytest.mark.parametrize("to_the_end", [True, False])
def test_a_row_that_came_on_the_page_before_does_not_stand_for_one_that_never_comes(to_the_end: bool) -> None:
    listing = Portal(_overlapping(rows(0, 25))).read(to_the_end=to_the_end)
    assert listing.gap == "it announces 26 rows and returns 25" and listing.rows == rows(0, 24)


def test_rows_of_one_number_that_differ_are_several_but_where_they_might_hide_one() -> None:
    whole = [{**row, "kind": number} for number, row in enumerate([*rows(1, 20), *rows(1, 20)])]
    assert Portal(serving(whole)).read().gap is None
    assert Portal(serving(whole)).read(to_the_end=True).gap == "it announces 40 rows and returns 20"


def test_a_row_that_is_like_one_before_it_in_one_reading_only_is_not_the_same_way_twice() -> None:
    asked: list[int] = []

    def serve(number: int, size: int) -> dict[str, Any]:
        asked.append(number)
        served = _overlapping(rows(0, 25))(number, size)
        served["results"] = [{**row, "reading": asked.count(1) * number % 2} for row in served["results"]]
        return served

    with pytest.raises(ReadError, match="a row was returned twice: 24"):
        Portal(serve).read()


def test_pages_that_overlap_since_they_got_smaller_are_read_again_at_that_size() -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        return serving(95)(number, size if number == 1 else min(size, 10))

    portal = Portal(serve)
    listing = portal.read()
    assert [row["id"] for row in listing.rows] == list(range(1, 96))
    assert listing.gap is None and portal.warnings == [] and set(portal.sizes) == {25, 10}


def test_a_page_that_always_comes_again_is_the_end() -> None:
    portal = Portal(lambda number, size: serving(60)(1, size))
    assert portal.ids() == list(range(1, 26)) and portal.asked == [1, 2, 1, 2]
    assert "it announces 60 rows and returns 25" in portal.warnings[0]


def test_pages_without_anything_new_are_not_read_for_ever() -> None:
    def serve(number: int, size: int) -> dict[str, Any]:
        return page([*rows(1, 1 + number % 24), *rows(1, 25)][:25], 999)

    portal = Portal(serve)
    portal.read()
    assert len(portal.asked) < 3 * 60


# --- an account that changes meanwhile --------------------------------------------------------------------------------

SHIFTS = {
    "the total changes": [(1, page(rows(1, 25), 30)), (2, page(rows(26, 31), 31))],
    "a row comes twice": [(1, page(rows(1, 25), 30)), (2, page(rows(25, 29), 30)), (3, page([], 30))],
    "a page comes twice": [(1, page(rows(1, 25), 50)), (2, page(rows(1, 25), 50))],
    "it ends too early": [(1, page(rows(1, 25), 30)), (2, page(rows(26, 28), 30)), (3, page([], 30))],
    "more rows than its total": [(1, page(rows(1, 3), 2))],
}


@pytest.mark.parametrize("shifted", SHIFTS.values(), ids=SHIFTS)
def test_a_listing_that_shifts_is_read_again_from_its_start(shifted: list[Any]) -> None:
    assert read(*shifted, (1, page(rows(1, 2)))) == [1, 2]


@pytest.mark.parametrize("first", SHIFTS)
@pytest.mark.parametrize("second", SHIFTS)
def test_a_listing_that_is_odd_in_another_way_each_time_is_never_taken_for_what_it_is(first: str, second: str) -> None:
    if first == second:
        return
    with pytest.raises(ReadError, match="GET /list: the listing could not be read completely in 3 attempts: "):
        read(*SHIFTS[first], *SHIFTS[second], *SHIFTS[first])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda reading: {"total": 100 + reading}, "the total changed from 100 to 103"),
        (lambda reading: {"results": [{"id": 3 + reading}]}, "a row was returned twice"),
        (lambda reading: {"results": rows(51, 75 - reading)}, "expected 100 rows, got 97"),
    ],
)
def test_a_listing_that_shifts_between_its_pages_is_read_again_and_refused_if_it_does_not_come_to_rest(
    change: Callable[[int], dict[str, Any]], says: str
) -> None:
    asked: list[int] = []

    def serve(number: int, size: int) -> dict[str, Any]:
        asked.append(number)
        whole = serving(101)(number, size)
        whole["total"], whole["results"] = 100, [row for row in whole["results"] if row["id"] <= 100]
        return {**whole, **(change(asked.count(1)) if number == 3 else {})}

    with pytest.raises(ReadError, match=says):
        Portal(serve, size=4).read()
    assert asked.count(1) == asked.count(4) == 3


@pytest.mark.parametrize("total", [99, 1])
def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    monkeypatch.setattr(_listing, "MAX_PAGES", 3)
    with pytest.raises(ReadError, match="not ended"):
        read(*[(number, page(rows(number, number), total, totalPage=9)) for number in range(1, 4)])


# --- what is no listing, and what is of others ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        {"total": 1},
        {"total": 0, "results": {}},
        {"results": None},
        page([{}]),
        page([{"id": None}]),
        page([{"id": ""}]),
        page([{"id": " "}]),
        page(["1"]),
        page([], total=-1),
        page([], total=True),
        {"content": rows(1, 2), "total": 2},
    ],
)
def test_what_is_not_a_page_of_rows_with_keys_is_refused(result: Any) -> None:
    with pytest.raises(ReadError, match="GET /list"):
        read((1, result))


def test_a_page_that_cannot_be_read_fails_the_listing() -> None:
    portal = Portal(lambda number, size: {"results": "none"} if number == 3 else serving(100)(number, size), size=4)
    with pytest.raises(ReadError, match="expected a page with a list of results"):
        portal.read()


def test_rows_that_are_not_wanted_count_and_are_apart() -> None:
    whole = [*rows(1, 20), *({"id": number, "kind": "other"} for number in range(1, 11)), {"kind": "other"}]
    listing = Portal(serving(whole)).read(is_other=lambda row: row.get("kind") == "other")
    assert [row["id"] for row in listing.rows] == list(range(1, 21))
    assert len(listing.others) == 11 and listing.gap is None


def test_blanks_around_a_key_make_no_other_row() -> None:
    whole = [{"id": "A"}, {"id": " A\u00a0"}, {"id": "B"}]
    portal = Portal(serving(whole))
    assert len(portal.read().rows) == 3 and portal.asked == [1, 2, 1, 2]


@pytest.mark.parametrize("number", [{"no": "canary"}, ["canary"], 1.5, "", True])
def test_a_row_whose_number_is_no_text_and_no_number_is_refused(number: Any) -> None:
    with pytest.raises(ReadError, match=r"a row of the listing has no id$"):
        read((1, {"total": 1, "results": [{"id": number}]}))


def test_a_listing_in_whose_numbers_a_secret_was_is_refused_since_two_of_them_may_be_one() -> None:
    with pytest.raises(ReadError, match="a row of the listing has a secret in its id; have it corrected in the portal"):
        read((1, {"total": 2, "results": [{"id": "5 ********"}, {"id": "5 ********", "is": "another"}]}))
