# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole modules in this process, that talk to an account in memory instead of the network."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible.module_utils import basic

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import transport as _transport
from ansible_collections.pbxops.yeastar.tests.unit.helpers.exchanges import shown_by
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trials import Account

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class ModuleRuns:
    """Runs modules whose state home is a directory of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        self.output = ""

    def run(self, name: str, account: Optional[Account] = None, **arguments: Any) -> dict[str, Any]:
        """The result of a module. Options of Ansible itself have a ``_``."""
        options = {"client_id": "an-id", "client_secret": "canary-secret", **arguments}
        content = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        with self._monkeypatch.context() as patch, _signals_as_they_are():
            patch.setattr(sys, "argv", [name])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
            patch.setattr(basic, "_ANSIBLE_ARGS", None)
            if account is not None:
                patch.setattr(_transport, "Http", lambda connection, pool: account)
            with pytest.raises(SystemExit) as end:
                import_module(MODULES + name).main()
        result = shown_by(self._capsys.readouterr().out)
        self.output = json.dumps(result)
        assert end.value.code == (1 if result.get("failed") else 0)
        return result
