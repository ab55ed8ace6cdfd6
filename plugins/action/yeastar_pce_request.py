# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what is declared for one host. The documentation is in the module of the same name."""

from __future__ import annotations

from typing import Any, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.host_requests import (
    Request,
    mode_of,
    read_params,
    refuse_run_once,
    refuse_unknown,
    run_key,
)

# Those that finish a task for all hosts before the next one starts.
STRATEGIES = ("linear", "debug")

# Made for each run of ansible-playbook, seen by all its workers, and removed with it. Ansible defines it at run time.
RUN_DIRECTORY: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # pylint: disable=no-member


class ActionModule(ActionBase):
    """Reads the variables of its host, as any task of that host sees them. Connects to nothing."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Validate what is declared, so that an error in it fails only this host."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        strategy = str(self._task.get_play().strategy).rpartition(".")[2]
        if strategy not in STRATEGIES:
            raise AnsibleActionFail(
                f"the strategy {strategy} may run each host independently, so there is no batch to apply a cap to:"
                " use the strategy linear"
            )
        host = task_vars["inventory_hostname"]
        if host not in task_vars["ansible_play_batch"]:
            raise AnsibleActionFail(
                f"{host} has failed before, so it is not in the batch; a rescue or clear_host_errors brings it back"
            )
        arguments = dict(self._task.args)
        try:
            refuse_run_once(self._task, self._templar)
            refuse_unknown(task_vars, self._templar)
            mode = mode_of(self._task, arguments.pop("plan_only", False))
            params = read_params(arguments, task_vars, self._templar, mode)
            key = run_key(RUN_DIRECTORY)
            request = Request.of(host, self._task, mode, params, key)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        return {**result, "changed": False, "request": request.as_result()}
