# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action beside the renewal module: the caps of a run are those of its play."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional

import pytest
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
    assert _run(monkeypatch, play, run_id="")["run_id"] == first["run_id"]
    assert _run(monkeypatch, Play(), product_no="A")["run_id"] != first["run_id"]


def test_a_run_that_is_named_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, Play(), run_id="night") == {"run_id": "night"}
