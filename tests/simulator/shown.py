# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown otherwise than the profile has it: fields elsewhere, with other values, besides, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shown:
    """Changes of what answers show, none of what is so. A field is a name, or a dotted path into objects.

    ``moved`` has the new place of a field by its old one. ``rows``, ``prices`` and, by the name of a service,
    ``services`` have values that are laid over product rows and details, over the answers about prices, and over the
    row of a service; None takes the field out. A service that a PBX does not have is listed all the same.
    """

    moved: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=dict)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A product's row or detail as it is shown."""
        return _laid_over(row, self.moved, self.rows)

    def service(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        """The row of a service as it is shown."""
        return _laid_over(row, {}, self.services.get(name, {}))

    def price(self, info: dict[str, Any]) -> dict[str, Any]:
        """An answer about a price as it is shown."""
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
