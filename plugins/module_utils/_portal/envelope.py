# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's envelope: strict JSON with five members; numbers may be strings of digits (docs/portal-api.md, 1.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Optional

from .._secrets import Secrets
from .._text import clean, cleaned, folded, quoted

SUCCESS = "success"
MAX_DIGITS = 100  # in a number; ids have 20


@dataclass(frozen=True)
class Envelope:
    """One answer of the API. ``status`` repeats the HTTP status; None if it is missing.

    ``is_complete`` is true if code, requestId and status are all there: then it is certainly the vendor's.
    """

    code: str
    detail: str
    request_id: str
    result: Any
    status: Optional[int]
    is_complete: bool

    @property
    def is_success(self) -> bool:
        """Whether the answer itself claims success, by ``code`` and by ``status``."""
        return self.code == SUCCESS and self.status in (200, None)

    def hidden(self, secrets: Secrets) -> Envelope:
        """A copy without secrets, including those that only this answer contains."""
        result = secrets.of_answer(self.result)
        code, detail, request_id = (secrets.hide(text) for text in (self.code, self.detail, self.request_id))
        return replace(self, code=code, detail=detail, request_id=request_id, result=result)


def parse_envelope(content: bytes) -> Envelope:
    """Read an answer. Numbers keep every digit: integers stay integers, others become Decimal. All text is cleaned.

    Raises ValueError if it is not an envelope, not strict JSON (duplicate keys, NaN), nested too deeply, or has a
    number of more than `MAX_DIGITS` digits.
    """
    try:
        document = json.loads(
            content.decode("utf-8-sig"),  # a byte order mark may be ignored (RFC 8259, section 8.1)
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except (RecursionError, ArithmeticError):
        raise ValueError("it is nested too deeply, or contains a number that is too large") from None
    if not isinstance(document, Mapping) or not isinstance(document.get("code"), str) or not document["code"]:
        raise ValueError("it has no code")
    status = _status(document.get("status"))
    detail, request_id = (_line(document.get(member)) for member in ("detailMessage", "requestId"))
    return Envelope(
        code=clean(document["code"]),
        detail=detail,
        request_id=request_id,
        result=cleaned(document.get("result")),
        status=status,
        is_complete=status is not None and bool(request_id),
    )


def read_count(value: Any) -> int:
    """Read a whole number of at least 0, also from a string of digits. Raises ValueError for anything else."""
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise ValueError(f"expected a whole number, got {quoted(value)}")
    return int(text)


def _whole_number(digits: str) -> int:
    return int(_bounded(digits))


def _fraction(digits: str) -> Decimal:
    return Decimal(_bounded(digits))


def _bounded(digits: str) -> str:
    if len(digits) > MAX_DIGITS:  # the time to parse one grows with the square of its length
        raise ValueError(f"it contains a number of {len(digits)} digits")
    return digits


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it contains {name}, which is not JSON")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("it repeats a key")
    return members


def _line(value: Any) -> str:
    """Put a text on one line, at full length: a message omits it if it is too long."""
    return folded(value) if isinstance(value, str) else ""


def _status(value: Any) -> Optional[int]:
    try:
        return read_count(value)
    except ValueError:
        return None
