# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: markdown_cut
short_description: Cut the longest tables of a Markdown document until it is small enough
version_added: 0.2.0
description:
  - Removes rows from the end of the longest table first, and adds a line below it that says how many. Text outside
    tables is kept.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input, size
options:
  _input:
    description: The document. Every line that begins with a vertical bar belongs to a table.
    type: str
    required: true
  size:
    description: The largest size, in bytes of UTF-8.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Fit a document into a comment of a pull request
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'report.md') | pbxops.yeastar.markdown_cut(65536) }}"
"""

RETURN = r"""
_value:
  description: The document.
  type: str
"""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from ansible.errors import AnsibleFilterError

_HEAD = 2  # lines of a table before its first row
_NOTE = "\n_… and {} more rows, left out to keep this within {} bytes._\n"


def markdown_cut(text: str, size: int) -> str:
    """The document in at most size bytes. Raises AnsibleFilterError if it is too large even without tables."""
    blocks = [list(lines) for dummy, lines in groupby(text.splitlines(), key=lambda line: line.startswith("|"))]
    excess = sum(map(_size, text.splitlines())) - size
    tables = [block for block in blocks if block[0].startswith("|") and len(block) > _HEAD]
    tables.sort(key=lambda table: sum(map(_size, table)), reverse=True)
    for table in tables:
        if excess <= 0:
            break
        excess -= _shorten(table, excess, size)
    if excess > 0:
        raise AnsibleFilterError(f"markdown_cut: expected a document that fits into {size} bytes without its tables")
    return "\n".join(line for block in blocks for line in block) + "\n"


def _shorten(table: list[str], excess: int, size: int) -> int:
    """Take rows from a table until ``excess`` bytes are gained, or none is left; how many bytes were gained."""
    rows, left_out = table[_HEAD:], 0
    gained = -_size(_NOTE.format(len(rows), size))
    while rows and gained < excess:
        gained += _size(rows.pop())
        left_out += 1
    table[_HEAD:] = [*rows, _NOTE.format(left_out, size)]
    return gained


def _size(line: str) -> int:
    """Bytes, the end of the line included."""
    return len(line.encode("utf-8")) + 1


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"markdown_cut": markdown_cut}
