# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A paged listing, read to its end by what comes and not by what it says of its size (docs/portal-api.md, 1.4).

A row that comes is there. A row that does not come is missing only if as many came as the listing names. A row that is
like one of an earlier page is that row, since pages that overlap bring one twice and another not at all. What looks
odd, a row that comes twice or a total that does not fit, is read again: it may be the account that changes meanwhile.
If it comes the same way twice, the portal lists that way; if not, it is refused (docs/reliability.md, 50 and 51).
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
    """The rows that a listing gave; of ``others``, which are not wanted, it may have some as well.

    ``count`` is how many rows came in all; ``total`` how many it names, None where it names none or several numbers;
    ``as_of`` the oldest `Date` of its pages, None where none had one.
    """

    rows: list[Row]
    others: list[Row]
    count: int
    total: Optional[int]
    as_of: Optional[datetime] = None

    @property
    def gap(self) -> Optional[str]:
        """Why what did not come may be there all the same, as a clause; None for a listing that is whole."""
        if self.total is None:
            return "it does not say how many rows it has"
        return None if self.total == self.count else f"it names {self.total} rows and gives {self.count}"


@dataclass(frozen=True)
class _Page:
    rows: list[Row]
    total: Optional[int]
    size: int = 0  # what the page itself says of its size, and of how many pages there are; 0 if nothing
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
        self._came: dict[str, list[Row]] = {}
        self._barren = 0  # pages on end that brought nothing new
        self._dates: list[datetime] = []

    def take(self, page: _Page) -> bool:
        """Add a page; whether there may be more.

        A page that came before ends the reading: some portals give the first or the last one for every number beyond.
        """
        self._dates += [] if page.date is None else [page.date]
        numbers = tuple(self._number_of(row) for row in page.rows)
        if page.total is not None and (numbers or not self._pages) and page.total not in self.totals:
            self.totals.append(page.total)
        if not numbers or numbers in self._pages:
            return False
        is_full = len(numbers) in (self._size, page.size) or bool(self._pages and len(numbers) >= len(self._pages[0]))
        self._barren = 0 if set(numbers) - set(self.numbers) else self._barren + 1
        self._pages.append(numbers)
        self.numbers.update(numbers)
        new = [(number, row) for number, row in zip(numbers, page.rows) if row not in self._came.get(number, ())]
        for number, row in new:
            self._came.setdefault(number, []).append(row)
            (self.others if self._is_other(row) else self.rows).append(row)
        if self._barren == PAGE_SIZE:
            return False
        # The total may be that of one page alone; where it is right, it is one request in vain.
        if self._to_the_end or page.pages > len(self._pages):
            return True
        if not self.is_all:
            # Where the total has changed as well, a page that is not full is enough: it is all read again.
            return is_full or len(self.totals) < 2
        return is_full and len(self.numbers) > max(self.totals)

    def _number_of(self, row: Row) -> str:
        number = row.get(self._key)
        if self._is_other(row):
            return f"other {number}"
        if HIDDEN in str(number):  # two that differ may be one now
            problem = f"a row of the listing has a secret in its {self._key}"
            raise ValueError(f"{problem}; have it mended in the portal")
        if not isinstance(number, (str, int)) or isinstance(number, bool) or not str(number).strip():
            raise ValueError(f"a row of the listing has no {self._key}")
        return str(number).strip()

    @property
    def is_all(self) -> bool:
        """Whether as many different rows came as any page names."""
        return bool(self.totals) and len(self.numbers) >= max(self.totals)

    @property
    def repeated(self) -> list[str]:
        """The numbers of rows that came more than once."""
        return [number for number, times in self.numbers.items() if times > 1]

    def result(self) -> Listing:
        """What has come of it."""
        total = self.totals[0] if len(self.totals) == 1 else None
        came = len(self.rows) + len(self.others)
        # Rows of one number may be several; where nothing may be taken for absent, that is not to hide one that is not.
        count = came if came == total and not self._to_the_end else len(self.numbers)
        return Listing(self.rows, self.others, count, total, min(self._dates, default=None))

    def oddity(self) -> Optional[str]:
        """What may be due to a change of the account meanwhile; None where nothing is."""
        total, count = self.result().total, self.result().count
        if len(self.totals) > 1:
            return f"the total changed from {self.totals[0]} to {self.totals[1]}"
        if self.repeated:
            return f"a row came twice: {', '.join(self.repeated[:3])}"
        return None if total in (None, count) else f"expected {total} rows, got {count}"

    def is_like(self, other: _Reading) -> bool:
        """Whether both brought the same rows, as often, of the same totals, and count alike."""
        counts = (self.result().count, other.result().count)
        return (self.numbers, self.totals) == (other.numbers, other.totals) and counts[0] == counts[1]

    def smaller_size(self) -> int:
        """The size of the next reading: where all pages after the first were smaller, so that they overlap, theirs."""
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
    """All rows of a paged listing, each with its own ``key``; ``is_other`` says which rows are not wanted.

    With ``to_the_end``, for what must not be taken for absent, only a page that is empty, refused or came before is an
    end, and rows of one number count once. Without, a total that is reached is one, if `totalPage` names no more pages.

    Warns of rows that are named and do not come. Raises ReadError when the listing does not come to rest, has no end,
    or is not a paged listing.
    """
    before: Optional[_Reading] = None
    size, oddity = PAGE_SIZE, None
    for _attempt in range(LISTING_ATTEMPTS):
        reading = _Reading(key, size, is_other, to_the_end)
        for page in _pages_in_order(transport, path, {**params, "pageSize": str(size)}, reading):
            try:
                if not reading.take(page):
                    break
            except ValueError as error:
                raise ReadError(f"GET {path}", str(error)) from None
        else:
            if reading.result().gap is not None:
                raise ReadError(f"GET {path}", f"the listing has no end after {MAX_PAGES} pages")
        oddity = reading.oddity()
        if oddity is None or (before is not None and reading.is_like(before)):
            listing = reading.result()
            if listing.gap and reading.totals:
                transport.warn(f"GET {path}: {listing.gap}, each time; what it does not give may be there all the same")
            return listing
        before, size = reading, reading.smaller_size()
    raise ReadError(
        f"GET {path}", f"the listing did not come back whole in {LISTING_ATTEMPTS} attempts: {oddity}; run again"
    )


def _pages_in_order(transport: Transport, path: str, params: Mapping[str, str], reading: _Reading) -> Iterator[_Page]:
    """The first page, and then as many at once as the pool has places, for as long as the reader goes on.

    Every page but the first is asked for when the first has come, so that a row that is new before them all shows.
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
            return error  # beyond the end, some portals refuse the number of the page

    def page_of(outcome: Union[_Page, ReadError]) -> _Page:
        if isinstance(outcome, _Page):
            return outcome
        if reading.totals and not reading.is_all:
            raise outcome
        return _Page([], None)

    first = page_of(read(1))
    yield first
    # Beyond what the first page lets expect, one at a time: who gives less a page is read to its end as well.
    last = -(-(first.total or 0) // max(len(first.rows), 1))
    page_no = 2
    while page_no <= MAX_PAGES:
        wave = range(page_no, max(min(page_no + transport.pool.size - 1, last, MAX_PAGES), page_no) + 1)
        yield from map(page_of, transport.pool.map(read, wave))
        page_no = wave.stop


def _read_page(page: Any, is_first: bool) -> _Page:
    """One page of a listing, which gives its total as ``total`` or ``count``, or not at all.

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
        raise ValueError("expected a page with a list of results, got one that holds no objects")
    # A count without a total may be that of this page alone.
    pages = MAX_PAGES if page.get("total") is None else _count_or(page.get("totalPage"), 0)
    return _Page(rows, total, _count_or(page.get("pageSize"), 0), pages)


def _count_or(value: Any, otherwise: int) -> int:
    try:
        return read_count(value)
    except ValueError:
        return otherwise
