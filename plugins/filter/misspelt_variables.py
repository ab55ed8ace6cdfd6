# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: misspelt_variables
short_description: Find variables that look like those of a role but are not
version_added: 0.2.0
description:
  - Ansible ignores a variable that nothing reads, so a misspelt variable has no effect and nobody notices.
author:
  - The pbxops.yeastar authors (@pbxops)
positional: _input, prefix, known, extra
options:
  _input:
    description: The names of all variables.
    type: list
    elements: str
    required: true
  prefix:
    description: The prefix of the role's variables.
    type: str
    required: true
  known:
    description: The names that the role knows.
    type: list
    elements: str
    required: true
  extra:
    description: Other names with this prefix that are allowed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check for misspelt variables
  ansible.builtin.debug:
    msg: >-
      {{ query('ansible.builtin.varnames', '^my_role_')
      | pbxops.yeastar.misspelt_variables('my_role_', ['my_role_quantity']) }}
"""

RETURN = r"""
_value:
  description: A sentence with the unknown names, each with the closest known one. Empty if there are none.
  type: str
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pbxops.yeastar.plugins.module_utils._variables import complaint_about


def misspelt_variables(names: Iterable[str], prefix: str, known: Collection[str], extra: Any = ()) -> str:
    """A sentence about the unknown names. Raises AnsibleFilterError if ``extra`` is not a list."""
    try:
        return complaint_about(names, prefix, known, extra)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The entry point that Ansible looks for in a filter plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"misspelt_variables": misspelt_variables}
