# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: unmapped fields of a row, at any depth, that look like a concept: only suggested, never used."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from .._secrets import is_confidential

DEEPEST = 4  # nested objects
MOST_SUGGESTIONS = 3
# The rows of a listing have the same fields.
_by_name = lru_cache(maxsize=4096)

# What a field may be called other than the candidates, and what is something else; both match folded names.
_LOOKS_LIKE = {
    "expires_at": re.compile("expir|valid(to|through|until|till)$|(end|due|renewal)(date|time)$"),
    "plan": re.compile("(plan|edition|package)(name)?$"),
    "plan_id": re.compile("(plan|edition|package)id$"),
    "quantity": re.compile("(extensions?|seats?|quantity|capacity)(num|number|count|quantity|limit)?$"),
    "billing_cycle": re.compile("(cycle|term|period|interval)$"),
    "services": re.compile("(service|addon|option)s?(list)?$"),
    "service_id": re.compile("id$"),
    "service_name": re.compile("name$"),
    "amount": re.compile("(amount|price|total|fee|charge|cost)$"),
    "currency": re.compile("currency"),
    "pricing_plan_id": re.compile("pric(e|ing)(plan)?id$"),
    "pricing_service_id": re.compile("pric(e|ing)(service)?id$"),
}
_IS_SOMETHING_ELSE = {
    "expires_at": re.compile("currentplan|record|service|addon|trial|support|certificate|remind"),
    "plan": re.compile("currentplan"),
    "quantity": re.compile("call|record|minute"),
}


def leaves(row: Mapping[str, Any], within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field of a row with its path of keys, including those of nested objects.

    Fields that no dotted path can name, and those that may be confidential, are left out.
    """
    for key, value in row.items():
        if _is_left_out(key):
            continue
        yield (*within, key), value
        if isinstance(value, Mapping) and len(within) + 1 < DEEPEST:
            yield from leaves(value, (*within, key))


@_by_name
def _is_left_out(key: str) -> bool:
    return "." in key or is_confidential(key)


@_by_name
def folded(name: str) -> str:
    """A name in lower case without punctuation: expire_date and expireDate are the same."""
    return re.sub("[^a-z0-9]", "", name.casefold())


@_by_name
def looks_like(path: tuple[str, ...], concept: str, candidates: tuple[str, ...] = ()) -> bool:
    """Whether the field at a path may be the concept, judging by its name, or by its parent's name and its own."""
    if concept not in _LOOKS_LIKE:
        return False
    if is_something_else(path, concept):
        return False
    names = [folded(path[-1]), folded("".join(path[-2:]))]
    known = {folded(candidate) for candidate in candidates}
    return any(name in known or _LOOKS_LIKE[concept].search(name) for name in names)


def is_something_else(path: tuple[str, ...], concept: str) -> bool:
    """Whether the name of a field says that it is not the concept, however much its value looks like it."""
    pattern = _IS_SOMETHING_ELSE.get(concept)
    return pattern is not None and pattern.search(folded("".join(path))) is not None


def suggestions(
    row: Mapping[str, Any],
    concept: str,
    candidates: tuple[str, ...],
    tried: Collection[str],
    reader: Callable[[Any], Any],
) -> list[str]:
    """The first few dotted paths of fields that look like a concept and can be read as one.

    ``tried`` are the paths that were already read.
    """
    found = []
    for path, value in leaves(row):
        name = ".".join(path)
        if name in tried or value is None or value == "" or not looks_like(path, concept, candidates):
            continue
        try:
            reader(value)
        except ValueError:
            continue
        found.append(name)
        if len(found) == MOST_SUGGESTIONS:
            break
    return found
