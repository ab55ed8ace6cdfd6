# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that several groups of options share. Each function raises ValueError for a bad value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

from .._address import is_loopback_host
from .._ledger.names import portal_name
from .._model.dates import parse_instant, utc_now
from .._text import quoted

MAX_SECONDS = 86_400

MAX_DAYS = 36_500

_SERIAL_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")

_NUMBER_WORDS = ("inf", "infinity", "nan", "none", "null", "true", "false")


def within(option: str, value: Optional[int], least: int, most: int) -> None:
    """Raise ValueError for a number that is out of bounds."""
    if value is not None and not least <= value <= most:
        raise ValueError(f"{option}: expected {least} to {most}, got {value}")


def read_option(option: str, value: Optional[str], reader: Callable[[object], Any]) -> Any:
    """Read the value of an option; None stays None. Raises ValueError, which names the option."""
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def product_no_of(value: Any) -> str:
    """Read a serial number. Raises ValueError for anything else, such as one that YAML or INI has made a number."""
    if isinstance(value, str):
        text = value.strip()
        if _SERIAL_NUMBER.fullmatch(text) and text.lower() not in _NUMBER_WORDS:
            return text
    raise ValueError(
        f"product_no: expected a serial number as text, got {quoted(value)}; quote it, since YAML, INI and"
        " templates read some serial numbers as numbers (3631E3418911 becomes inf, 0012345 becomes 5349). Where a"
        " template sets it and ansible-core 2.18 has jinja2_native on, end the template in | string"
    )


def now_of(params: Mapping[str, Any]) -> datetime:
    """The instant for which to decide: the option `now`, or the controller's clock.

    Raises ValueError for a bad value.
    """
    return read_option("now", params["now"], parse_instant) or utc_now()


def base_url_of(params: Mapping[str, Any]) -> str:
    """Read the portal's address. Raises ValueError for an unacceptable one."""
    base_url: str = params["base_url"].strip()
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


def portal_of(params: Mapping[str, Any]) -> str:
    """The portal's name in the ledger, however base_url is spelled. Raises ValueError for an unacceptable one."""
    return portal_name(base_url_of(params))
