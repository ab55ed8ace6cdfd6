# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call to the portal can fail: a read, or the write, whose outcome is then known or not."""

from __future__ import annotations

from typing import Optional

from .._errors import CollectionError
from .envelope import Envelope
from .http_client import Answer
from .response import retry_after, status_of

MAX_QUOTE = 300  # characters of the vendor's text


class TransportError(CollectionError):
    """A call that failed. Its text has method, path, HTTP status and the vendor's text; never headers or bodies.

    ``call`` is method and path. ``status`` is the HTTP status, or the envelope's if HTTP says 200, or None without an
    answer. ``retry_after`` is the wait that the answer asks for, in seconds. ``has_envelope`` says whether the answer
    is in the vendor's form.
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
        self.has_envelope = envelope is not None
        self.status = status_of(answer, envelope) if answer else None
        self.retry_after = retry_after(answer) if answer else None
        facts = [f"HTTP {answer.status}"] if answer else []
        if envelope:
            members = {"code": envelope.code, "detail": envelope.detail, "requestId": envelope.request_id}
            facts += [f"{name} {_quoted(text)}" for name, text in members.items() if text]
            if answer and envelope.status != answer.status:
                facts.append(f"status {envelope.status}")
        super().__init__(f"{call}: {problem}" + (f" ({', '.join(facts)})" if facts else ""))


class ReadError(TransportError):
    """A read that failed, repeats included; nothing was changed."""

    @property
    def is_answer(self) -> bool:
        """Whether this is the portal's answer, possibly a refusal, so that asking again later would not change it."""
        return self.status is not None and self.status < 500 and self.status not in (401, 408, 429)

    @property
    def is_refusal(self) -> bool:
        """Whether the portal itself refuses this to anyone with these credentials."""
        return self.is_answer


class NoAnswer(ReadError):
    """No complete answer came."""


class AccessError(ReadError):
    """The credentials, the token or the caller's address were refused, so every other call would fail too."""


class TokenRefused(AccessError):
    """The token was refused; another one may help."""

    @property
    def is_answer(self) -> bool:
        """True only if the status says that the resource is forbidden or missing, whatever the code says."""
        return self.status in (403, 404)

    @property
    def is_refusal(self) -> bool:
        """Always false: another token might not be refused."""
        return False


class BlockedOnTheWay(AccessError):
    """Refused by a proxy or firewall in front of the portal, not by the portal itself."""

    @property
    def is_refusal(self) -> bool:
        """Always false: the request did not reach the portal."""
        return False


class NotSent(TransportError):
    """A write that did not leave this machine."""


class Withheld(NotSent):
    """A write that was cancelled when its turn came."""


class Rejected(TransportError):
    """A write that the vendor itself refused, in its own envelope.

    ``is_definite`` means that it was not carried out: the refusal came before any processing, or has the one known
    error code. After any other refusal the portal may still have created the order (docs/portal-api.md, 1.1).
    ``retry_after`` is 0 if another token may help, and None if waiting is not known to help.
    """

    is_definite = False


class Ambiguous(TransportError):
    """A write that may or may not have been carried out."""


def _quoted(text: str) -> str:
    """The vendor's text verbatim, or only its length: a secret that is cut or escaped would not be masked."""
    return f"'{text}'" if len(text) <= MAX_QUOTE else f"({len(text)} characters)"
