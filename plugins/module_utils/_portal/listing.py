# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A paged listing, read to its end by the rows that it returns, not by its announced size (docs/portal-api.md, 1.4).

A row that is returned exists. A row that is not returned is absent only if the listing returned as many rows as it
announced. Equal rows on different pages are the same row, since overlapping pages repeat one and omit another. A
listing with an oddity, such as a repeated row or a total that does not fit, is read again, since the account may be
changing. If two readings agree, the portal lists that way; if not, the listing is refused (docs/reliability.md, 50 and
51).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Optional, Union

from .._text import HIDDEN
from .envelope import read_count
from .errors import AccessError, ReadError
from .transport import Transport

PAGE_SIZE = 25
MAX_PAGES = 1000
LISTING_ATTEMPTS = 3
ROW_KEYS = ("results", "records", "list", "rows")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """The rows that a listing returned; ``others`` are rows that are not wanted.

    ``count`` is the number of rows that were returned; ``total`` the number that was announced, None if there is none
    or it varies; ``as_of`` the oldest `Date` of the pages, None if none has one.
    """

    rows: list[Row]
    others: list[Row]
    count: int
    total: Optional[int]
    as_of: Optional[datetime] = None

    @property
    def gap(self) -> Optional[str]:
        """Why rows that were not returned may still exist, as a clause; None for a complete listing."""
        if self.total is None:
            return "it does not say how many rows it has"
        return None if self.total == self.count else f"it announces {self.total} rows and returns {self.count}"


@dataclass(frozen=True)
class _Page:
    rows: list[Row]
    total: Optional[int]
    size: int = 0  # the page size and the number of pages, as reported on the page; 0 if it does not report them
    pages: int = 0
    date: Optional[datetime] = None


class _Reading:
    """One reading of a listing, page by page."""

    def __init__(self, key: str, size: int, is_other: Callable[[Row], bool], to_the_end: bool) -> None:
        self._key, self._size, self._is_other, self._to_the_end = key, size, is_other, to_the_end
        self.rows: list[Row] = []
        self.others: list[Row] = []
        self.totals: list[int] = []
        self.numbers: Counter[str] = Counter()
        self._pages: list[tuple[str, ...]] = []
        self._rows_by_number: dict[str, list[Row]] = {}
        self._repeated_pages = 0  # pages in a row without a new number
        self._dates: list[datetime] = []

    def add(self, page: _Page) -> bool:
        """Add a page, and return whether there may be more.

        A repeated page ends the reading: some portals return the first or the last page for every number beyond the
        end.
        """
        self._dates += [] if page.date is None else [page.date]
        numbers = tuple(self._number_of(row) for row in page.rows)
        if page.total is not None and (numbers or not self._pages) and page.total not in self.totals:
            self.totals.append(page.total)
        if not numbers or numbers in self._pages:
            return False
        is_full = len(numbers) in (self._size, page.size) or bool(self._pages and len(numbers) >= len(self._pages[0]))
        self._repeated_pages = 0 if set(numbers) - set(self.numbers) else self._repeated_pages + 1
        self._pages.append(numbers)
        self.numbers.update(numbers)
        by_number = self._rows_by_number
        new = [(number, row) for number, row in zip(numbers, page.rows) if row not in by_number.get(number, ())]
        for number, row in new:
            by_number.setdefault(number, []).append(row)
            (self.others if self._is_other(row) else self.rows).append(row)
        if self._repeated_pages == PAGE_SIZE:
            return False
        # The total may be that of a single page; if it is not, this costs one more request.
        if self._to_the_end or page.pages > len(self._pages):
            return True
        if not self.is_all:
            # If the total has changed too, a page that is not full ends this reading: everything is read again.
            return is_full or len(self.totals) < 2
        return is_full and len(self.numbers) > max(self.totals)

    def _number_of(self, row: Row) -> str:
        number = row.get(self._key)
        if self._is_other(row):
            return f"other {number}"
        if HIDDEN in str(number):  # two different numbers may look the same now
            problem = f"a row of the listing has a secret in its {self._key}"
            raise ValueError(f"{problem}; have it corrected in the portal")
        if not isinstance(number, (str, int)) or isinstance(number, bool) or not str(number).strip():
            raise ValueError(f"a row of the listing has no {self._key}")
        return str(number).strip()

    @property
    def is_all(self) -> bool:
        """Whether as many different rows were returned as any page announces."""
        return bool(self.totals) and len(self.numbers) >= max(self.totals)

    @property
    def repeated(self) -> list[str]:
        """The numbers of rows that were returned more than once."""
        return [number for number, times in self.numbers.items() if times > 1]

    def result(self) -> Listing:
        """The listing, as read."""
        total = self.totals[0] if len(self.totals) == 1 else None
        returned = len(self.rows) + len(self.others)
        # Several rows may share a number. If no row may be taken for absent, they must not make up for a missing one.
        count = returned if returned == total and not self._to_the_end else len(self.numbers)
        return Listing(self.rows, self.others, count, total, min(self._dates, default=None))

    def oddity(self) -> Optional[str]:
        """Something that a change of the account during the reading would explain; None if there is nothing."""
        total, count = self.result().total, self.result().count
        if len(self.totals) > 1:
            return f"the total changed from {self.totals[0]} to {self.totals[1]}"
        if self.repeated:
            return f"a row was returned twice: {', '.join(self.repeated[:3])}"
        return None if total in (None, count) else f"expected {total} rows, got {count}"

    def is_like(self, other: _Reading) -> bool:
        """Whether both readings have the same numbers, equally often, the same totals and the same count."""
        counts = (self.result().count, other.result().count)
        return (self.numbers, self.totals) == (other.numbers, other.totals) and counts[0] == counts[1]

    def smaller_size(self) -> int:
        """The page size of the next reading: that of the later pages, if they were all smaller and rows repeated."""
        first, *others = [len(page) for page in self._pages[:-1]] or [0]
        return min(others) if self.repeated and others and max(others) < first else self._size


def read_listing(
    transport: Transport,
    path: str,
    params: Mapping[str, str],
    key: str,
    is_other: Callable[[Row], bool] = lambda row: False,
    to_the_end: bool = False,
) -> Listing:
    """Read all rows of a paged listing, each identified by its ``key``; ``is_other`` says which are not wanted.

    With ``to_the_end``, for rows that must not be taken for absent, only an empty, refused or repeated page is the end,
    and rows with the same number count once. Without it, so is reaching the total, unless `totalPage` has more pages.

    Warns if announced rows are not returned. Raises ReadError if the listing keeps changing, has no end, or is not a
    paged listing.
    """
    before: Optional[_Reading] = None
    size, oddity = PAGE_SIZE, None
    for _attempt in range(LISTING_ATTEMPTS):
        reading = _Reading(key, size, is_other, to_the_end)
        for page in _pages_in_order(transport, path, {**params, "pageSize": str(size)}, reading):
            try:
                if not reading.add(page):
                    break
            except ValueError as error:
                raise ReadError(f"GET {path}", str(error)) from None
        else:
            if reading.result().gap is not None:
                raise ReadError(f"GET {path}", f"the listing has not ended after {MAX_PAGES} pages")
        oddity = reading.oddity()
        if oddity is None or (before is not None and reading.is_like(before)):
            listing = reading.result()
            if listing.gap and reading.totals:
                transport.warn(f"GET {path}: {listing.gap}, each time; rows that it does not return may still exist")
            return listing
        before, size = reading, reading.smaller_size()
    raise ReadError(
        f"GET {path}", f"the listing could not be read completely in {LISTING_ATTEMPTS} attempts: {oddity}; run again"
    )


def _pages_in_order(transport: Transport, path: str, params: Mapping[str, str], reading: _Reading) -> Iterator[_Page]:
    """Read the first page, then as many at once as the pool allows, for as long as the caller continues.

    The other pages are requested only after the first was read, so that a row inserted before them shows.
    """

    def read(page_no: int) -> Union[_Page, ReadError]:
        try:
            page, date = transport.get_dated(path, {**params, "pageNo": str(page_no)})
            return replace(_read_page(page, page_no == 1), date=date)
        except ValueError as error:
            raise ReadError(f"GET {path}", str(error)) from None
        except AccessError:
            raise
        except ReadError as error:
            if page_no == 1 or error.status is None or not 400 <= error.status < 500 or error.status == 429:
                raise
            return error  # some portals refuse a page number beyond the end

    def page_of(outcome: Union[_Page, ReadError]) -> _Page:
        if isinstance(outcome, _Page):
            return outcome
        if reading.totals and not reading.is_all:
            raise outcome
        return _Page([], None)

    first = page_of(read(1))
    yield first
    # Pages beyond the expected last one are read one at a time, since later pages may be smaller.
    last = -(-(first.total or 0) // max(len(first.rows), 1))
    page_no = 2
    while page_no <= MAX_PAGES:
        wave = range(page_no, max(min(page_no + transport.pool.size - 1, last, MAX_PAGES), page_no) + 1)
        yield from map(page_of, transport.pool.map(read, wave))
        page_no = wave.stop


def _read_page(page: Any, is_first: bool) -> _Page:
    """Read one page of a listing, which has its total in ``total``, in ``count``, or not at all.

    Raises ValueError for anything else.
    """
    if not isinstance(page, Mapping):
        raise ValueError("expected a page with a list of results")
    counts = [page[name] for name in ("total", "count") if page.get(name) is not None]
    try:
        total = read_count(counts[0]) if counts else None
    except ValueError as error:
        raise ValueError(f"expected the total of the listing: {error}") from None
    lists = [page[name] for name in ROW_KEYS if isinstance(page.get(name), list)]
    is_empty = not any(page.get(name) is not None for name in ROW_KEYS) and (total == 0 or not is_first)
    if not lists and not is_empty:
        raise ValueError(f"expected a page with a list of results (or {', '.join(ROW_KEYS[1:])})")
    rows: list[Any] = max(lists, key=len, default=[])
    if not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("expected a page with a list of results, got a list of something other than objects")
    # A count without a total may be that of this page.
    pages = MAX_PAGES if page.get("total") is None else _count_or(page.get("totalPage"), 0)
    return _Page(rows, total, _count_or(page.get("pageSize"), 0), pages)


def _count_or(value: Any, default: int) -> int:
    try:
        return read_count(value)
    except ValueError:
        return default
