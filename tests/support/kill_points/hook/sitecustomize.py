# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this by itself if the directory is on PYTHONPATH; it makes the process signal itself at a point.

The environment says what and where, see `KillPoint` next to this directory. It is independent of the collection.
"""

from __future__ import annotations

import functools
import importlib.machinery
import json
import os
import sys
import threading
from typing import Any


class _Point:
    def __init__(self, module: str, function: str, when: str, number: int, skip: int, report: str) -> None:
        self.module = module
        self.function, self.when = function, when
        self._number, self._left, self._report = number, skip + 1, report
        self._lock = threading.Lock()

    def strike(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        descriptor = os.open(self._report, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(descriptor, str(os.getpid()).encode())
        os.close(descriptor)
        os.kill(os.getpid(), self._number)

    def patch(self, module: Any) -> None:
        """Wrap the function with the signal."""
        *path, name = self.function.split(".")
        owner = functools.reduce(getattr, path, module)
        held = vars(owner)[name]
        inner = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held

        @functools.wraps(inner)
        def striking(*arguments: Any, **keywords: Any) -> Any:
            if self.when == "before":
                self.strike()
            result = inner(*arguments, **keywords)
            if self.when == "after":
                self.strike()
            return result

        setattr(owner, name, type(held)(striking) if inner is not held else striking)


class _Finder:
    """Finds the module in the usual way, and patches it as soon as it has been executed."""

    def __init__(self, point: _Point) -> None:
        self._point = point

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._point.module:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                self._wrap(spec.loader)
                return spec
        return None

    def _wrap(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            if module.__name__ == self._point.module:  # all modules of a zip share one loader
                self._point.patch(module)

        loader.exec_module = exec_module


_SAID = os.environ.get("PBXOPS_KILL_POINT")
if _SAID:
    _POINT = _Point(**json.loads(_SAID))
    if _POINT.module in sys.modules:
        _POINT.patch(sys.modules[_POINT.module])
    else:
        sys.meta_path.insert(0, _Finder(_POINT))
