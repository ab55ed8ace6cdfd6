# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A portal whose answers repeat secrets: in texts that people write, or in every text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .answer import Answer

FREE_TEXTS = ("comment", "remark", "company", "firstName", "lastName", "detailMessage")
KEPT = ("token", "refreshToken", "expiresIn", "activationCode", "code")  # of the login and the envelope, and its own


def echo(answer: Answer, echoes: str, secrets: Sequence[str]) -> Answer:
    """The answer with the secrets in its texts; ``echoes`` is nowhere, free_texts or every_text."""
    if echoes == "nowhere" or not answer.payload:
        return answer
    return replace(answer, payload=_repeating(answer.payload, echoes == "every_text", tuple(secrets)))


def _repeating(value: Any, everywhere: bool, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_repeating(item, everywhere, secrets) for item in value]
    if not isinstance(value, dict):
        return value
    own = (*secrets, value["activationCode"]) if value.get("activationCode") else secrets
    said = " ".join(own)
    row = {key: _repeating(item, everywhere, own) for key, item in value.items()}
    for key, item in row.items():
        if isinstance(item, str) and key not in KEPT and (everywhere or key in FREE_TEXTS):
            row[key] = f"{item} {said}".strip()
    return {**row, "remark": said, "unknownTo": {"anybody": [said]}} if everywhere else {**row, "remark": said}
