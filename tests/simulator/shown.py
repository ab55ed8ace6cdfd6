# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences from the profile in answers: fields moved, with other values, added, or missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shown:
    """Changes of what answers show, not of the facts. A field is a name, or a dotted path into objects.

    ``moved`` maps the old place of a field to its new one. ``rows``, ``prices`` and, by the name of a service,
    ``services`` have values that replace those of product rows and details, of the answers about prices, and of the
    row of a service; None removes the field. A service that a PBX does not have is listed anyway.
    """

    moved: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=dict)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A product's row or details as shown."""
        return _laid_over(row, self.moved, self.rows)

    def service(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        """The row of a service as shown."""
        return _laid_over(row, {}, self.services.get(name, {}))

    def price(self, info: dict[str, Any]) -> dict[str, Any]:
        """An answer about a price as shown."""
        return _laid_over(info, self.moved, self.prices)


def _laid_over(row: dict[str, Any], moved: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(row)
    for old, new in moved.items():
        if old in result:
            _put(result, new, result.pop(old))
    for path, value in values.items():
        _put(result, path, value)
    return result


def _put(row: dict[str, Any], path: str, value: Any) -> None:
    *parents, key = path.split(".")
    for parent in parents:
        row = row.setdefault(parent, {})
    if value is None:
        row.pop(key, None)
    else:
        row[key] = value
