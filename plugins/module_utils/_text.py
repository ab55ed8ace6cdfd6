# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: clean the portal's text, so that it cannot control a terminal, a CI log or Ansible, or hide from a reader."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

MARK = "\ufffd"  # replaces a character that cannot be shown, followed by its number: U+200B becomes \ufffd(8203)
HIDDEN = "********"  # replaces a secret
LONGEST_TEXT = 1000  # characters of a name or a comment
LONGEST_ID = 128  # characters
MAX_DEPTH = 50  # levels of an answer; known answers have fewer than ten
LONGEST_QUOTE = 60  # characters of a value in a message
MOST_LISTED = 50  # texts in a message

UNSHOWABLE = re.compile(
    # Control characters, including ESC; surrogates and noncharacters; direction marks and isolates; line and paragraph
    # separators; characters without width.
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    # Joiners, except where emoji and some scripts need them.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
    # Commands of CI systems: GitHub's ::add-mask:: at the start of a line, which may be wherever a long one is wrapped,
    # and ##[add-mask], Azure's ##vso[ and ##teamcity[ anywhere. An IPv6 address stays unchanged.
    "|:(?=:[0-9a-f]{0,4}[g-z_-])|#(?=#[a-z]*\\[)",
    re.IGNORECASE,
)
_STAND_IN = re.compile(f"{MARK}\\(\\d+\\)")
_BREAKS = re.compile(f"(?:{MARK}\\((?:9|10|11|12|13|133|8232|8233)\\))+")


def clean(text: str) -> str:
    """Replace what cannot be shown. Different texts stay different, and a clean one stays unchanged.

    The numbers are decimal, so that they add no letters to a key.
    """
    return UNSHOWABLE.sub(lambda match: f"{MARK}({ord(match[0])})", text)


def bare(text: str) -> str:
    """A clean text without the replacements of characters that cannot be shown."""
    return _STAND_IN.sub("", text)


def folded(text: str) -> str:
    """Clean a text and put it on one line, stripped, at full length."""
    return _BREAKS.sub(" ", clean(text)).strip()


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """Like `folded`, and `shortened`."""
    return shortened(folded(text), longest)


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """Cut a text to at most ``longest`` characters; a cut one ends with a hash of the whole text."""
    if len(text) <= longest:
        return text
    end = f"… ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    return text[: longest - len(end)] + end


def cleaned(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Clean all texts and keys of a JSON value, and strip the texts.

    Raises ValueError if it is nested more than ``depth`` levels deep, or if two keys of an object become equal.
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
    """A text on one line; any other value `quoted`."""
    return one_line(value, longest) if isinstance(value, str) else quoted(value)


def listed(texts: Sequence[str]) -> str:
    """List texts in a message: the first ones, and how many more there are."""
    if not texts:
        return "none"
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


def quoted(value: Any) -> str:
    """Show a value in a message: only the type of a container, which may contain secrets, and only short scalars."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 4 * LONGEST_QUOTE:
        return "a number that is too large"  # Python may refuse to convert it to text
    text = str(value) if isinstance(value, Decimal) else repr(value)
    if len(text) <= LONGEST_QUOTE:
        return text
    return f"{'text' if isinstance(value, str) else 'a number'} of {len(str(value))} characters"
