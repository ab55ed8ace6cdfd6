# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play's hosts taken at once: each host's validated request, and one run for all of them, shared through a file.

A batch is what has reached this very use of the role, which only a task of each host can tell: what a `when`, a
`rescue` or a failure has kept away has registered no request, and is neither decided about nor ordered.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ._options import (
    CONNECTION_OPTIONS,
    DECLARATION_OPTIONS,
    RENEWAL_OPTIONS,
    RENEWAL_RULES,
    RENEWAL_RUN_OPTIONS,
    WAIT_OPTIONS,
    connection_of,
    declarations_of,
    product_no_of,
)

PREFIX = "pce_renewal_"
REQUEST_VARIABLE = f"{PREFIX}request"

_COMMON_OPTIONS = {**CONNECTION_OPTIONS, **RENEWAL_RUN_OPTIONS, **WAIT_OPTIONS}
_SECRET_OPTIONS = tuple(name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log"))


def use_of(task: Any) -> str:
    """What tells one use of the role in a play from another: the block that both of its tasks lie in."""
    return str(task._parent._uuid)


def read_params(arguments: Mapping[str, Any], task_vars: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    """The validated options of a host, its own subscription the only one; variables go before task arguments.

    Raises ValueError for whatever a module would refuse.
    """
    names = (*_COMMON_OPTIONS, "product_no", *DECLARATION_OPTIONS)
    raw = {name: task_vars[PREFIX + name] for name in names if PREFIX + name in task_vars}
    unset = (None, task_vars.get("omit"))
    values = {**arguments, **{name: value for name, value in templar.template(raw).items() if value not in unset}}
    if values.get("max_orders") is None:
        raise ValueError(
            f"{PREFIX}max_orders is not set: set it to the most orders that a batch may send;"
            " this cap is the confirmation"
        )
    declared = {name: values.pop(name) for name in DECLARATION_OPTIONS if name in values}
    values["subscriptions"] = [{"product_no": product_no_of(values.pop("product_no", None)), **declared}]
    validator = ArgumentSpecValidator({**CONNECTION_OPTIONS, **RENEWAL_OPTIONS, **WAIT_OPTIONS}, **RENEWAL_RULES)
    validation = validator.validate(values)
    if validation.error_messages:
        raise ValueError("; ".join(validation.error_messages))
    params: dict[str, Any] = validation.validated_parameters
    connection_of(params)
    declarations_of(params)
    return params


@dataclass(frozen=True)
class Request:
    """What one host wants of one use of the role. ``common`` holds no secret, only ``secrets``, a hash of them."""

    host: str
    use: str
    subscription: Mapping[str, Any]
    common: Mapping[str, Any]
    secrets: str

    @classmethod
    def of(cls, host: str, use: str, params: Mapping[str, Any]) -> Request:
        """The request of a host with these validated options."""
        secrets = json.dumps([params[name] for name in _SECRET_OPTIONS])
        return cls(
            host=host,
            use=use,
            subscription=params["subscriptions"][0],
            common={name: params[name] for name in _COMMON_OPTIONS if name not in _SECRET_OPTIONS},
            secrets=hashlib.sha256(secrets.encode()).hexdigest(),
        )

    def as_result(self) -> dict[str, Any]:
        """The form in which it is registered."""
        return asdict(self)


def participants(use: str, task_vars: Mapping[str, Any]) -> list[Request]:
    """The requests of this use of the role by the hosts of the batch.

    The variables are taken untemplated: templating a fleet's requests would cost the square of its size.
    """
    found = []
    for host in task_vars["ansible_play_batch"]:
        registered = task_vars["hostvars"].raw_get(host).get(REQUEST_VARIABLE, {}).get("request")
        if registered and registered["use"] == use and registered["host"] == host:
            found.append(Request(**registered))
    return found


def params_for(requests: list[Request], own_params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one run for all requests.

    Raises ValueError when they are not of one account with one set of limits, or when two are the same PBX.
    """
    first = requests[0]
    hosts: dict[str, str] = {}
    for request in requests:
        for name, value in request.common.items():
            if value != first.common[name]:
                _refuse(f"{PREFIX}{name} is {first.common[name]} for {first.host} and {value} for {request.host}")
        if request.secrets != first.secrets:
            _refuse(f"the credentials of {first.host} and {request.host} differ")
        product_no = request.subscription["product_no"]
        if product_no in hosts:
            raise ValueError(
                f"{hosts[product_no]} and {request.host} are the same PBX, {product_no}; give it one inventory host"
            )
        hosts[product_no] = request.host
    return {**own_params, "subscriptions": [dict(request.subscription) for request in requests]}


def _refuse(difference: str) -> None:
    raise ValueError(
        f"{difference}: one batch is one account with one set of limits;"
        " run them apart, with --limit or as separate plays"
    )


class SharedOutcomes:
    """The outcomes of one use of the role, by host, in a file of the controller that all its workers see.

    Whoever comes first runs the batch. Before that the file says so: should that worker die, no other runs it again.
    """

    def __init__(self, directory: str, use: str) -> None:
        """``directory`` lives as long as the ansible-playbook that made it."""
        self._path = Path(directory) / f"{PREFIX}{use}.json"

    def of(self, host: str, run_batch: Callable[[], dict[str, Any]], hosts: Callable[[], list[str]]) -> Any:
        """The outcome of a host. ``run_batch`` gives those of all ``hosts``; it is called at most once for each."""
        with self._locked():
            outcomes = self._read()
            if host not in outcomes:
                outcomes.update(dict.fromkeys(hosts()))
                self._write(outcomes)
                outcomes.update(run_batch())
                self._write(outcomes)
            return outcomes.get(host)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open(f"{self._path}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        outcomes: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return outcomes

    def _write(self, outcomes: Mapping[str, Optional[Mapping[str, Any]]]) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(outcomes), encoding="utf-8")
        os.replace(temporary, self._path)
