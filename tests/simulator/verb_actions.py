# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault verbs do. `*_before` functions may answer instead of the endpoint; the others get its answer."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from .answer import Answer, Refused
from .clock import add_cycles

if TYPE_CHECKING:
    from .endpoints import Effects
    from .verbs import Exchange

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form>Log in</form></body></html>"


def _refusal(status: int, code: str, message: str, envelope: bool) -> Answer:
    if envelope:
        return Refused(status, code, message).answer()
    page = f"<html><body><h1>{status} {message}</h1></body></html>".encode()
    return Answer(status, body=page, content_type="text/html;charset=UTF-8")


# when and whether an answer comes


def delay_before(exchange: Exchange) -> Answer | None:
    if exchange.params["when"] == "before" or not exchange.params["commit"]:
        exchange.stopping.wait(exchange.params["seconds"])
    return None if exchange.params["commit"] else Answer(0, wire="drop")


def delay_after(exchange: Exchange, answer: Answer) -> Answer:
    if exchange.params["when"] == "after":
        exchange.stopping.wait(exchange.params["seconds"])
    return answer


def drop_before(exchange: Exchange) -> Answer:
    return Answer(0, wire="reset" if exchange.params["reset"] else "drop")


def drop_after(exchange: Exchange, _answer: Answer) -> Answer:
    return drop_before(exchange)


def error_before(exchange: Exchange) -> Answer:
    return _refusal(exchange.params["status"], "internal_error", "Something went wrong.", exchange.params["envelope"])


def error_after(exchange: Exchange, _answer: Answer) -> Answer:
    return error_before(exchange)


def html_before(exchange: Exchange) -> Answer | None:
    return None if exchange.params["commit"] else _login_page()


def html_after(_exchange: Exchange, _answer: Answer) -> Answer:
    return _login_page()


def _login_page() -> Answer:
    return Answer(200, body=LOGIN_PAGE, content_type="text/html;charset=UTF-8")


# broken answers


def truncate(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, wire="truncate", missing=exchange.params["missing"])


def truncate_close(exchange: Exchange, answer: Answer) -> Answer:
    body = answer.encoded()
    body = body[: len(body) // 2]
    if exchange.params["valid_json"]:
        body = json.dumps({"code": "success", "detailMessage": "", "status": 200}).encode()
    return replace(answer, body=body, wire="close_delimited")


def empty(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, status=exchange.params["status"], body=b"")


def no_order_number(_exchange: Exchange, answer: Answer) -> Answer:
    if isinstance(answer.payload.get("result"), dict):
        answer.payload["result"].pop("orderNo", None)
    return answer


def duplicate_keys(_exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, body=b'{"code": "failed", ' + answer.encoded()[1:])


def nan(_exchange: Exchange, answer: Answer) -> Answer:
    result = answer.payload.get("result")
    (result if isinstance(result, dict) else answer.payload)["score"] = float("nan")
    return answer


def oversize(exchange: Exchange, answer: Answer) -> Answer:
    answer.payload["padding"] = "x" * exchange.params["size"]
    if exchange.params["gzip"]:
        return replace(answer, body=gzip.compress(answer.encoded()), headers={"Content-Encoding": "gzip"})
    return answer


def packed(exchange: Exchange, answer: Answer) -> Answer:
    """Compressed with gzip, once or several times, by a server that ignores Accept-Encoding."""
    body, layers = answer.encoded(), exchange.params["layers"]
    for _layer in range(layers):
        body = gzip.compress(body)
    return replace(answer, body=body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})


def nested(exchange: Exchange, answer: Answer) -> Answer:
    """An extra field of the result contains nested lists, deeper than Python would write."""
    levels = exchange.params["levels"]
    if isinstance(answer.payload.get("result"), dict):
        answer.payload["result"]["more"] = "lists"
    return replace(answer, body=answer.encoded().replace(b'"lists"', b"[" * levels + b"]" * levels))


def close(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, wire="close" if exchange.params["announced"] else "hang_up")


def break_off(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, wire="break_off", sent=exchange.params["sent"], how=exchange.params["how"])


def drip(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, wire="drip", seconds=exchange.params["seconds"])


def wrong_content_type(exchange: Exchange, answer: Answer) -> Answer:
    return replace(answer, content_type=exchange.params["content_type"])


def alter_field(exchange: Exchange, answer: Answer) -> Answer:
    _alter(answer.payload, exchange.params)
    return answer


def _alter(node: Any, params: dict[str, Any]) -> None:
    """Change a field wherever it occurs: remove it, rename it, or change its value."""
    if isinstance(node, dict):
        if params["name"] in node:
            old = node.pop(params["name"])
            if params["rename"]:
                node[params["rename"]] = old
            elif not params["remove"]:
                node[params["name"]] = params["value"]
        for value in node.values():
            _alter(value, params)
    elif isinstance(node, list):
        for value in node:
            _alter(value, params)


# refusals


def redirect(exchange: Exchange) -> Answer:
    return Answer(exchange.params["status"], body=b"", headers={"Location": exchange.params["location"]})


def unauthorized(exchange: Exchange) -> Answer:
    return _refusal(401, "invalid_token", "The access token is not accepted.", exchange.params["envelope"])


def forbidden(exchange: Exchange) -> Answer:
    return _refusal(403, "access_denied", "Access is not permitted.", exchange.params["envelope"])


def rate_limited(exchange: Exchange) -> Answer:
    answer = _refusal(429, "too_many_requests", "Too many requests.", exchange.params["envelope"])
    wait = exchange.params["retry_after"]
    if wait is not None and exchange.params["as_date"]:
        wait = format_datetime(exchange.account.clock.now() + timedelta(seconds=int(wait)), usegmt=True)
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def business_error_shape(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.status = params["order_status"]
    effects.handling.hidden_seconds = params["hidden_seconds"]


def business_error_before(exchange: Exchange) -> Answer | None:
    return None if exchange.params["commit"] else _business_error(exchange.params)


def business_error_after(exchange: Exchange, _answer: Answer) -> Answer:
    return _business_error(exchange.params)


def _business_error(params: dict[str, Any]) -> Answer:
    answer = _refusal(params["status"], params["code"], params["message"], envelope=True)
    return replace(answer, status=200) if params["as_200"] else answer


# what becomes of an order


def order_pending(effects: Effects, _params: dict[str, Any]) -> None:
    effects.handling.status = "pending"


def order_status(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.status = params["status"]


def list_lag(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.hidden_reads, effects.handling.hidden_seconds = params["reads"], params["seconds"]


def expiry_late(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.late_reads, effects.handling.late_seconds = params["reads"], params["seconds"]


def commit_late(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.commit_seconds = params["seconds"]


def commit_late_after(exchange: Exchange, answer: Answer) -> Answer:
    if answer.status != 200:
        return answer
    if exchange.params["status"] is None:
        return Answer(0, wire="drop")
    return _refusal(exchange.params["status"], "internal_error", "Something went wrong.", envelope=True)


def double_commit(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.copies = params["copies"]


def wrong_advance(effects: Effects, params: dict[str, Any]) -> None:
    effects.handling.cycles, effects.handling.moves = params["cycles"], params["product_no"]


# listings


def short_listing(effects: Effects, params: dict[str, Any]) -> None:
    effects.listing.missing = params["missing"]


def repeat_page(effects: Effects, params: dict[str, Any]) -> None:
    effects.listing.repeat = params["page"]


def hide_product(effects: Effects, params: dict[str, Any]) -> None:
    effects.listing.hidden = params["product_no"]


def bad_paging(effects: Effects, params: dict[str, Any]) -> None:
    effects.listing.zero_pages = params["kind"] == "zero_pages"
    effects.listing.endless = params["kind"] == "endless"
    effects.listing.page_size = params["size"] if params["kind"] == "size_ignored" else None


def shift_listing(exchange: Exchange, answer: Answer) -> Answer:
    """After a page was read, remove a PBX or insert one in front, so that the next page is shifted."""
    pbxs = exchange.account.pbxs
    product_no = exchange.params["product_no"]
    with exchange.account.lock:
        if exchange.params["action"] == "remove":
            pbxs.pop(product_no or next(iter(pbxs)), None)
            return answer
        model = next(iter(pbxs.values()))
        product_no = product_no or f"0000000{len(pbxs):07d}ZZ"
        expires_at = add_cycles(exchange.account.clock.now(), "annually")
        new = replace(model, product_no=product_no, expires_at=expires_at, services=[], auto_renewal=False)
        others = {**pbxs}
        pbxs.clear()
        pbxs.update({product_no: new, **others})
    return answer


# the account changes


def _product_no(exchange: Exchange) -> str:
    """The affected PBX: the given one, or the one in the request, or the first."""
    account, request = exchange.account, exchange.request
    named = exchange.params["product_no"] or parse_qs(urlencode(request.query)).get("productNo", [""])[0]
    if not named and request.body:
        named = next((number for number in account.pbxs if f'"{number}"'.encode() in request.body), "")
    return named if named in account.pbxs else next(iter(account.pbxs))


def quantity_change(exchange: Exchange) -> None:
    with exchange.account.lock:
        exchange.account.pbxs[_product_no(exchange)].quantity = exchange.params["quantity"]


def renewed_by_person(exchange: Exchange) -> None:
    with exchange.account.lock:
        exchange.account.settle()
        exchange.account.renew_by_person(_product_no(exchange), exchange.params["cycles"], exchange.params["order"])


def price_change(exchange: Exchange) -> None:
    with exchange.account.lock:
        exchange.account.prices.factor *= Decimal(str(exchange.params["factor"]))
