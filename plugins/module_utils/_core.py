# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Features that only some releases of ansible-core have."""

from __future__ import annotations

from typing import Any

try:
    from ansible.module_utils.secrets import register_secret  # type: ignore[import-not-found]
except ImportError:  # before 2.22
    register_secret = None

# From 2.22 on, a failure would include the text of the exception that caused it, which may contain secrets.
NO_TRACE: dict[str, Any] = {} if register_secret is None else {"exception": None}


def hide_on_display(secret: str) -> None:
    """Make ansible-core hide a secret in what it displays, from 2.22 on; data is not changed."""
    if register_secret is not None:
        register_secret(secret)
