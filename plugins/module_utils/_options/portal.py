# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the connection: how to reach and read one account."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from .._ledger.names import portal_name
from .._model.span import zone_of
from .._portal.fields import Fields
from .._portal.http_client import Connection, check_environment
from .blanks import refuse_blanks
from .table import DEFAULT_CONCURRENCY
from .values import MAX_SECONDS, base_url_of, now_of, read_option, within

MAX_CONCURRENCY = 64

MAX_RETRIES = 100


@dataclass(frozen=True)
class PortalOptions:
    """How to reach and read one account. ``now`` replaces the controller's clock if it is set."""

    connection: Connection
    fields: Fields
    concurrency: int
    now: Optional[datetime]

    @property
    def account(self) -> str:
        """The fingerprint of the account."""
        return fingerprint_of(self.connection)


def portal_options_of(params: Mapping[str, Any]) -> PortalOptions:
    """Read the options of the connection, once. Raises ValueError, also for unusable proxies of the environment."""
    connection = connection_of(params)
    concurrency = params.get("concurrency", DEFAULT_CONCURRENCY)  # not every plugin has the option
    within("concurrency", concurrency, 1, MAX_CONCURRENCY)
    now = now_of(params) if params.get("now") else None
    return PortalOptions(connection, fields_of(params), concurrency, now)


def connection_of(params: Mapping[str, Any]) -> Connection:
    """Read how to reach the portal. Raises ValueError for bad options and unusable proxies of the environment."""
    base_url = base_url_of(params)
    missing = [name for name in ("client_id", "client_secret") if not params[name]]
    if missing and not params["access_token"]:
        variables = " and ".join(f"YEASTAR_{name.upper()}" for name in missing)
        raise ValueError(
            f"no credentials: {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set; set"
            f" {'them' if len(missing) > 1 else 'it'} (or {variables} in the environment), or access_token"
        )
    if not 0 < params["timeout"] <= MAX_SECONDS:
        raise ValueError(f"timeout: expected more than 0 and at most {MAX_SECONDS} seconds, got {params['timeout']}")
    refuse_blanks(params, ("ca_path",))
    within("retries", params["retries"], 0, MAX_RETRIES)
    connection = Connection(
        base_url=base_url,
        client_id=params["client_id"],
        client_secret=params["client_secret"],
        access_token=(params["access_token"] or "").strip() or None,
        timeout=params["timeout"],
        retries=params["retries"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"],
        user_agent=params["user_agent"],
    )
    check_environment(connection)
    return connection


def refuse_unverified(connection: Connection) -> None:
    """Refuse to order if the server's identity is not checked (docs/reliability.md, 70). Raises ValueError."""
    if urlsplit(connection.base_url).scheme == "https" and not connection.validate_certs:
        raise ValueError("validate_certs: expected true for anything that orders; name your authority in ca_path")


def fields_of(params: Mapping[str, Any]) -> Fields:
    """Read the names of the portal's fields, and its time zone.

    Raises ValueError for a concept or a time zone that does not exist.
    """
    return Fields(params["field_map"] or {}, zone_option(params))


def zone_option(params: Mapping[str, Any]) -> Optional[ZoneInfo]:
    """Read the time zone for instants of the portal that have none. Raises ValueError."""
    refuse_blanks(params, ("time_zone",))
    return None if params["time_zone"] is None else read_option("time_zone", params["time_zone"], zone_of)


def fingerprint_of(connection: Connection) -> str:
    """A hash that identifies the account in a saved plan without revealing it."""
    return hashlib.sha256(f"{portal_name(connection.base_url)}\0{connection.client_id or ''}".encode()).hexdigest()[:16]
