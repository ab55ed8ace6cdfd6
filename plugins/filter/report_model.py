# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: report_model
short_description: Combine the modules' results for each PBX into the data of a report
version_added: 0.2.0
description:
  - The role P(pbxops.yeastar.pce_report#role) creates every format of a report from this data alone.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input
options:
  _input:
    description: The subscriptions as returned by M(pbxops.yeastar.yeastar_pce_info).
    type: list
    elements: dict
    required: true
  results:
    description: The results of M(pbxops.yeastar.yeastar_pce_plan) for them. Omit it if nothing was decided.
    type: list
    elements: dict
  prices:
    description: Further results of M(pbxops.yeastar.yeastar_pce_plan), of which only the prices are used.
    type: list
    elements: dict
    default: []
  plan:
    description: The content of a saved plan. The report then shows its items as what is to be ordered. An edited
      plan is an error.
    type: str
  now:
    description: Report as if it were this instant. For tests only.
    type: str
"""

EXAMPLES = r"""
- name: Read the account
  pbxops.yeastar.yeastar_pce_info:
  register: account

- name: Count the subscriptions by expiry
  ansible.builtin.debug:
    msg: "{{ (account.subscriptions | pbxops.yeastar.report_model).bands }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows) has one entry for each PBX, those with unknown expiry first, then by expiry. C(due) is what would be
      ordered, with C(totals) for each currency, C(unknown_prices), and C(unknown_auto_renewals), the number of PBXs for
      which it is not known whether the portal renews them itself. C(attention) has the rows that a person should look
      at. C(bands) and C(states) are counts. C(months) and C(timeline) cover the next twelve months. C(plan) is the head
      of the saved plan, or null.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.pbxops.yeastar.plugins.module_utils._plan_file import shown_plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._report import read_model
from ansible_collections.pbxops.yeastar.plugins.module_utils._time import parse_instant, utc_now


def report_model(
    subscriptions: Sequence[Mapping[str, Any]],
    results: Optional[Sequence[Mapping[str, Any]]] = None,
    prices: Sequence[Mapping[str, Any]] = (),
    plan: Optional[str] = None,
    now: Optional[str] = None,
) -> dict[str, Any]:
    """The read model of a report. Raises AnsibleFilterError for an invalid plan or instant."""
    try:
        document = None if plan is None else shown_plan(to_bytes(plan))
        return read_model(subscriptions, results, prices, document, utc_now() if now is None else parse_instant(now))
    except ValueError as error:
        raise AnsibleFilterError(f"report_model: {error}") from None


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"report_model": report_model}
