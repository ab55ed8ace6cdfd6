# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a module for all hosts of a play's batch. The documentation is in the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pbxops.yeastar.plugins.module_utils._options import (
    CONNECTION_OPTIONS,
    DECLARATION_OPTIONS,
    RENEWAL_RUN_OPTIONS,
    WAIT_OPTIONS,
    product_no_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._results import fails_host

PREFIX = "pce_renewal_"


class ActionModule(ActionBase):
    """Runs once for the batch; strategies that cannot run a task once (`free`) refuse it, so nothing is ordered twice."""

    BYPASS_HOST_LOOP = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Collect the hosts' variables, call the module, and hand back each host's own outcome."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        plans_only = arguments.pop("plan_only", False)
        run_options = {**CONNECTION_OPTIONS, **RENEWAL_RUN_OPTIONS, **({} if plans_only else WAIT_OPTIONS)}
        variables = {host: self._variables_of(host, task_vars) for host in task_vars["ansible_play_batch"]}
        arguments.update(_common_values(variables, run_options))
        if arguments.get("max_orders") is None:
            raise AnsibleActionFail(
                f"{PREFIX}max_orders is not set: set it to the most orders that this batch may send, since this cap is the"
                " confirmation"
            )
        arguments["subscriptions"] = [_subscription(host, values) for host, values in variables.items()]
        hosts = _hosts_by_product_no(variables)
        answer = self._execute_module(
            module_name=f"pbxops.yeastar.yeastar_pce_{'plan' if plans_only else 'renewal'}",
            module_args=arguments,
            task_vars=task_vars,
        )
        rows = answer.get("results", [])
        if answer.get("failed") and not any(fails_host(row) for row in rows):
            return {**result, **answer}
        diffs = {entry["before_header"]: entry for entry in answer["diff"]}
        result["outcomes"] = {hosts[row["product_no"]]: {**row, "diff": diffs.get(row["product_no"])} for row in rows}
        result["requests"] = answer["requests"]
        if "warnings" in answer:
            result["warnings"] = answer["warnings"]
        return result

    def _variables_of(self, host: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The `pce_renewal_` variables of a host that are set, as a task of that host would see them.

        `hostvars` alone lacks the variables of the play and the defaults of the role, hence the variable manager.
        """
        hostvars = task_vars["hostvars"]
        available = hostvars._variable_manager.get_vars(
            play=self._task.get_play(), host=hostvars._inventory.get_host(host), task=self._task
        )
        templar = self._templar.copy_with_new_env(available_variables=available)
        names = (*CONNECTION_OPTIONS, "product_no", *DECLARATION_OPTIONS, *RENEWAL_RUN_OPTIONS, *WAIT_OPTIONS)
        values = {name: templar.template(available[PREFIX + name]) for name in names if PREFIX + name in available}
        return {name: value for name, value in values.items() if value is not None}


def _subscription(host: str, values: Mapping[str, Any]) -> dict[str, Any]:
    declared = {name: values[name] for name in DECLARATION_OPTIONS if name in values}
    try:
        return {"product_no": product_no_of(values.get("product_no")), **declared}
    except ValueError as error:
        raise AnsibleActionFail(f"{host}: {PREFIX}{error}") from None


def _common_values(variables: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """The values of what holds for a whole batch. Two hosts that differ are two accounts, or two intentions."""
    first_host = next(iter(variables))
    for name in options:
        for host, values in variables.items():
            if values.get(name) != variables[first_host].get(name):
                raise AnsibleActionFail(
                    f"{PREFIX}{name} differs between {first_host} and {host}, and one batch is one account with one set"
                    " of limits: run them apart, with --limit or as separate plays"
                )
    return {name: variables[first_host][name] for name in options if name in variables[first_host]}


def _hosts_by_product_no(variables: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    hosts: dict[str, str] = {}
    for host, values in variables.items():
        product_no = product_no_of(values["product_no"])
        if product_no in hosts:
            raise AnsibleActionFail(
                f"{hosts[product_no]} and {host} are the same PBX, {product_no}; give each PBX one inventory host"
            )
        hosts[product_no] = host
    return hosts
