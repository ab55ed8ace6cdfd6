# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import envelope as _envelope
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import MAX_DEPTH, UNSHOWABLE

WHOLE = {"code": "success", "detailMessage": "", "requestId": "f" * 32, "result": {"a": 1}, "status": 200}


def _envelope_of(**changes: Any) -> _envelope.Envelope:
    return _envelope.parse_envelope(json.dumps({**WHOLE, **changes}).encode())


def _without(member: str) -> _envelope.Envelope:
    return _envelope.parse_envelope(json.dumps({key: WHOLE[key] for key in WHOLE if key != member}).encode())


def test_a_whole_answer_is_read() -> None:
    assert _envelope_of() == _envelope.Envelope("success", "", "f" * 32, {"a": 1}, 200, True)
    assert _envelope_of().is_success


@pytest.mark.parametrize("member", ["requestId", "status"])
def test_an_answer_that_lacks_a_member_is_not_complete(member: str) -> None:
    assert not _without(member).is_complete


@pytest.mark.parametrize("member", ["detailMessage", "result"])
def test_an_answer_may_lack_what_nothing_is_decided_by(member: str) -> None:
    assert _without(member).is_complete


def test_an_answer_without_code_is_no_envelope() -> None:
    with pytest.raises(ValueError, match="no code"):
        _without("code")


@pytest.mark.parametrize("code", [None, "", 0, 200, ["success"], {"success": 1}])
def test_a_code_that_is_not_text_is_no_envelope(code: Any) -> None:
    with pytest.raises(ValueError, match="no code"):
        _envelope_of(code=code)


@pytest.mark.parametrize(
    ("status", "expected", "is_complete"),
    [
        pytest.param(200, 200, True, id="number"),
        pytest.param("200", 200, True, id="digits"),
        pytest.param(None, None, False, id="null"),
        pytest.param(True, None, False, id="true"),
        pytest.param(200.5, None, False, id="fraction"),
        pytest.param("OK", None, False, id="word"),
        pytest.param(-200, None, False, id="negative"),
    ],
)
def test_a_status_is_a_whole_number_also_as_digits(status: Any, expected: Any, is_complete: bool) -> None:
    envelope = _envelope_of(status=status)
    assert (envelope.status, envelope.is_complete) == (expected, is_complete)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="success-200"),
        pytest.param({"status": None}, True, id="success-without-status"),
        pytest.param({"status": 500}, False, id="success-500"),
        pytest.param({"status": 201}, False, id="success-201"),
        pytest.param({"code": "parameter_validation_failed"}, False, id="error-200"),
        pytest.param({"code": "Success"}, False, id="other-case"),
        pytest.param({"code": "success "}, False, id="trailing-blank"),
    ],
)
def test_success_needs_both_code_and_status(changes: dict[str, Any], expected: bool) -> None:
    assert _envelope_of(**changes).is_success is expected


@pytest.mark.parametrize("value", [None, 5, ["x"]])
def test_detail_and_request_id_that_are_not_text_read_as_empty(value: Any) -> None:
    envelope = _envelope_of(detailMessage=value, requestId=value)
    assert (envelope.detail, envelope.request_id) == ("", "")


@pytest.mark.parametrize(
    "number",
    ["3197218168379846218", "9007199254740993", "-9007199254740993", "123456789012345678901234567890"],
)
def test_whole_numbers_keep_every_digit(number: str) -> None:
    envelope = _envelope.parse_envelope(f'{{"code": "success", "result": {{"id": {number}}}}}'.encode())
    assert envelope.result == {"id": int(number)}
    assert isinstance(envelope.result["id"], int)


def test_fractions_become_decimal_and_keep_every_digit() -> None:
    envelope = _envelope.parse_envelope(b'{"code": "success", "result": 1200.10000000000000000001}')
    assert isinstance(envelope.result, Decimal)
    assert str(envelope.result) == "1200.10000000000000000001"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html><body>success</body></html>", id="html"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"success"', id="text"),
        pytest.param(b'[{"code": "success"}]', id="list"),
        pytest.param(b'{"code": "success"', id="cut-off"),
        pytest.param(b'{"code": "success"} x', id="trailing-text"),
        pytest.param(b'{"code": "success"}{"code": "success"}', id="two-documents"),
        pytest.param(b'{"code": "failed", "code": "success"}', id="code-twice"),
        pytest.param(b'{"code": "success", "result": {"orderNo": "A", "orderNo": "B"}}', id="nested-key-twice"),
        pytest.param(b'{"code": "success", "result": [{"a": 1, "\\u0061": 2}]}', id="same-key-escaped"),
        pytest.param(b'{"code": "success", "result": NaN}', id="nan"),
        pytest.param(b'{"code": "success", "result": Infinity}', id="infinity"),
        pytest.param(b'{"code": "success", "result": -Infinity}', id="minus-infinity"),
        pytest.param(b'{"code": "success", "result": 0x10}', id="hexadecimal"),
        pytest.param(b"{'code': 'success'}", id="single-quotes"),
        pytest.param(b'{"code": "success\xff"}', id="not-utf-8"),
        pytest.param('{"code": "success"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b"[" * 200_000, id="deep-lists"),
        pytest.param(b'{"a":' * 200_000, id="deep-objects"),
        pytest.param(b'{"code": "success", "result": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="deep-result"),
    ],
)
def test_what_is_not_strict_json_in_an_envelope_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        _envelope.parse_envelope(content)


def test_a_number_beyond_every_measure_is_refused_as_an_unreadable_answer() -> None:
    with pytest.raises(ValueError):
        _envelope.parse_envelope(b'{"code": "success", "result": 1e99999999999999999999}')


def test_a_byte_order_mark_is_passed_over() -> None:
    assert _envelope.parse_envelope(b'\xef\xbb\xbf{"code": "success"}').code == "success"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (117, 117), ("117", 117), (" 25 ", 25), ("007", 7)],
)
def test_a_count_is_a_whole_number_or_digits(value: Any, expected: int) -> None:
    assert _envelope.read_count(value) == expected


@pytest.mark.parametrize("value", [-1, "-1", True, None, "", "1.0", Decimal("1"), 1.0, "٣", "²", "1e3", [], "1_000"])
def test_any_other_count_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        _envelope.read_count(value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("half \ud83d of it", "half \ufffd(55357) of it"),
        ("no\r\nok: [localhost] => {}", "no ok: [localhost] => {}"),
        ("no\u2028::add-mask::0", "no \ufffd(58):add-mask::0"),
        (" \x1b[2Jgone ", "\ufffd(27)[2Jgone"),
    ],
)
def test_what_the_portal_says_is_one_line_that_can_be_written_anywhere(said: str, shown: str) -> None:
    envelope = _envelope_of(code=f"no {said}", detailMessage=said, requestId=said)
    assert envelope.detail == envelope.request_id == shown
    assert not UNSHOWABLE.search(envelope.code)


def test_every_text_and_every_key_of_a_result_is_clean_and_different_keys_stay_different() -> None:
    result = _envelope_of(result=[{"a\x1b": ["b\u202e"], "a\x1c": {"c": "d\ud83d"}, "a": 5}]).result
    assert result == [{"a\ufffd(27)": ["b\ufffd(8238)"], "a\ufffd(28)": {"c": "d\ufffd(55357)"}, "a": 5}]


def test_a_key_that_would_become_another_one_makes_the_answer_unreadable() -> None:
    with pytest.raises(ValueError, match="repeats a key"):
        _envelope_of(result={"a\x1b": 1, "a\ufffd(27)": 2})


@pytest.mark.parametrize(("levels", "is_read"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (900, False)])
def test_an_answer_that_is_nested_deeper_than_any_that_is_known_is_unreadable(levels: int, is_read: bool) -> None:
    content = b'{"code": "success", "result": ' + b"[" * levels + b"]" * levels + b"}"
    if is_read:
        assert _envelope.parse_envelope(content).is_success
    else:
        with pytest.raises(ValueError, match="nested too deeply"):
            _envelope.parse_envelope(content)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("9" * 101, id="101 digits"),
        pytest.param("-" + "9" * 5000, id="more than Python reads"),
        pytest.param("9" * 2_000_000, id="millions"),
        pytest.param("0." + "9" * 2_000_000, id="a fraction of millions"),
    ],
)
def test_a_number_of_too_many_digits_makes_the_answer_unreadable_and_takes_no_time(number: str) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"a number of [0-9]+ digits"):
        _envelope.parse_envelope(f'{{"code": "success", "result": {number}}}'.encode())
    assert time.monotonic() - started < 1


def test_nothing_of_an_answer_holds_a_secret() -> None:
    secrets = Secrets(["a secret of mine"])
    said = {"code": "code-A1B2-C3D4", "detailMessage": "you said a secret of mine", "requestId": "a secret of mine"}
    result = {"activationCode": "A1B2-C3D4", "comment": "a secret of mine"}
    envelope = _envelope_of(**said, result=result).hidden(secrets)
    assert (envelope.code, envelope.detail, envelope.request_id) == ("code-********", "you said ********", "********")
    assert envelope.result == {"activationCode": "********", "comment": "********"}


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ({"password": "canary"}, "an object"),
        (["canary"], "a list"),
        pytest.param("x" * 400, "text of 400 characters", id="text"),
        pytest.param("9" * 400, "text of 400 characters", id="digits"),
        (Decimal("1.5"), "1.5"),
        (None, "None"),
    ],
)
def test_a_count_that_cannot_be_read_is_named_without_what_it_may_hold(value: Any, seen: str) -> None:
    with pytest.raises(ValueError) as caught:
        _envelope.read_count(value)
    assert str(caught.value) == f"expected a whole number, got {seen}"
