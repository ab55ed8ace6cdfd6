# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about reliability is the one that the tests of today make: every fault, each with tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.reliability.page import TOTALS, Proof, faults, page_of
from tests.support.documents import REPOSITORY

PAGE = (REPOSITORY / "docs/reliability.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+)\. (.+?) \| (.+?) \| (.*) \| (\S+) \|$", re.MULTILINE)
LINK = re.compile(r"\[(\w+)\]\(\.\./([\w/.]+)\)")


def test_every_fault_is_there_with_tests_that_have_all_passed() -> None:
    rows = ROW.findall(PAGE)
    assert [int(number) for number, *dummy in rows] == sorted(faults())
    assert [number for number, *dummy, passed in rows if not passed.isdigit()] == []
    assert all(LINK.findall(tests) for dummy, dummy, dummy, tests, dummy in rows)


def test_every_test_that_is_named_is_there() -> None:
    for name, path in LINK.findall(PAGE):
        assert f"def {name}(" in (REPOSITORY / path).read_text(encoding="utf-8"), f"{path} has no {name}"


def test_the_promise_is_kept() -> None:
    assert "| **duplicate invoices** | 0 |" in PAGE and "| **lost renewals** | 0 |" in PAGE


@pytest.mark.parametrize(
    ("proofs", "totals", "problem"),
    [
        ([], {}, "fault 1 has no test"),
        ([Proof("tests/a.py::test_b", frozenset({1}), has_passed=True, has_failed=True)], {}, "test_b has failed"),
        ([Proof("tests/a.py::test_b", frozenset({1}))], {}, "test_b has failed"),
        ([], {"duplicates": 1}, "1 **duplicate invoices**"),
        ([], {"lost": 2}, "2 **lost renewals**"),
    ],
)
def test_what_is_not_shown_is_a_problem(proofs: list[Proof], totals: dict[str, int], problem: str) -> None:
    dummy, problems = page_of(proofs, {**dict.fromkeys(TOTALS, 0), **totals})
    assert any(problem in each for each in problems)
