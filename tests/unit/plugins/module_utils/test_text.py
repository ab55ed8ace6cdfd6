# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._text import (
    LONGEST_TEXT,
    MAX_DEPTH,
    MOST_LISTED,
    bare,
    clean,
    cleaned,
    listed,
    one_line,
    quoted,
    shown,
)

# What may not reach a terminal, a log or a reader, each with its number.
UNFIT = {
    "null": "\0",
    "bell": "\a",
    "tabulator": "\t",
    "line feed": "\n",
    "carriage return": "\r",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "control sequence introducer": "\x9b",
    "soft hyphen": "\xad",
    "Arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "isolate": "\u2066",
    "end of isolate": "\u2069",
    "byte order mark": "\ufeff",
    "first half of a character": "\ud83d",
    "second half of a character": "\ude00",
    "no character": "\uffff",
    "tag": "\U000e0041",
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_shown_is_named_by_its_number(unfit: str) -> None:
    assert clean(f"a{unfit}b") == f"a\ufffd({ord(unfit)})b"
    clean(f"{unfit}{unfit}").encode()
    assert bare(clean(f"a{unfit}b{unfit}")) == "ab"


def test_nothing_that_unicode_calls_a_control_a_separator_or_a_surrogate_stays() -> None:
    unfit = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Cs")]
    assert len(unfit) == 65 + 2 + 2048
    assert not set(clean("".join(unfit))) & set(unfit)


@pytest.mark.parametrize(
    "text",
    [
        "Enterprise Plan",
        "Umläut & Söhne, 電話",
        "no\xa0break",
        "night \U0001f319",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "2001:db8::abcd and fe80::1",
        "std: [5060], a:: b, 10::20, #1 ## [2]",
        "ends in ::",
        "\ufffd already",
    ],
)
def test_what_can_be_shown_stays_as_it_is(text: str) -> None:
    assert clean(text) == one_line(text) == text


@pytest.mark.parametrize(
    "command",
    [
        "::add-mask::0",
        "  ::error file=a,line=1::x",
        "::stop-commands::x",
        "::debug::x",
        "::ECHO::on",
        ":::group::x",
        "##[add-mask]0",
        "##[section]Starting",
        "##vso[task.setvariable variable=a]b",
        "###vso[task.complete]",
        "##teamcity[buildStatus]",
        "##VSO[task.complete]",
    ],
)
@pytest.mark.parametrize("before", ["", "wrapped here ", "x"])
def test_nothing_is_a_command_of_a_ci_system_wherever_a_line_is_wrapped(before: str, command: str) -> None:
    text = one_line(f"{before}{command}")
    starts = [text[at:].lstrip() for at in range(len(text))]
    assert not any(start.startswith("::") and start[2:3].isalpha() for start in starts)
    assert not any(word in text.casefold() for word in ("##[", "##vso[", "##teamcity["))


def test_different_texts_stay_different_and_clean_ones_as_they_are() -> None:
    texts = [f"a{unfit}b" for unfit in ("", *UNFIT.values())]
    assert len({clean(text) for text in texts}) == len(texts)
    assert [clean(clean(text)) for text in texts] == [clean(text) for text in texts]
    long = ["x" * LONGEST_TEXT + end for end in ("y", "z")]
    assert len({one_line(text) for text in long}) == 2


def test_a_line_has_no_breaks_and_no_outer_blanks() -> None:
    assert one_line(" first\r\n\n second\tthird\u2028fourth\x85\n") == "first  second third fourth"


@pytest.mark.parametrize("longest", [30, LONGEST_TEXT])
def test_a_line_is_of_bounded_length(longest: int) -> None:
    assert one_line("x" * longest, longest) == "x" * longest
    cut = one_line("x" * 9_000_000, longest)
    assert len(cut) == longest and "… (" in cut and one_line(cut, longest) == cut


def test_a_value_is_clean_to_its_depth_and_no_further() -> None:
    value: Any = "\x1b"
    for _level in range(MAX_DEPTH):
        value = {"\u200bkey": [value], "number": Decimal("1.5"), "nothing": None}
    with pytest.raises(ValueError, match="nested too deeply"):
        cleaned(value)
    assert cleaned(value, 2 * MAX_DEPTH)["\ufffd(8203)key"][0]["number"] == Decimal("1.5")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ({"activationCode": "canary"}, "an object"),
        (["canary"], "a list"),
        (("canary",), "a list"),
        ("soon", "'soon'"),
        pytest.param("\x1b\ud83d", "'\\x1b\\ud83d'", id="unfit"),
        ("x" * 61, "text of 61 characters"),
        (5, "5"),
        (10**70, "a number of 71 characters"),
        pytest.param(10**5000, "a number that is too large", id="more digits than Python writes"),
        (Decimal("1E+999999"), "1E+999999"),
        (Decimal("0." + "9" * 70), "a number of 72 characters"),
        (float("inf"), "inf"),
        (None, "None"),
        (True, "True"),
        (date(2026, 12, 5), "datetime.date(2026, 12, 5)"),
    ],
)
def test_a_message_names_the_type_of_a_container_and_quotes_short_scalars_only(value: Any, seen: str) -> None:
    assert quoted(value) == seen


def test_outer_blanks_and_breaks_of_a_value_go_and_those_of_a_key_stay() -> None:
    assert cleaned({" a\n": [" 2026-12-05\r\n", "\t", "\u2028x y "]}) == {" a\ufffd(10)": ["2026-12-05", "", "x y"]}


def test_a_text_is_shown_as_it_is_and_a_container_is_not() -> None:
    assert (shown("Ultimate\nPlan"), shown({"password": "canary"}), shown(7)) == ("Ultimate Plan", "an object", "7")


def test_a_message_lists_the_first_of_many_and_counts_the_others() -> None:
    assert (listed([]), listed(["a"]), listed(["a", "b"])) == ("none", "a", "a, b")
    many = listed([f"plan {number}" for number in range(MOST_LISTED + 2)])
    assert many.startswith("plan 0, plan 1, ") and many.endswith(f", plan {MOST_LISTED - 1} and 2 more")
