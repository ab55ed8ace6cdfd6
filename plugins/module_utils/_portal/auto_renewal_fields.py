# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row says about auto-renewal, under any name and at any depth: on, off, unreadable, or nothing.

The vendor does not publish the name of the field (docs/portal-api.md, 11.16). So every key that looks like it counts,
and none is ignored: a value that cannot be read makes the result unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Union

from .._model.undetermined import Undetermined
from .._secrets import is_confidential
from .._text import quoted

_ON = ("true", "on", "yes", "y", "1", "enabled", "enable", "active", "activated", "open", "opened", "auto", "automatic")
_OFF = ("false", "off", "no", "n", "0", "disabled", "disable", "inactive", "unactivated", "deactivated", "close")
SWITCHES = {**dict.fromkeys(_ON, True), **dict.fromkeys((*_OFF, "closed", "manual"), False)}

# isAutoRenew, enable_auto_renewal, planAutoRenewFlag, autoRenewal.status, renewAutomatically; but no autoRenewCycle.
_AUTO = "(auto(matic(ally)?)?renew(al|ed|s)?|renew(al)?auto(matic(ally)?)?)"
_SWITCH = re.compile(
    f"{_AUTO}(active|enabled?|fla?g|ind(icator)?|on|open(ed)?|state|status|switch|value|yn|cancell?ed|disabled|stopped)?$"
)
_OPPOSITE = re.compile("cancel|disable|stop")
# How a renewal happens: renewType, renewalMode, autoRenewCycle. Only the vendor knows whether it is automatic.
_MANNER = re.compile(f"{_AUTO}|renew(al)?(kind|manner|method|mode|option|policy|rule|setting|strategy|type|way)s?$")


def read_auto_renewal(row: Mapping[str, Any], known: Collection[str]) -> Union[bool, Undetermined, None]:
    """Combine all keys of a row that look like auto-renewal; None if there are none.

    Any "on" wins over any "off". Only the keys in ``known`` can say "off", since any other may concern only a part of
    the PBX.
    """
    found = [(key, _read(key, value)) for key, value in _switches(row, ())]
    if any(value is True for dummy, value in found):
        return True
    unreadable = [value for dummy, value in found if isinstance(value, Undetermined)]
    if unreadable:
        return unreadable[0]
    return False if any(key in known for key, dummy in found) else None


def read_answer(answer: Any) -> Union[bool, Undetermined]:
    """Read the portal's answer about auto-renewal, `{autoRenew: Boolean}` (docs/portal-api.md, 6.4)."""
    if isinstance(answer, Undetermined):
        return answer
    value = read_auto_renewal(answer, ("autoRenew",)) if isinstance(answer, Mapping) else None
    if isinstance(value, bool):
        return value
    seen = quoted(answer.get("autoRenew")) if isinstance(answer, Mapping) else quoted(answer)
    why = f"auto_renewal: the portal answers {seen}, expected autoRenew to be true or false"
    return Undetermined("auto_renewal", why, reported=True)


def manners_of_renewal(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a row that describe how it is renewed, each with its value unless that is confidential."""
    return tuple(f"{key}: {quoted(value)}" if value is not None else key for key, value in _manners(row, ()))


def read_switch(value: Any) -> bool:
    """Read "on" or "off" in the usual spellings. Raises ValueError for anything else."""
    word = str(value).strip().casefold() if not isinstance(value, (Mapping, list)) else ""
    if word not in SWITCHES:
        raise ValueError(f"{quoted(value)} is not one of {', '.join(sorted(SWITCHES))}")
    return SWITCHES[word]


def _read(key: str, value: Any) -> Union[bool, Undetermined]:
    name = _plain(key)
    try:
        if _OPPOSITE.search(name):
            raise ValueError(f"its name may reverse the meaning of its value, {quoted(value)}")
        return read_switch(value)
    except ValueError as error:
        return Undetermined("auto_renewal", f"auto_renewal: {key} cannot be read: {error}", reported=True)


def _switches(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Every dotted key at any depth that looks like auto-renewal, with its value; a container only if it has none."""
    within: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        within = [found for key, inner in value.items() for found in _switches(inner, (*path, key))]
    elif isinstance(value, list):
        within = [found for inner in value for found in _switches(inner, path)]
    if within:
        yield from within
    elif not _is_empty(value) and _SWITCH.search("".join(map(_plain, path))):
        yield ".".join(path), value


def _manners(row: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if _is_empty(value):
            continue
        if _MANNER.search(_plain(key)) and not _SWITCH.search(_plain(key)):
            yield ".".join((*path, key)), None if is_confidential(key) else value
        elif isinstance(value, Mapping):
            yield from _manners(value, (*path, key))


def _is_empty(value: Any) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


@lru_cache(maxsize=4096)  # the rows of a listing have the same keys
def _plain(key: str) -> str:
    return re.sub("[^a-z]", "", key.casefold())
