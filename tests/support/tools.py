# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tools of Ansible's ecosystem, as their users would."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.simulator import Simulator
from tests.support.plays import REPOSITORY

BIN = Path(sys.executable).parent
FLEET = REPOSITORY / "tests" / "simulator" / "fleets" / "six.yml"


@dataclass(frozen=True)
class Tools:
    """The tools of this environment, in a home of their own, with the installed collection and the portal."""

    portal: Simulator
    home: Path
    environment: dict[str, str]

    def run(
        self, name: str, *arguments: str | Path, folder: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a tool, in its home unless a folder is given. The output, both streams together, is in ``stdout``."""
        return subprocess.run(
            [BIN / name, *arguments],
            env={**self.environment, **environment},
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
