# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the pip installer that ansible-test would fetch: installs the pip that is bundled with this Python."""

from __future__ import annotations

import ensurepip
import os
import runpy
import sys

BUNDLED = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")
WHEEL = next(name for name in sorted(os.listdir(BUNDLED)) if name.startswith("pip-"))

sys.path.insert(0, os.path.join(BUNDLED, WHEEL))
sys.argv = ["pip", "install", "--no-index", "--find-links", BUNDLED, "pip"]
runpy.run_module("pip", run_name="__main__")
