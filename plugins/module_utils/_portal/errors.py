# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call to the portal can fail: a read, or the write, whose fate is then known or not."""

from __future__ import annotations

from typing import Optional

from .._errors import CollectionError
from .envelope import Envelope
from .http import Answer
from .response import retry_after, status_of

MAX_QUOTE = 300  # characters of what the vendor said


class TransportError(CollectionError):
    """A call that failed. Its text names method, path, HTTP status and what the vendor said; never headers or bodies.

    ``call`` is method and path; ``status`` the HTTP status, or the envelope's where HTTP said 200, and None when no
    answer came; ``retry_after`` is what the answer asked for, in seconds.
    """

    def __init__(
        self,
        call: str,
        problem: str,
        answer: Optional[Answer] = None,
        envelope: Optional[Envelope] = None,
    ) -> None:
        """``problem`` is a clause saying what was expected, what was seen and what to do."""
        self.call = call
        self.status = status_of(answer, envelope) if answer else None
        self.retry_after = retry_after(answer) if answer else None
        facts = [f"HTTP {answer.status}"] if answer else []
        if envelope:
            said = {"code": envelope.code, "detail": envelope.detail, "requestId": envelope.request_id}
            facts += [f"{name} {_quoted(text)}" for name, text in said.items() if text]
            if answer and envelope.status != answer.status:
                facts.append(f"status {envelope.status}")
        super().__init__(f"{call}: {problem}" + (f" ({', '.join(facts)})" if facts else ""))


class ReadError(TransportError):
    """A read failed for good; nothing was changed."""

    @property
    def is_answer(self) -> bool:
        """Whether the portal has answered, if only by refusing, so that asking again later would bring nothing new."""
        return self.status is not None and self.status < 500 and self.status not in (401, 408, 429)

    @property
    def is_refusal(self) -> bool:
        """Whether the portal itself does not give this to anybody with these credentials."""
        return self.is_answer


class AccessError(ReadError):
    """The credentials, the token or the caller's address were refused: no other call would fare better."""


class TokenRefused(AccessError):
    """The token was refused, where another one may help."""

    @property
    def is_answer(self) -> bool:
        """Only where what was refused with each token is forbidden, or not there, whatever its code names."""
        return self.status in (403, 404)

    @property
    def is_refusal(self) -> bool:
        """No, as far as anybody knows."""
        return False


class BlockedOnTheWay(AccessError):
    """Refused by what stands before the portal, and not by the portal itself."""

    @property
    def is_refusal(self) -> bool:
        """No, the portal has not been asked."""
        return False


class NotSent(TransportError):
    """A write that did not leave this machine."""


class Withheld(NotSent):
    """A write that was not to leave any more when its turn had come."""


class Rejected(TransportError):
    """A write that the vendor itself refused, in its own envelope.

    ``is_definite`` says that it was not carried out: the refusal came before any processing, or names the one error
    code that is known. After any other the portal may have made the order all the same (docs/portal-api.md, 1.1).
    ``retry_after`` is 0 where another token may help, and None where nothing says that waiting would.
    """

    is_definite = False


class Ambiguous(TransportError):
    """A write that may or may not have been carried out."""


def _quoted(text: str) -> str:
    """What the vendor said, to the letter or not at all: a secret that is cut or escaped would not be masked."""
    return f"'{text}'" if len(text) <= MAX_QUOTE else f"({len(text)} characters)"
