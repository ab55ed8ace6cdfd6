# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that hides secrets: out of every answer before it leaves the transport, and out of every result.

ansible-core hides what a module returns before 2.22, and from then on only what is displayed; no core hides what is
written to files, facts, plans or events.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from ._text import HIDDEN, MARK, clean

LEAST_LENGTH = 8  # characters; a shorter secret would be found in dates, names and numbers that are none

_CODES = ("activationcode", "activationcodes")
_CONFIDENTIAL = ("activationcode", "secret", "token", "password", "authorization", "credential")
_VARIABLES = ("YEASTAR_CLIENT_SECRET", "YEASTAR_ACCESS_TOKEN", "PGPASSWORD")
_NAMES_AN_ID = ("id", "no", "sn")


class Secrets:
    """The secrets of a run: those it was given, those the portal has issued, and codes that its answers have named."""

    def __init__(self, known: Iterable[str] = (), on_issued: Callable[[str], None] = lambda secret: None) -> None:
        """``on_issued`` is called with each secret that the portal issues, for ansible-core to hide it as well."""
        self._on_issued = on_issued
        self._forms: set[str] = set()
        # How long they are, by how they begin: a thousand cost no more to look for than one.
        self._lengths: dict[str, tuple[int, ...]] = {}
        for secret in known:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret from now on, also as JSON, HTML, a form or a terminal would have it, unless it is too short."""
        secret = secret.strip()
        as_json = json.dumps(secret)[1:-1]
        as_forms = (quote(secret, safe=""), quote_plus(secret))
        for form in {secret, clean(secret), as_json, as_json.replace("/", "\\/"), html.escape(secret), *as_forms}:
            if len(form) >= LEAST_LENGTH and form not in self._forms:
                self._forms.add(form)
                begin = form[:LEAST_LENGTH]
                self._lengths[begin] = (*self._lengths.get(begin, ()), len(form))

    def issue(self, secret: str) -> None:
        """Hide a secret that the portal has just issued."""
        self.add(secret)
        self._on_issued(secret)

    def of_answer(self, answer: Any) -> Any:
        """A copy of an answer of the portal that holds no secret, nor an activation code that any answer has named.

        Nothing is hidden for the name of its field alone: what is said there may decide about an order.
        """
        self._learn(answer)
        return self.hidden(answer)

    def hidden(self, value: Any) -> Any:
        """A copy of a JSON value without secrets in its texts and keys."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {self.hide(key): self.hidden(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hidden(item) for item in value]
        return value

    def hide(self, text: str) -> str:
        """A text without the secrets in it."""
        parts, end = [], 0
        for at in range(len(text) - LEAST_LENGTH + 1):
            for length in self._lengths.get(text[at : at + LEAST_LENGTH], ()):
                if text[at : at + length] in self._forms and not _is_within_a_number(text, at, at + length):
                    parts += [text[end:at], HIDDEN] if at >= end else []
                    end = max(end, at + length)
        return "".join([*parts, text[end:]]) if end else text

    def _learn(self, answer: Any) -> None:
        """Take the activation codes of an answer for secrets, but for one by which the same object is named."""
        if isinstance(answer, list):
            for item in answer:
                self._learn(item)
        if not isinstance(answer, Mapping):
            return
        for key, value in answer.items():
            if _plain(key).endswith(_CODES):
                codes = {str(code) for code in (value if isinstance(value, list) else [value]) if _is_scalar(code)}
                for code in codes - {str(answer[name]) for name in answer if _plain(name).endswith(_NAMES_AN_ID)}:
                    self.add(code)
            else:
                self._learn(value)


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """What the environment has of secrets that options are taken from."""
    return [environment[name] for name in _VARIABLES if environment.get(name)]


def masked(value: Any) -> Any:
    """A copy of an answer that may be shown: each field is hidden whose name says that it is confidential."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if item and is_confidential(key) else masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, (list, tuple)) else value


def is_confidential(key: str) -> bool:
    """Whether a field of this name may hold a secret or an activation code; one that hides a character may."""
    name = _plain(key)
    return MARK in name or any(word in name for word in _CONFIDENTIAL)


@lru_cache(maxsize=4096)  # the rows of a listing have the same fields
def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _is_within_a_number(text: str, start: int, end: int) -> bool:
    """Whether digits are a part of a longer number, such as an id, and so are no code of eight."""
    around = (text[start - 1 : start], text[end : end + 1])
    return text[start:end].isdigit() and any(one.isdigit() for one in around)
