# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: markdown_text
short_description: Escape text for Markdown, so that nothing in it is markup
version_added: 0.2.0
description:
  - Every character that Markdown or HTML could treat as markup becomes a character reference, and a line break becomes
    a blank, so that the text also fits into a table cell.
  - Text that a code host could treat as a mention, a reference to an issue or a link is written as code, where it
    creates no links.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write a comment into Markdown
  ansible.builtin.debug:
    msg: "{{ '@everyone: <b>a|b</b>' | pbxops.yeastar.markdown_text }}"
"""

RETURN = r"""
_value:
  description: The text as Markdown.
  type: str
"""

import re
from collections.abc import Callable
from typing import Any

# Characters that Markdown or HTML could treat as markup within a line.
_MARKUP = re.compile(r"[&*<>\[\\\]_`{|}~]")
# Mentions, references, milestones, labels, formulas, and text that is linked automatically.
_LINKED = re.compile(r"[@#!$%&~^]|://|\bwww\.|\bGH-", re.IGNORECASE)
_SIGN = re.compile(r"[^\w\s]|_")


def markdown_text(text: str) -> str:
    """The text as inline Markdown."""
    line = " ".join(text.split())
    if _LINKED.search(line):
        return f"<code>{_SIGN.sub(_reference, line)}</code>"
    return _MARKUP.sub(_reference, line)


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"markdown_text": markdown_text}
