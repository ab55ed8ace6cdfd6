# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies and authorities of the environment: messages name the variable as it is spelled, and never a password."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import environment as _surroundings
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import http_client as _http
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Connection, ExchangeError, Http

PORTAL = "https://portal.invalid"
SECRET = "canary"
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD")
NO_SUCH_PORT = 1


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name in VARIABLES or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(name="answering")
def _answering() -> Iterator[Any]:
    """Start a server that answers what it is sent with these bytes; its port."""
    listeners: list[socket.socket] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def connection_to(base_url: str = PORTAL, **options: Any) -> Connection:
    return Connection(base_url, access_token="token", timeout=5, **options)


def refusal(**options: Any) -> str:
    with pytest.raises(ValueError) as caught:
        _http.check_environment(connection_to(**options))
    assert SECRET not in str(caught.value)
    return str(caught.value)


def broken() -> str:
    """What is said of an order that could not leave."""
    connection = connection_to()
    _http.check_environment(connection)
    with pytest.raises(ExchangeError) as caught:
        Http(connection).exchange("POST", "/order", "token", data=b"order")
    assert not caught.value.sent and SECRET not in str(caught.value)
    return str(caught.value)


# --- proxies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "Https_Proxy"])
@pytest.mark.parametrize("user", ["", f"{SECRET}:{SECRET}@", f"{SECRET}:a@{SECRET}@"])
def test_a_proxy_without_scheme_and_dot_is_refused_by_its_variable_and_the_form(
    monkeypatch: pytest.MonkeyPatch, name: str, user: str
) -> None:
    monkeypatch.setenv(name, f"{user}proxyhost:3128")
    assert refusal() == (
        f"{name}: expected the proxy's address with its scheme, as in http://proxyhost:3128, got no scheme"
    )


@pytest.mark.parametrize(
    "text",
    ["http://", "http:///", "http://proxyhost:port", "http://proxy host:1", f"http://{SECRET}:12#{SECRET}@proxyhost:1"],
)
def test_an_address_that_is_none_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    message = refusal()
    assert message.startswith("HTTPS_PROXY: expected http://host:port, such as http://proxyhost:3128")
    assert "%23" in message


@pytest.mark.parametrize(
    "text",
    [
        *("http://proxyhost:3128", "HTTP://proxyhost:3128", "https://proxyhost", "proxy.example.com:3128"),
        *("192.0.2.1:3128", "[2001:db8::1]:3128", "proxyhost", f"http://{SECRET}:{SECRET}@proxyhost:3128", ""),
    ],
)
def test_what_requests_can_use_is_not_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    _http.check_environment(connection_to())


@pytest.mark.parametrize(
    ("base_url", "variables"),
    [
        ("http://127.0.0.1:8080", {"HTTP_PROXY": "proxyhost:3128"}),
        ("https://localhost:8080", {"HTTPS_PROXY": "proxyhost:3128"}),
        (PORTAL, {"HTTPS_PROXY": "proxyhost:3128", "NO_PROXY": "portal.invalid"}),
        (PORTAL, {"ALL_PROXY": "proxyhost:3128", "no_proxy": "*"}),
        (PORTAL, {"HTTP_PROXY": "proxyhost:3128"}),
    ],
)
def test_a_proxy_that_is_not_used_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, base_url: str, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    _http.check_environment(connection_to(base_url))


def test_small_letters_go_before_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxyhost:3128")
    monkeypatch.setenv("https_proxy", "proxyhost:3128")
    assert refusal().startswith("https_proxy: ")


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h", "SOCKS5"])
def test_a_socks_proxy_needs_its_library(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://{SECRET}:{SECRET}@proxyhost:1080")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert refusal().startswith(f"ALL_PROXY: {scheme.lower()} needs the Python library PySocks, which is not installed")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "socks" or None)
    _http.check_environment(connection_to())


@pytest.mark.parametrize("scheme", ["ftp", "socks6", "socks"])
def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://proxyhost:1080")
    assert refusal().endswith(f"got {scheme}")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
def test_a_dead_proxy_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"http://{SECRET}:{SECRET}@127.0.0.1:{NO_SUCH_PORT}")
    assert broken() == f"no connection to the proxy 127.0.0.1:1 of {name} (connection refused)"


def test_a_proxy_that_cannot_be_resolved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{SECRET}:{SECRET}@proxy.invalid:3128")
    assert broken() == "no connection to the proxy proxy.invalid:3128 of HTTPS_PROXY (the name cannot be resolved)"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            b"HTTP/1.1 407 canary\r\n\r\n",
            "refused to connect, with HTTP 407: it requires a user and password, or different ones",
        ),
        (b"HTTP/1.1 403 canary\r\n\r\n", "refused to connect, with HTTP 403"),
        (b"", "the connection broke (RemoteDisconnected)"),
        (b"canary\r\n\r\n", "the connection broke (BadStatusLine)"),
    ],
    ids=["407", "403", "nothing", "no HTTP"],
)
def test_a_proxy_that_refuses_is_named(
    answering: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, problem: str
) -> None:
    port = answering(answer)
    monkeypatch.setenv("https_proxy", f"http://{SECRET}:{SECRET}@127.0.0.1:{port}")
    assert broken().endswith(f"{problem} (through the proxy 127.0.0.1:{port} of https_proxy)")


def test_an_exception_from_the_proxy_is_named_where_the_host_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxyhost:3128")
    monkeypatch.setenv("NO_PROXY", ".invalid")
    assert broken() == (
        "no connection: is base_url right, and is the host reachable? (the name cannot be resolved)"
        " NO_PROXY excludes the host from the proxy of HTTPS_PROXY"
    )


# --- authorities ------------------------------------------------------------------------------------------------------


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "empty").touch()
    (tmp_path / "other").write_text("-----BEGIN PRIVATE KEY-----\n")
    return {
        "missing": str(tmp_path / "missing"),
        "empty": str(tmp_path / "empty"),
        "other": str(tmp_path / "other"),
        "folder": str(tmp_path),
        "whole": certifi.where(),
    }


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "ca_path"])
@pytest.mark.parametrize(
    ("file", "problem"),
    [("missing", "does not exist"), ("empty", "has none in PEM format"), ("other", "has none in PEM")],
)
def test_a_file_without_authorities_is_refused(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, file: str, problem: str
) -> None:
    options = {"ca_path": files[file]} if name == "ca_path" else {}
    if not options:
        monkeypatch.setenv(name, files[file])
    message = refusal(**options)
    assert message.startswith(f"{name}: expected a file with certificate authorities, {files[file]} {problem}")


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({}, {"REQUESTS_CA_BUNDLE": "whole", "CURL_CA_BUNDLE": "missing"}),
        ({}, {"REQUESTS_CA_BUNDLE": "folder"}),
        ({"ca_path": certifi.where()}, {"REQUESTS_CA_BUNDLE": "missing"}),
        ({"validate_certs": False}, {"REQUESTS_CA_BUNDLE": "missing"}),
        ({"base_url": "http://127.0.0.1:8080"}, {"CURL_CA_BUNDLE": "missing"}),
        ({}, {"SSL_CERT_FILE": "missing"}),
    ],
)
def test_a_file_that_is_not_read_does_not_matter(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], variables: dict[str, str]
) -> None:
    for name, file in variables.items():
        monkeypatch.setenv(name, files[file])
    _http.check_environment(connection_to(**options))


@pytest.mark.parametrize(
    ("ca_path", "variables", "advice"),
    [
        (None, {}, "see validate_certs and ca_path"),
        (None, {"CURL_CA_BUNDLE": "x", "SSL_CERT_FILE": "y"}, "see CURL_CA_BUNDLE, validate_certs and ca_path"),
        (None, {"SSL_CERT_DIR": "y"}, "SSL_CERT_DIR is not read here, so name its file in ca_path"),
        ("z", {"REQUESTS_CA_BUNDLE": "x", "SSL_CERT_FILE": "y"}, "see validate_certs and ca_path"),
    ],
)
def test_what_a_certificate_was_checked_against(ca_path: Any, variables: dict[str, str], advice: str) -> None:
    assert _surroundings.advice_on_authorities(ca_path, variables).endswith(advice)


def test_a_damaged_file_is_not_blamed_on_the_server(
    answering: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(damaged))
    base_url = f"https://127.0.0.1:{answering(b'')}"
    with pytest.raises(
        ExchangeError, match="the certificate authorities cannot be read; see REQUESTS_CA_BUNDLE"
    ) as caught:
        Http(connection_to(base_url)).exchange("POST", "/order", "token", data=b"order")
    assert not caught.value.sent
