# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies and certificate authorities in the environment: which variable sets them, and what is wrong with it.

Messages spell a variable as the environment does. They never show a whole address, which may contain a password.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Optional
from urllib.parse import SplitResult

# `requests` reads these, in this order, and ignores Python's own SSL_CERT_FILE and SSL_CERT_DIR.
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_IGNORED = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
_WITHOUT_SCHEME = re.compile(r"[A-Za-z0-9._-]{1,253}:[0-9]{1,5}")
_CERTIFICATE = re.compile(rb"-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----")
_REFUSAL = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_MOST_READ = 16 * 1024 * 1024  # bytes of a file with certificate authorities


@dataclass(frozen=True)
class Proxy:
    """A proxy from the environment: the variable that names it, its scheme, and its host:port without any password.

    ``address`` is empty if the value of the variable cannot be parsed.
    """

    variable: str
    scheme: str
    address: str

    def __str__(self) -> str:
        return f"the proxy {self.address} of {self.variable}"


def spelling_of(name: str, environment: Mapping[str, str]) -> Optional[str]:
    """How a variable such as ``https_proxy`` is spelled in the environment; lower case has precedence."""
    spellings = [name, *(one for one in environment if one.lower() == name)]
    return next((one for one in spellings if environment.get(one)), None)


def check_proxy(proxy: Proxy, text: str) -> None:
    """Raise ValueError for a proxy that no request could go through; ``text`` is the value of the variable."""
    if not proxy.address:
        bare = text.rpartition("@")[2].rstrip("/")
        if "://" not in text and _WITHOUT_SCHEME.fullmatch(bare):
            raise ValueError(
                f"{proxy.variable}: expected the proxy's address with its scheme, as in http://{bare}, got no scheme"
            )
        raise ValueError(
            f"{proxy.variable}: expected http://host:port, such as http://proxyhost:3128, got something else; write"
            " characters such as / # @ in a user or password as %2F %23 %40"
        )
    if proxy.scheme not in ("http", "https", *_SOCKS):
        kinds = ", ".join(_SOCKS)
        raise ValueError(f"{proxy.variable}: expected a proxy with http, https or {kinds}, got {proxy.scheme}")
    if proxy.scheme in _SOCKS and importlib.util.find_spec("socks") is None:
        raise ValueError(
            f"{proxy.variable}: {proxy.scheme} needs the Python library PySocks, which is not installed; install it,"
            " or name an HTTP proxy"
        )


def check_authorities(name: str, path: str) -> None:
    """Raise ValueError if ``path``, set by the option or variable ``name``, has no certificate authorities."""
    expected = f"{name}: expected a file with certificate authorities"
    if not os.path.exists(path):
        raise ValueError(f"{expected}, {path} does not exist")
    if os.path.isdir(path):
        return
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_READ)
    except OSError as error:
        raise ValueError(f"{expected}, {path} cannot be read: {error.strerror}") from None
    if not _CERTIFICATE.search(content):
        raise ValueError(f"{expected}, {path} has none in PEM format")


def advice_on_authorities(ca_path: Optional[str], environment: Mapping[str, str]) -> str:
    """Which settings to check when a certificate is not trusted, and which variable was ignored."""
    named = None if ca_path else next((name for name in AUTHORITIES if environment.get(name)), None)
    if named:
        return f"see {named}, validate_certs and ca_path"
    ignored = None if ca_path else next((name for name in _IGNORED if environment.get(name)), None)
    if ignored:
        return f"see validate_certs and ca_path; {ignored} is not read here, so name its file in ca_path"
    return "see validate_certs and ca_path"


def proxy_refusal(errors: Iterable[BaseException]) -> str:
    """How a proxy refused to connect, in the words of `http.client`; empty if none of the errors says so."""
    found = next((match for match in map(_REFUSAL.match, map(str, errors)) if match), None)
    if found is None:
        return ""
    required = ": it requires a user and password, or different ones" if found[1] == "407" else ""
    return f"the proxy refused to connect, with HTTP {found[1]}{required}"


def connection_problem(
    proxy: Optional[Proxy], url: SplitResult, errors: Iterable[BaseException], environment: Mapping[str, str]
) -> str:
    """Say that the proxy, or without one the host of the portal's address, cannot be reached, and why."""
    why = _cause_of(errors)
    if proxy is not None:
        return f"no connection to {proxy}{why}"
    problem = f"no connection: is base_url right, and is the host reachable?{why}"
    excepted = spelling_of(f"{url.scheme}_proxy", environment) or spelling_of("all_proxy", environment)
    exception = spelling_of("no_proxy", environment)
    if not (excepted and exception):
        return problem
    return f"{problem} {exception} excludes the host from the proxy of {excepted}"


def _cause_of(errors: Iterable[BaseException]) -> str:
    for error in errors:
        if isinstance(error, socket.gaierror):
            return " (the name cannot be resolved)"
        if isinstance(error, ConnectionRefusedError):
            return " (connection refused)"
        if isinstance(error, OSError) and error.errno and error.strerror:
            return f" ({error.strerror})"
    return ""
