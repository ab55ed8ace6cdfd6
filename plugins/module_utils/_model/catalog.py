# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, services, and the catalog from which they are ordered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Offer:
    """A plan or a service, by id, name, or both, as far as known."""

    id: Optional[str]
    name: Optional[str]

    def __str__(self) -> str:
        return self.name or f"id {self.id}"

    def is_called(self, text: str) -> bool:
        """Whether an operator's word for it, an id or a name in any case, means this one."""
        return text.strip() == self.id or (self.name is not None and same_name(text, self.name))


def same_name(left: str, right: str) -> bool:
    """Whether two names are equal, ignoring case and the number and kind of blanks (non-breaking ones included)."""
    return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()


@dataclass(frozen=True)
class Between:
    """Services that a PBX certainly has, and those that it has at most."""

    least: tuple[Offer, ...]
    most: tuple[Offer, ...]


@dataclass(frozen=True)
class CatalogEntry:
    """A plan or service that can be ordered (docs/portal-api.md, 5.2).

    ``pricing_id`` is the path parameter of the renewal information; ``plan_id`` the plan a service belongs to.
    """

    offer: Offer
    pricing_id: Optional[str]
    plan_id: Optional[str] = None


@dataclass(frozen=True)
class Catalog:
    """The plans and services of product 13."""

    plans: tuple[CatalogEntry, ...] = ()
    services: tuple[CatalogEntry, ...] = ()
