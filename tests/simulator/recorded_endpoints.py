# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of a recorded account: what was recorded, with what has happened since laid over it."""

from __future__ import annotations

from functools import partial
from typing import Any

from . import endpoints
from .answer import Answer, Refused
from .endpoints import SORTS, Call
from .order_check import parse_body
from .paging import page
from .recording import Recorded


def _again(call: Call, pattern: str) -> Answer | None:
    """The recorded refusal of an endpoint that never answered; None if it did, or was never asked."""
    asked = call.account.recording.of(pattern)
    return None if not asked or any(one.is_success for one in asked) else asked[-1].again()


def _own(call: Call, pattern: str) -> list[Recorded]:
    """What was recorded of an endpoint about the PBX of a request."""
    return call.account.recording.about(pattern, call.query.get("productNo"))


def _not_recorded(what: str) -> Refused:
    return Refused(404, "not_recorded", f"The recording does not have {what}.")


def _product_list(call: Call) -> Any:
    account, refused = call.account, _again(call, endpoints.PRODUCT_LIST_PATH)
    if refused:
        return refused
    listing, hidden = account.products, call.effects.listing.hidden
    known = [row for row in listing.rows if _number(row) in account.pbxs or _is_other(row)]
    numbers = set(map(_number, listing.rows))
    inserted = [pbx for number, pbx in account.pbxs.items() if number not in numbers]
    records = [*((pbx, row) for pbx in inserted for row in pbx.listed), *((None, row) for row in known)]
    records = [(pbx, row) for pbx, row in records if hidden is None or _number(row) != hidden]

    def shown(record: Any) -> dict[str, Any]:
        pbx, row = record
        pbx = pbx or account.pbxs.get(_number(row))
        return row if pbx is None or _is_other(row) else account.facts.shown(row, pbx)

    return _page(call, listing, records, shown)


def _page(call: Call, listing: Any, records: Any, shown: Any) -> Any:
    result = page(records, call.query, call.effects.listing, shown, listing.profile)
    return result if listing.first is None else listing.first.again(listing.shaped(result))


def _number(row: dict[str, Any]) -> str:
    return str(row.get("productNo")).strip()


def _is_other(row: dict[str, Any]) -> bool:
    return str(row.get("productId", 13)) != "13"


def _product_detail(call: Call) -> Any:
    own = _own(call, endpoints.PRODUCT_DETAIL_PATH)
    refused = _again(call, endpoints.PRODUCT_DETAIL_PATH)
    if refused or (own and not any(one.is_success for one in own)):
        return refused or own[-1].again()
    pbx = endpoints.pbx_of(call)
    detail = call.account.facts.shown(pbx.listed[0] if pbx.detail is None else pbx.detail, pbx)
    call.account.detail_read(pbx)
    return next((one.again(detail) for one in own if one.is_success), detail)


def _as_recorded(pattern: str, what: str, call: Call) -> Any:
    """The last successful answer of an endpoint that says the same about every PBX."""
    refused, answers = _again(call, pattern), call.account.successes(pattern)
    if not answers and refused is None:
        raise _not_recorded(what)
    return refused or answers[-1].again()


def _price(pattern: str, call: Call) -> Any:
    own = [one for one in _own(call, pattern) if one.path == call.request.path]
    refused, pbx = _again(call, pattern), endpoints.pbx_of(call)
    if refused or (own and not any(one.is_success for one in own)):
        return refused or own[-1].again()
    found = call.account.recorded_price(call.tail, pbx.product_no)
    if found is None:
        raise _not_recorded("this price")
    return found.again()


def _auto_renewal(call: Call) -> Any:
    own, refused = _own(call, endpoints.AUTO_RENEWAL_PATH), _again(call, endpoints.AUTO_RENEWAL_PATH)
    endpoints.pbx_of(call)
    if own or refused:
        return next((one.again() for one in reversed(own) if one.is_success), None) or refused or own[-1].again()
    answers = call.account.successes(endpoints.AUTO_RENEWAL_PATH)
    if not answers or any(one.result != answers[0].result for one in answers):
        raise _not_recorded("the auto-renewal of this PBX")
    return answers[0].again()


def _order_list(call: Call) -> Any:
    account, refused = call.account, _again(call, endpoints.ORDER_LIST_PATH)
    if refused:
        return refused
    orders = account.visible_orders()
    if account.profile.order_sort and SORTS.get(call.query.get("sort", "-id"), True):
        orders.reverse()
    return _page(call, account.order_list, orders, account.order_row)


def _order_detail(call: Call) -> Any:
    account, refused = call.account, _again(call, endpoints.ORDER_DETAIL_PATH)
    order = account.order(call.tail)
    if order is None and refused is None:
        raise Refused(404, "order_not_found", f"There is no order {call.tail!r}.")
    recorded = [one for one in account.recording.of(endpoints.ORDER_DETAIL_PATH) if one.is_success]
    return refused or (recorded[0].again(account.order_detail(order)) if recorded else account.order_detail(order))


def _save(call: Call) -> Any:
    with call.account.completed(parse_body(call.request.body)):
        return endpoints.save(call)


SERVE = {
    endpoints.PRODUCT_LIST_PATH: _product_list,
    endpoints.PRODUCT_DETAIL_PATH: _product_detail,
    endpoints.CATALOG_PATH: partial(_as_recorded, endpoints.CATALOG_PATH, "the catalog"),
    endpoints.CONTACTS_PATH: partial(_as_recorded, endpoints.CONTACTS_PATH, "the billing contacts"),
    endpoints.PLAN_INFO_PATH: partial(_price, endpoints.PLAN_INFO_PATH),
    endpoints.ADD_ON_INFO_PATH: partial(_price, endpoints.ADD_ON_INFO_PATH),
    endpoints.AUTO_RENEWAL_PATH: _auto_renewal,
    endpoints.ORDER_LIST_PATH: _order_list,
    endpoints.ORDER_DETAIL_PATH: _order_detail,
    endpoints.SAVE_PATH: _save,
}
