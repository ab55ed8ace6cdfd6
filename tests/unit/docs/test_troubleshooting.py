# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to troubleshooting has an entry for exactly the reasons of the code, and quotes the code's own messages."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module

from tests.support.documents import REPOSITORY

GUIDE = REPOSITORY / "docs/docsite/rst/guide_troubleshooting.rst"
VOCABULARY = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary")
REASONS = {reason.value: reason.state.value for reason in VOCABULARY.Reason}
FIELDS = ("Meaning", "Message", "What to do")

STATE = re.compile(r"^State ``(\w+)``\n-{4,}$", re.MULTILINE)
REASON = re.compile(r"^``(\w+)``\n\^{4,}$", re.MULTILINE)


def entries_of(text: str) -> list[tuple[str, str, dict[str, str]]]:
    """State, reason and fields of every entry, in the order of the guide."""
    found = []
    state = ""
    for part in STATE.split(text)[1:]:
        if re.fullmatch(r"\w+", part):
            state = part
            continue
        pieces = REASON.split(part)[1:]
        for reason, body in zip(pieces[::2], pieces[1::2], strict=True):
            fields = dict(re.findall(r"^:([^:]+): (.+)$", body, re.MULTILINE))
            found.append((state, reason, fields))
    return found


@cache
def texts_of_code() -> str:
    """Every text in the code, one a line, with … for the values in it."""
    texts = []
    for path in sorted((REPOSITORY / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append(re.sub("…+", "…", "".join(parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(text.replace("\n", " ") for text in texts)


def test_exactly_the_reasons_of_the_code_have_one_entry_each_under_their_state() -> None:
    listed = [(reason, state) for state, reason, _fields in entries_of(GUIDE.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(REASONS.items())


def test_every_entry_tells_meaning_message_and_what_to_do() -> None:
    for _state, reason, fields in entries_of(GUIDE.read_text(encoding="utf-8")):
        assert tuple(fields) == FIELDS, reason


def test_messages_are_those_of_the_code() -> None:
    quoted = {
        reason: fields["Message"].strip("`") for _state, reason, fields in entries_of(GUIDE.read_text(encoding="utf-8"))
    }
    invented = {reason: message for reason, message in quoted.items() if message not in texts_of_code()}
    assert invented == {}


def test_no_message_says_more_widely_than_of_its_own_task_that_nothing_was_ordered() -> None:
    """A play may have bought before, in another batch, loop turn or attempt, and a task may have bought another PBX."""
    said = [text for text in texts_of_code().splitlines() if "nothing was ordered" in text]
    assert said != [] and [text for text in said if not text.endswith("nothing was ordered here")] == []


def test_messages_of_whole_runs_are_those_of_the_code() -> None:
    listed = re.findall(r"^   \* - ``(.+)``$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == 38
    # A closing … stands for the rest of a sentence, and not for a single value.
    assert [message for message in listed if message.removesuffix("…") not in texts_of_code()] == []


def test_an_entry_too_few_too_many_or_in_the_wrong_place_is_seen() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert len(entries_of(text)) == len(REASONS)
    assert len(entries_of(text.replace("``stale_plan``\n^", "stale_plan\n^"))) == len(REASONS) - 1
    moved = text.replace("State ``unknown``\n", "State ``failed``\n")
    assert ("failed", "ambiguous") in [(state, reason) for state, reason, _fields in entries_of(moved)]
