# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange over real sockets on 127.0.0.1: whole answers, broken ones, and whether the request has left."""

from __future__ import annotations

import gzip
import importlib.util
import os
import socket
import ssl
import struct
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import body as _unpack
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import http_client as _http
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection, ExchangeError, Http

TIMEOUT = 0.4  # s
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Script = Callable[[socket.socket], None]


class Server:
    """Reads each request whole and then lets a script do as it likes with the connection."""

    def __init__(self, script: Script, context: Any = None) -> None:
        self._script, self._context = script, context
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            self.requests.append(read_request(connection))
            self._script(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self) -> None:
        self._listener.close()


def read_request(connection: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        content += connection.recv(65536) or b"\r\n\r\n"
    head, _blank, body = content.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while sizes and len(body) < int(sizes[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def say(*parts: bytes, pause: float = 0.0, then: float = 0.0) -> Script:
    """Send the parts with a pause after each, and hold the connection for ``then`` seconds before closing it."""

    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        time.sleep(then)

    return script


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def whole(body: bytes, headers: bytes = b"") -> bytes:
    return HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")
    for name in names:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(script: Script, context: Any = None) -> Server:
        servers.append(Server(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def http_to(server: Server, scheme: str = "http", **options: Any) -> Http:
    return Http(Connection(f"{scheme}://127.0.0.1:{server.port}", **{"timeout": TIMEOUT, **options}))


def post(http: Http) -> Any:
    return http.exchange("POST", "/order", "canary-token", data=b"canary-body", headers={"X": "canary-header"})


def broken(http: Http) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        post(http)
    assert "canary" not in str(caught.value)
    return caught.value


def test_a_whole_answer_comes_back_with_status_headers_and_bytes(serve: Any) -> None:
    answer = post(http_to(serve(say(whole(b'{"a": 1}', b"X-Y: z\r\n")))))
    assert (answer.status, answer.headers["x-y"], answer.content) == (200, "z", b'{"a": 1}')


def test_a_request_says_what_the_portal_asks_for(serve: Any) -> None:
    server = serve(say(whole(b"{}")))
    post(http_to(server, user_agent="OpenAPI"))
    head, _blank, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /order HTTP/1.1" and body == b"canary-body"
    for line in (b"User-Agent: OpenAPI", b"Authorization: Bearer canary-token", b"Cache-Control: no-cache"):
        assert line in lines


DEADLINE = {
    "silence": say(then=3),
    "drip in the headers": say(*[b"%c" % byte for byte in whole(b"{}")], pause=0.1),
    "drip in the body": say(HEAD + b"Content-Length: 90\r\n\r\n", *[b"x"] * 90, pause=0.1),
    "drip of chunks": say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 90, pause=0.1),
}


@pytest.mark.parametrize("script", DEADLINE.values(), ids=DEADLINE)
def test_the_timeout_bounds_the_whole_request(serve: Any, script: Script) -> None:
    server, started = serve(script), time.monotonic()
    assert broken(http_to(server)).sent
    assert time.monotonic() - started < TIMEOUT + 0.5
    assert len(server.requests) == 1


def test_after_a_deadline_the_next_exchange_has_a_connection_of_its_own(serve: Any) -> None:
    scripts = iter([say(HEAD, then=1), say(whole(b"second"))])

    def answer(connection: Any) -> None:
        next(scripts)(connection)

    http = http_to(serve(answer))
    assert broken(http).sent
    assert post(http).content == b"second"


def drip(gone: threading.Event, first: bytes = b"", pause: float = 0.05) -> Script:
    """Send a byte now and then until the client has gone."""

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        with suppress(OSError):
            for _byte in range(100):
                connection.settimeout(pause)
                with suppress(TimeoutError):
                    if not connection.recv(65536):
                        break
                connection.sendall(b"x")
            else:
                return
        gone.set()

    return script


class Handshake:
    """In place of a TLS context: answers nothing, and sees the client go."""

    def __init__(self, gone: threading.Event) -> None:
        self._gone = gone

    def wrap_socket(self, connection: socket.socket, server_side: bool) -> socket.socket:
        assert server_side
        while connection.recv(65536):
            pass
        self._gone.set()
        raise OSError("no TLS here")


def sockets() -> set[str]:
    """The sockets that are open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of this very listing is gone
            found.add(os.readlink(descriptor))
    return {name for name in found if name.startswith("socket:")}


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """What is begun in the block has ended soon after it: threads, and sockets of either side."""
    threads, before, deadline = set(threading.enumerate()), sockets(), time.monotonic() + 3
    yield
    while True:
        left = [str(thread) for thread in threading.enumerate() if thread not in threads], sockets() - before
        if left == ([], set()) or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert left == ([], set())


GIVEN_UP_SAYS = rf"^no complete answer within {TIMEOUT:g} s$"
GIVEN_UP = {
    "silence": b"",
    "status line": b"HTTP/1.1 ",
    "headers": HEAD + b"X: ",
    "body": HEAD + b"Content-Length: 9000\r\n\r\n",
    "body to the end": HEAD + b"\r\n",
    "size of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFF\r\n",
    "interim answer": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ",
}


@pytest.mark.parametrize("first", GIVEN_UP.values(), ids=GIVEN_UP)
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
def test_a_read_that_is_given_up_ends_its_connection_and_leaves_nothing_behind(
    serve: Any, first: bytes, kept: bool
) -> None:
    gone = threading.Event()
    pause = 9 if not first else 0.05
    begin = [whole(b"first")] if kept else []

    def answer(connection: socket.socket) -> None:
        if begin:
            connection.sendall(begin.pop())
            read_request(connection)
        drip(gone, first, pause)(connection)

    server = serve(answer)
    http = http_to(server)
    with nothing_left_behind():
        if kept:
            assert http.exchange("GET", "/").content == b"first"
        with pytest.raises(ExchangeError, match=GIVEN_UP_SAYS):
            http.exchange("GET", "/")
        assert gone.wait(2)
    assert len(server.requests) == 1, "one connection"


def test_a_read_that_is_given_up_in_a_handshake_leaves_nothing_behind(serve: Any) -> None:
    gone = threading.Event()
    http = http_to(serve(say(), Handshake(gone)), "https")
    with nothing_left_behind():
        with pytest.raises(ExchangeError):
            http.exchange("GET", "/")
        assert gone.wait(2)


def test_a_read_that_is_given_up_over_tls_leaves_nothing_behind(serve: Any, certificate: Path) -> None:
    gone, context = threading.Event(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http = http_to(
        serve(drip(gone, HEAD + b"Content-Length: 9000\r\n\r\n"), context), "https", ca_path=str(certificate)
    )
    with nothing_left_behind():
        with pytest.raises(ExchangeError, match=GIVEN_UP_SAYS):
            http.exchange("GET", "/")
        assert gone.wait(2)


def test_a_read_that_is_given_up_in_a_tunnel_leaves_nothing_behind(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{serve(drip(gone, b'HTTP/1.1 ')).port}")
    http = Http(Connection("https://portal.invalid", timeout=TIMEOUT))
    with nothing_left_behind():
        with pytest.raises(ExchangeError, match=GIVEN_UP_SAYS):
            http.exchange("GET", "/")
        assert gone.wait(2)


def test_an_order_that_is_given_up_before_it_has_left_ends_its_connection(serve: Any) -> None:
    gone = threading.Event()
    assert not broken(http_to(serve(say(), Handshake(gone)), "https", timeout=0.6)).sent
    assert gone.wait(2)


def test_an_order_that_has_left_may_come_to_its_end_at_the_portal(serve: Any) -> None:
    gone, over = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        drip(gone, HEAD + b"Content-Length: 15\r\n\r\n", 0.1)(connection)
        over.set()

    assert broken(http_to(serve(answer))).sent
    assert not gone.wait(0.5), "the portal goes on undisturbed"


def test_a_line_that_was_cut_leads_over_no_further_socket() -> None:
    line, (one, other) = _http._Line(), socket.socketpair()
    line.cut()
    with one, other, pytest.raises(OSError, match="given up"):
        line.attach(None, one)
    line.detach()


CUT = {
    "reset": reset,
    "closed without an answer": say(),
    "no status line": say(b"nonsense\r\n\r\n"),
    "content-length": say(HEAD + b'Content-Length: 20\r\n\r\n{"a": 1}'),
    "chunked": say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n8\r\n{"),
    "chunked without an end": say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "damaged gzip": say(whole(b"nonsense", b"Content-Encoding: gzip\r\n")),
    "half of a gzip": say(whole(gzip.compress(b'{"a": 1}')[:-9], b"Content-Encoding: gzip\r\n")),
    "more than a gzip": say(whole(gzip.compress(b'{"a": 1}') + b"x", b"Content-Encoding: gzip\r\n")),
}


@pytest.mark.parametrize("script", CUT.values(), ids=CUT)
def test_a_broken_answer_leaves_open_what_became_of_the_request_and_nothing_is_repeated(
    serve: Any, script: Script
) -> None:
    server = serve(script)
    assert broken(http_to(server)).sent
    time.sleep(0.05)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("sent", "content"), [(HEAD + b'\r\n{"a": 1', b'{"a": 1'), (HEAD[:-8], b"")])
def test_an_answer_that_ends_with_the_connection_is_taken_as_it_is(serve: Any, sent: bytes, content: bytes) -> None:
    assert post(http_to(serve(say(sent)))).content == content


def test_an_answer_of_exactly_the_largest_size_is_whole(serve: Any) -> None:
    server = serve(say(whole(b"x" * _unpack.MAX_BODY)))
    assert len(post(http_to(server, timeout=5)).content) == _unpack.MAX_BODY


BOMB = gzip.compress(b"\0" * (50 * 1024 * 1024), 1)


@pytest.mark.parametrize(
    "content",
    [whole(b"x" * (_unpack.MAX_BODY + 1)), whole(BOMB, b"Content-Encoding: gzip\r\n")],
    ids=["plain", "gzip"],  # compressed bytes hold the time
)
def test_an_answer_that_is_too_large_is_given_up(serve: Any, content: bytes) -> None:
    error = broken(http_to(serve(say(content)), timeout=5))
    assert error.sent and "larger than" in str(error)


def test_an_answer_that_is_packed_unasked_is_read(serve: Any) -> None:
    for named in (b"gzip", b"GZIP", b"x-gzip", b"identity, gzip"):
        server = serve(say(whole(gzip.compress(b'{"a": 1}'), b"Content-Encoding: %s\r\n" % named)))
        assert post(http_to(server)).content == b'{"a": 1}'
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BOMB[:10], BOMB[10:]))
    head = HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert "larger than" in str(broken(http_to(serve(say(head + chunks + b"0\r\n\r\n")), timeout=5)))
    assert post(http_to(serve(say(whole(b"", b"Content-Encoding: gzip\r\n"))))).content == b""


def packed_zeros(megabytes: int) -> bytes:
    """So many megabytes in a few bytes, made without ever holding them."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(1024 * 1024)) for dummy in range(megabytes)) + packer.flush()


TWICE = gzip.compress(packed_zeros(500))  # 500 MB in some thousand bytes
PACKED = {
    "twice": (TWICE, b"gzip, gzip"),
    "twice, each named": (TWICE, b"gzip\r\nContent-Encoding: gzip"),
    "deflate": (zlib.compress(b"{}"), b"deflate"),
    "unknown": (b"{}", b"br"),
    "hostile": (b"{}", b"\x1b[31m" + b"x" * 9000),
}


@pytest.mark.parametrize(("content", "named"), PACKED.values(), ids=PACKED)
def test_an_answer_that_is_packed_otherwise_is_not_read_and_costs_nothing(
    serve: Any, content: bytes, named: bytes
) -> None:
    server = serve(say(whole(content, b"Content-Encoding: %b\r\n" % named)))
    tracemalloc.start()
    try:
        error = broken(http_to(server, timeout=5))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.sent and "expected an uncompressed answer" in str(error)
    assert "\x1b" not in str(error) and "xxx" not in str(error) and len(str(error)) < 300
    assert most < 8 * 1024 * 1024


def test_a_packed_answer_that_is_too_large_is_unpacked_no_further(serve: Any) -> None:
    server = serve(say(whole(BOMB, b"Content-Encoding: gzip\r\n")))
    tracemalloc.start()
    try:
        assert "larger than" in str(broken(http_to(server, timeout=5)))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4 * _unpack.MAX_BODY


@pytest.mark.parametrize("first", [b"1;", b"0\r\nX: "], ids=["size of a chunk", "trailer"])
def test_what_stands_around_chunks_is_bounded_too(serve: Any, first: bytes) -> None:
    sent = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + first)
        while len(sent) < 48:
            connection.sendall(b"x" * (1 << 20))
            sent.append(1)

    assert broken(http_to(serve(endless), timeout=5)).sent
    time.sleep(0.05)
    assert len(sent) < 32


def test_a_connection_is_kept_for_the_next_exchange(serve: Any) -> None:
    def answer(connection: socket.socket) -> None:
        for number in range(3):
            body = gzip.compress(b"%d" % number) if number == 1 else b"%d" % number
            connection.sendall(whole(body, b"Content-Encoding: gzip\r\n" if number == 1 else b""))
            server.requests.append(read_request(connection))

    server = serve(answer)
    http = http_to(server)
    assert [http.exchange("GET", "/").content for dummy in range(3)] == [b"0", b"1", b"2"]


def test_the_body_of_a_redirect_is_bounded_too(serve: Any) -> None:
    sent = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")
        while len(sent) < 48:
            connection.sendall(b"x" * (1 << 20))
            sent.append(1)

    assert broken(http_to(serve(endless), timeout=5)).sent
    time.sleep(0.05)
    assert len(sent) < 32


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_its_target_sees_nothing(serve: Any, status: int) -> None:
    target = serve(say(whole(b"{}")))
    place = b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n" % (status, target.port)
    answer = post(http_to(serve(say(place))))
    assert answer.status == status and answer.headers["Location"].endswith("/x")
    assert target.requests == []


def http_to_refused_port() -> Http:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return Http(Connection(f"http://127.0.0.1:{port}", timeout=TIMEOUT))


def test_a_refused_port_means_that_nothing_was_sent() -> None:
    assert not broken(http_to_refused_port()).sent


def test_a_name_that_does_not_resolve_means_that_nothing_was_sent() -> None:
    assert not broken(Http(Connection("http://nowhere.invalid", timeout=5))).sent


def test_a_reset_during_another_failure_is_not_taken_for_that_failure(serve: Any) -> None:
    http = http_to(serve(reset))
    with pytest.raises(ZeroDivisionError):
        try:
            post(http_to_refused_port())
        except ExchangeError:
            assert broken(http).sent
            raise ZeroDivisionError("the first failure happened") from None


def test_a_body_whose_exchange_was_given_up_is_never_handed_out() -> None:
    body = _http._Body(b"order")
    body.is_abandoned = True
    with pytest.raises(OSError, match="given up"):
        body.read()


def test_a_cut_body_is_noticed_even_where_urllib3_does_not_look() -> None:
    parts = [b"", b"12345"]
    stream = SimpleNamespace(tell=lambda: 5, read=lambda size, decode_content: parts.pop())
    response = SimpleNamespace(headers={"Content-Length": "6"}, raw=stream)
    with pytest.raises(_unpack.BodyError, match="5 of 6 bytes"):
        _unpack.read_body(response)


def test_without_requests_the_file_can_be_imported_and_knows_why(monkeypatch: pytest.MonkeyPatch) -> None:
    specification = importlib.util.spec_from_file_location(f"{_http.__package__}.without_requests", _http.__file__)
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, specification.name, module)
    monkeypatch.setitem(sys.modules, "requests", None)
    specification.loader.exec_module(module)
    assert isinstance(module.REQUESTS_IMPORT_ERROR, ImportError) and "requests" in str(module.REQUESTS_IMPORT_ERROR)
    assert _http.REQUESTS_IMPORT_ERROR is None


def test_netrc_is_not_used(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login canary password canary\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(say(whole(b"{}")))
    http_to(server).exchange("POST", "/token", data={"a": "b"})
    post(http_to(server))
    assert b"Authorization" not in server.requests[0]
    assert b"Authorization: Bearer canary-token\r\n" in server.requests[1]


def test_a_token_that_no_header_can_hold_is_neither_sent_nor_shown(serve: Any) -> None:
    server = serve(say(whole(b"{}")))
    with pytest.raises(ExchangeError) as caught:
        http_to(server).exchange("POST", "/order", "canary\nX: y", data=b"1")
    assert server.requests == [] and "canary" not in str(caught.value)


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(say(whole(b"by proxy")))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    assert post(Http(Connection("http://portal.invalid", timeout=TIMEOUT))).content == b"by proxy"
    assert proxy.requests[0].startswith(b"POST http://portal.invalid/order HTTP/1.1\r\n")


def test_a_host_that_the_environment_excepts_is_reached_without_the_proxy(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(say(whole(b"by proxy"))), serve(say(whole(b"direct")))
    for name, value in (("http_proxy", f"http://127.0.0.1:{proxy.port}"), ("no_proxy", "portal.invalid")):
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: found)
    assert post(Http(Connection("http://portal.invalid", timeout=TIMEOUT))).content == b"direct"
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "127.1.2.3", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_goes_to_this_machine_through_a_proxy(
    serve: Any, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str
) -> None:
    proxy, server = serve(say(whole(b"by proxy"))), serve(say(whole(b"direct")))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
    http = Http(Connection(f"{scheme}://{host}:{server.port}", timeout=TIMEOUT))
    form = {"client_id": "canary", "client_secret": "canary"}
    if (scheme, host) in (("http", "127.0.0.1"), ("http", "localhost")):  # the others lead to no server here
        assert http.exchange("POST", "/token", data=form).content == b"direct"
    else:
        with suppress(ExchangeError):
            http.exchange("POST", "/token", data=form)
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost.", "127.0.0.1", "127.255.255.254", "::1"])
def test_what_is_this_machine(host: str) -> None:
    assert _http.is_loopback_host(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example.com", "mylocalhost", "128.0.0.1", "0.0.0.0", "::", "10.0.0.1", "portal.invalid"]
)
def test_what_is_another_machine(host: str) -> None:
    assert not _http.is_loopback_host(host)


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_was_sent(
    serve: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    proxy = serve(say(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))
    monkeypatch.setenv("HTTPS_PROXY", f"http://canary:canary@127.0.0.1:{proxy.port}")
    error = broken(Http(Connection("https://portal.invalid", timeout=TIMEOUT)))
    assert not error.sent
    assert proxy.requests[0].startswith(b"CONNECT portal.invalid:443")
    assert b"canary-token" not in proxy.requests[0]


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    builder = builder.add_extension(address, False).add_extension(x509.BasicConstraints(True, None), True)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pem + key.private_bytes(*private))
    return path


@pytest.fixture(name="tls_server")
def _tls_server(serve: Any, certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server: Server = serve(say(whole(b"{}")), context)
    return server


def test_an_untrusted_certificate_means_that_nothing_was_sent(tls_server: Server) -> None:
    error = broken(http_to(tls_server, "https", timeout=5))
    assert not error.sent and "certificate" in str(error)
    assert tls_server.requests == []


def test_ca_path_is_trusted(tls_server: Server, certificate: Path) -> None:
    assert post(http_to(tls_server, "https", timeout=5, ca_path=str(certificate))).status == 200


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment_is_trusted(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(certificate))
    assert post(http_to(tls_server, "https", timeout=5)).status == 200


def test_without_validate_certs_any_certificate_will_do(tls_server: Server) -> None:
    assert post(http_to(tls_server, "https", timeout=5, validate_certs=False)).status == 200


@pytest.mark.parametrize("own_option", ["ca_path", "validate_certs"])
def test_a_ca_bundle_of_the_environment_does_not_replace_the_option(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch, own_option: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    options: dict[str, Any] = {"ca_path": str(certificate)} if own_option == "ca_path" else {"validate_certs": False}
    assert post(http_to(tls_server, "https", timeout=5, **options)).status == 200


def test_a_server_that_does_not_speak_tls_means_that_nothing_was_sent(serve: Any) -> None:
    listener = serve(say(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    listener._context = PlainAnswer()
    assert not broken(http_to(listener, "https", timeout=5)).sent


def test_a_handshake_without_an_answer_means_that_nothing_was_sent(serve: Any) -> None:
    assert not broken(http_to(serve(say(then=1)), "https", timeout=0.5)).sent


class PlainAnswer:
    """In place of a TLS context: answers the first bytes of the handshake in plain HTTP."""

    def wrap_socket(self, connection: socket.socket, server_side: bool) -> socket.socket:
        assert server_side
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise OSError("no TLS here")


def test_a_deadline_that_rings_late_still_names_its_seconds(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine wakes the caller after the socket's clock would have rung."""
    wait = Pool.wait
    monkeypatch.setattr(Pool, "wait", lambda pool, future, timeout: wait(pool, future, timeout + 0.5))
    with pytest.raises(ExchangeError, match=r"^no complete answer within 0\.5 s$"):
        post(http_to(serve(say(then=3)), timeout=0.5))


def test_a_handshake_that_stalls_is_a_connection_that_timed_out(serve: Any) -> None:
    """It has less time than the whole exchange, whose seconds would be wrong."""
    with pytest.raises(ExchangeError, match=r"^the connection timed out$") as caught:
        post(http_to(serve(say(then=3)), "https", timeout=2))
    assert not caught.value.sent
