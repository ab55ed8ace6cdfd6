# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of antsibull-nox.toml. Run them with `make lint`, which pins and keeps their environments."""

from __future__ import annotations

import logging

import antsibull_nox
import nox
from nox.logger import logger

antsibull_nox.load_antsibull_nox_toml()
# uv, if installed, would ignore the pins.
nox.options.default_venv_backend = "virtualenv"


def _refuse_importer_errors(record: logging.LogRecord) -> bool:
    """Raise an error for findings of Galaxy's importer, which antsibull-nox only reports as warnings."""
    message = record.getMessage()
    if message.startswith("Galaxy importer emitted"):
        raise RuntimeError(message)
    return True


logger.addFilter(_refuse_importer_errors)


@nox.session
def changelog(session: nox.Session) -> None:
    """Run 'antsibull-changelog lint'"""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")
