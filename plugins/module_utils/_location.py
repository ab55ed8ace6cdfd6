# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ledger is, and whatever else lasts from run to run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import unquote, urlsplit


def state_folder() -> str:
    """Where this user's files of ours lie that are to last, by the XDG base directories."""
    state_home = os.environ.get("XDG_STATE_HOME", "")
    folder = state_home if os.path.isabs(state_home) else os.path.expanduser("~/.local/state")
    return os.path.join(folder, "pbxops.yeastar")


def ledger_of(params: Mapping[str, Any]) -> str:
    """Where the ledger is: a path, a URL or ``none``. Without the option, a file under the XDG state directory.

    Raises ValueError for an empty one.
    """
    if params["ledger"] is None:
        return os.path.join(state_folder(), "ledger.sqlite3")
    location: str = params["ledger"].strip()
    if not location:
        raise ValueError("ledger: expected a path, a postgresql:// URL or none, got an empty text")
    return location


def ledger_secrets_of(location: Optional[str]) -> set[str]:
    """The password in a ledger's URL, as it stands there and as it is meant, before or behind the host."""
    try:
        url = urlsplit(location or "")
        password = url.password
    except ValueError:
        return set()
    written = [password or ""]
    written += [pair.partition("=")[2] for pair in url.query.split("&") if pair.partition("=")[0] == "password"]
    return {text for password in written for text in (password, unquote(password)) if text}
