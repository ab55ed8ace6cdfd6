# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the table of a report for spreadsheets, with a type for every value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, Optional, Union

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import parse_instant
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import parse_amount

COLUMNS = (
    "product_no",
    "comment",
    "expires_at",
    "days_left",
    "plan",
    "services",
    "quantity",
    "billing_cycle",
    "auto_renewal",
    "activation_status",
    "state",
    "reason",
    "message",
    "expires_after",
    "amount",
    "currency",
    "other_expiries",
)

# What is empty where there is none; every other value is unknown then.
_OPTIONAL = ("comment", "activation_status", "state", "reason", "message", "expires_after")


def table(model: Mapping[str, Any]) -> list[list[Any]]:
    """The rows of a report's read model, below the names of their columns.

    An expiry is a date if the portal gives only that, else an aware datetime, and so is the one after a renewal. An
    amount is a Decimal. What is unknown is None, what does not exist is an empty text.
    """
    return [list(COLUMNS), *([_cell(row, column) for column in COLUMNS] for row in model["rows"])]


def _cell(row: Mapping[str, Any], column: str) -> Any:
    if column in ("amount", "currency"):
        price: Optional[Mapping[str, str]] = row["price"]
        return None if price is None else _part(price, column)
    value = row[column]
    if column == "other_expiries":
        return [" ".join(item) for item in (value or {}).items()]
    if value is None:
        return "" if column in _OPTIONAL else None
    return _expiry(row, column) if column in ("expires_at", "expires_after") else value


def _expiry(row: Mapping[str, Any], column: str) -> date:
    day: Optional[str] = row["expires_on"]
    instant = parse_instant(row[column])
    if day is None or (column == "expires_after" and instant.time() != time()):
        return instant
    return date.fromisoformat(day) if column == "expires_at" else instant.date()


def _part(price: Mapping[str, str], column: str) -> Union[Decimal, str]:
    return parse_amount(price["amount"]) if column == "amount" else price["currency"]
