# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: csv_row
short_description: Write a list of values as one row of CSV
version_added: 0.2.0
description:
  - Quotes text according to RFC 4180, and nothing else. So a spreadsheet that is set to take quoted fields as text
    keeps a serial number such as C(0036580000012345) as it is.
  - Text that a spreadsheet would treat as a formula is prefixed with an apostrophe, which is how spreadsheets mark
    text; numbers are unchanged.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The values. Null is written as C(unknown), an instant in UTC; the elements of a list are joined by
      semicolons.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Write a row
  ansible.builtin.debug:
    msg: "{{ ['3658B431119665QJ', '=1+1', -3, none] | pbxops.yeastar.csv_row }}"
"""

RETURN = r"""
_value:
  description: The row, without an end of line.
  type: str
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import format_instant

# Characters that start a formula in a spreadsheet, including full-width forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# Where the list separator is a semicolon, a spreadsheet reads a cell after each.
_FORMULA_AFTER_SEMICOLON = re.compile(r"(;[ \"']*)(?=[{}])".format(re.escape("".join(_FORMULA))))


def csv_row(values: Iterable[Any]) -> str:
    """One row, without its end of line."""
    return ",".join(map(_cell, values))


def _cell(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return format_instant(value)
    if not isinstance(value, (str, list, tuple)):
        return str(value)
    text = value if isinstance(value, str) else "; ".join(map(str, value))
    if text.lstrip(" \"'").startswith(_FORMULA):
        text = f"'{text}"
    text = _FORMULA_AFTER_SEMICOLON.sub(r"\1'", text)
    return '"{}"'.format(text.replace('"', '""'))


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"csv_row": csv_row}
