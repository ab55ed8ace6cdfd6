# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play's hosts taken at once: each host's validated request, and one run for all of them, shared through a file.

A batch is what has reached this very use of the role, which only a task of each host can tell: what a `when`, a
`rescue` or a failure has kept away has registered no request, and is neither decided about nor ordered.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.pbxops.yeastar.plugins.module_utils._files import locked
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import ledger_location_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.blanks import LIMITS, refuse_blanks, refuse_nulls
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal import connection_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.run import declarations_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import (
    APPLY_OPTIONS,
    APPLY_RULES,
    CONNECTION_OPTIONS,
    DECLARATION_OPTIONS,
    RENEWAL_OPTIONS,
    RENEWAL_RULES,
    RENEWAL_RUN_OPTIONS,
    SAVE_OPTIONS,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.values import product_no_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets, secrets_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import quoted

from .._templates import decrypted, textual
from .._variables import complaint_about, extra_variable

PREFIX = "pce_renewal_"
REQUEST_VARIABLE = f"{PREFIX}request"

# What a batch may do.
PLAN, CHECK, RENEW = "plan", "check", "renew"

_COMMON_OPTIONS = {**CONNECTION_OPTIONS, **RENEWAL_RUN_OPTIONS}
# What a plan leaves to a renewal, each read in its own mode alone, so that one inventory may have both.
MODE_OPTIONS = {PLAN: SAVE_OPTIONS, CHECK: APPLY_OPTIONS, RENEW: APPLY_OPTIONS}
_FILES = ("dest", "plan_file")
# An environment has credentials blank that are not set, and the serial number has an error of its own.
_MAY_BE_BLANK = ("client_id", "client_secret", "access_token", "ledger_password", "product_no")
SECRET_OPTIONS = tuple(name for name, option in _COMMON_OPTIONS.items() if option.get("no_log"))
# An address of a ledger is refused if it holds a password, and yet need not be shown.
_UNSHOWN_OPTIONS = (*SECRET_OPTIONS, "ledger")


def use_of(task: Any) -> str:
    """What tells one use of the role in a play from another: the block that both of its tasks lie in."""
    return str(task._parent._uuid)


def refuse_run_once(task: Any, templar: Any) -> None:
    """Refuse a task that is run for one host alone, which Ansible lets stand for all. Raises ValueError.

    A task inherits ``run_once`` from its blocks, its play and what imports it; what includes it is asked itself.
    """
    around = task
    while around is not None:
        if boolean(templar.template(getattr(around, "run_once", False)), strict=False):
            raise ValueError(
                "run_once lets one host stand for all: only its PBX would be renewed, and the others would be shown its"
                " outcome or none. Take run_once off the role and off every block, include and play around it; choose"
                " hosts with --limit"
            )
        around = getattr(around, "_parent", None)


def conditions_of(task: Any) -> list[str]:
    """The conditions that a task stands under, as text."""
    return [str(condition) for condition in task.when]


def mode_of(task: Any, plan_only: Any) -> str:
    """What a task may do. Raises ValueError when ``plan_only`` does not say so beyond doubt."""
    try:
        plans_only = boolean(plan_only, strict=True)
    except TypeError:
        raise ValueError(f"plan_only: expected true or false, got {quoted(plan_only)}") from None
    if plans_only:
        return PLAN
    return CHECK if task.check_mode else RENEW


def variable_of(option: str) -> str:
    """The role's variable for a module's option."""
    return f"{PREFIX}plan_dest" if option == "dest" else PREFIX + option


# Every variable of the role in any mode: for its options, and those that its playbooks read, that it registers, and in
# which names of the user's own are listed.
VARIABLES = frozenset(
    {
        *map(variable_of, (*_COMMON_OPTIONS, "product_no", *DECLARATION_OPTIONS, *SAVE_OPTIONS, *APPLY_OPTIONS)),
        *(REQUEST_VARIABLE, f"{PREFIX}outcome", f"{PREFIX}hosts", extra_variable(PREFIX)),
    }
)


def refuse_unknown(task_vars: Mapping[str, Any], templar: Any) -> None:
    """Raise ValueError for variables of a host that look like the role's and are not, such as a misspelt one."""
    extra = templar.template(task_vars.get(extra_variable(PREFIX)))
    complaint = complaint_about(task_vars, PREFIX, VARIABLES, extra or [])
    if complaint:
        raise ValueError(complaint)


def read_params(
    arguments: Mapping[str, Any], task_vars: Mapping[str, Any], templar: Any, mode: str = RENEW
) -> dict[str, Any]:
    """The validated options of a host, its own subscription the only one; variables go before task arguments.

    Raises ValueError for whatever a module would refuse, and for a plan that only a part of the play would share.
    """
    names = (*_COMMON_OPTIONS, "product_no", *DECLARATION_OPTIONS, *MODE_OPTIONS[mode])
    raw = {name: task_vars[variable_of(name)] for name in names if variable_of(name) in task_vars}
    given = decrypted(textual(templar).template(raw))
    unset = (None, task_vars.get("omit"))
    values = {**decrypted(arguments), **{name: value for name, value in given.items() if value not in unset}}
    own = [str(values[name]) for name in SECRET_OPTIONS if values.get(name)]
    try:
        return _validated(values, given, task_vars, mode)
    except ValueError as error:
        raise ValueError(Secrets([*own, *secrets_of(os.environ)]).hide(str(error))) from None


def _validated(
    values: dict[str, Any], given: Mapping[str, Any], task_vars: Mapping[str, Any], mode: str
) -> dict[str, Any]:
    refuse_blanks(values, (name for name in values if name not in _MAY_BE_BLANK), variable_of)
    refuse_nulls(given, LIMITS, variable_of)
    _refuse_part_of_play([name for name in _FILES if values.get(name) is not None], task_vars)
    is_approved = values.get("plan_file") is not None
    if values.get("max_orders") is None and not is_approved:
        raise ValueError(
            f"{PREFIX}max_orders is not set: set it to the most orders that a batch may send;"
            " the cap is the confirmation"
        )
    declared = {name: values.pop(name) for name in DECLARATION_OPTIONS if name in values}
    # Not a default of the role, since a template would cost each host more than all the rest of this.
    default = None if variable_of("product_no") in task_vars else task_vars["inventory_hostname"]
    values["subscriptions"] = [{"product_no": product_no_of(values.pop("product_no", default)), **declared}]
    # With a plan, its digest is the confirmation, and the hosts are those that may have an item in it.
    rules = {} if is_approved else dict(RENEWAL_RULES)
    if mode != PLAN:
        rules["required_together"] = APPLY_RULES["required_together"]
    validator = ArgumentSpecValidator({**CONNECTION_OPTIONS, **RENEWAL_OPTIONS, **MODE_OPTIONS[mode]}, **rules)
    validation = validator.validate(values)
    if validation.error_messages:
        raise ValueError("; ".join(validation.error_messages))
    params: dict[str, Any] = validation.validated_parameters
    connection_of(params)
    ledger_location_of(params)
    declarations_of(params)
    return params


def _refuse_part_of_play(files: list[str], task_vars: Mapping[str, Any]) -> None:
    """A plan is one run's, so all hosts of the play must be in the batch that saves or applies it."""
    if files and set(task_vars["ansible_play_batch"]) != set(task_vars["ansible_play_hosts"]):
        raise ValueError(
            f"{variable_of(files[0])}: one plan is one batch, and this batch is only a part of the play; take serial"
            " out of it"
        )


@dataclass(frozen=True)
class Request:
    """What one host wants of one use of the role, and in which mode.

    ``common`` holds no secret, only ``secrets``, a keyed hash of them; ``conditions`` are those of the task.
    """

    host: str
    use: str
    mode: str
    conditions: list[str]
    subscription: Mapping[str, Any]
    common: Mapping[str, Any]
    secrets: str

    @classmethod
    def of(cls, host: str, task: Any, mode: str, params: Mapping[str, Any], key: bytes) -> Request:
        """The request of a host with these validated options; ``key`` is the run's own, see `run_key`."""
        return cls(
            host=host,
            use=use_of(task),
            mode=mode,
            conditions=conditions_of(task),
            subscription=params["subscriptions"][0],
            common={
                name: params[name] for name in (*_COMMON_OPTIONS, *MODE_OPTIONS[mode]) if name not in _UNSHOWN_OPTIONS
            },
            secrets=hash_secrets(params, key),
        )

    def as_result(self) -> dict[str, Any]:
        """The form in which it is registered."""
        return asdict(self)


def hash_secrets(params: Mapping[str, Any], key: bytes) -> str:
    """A hash by which credentials can be compared within one run, and nowhere else."""
    secrets = json.dumps([params[name] for name in _UNSHOWN_OPTIONS])
    return hmac.new(key, secrets.encode(), "sha256").hexdigest()


def run_key(directory: str) -> bytes:
    """A random key that lives as long as the ansible-playbook that made ``directory``, and is nowhere told."""
    path = Path(directory) / f"{PREFIX}key"
    with locked(path):
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(os.urandom(32))
        return path.read_bytes()


def participants(use: str, task_vars: Mapping[str, Any]) -> list[Request]:
    """The requests of this use of the role by the hosts of the batch.

    The variables are taken untemplated: templating a fleet's requests would cost the square of its size.
    """
    found = []
    for host in task_vars["ansible_play_batch"]:
        request = request_of(host, use, task_vars["hostvars"].raw_get(host))
        if request is not None:
            found.append(request)
    return found


def request_of(host: str, use: str, variables: Mapping[str, Any]) -> Optional[Request]:
    """The request that a host has made of this use of the role, from its variables; None if it has made none."""
    registered = variables.get(REQUEST_VARIABLE, {}).get("request")
    if registered and registered["use"] == use and registered["host"] == host:
        return Request(**registered)
    return None


def params_for(requests: list[Request], own_params: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The options of one run for all requests: theirs, with the secrets of ``own_params``.

    Raises ValueError when they are not of one account with one set of limits in one mode, when the secrets are not
    theirs, or when two are the same PBX.
    """
    first = requests[0]
    hosts: dict[str, str] = {}
    for request in requests:
        if request.mode != first.mode:
            _refuse(f"{first.host} is to {first.mode} and {request.host} to {request.mode}")
        for name, value in request.common.items():
            if value != first.common[name]:
                seen = f"{first.common[name]} for {first.host} and {value} for {request.host}"
                _refuse(f"{variable_of(name)} is {seen}")
        if request.secrets != first.secrets:
            _refuse(f"the credentials of {first.host} and {request.host} differ, or their ledgers")
        product_no = request.subscription["product_no"]
        if product_no in hosts:
            raise ValueError(
                f"{hosts[product_no]} and {request.host} are the same PBX, {product_no}; give it one inventory host"
            )
        hosts[product_no] = request.host
    if first.secrets != hash_secrets(own_params, key):
        raise ValueError(f"the credentials have changed since {first.host} made its request")
    return {**own_params, **first.common, "subscriptions": [dict(request.subscription) for request in requests]}


def _refuse(difference: str) -> None:
    raise ValueError(
        f"{difference}: one batch is one account with one set of limits; run them apart, with --limit or as two plays"
    )
