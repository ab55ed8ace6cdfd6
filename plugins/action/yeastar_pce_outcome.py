# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's own outcome of a batch. The documentation is in the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pbxops.yeastar.plugins.module_utils._results import fails_host


class ActionModule(ActionBase):
    """Shows what became of one host. Needs no connection and sends nothing."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Find the outcome in what the batch has registered."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        outcome = _find_outcome(self._task.args["batch"], task_vars)
        result.update(
            changed=outcome["changed"],
            failed=fails_host(outcome),
            msg=outcome["message"],
            _ansible_verbose_always=True,
            **{key: outcome[key] for key in ("state", "reason", "expires_before", "expires_after", "order")},
        )
        if outcome["diff"] is not None:
            result["diff"] = [outcome["diff"]]
        return result


def _find_outcome(variable: str, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look at each host of the batch in turn: not every ansible-core registers a batch's result for all of them.

    The variables are taken untemplated: templating a fleet's results for each host would cost the square of its size.
    """
    host = task_vars["inventory_hostname"]
    for leader in task_vars["ansible_play_batch"]:
        batch = task_vars["hostvars"].raw_get(leader).get(variable, {})
        if host in batch.get("outcomes", {}):
            outcome: Mapping[str, Any] = batch["outcomes"][host]
            return outcome
    raise AnsibleActionFail(f"{host} has no outcome in {variable}; run pbxops.yeastar.yeastar_pce_batch before this")
