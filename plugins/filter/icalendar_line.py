# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: icalendar_line
short_description: Write a text property of an iCalendar object
version_added: 0.2.0
description:
  - Escapes the text according to RFC 5545, and folds the line at 75 octets without splitting a character.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input, name
options:
  _input:
    description: The text.
    type: str
    required: true
  name:
    description: The name of the property.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write a summary
  ansible.builtin.debug:
    msg: "{{ 'Head office; expires' | pbxops.yeastar.icalendar_line('SUMMARY') }}"
"""

RETURN = r"""
_value:
  description: The property in one or more lines, without the last end of line.
  type: str
"""

from collections.abc import Callable
from typing import Any

_LONGEST_LINE = 75  # octets, its end not counted
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def icalendar_line(text: str, name: str) -> str:
    """A content line, folded."""
    lines, length = [""], 0
    for character in f"{name}:{text.translate(_ESCAPES)}":
        octets = len(character.encode("utf-8", "surrogatepass"))
        if length + octets > _LONGEST_LINE:
            lines.append("")
            length = 1  # the blank that a continued line begins with
        lines[-1] += character
        length += octets
    return "\r\n ".join(lines)


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"icalendar_line": icalendar_line}
