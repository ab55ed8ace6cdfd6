# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: workbook
short_description: Write a table as an Excel workbook
version_added: 0.2.0
description:
  - Returns an XLSX file with one sheet. Its first row stays visible, and every column has a filter. Text is a text
    cell, so a spreadsheet takes neither a serial number for a number nor any text for a formula.
  - Ansible has no bytes. So each character of the result is one byte of the file; write it with
    C(ansible.builtin.template) and C(output_encoding=iso-8859-1).
  - The same table gives the same file.
author:
  - The pbxops.yeastar authors (@pbxops)
requirements:
  - XlsxWriter
positional: _input, name
options:
  _input:
    description: The rows, the first of which has the names of the columns. Null is written as C(unknown); the elements
      of a list are joined by semicolons. Dates, instants (in UTC) and numbers are cells of that type.
    type: list
    elements: list
    required: true
  name:
    description: The name of the sheet.
    type: str
    required: true
"""

EXAMPLES = r"""
# workbook.xlsx.j2 contains only {{ [['PBX', 'days'], ['0036580000012345', 12]] | pbxops.yeastar.workbook('PBXs') }}
- name: Write a workbook
  ansible.builtin.template:
    src: workbook.xlsx.j2
    dest: /srv/report/pbxs.xlsx
    output_encoding: iso-8859-1
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The file, each character one byte.
  type: str
"""

import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.module_utils.basic import missing_required_lib

try:
    import xlsxwriter
except ImportError:
    xlsxwriter = None

_CREATED = datetime(1980, 1, 1, tzinfo=timezone.utc)  # fixed, like the time of every member of the archive
_LONGEST_CELL = 32767  # characters, a limit of the format
_WIDEST = 60  # characters
# One name in a line, see findings/ansible-doc-several-names-at-once.sh.
_DATE = "yyyy-mm-dd"
_INSTANT = "yyyy-mm-dd hh:mm"
_HEAD = "head"
_TEXT = "@"


def workbook(rows: Sequence[Sequence[Any]], name: str) -> str:
    """An XLSX file, each character one byte. Raises AnsibleFilterError if XlsxWriter is not installed."""
    if xlsxwriter is None:
        raise AnsibleFilterError(missing_required_lib("XlsxWriter"))
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        book.set_properties({"created": _CREATED})
        sheet = book.add_worksheet(name)
        formats = _Formats(book)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                _write(sheet, number, column, value, formats, is_head=number == 0)
        for column, values in enumerate(zip(*rows)):
            sheet.set_column(column, column, min(_WIDEST, 3 + max(len(_text(value)) for value in values)))
        sheet.freeze_panes(1, 1)
        if rows:
            sheet.autofilter(0, 0, len(rows) - 1, len(rows[0]) - 1)
    return written.getvalue().decode("iso-8859-1")


class _Formats:
    """The formats of a workbook's cells, each created once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[str, Any] = {}

    def of(self, shape: str) -> Any:
        """The format of headings, or the one that shows numbers in the given shape."""
        if shape not in self._formats:
            given = {"bold": True} if shape == _HEAD else {"num_format": shape}
            self._formats[shape] = self._book.add_format(given)
        return self._formats[shape]


def _write(sheet: Any, number: int, column: int, value: Any, formats: _Formats, is_head: bool) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(number, column, value)
    elif isinstance(value, (int, float, Decimal)):
        sheet.write_number(number, column, value, formats.of(_shape_of(value)))
    elif isinstance(value, datetime):
        # A cell has no zone.
        at = value.astimezone(timezone.utc).replace(tzinfo=None)
        sheet.write_datetime(number, column, at, formats.of(_INSTANT))
    elif isinstance(value, date):
        sheet.write_datetime(number, column, value, formats.of(_DATE))
    else:
        sheet.write_string(number, column, _text(value)[:_LONGEST_CELL], formats.of(_HEAD if is_head else _TEXT))


def _shape_of(value: Any) -> str:
    """How a number is shown: an amount with all of its digits, but at least two after the point."""
    exponent: Optional[Any] = value.as_tuple().exponent if isinstance(value, Decimal) else None
    return "0" if exponent is None else "0." + "0" * max(2, -exponent)


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"workbook": workbook}
