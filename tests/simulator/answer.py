# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of an endpoint: the vendor's envelope, and how it is sent."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """One HTTP answer. `payload` is sent as JSON unless `body` contains the bytes to send instead."""

    status: int
    payload: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    wire: str = "whole"  # whole, close, hang_up, break_off, drop, reset, truncate, close_delimited, drip
    missing: int = 0  # truncate: how many bytes of the announced body are not sent
    seconds: float = 0.0  # drip: pause between two bytes
    sent: int = 0  # break_off: how many bytes are sent, including the head
    how: str = "close"  # break_off: close, reset or half_close

    def encoded(self) -> bytes:
        """The bytes of the body."""
        if self.body is not None:
            return self.body
        # A surrogate is written as its escape, which exists in JSON but not in UTF-8.
        return _json(self.payload).encode(errors="backslashreplace")


def _json(value: Any) -> str:
    """JSON in which a Decimal is a number with all its digits."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{_json(key)}: {_json(item)}" for key, item in value.items()) + "}"
        return "[" + ", ".join(map(_json, value)) + "]" if isinstance(value, list) else str(value)


class Refused(Exception):
    """An error answer of the portal, raised where the reason is found."""

    def __init__(self, status: int, code: str, message: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.result = status, code, message, result or {}

    def answer(self, form: str = "http") -> Answer:
        """The error envelope, in the profile's form for `errors`."""
        if form == "code":
            return Answer(200, envelope(200, "fail", self.message, self.result))
        return Answer(
            self.status if form == "http" else 200, envelope(self.status, self.code, self.message, self.result)
        )


class Invalid(Refused):
    """`parameter_validation_failed`: the result names the field and the violated rule."""

    def __init__(self, name: str, rule: str, message: str) -> None:
        super().__init__(
            400, "parameter_validation_failed", f"{name}: {message}", {"field": name, "validationType": rule}
        )
        self.field = name


def envelope(status: int, code: str, message: str, result: Any) -> dict[str, Any]:
    """The five members that wrap every answer (docs/portal-api.md, 1.3)."""
    return {
        "code": code,
        "detailMessage": message,
        "requestId": secrets.token_hex(16),
        "result": result,
        "status": status,
    }


def success(result: Any) -> Answer:
    """A success envelope."""
    return Answer(200, envelope(200, "success", "", result))
