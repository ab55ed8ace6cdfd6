# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment without the user's Ansible settings, proxies and credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ansible.release import __version__ as core

from tests.simulator import Simulator

# Since 2.19, templates are always native, text stays text, and the setting is deprecated.
NATIVE = {"ANSIBLE_JINJA2_NATIVE": "true"} if core.startswith("2.18.") else {}


def isolated_environment(portal: Simulator, home: Path) -> dict[str, str]:
    """The process's environment for an Ansible that talks to ``portal`` and keeps its files below ``home``."""
    configuration = home / "ansible.cfg"
    configuration.touch()
    return {
        **_without_settings(os.environ),
        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_NOCOWS": "true",
        "HOME": str(home),
        "YEASTAR_BASE_URL": portal.url,
        "YEASTAR_CLIENT_ID": portal.client_id,
        "YEASTAR_CLIENT_SECRET": portal.client_secret,
    }


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("ANSIBLE_", "YEASTAR_")) and not name.lower().endswith("_proxy")
    }
