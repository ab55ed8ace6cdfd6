# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run side by side: the command of each variant."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import plays
from .measure import MODULES, REPOSITORY, Cell, Portal

Prepared = tuple[list[Any], str]

BIN = Path(sys.executable).parent
POOL = plays.POOL
PLUGIN = REPOSITORY / "plugins" / "inventory" / "yeastar_pce.py"


def _playbook(playbook: list[dict[str, Any]], running: Portal, folder: Path) -> Prepared:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"vars": variables, "hosts": {number: {} for number in running.numbers}}}
    (folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    (folder / "play.json").write_text(json.dumps(playbook), encoding="utf-8")
    return [sys.executable, BIN / "ansible-playbook", "-i", folder / "hosts.json", folder / "play.json"], ""


def _bare(size: int) -> Callable[[Cell, Portal, Path], Prepared]:
    return lambda cell, running, folder: ([sys.executable, Path(__file__).with_name("bare.py"), str(size)], "")


def _renewal(running: Portal) -> dict[str, Any]:
    subscriptions = [{"product_no": number} for number in running.numbers]
    return {"subscriptions": subscriptions, "max_orders": 10_000, "wait_timeout": 0, "concurrency": POOL}


def _alone(cell: Cell, running: Portal, folder: Path) -> Prepared:
    given = json.dumps({"ANSIBLE_MODULE_ARGS": _renewal(running)})
    return [sys.executable, "-m", f"{MODULES}yeastar_pce_renewal"], given


def _module(name: str) -> Callable[[Cell, Portal, Path], Prepared]:
    def prepare(cell: Cell, running: Portal, folder: Path) -> Prepared:
        options = {"concurrency": POOL} if name == "yeastar_pce_info" else _renewal(running)
        return _playbook(plays.module(name, **options), running, folder)

    return prepare


def _play(make: Callable[[], list[dict[str, Any]]]) -> Callable[[Cell, Portal, Path], Prepared]:
    return lambda cell, running, folder: _playbook(make(), running, folder)


def _inventory(cell: Cell, running: Portal, folder: Path) -> Prepared:
    source = folder / "account.yeastar_pce.yml"
    source.write_text(json.dumps({"plugin": "pbxops.yeastar.yeastar_pce"}), encoding="utf-8")
    return [sys.executable, BIN / "ansible-inventory", "-i", source, "--list"], ""


VARIANTS: dict[str, tuple[str, Callable[[Cell, Portal, Path], Prepared]]] = {
    "A1": ("bare script, in turn", _bare(1)),
    "A": (f"bare script, pool of {POOL}", _bare(POOL)),
    "B naive": ("tutorial with uri, all of it by each host", _play(lambda: plays.tutorial(is_naive=True))),
    "B once": ("tutorial with uri, common reads once", _play(lambda: plays.tutorial(is_naive=False))),
    "C empty": ("an empty play, the hosts in its inventory", _play(plays.empty)),
    "C no-op": ("a no-op for each host", _play(plays.no_op)),
    "C two no-ops": ("two of them, as many tasks as the role has", _play(lambda: plays.no_op(2))),
    "D": (f"yeastar_pce_renewal with a list, concurrency {POOL}", _module("yeastar_pce_renewal")),
    "D alone": ("the same module without Ansible around it", _alone),
    "E": (f"role pce_renewal for each host, concurrency {POOL}", _play(plays.role)),
    "F plan": (f"yeastar_pce_plan with a list, concurrency {POOL}", _module("yeastar_pce_plan")),
    "F info": (f"yeastar_pce_info, concurrency {POOL}", _module("yeastar_pce_info")),
}
if PLUGIN.exists():
    VARIANTS["G"] = ("ansible-inventory with the plugin yeastar_pce", _inventory)

# Of these, every due PBX must have its invoice; of all others, none.
ORDERING = ("A1", "A", "B naive", "B once", "D", "D alone", "E")
