# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that hides secrets: in every answer before it leaves the transport, and in every result.

Before 2.22, ansible-core hides secrets in what a module returns; from then on only in what is displayed. No core hides
them in files, facts, plans or events.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from ._text import HIDDEN, MARK, clean

LEAST_LENGTH = 8  # characters; a shorter secret would match ordinary dates, names and numbers

_CODES = ("activationcode", "activationcodes")
_CONFIDENTIAL = ("activationcode", "secret", "token", "password", "authorization", "credential")
_VARIABLES = ("YEASTAR_CLIENT_SECRET", "YEASTAR_ACCESS_TOKEN", "PGPASSWORD")
_NAMES_AN_ID = ("id", "no", "sn")


class Secrets:
    """The secrets of a run: given ones, those that the portal issued, and activation codes in its answers."""

    def __init__(self, known: Iterable[str] = (), on_issued: Callable[[str], None] = lambda secret: None) -> None:
        """``on_issued`` is called with each secret that the portal issues, so that ansible-core hides it too."""
        self._on_issued = on_issued
        self._forms: set[str] = set()
        # The lengths of the forms by their first characters, so that searching for many is as fast as for one.
        self._lengths: dict[str, tuple[int, ...]] = {}
        for secret in known:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret from now on, also as encoded in JSON, HTML, forms or clean text, unless it is too short."""
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
        """A copy of an answer of the portal without secrets and without activation codes from any answer so far.

        Nothing is hidden only because of its field's name: the value may matter for an order.
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
        """Replace the secrets in a text."""
        parts, end = [], 0
        for at in range(len(text) - LEAST_LENGTH + 1):
            for length in self._lengths.get(text[at : at + LEAST_LENGTH], ()):
                if text[at : at + length] in self._forms and not _is_within_a_number(text, at, at + length):
                    parts += [text[end:at], HIDDEN] if at >= end else []
                    end = max(end, at + length)
        return "".join([*parts, text[end:]]) if end else text

    def _learn(self, answer: Any) -> None:
        """Add the activation codes of an answer to the secrets, except one that is also the id of its object."""
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
    """The secrets in the environment that options may use."""
    return [environment[name] for name in _VARIABLES if environment.get(name)]


def masked(value: Any) -> Any:
    """A copy of an answer that may be shown: values of fields with a confidential name are hidden."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if item and is_confidential(key) else masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, (list, tuple)) else value


def is_confidential(key: str) -> bool:
    """Whether a field of this name may contain a secret or an activation code; a hidden character in it counts."""
    name = _plain(key)
    return MARK in name or any(word in name for word in _CONFIDENTIAL)


@lru_cache(maxsize=4096)  # the rows of a listing have the same fields
def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _is_within_a_number(text: str, start: int, end: int) -> bool:
    """Whether digits are part of a longer number, such as an id, and so not a code."""
    neighbours = (text[start - 1 : start], text[end : end + 1])
    return text[start:end].isdigit() and any(one.isdigit() for one in neighbours)
