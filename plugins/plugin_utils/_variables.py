# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: the names of a role's variables. Ansible says nothing of one that is misspelt: what it declares just is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any


def extra_variable(prefix: str) -> str:
    """The variable that lists names of the user's own which begin with a role's prefix."""
    return f"{prefix}extra_variables"


def complaint_about(names: Iterable[str], prefix: str, known: Collection[str], extra: Any) -> str:
    """What is wrong with the names of a host's variables, each unknown one with its nearest; empty if nothing is.

    Those without the role's ``prefix`` do not count. ``extra`` is the value of `extra_variable`, a list of names or
    names with commas between them. Raises ValueError if it is neither.
    """
    unknown = {name for name in names if name.startswith(prefix)}.difference(known)
    if not unknown:
        return ""
    if isinstance(extra, str):
        extra = [name.strip() for name in extra.split(",")]
    if not isinstance(extra, (list, tuple)) or not all(isinstance(name, str) for name in extra):
        raise ValueError(f"{extra_variable(prefix)}: expected a list of names of variables, got {extra!r}")
    told = ", ".join(_with_nearest(name, prefix, known) for name in sorted(unknown.difference(extra)))
    if not told:
        return ""
    return (
        f"unknown variables of the role: {told}. What they say would not count, so correct their names, or list those"
        f" that are your own in {extra_variable(prefix)}"
    )


def _with_nearest(name: str, prefix: str, known: Iterable[str]) -> str:
    # Without the prefix, which all of them have in common.
    nearest = get_close_matches(name[len(prefix) :], [one[len(prefix) :] for one in known], 1)
    return f"{name} (the nearest is {prefix}{nearest[0]})" if nearest else name
