# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: report_table
short_description: Show the data of a report as a table
version_added: 0.2.0
description:
  - The role P(pbxops.yeastar.pce_report#role) writes its CSV file and its workbook from this table.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The data of a report, as created by P(pbxops.yeastar.report_model#filter).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the names of the columns
  ansible.builtin.debug:
    msg: "{{ (pce_report_model | pbxops.yeastar.report_table)[0] }}"
"""

RETURN = r"""
_value:
  description: A list of rows, each a list of values. The first row has the names of the columns. What is unknown is
    null.
  type: list
  elements: list
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report_table import table as report_table


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"report_table": report_table}
