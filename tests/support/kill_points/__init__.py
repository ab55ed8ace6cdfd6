# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in the client's own code at which a process sends itself a signal, without changing that code."""

from __future__ import annotations

import functools
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import isroutine
from pathlib import Path
from typing import Any

HOOK = Path(__file__).with_name("hook")
MODULE_UTILS = "ansible_collections.pbxops.yeastar.plugins.module_utils."


@dataclass(frozen=True)
class KillPoint:
    """The process sends itself a signal before or after a function is called.

    ``function`` is a qualified name: `_renew.run.Run.execute` of our module_utils, `http.client.HTTPConnection.connect`
    of any other Python module. ``after`` means after it has returned; when it raises, nothing is sent. The first
    ``skip`` calls pass, and only one is struck. A name that leads to no function of Python is refused at once.
    """

    function: str
    when: str = "before"
    signal: signal.Signals = signal.SIGKILL
    skip: int = 0

    def __post_init__(self) -> None:
        if self.when not in ("before", "after"):
            raise ValueError(f"when must be before or after, not {self.when!r}")
        _locate(self.function)

    def __str__(self) -> str:
        return f"{self.function}:{self.when}:{self.signal.name}"

    def environment(self, report: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process that shall signal itself there; it writes ``report`` right before."""
        module, function = _locate(self.function)
        point = {
            "module": module,
            "function": function,
            "when": self.when,
            "number": int(self.signal),
            "skip": self.skip,
            "report": str(report),
        }
        path = ":".join(filter(None, [str(HOOK), environment.get("PYTHONPATH", "")]))
        return {**environment, "PYTHONPATH": path, "PBXOPS_KILL_POINT": json.dumps(point)}


def _locate(name: str) -> tuple[str, str]:
    """The module's whole name and the function's name inside; raises ValueError."""
    parts = (MODULE_UTILS + name if name.startswith("_") else name).split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        if _is_python_function(module, parts[end:]):
            return module.__name__, ".".join(parts[end:])
        break
    raise ValueError(f"there is no Python function {name}")


def _is_python_function(module: Any, path: list[str]) -> bool:
    try:
        owner = functools.reduce(getattr, path[:-1], module)
        held = vars(owner)[path[-1]]
    except (AttributeError, KeyError):
        return False
    inner = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held
    return isroutine(inner) and hasattr(inner, "__code__")
