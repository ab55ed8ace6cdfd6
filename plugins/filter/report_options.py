# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: report_options
short_description: Build the options for deciding about the PBXs of a report
version_added: 0.2.0
description:
  - The role P(pbxops.yeastar.pce_report#role) passes these options to M(pbxops.yeastar.yeastar_pce_plan) to decide what
    its report says about each PBX.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The subscriptions as returned by M(pbxops.yeastar.yeastar_pce_info).
    type: list
    elements: dict
    required: true
  plan:
    description: The content of a saved plan. Its terms are then declared for its PBXs. An edited plan is an error.
    type: str
"""

EXAMPLES = r"""
- name: Read the account
  pbxops.yeastar.yeastar_pce_info:
  register: account

- name: Decide what is to be renewed
  pbxops.yeastar.yeastar_pce_plan:
    subscriptions: "{{ (account.subscriptions | pbxops.yeastar.report_options).subscriptions }}"
    max_orders: 10000
"""

RETURN = r"""
_value:
  description:
    - C(subscriptions) with an entry for each PBX and, if a plan is given, its C(include_expired) and C(term_starts).
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.pbxops.yeastar.plugins.module_utils._plan_file import saved_plan_of, shown_plan


def report_options(subscriptions: Sequence[Mapping[str, Any]], plan: Optional[str] = None) -> dict[str, Any]:
    """The options of the module that decides. Raises AnsibleFilterError for an invalid plan."""
    numbers = [row["product_no"] for row in subscriptions]
    if not plan:
        return {"subscriptions": [{"product_no": number} for number in numbers]}
    try:
        saved = saved_plan_of(shown_plan(to_bytes(plan)))
    except ValueError as error:
        raise AnsibleFilterError(f"report_options: {error}") from None
    declared = saved.as_options()
    return {
        "subscriptions": [declared.get(number, {"product_no": number}) for number in numbers],
        "include_expired": saved.include_expired,
        "term_starts": saved.term_starts,
    }


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"report_options": report_options}
