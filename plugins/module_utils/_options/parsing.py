# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's objects, read out of validated options."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Callable, Optional
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from .._concurrency import Pool
from .._decide.saved_plan import LONGEST_VALIDITY
from .._ledger.admin import Word
from .._ledger.location import NONE, ledger_of
from .._ledger.names import portal_name
from .._model.dates import parse_instant, utc_now
from .._model.declaration import Declaration, Policy
from .._model.money import parse_amount, parse_currency, parse_percentage
from .._model.span import span_of, zone_of
from .._model.subscription import Filters
from .._portal.fields import Fields
from .._portal.http import Connection, is_loopback_host, refuse_surroundings
from .._text import quoted
from .blanks import refuse_blanks
from .table import DECLARATION_OPTIONS, DEFAULT_CONCURRENCY, OF_A_RUN

# Beyond these a number is a slip of the pen.
MAX_CONCURRENCY = 64
MAX_DAYS = 36_500
MAX_ORDERS = 10_000
MAX_QUANTITY = 1_000_000
MAX_RETRIES = 100
MAX_SECONDS = 86_400

_SERIAL_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NUMBER_WORDS = ("inf", "infinity", "nan", "none", "null", "true", "false")


def connection_of(params: Mapping[str, Any]) -> Connection:
    """How to reach the portal. Raises ValueError for bad options, and for an environment that leads to no portal."""
    base_url = _checked_base_url(params["base_url"].strip())
    if not params["access_token"] and not (params["client_id"] and params["client_secret"]):
        raise ValueError(
            "no credentials: set client_id and client_secret (or YEASTAR_CLIENT_ID and YEASTAR_CLIENT_SECRET in the"
            " environment), or access_token"
        )
    if not 0 < params["timeout"] <= MAX_SECONDS:
        raise ValueError(f"timeout: expected more than 0 and at most {MAX_SECONDS} seconds, got {params['timeout']}")
    refuse_blanks(params, ("ca_path",))
    _within("retries", params["retries"], 0, MAX_RETRIES)
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
    refuse_surroundings(connection)
    return connection


def portal_of(params: Mapping[str, Any]) -> str:
    """The portal's name in the ledger, however base_url is spelled. Raises ValueError when that is not acceptable."""
    return portal_name(_checked_base_url(params["base_url"].strip()))


def _checked_base_url(base_url: str) -> str:
    form = "base_url: expected https://host[:port], without user, path, query or fragment"
    try:
        url = urlsplit(base_url)
        is_well_formed = url.scheme in ("https", "http") and url.hostname and url.port != 0
    except ValueError as error:
        raise ValueError(f"{form} ({error})") from None
    if not is_well_formed or "@" in url.netloc or not base_url.endswith((url.netloc, f"{url.netloc}/")):
        raise ValueError(form)
    if url.scheme == "http" and not is_loopback_host(url.hostname or ""):
        raise ValueError(f"base_url: expected https, got http for {url.hostname}; http is for loopback addresses only")
    return base_url.rstrip("/")


def refuse_unverified(connection: Connection) -> None:
    """Refuse to order where the server's identity is not checked (docs/reliability.md, 70). Raises ValueError."""
    if urlsplit(connection.base_url).scheme == "https" and not connection.validate_certs:
        raise ValueError("validate_certs: expected true for anything that orders; name your authority in ca_path")


def is_loopback(params: Mapping[str, Any]) -> bool:
    """Whether the portal is a simulator on this machine."""
    return is_loopback_host(urlsplit(params["base_url"].strip()).hostname or "")


def fields_of(params: Mapping[str, Any]) -> Fields:
    """The names of the portal's fields, and its time zone.

    Raises ValueError for a concept or a time zone that does not exist.
    """
    return Fields(params["field_map"] or {}, _zone(params))


def product_no_of(value: Any) -> str:
    """A serial number. Raises ValueError for one that YAML or INI has turned into a number, or that is not one."""
    if isinstance(value, str):
        text = value.strip()
        if _SERIAL_NUMBER.fullmatch(text) and text.lower() not in _NUMBER_WORDS:
            return text
    raise ValueError(
        f"product_no: expected a serial number as text, got {quoted(value)}; quote it, since YAML, INI and"
        " templates read some serial numbers as numbers (3631E3418911 becomes inf, 0012345 becomes 5349). Where a"
        " template sets it and ansible-core 2.18 has jinja2_native on, end the template in | string"
    )


def declarations_of(params: Mapping[str, Any]) -> list[Declaration]:
    """What is declared of each PBX of a run. Raises ValueError for a bad value and for a serial number given twice."""
    if params["subscriptions"] is not None:
        declarations = [_declaration(item, _zone(params)) for item in params["subscriptions"]]
    else:
        declarations = [_declaration(params, _zone(params))]
    counts = Counter(declaration.product_no for declaration in declarations)
    repeated = sorted(number for number, count in counts.items() if count > 1)
    if repeated:
        raise ValueError(f"subscriptions: {', '.join(repeated)} is given more than once; give each PBX once")
    return declarations


def now_of(params: Mapping[str, Any]) -> datetime:
    """The instant that decisions are made for: the option `now`, or else the controller's clock.

    Raises ValueError for a bad value.
    """
    return _read("now", params["now"], parse_instant) or utc_now()


def wait_timeout_of(params: Mapping[str, Any]) -> float:
    """How long to follow orders that are open or uncertain, in seconds. Raises ValueError for a bad value."""
    _within("wait_timeout", params["wait_timeout"], 0, MAX_SECONDS)
    return float(params["wait_timeout"])


def word_of(params: Mapping[str, Any]) -> Word:
    """What is asked of the ledger. Raises ValueError for a bad value."""
    product_no = None if params["product_no"] is None else product_no_of(params["product_no"])
    if params["state"] == "listed":
        return Word(product_no)
    refuse_blanks(params, ("expires_at", "order_no"))
    if ledger_of(params) == NONE:
        raise ValueError("ledger: expected one that is kept, got none, which forgets at once what is settled in it")
    if not params["reason"].strip():
        raise ValueError("reason: expected how it is known what became of the order, got an empty text")
    expires_at = _read("expires_at", params["expires_at"], parse_instant)
    return Word(
        product_no, params["outcome"], params["reason"].strip(), expires_at, params["order_no"], params["force"]
    )


def filters_of(params: Mapping[str, Any]) -> Filters:
    """Which subscriptions are wanted. Raises ValueError for a bad value."""
    refuse_blanks(params, ("plan",))
    _within("expires_within", params["expires_within"], 0, MAX_DAYS)
    product_nos = params["product_no"] if isinstance(params["product_no"], list) else [params["product_no"]]
    return Filters(
        now=now_of(params),
        product_nos=tuple(product_no_of(value) for value in product_nos if value is not None),
        expires_within=params["expires_within"],
        plan=params["plan"],
    )


def _zone(params: Mapping[str, Any]) -> Optional[ZoneInfo]:
    refuse_blanks(params, ("time_zone",))
    return None if params["time_zone"] is None else _read("time_zone", params["time_zone"], zone_of)


def _declaration(item: Mapping[str, Any], zone: Optional[ZoneInfo]) -> Declaration:
    services = item["services"]
    refuse_blanks(item, DECLARATION_OPTIONS)
    if not all(service.strip() for service in services or ()):
        raise ValueError(
            "services: expected names or ids, got an empty text among them; [] declares that there are none"
        )
    _within("quantity", item["quantity"], 1, MAX_QUANTITY)
    _within("remaining_days", item["remaining_days"], 0, MAX_DAYS)
    return Declaration(
        product_no=product_no_of(item["product_no"]),
        plan=item["plan"],
        services=None if services is None else tuple(services),
        quantity=item["quantity"],
        billing_cycle=item["billing_cycle"],
        expires_at=_read("expires_at", item["expires_at"], parse_instant),
        billing_contact=item["billing_contact"],
        expected_expiry=_read("expected_expiry", item["expected_expiry"], parse_instant),
        remaining_days=item["remaining_days"],
        po_number=item["po_number"],
        auto_renewal=item["auto_renewal"],
        span=None if item["expires_at"] is None else span_of(item["expires_at"], zone),
    )


def policy_of(params: Mapping[str, Any]) -> Policy:
    """What holds for a whole run. Raises ValueError for a bad value."""
    refuse_blanks(params, OF_A_RUN)
    _within("max_orders", params["max_orders"], 0, MAX_ORDERS)
    _within("settle_window", params["settle_window"], 1, MAX_SECONDS)
    _within("remaining_days", params["remaining_days"], 0, MAX_DAYS)
    return Policy(
        remaining_days=params["remaining_days"],
        include_expired=params["include_expired"],
        billing_contact=params["billing_contact"],
        max_orders=params["max_orders"],
        max_total=_read("max_total", params["max_total"], parse_amount),
        max_amount_per_item=_read("max_amount_per_item", params["max_amount_per_item"], parse_amount),
        max_price_increase_percent=_read(
            "max_price_increase_percent", params["max_price_increase_percent"], parse_percentage
        ),
        currency=_read("currency", params["currency"], parse_currency),
        on_unknown_price=params["on_unknown_price"],
        on_unknown_auto_renewal=params["on_unknown_auto_renewal"],
        term_starts=params["term_starts"],
        prices_only=bool(params.get("prices_only")),
        run_id=uuid.uuid4().hex if params["run_id"] is None else params["run_id"].strip(),
        settle_window=timedelta(seconds=params["settle_window"]),
    )


def fingerprint_of(connection: Connection) -> str:
    """What tells one account from another in a saved plan, without telling anything of it."""
    return hashlib.sha256(f"{portal_name(connection.base_url)}\0{connection.client_id or ''}".encode()).hexdigest()[:16]


def validity_of(params: Mapping[str, Any]) -> timedelta:
    """How long a saved plan may be applied. Raises ValueError for a bad value."""
    _within("valid_for", params["valid_for"], 1, int(LONGEST_VALIDITY.total_seconds()))
    return timedelta(seconds=params["valid_for"])


def pool_of(params: Mapping[str, Any]) -> Pool:
    """How many requests may be under way at once. Raises ValueError for a bad value."""
    size = params.get("concurrency", DEFAULT_CONCURRENCY)  # not every plugin has the option
    _within("concurrency", size, 1, MAX_CONCURRENCY)
    return Pool(size)


def _within(option: str, value: Optional[int], least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise ValueError(f"{option}: expected {least} to {most}, got {value}")


def _read(option: str, value: Optional[str], reader: Callable[[object], Any]) -> Any:
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
