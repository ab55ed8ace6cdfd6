# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run for a batch of a play, and its outcome for each host. The documentation is in the module of that name."""

from __future__ import annotations

import os
from typing import Any, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.pbxops.yeastar.plugins.module_utils._controller import waits_for_worker
from ansible_collections.pbxops.yeastar.plugins.module_utils._core import hide_on_display
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import describe
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import PlanSpent
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.job import Job
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import Report, fails_host
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets, secrets_of
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.host_requests import (
    CHECK,
    PLAN,
    RENEW,
    SECRET_OPTIONS,
    Request,
    conditions_of,
    params_for,
    participants,
    read_params,
    refuse_run_once,
    request_of,
    run_key,
    use_of,
)
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.outcomes import SharedOutcomes

SHOWN = ("state", "reason", "expires_before", "expires_after", "order")

# Made for each run of ansible-playbook, seen by all its workers, and removed with it. Ansible defines it at run time.
RUN_DIRECTORY: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # pylint: disable=no-member


class ActionModule(ActionBase):
    """The first host runs the batch, on the controller; every host then shows its own outcome."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Return the outcome of this host, running the batch first if no other host has."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            refuse_run_once(self._task, self._templar)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        use = use_of(self._task)
        own = request_of(task_vars["inventory_hostname"], use, task_vars)
        if own is None:
            raise AnsibleActionFail(
                f"{task_vars['inventory_hostname']} has no request: run pbxops.yeastar.yeastar_pce_request first"
            )
        if own.conditions != conditions_of(self._task) or (own.mode == RENEW and self._task.check_mode):
            raise AnsibleActionFail("this task must have the same when and check_mode as the request before it")
        outcome = SharedOutcomes(RUN_DIRECTORY, use).of(
            own.host, lambda: participants(use, task_vars), lambda new: self._run_batch(new, task_vars)
        )
        if outcome is None:
            outcome = _broken_off(own.mode)
        return {**result, **outcome}

    def _run_batch(self, requests: list[Request], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The outcome of every request. A problem of the whole batch, such as refused credentials, fails them all."""
        secrets = Secrets(secrets_of(os.environ), hide_on_display)
        try:
            own_params = read_params(self._task.args, task_vars, self._templar, requests[0].mode)
            for name in SECRET_OPTIONS:
                secrets.add(own_params[name] or "")
            params = params_for(requests, own_params, run_key(RUN_DIRECTORY))
        except ValueError as error:
            return {request.host: {"failed": True, "msg": secrets.hide(str(error))} for request in requests}
        if params["run_id"] is None:
            params["run_id"] = str(self._task.get_play()._uuid)
        job = Job(params, secrets, Display().warning, waits_for_worker())
        problem, is_spent = "the run did not reach this PBX", False
        saved: dict[str, Any] = {}
        try:
            if requests[0].mode == PLAN:
                saved = _saved(job, job.decide(), self._task.check_mode)
            else:
                job.renew(is_check_mode=requests[0].mode == CHECK)
        except BaseException as error:  # also a task's timeout: what is known of each host is reported all the same
            problem, is_spent = describe(error, error.__traceback__), isinstance(error, PlanSpent)
            Display().warning(secrets.hide(problem))
        known = job.known()
        # A plan that has been used is refused, whatever is known about its PBXs.
        rows = {row["product_no"]: row for row in known.get("results", []) if not is_spent}
        diffs = {entry["before_header"]: [entry] for entry in known.get("diff", [])}
        outcomes = {}
        for request in requests:
            product_no = request.subscription["product_no"]
            outcomes[request.host] = {**_shown(rows.get(product_no), diffs.get(product_no, []), problem), **saved}
        return {host: secrets.hidden(outcome) for host, outcome in outcomes.items()}


def _broken_off(mode: str) -> dict[str, Any]:
    """The result for a host if the process that ran its batch left none. Only a renewal may have ordered."""
    if mode != RENEW:
        return {"failed": True, "msg": f"the run for this batch broke off; in {mode} mode it has ordered nothing"}
    msg = (
        "the run for this batch broke off, and it may have ordered: look in the portal under Orders and at the expiry"
        " of the PBX before anything else"
    )
    return {"failed": True, "changed": True, "msg": msg}


def _saved(job: Job, report: Report, is_check_mode: bool) -> dict[str, Any]:
    """The result for every host about the saved plan of the batch. If it could not be saved, they all fail."""
    try:
        saved = job.save_plan(report, is_check_mode)
    except ValueError as error:
        return {"failed": True, "msg": str(error)}
    return {"saved_plan": saved} if saved else {}


def _shown(row: Optional[dict[str, Any]], diff: list[dict[str, str]], problem: str) -> dict[str, Any]:
    if row is None:
        return {"failed": True, "msg": problem}
    return {
        "changed": row["changed"],
        "failed": fails_host(row),
        "msg": row["message"],
        "diff": diff,
        "_ansible_verbose_always": True,
        **{key: row[key] for key in SHOWN},
    }
