# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one name of a portal in the ledger, however its address is spelled.

Ledgers of versions 1 and 2 have several names for a portal whose address was spelled in several ways, and an intent
under one of them was not found under another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from .._model.dates import parse_instant
from .._model.span import same_expiry
from .._model.vocabulary import IntentStatus

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_OPENNESS = {status.value: place for place, status in enumerate(IntentStatus)}


def portal_name(base_url: str) -> str:
    """PURE: the name of the portal at an address, regardless of case, default port, and final dot or slash.

    All loopback addresses have the same name. An address that cannot be parsed is its own name.
    """
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        return base_url
    if not url.hostname:
        return base_url
    host = _host_name(url.hostname.rstrip("."))
    return f"{url.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS.get(url.scheme)) else f":{port}")


def _host_name(host: str) -> str:
    with suppress(ValueError):  # a host name
        host = str(ipaddress.ip_address(host))
    if host in LOOPBACK_HOSTS:
        return LOOPBACK_HOSTS[0]
    return f"[{host}]" if ":" in host else host


def united(intents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """PURE: rename the portal in the rows of intents, and merge those of the same PBX and expiry.

    Of two, the one with the more open status is kept, since it may still have been ordered; of two equally open ones,
    the later one. It gets the higher generation of the two, and its note says what the other one was.
    """
    latest_first = sorted(intents, key=lambda row: str(row["uncertain_since"]), reverse=True)
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(latest_first, key=lambda row: _OPENNESS.get(row["status"], 0)):
        named = {**row, "portal": portal_name(row["portal"])}
        others = kept.setdefault((named["portal"], named["product_no"]), [])
        twin = next((other for other in others if _is_same(other["expires_at"], named["expires_at"])), None)
        if twin is None:
            others.append(named)
        else:
            order = f", order {row['order_no']}" if row["order_no"] else ""
            twin["note"] += f"; under {row['portal']} the ledger had {row['status']}{order} ({row['note']})"
            twin["generation"] = max(twin["generation"], row["generation"])
    return [row for rows in kept.values() for row in rows]


def _is_same(left: str, right: str) -> bool:
    try:
        return left == right or same_expiry(parse_instant(left), parse_instant(right))
    except ValueError:  # edited by hand, which is refused when it is read
        return False
