# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule raises where a PBX must not be ordered; it ends the decision."""

from __future__ import annotations

from .._model.vocabulary import Reason


class Objection(Exception):
    """Terms that cannot be settled. ``reason`` is one of the reason codes; the text says what to do."""

    def __init__(self, reason: Reason, message: str, advice: str = "") -> None:
        """``message`` names every value expected and seen; ``advice`` says what to do unless the message does."""
        self.reason = reason
        self.seen = message
        super().__init__(f"{message}; {advice}" if advice else message)
