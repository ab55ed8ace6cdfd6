# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record a portal as a first contact does: everything that can be read, through the transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.recording import (
    Exchange,
    RecordingHttp,
    recording_of,
    write_recording,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import client as _client
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection, Http
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import Transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets
from tests.simulator import Simulator


def record(portal: Simulator, path: Path, field_map: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read everything of an account, write its recording to a file, and return the document."""
    exchanges, secrets = seen(portal, field_map)
    document = recording_of(exchanges, field_map or {}, utc_now(), secrets)
    write_recording(str(path), document)
    return document


def seen(portal: Simulator, field_map: Mapping[str, Any] | None = None) -> tuple[list[Exchange], Secrets]:
    """Every exchange of a reading of the whole account, and the secrets in it."""
    connection = Connection(portal.url, portal.client_id, portal.client_secret, retries=0)
    pool, secrets = Pool(4), Secrets()
    http = RecordingHttp(Http(connection, pool))
    transport = Transport(connection, secrets, lambda warning: None, pool.sleep, pool=pool, http=http)
    reader = Portal(transport, Fields(field_map or {}))
    numbers = [str(row["productNo"]).strip() for row in _tried(lambda: reader.subscription_rows().rows)]
    for number in numbers:
        _tried(lambda number=number: reader.subscription_detail(number))
        _tried(lambda number=number: reader.auto_renewal_answer(number))
    _tried(reader.billing_contact_rows)
    for row in _tried(lambda: reader.order_listing().rows):
        _tried(lambda row=row: reader.order_with_detail(row))
    catalog = reader.catalog(_tried(reader.catalog_answer))
    prices = [(_client.RENEWAL_OF_PLAN, entry.pricing_id) for entry in catalog.plans]
    prices += [(_client.RENEWAL_OF_SERVICE, entry.pricing_id) for entry in catalog.services]
    for number in numbers:
        params = {"productId": "13", "productNo": number}
        for base, pricing_id in prices:
            where = base + quote(pricing_id or "0", safe="")
            _tried(lambda where=where, params=params: transport.get(where, params))
    return http.exchanges, secrets


def _tried(read: Callable[[], Any]) -> Any:
    with suppress(ReadError):
        return read()
    return []


def shape(value: Any) -> Any:
    """The names, types and counts of a JSON value; of a text and a number also the length."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(shape, value))
    return (type(value), len(str(value)))


def as_shapes(document: Mapping[str, Any]) -> list[Any]:
    """The exchanges of a recording by shape, without what differs with the moment."""
    exchanges = [one for one in document["exchanges"] if "/auth/" not in one["path"]]
    shapes = [
        (shape(one["path"]), shape(one["query"]), one["status"], shape(one.get("body", one.get("text"))))
        for one in exchanges
    ]
    return sorted(shapes, key=repr)
