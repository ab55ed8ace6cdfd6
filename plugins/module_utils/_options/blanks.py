# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are there and hold nothing, as the variable of a pipeline does that is not set.

Taken for options that are left out, they would lift what they were to bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

# What bounds a run: without one of these there is no such bound, and nothing else asks for it.
LIMITS = (
    *("max_total", "max_amount_per_item", "max_price_increase_percent", "currency", "run_id"),
    *("on_unknown_price", "on_unknown_auto_renewal"),
    # A run for which nobody has approved anything would decide again.
    *("plan_file", "plan_digest"),
)


def _itself(option: str) -> str:
    return option


def refuse_blanks(params: Mapping[str, Any], options: Iterable[str], called: Callable[[str], str] = _itself) -> None:
    """Raise ValueError for an option that is an empty text. ``called`` is what its user calls an option."""
    for option in options:
        value = params.get(option)
        if isinstance(value, str) and not value.strip():
            raise _nothing(called(option), "an empty text")


def refuse_nulls(params: Mapping[str, Any], options: Iterable[str], called: Callable[[str], str] = _itself) -> None:
    """As `refuse_blanks`, for null: a template that yields nothing is null under some cores, and empty under others."""
    for option in options:
        if option in params and params[option] is None:
            raise _nothing(called(option), "null")


def _nothing(option: str, seen: str) -> ValueError:
    return ValueError(
        f"{option}: expected a value, got {seen}; set the variable that it comes from, or leave {option} out"
    )
