# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: markdown_text
short_description: Write foreign text into Markdown, so that nothing in it is markup
version_added: 0.2.0
description:
  - Every sign that Markdown or HTML could take for markup becomes a character reference, and a line break a blank, so
    that the text also fits into a cell of a table.
  - A text that a code host could take for a mention, a reference to an issue or a link becomes code, where it links
    nothing.
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

# What Markdown or HTML could take for markup within a line.
_MARKUP = re.compile(r"[&*<>\[\\\]_`{|}~]")
# Mentions, references, milestones, labels, formulas, and what is linked without being asked to.
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
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"markdown_text": markdown_text}
