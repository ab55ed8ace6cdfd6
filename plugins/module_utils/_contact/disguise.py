# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: replace everything in the portal's answers that says something about anyone.

A text is taken apart into words: runs of letters and digits. Every word is replaced by another one of the same shape,
the same one wherever it occurs, whether as text or as a number. So joins, formats and lengths survive. Within a shape
of many possibilities, the order survives too; a short one would be given away by its order.
"""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import groupby, product
from typing import Any, Optional
from urllib.parse import quote, unquote

from .._model.po_number import is_tag
from .._secrets import is_confidential
from .clear import Clear, is_date_text

REMOVED = "removed"  # replaces secrets and activation codes
IN_A_LIST = ""  # the name of what a list holds: 101 in a list of extensions is no quantity
LEAST_ORDERED = 6  # characters of a word from which on its order is kept

_ASCII_WORD = re.compile("[0-9A-Za-z]+")
_PATH_PART = re.compile("v[0-9]+|[a-z][a-z_]*")
_LETTER, _DIGIT, _ZERO, _FIRST_DIGIT = "l", "d", "0", "1"


def _run(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


# The characters that may replace those of a kind. Letters are replaced in lower case, and then take the case back.
_ALPHABETS = {
    _LETTER: "abcdefghijklmnopqrstuvwxyz",
    _DIGIT: "0123456789",
    _ZERO: "0",
    _FIRST_DIGIT: "123456789",
    "Lu": _run(0xC0, 0xD6),
    "Ll": _run(0xE0, 0xF6),
    "Lo": _run(0x4E00, 0x9FFF),
    "M": _run(0x0300, 0x030F),
    "N": _run(0x0660, 0x0669),
    "S": _run(0x2801, 0x28FF),
    "C": _run(0xE000, 0xE0FF),
    "Tag": _run(0xE0061, 0xE007A),
}


class Disguise:
    """Replaces the values of one recording: `learn` everything first, then take the replacements from `of`."""

    def __init__(self, clear: Clear, choose: random.Random) -> None:
        """``choose`` makes the replacements, and is not kept; ``clear`` says what is not replaced."""
        self._clear = clear
        self._choose = choose
        self._words: dict[tuple[str, ...], set[str]] = {}
        self._values: set[str] = set()
        self._digests: dict[str, str] = {}
        self._replacements: Optional[dict[str, str]] = None

    def learn(self, value: Any, *names: str) -> None:
        """Take note of a JSON value; ``names`` are the keys that lead to it."""
        self._walk(value, names, self._noted)

    def of(self, value: Any, *names: str) -> Any:
        """A JSON value of the same shape that says nothing about anyone. It must have been learned."""
        return self._walk(value, names, self._replaced)

    def learn_path(self, path: str) -> None:
        """Take note of the ids in the path of a request."""
        for part in path.split("/"):
            if _PATH_PART.fullmatch(part) is None:
                self.learn(unquote(part))

    def of_path(self, path: str) -> str:
        """A path with its ids replaced."""
        parts = path.split("/")
        is_name = [_PATH_PART.fullmatch(part) is not None and part not in self._values for part in parts]
        return "/".join(part if kept else quote(self.of(unquote(part)), safe="") for kept, part in zip(is_name, parts))

    def _walk(self, value: Any, names: tuple[str, ...], text: Callable[[str], str]) -> Any:
        if isinstance(value, Mapping):
            members = {key: self._walk(item, (*names, key), text) for key, item in value.items()}
            return {self._key(key, names, text): item for key, item in members.items()}
        if isinstance(value, list):
            return [self._walk(item, (*names, IN_A_LIST), text) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if any(map(is_confidential, names)):
            return (REMOVED if value.strip() else value) if isinstance(value, str) else type(value)(0)
        if self._clear.keeps(names, value):
            return value
        if isinstance(value, str) and is_tag(value.strip()):
            return self._tag(value)
        if isinstance(value, str):
            self._values.add(value.strip())
            return _without_its_date(value, text)
        return _number(value, text)

    def _tag(self, text: str) -> str:
        """Replace the hash in a purchase order number of ours, which the collection must still know for one."""
        digest = text.partition("-")[2][:8]
        return text.replace(digest, self._digests.setdefault(digest, f"{self._choose.getrandbits(32):08x}"))

    def _key(self, key: str, names: tuple[str, ...], text: Callable[[str], str]) -> str:
        is_name = self._clear.keeps_key(key) and key not in self._values and not any(map(is_confidential, names))
        return key if is_name or self._clear.is_known_key(key) else text(key)

    def _noted(self, text: str) -> str:
        for word in _words(text):
            folded = _folded(word)
            if self._is_replaced(folded):
                self._words.setdefault(_shape(folded), set()).add(folded)
        return text

    def _replaced(self, text: str) -> str:
        if self._replacements is None:
            taken = {_folded(word) for kept in self._clear.texts for word in _words(kept)}
            self._replacements = {}
            for shape, words in sorted(self._words.items()):
                self._replacements.update(_assigned(shape, sorted(words), taken, self._choose))
        parts = []
        end = 0
        for start, word in _placed_words(text):
            folded = _folded(word)
            new = self._replacements[folded] if self._is_replaced(folded) else folded
            parts += [text[end:start], _cased(new, word)]
            end = start + len(word)
        return "".join([*parts, text[end:]])

    def _is_replaced(self, word: str) -> bool:
        return word != "1" and word.strip("0") != "" and word not in self._clear.ids


def _without_its_date(value: str, text: Callable[[str], str]) -> str:
    """Replace a text, except the date in front of a time zone in brackets, as Java writes it."""
    date, bracket, zone = value.partition("[")
    return date + text(bracket + zone) if bracket and is_date_text(date.strip()) else text(value)


def _number(value: Any, text: Callable[[str], str]) -> Any:
    """Replace the digits of a number; its sign, its type, and the places of a fraction remain."""
    if isinstance(value, int):
        return int(text(str(value)))
    shown = str(value)
    if "E" not in shown:
        return Decimal(text(shown))
    sign, digits, exponent = value.as_tuple()
    replaced = text("".join(map(str, digits)))
    return Decimal((sign, tuple(map(int, replaced)), exponent))


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """What replaces a character, by its key in `_ALPHABETS`; empty for one that is kept: ASCII signs and all blanks."""
    if char.isascii():
        return _LETTER if char.isalpha() else _DIGIT if char.isdigit() else ""
    category = unicodedata.category(char)
    if category in ("Lu", "Ll"):
        return category
    if category == "Cf":
        return "Tag" if ord(char) > 0xFFFF else ""
    kinds = {"L": "Lo", "M": "M", "N": "N", "S": "S"}
    return "C" if category in ("Co", "Cn") else kinds.get(category[0], "")


def _placed_words(text: str) -> Iterator[tuple[int, str]]:
    """The words of a text, each with the position where it begins."""
    if text.isascii():
        for match in _ASCII_WORD.finditer(text):
            yield match.start(), match[0]
        return
    start = 0
    for is_word, chars in groupby(text, lambda char: _kind(char) != ""):
        run = "".join(chars)
        if is_word:
            yield start, run
        start += len(run)


def _words(text: str) -> Iterator[str]:
    return (word for dummy, word in _placed_words(text))


def _folded(word: str) -> str:
    """A word in lower case, as far as ASCII goes, so that a serial number is the same in any case."""
    return word.lower() if word.isascii() else "".join(char.lower() if char.isascii() else char for char in word)


def _cased(replacement: str, word: str) -> str:
    pairs = zip(replacement, word)
    return "".join(new.upper() if old.isascii() and old.isupper() else new for new, old in pairs)


def _shape(word: str) -> tuple[str, ...]:
    """The kinds of the characters; zeros in front stay zeros, and no other number gets one."""
    zeros = len(word) - len(word.lstrip("0"))
    kinds = [_ZERO] * zeros + [_kind(char) for char in word[zeros:]]
    if kinds[zeros:][:1] == [_DIGIT]:
        kinds[zeros] = _FIRST_DIGIT
    return tuple(kinds)


def _assigned(shape: tuple[str, ...], words: list[str], taken: set[str], choose: random.Random) -> dict[str, str]:
    """Replacements for all words of a shape, all different, and none a word that occurs, unless too few are left."""
    alphabets = [_ALPHABETS[kind] for kind in shape]
    size = math.prod(map(len, alphabets))
    if size > 4 * (len(words) + len(taken)):
        chosen: set[str] = set()
        while len(chosen) < len(words):
            chosen.add("".join(map(choose.choice, alphabets)))
            chosen -= taken.union(words) if len(chosen) == len(words) else set()
        new = list(chosen)
        choose.shuffle(new)
    else:
        new = _chosen_of_few(["".join(chars) for chars in product(*alphabets)], words, taken, choose)
    if len(shape) - shape.count(_ZERO) >= LEAST_ORDERED:
        new.sort()
    return dict(zip(words, new))


def _chosen_of_few(possible: list[str], words: list[str], taken: set[str], choose: random.Random) -> list[str]:
    free = [word for word in possible if word not in taken and word not in words]
    if len(free) < len(words):
        free = [word for word in possible if word not in taken]
    new = choose.sample(free if len(free) >= len(words) else possible, len(words))
    for index, word in enumerate(words):
        if new[index] == word:  # two in a row cannot both stay after the exchange
            new[index - 1], new[index] = new[index], new[index - 1]
    return new
