# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run for a play's batch, and a host's own outcome of it. The documentation is in the module of the same name."""

from __future__ import annotations

from typing import Any, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.pbxops.yeastar.plugins.module_utils._batch import (
    SharedOutcomes,
    params_for,
    participants,
    read_params,
    use_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._http import REQUESTS_IMPORT_ERROR
from ansible_collections.pbxops.yeastar.plugins.module_utils._job import Job, describe
from ansible_collections.pbxops.yeastar.plugins.module_utils._results import fails_host

SHOWN = ("state", "reason", "expires_before", "expires_after", "order")


class ActionModule(ActionBase):
    """The first host to come runs the batch, on the controller; every host then shows what became of it."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Find the outcome of this host, having it made if need be."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleActionFail(missing_required_lib("requests"))
        host, use = task_vars["inventory_hostname"], use_of(self._task)
        requests = participants(use, task_vars)
        if host not in [request.host for request in requests]:
            raise AnsibleActionFail(f"{host} has made no request; run pbxops.yeastar.yeastar_pce_request before this")
        # The constants are set at run time.
        local_tmp: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined] # pylint: disable=no-member
        outcome = SharedOutcomes(local_tmp, use).of(
            host,
            run_batch=lambda: self._run_batch(task_vars),
            hosts=lambda: [request.host for request in requests],
        )
        if outcome is None:
            raise AnsibleActionFail(
                "the run for this batch broke off, and it may have ordered: look in the portal under Orders and at the"
                " expiry of the PBX before anything else"
            )
        return {**result, **outcome}

    def _run_batch(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The outcome of every host. What concerns them all, such as refused credentials, fails each of them."""
        arguments = dict(self._task.args)
        plans_only = arguments.pop("plan_only", False)
        requests = participants(use_of(self._task), task_vars)
        secrets: set[str] = set()
        try:
            params = params_for(requests, read_params(arguments, task_vars, self._templar))
            secrets.update(params[name] for name in ("client_secret", "access_token") if params[name])
            job = Job(params, on_secret=secrets.add, on_warning=Display().warning)
        except ValueError as error:
            return {request.host: {"failed": True, "msg": str(error)} for request in requests}
        problem = "the run did not come to this PBX"
        try:
            if plans_only:
                job.decide()
            else:
                job.renew(is_check_mode=self._task.check_mode)
        except Exception as error:
            problem = describe(error, error.__traceback__)
        known = job.known()
        rows = {row["product_no"]: row for row in known.get("results", [])}
        diffs = {entry["before_header"]: [entry] for entry in known.get("diff", [])}
        outcomes = {}
        for request in requests:
            product_no = request.subscription["product_no"]
            outcomes[request.host] = _shown(rows.get(product_no), diffs.get(product_no, []), problem)
        cleaned: dict[str, Any] = remove_values(outcomes, secrets)
        return cleaned


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
