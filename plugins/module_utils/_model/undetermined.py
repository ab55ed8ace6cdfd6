# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that the portal does not report: unknown is a value of its own, which cannot be mistaken for a known one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Optional, TypeVar, Union

T = TypeVar("T")


@dataclass(frozen=True)
class Undetermined:
    """A value of the portal that cannot be determined. The operator's declaration may replace it.

    ``reported`` is False if the portal says nothing, and True if it says something that cannot be read or that
    contradicts itself. ``seen`` is what can be read of it all the same: a declared value must be one of these. ``why``
    is a clause for people; ``mappings`` are lines of `field_map` that may be what is needed.
    """

    concept: str
    why: str
    reported: bool = False
    seen: tuple[Any, ...] = ()
    mappings: tuple[str, ...] = ()


def known(value: Union[T, Undetermined]) -> Optional[T]:
    """The value, or None if it could not be determined."""
    return None if isinstance(value, Undetermined) else value


def _is_unreported(value: object) -> bool:
    return isinstance(value, Undetermined) and not value.reported


def portable(value: Any) -> Any:
    """A copy of a portal's row that any JSON reader takes as it is: integers above 2^53, which many would round, become
    strings (docs/portal-api.md, 9.1).
    """
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > 2**53):
        return str(value)
    return value
