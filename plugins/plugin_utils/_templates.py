# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: what ansible-core 2.18 makes of variables in its own way, and 2.19 and newer do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def textual(templar: Any) -> Any:
    """A templar for which text that comes out of a template stays text.

    With ``jinja2_native``, ansible-core 2.18 reads such text as Python: the serial number 3631E3418911 is infinite.
    """
    return templar.copy_with_new_env() if getattr(templar, "jinja2_native", False) else templar


def decrypted(value: Any) -> Any:
    """A value in which inline ``!vault`` is text. For ansible-core 2.18 it is an object that no option takes."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)
    if isinstance(value, Mapping):
        return {name: decrypted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [decrypted(item) for item in value]
    return value
