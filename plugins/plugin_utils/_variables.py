# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: check the names of a role's variables, since Ansible silently ignores a misspelt one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any


def extra_variable(prefix: str) -> str:
    """The variable that lists the user's own variables with a role's prefix."""
    return f"{prefix}extra_variables"


def complaint_about(names: Iterable[str], prefix: str, known: Collection[str], extra: Any) -> str:
    """A message about unknown variables of a host, each with the closest known name; empty if there are none.

    Variables without the role's ``prefix`` do not count. ``extra`` is the value of `extra_variable`: a list of names,
    or names separated by commas. Raises ValueError if it is neither.
    """
    unknown = {name for name in names if name.startswith(prefix)}.difference(known)
    if not unknown:
        return ""
    if isinstance(extra, str):
        extra = [name.strip() for name in extra.split(",")]
    if not isinstance(extra, (list, tuple)) or not all(isinstance(name, str) for name in extra):
        raise ValueError(f"{extra_variable(prefix)}: expected a list of names of variables, got {extra!r}")
    names_found = ", ".join(_with_closest(name, prefix, known) for name in sorted(unknown.difference(extra)))
    if not names_found:
        return ""
    return (
        f"unknown variables of the role: {names_found}. They would have no effect, so correct their names, or list"
        f" those that are your own in {extra_variable(prefix)}"
    )


def _with_closest(name: str, prefix: str, known: Iterable[str]) -> str:
    # Compared without the prefix, which all names share.
    closest = get_close_matches(name[len(prefix) :], [one[len(prefix) :] for one in known], 1)
    return f"{name} (the closest is {prefix}{closest[0]})" if closest else name
