# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: text of the portal as data: nothing in it acts on a terminal, a CI log or Ansible, or hides from a reader."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

MARK = "\ufffd"  # what a character that cannot be shown is replaced by, followed by its number: U+200B is \ufffd(8203)
HIDDEN = "********"  # what a secret is replaced by
LONGEST_TEXT = 1000  # characters of a name or a comment
LONGEST_ID = 128  # characters
MAX_DEPTH = 50  # levels of an answer; the deepest that is known has less than ten
LONGEST_QUOTE = 60  # characters of a value in a message
MOST_LISTED = 50  # texts in a message

UNSHOWABLE = re.compile(
    # Control characters, ESC among them; halves of characters and what is none; marks of direction and isolates; line
    # and paragraph separators; what has no width.
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    # Joiners, but for the places where emoji and some scripts need them.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
    # What a CI system obeys: GitHub's ::add-mask:: where a line begins, which may be wherever a long one is wrapped,
    # and anywhere ##[add-mask], Azure's ##vso[ and ##teamcity[. An IPv6 address stays as it is.
    "|:(?=:[0-9a-f]{0,4}[g-z_-])|#(?=#[a-z]*\\[)",
    re.IGNORECASE,
)
_STAND_IN = re.compile(f"{MARK}\\(\\d+\\)")
_BREAKS = re.compile(f"(?:{MARK}\\((?:9|10|11|12|13|133|8232|8233)\\))+")


def clean(text: str) -> str:
    """A text without what cannot be shown. Two different texts stay different, and a clean one stays as it is.

    The number is a decimal one, so that it brings no letters into a key.
    """
    return UNSHOWABLE.sub(lambda match: f"{MARK}({ord(match[0])})", text)


def bare(text: str) -> str:
    """A clean text without what stands for a character that cannot be shown."""
    return _STAND_IN.sub("", text)


def folded(text: str) -> str:
    """A clean text on one line, of any length, without outer blanks."""
    return _BREAKS.sub(" ", clean(text)).strip()


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """As `folded`, and `shortened`."""
    return shortened(folded(text), longest)


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text of at most ``longest`` characters; one that is cut ends in a hash of the whole."""
    if len(text) <= longest:
        return text
    end = f"… ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    return text[: longest - len(end)] + end


def cleaned(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A JSON value in which every text is clean and without outer blanks, and every key is clean.

    Raises ValueError when it is nested more than ``depth`` levels deep, or when two keys of an object become one.
    """
    if isinstance(value, str):
        return clean(value.strip())
    if not isinstance(value, (Mapping, list)):
        return value
    if depth == 0:
        raise ValueError("it is nested too deeply")
    if isinstance(value, list):
        return [cleaned(item, depth - 1) for item in value]
    members = {shortened(clean(key)): cleaned(item, depth - 1) for key, item in value.items()}
    if len(members) != len(value):
        raise ValueError("it repeats a key")
    return members


def shown(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A value as it is where it is text, or else `quoted`."""
    return one_line(value, longest) if isinstance(value, str) else quoted(value)


def listed(texts: Sequence[str]) -> str:
    """Texts as a message lists them: the first ones, and how many more there are."""
    if not texts:
        return "none"
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


def quoted(value: Any) -> str:
    """A value as a message may show it: the type of a container, which may hold secrets, and short scalars only."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 4 * LONGEST_QUOTE:
        return "a number beyond every measure"  # Python may refuse to turn it into text
    text = str(value) if isinstance(value, Decimal) else repr(value)
    if len(text) <= LONGEST_QUOTE:
        return text
    return f"{'text' if isinstance(value, str) else 'a number'} of {len(str(value))} characters"
