# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of what is no module, besides those of the connection: the inventory and the source of events."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._options.filters import filters_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal import connection_of, fingerprint_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS, SECRET_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import quoted

from .hosts import Choice

INVENTORY_OPTIONS: dict[str, dict[str, Any]] = {
    "plan": {"type": "str"},
    "expires_within": {"type": "int"},
    "include": {"type": "list", "elements": "str", "default": []},
    "exclude": {"type": "list", "elements": "str", "default": []},
    "hostname": {"type": "str"},
    "hostvars_prefix": {"type": "str", "default": "yeastar_"},
}


# Which of the connection's may be templates in an inventory's file.
TEMPLATED_OPTIONS = ("base_url", "client_id", "client_secret", "access_token", "ca_path", "user_agent", "time_zone")
READ_OPTIONS = (*CONNECTION_OPTIONS, *INVENTORY_OPTIONS)

_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")


def inventory_account_of(params: Mapping[str, Any]) -> str:
    """What tells one account, read in one way, from all else in a cache, without telling anything of it.

    A token has no name, so it is hashed itself; where there is one it counts, whatever else is set. Raises ValueError.
    """
    connection = connection_of(params)
    token = connection.access_token
    account = fingerprint_of(connection) if token is None else f"{connection.base_url}\0{token}"
    told = json.dumps([account, params["field_map"] or {}, params["time_zone"]], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def check_known(given: Iterable[str], options: Iterable[str]) -> None:
    """Raise ValueError for what is no option: Ansible passes over a filter whose name is misspelt."""
    unknown = sorted(set(given) - set(options))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no option of this plugin")


def choice_of(params: Mapping[str, Any], given: Mapping[str, Any], now: datetime) -> Choice:
    """Which PBXs an inventory is to have at that instant, and how; ``given`` is what the file itself sets.

    What the file sets of the connection reaches the role, since its environment may say otherwise; a secret does not.
    Raises ValueError for a bad value.
    """
    filters = filters_of({**params, "product_no": None, "now": None})
    if not _PREFIX.fullmatch(params["hostvars_prefix"]):
        expected = "expected letters, digits and _, a digit not first"
        raise ValueError(f"hostvars_prefix: {expected}, got {quoted(params['hostvars_prefix'])}")
    told = [name for name in CONNECTION_OPTIONS if name in given and name not in SECRET_OPTIONS]
    return Choice(
        filters=replace(filters, now=now),
        include=params["include"],
        exclude=params["exclude"],
        hostname=params["hostname"],
        prefix=params["hostvars_prefix"],
        role_variables={f"pce_renewal_{name}": params[name] for name in told},
    )
