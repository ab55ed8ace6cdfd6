# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one HTTP answer says of the time."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import response as _answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import TransportError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.response import date_of, retry_after
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, utc
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Bench,
    Call,
    login,
    raw,
    refusal,
    success,
)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 00:00:00 GMT",
        "Mon, 23 Nov 2026 00:00:00 +0000",
        "Mon, 23 Nov 2026 00:00:00 -0000",
        "Mon, 23 Nov 2026 08:00:00 +0800",
        "Monday, 23-Nov-26 00:00:00 GMT",
    ],
)
def test_the_date_of_an_answer_is_read_in_utc(text: str) -> None:
    date = date_of(raw(b"", Date=text))
    assert date == utc(2026, 11, 23) and date.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", [None, "", "now", "2026-11-23T00:00:00Z", "Mon, 99 Nov 2026 00:00:00 GMT", "1"])
def test_an_answer_without_a_readable_date_tells_no_time(text: Optional[str]) -> None:
    assert date_of(raw(b"") if text is None else raw(b"", Date=text)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("Mon, 23 Nov 2026 00:00:40 GMT", 40),
        ("Sun, 22 Nov 2026 23:59:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_the_wait_that_an_answer_asks_for_is_read_in_either_form(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: Optional[float]
) -> None:
    monkeypatch.setattr(_answer, "utc_now", lambda: NOW)
    assert retry_after(raw(b"", Retry_After=text)) == expected


@pytest.mark.parametrize(
    "answer",
    [
        success({}, Date="Mon, 23 Nov 2026 00:10:00 GMT"),
        refusal(404, Date="Mon, 23 Nov 2026 00:10:00 GMT"),
        raw(b"<html>", 502, Date="Mon, 23 Nov 2026 00:10:00 GMT"),
    ],
    ids=["success", "refusal", "no envelope"],
)
def test_every_answer_tells_how_far_the_portals_clock_is_ahead(answer: Any) -> None:
    with Bench(Call("GET", "/x", answer), access_token="given", retries=0, clock=lambda: NOW) as bench:
        assert bench.transport.clock_offset is None
        with contextlib.suppress(TransportError):
            bench.transport.get("/x")
    assert bench.transport.clock_offset == timedelta(minutes=10)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -1200", "Mon, 23 Nov 2026", "soon"])
def test_a_date_that_cannot_be_read_tells_nothing(date: str) -> None:
    with Bench(Call("GET", "/x", success({}, Date=date)), access_token="given", retries=0) as bench:
        bench.transport.get("/x")
    assert bench.transport.clock_offset is None


def test_an_answer_without_a_date_leaves_what_an_earlier_one_told() -> None:
    dated = success({}, Date="Mon, 23 Nov 2026 00:10:00 GMT")
    with Bench(login(), Call("GET", "/x", dated), Call("GET", "/x", success({})), clock=lambda: NOW) as bench:
        bench.transport.get("/x")
        bench.transport.get("/x")
    assert bench.transport.clock_offset == timedelta(minutes=10)
