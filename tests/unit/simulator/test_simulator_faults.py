# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault verbs that act on the wire, seen by a client and in the ledger."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from email.utils import parsedate_to_datetime

import pytest

SN = "3658B431119665QJ"
SAVE = "/order/v1/save"
SAVE_PATH = "/order/openapi/order/v1/save"
LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
JSON = {"Content-Type": "application/json"}


def post(client, body):
    """Send an order and return the raw response, unread."""
    return client.raw("POST", SAVE_PATH, json.dumps(body).encode(), {**client.headers, **JSON})


BEFORE = "2026-12-05"


# when and whether an answer comes


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("verb", "invoices"), [("drop_before", 0), ("drop_after", 1)])
def test_drop(portal, client, body, verb, invoices, reset):
    portal.fault(verb, path=SAVE, reset=reset)
    with pytest.raises(ConnectionResetError if reset else http.client.RemoteDisconnected) as caught:
        post(client, body)
    assert reset == (not isinstance(caught.value, http.client.RemoteDisconnected))
    assert len(portal.invoices) == invoices
    assert (portal.log[-1].status, portal.log[-1].fault) == (None, verb)


@pytest.mark.parametrize("when", ["before", "after"])
def test_delay(portal, client, body, connect, when):
    portal.fault("delay", path=SAVE, seconds=0.3, when=when)
    client.connection.timeout = 0.1
    client.connection.close()
    with pytest.raises(TimeoutError):
        post(client, body)
    assert len(portal.invoices) == (when == "after")
    time.sleep(0.35)
    assert len(portal.invoices) == 1


def test_delay_without_commit(portal, client, body):
    portal.fault("delay", path=SAVE, seconds=0.01, commit=False)
    with pytest.raises(http.client.RemoteDisconnected):
        post(client, body)
    assert portal.invoices == []


@pytest.mark.parametrize(("verb", "invoices"), [("error_before", 0), ("error_after", 1)])
@pytest.mark.parametrize("envelope", [True, False])
def test_error(portal, client, body, verb, invoices, envelope):
    portal.fault(verb, path=SAVE, status=503, envelope=envelope)
    response = post(client, body)
    text = response.read()
    assert response.status == 503 and len(portal.invoices) == invoices
    assert text.startswith(b"{" if envelope else b"<html>")
    assert portal.log[-1].status == 503


@pytest.mark.parametrize("commit", [True, False])
def test_html(portal, client, body, commit):
    portal.fault("html", path=SAVE, commit=commit)
    response = post(client, body)
    assert response.status == 200 and b"Log in" in response.read()
    assert response.headers["Content-Type"].startswith("text/html") and len(portal.invoices) == commit


# broken answers


def test_truncate(portal, client, body):
    portal.fault("truncate", path=SAVE)
    with pytest.raises(http.client.IncompleteRead):
        post(client, body).read()
    assert len(portal.invoices) == 1


@pytest.mark.parametrize("valid", [True, False])
def test_truncate_close(portal, client, body, valid):
    portal.fault("truncate_close", path=SAVE, valid_json=valid)
    response = post(client, body)
    text = response.read()
    assert response.headers["Content-Length"] is None and response.headers["Connection"] == "close"
    assert len(portal.invoices) == 1
    if valid:
        assert set(json.loads(text)) == {"code", "detailMessage", "status"}
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


@pytest.mark.parametrize("status", [200, 204])
def test_empty(portal, client, body, status):
    portal.fault("empty", path=SAVE, status=status)
    response = post(client, body)
    assert (response.status, response.read(), len(portal.invoices)) == (status, b"", 1)
    client.products()  # the connection is still in order


def test_no_order_number(portal, client, body):
    portal.fault("no_order_number")
    status, answer = client.save(body)
    assert (status, answer["code"]) == (200, "success") and "orderNo" not in answer["result"]
    assert len(portal.invoices) == 1


def test_duplicate_keys(portal, client, body):
    portal.fault("duplicate_keys", path=SAVE)
    pairs = json.loads(post(client, body).read(), object_pairs_hook=list)
    assert [value for key, value in pairs if key == "code"] == ["failed", "success"] and len(portal.invoices) == 1


def test_nan(portal, client, body):
    portal.fault("nan", path=SAVE)
    assert b"NaN" in post(client, body).read() and len(portal.invoices) == 1


@pytest.mark.parametrize("packed", [True, False])
def test_oversize(portal, client, body, packed):
    portal.fault("oversize", path=SAVE, gzip=packed)
    response = post(client, body)
    text = response.read()
    assert (len(text) < 100_000) == packed and len(gzip.decompress(text) if packed else text) > 10_000_000
    assert (response.headers["Content-Encoding"] == "gzip") == packed and len(portal.invoices) == 1


@pytest.mark.parametrize("layers", [1, 2])
def test_packed(portal, client, body, layers):
    portal.fault("packed", path=SAVE, layers=layers)
    response = post(client, body)
    text = response.read()
    assert response.headers["Content-Encoding"] == ", ".join(["gzip"] * layers)
    for _layer in range(layers):
        text = gzip.decompress(text)
    assert json.loads(text)["code"] == "success" and len(portal.invoices) == 1


def test_nested(portal, client, body):
    portal.fault("nested", path=SAVE, levels=3)
    answer = json.loads(post(client, body).read())
    assert answer["result"]["more"] == [[[]]] and answer["code"] == "success" and len(portal.invoices) == 1


def test_drip(portal, client, body):
    portal.fault("drip", path=SAVE, seconds=0.05)
    response = post(client, body)
    assert len(portal.invoices) == 1 and response.status == 200
    started = time.monotonic()
    assert response.read(5) == b'{"cod' and time.monotonic() - started > 0.1
    client.connection.close()


def test_wrong_content_type(portal, client, body):
    portal.fault("wrong_content_type", path=SAVE)
    response = post(client, body)
    assert response.headers["Content-Type"] == "text/html" and json.loads(response.read())["code"] == "success"


def test_alter_field(portal, client):
    portal.fault("alter_field", path="detail", name="expireDate")
    portal.fault("alter_field", path="detail", name="expireDate", remove=True)
    portal.fault("alter_field", path="detail", name="serviceId", rename="sid")
    assert client.detail()["expireDate"] is None
    assert "expireDate" not in client.detail()
    assert set(client.detail()["serviceList"][0]) == {"sid", "serviceName"}
    assert client.detail()["expireDate"] == BEFORE


# refusals


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(portal, client, body, status):
    portal.fault("redirect", path=SAVE, status=status)
    response = post(client, body)
    assert (response.status, response.read()) == (status, b"")
    assert response.headers["Location"] == "https://elsewhere.example.com/login" and portal.invoices == []


@pytest.mark.parametrize(("verb", "status"), [("unauthorized", 401), ("forbidden", 403), ("rate_limited", 429)])
@pytest.mark.parametrize("envelope", [True, False])
def test_refusal(portal, client, body, verb, status, envelope):
    portal.fault(verb, path=SAVE, envelope=envelope)
    response = post(client, body)
    text = response.read()
    assert response.status == status and portal.invoices == [] and response.headers["Retry-After"] is None
    assert (json.loads(text)["status"] == status) if envelope else text.startswith(b"<html>")
    assert client.save(body)[0] == 200


def test_retry_after(portal, client):
    portal.fault("rate_limited", retry_after=7)
    portal.fault("rate_limited", retry_after=7, as_date=True)
    for expected in ("7", "Mon, 23 Nov 2026 00:00:07 GMT"):
        response = client.raw("GET", "/")
        response.read()
        assert response.headers["Retry-After"] == expected
    assert parsedate_to_datetime(expected)


@pytest.mark.parametrize("commit", [True, False])
def test_business_error(portal, client, body, commit):
    portal.fault("business_error", path=SAVE, code="pending_order_exists", commit=commit)
    status, answer = client.save(body)
    assert (status, answer["status"], answer["code"]) == (200, 200, "pending_order_exists")
    assert len(portal.invoices) == commit


# connections that end


@pytest.mark.parametrize(("sent", "begins"), [(0, b""), (1, b"H"), (20, b"HTTP/1.1 200 OK\r\nDat")])
@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_break_off(portal, client, body, sent, begins, how):
    portal.fault("break_off", path=SAVE, sent=sent, how=how)
    client.connection.request("POST", SAVE_PATH, json.dumps(body).encode(), {**client.headers, **JSON})
    received = b""
    try:
        while more := client.connection.sock.recv(100):
            received += more
        was_reset = False
    except ConnectionResetError:
        was_reset = True
    assert (received, was_reset) == (begins, how == "reset") and len(portal.invoices) == 1
    if how == "half_close":
        client.connection.sock.sendall(b"anybody there?")
        client.connection.sock.sendall(b"still?")


@pytest.mark.parametrize("announced", [True, False])
def test_close(portal, client, body, announced):
    portal.fault("close", path=SAVE, announced=announced)
    response = post(client, body)
    assert (response.headers["Connection"] == "close") is announced
    assert json.load(response)["code"] == "success" and len(portal.invoices) == 1
    if not announced:
        assert client.connection.sock.recv(1) == b""


def test_a_client_that_has_closed_its_side_is_answered(portal, client, body):
    client.connection.request("POST", SAVE_PATH, json.dumps(body).encode(), {**client.headers, **JSON})
    client.connection.sock.shutdown(socket.SHUT_WR)
    assert json.load(client.connection.getresponse())["code"] == "success" and len(portal.invoices) == 1
