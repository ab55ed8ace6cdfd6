# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a play as one run: each host registers a validated request, and one run serves them all.

A batch has the hosts that have reached this use of the role, which only a task on each host can tell. A host that a
`when`, a `rescue` or a failure has excluded registers no request: nothing is decided or ordered for it.
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

# The modes of a batch.
PLAN, CHECK, RENEW = "plan", "check", "renew"

_COMMON_OPTIONS = {**CONNECTION_OPTIONS, **RENEWAL_RUN_OPTIONS}
# The options of each mode for the file of a plan; others ignore them, so that one inventory can set all.
MODE_OPTIONS = {PLAN: SAVE_OPTIONS, CHECK: APPLY_OPTIONS, RENEW: APPLY_OPTIONS}
_FILES = ("dest", "plan_file")
# Credentials that are not set may be blank in the environment, and the serial number has its own error.
_MAY_BE_BLANK = ("client_id", "client_secret", "access_token", "ledger_password", "product_no")
SECRET_OPTIONS = tuple(name for name, option in _COMMON_OPTIONS.items() if option.get("no_log"))
# A ledger address is refused if it contains a password, but is not shown either.
_UNSHOWN_OPTIONS = (*SECRET_OPTIONS, "ledger")


def use_of(task: Any) -> str:
    """The id of a use of the role in a play: that of the block that contains both of its tasks."""
    return str(task._parent._uuid)


def refuse_run_once(task: Any, templar: Any) -> None:
    """Refuse a task with ``run_once``, whose result Ansible applies to all hosts. Raises ValueError.

    A task inherits ``run_once`` from its blocks, its play and imports, but not from an include, so each parent is
    checked.
    """
    parent = task
    while parent is not None:
        if boolean(templar.template(getattr(parent, "run_once", False)), strict=False):
            raise ValueError(
                "run_once lets one host stand for all: only its PBX would be renewed, and the others would get its"
                " outcome or none. Remove run_once from the role and from every block, include and play around it;"
                " select hosts with --limit"
            )
        parent = getattr(parent, "_parent", None)


def conditions_of(task: Any) -> list[str]:
    """The conditions of a task, as text."""
    return [str(condition) for condition in task.when]


def mode_of(task: Any, plan_only: Any) -> str:
    """The mode of a task. Raises ValueError if ``plan_only`` is not clearly true or false."""
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


# All variables of the role in any mode: for its options, read by its playbooks, registered by it, and the list of the
# user's own names.
VARIABLES = frozenset(
    {
        *map(variable_of, (*_COMMON_OPTIONS, "product_no", *DECLARATION_OPTIONS, *SAVE_OPTIONS, *APPLY_OPTIONS)),
        *(REQUEST_VARIABLE, f"{PREFIX}outcome", f"{PREFIX}hosts", extra_variable(PREFIX)),
    }
)


def refuse_unknown(task_vars: Mapping[str, Any], templar: Any) -> None:
    """Raise ValueError for unknown variables of a host with the role's prefix, such as misspelt ones."""
    extra = templar.template(task_vars.get(extra_variable(PREFIX)))
    complaint = complaint_about(task_vars, PREFIX, VARIABLES, extra or [])
    if complaint:
        raise ValueError(complaint)


def read_params(
    arguments: Mapping[str, Any], task_vars: Mapping[str, Any], templar: Any, mode: str = RENEW
) -> dict[str, Any]:
    """The validated options of a host, with its own subscription only; variables override task arguments.

    Raises ValueError for anything that a module would refuse, and for a plan that not all hosts of the play share.
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
            f"{PREFIX}max_orders is not set: set it to the maximum number of orders that a batch may send;"
            " this cap is the confirmation"
        )
    declared = {name: values.pop(name) for name in DECLARATION_OPTIONS if name in values}
    # Not a default of the role, since a template would take longer for each host than everything else here.
    default = None if variable_of("product_no") in task_vars else task_vars["inventory_hostname"]
    values["subscriptions"] = [{"product_no": product_no_of(values.pop("product_no", default)), **declared}]
    # With a plan, its digest is the confirmation, and not every host needs to have an item in it.
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
    """Refuse a plan unless all hosts of the play are in the batch, since a plan belongs to one run."""
    if files and set(task_vars["ansible_play_batch"]) != set(task_vars["ansible_play_hosts"]):
        raise ValueError(
            f"{variable_of(files[0])}: a plan needs all hosts in one batch, but this batch is only a part of the play;"
            " remove serial from the play"
        )


@dataclass(frozen=True)
class Request:
    """The request of one host in one use of the role, and its mode.

    ``common`` contains no secrets; ``secrets`` is a keyed hash of them; ``conditions`` are those of the task.
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
        """The request of a host with these validated options; ``key`` is that of the run, see `run_key`."""
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
        """The request as it is registered."""
        return asdict(self)


def hash_secrets(params: Mapping[str, Any], key: bytes) -> str:
    """A hash with which credentials can be compared within one run, and only there."""
    secrets = json.dumps([params[name] for name in _UNSHOWN_OPTIONS])
    return hmac.new(key, secrets.encode(), "sha256").hexdigest()


def run_key(directory: str) -> bytes:
    """A random key that exists as long as the ansible-playbook that created ``directory``, and is never shown."""
    path = Path(directory) / f"{PREFIX}key"
    with locked(path):
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(os.urandom(32))
        return path.read_bytes()


def participants(use: str, task_vars: Mapping[str, Any]) -> list[Request]:
    """The requests of the hosts of the batch in this use of the role.

    The variables are read without templating, which would take time in proportion to the square of a fleet's size.
    """
    found = []
    for host in task_vars["ansible_play_batch"]:
        request = request_of(host, use, task_vars["hostvars"].raw_get(host))
        if request is not None:
            found.append(request)
    return found


def request_of(host: str, use: str, variables: Mapping[str, Any]) -> Optional[Request]:
    """The request of a host in this use of the role, from its variables; None if it has made none."""
    registered = variables.get(REQUEST_VARIABLE, {}).get("request")
    if registered and registered["use"] == use and registered["host"] == host:
        return Request(**registered)
    return None


def params_for(requests: list[Request], own_params: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The options of one run for all requests: theirs, with the secrets of ``own_params``.

    Raises ValueError if accounts, limits or modes of the requests differ, if the secrets are not theirs, or if two are
    for the same PBX.
    """
    first = requests[0]
    hosts: dict[str, str] = {}
    for request in requests:
        if request.mode != first.mode:
            _refuse(f"the mode of {first.host} is {first.mode}, that of {request.host} is {request.mode}")
        for name, value in request.common.items():
            if value != first.common[name]:
                values = f"{first.common[name]} for {first.host} and {value} for {request.host}"
                _refuse(f"{variable_of(name)} is {values}")
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
        f"{difference}: a batch has one account and one set of limits; run them separately, with --limit or as two"
        " plays"
    )
