# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchanges with one portal: the token, the turns that requests take, and repeated reads.

A read is repeated after a failure that may be temporary. A write never is, see `sender` (docs/reliability.md, 15 to
37).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Optional, TypeVar

from .._concurrency import Gate, Pool
from .._model.dates import utc_now
from .._secrets import Secrets
from .._text import MARK, quoted
from .envelope import MAX_DIGITS, Envelope, read_count
from .errors import AccessError, BlockedOnTheWay, NoAnswer, NotSent, ReadError, TokenRefused, TransportError
from .http_client import Answer, Connection, ExchangeError, Exchanger, Http
from .response import (
    content_type_of,
    date_of,
    envelope_of,
    is_from_vendor,
    problem_of,
    refuses_token,
    status_of,
)

TOKEN_PATH = "/auth/openapi/v1/oauth/token"  # noqa: S105 (a path, not a secret)
TOKEN_LIFETIME = 1800  # s, if the answer does not say (docs/portal-api.md, 2.4.1)
TOKEN_MARGIN = 120  # s that a token must remain valid beyond the longest call
MAX_RETRY_AFTER = 300.0  # s
RATE_LIMIT_DELAYS = (30.0, 60.0)  # s, if a 429 gives no time

T = TypeVar("T")


@dataclass
class Traffic:
    """Requests sent so far: ``read`` counts GET, ``write`` order POST, ``token`` token POST."""

    read: int = 0
    write: int = 0
    token: int = 0


@dataclass(frozen=True)
class _Token:
    value: str
    good_until: float  # on the monotonic clock


class Transport:
    """Signs in, takes turns, and reads. Only `OrderSender` sends orders, and only a renewal has one."""

    def __init__(
        self,
        connection: Connection,
        secrets: Secrets,
        on_warning: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = utc_now,
        pool: Optional[Pool] = None,
        http: Optional[Exchanger] = None,
        monotonic: Callable[[], float] = time.monotonic,
        may_write: bool = False,
    ) -> None:
        """``secrets`` are hidden in everything that is read; those of ``connection`` and issued tokens are added.

        ``clock`` returns the controller's time, which is compared with the portal's. With a ``pool``, requests may be
        made side by side; ``sleep`` must then be the pool's. ``http`` makes the exchanges, by default with requests.
        ``monotonic`` returns the seconds by which tokens age. Unless ``may_write``, only reads and logins are sent.
        """
        self._connection = connection
        self.pool = pool or Pool()
        self._http: Exchanger = http or Http(connection, self.pool)
        self._login = Gate(self.pool)
        # Closed during a pause that the portal asked for; nothing is sent then.
        self.send_gate = Gate(self.pool)
        self._line = Gate(self.pool)
        self._is_limited = False
        self._secrets = secrets
        for secret in (connection.client_secret, connection.access_token):
            secrets.add(secret or "")
        self._on_warning = on_warning
        self._warned: set[str] = set()
        self._sleep = sleep
        self._clock = clock
        self._monotonic = monotonic
        self._may_write = may_write
        self._token: Optional[_Token] = None
        self.traffic = Traffic()
        # How far the portal's clock is ahead of the controller's; None before the first answer with a Date.
        self.clock_offset: Optional[timedelta] = None

    @property
    def can_sign_in(self) -> bool:
        """Whether a refused token can be replaced: not if the user gave it."""
        return self._connection.access_token is None

    def warn(self, warning: str) -> None:
        """Give a warning, each text only once."""
        if warning not in self._warned:
            self._warned.add(warning)
            self._on_warning(warning)

    def slow_down(self, error: TransportError, longest: float) -> None:
        """After a 429, send nothing for as long as the portal asks, at most ``longest`` s."""
        if error.status == 429:
            delay = RATE_LIMIT_DELAYS[0] if error.retry_after is None else error.retry_after
            with self.send_gate.closed():
                self._sleep(min(delay, MAX_RETRY_AFTER, longest))

    def get(self, path: str, params: Optional[Mapping[str, str]] = None) -> Any:
        """Return the ``result`` of a read. A refused token is replaced once.

        Raises ReadError after the last repeat, AccessError immediately.
        """
        return self.get_dated(path, params)[0]

    def get_dated(self, path: str, params: Optional[Mapping[str, str]] = None) -> tuple[Any, Optional[datetime]]:
        """Like `get`, with the `Date` of the answer, None if it has none."""
        token = self.bearer_token()
        try:
            return self._repeat(lambda: self._get_once(path, params, token))
        except TokenRefused:
            if not self.can_sign_in:
                raise
        self.forget(token)
        fresh_token = self.bearer_token()
        return self._repeat(lambda: self._get_once(path, params, fresh_token))

    def _get_once(self, path: str, params: Optional[Mapping[str, str]], token: str) -> tuple[Any, Optional[datetime]]:
        call = f"GET {path}"
        self.traffic.read += 1
        try:
            answer = self._exchange("GET", path, token, params=params)
        except ExchangeError as error:
            raise NoAnswer(call, str(error)) from None
        envelope = self.read_envelope(answer)
        status = status_of(answer, envelope)
        if refuses_token(answer, envelope):
            raise TokenRefused(call, "the access token was refused", answer, envelope)
        if status == 403 and is_from_vendor(envelope):
            problem = "access was refused; check the API permission and Client IP Restriction in the portal"
            raise AccessError(call, problem, answer, envelope)
        if status == 403:
            raise BlockedOnTheWay(call, problem_of(answer, envelope), answer, envelope)
        if status != 200 or envelope is None or not envelope.is_success:
            raise ReadError(call, problem_of(answer, envelope), answer, envelope)
        self.accept_content_type(call, answer, envelope)
        return envelope.result, date_of(answer)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the moment to send: not during a pause, and one request at a time after a 429."""
        with self._line.alone() if self._is_limited else nullcontext():
            self.send_gate.pass_through()
            yield

    def _exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Wait for the turn and make one exchange. Raises ExchangeError."""
        with self.turn():
            return self.exchange_now(method, path, token, **payload)

    def exchange_now(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Make one exchange, for a caller in its `turn`. Raises ExchangeError, and NotSent for a forbidden write."""
        if method != "GET" and path != TOKEN_PATH and not self._may_write:
            raise NotSent(f"{method} {path}", "this run only reads")
        try:
            answer = self._http.exchange(method, path, token, **payload)
        except ExchangeError as error:
            raise ExchangeError(self._secrets.hide(str(error)), error.sent) from None
        headers = {name.lower(): self._secrets.hide(value) for name, value in answer.headers.items()}
        answer = replace(answer, headers=headers)
        self._is_limited = self._is_limited or answer.status == 429
        date = date_of(answer)
        if date is not None:
            self.clock_offset = date - self._clock()
        return answer

    def read_envelope(self, answer: Answer) -> Optional[Envelope]:
        """The envelope of an answer, without secrets; None if it has none."""
        envelope = envelope_of(answer)
        return None if envelope is None else envelope.hidden(self._secrets)

    def accept_content_type(self, call: str, answer: Answer, envelope: Envelope) -> None:
        """Warn of a complete answer whose content type is not JSON. Raises ReadError if it is not complete."""
        content_type = content_type_of(answer)
        if content_type == "application/json":
            return
        if not envelope.is_complete:
            raise ReadError(call, f"expected application/json, got {content_type or 'no content type'}", answer)
        self.warn(f"{call}: a valid answer came with content type {content_type or 'none'}")

    def _repeat(self, read: Callable[[], T]) -> T:
        attempt = 0
        while True:
            try:
                return read()
            except ReadError as error:
                delay = _delay_before_repeat(error, attempt)
                if delay is None or attempt >= self._connection.retries:
                    raise
                is_rate_limited = error.status == 429
            attempt += 1
            with self.send_gate.closed() if is_rate_limited else nullcontext():
                self._sleep(delay)

    def bearer_token(self) -> str:
        """The access token, a new one if there is none that lasts long enough. Raises ReadError."""
        if self._connection.access_token is not None:
            return self._connection.access_token
        with self._login.alone():
            if self._token is None or self._monotonic() >= self._token.good_until:
                self._token = self._repeat(self._log_in_once)
            return self._token.value

    def forget(self, token: str) -> None:
        """Stop using a token, unless it was already replaced."""
        if self._token is not None and self._token.value == token:
            self._token = None

    def _log_in_once(self) -> _Token:
        """Request an access token (docs/portal-api.md, 2.2). It charges nothing, so it may be repeated like a read."""
        call = f"POST {TOKEN_PATH}"
        self.traffic.token += 1
        requested_at = self._monotonic()
        form = {
            "client_id": self._connection.client_id,
            "client_secret": self._connection.client_secret,
            "grant_type": "pp_credentials",
        }
        try:
            answer = self._exchange("POST", TOKEN_PATH, data=form)
        except ExchangeError as error:
            raise NoAnswer(call, str(error)) from None
        issued = envelope_of(answer)
        envelope = None if issued is None else issued.hidden(self._secrets)
        status = status_of(answer, envelope)
        if status == 403 and not is_from_vendor(envelope):
            raise BlockedOnTheWay(call, problem_of(answer, envelope), answer, envelope)
        # Also HTTP 200 with a code other than success: a token was all that was requested.
        is_refused = envelope is not None and not envelope.is_success and status < 500 and status not in (408, 429)
        if status == 401 or is_refused:
            problem = (
                "the credentials were refused; check client_id and client_secret, and in the portal under"
                " System > API the permission and Client IP Restriction"
            )
            raise AccessError(call, problem, answer, envelope)
        if answer.status != 200 or issued is None or not issued.is_success:
            raise ReadError(call, problem_of(answer, envelope), answer, envelope)
        details = issued.result if isinstance(issued.result, Mapping) else {}
        for secret in (details.get("token"), details.get("refreshToken")):
            if isinstance(secret, str) and secret:
                self._secrets.issue(secret)
        if not isinstance(details.get("token"), str) or not details["token"] or MARK in details["token"]:
            raise ReadError(call, "expected a token in the answer, found no usable one", answer, envelope)
        return _Token(details["token"], requested_at + self._usable_life(call, details.get("expiresIn")))

    def _usable_life(self, call: str, expires_in: Any) -> float:
        if isinstance(expires_in, str) and len(expires_in) > MAX_DIGITS:
            raise ReadError(call, f"expected expiresIn in seconds, got {quoted(self._secrets.hide(expires_in))}")
        try:
            lifetime = read_count(expires_in) if expires_in is not None else TOKEN_LIFETIME
        except ValueError as error:
            self.warn(f"{call}: expiresIn: {error}; assuming that the token is valid for {TOKEN_LIFETIME} s")
            lifetime = TOKEN_LIFETIME
        return max(lifetime - TOKEN_MARGIN - self._connection.timeout, lifetime / 2)


def _delay_before_repeat(error: ReadError, attempt: int) -> Optional[float]:
    """Seconds before a failed read is repeated; None if a repeat would not help."""
    if error.status == 429:
        if error.retry_after is None:
            return RATE_LIMIT_DELAYS[attempt] if attempt < len(RATE_LIMIT_DELAYS) else None
        return error.retry_after if error.retry_after <= MAX_RETRY_AFTER else None
    if error.status is not None and error.status < 500:
        return None
    return min(0.5 * (1 << attempt), 8.0)
