# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the attributes that every module has."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Shows in diff mode what it changes, or would change in check mode.
  action_group:
    description: Use C(group/pbxops.yeastar.yeastar) in C(module_defaults) to set options for every module at once.
    support: full
    membership:
      - pbxops.yeastar.yeastar
"""
