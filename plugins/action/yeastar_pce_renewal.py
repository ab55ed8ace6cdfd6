# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name as any module is run, and tells it which play it belongs to."""

from __future__ import annotations

from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.pbxops.yeastar.plugins.module_utils._blanks import LIMITS, refuse_nulls


class ActionModule(NormalAction):
    """The caps of a run hold for all tasks of a play, unless they say otherwise."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the module. A limit that is null never comes to it: the module could not tell it from one left out."""
        try:
            refuse_nulls(self._task.args, ("max_orders", *LIMITS))
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        self._task.args.setdefault("run_id", str(self._task.get_play()._uuid))
        result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        return result
