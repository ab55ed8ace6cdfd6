# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain HTTP exchanges: no redirect, no netrc, no retry, a deadline for the whole exchange, and a size limit.

The only file that reaches the network. `_portal.transport` decides what an answer means.
"""

from __future__ import annotations

import functools
import io
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Optional, Protocol
from urllib.parse import urlsplit

from .._address import is_loopback_host
from .._concurrency import Pool
from .body import BodyError, read_body
from .environment import (
    AUTHORITIES,
    Proxy,
    advice_on_authorities,
    check_authorities,
    check_proxy,
    connection_problem,
    proxy_refusal,
    spelling_of,
)

try:
    import requests
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import HTTPError, NewConnectionError
    from urllib3.util import parse_url
except ImportError as error:
    REQUESTS_IMPORT_ERROR: Optional[ImportError] = error
else:
    REQUESTS_IMPORT_ERROR = None

CONNECT_TIMEOUT = 10.0  # s
# s that a socket waits beyond the deadline of its exchange, so that only the deadline ends a read. urllib3 applies the
# connect timeout to the TLS handshake, and reports it as a read timeout.
_AFTER_DEADLINE = 5.0


@dataclass(frozen=True)
class Connection:
    """How to reach the portal. ``timeout`` (s) bounds a whole request; ``retries`` counts repeats of a read."""

    base_url: str
    client_id: Optional[str] = None
    client_secret: Optional[str] = None
    access_token: Optional[str] = None
    timeout: float = 30.0
    retries: int = 3
    validate_certs: bool = True
    ca_path: Optional[str] = None
    user_agent: str = "OpenAPI"


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers with case-insensitive names, body as bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class ExchangeError(Exception):
    """An exchange without a complete answer. ``sent`` is False only if its body cannot have left."""

    def __init__(self, problem: str, sent: bool = True) -> None:
        """``problem`` is a clause for people; it contains nothing of headers or body."""
        self.sent = sent
        super().__init__(problem)


class Exchanger(Protocol):
    """Makes exchanges: an `Http`, or what stands in front of one."""

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Send one request and return its complete answer. Raises ExchangeError."""


def _authenticate_with(token: Optional[str]) -> Callable[[Any], Any]:
    """Set the token, if any. Passing an auth callable stops `requests` from reading ~/.netrc."""

    def authenticate(request: Any) -> Any:
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return authenticate


class _Body(io.BytesIO):
    """The body of a write, which knows whether any of it may have been sent.

    The connection, a proxy's tunnel and TLS are all set up before the first byte of a body is read, and a request
    without its body cannot be carried out.
    """

    has_started = False
    is_abandoned = False

    def read(self, size: Optional[int] = -1) -> bytes:
        """Return the next part of the body. Raises OSError if the exchange was given up."""
        self.has_started = True
        if self.is_abandoned:
            raise OSError("the exchange was given up before its body was sent")
        return super().read(size)


class _Line:
    """The connection of one exchange, which another thread can cut.

    It has a second descriptor of the socket, which works at any moment, even during a handshake or while the answer is
    read, and can be closed without harm.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: Optional[socket.socket] = None
        self._connection: Any = None
        self._is_cut = False

    def attach(self, connection: Any, connected: Any) -> None:
        """Use this connection of urllib3 and its socket. Raises OSError if the line was already cut."""
        with self._lock:
            self._close_handle()
            self._connection = connection
            if self._is_cut:
                connected.close()
                raise OSError("the exchange was given up before it was sent")
            self._handle = socket.socket(fileno=os.dup(connected.fileno()))

    def cut(self) -> None:
        """Shut the connection down, and so end the wait for an answer; does nothing once the exchange is over."""
        with self._lock, suppress(OSError):  # the peer may have closed it
            self._is_cut = True
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection of a broken exchange, in its own thread, so that no other exchange reuses it."""
        if self._connection is not None:
            self._connection.close()  # urllib3 1.26 would keep it

    def detach(self) -> None:
        """Release the connection, which may be kept for another exchange."""
        with self._lock:
            self._close_handle()

    def _close_handle(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


_own = threading.local()  # the line of the exchange that a thread carries out


def _with_line(kind: Any) -> Any:
    """A class of urllib3 connections that attach the thread's line to each socket they use."""

    class WithLine(kind):  # type: ignore[misc]
        def _new_conn(self) -> Any:
            connected = super()._new_conn()
            _own.line.attach(self, connected)
            return connected

        def putrequest(self, *arguments: Any, **keywords: Any) -> None:
            if self.sock is not None:
                _own.line.attach(self, self.sock)
            super().putrequest(*arguments, **keywords)

    return WithLine


@functools.cache
def _adapter_class() -> Any:
    """An adapter class that makes connections with lines; in a function, since `requests` may not be installed."""
    connections = type("Connections", (HTTPConnectionPool,), {"ConnectionCls": _with_line(HTTPConnection)})
    secure_connections = type("Connections", (HTTPSConnectionPool,), {"ConnectionCls": _with_line(HTTPSConnection)})
    kinds = {"http": connections, "https": secure_connections}

    class Adapter(HTTPAdapter):
        """Uses them for proxies too, except SOCKS, which has connection classes of its own."""

        def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
            super().init_poolmanager(*arguments, **keywords)
            self.poolmanager.pool_classes_by_scheme = kinds

        def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **keywords)
            if not proxy.lower().startswith("socks"):
                manager.pool_classes_by_scheme = kinds
            return manager

    return Adapter


class Http:
    """Exchanges with one host. Proxies come from the environment, as `requests` reads it; none for this machine."""

    def __init__(self, connection: Connection, pool: Optional[Pool] = None) -> None:
        """Opens nothing; the first exchange connects. In a ``pool``, others continue while one waits for its answer."""
        self._connection = connection
        self._proxy = _proxy_of(connection)[0]
        self._pool = pool or Pool()
        # Sessions that are not in use. `requests` does not promise that threads may share one.
        self._sessions: list[Any] = []

    def _new_session(self) -> Any:
        session, connection = requests.Session(), self._connection
        # The environment's proxies and authorities are read once: they are the same for all requests to one host.
        verify = (connection.ca_path or True) if connection.validate_certs else False
        settings = session.merge_environment_settings(connection.base_url, {}, True, verify, None)
        is_here = is_loopback_host(urlsplit(connection.base_url).hostname or "")
        session.proxies, session.verify = {} if is_here else settings["proxies"], settings["verify"]
        for scheme in ("http://", "https://"):
            session.mount(scheme, _adapter_class()())
        session.trust_env = False
        # Otherwise `requests` reads the body of a redirect without a limit, even if it must not follow it.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        session.headers.update(
            {
                "User-Agent": connection.user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Cache-Control": "no-cache",
            }
        )
        return session

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Send one request and read its complete answer within the timeout.

        ``payload`` has the arguments ``params``, ``data`` (a form, or a document as bytes) and ``headers`` of
        `requests`. Raises ExchangeError without a complete answer; for a document, ``sent`` says whether any of it may
        have left.
        """
        session = self._sessions.pop() if self._sessions else self._new_session()
        line, body = _Line(), _Body(payload["data"]) if isinstance(payload.get("data"), bytes) else None
        if body is not None:
            payload["data"] = body

        def work() -> Answer:
            _own.line = line
            try:
                return self._send(session, method, path, auth=_authenticate_with(token), **payload)
            except BaseException:  # raised again
                line.close()
                raise
            finally:
                line.detach()
                self._sessions.append(session)

        try:
            return self._within_deadline(work)
        except BaseException as error:
            if body is not None:
                body.is_abandoned = True  # also when the process is being terminated
            if body is None or not body.has_started:
                line.cut()  # an order that has left may still be answered
            if not isinstance(error, (ExchangeError, requests.RequestException, HTTPError, OSError, ValueError)):
                raise
            raise ExchangeError(
                _problem_of(error, self._connection, self._proxy), sent=body is None or body.has_started
            ) from None

    def _send(self, session: Any, method: str, path: str, **payload: Any) -> Answer:
        connection = self._connection
        response = session.request(
            method,
            connection.base_url + path,
            timeout=(min(CONNECT_TIMEOUT, connection.timeout / 2), connection.timeout + _AFTER_DEADLINE),
            allow_redirects=False,
            stream=True,
            **payload,
        )
        with response:
            return Answer(response.status_code, response.headers, read_body(response))

    def _within_deadline(self, work: Callable[[], Answer]) -> Answer:
        """Run ``work`` in a thread, since a socket's timeout limits each wait for a byte and not the whole exchange."""
        outcome: Future[Answer] = Future()

        def run() -> None:
            with suppress(InvalidStateError):  # the caller was terminated
                try:
                    outcome.set_result(work())
                except InvalidStateError:
                    raise
                except BaseException as error:  # raised again in the caller's thread
                    outcome.set_exception(error)

        self._pool.check()
        threading.Thread(target=run, daemon=True).start()
        try:
            return self._pool.wait(outcome, self._connection.timeout)
        except FutureTimeoutError:
            if outcome.done():
                return outcome.result()
            raise ExchangeError(f"no complete answer within {self._connection.timeout:g} s") from None


def check_environment(connection: Connection) -> None:
    """Raise ValueError if ``ca_path``, or a proxy or CA file from the environment, makes every request impossible.

    Opens no connection: a proxy that does not answer now may answer later.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        return
    proxy, text = _proxy_of(connection)
    if proxy is not None:
        check_proxy(proxy, text)
    if urlsplit(connection.base_url).scheme != "https" or not connection.validate_certs:
        return
    named = [(name, os.environ.get(name)) for name in AUTHORITIES]
    used = next(((name, path) for name, path in [("ca_path", connection.ca_path), *named] if path), None)
    if used is not None:
        check_authorities(*used)


def _proxy_of(connection: Connection) -> tuple[Optional[Proxy], str]:
    """The proxy that `requests` takes from the environment, or None, and the value of its variable."""
    url = urlsplit(connection.base_url)
    proxies = {} if is_loopback_host(url.hostname or "") else get_environ_proxies(connection.base_url)
    text = select_proxy(connection.base_url, proxies)
    if not text:
        return None, ""
    key = url.scheme if url.scheme in proxies else "all"
    variable = spelling_of(f"{key}_proxy", os.environ) or "the settings of this system"
    try:
        parsed = parse_url(prepend_scheme_if_needed(text, "http"))
    except (HTTPError, ValueError):
        return Proxy(variable, "", ""), text
    if not parsed.host or ("@" in text and parsed.auth is None):  # a character of the password ended the host early
        return Proxy(variable, "", ""), text
    port = "" if parsed.port is None else f":{parsed.port}"
    return Proxy(variable, parsed.scheme or "", f"{parsed.host}{port}"), text


def _problem_of(error: Exception, connection: Connection, proxy: Optional[Proxy]) -> str:
    """Say what went wrong in an exchange, without texts that may contain an address or a header."""
    if isinstance(error, (ExchangeError, BodyError)):
        return str(error)
    causes = _causes(error)
    through = "" if proxy is None else f" (through {proxy})"

    def has(*kinds: Any) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(NewConnectionError) and not has(requests.exceptions.ConnectTimeout):
        return connection_problem(proxy, urlsplit(connection.base_url), causes, os.environ)
    if has(ssl.SSLCertVerificationError):
        advice = advice_on_authorities(connection.ca_path, os.environ)
        return f"the server's certificate is not trusted; {advice}{through}"
    if any(isinstance(cause, ssl.SSLError) and cause.library not in (None, "SSL") for cause in causes):
        return f"the certificate authorities cannot be read; {advice_on_authorities(connection.ca_path, os.environ)}"
    refusal = proxy_refusal(causes)
    if has(ssl.SSLError):
        problem = "no TLS connection to this server; is base_url right?"
    elif refusal and not has(requests.exceptions.ConnectTimeout):
        problem = refusal
    elif has(requests.exceptions.ConnectTimeout, requests.exceptions.ReadTimeout, TimeoutError):
        problem = "the connection timed out"
    else:
        problem = f"the connection broke ({type(causes[-1]).__name__})"
    return problem + through


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and those that it wraps; `requests` and urllib3 nest them in args and ``reason``."""
    causes = [error]
    for cause in causes:
        inner = [*cause.args, getattr(cause, "reason", None), cause.__cause__]
        causes += [one for one in inner if isinstance(one, BaseException) and one not in causes]
    return causes
