# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded of an exchange, and the file."""

from __future__ import annotations

import json
import os
import random
import stat
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.recording import (
    Exchange,
    RecordingHttp,
    recording_of,
    write_recording,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import TOKEN_PATH
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
AT = datetime(2026, 11, 29, 20, tzinfo=timezone.utc)


def exchange(content: Any, path: str = LIST, method: str = "GET", status: int = 200, **more: Any) -> Exchange:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = more.get("headers", {"Content-Type": "application/json;charset=UTF-8"})
    return Exchange(
        method, path, more.get("query", {}), Answer(status, CaseInsensitiveDict(headers), body), 0.0, 0.23149
    )


def recorded(*exchanges: Exchange, field_map: Any = None, secrets: Secrets | None = None) -> dict[str, Any]:
    return recording_of(exchanges, field_map or {}, AT, secrets or Secrets(), random.Random(1))


class Fake:
    """Answers each exchange with the next of its outcomes."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)

    def exchange(self, method: str, path: str, token: Any = None, **payload: Any) -> Answer:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_it_keeps_what_was_asked_and_answered_and_neither_token_nor_form() -> None:
    answer = Answer(200, CaseInsensitiveDict(), b"{}")
    ticks = iter((1.0, 1.5, 2.0, 2.25, 3.0))
    http = RecordingHttp(Fake(answer, answer, ExchangeError("broke")), lambda: next(ticks))
    assert http.exchange("POST", TOKEN_PATH, data={"client_secret": "canary"}) is answer
    assert http.exchange("GET", LIST, "canary-token", params={"pageNo": "1"}) is answer
    with pytest.raises(ExchangeError):
        http.exchange("GET", LIST, "canary-token")
    assert http.exchanges == [
        Exchange("POST", TOKEN_PATH, {}, answer, 1.0, 0.5),
        Exchange("GET", LIST, {"pageNo": "1"}, answer, 2.0, 0.25),
    ]
    assert "canary" not in repr(http.exchanges)


def test_the_document_has_the_agreed_form() -> None:
    headers = {
        "Content-Type": "application/json",
        "Date": "Sun, 29 Nov 2026 20:00:00 GMT",
        "Set-Cookie": "canary=1",
        "Server": "canary",
    }
    query = {"productNo": "3658B431119665QJ", "productId": "13"}
    body = {"code": "success", "result": {"productNo": "3658B431119665QJ"}, "status": 200}
    document = recorded(exchange(body, headers=headers, query=query), field_map={"expires_at": "a.validTo"})
    [one] = document.pop("exchanges")
    assert document == {
        "format": "pbxops.yeastar.recording",
        "version": 1,
        "recorded_at": "2026-11-29T20:00:00Z",
        "field_map": {"expires_at": "a.validTo"},
    }
    assert list(one) == ["method", "path", "query", "status", "headers", "body", "seconds"]
    assert one["headers"] == {"content-type": "application/json", "date": "Sun, 29 Nov 2026 20:00:00 GMT"}
    assert one["query"] == {"productId": "13", "productNo": one["body"]["result"]["productNo"]}
    assert (one["method"], one["path"], one["status"], one["seconds"]) == ("GET", LIST, 200, 0.231)
    assert one["query"]["productNo"] != "3658B431119665QJ"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Content-Type", "application/canary", False),
        ("Content-Type", "text/html; charset=utf-8", True),
        ("Date", "Canary, 29 Nov 2026", False),
        ("Retry-After", "120", True),
        ("Retry-After", "canary", False),
        ("Content-Length", "12", False),
        ("X-Request-Id", "canary", False),
    ],
)
def test_headers_are_kept_only_by_name_and_in_a_known_form(name: str, value: str, kept: bool) -> None:
    [one] = recorded(exchange({}, headers={name: value}))["exchanges"]
    assert one["headers"] == ({name.lower(): value} if kept else {})


@pytest.mark.parametrize(
    "content",
    [
        b"<html><b>canary-one</b></html>",
        b'{"code": "canary-one", "code": "b"}',
        b'{"a": NaN, "b": "canary-one"}',
        b"\xff\xfecanary-one",
        b'{"a": ' * 60 + b'"canary-one"' + b"}" * 60,
        b'{"a": ' * 5000 + b'"canary-one"' + b"}" * 5000,
        b'{"a": ' + b"9" * 200 + b', "b": "canary-one"}',
        b'"canary-one"',
    ],
    ids=range(8),
)
def test_what_is_no_json_of_an_answer_is_kept_as_text_of_the_same_shape(content: bytes) -> None:
    [one] = recorded(exchange(content))["exchanges"]
    assert "body" not in one and len(one["text"]) == len(content.decode("utf-8", "replace"))
    assert "canary" not in one["text"] and [c for c in one["text"] if c in "<>{}"] == [
        c for c in content.decode("utf-8", "replace") if c in "<>{}"
    ]


def test_a_login_shows_its_form_and_lifetime_and_no_token() -> None:
    result = {"expiresIn": "1800", "refreshToken": "eyJcanary", "token": "eyJcanary", "tokenHead": "Bearer "}
    [one] = recorded(exchange({"code": "success", "result": result}, TOKEN_PATH, "POST"))["exchanges"]
    assert one["path"] == TOKEN_PATH and one["body"]["result"]["expiresIn"] == "1800"
    assert "canary" not in json.dumps(one).lower() and set(one["body"]["result"]) == set(result)


def test_the_order_of_requests_side_by_side_does_not_matter() -> None:
    pages = [exchange({"n": number}, query={"pageNo": str(number)}) for number in (2, 3, 4)]
    assert recorded(*pages) == recorded(*reversed(pages))


def test_the_file_is_for_its_owner_only_and_keeps_every_digit(tmp_path: Path) -> None:
    content = b'{"id": 3206243356000391168, "price": 4812.50, "text": "\\ud83d", "tiny": 4E-7}'
    document = recorded(exchange(content), exchange({"a": 5}, path=LIST + "s"))
    path = tmp_path / "account.json"
    write_recording(str(path), document)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    read = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    assert [one["body"] for one in read["exchanges"]] == [one["body"] for one in document["exchanges"]]
    assert read["exchanges"][0]["body"]["price"].as_tuple().exponent == -2


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = tmp_path / "none" / "account.json"
    with pytest.raises(ValueError, match=f"the recording cannot be written to {target}: No such file or directory"):
        write_recording(str(target), recorded())
