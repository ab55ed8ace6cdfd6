# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network components between a client and the portal: relays, TLS, proxies, and ports that do not answer."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.support.certificates import HOST

Meeting = Callable[[socket.socket], None]
_TICK = 0.02  # s


class Listener:
    """A port of 127.0.0.1 that passes new connections to a function, which a test may replace at any time."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        # A queue of one, so that it can be filled.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._socket.settimeout(_TICK)
        self.port = int(self._socket.getsockname()[1])
        self._is_stopped = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.refuse()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it may have ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for connection in self._connections:
            connection.close()

    def refuse(self) -> None:
        """Refuse all further connections."""
        self._stop()
        self._socket.close()

    def let_wait(self) -> None:
        """Do not answer further connections at all, like a host that is off."""
        self._stop()
        while True:
            connection = socket.socket()
            self._connections.append(connection)
            connection.settimeout(5 * _TICK)
            try:
                connection.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return

    def _stop(self) -> None:
        self._is_stopped.set()
        self._threads[0].join()

    def _accept(self) -> None:
        while not self._is_stopped.is_set():
            try:
                connection = self._socket.accept()[0]
            except TimeoutError:
                continue
            self._connections.append(connection)
            thread = threading.Thread(target=self._meet, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _meet(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        with contextlib.suppress(OSError), connection:  # the other side may close
            self.meeting(connection)


def relay_to(port: int, certificate: Path | None = None) -> Meeting:
    """Relay everything to a port of 127.0.0.1 and back; with a certificate, as a TLS server."""

    def relay(connection: socket.socket) -> None:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            connection = context.wrap_socket(connection, server_side=True)
        with connection, socket.create_connection(("127.0.0.1", port)) as server:
            _relay(connection, server)

    return relay


def proxy(refusal: bytes | None = None) -> Meeting:
    """A proxy that tunnels to ports of HOST, which is this machine, or answers CONNECT with these bytes."""

    def meet(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        assert head.startswith(f"CONNECT {HOST}:".encode()), head
        if refusal is not None:
            connection.sendall(refusal)
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", int(head.split()[1].rpartition(b":")[2]))) as server:
            _relay(connection, server)

    return meet


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side ends."""
    partner = {one: other, other: one}
    while True:
        ready = [side for side in partner if isinstance(side, ssl.SSLSocket) and side.pending()]
        for side in ready or select.select([one, other], [], [])[0]:
            data = side.recv(65536)
            if not data:
                return
            partner[side].sendall(data)


def close_in_handshake(connection: socket.socket) -> None:
    """Read the client's first bytes and close."""
    connection.recv(65536)


def reset_in_handshake(connection: socket.socket) -> None:
    """Read the client's first bytes and reset."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_nothing(connection: socket.socket) -> None:
    """Read everything, and never answer."""
    while connection.recv(65536):
        pass


def speak_no_tls(connection: socket.socket) -> None:
    """Answer everything in plain HTTP."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
