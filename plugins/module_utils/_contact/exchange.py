# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: one exchange with the portal, as it was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .._portal.envelope import parse_envelope
from .._portal.http_client import Answer


@dataclass(frozen=True)
class Exchange:
    """One request and its complete answer. The body of a request is not kept: only a login has one.

    ``began`` and ``seconds`` are on a clock that never jumps.
    """

    method: str
    path: str
    query: Mapping[str, str]
    answer: Answer
    began: float
    seconds: float

    @property
    def result(self) -> Optional[Any]:
        """The ``result`` of a success; None of anything else."""
        try:
            envelope = parse_envelope(self.answer.content)
        except ValueError:
            return None
        return envelope.result if self.answer.status == 200 and envelope.is_success else None
