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

from .requests import PREFIX, Request


class SharedOutcomes:
    """The outcomes of one use of the role, a file for each host, in a directory of the controller that all workers see.

    Whoever comes first runs the batch. Before that the files say so: should that worker die, no other runs it again.
    """

    def __init__(self, directory: str, use: str) -> None:
        """``directory`` lives as long as the ansible-playbook that made it."""
        self._path = Path(directory) / f"{PREFIX}{use}"

    def of(
        self,
        host: str,
        requests_of_all: Callable[[], list[Request]],
        run_batch: Callable[[list[Request]], dict[str, Any]],
    ) -> Any:
        """The outcome of a host; None when whoever ran its batch has not told it.

        ``run_batch`` gives the outcomes of those of the requests that have none yet; no host is ever run twice. The
        requests are asked for only then: to collect them costs as much as there are hosts, for every host.

        A task's timeout tells all hosts to end at the same moment, also the one whose run knows what it has ordered
        for the others. Whoever is told to end here waits for that, and tells it.
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
                return self._told(host)
        except BaseException:  # a task's timeout is one; raised again where nothing is told
            with locked(self._path):
                told = self._told(host)
            if told is None:
                raise
            return told

    def _told(self, host: str) -> Any:
        file = self._file(host)
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def _file(self, host: str) -> Path:
        return self._path / sha256(host.encode()).hexdigest()

    def _write(self, host: str, outcome: Optional[Mapping[str, Any]]) -> None:
        file = self._file(host)
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(outcome), encoding="utf-8")
        os.replace(temporary, file)
