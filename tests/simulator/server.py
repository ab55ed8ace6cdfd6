# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP on the raw socket: one send per answer, keep-alive, and the faults that happen on the wire."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import admin
from .answer import Answer, Refused
from .endpoints import Request
from .holds import ON_ACCEPT, Hold, Lost

if TYPE_CHECKING:
    from .simulator import Simulator

MAX_BODY = 1_000_000


class PortalServer(ThreadingHTTPServer):
    """A server that knows its connections, so that it can end them all."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, simulator: Simulator, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.simulator = simulator
        self._guard = threading.Lock()
        self._workers: dict[threading.Thread, socket.socket] = {}
        self._acceptor: threading.Thread | None = None
        self.stopping = threading.Event()

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def start(self) -> None:
        """Accept connections in a thread."""
        self._acceptor = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """End every connection and thread; the port is free afterwards."""
        self.stopping.set()
        if self._acceptor:
            self.shutdown()
            self._acceptor.join()
        self.server_close()
        with self._guard:
            workers = dict(self._workers)
        for thread, connection in workers.items():
            with suppress(OSError):  # it may have ended by itself
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread that `stop` can find."""
        thread = threading.Thread(target=self._work, args=(request, client_address), daemon=True)
        with self._guard:
            self._workers[thread] = request
        thread.start()

    def _work(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._workers.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is not an error; anything else is a bug in the simulator and is printed."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: PortalServer
    hold: Hold

    def setup(self) -> None:
        """Apply the hold for a new connection."""
        super().setup()
        self.hold = self.server.simulator.holds.of_connection(self.connection)

    def handle(self) -> None:
        """Serve a connection."""
        try:
            self.hold.at(ON_ACCEPT)
            super().handle()
        except Lost:
            pass  # nothing that could be logged was read
        finally:
            self.hold.end()

    def _serve(self) -> None:
        target = urlsplit(self.path)
        query = parse_qsl(target.query, keep_blank_values=True)
        request = Request(self.command, unquote(target.path), query, self.headers, b"")
        if not request.path.startswith(admin.PREFIX):
            holds = self.server.simulator.holds
            self.hold = holds.of_request(self.hold, self.connection, request.method, request.path)
        try:
            self._answer(request)
        finally:
            self.hold.end()

    def _answer(self, request: Request) -> None:
        try:
            self._read_body(request)
        except (Refused, Lost) as problem:
            self.close_connection = True
            refusal = problem if isinstance(problem, Refused) else None
            self.server.simulator.refuse(request, self.hold, refusal and refusal.status)
            if refusal:
                self._send(refusal.answer())
            return
        if request.path.startswith(admin.PREFIX):
            self._send(admin.answer(self.server.simulator, request))
        else:
            self._send(self.server.simulator.exchange(request, self.hold)[0])

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve

    def _read_body(self, request: Request) -> None:
        """Read the body; raises Lost if the client disconnected in the middle of it."""
        if "Transfer-Encoding" in self.headers:
            raise Refused(411, "length_required", "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 10) or int(length) > MAX_BODY:
            raise Refused(413, "body_too_large", f"Content-Length must be at most {MAX_BODY}.")
        self.hold.at("after_headers")
        request.body = self.rfile.read(int(length) // 2)
        self.hold.at("half_body")
        request.body += self.rfile.read(int(length) - len(request.body))
        if len(request.body) < int(length):
            raise Lost

    def _send(self, answer: Answer) -> None:
        if answer.wire in ("drop", "reset"):
            self._drop(answer.wire == "reset")
            return
        body, transfer = self._transferred(answer)
        head = self._head(answer, body, transfer)
        if self.command == "HEAD":
            body = b""
        if answer.wire == "drip":
            self.connection.sendall(head)
            self._drip(body, answer.seconds)
            return
        if answer.wire == "break_off":
            self._break_off((head + body)[: answer.sent], answer.how)
            return
        if answer.wire == "truncate":
            body = body[: max(0, len(body) - answer.missing)]
        self._send_bytes(head, body)
        if answer.wire == "hang_up":
            self.close_connection = True

    def _send_bytes(self, head: bytes, body: bytes) -> None:
        """Send an answer, in one piece unless it is held in the middle."""
        data, sent = head + body, 0
        for point, end in (("half_head", len(head) // 2), ("half_answer", len(head) + len(body) // 2)):
            if self.hold.stops_at(point):
                self.connection.sendall(data[:end])
                self.hold.at(point)
                sent = end
        self.connection.sendall(data[sent:])
        self.hold.at("after_answer")

    def _transferred(self, answer: Answer) -> tuple[bytes, str]:
        """The body in the profile's transfer form, and the name of that form; unchanged if a fault decides about it."""
        body, transfer = answer.encoded(), self.server.simulator.profile.transfer
        if answer.wire != "whole" or answer.status == 204 or "Content-Encoding" in answer.headers:
            return body, "length"
        if transfer == "gzip":
            return gzip.compress(body), transfer
        if transfer == "chunked":
            half = len(body) // 2
            chunks = [chunk for chunk in (body[:half], body[half:]) if chunk]
            return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n", transfer
        return body, transfer

    def _head(self, answer: Answer, body: bytes, transfer: str) -> bytes:
        reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Other"
        headers = {
            "Date": format_datetime(self.server.simulator.clock.now(), usegmt=True),
            "Content-Type": answer.content_type,
            **answer.headers,
        }
        if not self.server.simulator.profile.dated:
            del headers["Date"]
        if transfer == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif answer.wire != "close_delimited" and answer.status != 204 and transfer != "http_1_0":
            headers["Content-Length"] = str(len(body))
        if transfer == "gzip":
            headers["Content-Encoding"] = "gzip"
        if answer.wire in ("close", "close_delimited", "truncate") or transfer == "http_1_0":
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        version = "HTTP/1.0" if transfer == "http_1_0" else "HTTP/1.1"
        lines = [f"{version} {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _drip(self, body: bytes, seconds: float) -> None:
        for position in range(len(body)):
            if self.server.stopping.wait(seconds):
                return
            self.connection.sendall(body[position : position + 1])

    def _break_off(self, data: bytes, how: str) -> None:
        self.connection.sendall(data)
        self._drop(how == "reset")
        if how == "half_close":
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read1():  # keep listening until the client disconnects
                pass

    def _drop(self, reset: bool) -> None:
        """Close without an answer; with a reset the other side sees RST instead of an orderly end."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Malformed requests and unknown methods also get the vendor's envelope."""
        self.close_connection = True
        if not hasattr(self, "command") or self.command is None:
            self.command = ""  # pylint: disable=attribute-defined-outside-init
        self._send(Refused(int(code), "bad_request", message or HTTPStatus(code).phrase).answer())

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing to stderr; the request log is the record."""
