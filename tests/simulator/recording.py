# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of an account (docs/architecture.md, 6): the file, its exchanges by endpoint, and its paging."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from .answer import Answer
from .clock import parse_instant
from .profiles import DOCUMENTED, Profile

FORMAT, VERSION = "pbxops.yeastar.recording", 1
MEMBERS = {"method": str, "path": str, "query": dict, "status": int, "headers": dict}


class RecordingError(ValueError):
    """The file is not a recording that can be served; the message says why."""


@dataclass(frozen=True)
class Recorded:
    """One exchange."""

    path: str
    query: dict[str, str]
    status: int
    content_type: str
    body: Any  # None if the answer was no JSON
    text: str | None

    @property
    def is_success(self) -> bool:
        """Whether HTTP and the envelope both say so."""
        body = self.body
        return self.status == 200 and isinstance(body, dict) and body.get("code") == "success"

    @property
    def result(self) -> Any:
        """What a successful answer says."""
        return self.body.get("result")

    def again(self, result: Any = ...) -> Answer:
        """The same answer, or one of the same form with another result."""
        if self.body is None:
            return Answer(self.status, body=(self.text or "").encode(), content_type=self.content_type)
        payload = self.body if result is ... else {**self.body, "result": result}
        return Answer(self.status, payload, content_type=self.content_type)


@dataclass(frozen=True)
class Recording:
    """A recorded account."""

    recorded_at: datetime
    field_map: dict[str, Any]
    exchanges: tuple[Recorded, ...]
    _by_pattern: dict[str, list[Recorded]] = field(default_factory=dict)
    _by_pbx: dict[str, dict[str | None, list[Recorded]]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a recording; raises RecordingError."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}") from None
        except ValueError:
            raise RecordingError(f"{path}: not a recording, it is not JSON") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise RecordingError(f"{path}: not a recording, expected format {FORMAT}")
        if document.get("version") != VERSION:
            raise RecordingError(f"{path}: expected version {VERSION}, got {document.get('version')!r}")
        try:
            exchanges = tuple(_exchange(one) for one in document["exchanges"] if one["method"] == "GET")
            return cls(parse_instant(document["recorded_at"]), dict(document["field_map"]), exchanges)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}: not a whole recording: {error}") from None

    def of(self, pattern: str) -> list[Recorded]:
        """The exchanges of an endpoint, by the pattern of its path."""
        if pattern not in self._by_pattern:
            self._by_pattern[pattern] = [one for one in self.exchanges if re.fullmatch(pattern, one.path)]
        return self._by_pattern[pattern]

    def about(self, pattern: str, product_no: str | None) -> list[Recorded]:
        """The exchanges of an endpoint about one PBX."""
        if pattern not in self._by_pbx:
            of_pbxs = self._by_pbx.setdefault(pattern, {})
            for one in self.of(pattern):
                of_pbxs.setdefault(one.query.get("productNo"), []).append(one)
        return self._by_pbx[pattern].get(product_no, [])


def _exchange(one: dict[str, Any]) -> Recorded:
    for name, kind in MEMBERS.items():
        if not isinstance(one[name], kind):
            raise ValueError(f"{name} of an exchange is not of type {kind.__name__}")
    kind = one["headers"].get("content-type", "application/json;charset=UTF-8")
    return Recorded(one["path"], one["query"], one["status"], kind, one.get("body"), one.get("text"))


def leaves(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, at any depth."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(item)


@dataclass(frozen=True)
class RecordedListing:
    """A paged listing as recorded: its rows, each once, and how it pages."""

    rows: list[dict[str, Any]]
    profile: Profile
    first: Recorded | None  # the first page, whose form all pages have

    @classmethod
    def of(cls, exchanges: list[Recorded]) -> RecordedListing:
        """Put the pages of one reading together; of several, the one with most rows."""
        sizes = {one.query.get("pageSize", "") for one in exchanges}
        readings = [cls._of_reading([one for one in exchanges if one.query.get("pageSize", "") == s]) for s in sizes]
        return max(readings, key=lambda one: len(one.rows), default=cls([], DOCUMENTED, None))

    @classmethod
    def _of_reading(cls, exchanges: list[Recorded]) -> RecordedListing:
        pages = {int(one.query.get("pageNo", "1")): one for one in exchanges if one.is_success}
        first = pages.get(1)
        if first is None or not isinstance(first.result, dict):
            return cls([], DOCUMENTED, None)
        read = [row for number in sorted(pages) for row in rows_of(pages[number].result)]
        rows = list({json.dumps(row, default=str): row for row in read}.values())
        return cls(rows, _paging(pages, exchanges, len(rows)), first)

    def shaped(self, page: dict[str, Any]) -> dict[str, Any]:
        """A page with exactly the members of the first one, in their types."""
        if self.first is None:
            return page
        like = self.first.result
        return {name: _as(value, page.get(name, value)) for name, value in like.items()}


def rows_of(result: Any) -> list[dict[str, Any]]:
    """The rows of a page."""
    name = name_of_rows(result)
    return [] if name is None else result[name]


def name_of_rows(result: Any) -> str | None:
    """The member of a page that has its rows."""
    lists = [name for name, value in result.items() if isinstance(value, list)] if isinstance(result, dict) else []
    return max(lists, key=lambda name: len(result[name]), default=None)


def _as(like: Any, value: Any) -> Any:
    return str(value) if isinstance(like, str) and isinstance(value, int) else value


def _paging(pages: dict[int, Recorded], exchanges: list[Recorded], count: int) -> Profile:
    """How the listing pages, as choices of a profile."""
    sizes = {number: len(rows_of(page.result)) for number, page in pages.items()}
    first, asked = pages[1].result, int(pages[1].query.get("pageSize", "25"))
    refused = max((int(one.query.get("pageNo", "1")) for one in exchanges if not one.is_success), default=0)
    last = max(pages)
    changes: dict[str, Any] = {"rows": name_of_rows(first) or "results"}
    if sizes[1] < asked and sizes.get(2):
        changes["page_cap"] = sizes[1]
    if sizes.get(3) and sizes[2] < sizes[1]:
        changes["later_page_cap"] = sizes[2]
    if refused > last:
        changes["beyond_last"] = "refused"
    elif last > 1 and sizes[last] and rows_of(pages[last].result) == rows_of(pages[last - 1].result):
        changes["beyond_last"] = "last"
    total = first.get("total", first.get("count"))
    if total is None:
        return replace(DOCUMENTED, **changes, total_off=None)
    if int(total) == sizes[1] < count:
        return replace(DOCUMENTED, **changes, total_of="page" if "total" in first else "count")
    return replace(DOCUMENTED, **changes, total_off=int(total) - count)
