# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: handle variables that ansible-core 2.18 treats differently from 2.19 and newer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def textual(templar: Any) -> Any:
    """A templar that keeps text from templates as text.

    With ``jinja2_native``, ansible-core 2.18 evaluates it as Python: the serial number 3631E3418911 becomes infinite.
    """
    return templar.copy_with_new_env() if getattr(templar, "jinja2_native", False) else templar


def decrypted(value: Any) -> Any:
    """A value with inline ``!vault`` values as text. In ansible-core 2.18 they are objects that no option accepts."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)
    if isinstance(value, Mapping):
        return {name: decrypted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [decrypted(item) for item in value]
    return value
