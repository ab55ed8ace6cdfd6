# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's endpoints: exactly the paths, methods and parameters of docs/portal-api.md, 3."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from . import views
from .account import Account, required
from .answer import Answer, Invalid, Refused, success
from .echoes import echo
from .order_check import check_order, parse_body
from .paging import Listing, page
from .records import Handling
from .tokens import Tokens

TOKEN_PATH = "/auth/openapi/v1/oauth/token"
SAVE_PATH = "/order/openapi/order/v1/save"
PRODUCT_LIST_PATH = "/product/openapi/instance_product/v1/client/instance_product_list"
PRODUCT_DETAIL_PATH = "/product/openapi/instance_product/v1/detail"
PRICING = "/pricing/openapi/purchase/v1/"
CATALOG_PATH = f"{PRICING}purchase_product_info"
PLAN_INFO_PATH = f"{PRICING}renew/plan_info/([^/]+)"
ADD_ON_INFO_PATH = f"{PRICING}renew/add_on_info/([^/]+)"
CONTACTS_PATH = "/user/openapi/user/v1/client/billing_contact_list"
ORDER_LIST_PATH = "/order/openapi/order/v1/page"
ORDER_DETAIL_PATH = "/order/openapi/order/v1/get/([^/]+)"
AUTO_RENEWAL_PATH = "/order/openapi/order/v1/check/existed_auto_renew"
SLOW = 2.0  # s
SORTS = {"id": False, "-id": True, "createTime": False, "-createTime": True}


FORBIDDEN_PAGE = b"<html><body><h1>403 Forbidden</h1><hr>gateway</body></html>"


class Forbidden(Exception):
    """Refused by a proxy in front of the portal."""


@dataclass
class Request:
    """One HTTP request, read in full."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Any
    body: bytes


@dataclass
class Effects:
    """How a fault changes the processing of a request."""

    handling: Handling = field(default_factory=Handling)
    listing: Listing = field(default_factory=Listing)
    delay: float = 0.0  # s after which the answer is sent


@dataclass(frozen=True)
class Call:
    """A routed and authorized request."""

    account: Account
    tokens: Tokens
    request: Request
    query: dict[str, str]
    effects: Effects
    tail: str = ""


def answer(account: Account, tokens: Tokens, request: Request, effects: Effects) -> Answer:
    """Serve one request; every refusal becomes an error envelope. The caller holds the account's lock."""
    profile, reply = account.profile, _served(account, tokens, request, effects)
    return echo(reply, profile.echoes, (*tokens.secrets, *profile.echoed))


def _served(account: Account, tokens: Tokens, request: Request, effects: Effects) -> Answer:
    try:
        route, tail = _route(request)
        _let_in(tokens, request)
        _permit(account, request)
        query = _query(request.query, route.parameters)
        serve = account.serve.get(route.pattern, route.serve)
        result = serve(Call(account, tokens, request, query, effects, tail))
        return result if isinstance(result, Answer) else success(result)
    except Refused as refusal:
        reply = refusal.answer(account.profile.errors)
        if refusal.status == 405:
            reply.headers["Allow"] = refusal.result["allowed"]
        return reply
    except Forbidden:
        return Answer(403, body=FORBIDDEN_PAGE, content_type="text/html;charset=UTF-8")


def _route(request: Request) -> tuple[Route, str]:
    for route in ROUTES:
        match = re.fullmatch(route.pattern, request.path)
        if match and request.method != route.method:
            raise Refused(405, "method_not_allowed", f"Use {route.method}.", {"allowed": route.method})
        if match:
            return route, "".join(match.groups())
    raise Refused(404, "not_found", f"There is no endpoint {request.path}.")


def _let_in(tokens: Tokens, request: Request) -> None:
    if not request.headers.get("User-Agent"):
        raise Refused(401, "user_agent_required", "The header User-Agent is required.")
    if request.path != TOKEN_PATH and not tokens.valid(request.headers.get("Authorization")):
        raise Refused(401, "invalid_token", "The access token is missing, unknown or expired.")


def _permit(account: Account, request: Request) -> None:
    if any(part in request.path for part in account.profile.forbidden):
        in_envelope = account.profile.forbidden_envelope
        raise Refused(403, "access_denied", "Access is not permitted.") if in_envelope else Forbidden


def _query(pairs: list[tuple[str, str]], allowed: tuple[str, ...]) -> dict[str, str]:
    query: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise Invalid(name, "unknown", "is not a parameter of this endpoint")
        if name in query:
            raise Invalid(name, "duplicate", "is given twice")
        query[name] = value
    if "productId" in allowed and query.get("productId") != "13":
        raise Invalid("productId", "required", "must be 13, the Cloud PBX (PCE Instance)")
    return query


def _token(call: Call) -> Any:
    kind = call.request.headers.get("Content-Type", "")
    if kind.split(";")[0].strip() == "application/x-www-form-urlencoded":
        pairs = parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True)
    elif kind.startswith("multipart/form-data"):
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = email.message_from_bytes(head + call.request.body, policy=email.policy.HTTP)
        parts = message.iter_parts() if message.is_multipart() else ()
        pairs = [(str(part.get_param("name", "", "content-disposition")), part.get_content().strip()) for part in parts]
    else:
        raise Invalid("Content-Type", "oneof", "must be a form, urlencoded or multipart")
    return call.tokens.grant(dict(pairs))


def _product_list(call: Call) -> Any:
    account, hidden = call.account, call.effects.listing.hidden
    pbxs = [pbx for pbx in account.pbxs.values() if pbx.product_no != hidden]
    rows = [(pbx, index) for index in range(2) for pbx in pbxs if index < len(pbx.rows)]
    return page(
        [*rows, *account.others], call.query, call.effects.listing, partial(views.listed_row, account), account.profile
    )


def _product_detail(call: Call) -> Any:
    pbx = pbx_of(call)
    detail = views.product_detail(call.account, pbx)
    call.account.detail_read(pbx)
    return detail


def pbx_of(call: Call) -> Any:
    """The PBX that a request names; raises Refused."""
    if not call.query.get("productNo"):
        raise Invalid("productNo", "required", "is missing")
    return required(call.account.find(call.query["productNo"]), call.query["productNo"])


def _products(_call: Call) -> Any:
    names = {11: "P-Series Plan for Appliance Edition", 12: "P-Series Software Edition", 13: views.PRODUCT_NAME}
    return [{"name": name, "productId": number} for number, name in names.items()]


def _catalog(call: Call) -> Any:
    if "productNo" in call.query:
        pbx_of(call)
    return views.catalog(call.account)


def _plan_info(call: Call) -> Any:
    pbx = pbx_of(call)
    plan = call.account.plan(pbx.plan)
    if call.tail != plan.pricing_plan_id:
        raise Invalid("pricingPlanId", "exists", "is not the pricing plan of this product")
    ids = {"planId": plan.plan_id, "pricingPlanId": plan.pricing_plan_id}
    return views.renewal_info(call.account, pbx, ids, plan.name)


def _add_on_info(call: Call) -> Any:
    pbx = pbx_of(call)
    plan = call.account.plan(pbx.plan)
    if call.query.get("connectionPlanId", plan.plan_id) != plan.plan_id:
        raise Invalid("connectionPlanId", "mismatch", "is not the plan of this product")
    services = [plan.service(name) for name in pbx.services]
    service = next((service for service in services if service and service.pricing_service_id == call.tail), None)
    if service is None:
        raise Invalid("pricingServiceId", "exists", "is not the pricing service of a service of this product")
    ids = {"serviceId": service.service_id, "pricingServiceId": service.pricing_service_id}
    return views.renewal_info(call.account, pbx, ids, service.name)


def _contacts(call: Call) -> Any:
    return views.contacts(call.account.profile, call.account.contacts)


def save(call: Call) -> Any:
    """Check an order and carry it out; raises Refused."""
    if call.request.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
        raise Invalid("Content-Type", "oneof", "must be application/json")
    body = parse_body(call.request.body)
    checked = check_order(call.account, body, call.request.body.decode())
    order = call.account.place(checked, call.effects.handling)
    if order is None:  # committed later; the fault decides what the client sees now
        return {}
    return {
        "instanceId": call.account.pbxs[order.product_no].instance_id,
        "orderNo": order.order_no,
        "orderStatus": order.status,
        "productNo": order.product_no,
        "transactionNo": order.transaction_no,
    }


def _order_list(call: Call) -> Any:
    sort = call.query.get("sort", "-id")
    if sort not in SORTS:
        raise Invalid("sort", "oneof", f"must be one of {', '.join(SORTS)}")
    orders = call.account.visible_orders()
    if call.account.profile.order_sort and SORTS[sort]:
        orders.reverse()
    account = call.account
    return page(orders, call.query, call.effects.listing, partial(views.order_row, account), account.profile)


def _auto_renewal(call: Call) -> Any:
    pbx = pbx_of(call)
    status = pbx.auto_renewal_status or call.account.profile.auto_renewal_status
    if status == "forbidden":
        raise Refused(403, "access_denied", "Access is not permitted.")
    if status == "not_found":
        raise Refused(404, "not_found", f"There is no endpoint {call.request.path}.")
    if status == "error":
        raise Refused(500, "internal_error", "Something went wrong.")
    if status == "other_shape":
        return {"existed": [{"planId": call.account.plan(pbx.plan).plan_id, "since": None}]}
    if status == "slow":
        call.effects.delay = SLOW
    return {"autoRenew": {"says_on": True, "says_off": False}.get(status, pbx.auto_renewal)}


def _order_detail(call: Call) -> Any:
    order = call.account.order(call.tail)
    if order is None:
        raise Refused(404, "order_not_found", f"There is no order {call.tail!r}.")
    return views.order_detail(call.account, order)


@dataclass(frozen=True)
class Route:
    """One endpoint; `productId`, where it is a parameter, is required."""

    method: str
    pattern: str
    serve: Callable[[Call], Any]
    parameters: tuple[str, ...] = ()


PAGING = ("pageNo", "pageSize")
PRODUCT = ("productId", "productNo")
ROUTES = (
    Route("POST", TOKEN_PATH, _token),
    Route("GET", PRODUCT_LIST_PATH, _product_list, ("productId", *PAGING)),
    Route("GET", PRODUCT_DETAIL_PATH, _product_detail, PRODUCT),
    Route("GET", f"{PRICING}product_list", _products),
    Route("GET", CATALOG_PATH, _catalog, PRODUCT),
    Route("GET", PLAN_INFO_PATH, _plan_info, PRODUCT),
    Route("GET", ADD_ON_INFO_PATH, _add_on_info, (*PRODUCT, "connectionPlanId")),
    Route("GET", CONTACTS_PATH, _contacts),
    Route("POST", SAVE_PATH, save),
    Route("GET", ORDER_LIST_PATH, _order_list, (*PAGING, "sort")),
    Route("GET", ORDER_DETAIL_PATH, _order_detail),
    Route("GET", AUTO_RENEWAL_PATH, _auto_renewal, PRODUCT),
)
