# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name, and passes it the play and the processes that wait for it."""

from __future__ import annotations

import tempfile
from typing import Any, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.pbxops.yeastar.plugins.module_utils._blanks import LIMITS, refuse_nulls
from ansible_collections.pbxops.yeastar.plugins.module_utils._controller import VARIABLE, describe

# Made for each run of ansible-playbook and removed with it. Ansible defines it at run time.
RUN_DIRECTORY: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # pylint: disable=no-member


class ActionModule(NormalAction):
    """Makes the caps of a run apply to all tasks of a play, unless they set a run_id."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the module. Refuses null for a limit, which the module could not distinguish from an omitted one."""
        try:
            refuse_nulls(self._task.args, ("max_orders", *LIMITS))
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        self._task.args.setdefault("run_id", str(self._task.get_play()._uuid))
        # With async, the run is meant to outlive the task.
        is_seen = self._connection.transport == "local" and not self._task.async_val
        try:
            with tempfile.NamedTemporaryFile(dir=RUN_DIRECTORY, prefix="pce_renewal_") as file:
                if is_seen:
                    self._task.environment = [*self._task.environment, {VARIABLE: describe(file.name)}]
                result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
            return result
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # the task's timeout, for which Ansible has no public name
            if self._task.check_mode:
                raise
            rest = "the run sends no further orders" if is_seen else "the run may continue and send more orders"
            msg = (
                f"the task exceeded its timeout of {self._task.timeout} s before the run was complete. An order in"
                f" progress may have been accepted; {rest}. Run the task again to see what became of each PBX"
            )
            known = {"changed": True, "timedout": {"period": self._task.timeout}}
            raise AnsibleActionFail(msg, result=known) from None
