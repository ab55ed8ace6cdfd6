# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole modules and actions in this process, with something else in place of the network."""

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

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact import first_contact as _first_contact
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import transport as _transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import Call, ExpectedCalls

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."


@contextmanager
def expecting(
    monkeypatch: pytest.MonkeyPatch, *calls: Call, account: Optional[Account] = None
) -> Iterator[list[Connection]]:
    """Exactly these exchanges take place, in this order, or any with an account. Gives the connections asked for."""
    connections: list[Connection] = []

    def connect(connection: Connection, _pool: Pool) -> Any:
        connections.append(connection)
        return account or expected

    with ExpectedCalls(*calls) as expected, monkeypatch.context() as patch:
        patch.setattr(_transport, "Http", connect)
        patch.setattr(_first_contact, "Http", connect)
        yield connections


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Modules:
    """Runs modules whose state home is a directory of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        self.output = ""

    def run(self, name: str, *calls: Call, account: Optional[Account] = None, **arguments: Any) -> dict[str, Any]:
        """The result of a module that makes just these calls, or any to an account. Options of Ansible have a ``_``."""
        options = {"client_id": "an-id", "client_secret": "canary-secret", **arguments}
        content = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        with self._monkeypatch.context() as patch, _signals_as_they_are():
            patch.setattr(sys, "argv", [name])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
            patch.setattr(basic, "_ANSIBLE_ARGS", None)
            with expecting(patch, *calls, account=account), pytest.raises(SystemExit) as end:
                import_module(MODULES + name).main()
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        result.pop("_ansible_new_secrets", None)  # what ansible-core 2.22 is to hide, and takes out of every result
        self.output = json.dumps(result)
        assert "canary" not in self.output, "a secret is shown"
        assert "deprecations" not in result
        assert end.value.code == (1 if result.get("failed") else 0)
        return result
