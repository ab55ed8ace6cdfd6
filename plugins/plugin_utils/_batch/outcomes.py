# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcomes of a batch, shared through files among the workers of one ansible-playbook."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._files import locked

from .host_requests import PREFIX, Request


class SharedOutcomes:
    """The outcomes of one use of the role: a file for each host, in a directory that all workers share.

    The first worker runs the batch, and marks that in the files before: if it dies, no other worker runs it again.
    """

    def __init__(self, directory: str, use: str) -> None:
        """``directory`` exists as long as the ansible-playbook that created it."""
        self._path = Path(directory) / f"{PREFIX}{use}"

    def of(
        self,
        host: str,
        requests_of_all: Callable[[], list[Request]],
        run_batch: Callable[[list[Request]], dict[str, Any]],
    ) -> Any:
        """The outcome of a host; None if the worker that ran its batch has not reported it.

        ``run_batch`` returns the outcomes of those requests that have none yet; no host is ever run twice. The requests
        are only collected for a run, since each collection takes time in proportion to the number of hosts.

        A task's timeout interrupts all hosts at once, also the one whose run knows what it has ordered for the others.
        So an interrupted host waits for that run here, and returns its own outcome.
        """
        try:
            with locked(self._path):
                if not self._file(host).exists():
                    self._path.mkdir(exist_ok=True)
                    new = [request for request in requests_of_all() if not self._file(request.host).exists()]
                    for request in new:
                        self._write(request.host, None)
                    for name, outcome in run_batch(new).items():
                        self._write(name, outcome)
                return self._read(host)
        except BaseException:  # such as a task's timeout; raised again if there is no outcome
            with locked(self._path):
                outcome = self._read(host)
            if outcome is None:
                raise
            return outcome

    def _read(self, host: str) -> Any:
        file = self._file(host)
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def _file(self, host: str) -> Path:
        return self._path / sha256(host.encode()).hexdigest()

    def _write(self, host: str, outcome: Optional[Mapping[str, Any]]) -> None:
        file = self._file(host)
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(outcome), encoding="utf-8")
        os.replace(temporary, file)
