# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the renewal module: the caps of a run are those of its play, and it sees whether its task goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play import Play

from ansible_collections.pbxops.yeastar.plugins.action import yeastar_pce_renewal as action
from ansible_collections.pbxops.yeastar.plugins.module_utils._controller import VARIABLE, waits_for_module

RESULT = {"changed": False}
OWN = {"HTTPS_PROXY": "http://proxy.example.com"}


class TaskTimeout(BaseException):
    """As Ansible has one, which is no Exception either."""


class Started:
    """The action of a task, with a module in the place of which ``module`` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, play: Any, **arguments: Any) -> None:
        self.task = SimpleNamespace(
            args=arguments, async_val=0, check_mode=False, environment=[OWN], get_play=lambda: play, timeout=8
        )
        self.transport = "local"
        self.module: Callable[[], object] = lambda: None
        self._monkeypatch = monkeypatch

    def run(self) -> dict[str, Any]:
        """Run the action; the options that the module is run with."""
        seen: dict[str, Any] = {}

        def run(plugin: Any, tmp: Optional[str], task_vars: Optional[dict[str, Any]]) -> dict[str, Any]:
            seen.update(plugin._task.args)
            self.module()
            return {**RESULT, "vars": task_vars}

        self._monkeypatch.setattr(action.NormalAction, "run", run)
        plugin = action.ActionModule.__new__(action.ActionModule)
        plugin._task, plugin._connection = self.task, SimpleNamespace(transport=self.transport)
        assert plugin.run(task_vars={"x": 1}) == {**RESULT, "vars": {"x": 1}}
        return seen

    def environment(self) -> dict[str, str]:
        """The environment that the task gives to the module."""
        return {name: value for part in self.task.environment for name, value in part.items()}


def _run(monkeypatch: pytest.MonkeyPatch, play: Any, **arguments: Any) -> dict[str, Any]:
    return Started(monkeypatch, play, **arguments).run()


def test_the_run_is_the_play_where_nobody_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play()
    first = _run(monkeypatch, play, product_no="A")
    assert first == {"product_no": "A", "run_id": str(play._uuid)} and len(first["run_id"]) > 8
    assert _run(monkeypatch, play, product_no="B")["run_id"] == first["run_id"]
    assert _run(monkeypatch, Play(), product_no="A")["run_id"] != first["run_id"]


@pytest.mark.parametrize("name", ["night", "", " "])
def test_a_run_that_is_named_keeps_its_name_and_a_blank_one_is_for_the_module_to_refuse(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert _run(monkeypatch, Play(), run_id=name) == {"run_id": name}


OPTIONS = ["run_id", "max_orders", "max_total", "currency", "on_unknown_auto_renewal", "plan_file", "plan_digest"]


@pytest.mark.parametrize("option", OPTIONS)
def test_a_limit_that_is_null_is_refused(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    with pytest.raises(AnsibleActionFail, match=f"^{option}: expected a value, got null; set the variable"):
        _run(monkeypatch, Play(), **{option: None})


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(monkeypatch, Play())


def test_a_module_on_the_controller_sees_its_task_until_that_ends(started: Started) -> None:
    checks: list[Callable[[], bool]] = []

    def module() -> None:
        checks.append(waits_for_module(started.environment()))
        assert checks[0]()

    started.module = module
    started.run()
    assert started.environment()[VARIABLE].startswith(f"{os.getpid()}:") and not checks[0]()
    assert started.task.environment[0] is OWN


@pytest.mark.parametrize(("transport", "async_val"), [("ssh", 0), ("local", 60)], ids=["another host", "async"])
def test_a_module_elsewhere_or_detached_is_given_nothing_to_look_at(
    started: Started, transport: str, async_val: int
) -> None:
    started.transport, started.task.async_val = transport, async_val
    started.run()
    assert started.task.environment == [OWN]


@pytest.mark.parametrize(
    ("transport", "rest"), [("local", "the run sends no further"), ("ssh", "the run may continue")]
)
def test_a_timeout_is_told_as_what_may_have_ordered(started: Started, transport: str, rest: str) -> None:
    checks: list[Callable[[], bool]] = []

    def module() -> None:
        checks.append(waits_for_module(started.environment()))
        raise TaskTimeout

    started.transport, started.module = transport, module
    with pytest.raises(AnsibleActionFail, match="timeout of 8 s .*may have been accepted") as caught:
        started.run()
    assert rest in str(caught.value)
    assert (caught.value.result["changed"], caught.value.result["timedout"]) == (True, {"period": 8})
    assert checks[0]() is (transport == "ssh")


def test_in_check_mode_a_timeout_is_one_of_ansible(started: Started) -> None:
    started.module, started.task.check_mode = lambda: _raise(TaskTimeout()), True
    with pytest.raises(TaskTimeout):
        started.run()


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("gone"), KeyboardInterrupt(), SystemExit()], ids=repr)
def test_whatever_else_ends_the_task_stays_what_it_is(started: Started, error: BaseException) -> None:
    started.module = lambda: _raise(error)
    with pytest.raises(type(error)) as caught:
        started.run()
    assert caught.value is error
