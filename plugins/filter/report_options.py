# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: report_options
short_description: Say how to decide about the PBXs of a report
version_added: 0.2.0
description:
  - The role P(pbxops.yeastar.pce_report#role) decides with these options of M(pbxops.yeastar.yeastar_pce_plan) what its
    report says of each PBX.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The subscriptions that M(pbxops.yeastar.yeastar_pce_info) has returned.
    type: list
    elements: dict
    required: true
  plan:
    description: What the file of a saved plan holds. What it orders is then declared of the PBXs in it. It is an error
      if the plan was edited.
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
    - C(subscriptions) with an entry for each PBX and, where a plan is given, C(include_expired) and
      C(term_starts) as it says.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import saved_plan_of, shown_plan


def report_options(subscriptions: Sequence[Mapping[str, Any]], plan: Optional[str] = None) -> dict[str, Any]:
    """The options of the module that decides. Raises AnsibleFilterError for a plan that is none."""
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
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"report_options": report_options}
