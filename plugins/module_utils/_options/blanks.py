# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are set but blank, as by a pipeline variable that is not set.

Treating them as left out would remove a limit that the user intended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

# Limits of a run: without the option there is no limit, and nothing else requires one.
LIMITS = (
    *("max_total", "max_amount_per_item", "max_price_increase_percent", "currency", "run_id"),
    *("on_unknown_price", "on_unknown_auto_renewal"),
    # Without an approved plan, the run would decide by itself.
    *("plan_file", "plan_digest"),
)


def _itself(option: str) -> str:
    return option


def refuse_blanks(params: Mapping[str, Any], options: Iterable[str], called: Callable[[str], str] = _itself) -> None:
    """Raise ValueError for an option that is an empty text. ``called`` returns the user's name for an option."""
    for option in options:
        value = params.get(option)
        if isinstance(value, str) and not value.strip():
            raise _blank(called(option), "an empty text")


def refuse_nulls(params: Mapping[str, Any], options: Iterable[str], called: Callable[[str], str] = _itself) -> None:
    """Like `refuse_blanks`, for null: an empty template yields null with some ansible-cores, and "" with others."""
    for option in options:
        if option in params and params[option] is None:
            raise _blank(called(option), "null")


def _blank(option: str, value: str) -> ValueError:
    return ValueError(
        f"{option}: expected a value, got {value}; set the variable that it comes from, or leave {option} out"
    )
