# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpret an HTTP answer: its envelope, which status counts, whether it is a refusal, how long to wait."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Optional
from urllib.parse import urlsplit

from .._model.dates import utc_now
from .._text import LONGEST_QUOTE, one_line
from .envelope import SUCCESS, Envelope, parse_envelope
from .http_client import Answer

# What these may mean without the vendor's envelope.
_WITHOUT_ENVELOPE = {
    403: "refused without the vendor's envelope, perhaps by a proxy or a firewall in front of the portal, which may"
    " also object to so many requests at once: check its rules, or lower concurrency",
    429: "too many requests, without the vendor's envelope, perhaps for a proxy or a firewall in front of the portal:"
    " lower concurrency, or wait",
}

# The only public error code, which the vendor's page truncates here (docs/portal-api.md, 1.1.2).
VALIDATION_FAILED = "parameter_validation_f"


def is_refusal(answer: Answer, envelope: Envelope) -> bool:
    """Whether HTTP and envelope agree on a 4xx, except 408: a server that gave up waiting may have done something."""
    if answer.status not in (200, envelope.status) or envelope.code == SUCCESS:
        return False
    if envelope.code.startswith(VALIDATION_FAILED):
        return status_of(answer, envelope) < 500
    return 400 <= status_of(answer, envelope) < 500 and status_of(answer, envelope) != 408


def is_definite(answer: Answer, envelope: Envelope) -> bool:
    """Whether a refusal means that nothing was carried out: 401, 403, 429, or the one public error code.

    The meaning of other codes is not known: the portal may have created the order and refuse only its payment.
    """
    return envelope.code.startswith(VALIDATION_FAILED) or status_of(answer, envelope) in (401, 403, 429)


def is_from_vendor(envelope: Optional[Envelope]) -> bool:
    """Whether an answer is the portal's own, and not that of a proxy or a firewall in front of it."""
    return envelope is not None and envelope.is_complete


def refuses_token(answer: Answer, envelope: Optional[Envelope]) -> bool:
    """Whether a read failed because of its token: a 401, or an error that mentions it (docs/portal-api.md, 11.9)."""
    status = status_of(answer, envelope)
    if envelope is None or envelope.is_success:
        return status == 401
    mentions_token = "token" in f"{envelope.code} {envelope.detail}".casefold()
    return status == 401 or (mentions_token and status < 500 and status != 429)


def envelope_of(answer: Answer) -> Optional[Envelope]:
    """The vendor's envelope; None if the answer has none."""
    try:
        return parse_envelope(answer.content)
    except ValueError:
        return None


def status_of(answer: Answer, envelope: Optional[Envelope]) -> int:
    """The HTTP status, or the envelope's own if HTTP says 200."""
    if answer.status == 200 and envelope is not None and envelope.status is not None:
        return envelope.status
    return answer.status


def problem_of(answer: Answer, envelope: Optional[Envelope]) -> str:
    """What is wrong with an answer that is not a success, as a clause for people."""
    if 300 <= answer.status < 400:
        return f"redirected to {_host_of(answer.headers.get('location', ''))}, which is not followed; check base_url"
    if answer.status in _WITHOUT_ENVELOPE and not is_from_vendor(envelope):
        return _WITHOUT_ENVELOPE[answer.status]
    if envelope is not None:
        if not envelope.is_success:
            return "the portal answered with an error" + advice_on_partner_id(envelope)
        return "the answer claims success, but " + (
            "has another HTTP status" if answer.status != 200 else "lacks a member"
        )
    if answer.status != 200:
        return "the answer is an error without the vendor's envelope"
    return (
        f"expected the vendor's JSON envelope, got {len(answer.content)} bytes of"
        f" {content_type_of(answer) or 'no content type'}:"
        f" {_flaw_of(answer)}; check base_url, and that no proxy or login page is in between"
    )


def content_type_of(answer: Answer) -> str:
    """The content type without parameters, fit for a message; empty if there is none."""
    return one_line(answer.headers.get("content-type", "").split(";")[0].lower(), LONGEST_QUOTE)


def advice_on_partner_id(envelope: Envelope) -> str:
    """What to do if an error asks for `partnerId`, as the end of a clause; empty if it does not.

    In the vendor's tutorials only orders of other products have it (docs/portal-api.md, 6.1.8).
    """
    if "partnerid" not in f"{envelope.code} {envelope.detail} {envelope.result}".casefold().replace("_", ""):
        return ""
    return (
        "; it asks for partnerId, which the vendor documents for purchases on behalf of a subordinate user and not for"
        " the renewal of a Cloud PBX, so it is never sent: renew in the portal, and ask the vendor how an account like"
        " this one renews by the API"
    )


def _flaw_of(answer: Answer) -> str:
    try:
        parse_envelope(answer.content)
    except json.JSONDecodeError as error:
        return f"{error.msg} at character {error.pos}"
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except ValueError as error:
        return str(error)
    return "it is not complete"


def _host_of(location: str) -> str:
    try:
        return one_line(urlsplit(location).hostname or "another path", LONGEST_QUOTE)
    except ValueError:
        return "an address that cannot be read"


def date_of(answer: Answer) -> Optional[datetime]:
    """The server's time when it sent the answer, from its Date header (RFC 9110, section 6.6.1); None without one."""
    return _http_date(answer.headers.get("date", ""))


def retry_after(answer: Answer) -> Optional[float]:
    """Seconds to wait, from a Retry-After header in either form of RFC 9110, section 10.2.3."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    date = _http_date(text)
    return None if date is None else max(0.0, (date - utc_now()).total_seconds())


@lru_cache(maxsize=1)  # many answers have the same second
def _http_date(text: str) -> Optional[datetime]:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError):
        return None
