# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the progress of a run while it runs, in a file that the environment names.

A module cannot show anything on its standard output before it ends, so it uses a file (see the callback plugin).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional

VARIABLE = "YEASTAR_PROGRESS_FILE"
LEAST_PAUSE = 1.0  # s between two lines


class Progress:
    """Adds a line to the file at most once a second, and one at the end. Without a file it does nothing."""

    def __init__(self, path: Optional[str], warn: Callable[[str], None]) -> None:
        """``path`` may be None. ``warn`` is called once if the file cannot be written; no run fails because of that."""
        self._path = path
        self._warn = warn
        self._reported_at = 0.0

    def report(self, through: int, due: int) -> None:
        """Report that ``through`` of the ``due`` PBXs are done, with any outcome."""
        now = time.monotonic()
        if self._path is None or (0 < through < due and now - self._reported_at < LEAST_PAUSE):
            return
        self._reported_at = now
        line = json.dumps({"run": os.getpid(), "through": through, "due": due})
        try:
            # A single write, so that lines of several runs do not mix.
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            self._path = None
            self._warn(f"{VARIABLE}: the progress of the run cannot be reported: {error.strerror}")


class Reading:
    """Reads what was added to such a file since the last time."""

    def __init__(self, path: Path) -> None:
        """The file must exist."""
        self._path = path
        self._position = 0

    def latest(self) -> Iterator[tuple[int, int]]:
        """For each run with new reports, how many PBXs are done and how many are due."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            added, end, dummy = file.read().rpartition(b"\n")
        self._position += len(added) + len(end)
        reports = [json.loads(line) for line in added.splitlines()]
        for last in {report["run"]: report for report in reports}.values():
            yield last["through"], last["due"]
