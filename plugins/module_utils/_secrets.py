# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that hides secrets: out of every answer before it leaves the transport, and out of every result.

ansible-core hides what a module returns before 2.22, and from then on only what is displayed; no core hides what is
written to files, facts, plans or events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from ._text import HIDDEN, MARK, clean

LEAST_LENGTH = 8  # characters; a shorter secret would be found in dates, names and numbers that are none

_CONFIDENTIAL = ("activationcode", "secret", "token", "password", "authorization", "credential")


class Secrets:
    """The secrets of a run: those it was given, those the portal has issued, and codes that its answers have named."""

    def __init__(self, known: Iterable[str] = (), on_issued: Callable[[str], None] = lambda secret: None) -> None:
        """``on_issued`` is called with each secret that the portal issues, for ansible-core to hide it as well."""
        self._on_issued = on_issued
        self._forms: set[str] = set()
        # How long they are, by how they begin: a thousand cost no more to look for than one.
        self._lengths: dict[str, set[int]] = {}
        for secret in known:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret from now on, also as JSON, a form or a terminal would write it, unless it is too short."""
        secret = secret.strip()
        for form in {secret, clean(secret), json.dumps(secret)[1:-1], quote_plus(secret)}:
            if len(form) >= LEAST_LENGTH:
                self._forms.add(form)
                self._lengths.setdefault(form[:LEAST_LENGTH], set()).add(len(form))

    def issue(self, secret: str) -> None:
        """Hide a secret that the portal has just issued."""
        self.add(secret)
        self._on_issued(secret)

    def of_answer(self, answer: Any) -> Any:
        """A copy of an answer of the portal that holds no secret.

        A field whose name says that it is confidential is hidden whatever it holds, unless it is empty; its text is
        hidden wherever else it stands, from now on.
        """
        self._learn(answer)
        return self._hidden(answer, by_name=True)

    def hidden(self, value: Any) -> Any:
        """A copy of a JSON value without secrets in its texts and keys."""
        return self._hidden(value, by_name=False)

    def hide(self, text: str) -> str:
        """A text without the secrets in it."""
        parts, end = [], 0
        for at in range(len(text) - LEAST_LENGTH + 1):
            for length in self._lengths.get(text[at : at + LEAST_LENGTH], ()):
                if text[at : at + length] in self._forms:
                    parts += [text[end:at], HIDDEN] if at >= end else []
                    end = max(end, at + length)
        return "".join([*parts, text[end:]]) if end else text

    def _learn(self, answer: Any) -> None:
        if isinstance(answer, Mapping):
            for key, value in answer.items():
                if isinstance(value, str) and _plain(key).endswith(_CONFIDENTIAL):
                    self.add(value)
                else:
                    self._learn(value)
        elif isinstance(answer, list):
            for item in answer:
                self._learn(item)

    def _hidden(self, value: Any, by_name: bool) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {
                self.hide(key): HIDDEN if by_name and item and is_confidential(key) else self._hidden(item, by_name)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._hidden(item, by_name) for item in value]
        return value


def is_confidential(key: str) -> bool:
    """Whether a field of this name may hold a secret or an activation code; one that hides a character may."""
    name = _plain(key)
    return MARK in name or any(word in name for word in _CONFIDENTIAL)


@lru_cache(maxsize=4096)  # the rows of a listing have the same fields
def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()
