# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of a first contact: what was asked, what was seen, what it means, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .._model.vocabulary import Vocabulary

_SPELLED_OUT = 3  # problems that a line quotes


class Standing(Vocabulary):
    """How a line turned out. ATTENTION means that a person should know; FAILED that a renewal cannot rest on it."""

    OK = "ok"
    ATTENTION = "attention"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Line:
    """What one part of the portal was like. ``next_step`` is None if there is nothing to do."""

    topic: str
    standing: Standing
    asked: str
    seen: str
    means: str
    next_step: Optional[str] = None

    def as_result(self) -> dict[str, Any]:
        """The line for the user."""
        return {
            "topic": self.topic,
            "standing": self.standing.value,
            "asked": self.asked,
            "seen": self.seen,
            "means": self.means,
            "next_step": self.next_step,
        }


def quoted_problems(problems: Sequence[object]) -> str:
    """The first few different problems, as the end of a sentence; empty if there are none."""
    texts = list(dict.fromkeys(map(str, problems)))
    if not texts:
        return ""
    more = f"; and {len(texts) - _SPELLED_OUT} more" if len(texts) > _SPELLED_OUT else ""
    return f"; {len(problems)} not: {'; '.join(texts[:_SPELLED_OUT])}{more}"
