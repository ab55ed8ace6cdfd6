# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token, repeats of reads, and what becomes of a write (docs/reliability.md, 15 to 36). Paging: see `test_listing`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import Order, OrderRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import transport as _transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import (
    AccessError,
    Ambiguous,
    NotSent,
    ReadError,
    Rejected,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer, ExchangeError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import ORDER_SAVE, OrderSender, order_body
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    REQUEST_ID,
    UNCHECKED,
    Bench,
    Call,
    envelope,
    login,
    raw,
    refusal,
    success,
)

HTML = b"<html><body>canary-body</body></html>"
ORDER = {"orderNo": "BN1", "orderStatus": "succeed"}
REQUEST = OrderRequest("A", "3197218168379846218", "1", (), 1, "annually")
NEEDED = ["code", "requestId", "result", "status"]


def read(outcome: Any, token: Any = UNCHECKED) -> Call:
    return Call("GET", "/thing", outcome, token=token)


def write(outcome: Any, token: Any = UNCHECKED) -> Call:
    return Call("POST", ORDER_SAVE, outcome, token=token)


def send(bench: Bench, **changes: Any) -> Order:
    return OrderSender(bench.transport).send(replace(REQUEST, **changes))


def test_many_reads_share_one_token_and_the_traffic_is_counted() -> None:
    with Bench(login("abc"), *[read(success(number), token="abc") for number in range(3)]) as bench:
        assert [bench.transport.get("/thing") for dummy in range(3)] == [0, 1, 2]
    assert (bench.transport.traffic.read, bench.transport.traffic.token, bench.transport.traffic.write) == (3, 1, 0)


def test_every_secret_of_a_login_is_handed_on() -> None:
    with Bench(login("abc"), read(success(1))) as bench:
        bench.transport.get("/thing")
    assert bench.secrets == ["abc", "refresh-abc"]


@pytest.mark.parametrize(
    ("expires_in", "timeout", "usable"),
    [("1800", 30, 1650), (1800, 30, 1650), (None, 30, 1650), ("1800", 600, 1080), ("200", 30, 100)],
)
def test_a_token_is_used_for_its_usable_life_and_then_replaced(expires_in: Any, timeout: float, usable: float) -> None:
    clock = [1000.0]
    calls = [login("old", expires_in), read(success(1), "old"), read(success(1), "old"), login("new", "1800")]
    with Bench(*calls, read(success(1), "new"), monotonic=lambda: clock[0], timeout=timeout) as bench:
        for instant in (1000.0, 1000.0 + usable - 1, 1000.0 + usable):
            clock[0] = instant
            bench.transport.get("/thing")


def test_a_life_that_cannot_be_read_is_taken_for_the_documented_one_with_a_warning() -> None:
    with Bench(login("abc", expiresIn="soon"), read(success(1), "abc")) as bench:
        bench.transport.get("/thing")
    assert len(bench.warnings) == 1 and "soon" in bench.warnings[0]


@pytest.mark.parametrize("members", [{"token": None}, {"token": ""}, {"token": 12}])
def test_a_login_without_a_usable_token_is_an_error_and_its_refresh_token_stays_secret(members: dict[str, Any]) -> None:
    with Bench(login("abc", **members), retries=0) as bench, pytest.raises(ReadError) as caught:
        bench.transport.get("/thing")
    assert "refresh-abc" in bench.secrets
    assert "refresh-abc" not in str(caught.value)


@pytest.mark.faults(26)
def test_a_401_on_a_read_leads_to_one_fresh_token_and_one_repeat() -> None:
    calls = [login("old"), read(refusal(401), "old"), login("new"), read(success("ok"), "new")]
    with Bench(*calls) as bench:
        assert bench.transport.get("/thing") == "ok"
    assert bench.sleeps == []


@pytest.mark.parametrize(("http", "status"), [(200, 200), (200, 400), (400, 400), (403, 403)])
def test_a_code_that_names_the_token_leads_to_a_fresh_one_as_well(http: int, status: int) -> None:
    said = raw(envelope({}, code="access_token_expired", status=status), status=http)
    with Bench(login("old"), read(said, "old"), login("new"), read(success("ok"), "new")) as bench:
        assert bench.transport.get("/thing") == "ok"


def test_a_second_401_on_a_read_is_final() -> None:
    calls = [login("old"), read(refusal(401), "old"), login("new"), read(refusal(401), "new")]
    with Bench(*calls) as bench, pytest.raises(AccessError, match="token was refused"):
        bench.transport.get("/thing")


def test_a_given_access_token_is_never_replaced_by_a_login() -> None:
    with Bench(read(refusal(401), "given"), access_token="given") as bench, pytest.raises(AccessError):
        bench.transport.get("/thing")


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("http_says_so", [True, False])
def test_bad_credentials_are_tried_once(status: int, http_says_so: bool) -> None:
    answer = refusal(status, "bad_credentials")
    answer = Answer(status if http_says_so else 200, answer.headers, answer.content)
    with Bench(Call("POST", _transport.TOKEN_PATH, answer)) as bench, pytest.raises(AccessError) as caught:
        bench.transport.get("/thing")
    assert "client_secret" in str(caught.value) and "bad_credentials" in str(caught.value)
    assert "canary-secret" not in str(caught.value)


@pytest.mark.parametrize("http", [429, 200])
def test_a_rate_limited_login_is_repeated_like_a_read(http: int) -> None:
    limited = Answer(http, refusal(429, Retry_After="7").headers, refusal(429).content)
    with Bench(Call("POST", _transport.TOKEN_PATH, limited), login("abc"), read(success(1))) as bench:
        bench.transport.get("/thing")
    assert bench.sleeps == [7]


def test_a_login_that_breaks_is_repeated_since_it_charges_nothing() -> None:
    broken = Call("POST", _transport.TOKEN_PATH, ExchangeError("the connection broke"))
    with Bench(broken, login("abc"), read(success(1))) as bench:
        bench.transport.get("/thing")
    assert bench.sleeps == [0.5]


@pytest.mark.parametrize("answer", [refusal(403), raw(envelope(None, code="no", status=403))])
def test_a_403_is_final_and_points_to_the_ip_restriction(answer: Answer) -> None:
    with Bench(read(answer), access_token="given") as bench, pytest.raises(AccessError, match="Client IP Restriction"):
        bench.transport.get("/thing")


@pytest.mark.parametrize("answer", [raw(HTML, 403, "text/html"), raw(b"", 403), raw(b'{"code": "WAF_BLOCKED"}', 403)])
def test_a_403_without_the_vendors_envelope_points_to_what_is_before_the_portal(answer: Answer) -> None:
    login_call = Call("POST", _transport.TOKEN_PATH, answer)
    for calls, options in (([read(answer)], {"access_token": "given"}), ([login_call], {})):
        with Bench(*calls, **options) as bench, pytest.raises(AccessError) as caught:
            bench.transport.get("/thing")
        for said in ("proxy or a firewall", "concurrency", "HTTP 403"):
            assert said in str(caught.value)
        assert "Client IP" not in str(caught.value) and "client_secret" not in str(caught.value)


@pytest.mark.parametrize(("status", "says"), [(403, "proxy or a firewall"), (429, "too many requests")])
def test_an_order_that_is_refused_on_the_way_says_so_as_well(status: int, says: str) -> None:
    calls = write(raw(HTML, status))
    with Bench(calls, access_token="given") as bench, pytest.raises(Ambiguous, match=says):
        send(bench)


@pytest.mark.parametrize("code", ["fail", "invalid_client", "no permission"])
@pytest.mark.parametrize("status", [200, UNCHECKED, 400])
def test_a_login_that_is_refused_under_http_200_is_bad_credentials(code: str, status: Any) -> None:
    answer = raw(envelope(None, code=code, status=status, detailMessage="no such client"))
    with Bench(Call("POST", _transport.TOKEN_PATH, answer)) as bench, pytest.raises(AccessError) as caught:
        bench.transport.get("/thing")
    for said in ("credentials were refused", "client_secret", f"code '{code}'", "no such client"):
        assert said in str(caught.value)


@pytest.mark.parametrize("status", [500, 503, 408, 429])
def test_a_login_that_only_fails_now_under_http_200_is_no_refusal(status: int) -> None:
    answer = raw(envelope(None, code="busy", status=status))
    with Bench(Call("POST", _transport.TOKEN_PATH, answer), retries=0) as bench, pytest.raises(ReadError) as caught:
        bench.transport.get("/thing")
    assert not isinstance(caught.value, AccessError)


@pytest.mark.parametrize("http", [200, 400])
def test_a_message_that_names_the_token_leads_to_a_fresh_one_as_well(http: int) -> None:
    said = raw(envelope({}, code="fail", status=http, detailMessage="The access token has expired."), status=http)
    with Bench(login("old"), read(said, "old"), login("new"), read(success("ok"), "new")) as bench:
        assert bench.transport.get("/thing") == "ok"


@pytest.mark.parametrize(
    ("headers", "longest", "pauses"),
    [({}, 300, [30]), ({}, 0, [0]), ({"Retry_After": "7"}, 300, [7]), ({"Retry_After": "7000"}, 900, [300])],
)
def test_after_an_order_that_was_one_request_too_many_nothing_is_sent_for_a_while(
    headers: dict[str, str], longest: float, pauses: list[float]
) -> None:
    with Bench(write(raw(b"", 429, **headers)), access_token="given") as bench:
        with pytest.raises(Ambiguous) as caught:
            send(bench)
        bench.transport.slow_down(caught.value, longest)
    assert bench.sleeps == pauses


def test_after_any_other_uncertain_order_there_is_no_pause() -> None:
    with Bench(write(refusal(500)), access_token="given") as bench:
        with pytest.raises(Ambiguous) as caught:
            send(bench)
        bench.transport.slow_down(caught.value, 300)
    assert bench.sleeps == []


def _date_in(seconds: float) -> str:
    return format_datetime(_transport.utc_now() + timedelta(seconds=seconds), usegmt=False)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [(["7", "0"], [7, 0]), ([None, None], [30, 60]), ([_date_in(-60)], [0]), (["300"], [300])],
)
def test_a_429_on_a_read_waits_as_asked_or_30_and_60_s(headers: list[Optional[str]], expected: list[float]) -> None:
    limited = [read(refusal(429) if text is None else refusal(429, Retry_After=text)) for text in headers]
    with Bench(*limited, read(success("ok")), access_token="given") as bench:
        assert bench.transport.get("/thing") == "ok"
    assert bench.sleeps == expected


def test_a_429_with_an_http_date_waits_until_then() -> None:
    with Bench(read(refusal(429, Retry_After=_date_in(100))), read(success(1)), access_token="given") as bench:
        bench.transport.get("/thing")
    assert bench.sleeps[0] == pytest.approx(100, abs=5)


@pytest.mark.parametrize("text", ["301", _date_in(3600), "9" * 400], ids=["seconds", "a date", "many digits"])
def test_a_429_that_asks_for_more_than_the_cap_is_not_waited_for(text: str) -> None:
    with Bench(read(refusal(429, Retry_After=text)), access_token="given") as bench, pytest.raises(ReadError):
        bench.transport.get("/thing")
    assert bench.sleeps == []


@pytest.mark.parametrize("text", ["soon", "-1", "\u00b2", "Wed, 21 Oct 2015 07:28:00 +999999999999999"])
def test_a_retry_after_that_cannot_be_read_counts_as_none(text: str) -> None:
    with Bench(read(refusal(429, Retry_After=text)), read(success(1)), access_token="given") as bench:
        bench.transport.get("/thing")
    assert bench.sleeps == [30]


def test_three_429_without_a_time_are_the_end() -> None:
    replies = [read(refusal(429))] * 3
    with Bench(*replies, access_token="given", retries=9) as bench, pytest.raises(ReadError, match="HTTP 429"):
        bench.transport.get("/thing")
    assert bench.sleeps == [30, 60]


@pytest.mark.parametrize("failure", [refusal(500), raw(HTML, 502, "text/html"), raw(b"", 503), ExchangeError("reset")])
def test_a_failing_read_is_repeated_ever_more_slowly_and_counted(failure: Any) -> None:
    with Bench(*[read(failure)] * 7, access_token="given", retries=6) as bench, pytest.raises(ReadError):
        bench.transport.get("/thing")
    assert bench.sleeps == [0.5, 1, 2, 4, 8, 8]
    assert bench.transport.traffic.read == 7


def test_without_retries_a_failing_read_is_sent_once() -> None:
    with Bench(read(refusal(500)), access_token="given", retries=0) as bench, pytest.raises(ReadError):
        bench.transport.get("/thing")
    assert bench.sleeps == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_read_is_an_error_that_names_the_host_only(status: int) -> None:
    answer = raw(b"", status, Location="https://user:canary@evil.example/x?token=canary")
    with Bench(read(answer), access_token="given") as bench, pytest.raises(ReadError) as caught:
        bench.transport.get("/thing")
    assert "evil.example" in str(caught.value) and "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        raw(HTML, 200, "text/html"),
        raw(b""),
        raw(b"[]"),
        raw(b'{"code": ""}'),
        raw(b"[" * 100000),
        raw(b'{"code": "success", "status": 200, "status": 200, "result": 1}'),
        raw(b'{"code": "success", "status": 200, "result": NaN}'),
        raw(envelope(1, code="parameter_validation_failed")),
        raw(envelope(1, status=400)),
        raw(envelope(1), status=204),
        raw(envelope(1, requestId=UNCHECKED), content_type="text/html"),
        refusal(404),
    ],
)
def test_an_answer_that_is_no_plain_success_is_a_read_error_and_not_repeated(answer: Answer) -> None:
    with Bench(read(answer), access_token="given") as bench, pytest.raises(ReadError) as caught:
        bench.transport.get("/thing")
    assert not isinstance(caught.value, AccessError)
    assert "canary-body" not in str(caught.value)


@pytest.mark.parametrize("status", [500, 503])
def test_http_200_with_a_server_error_in_the_envelope_is_repeated(status: int) -> None:
    broken = raw(envelope(None, code="busy", status=status))
    with Bench(read(broken), read(success("ok")), access_token="given") as bench:
        assert bench.transport.get("/thing") == "ok"


def test_a_success_claimed_under_http_500_is_not_one() -> None:
    with Bench(read(raw(envelope("no"), 500)), access_token="given", retries=0) as bench, pytest.raises(ReadError):
        bench.transport.get("/thing")


@pytest.mark.parametrize("content_type", [None, "text/plain", "text/html; charset=utf-8"])
def test_a_complete_envelope_with_a_wrong_content_type_is_taken_with_a_warning(content_type: Optional[str]) -> None:
    answer = raw(envelope("ok"), content_type=content_type)
    with Bench(read(answer), access_token="given") as bench:
        assert bench.transport.get("/thing") == "ok"
    assert len(bench.warnings) == 1 and "GET /thing" in bench.warnings[0]


# --- writes -----------------------------------------------------------------------------------------------------------


def test_a_transport_that_may_not_write_sends_nothing_but_reads_and_logins() -> None:
    with Bench(login("abc"), read(success(1)), may_write=False) as bench:
        assert bench.transport.get("/thing") == 1
        with pytest.raises(NotSent, match="this run only reads"):
            send(bench)


def test_a_write_goes_out_once_with_token_and_exact_body_and_is_counted() -> None:
    body = order_body(replace(REQUEST, po_number="ü"))
    call = Call("POST", ORDER_SAVE, success(ORDER), token="abc", body=body)
    with Bench(login("abc"), call) as bench:
        assert send(bench, po_number="ü").order_no == "BN1"
    assert bench.calls.payloads[-1]["headers"] == {"Content-Type": "application/json"}
    assert b"3197218168379846218" in bench.calls.payloads[-1]["data"]
    assert (bench.transport.traffic.write, bench.transport.traffic.read) == (1, 0)


@pytest.mark.parametrize("content_type", ["text/html", None])
def test_a_write_answered_with_a_wrong_content_type_succeeds_with_a_warning(content_type: Optional[str]) -> None:
    answer = raw(envelope(ORDER), content_type=content_type)
    with Bench(write(answer), access_token="given") as bench:
        assert send(bench).order_no == "BN1"
    assert len(bench.warnings) == 1


WRITES = {
    "not connected": (ExchangeError("no connection", sent=False), NotSent),
    "no answer": (ExchangeError("the answer timed out"), Ambiguous),
    "500": (refusal(500), Ambiguous),
    "503 with Retry-After": (refusal(503, Retry_After="1"), Ambiguous),
    "502 html": (raw(HTML, 502, "text/html"), Ambiguous),
    "success under 500": (raw(envelope(ORDER), 500), Ambiguous),
    "success under 201": (raw(envelope(ORDER), 201), Ambiguous),
    "success under 400": (raw(envelope(ORDER), 400), Ambiguous),
    "error 500 under 200": (raw(envelope(ORDER, code="busy", status=500)), Ambiguous),
    "error 500 under 400": (raw(envelope({}, code="busy", status=500), 400), Ambiguous),
    "error 400 under 500": (raw(envelope({}, code="busy", status=400), 500), Ambiguous),
    "error 200 under 400": (raw(envelope({}, code="busy", status=200), 400), Ambiguous),
    "code success, status 400, under 200": (raw(envelope(ORDER, status=400)), Ambiguous),
    "code success, status 400, under 400": (raw(envelope(ORDER, status=400), 400), Ambiguous),
    "unknown code": (raw(envelope({}, code="insufficient_balance")), Ambiguous),
    "another case of success": (raw(envelope(ORDER, code="SUCCESS")), Ambiguous),
    "408": (refusal(408), Ambiguous),
    "refused by an envelope that says 500": (
        raw(envelope({}, code="parameter_validation_failed", status=500)),
        Ambiguous,
    ),
    "redirect": (raw(b"", 307, Location="https://evil.example/x"), Ambiguous),
    "redirect with an envelope": (raw(envelope(ORDER), 302, Location="https://evil.example/x"), Ambiguous),
    "redirect to nowhere": (raw(b"", 302, Location="http://[bad"), Ambiguous),
    "html": (raw(HTML, 200, "text/html"), Ambiguous),
    "empty": (raw(b""), Ambiguous),
    "204": (raw(b"", 204), Ambiguous),
    "cut": (raw(envelope(ORDER)[:-9]), Ambiguous),
    "shorter json": (raw(b'{"code": "success"}'), Ambiguous),
    "repeated key": (raw(envelope(ORDER)[:-1] + b', "code": "success"}'), Ambiguous),
    "NaN": (raw(envelope({"a": float("nan")})), Ambiguous),
    "not UTF-8": (raw(b"\xff" + envelope(ORDER)), Ambiguous),
    "no request id": (raw(envelope(ORDER, requestId="")), Ambiguous),
    "request id of another type": (raw(envelope(ORDER, requestId=5)), Ambiguous),
    "no order": (raw(envelope(True)), Ambiguous),
    "401 html": (raw(HTML, 401, "text/html"), Ambiguous),
    "403 html": (raw(HTML, 403, "text/html"), Ambiguous),
    "429 empty": (raw(b"", 429, Retry_After="1"), Ambiguous),
    "429 unreadable Retry-After": (refusal(429, Retry_After="\u00b2"), Rejected),
    "400": (refusal(400), Rejected),
    "401": (refusal(401), Rejected),
    "403": (refusal(403), Rejected),
    "409": (refusal(409), Rejected),
    "429": (refusal(429, Retry_After="1"), Rejected),
    "error 400 under 200": (raw(envelope({}, code="parameter_validation_failed", status=400)), Rejected),
    **{f"success without {name}": (raw(envelope(ORDER, **{name: UNCHECKED})), Ambiguous) for name in NEEDED},
    **{
        f"400 without {n}": (raw(envelope({}, **{"code": "x", "status": 400, n: UNCHECKED}), 400), Ambiguous)
        for n in NEEDED
        if n != "result"
    },
}


@pytest.mark.parametrize(("outcome", "expected"), WRITES.values(), ids=WRITES)
def test_each_fate_of_a_write_is_told_apart_after_exactly_one_request(outcome: Any, expected: type[Exception]) -> None:
    with Bench(write(outcome), access_token="given") as bench, pytest.raises(expected) as caught:
        send(bench, po_number="canary-body")
    assert bench.sleeps == []
    assert str(caught.value).startswith(f"POST {ORDER_SAVE}: ") and "canary-body" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 429])
def test_a_refused_write_is_not_repeated_but_a_401_discards_the_token(status: int) -> None:
    later = [login("new"), write(success(ORDER), "new")] if status == 401 else [write(success(ORDER), "old")]
    with Bench(login("old"), write(refusal(status), "old"), *later) as bench:
        with pytest.raises(Rejected) as caught:
            send(bench)
        assert send(bench).order_no == "BN1"
    assert caught.value.status == status


def test_without_a_token_nothing_is_written() -> None:
    denied = Call("POST", _transport.TOKEN_PATH, refusal(401))
    with Bench(denied) as bench, pytest.raises(NotSent, match="no access token"):
        send(bench)
    assert bench.transport.traffic.write == 0


def test_a_body_that_cannot_be_encoded_is_not_sent() -> None:
    with Bench(access_token="given") as bench, pytest.raises(NotSent):
        send(bench, po_number="\udcff")


@pytest.mark.parametrize("secret", ["canary-secret", "canary-token", "refresh-canary-token", "A1B2-canary"])
def test_no_answer_holds_a_secret_that_it_repeats(secret: str) -> None:
    row = {"comment": f"it is {secret}", "more": [{secret: secret}], "activationCode": "A1B2-canary", "id": 7}
    with Bench(login("canary-token"), read(success(row)), read(success([secret]))) as bench:
        assert bench.transport.get("/thing") == {
            "comment": "it is ********",
            "more": [{"********": "********"}],
            "activationCode": "********",
            "id": 7,
        }
        assert bench.transport.get("/thing") == ["********"]


def test_no_success_of_a_write_holds_a_secret_that_it_repeats() -> None:
    calls = [login("canary-token"), write(success({"orderNo": "7", "transactionNo": "canary-token"}))]
    with Bench(*calls) as bench:
        assert send(bench).transaction_no == "********"


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"", 302, Location="https://canary-token.example/"),
        raw(b"no", content_type="text/canary-token"),
        raw(envelope(1, requestId=UNCHECKED), content_type="text/canary-token"),
        ExchangeError("got it as canary-token"),
    ],
    ids=["location", "no envelope", "content type", "broken"],
)
def test_no_header_is_shown_with_a_secret_that_it_repeats(answer: Any) -> None:
    with Bench(login("canary-token"), read(answer), retries=0) as bench, pytest.raises(ReadError) as caught:
        bench.transport.get("/thing")
    assert "********" in str(caught.value) and "canary" not in str(caught.value)


@pytest.mark.parametrize("writing", [True, False])
def test_an_error_says_what_the_vendor_said_and_no_secret(writing: bool) -> None:
    answer = refusal(400, "quantity_mismatch", "expected 100", X_Canary="canary-header")
    calls = [login("canary-token"), write(answer) if writing else read(answer)]
    with Bench(*calls, client_id="an-id") as bench, pytest.raises((Rejected, ReadError)) as caught:
        if writing:
            send(bench, po_number="canary-body")
        else:
            bench.transport.get("/thing", {"b": "canary-params"})
    call = f"POST {ORDER_SAVE}" if writing else "GET /thing"
    for fact in (call, "HTTP 400", "quantity_mismatch", "expected 100", REQUEST_ID):
        assert fact in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.status == 400
