# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action beside the renewal module: the caps of a run are those of its play."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.play import Play

from ansible_collections.pbxops.yeastar.plugins.action import yeastar_pce_renewal as action


def _run(monkeypatch: pytest.MonkeyPatch, play: Any, **arguments: Any) -> dict[str, Any]:
    """The options that the module is run with."""
    seen: dict[str, Any] = {}

    def run(plugin: Any, tmp: Optional[str], task_vars: Optional[dict[str, Any]]) -> dict[str, Any]:
        seen.update(plugin._task.args)
        return {"changed": False, "vars": task_vars}

    monkeypatch.setattr(action.NormalAction, "run", run)
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(args=arguments, get_play=lambda: play)
    assert plugin.run(task_vars={"x": 1}) == {"changed": False, "vars": {"x": 1}}
    return seen


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


@pytest.mark.parametrize("option", ["run_id", "max_orders", "max_total", "currency"])
def test_a_limit_that_is_null_is_refused(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    with pytest.raises(AnsibleActionFail, match=f"^{option}: expected a value, got null; set the variable"):
        _run(monkeypatch, Play(), **{option: None})
