# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that select subscriptions of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._model.subscription import Filters
from .blanks import refuse_blanks
from .values import MAX_DAYS, now_of, product_no_of, within


def filters_of(params: Mapping[str, Any]) -> Filters:
    """Read which subscriptions are wanted. Raises ValueError for a bad value."""
    refuse_blanks(params, ("plan",))
    within("expires_within", params["expires_within"], 0, MAX_DAYS)
    product_nos = params["product_no"] if isinstance(params["product_no"], list) else [params["product_no"]]
    return Filters(
        now=now_of(params),
        product_nos=tuple(product_no_of(value) for value in product_nos if value is not None),
        expires_within=params["expires_within"],
        plan=params["plan"],
    )
