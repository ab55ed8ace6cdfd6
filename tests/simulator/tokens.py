# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access and refresh tokens: JWT in form, unguessable, valid by the simulator's clock (docs/portal-api.md, 2)."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from datetime import datetime

from .answer import Invalid, Refused
from .clock import Clock

ACCESS_LIFE = 1800
REFRESH_LIFE = 15 * 86_400


class Tokens:
    """Issues and checks tokens for one client."""

    def __init__(
        self, client_id: str, client_secret: str, clock: Clock, life: int = ACCESS_LIFE, only_one: bool = False
    ) -> None:
        """``life`` of an access token is in seconds; with ``only_one`` a new token revokes it."""
        self._life, self._only_one = life, only_one
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._clock = clock
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}
        self._issued: list[str] = []

    @property
    def issued(self) -> list[str]:
        """Every access and refresh token ever issued, for canary tests."""
        with self._lock:
            return list(self._issued)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client secret, and the latest tokens."""
        return (self._client["client_secret"], *self.issued[-2:])

    def valid(self, authorization: str | None) -> bool:
        """Whether an Authorization header has a valid access token."""
        scheme, dummy, token = (authorization or "").partition(" ")
        with self._lock:
            return scheme == "Bearer" and self._access.get(token, 0) > self._clock.now().timestamp()

    def mask(self, text: str) -> str:
        """The text without tokens and the client secret."""
        for secret in (*self.issued, self._client["client_secret"]):
            text = text.replace(secret, "***")
        return text

    def grant(self, form: dict[str, str]) -> dict[str, str]:
        """Answer a token request; raises Refused for wrong credentials and Invalid for a malformed request."""
        kind = form.get("grant_type")
        if kind == "pp_credentials":
            self._only(form, {"grant_type", "client_id", "client_secret"})
            self._check_client(form, required=True)
        elif kind == "refresh_token":
            self._only(form, {"grant_type", "client_id", "client_secret", "refresh_token"})
            self._check_client(form, required=False)
            self._spend(form.get("refresh_token", ""))
        else:
            raise Invalid("grant_type", "oneof", "must be pp_credentials or refresh_token")
        return self._issue()

    @staticmethod
    def _only(form: dict[str, str], allowed: set[str]) -> None:
        for name in sorted(set(form) - allowed):
            raise Invalid(name, "unknown", "is not a field of this request")

    def _check_client(self, form: dict[str, str], required: bool) -> None:
        for name, expected in self._client.items():
            if name not in form and required:
                raise Invalid(name, "required", "is missing")
            if name in form and not hmac.compare_digest(form[name].encode(), expected.encode()):
                raise Refused(401, "invalid_client", "The client ID or the client secret is wrong.")

    def _spend(self, token: str) -> None:
        """A refresh token can be used once."""
        with self._lock:
            if self._refresh.pop(token, 0) <= self._clock.now().timestamp():
                raise Refused(401, "invalid_refresh_token", "The refresh token is unknown, used or expired.")

    def _issue(self) -> dict[str, str]:
        now = self._clock.now()
        access, refresh = self._jwt(now, self._life), self._jwt(now, REFRESH_LIFE)
        with self._lock:
            if self._only_one:
                self._access.clear()
            self._access[access] = now.timestamp() + self._life
            self._refresh[refresh] = now.timestamp() + REFRESH_LIFE
            self._issued += [access, refresh]
        return {"expiresIn": str(self._life), "refreshToken": refresh, "token": access, "tokenHead": "Bearer "}

    def _jwt(self, now: datetime, life: int) -> str:
        claims = {
            "scope": ["all"],
            "exp": int(now.timestamp()) + life,
            "token_type": "openapi",
            "jti": secrets.token_urlsafe(20),
            "authorities": ["79"],
            "client_id": self._client["client_id"],
        }
        parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signature = hmac.digest(self._key, ".".join(parts).encode(), "sha256")
        return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
