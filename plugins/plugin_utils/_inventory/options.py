# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the inventory plugin, in addition to those of the connection."""

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


# The options of the connection that may be templates in an inventory file.
TEMPLATED_OPTIONS = ("base_url", "client_id", "client_secret", "access_token", "ca_path", "user_agent", "time_zone")
READ_OPTIONS = (*CONNECTION_OPTIONS, *INVENTORY_OPTIONS)

_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")


def inventory_account_of(params: Mapping[str, Any]) -> str:
    """A hash that identifies in a cache an account and how it is read, without revealing anything. Raises ValueError.

    A token does not name its account, so the token itself is hashed, and overrides the other credentials.
    """
    connection = connection_of(params)
    token = connection.access_token
    account = fingerprint_of(connection) if token is None else f"{connection.base_url}\0{token}"
    identity = json.dumps([account, params["field_map"] or {}, params["time_zone"]], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def check_known(given: Iterable[str], options: Iterable[str]) -> None:
    """Raise ValueError for unknown options: Ansible would ignore a filter with a misspelt name."""
    unknown = sorted(set(given) - set(options))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not an option of this plugin")


def choice_of(params: Mapping[str, Any], given: Mapping[str, Any], now: datetime) -> Choice:
    """Read which PBXs an inventory has at an instant, and how; ``given`` has the options that the file itself sets.

    Connection options of the file, except secrets, are passed on to the role, since its environment may differ. Raises
    ValueError for a bad value.
    """
    filters = filters_of({**params, "product_no": None, "now": None})
    if not _PREFIX.fullmatch(params["hostvars_prefix"]):
        expected = "expected letters, digits and _, not starting with a digit"
        raise ValueError(f"hostvars_prefix: {expected}, got {quoted(params['hostvars_prefix'])}")
    passed_on = [name for name in CONNECTION_OPTIONS if name in given and name not in SECRET_OPTIONS]
    return Choice(
        filters=replace(filters, now=now),
        include=params["include"],
        exclude=params["exclude"],
        hostname=params["hostname"],
        prefix=params["hostvars_prefix"],
        role_variables={f"pce_renewal_{name}": params[name] for name in passed_on},
    )
