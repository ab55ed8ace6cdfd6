# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: misspelt_variables
short_description: Say which variables look like those of a role and are not
version_added: 0.2.0
description:
  - Ansible passes over a variable that nobody reads, so one that is misspelt says nothing and is not missed.
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
    description: What the names of the role's variables begin with.
    type: str
    required: true
  known:
    description: The names that the role knows.
    type: list
    elements: str
    required: true
  extra:
    description: Names with this prefix that are somebody else's.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See that no variable is misspelt
  ansible.builtin.debug:
    msg: >-
      {{ query('ansible.builtin.varnames', '^my_role_')
      | pbxops.yeastar.misspelt_variables('my_role_', ['my_role_quantity']) }}
"""

RETURN = r"""
_value:
  description: The unknown names, each with the nearest known one, as a sentence. Empty if there are none.
  type: str
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._variables import complaint_about


def misspelt_variables(names: Iterable[str], prefix: str, known: Collection[str], extra: Any = ()) -> str:
    """The sentence about the names that nobody knows. Raises AnsibleFilterError for an ``extra`` that is no list."""
    try:
        return complaint_about(names, prefix, known, extra)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"misspelt_variables": misspelt_variables}
