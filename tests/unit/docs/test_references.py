# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References can be opened: each `docs/PAGE.md, NUMBER` in the repository, and each link in Markdown to a file."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.reliability.page import faults
from tests.support.documents import REFERENCES, REPOSITORY

# A reference may go on in the next line of a comment, and name several numbers of its page.
BREAK = r"[ \n]+(?:# +)?"
NUMBER = r"\d+(?:\.\d+)*"
REFERENCE = re.compile(rf"docs/([\w-]+\.md),{BREAK}({NUMBER}(?:(?:,| and| to){BREAK}{NUMBER})*)")
PAGE = re.compile(r"\bdocs/[\w./-]+\.(?:md|rst)\b")
# What could be cited before, and cannot be opened here.
NOT_HERE = re.compile(
    rf"\bcontract\b|\bfaults(?:\.md)?,{BREAK}(?:rows?|section)\b|\btutorial,{BREAK}step\b|\bquirks? \d"
    r"|\(architecture[,)]|\barchitecture's\b|\bof the architecture\b|\((?:rows?|sections?) \d",
    re.IGNORECASE,
)
HEADING = re.compile(rf"^#+ ({NUMBER}) ", re.MULTILINE)
FACT = re.compile(rf"^- \*\*({NUMBER})\*\* ((?:.|\n(?!\n|- |#))+)", re.MULTILINE)
MARK = re.compile(r"\((?:documented|inferred|unknown), \[([\w-]+)\]\)$")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
NUMBERED = tuple(Path(path).name for path in REFERENCES)
# The licences' own texts, and this file, which has to write down what it looks for.
LEFT_OUT = ("LICENSE", "LICENSES/", "tests/unit/docs/test_references.py")


@cache
def texts() -> dict[str, str]:
    """Every text in version control that can be read as one, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    found = {}
    for path in filter(None, listed.stdout.split("\0")):
        content = (REPOSITORY / path).read_bytes() if (REPOSITORY / path).is_file() else b"\0"
        if b"\0" not in content and not path.startswith(LEFT_OUT):
            found[path] = content.decode("utf-8")
    return found


@cache
def numbers_of(page: str) -> frozenset[str]:
    """The numbers that a page of docs/ has: rows of the page on reliability, sections and facts of the others."""
    if page == "reliability.md":
        return frozenset(map(str, faults()))
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return frozenset([*HEADING.findall(text), *(number for number, dummy in FACT.findall(text))])


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings of a Markdown page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def problems_of_references(text: str) -> list[str]:
    """What a text refers to that is not there."""
    problems = [f"there is no {path}" for path in PAGE.findall(text) if not (REPOSITORY / path).is_file()]
    for page, numbers in REFERENCE.findall(text):
        if page not in (*NUMBERED, "reliability.md"):
            problems.append(f"docs/{page} has no numbers")
            continue
        named = re.findall(NUMBER, numbers)
        problems += [f"docs/{page} has no {number}" for number in named if number not in numbers_of(page)]
    return problems + [f"{match[0]!r} cannot be opened here" for match in NOT_HERE.finditer(text)]


def problems_of_links(path: str, text: str) -> list[str]:
    """Links of a Markdown page to files or headings that are not there."""
    problems = []
    for target, anchor in LINK.findall(text):
        file = Path(REPOSITORY / path).parent / target if target else REPOSITORY / path
        if not file.exists():
            problems.append(f"there is no {target}")
        elif anchor and anchor not in anchors_of(file.read_text(encoding="utf-8")):
            problems.append(f"{target or path} has no heading #{anchor}")
    return problems


@pytest.mark.parametrize("path", sorted(texts()))
def test_what_a_file_refers_to_is_there(path: str) -> None:
    assert problems_of_references(texts()[path]) == []


@pytest.mark.parametrize("path", sorted(path for path in texts() if path.endswith(".md")))
def test_the_links_of_a_page_lead_to_files_and_headings(path: str) -> None:
    assert problems_of_links(path, texts()[path]) == []


def test_the_search_finds_the_references() -> None:
    found = [match for text in texts().values() for match in REFERENCE.findall(text)]
    assert len(found) >= 80
    assert {page for page, dummy in found} == {*NUMBERED, "reliability.md"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("docs/portal-api.md, 6.99", "docs/portal-api.md has no 6.99"),
        ("docs/portal-api.md, 6.1 and\n# 6.99", "docs/portal-api.md has no 6.99"),
        ("docs/architecture.md,\n    # 99", "docs/architecture.md has no 99"),
        ("docs/reliability.md, 3 to 999", "docs/reliability.md has no 999"),
        ("docs/performance.md, 1", "docs/performance.md has no numbers"),
        ("docs/nowhere.md", "there is no docs/nowhere.md"),
        ("(contract, section 6.1)", "'contract' cannot be opened here"),
        ("(faults, row 38)", "'faults, row' cannot be opened here"),
        ("(tutorial, step 4)", "'tutorial, step' cannot be opened here"),
        ("the architecture's table", '"architecture\'s" cannot be opened here'),
        ("(rows 35 and 37)", "'(rows 3' cannot be opened here"),
    ],
)
def test_what_cannot_be_opened_is_a_problem(text: str, problem: str) -> None:
    assert problems_of_references(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "docs/portal-api.md, 6.1",
        "docs/portal-api.md, 9.1 and 9.2, which",
        "docs/reliability.md, 45, 54 and 55",
        "docs/reliability.md, 15 to 37",
        "from a Date header (RFC 9110, section 6.6.1)",
    ],
)
def test_what_can_be_opened_is_none(text: str) -> None:
    assert problems_of_references(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[x](nowhere.md)", "there is no nowhere.md"), ("[x](#nothing)", "README.md has no heading #nothing")],
)
def test_a_link_that_leads_nowhere_is_a_problem(text: str, problem: str) -> None:
    assert problems_of_links("README.md", text) == [problem]


@pytest.mark.parametrize("page", NUMBERED)
def test_the_numbers_of_a_page_are_there_once_and_count_up(page: str) -> None:
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    numbers = re.findall(rf"^(?:#+ |- \*\*)({NUMBER})\b", text, re.MULTILINE)
    assert len(numbers) == len(numbers_of(page))
    for parent in {number.rpartition(".")[0] for number in numbers}:
        last = [int(number.rpartition(".")[2]) for number in numbers if number.rpartition(".")[0] == parent]
        assert last == list(range(1, len(last) + 1)), f"below {parent or page}"


def test_every_fact_of_the_api_has_its_mark_and_its_address() -> None:
    text = texts()["docs/portal-api.md"]
    addresses = dict(re.findall(r"^\[([\w-]+)\]: (https://help\.yeastar\.com/\S+\.html)$", text, re.MULTILINE))
    cited = {number: MARK.search(fact.strip()) for number, fact in FACT.findall(text)}
    assert [number for number, match in cited.items() if match is None or match[1] not in addresses] == []
    assert {match[1] for match in cited.values() if match} == {*addresses}


def test_what_one_fact_says_of_another_is_there() -> None:
    text = texts()["docs/portal-api.md"]
    named = re.findall(rf"\(({NUMBER})(?:, {NUMBER})*(?: and ({NUMBER}))?\)|see ({NUMBER}) and ({NUMBER})", text)
    numbers = {number for match in named for number in match if number}
    assert numbers and numbers <= numbers_of("portal-api.md")
