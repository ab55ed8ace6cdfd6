# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the ledger, and what a person asks of it or settles in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .._ledger.admin import Word
from .._ledger.location import NONE, ledger_location_of
from .._model.dates import parse_instant
from .blanks import refuse_blanks
from .values import portal_of, product_no_of, read_option


@dataclass(frozen=True)
class LedgerOptions:
    """Which ledger is used, and for which portal."""

    location: str
    password: Optional[str]
    portal: str


def ledger_options_of(params: Mapping[str, Any]) -> LedgerOptions:
    """Read the options of the ledger. Raises ValueError for a bad value."""
    return LedgerOptions(
        location=ledger_location_of(params),
        password=params.get("ledger_password") or None,
        portal=portal_of(params),
    )


def word_of(params: Mapping[str, Any]) -> Word:
    """Read what a person asks of the ledger. Raises ValueError for a bad value."""
    product_no = None if params["product_no"] is None else product_no_of(params["product_no"])
    if params["state"] == "listed":
        return Word(product_no)
    refuse_blanks(params, ("expires_at", "order_no"))
    if ledger_location_of(params) == NONE:
        raise ValueError("ledger: expected a path or an address, got none, which keeps nothing that is settled in it")
    if not params["reason"].strip():
        raise ValueError("reason: expected how you know what happened to the order, got an empty text")
    expires_at = read_option("expires_at", params["expires_at"], parse_instant)
    return Word(
        product_no, params["outcome"], params["reason"].strip(), expires_at, params["order_no"], params["force"]
    )
