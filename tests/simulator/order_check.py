# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strict check of an order body, line by line as in the tutorial (docs/portal-api.md, 12.4)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .answer import Invalid

if TYPE_CHECKING:
    from .account import Account
    from .records import Pbx

PRODUCT_ID = 13
ORDER_KEYS = ("operationType", "productId", "productNo", "billingId", "serviceList")
PLAN_KEYS = ("serviceType", "serviceId", "quantity", "purchaseType", "billingModel", "billingCycle", "multiCycle")
SERVICE_KEYS = ("connectionPlanId", "serviceType", "serviceId", "purchaseType", "billingCycle", "multiCycle")


@dataclass(frozen=True)
class CheckedOrder:
    """A valid body."""

    product_no: str
    billing_id: str
    po_number: str | None
    lines: list[dict[str, Any]]
    raw_body: str


def parse_body(raw: bytes) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN or Infinity. Raises Invalid."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid("body", "json", f"is not JSON: {error}") from None


def check_order(account: Account, body: Any, raw_body: str) -> CheckedOrder:
    """Return the order, or raise Invalid naming the first field that is wrong."""
    if not isinstance(body, dict):
        raise Invalid("body", "type", "must be an object")
    partner_id = account.profile.partner_id
    _keys(body, "", ORDER_KEYS if partner_id is None else (*ORDER_KEYS, "partnerId"), optional=("poNumber",))
    if partner_id is not None:
        _equal(body, "", "partnerId", partner_id)
    _equal(body, "", "operationType", "renew_plan")
    _equal(body, "", "productId", PRODUCT_ID)
    pbx = account.find(body["productNo"]) if isinstance(body["productNo"], str) else None
    if pbx is None:
        raise Invalid("productNo", "exists", "is not a product of this account")
    _integer(body, "", "billingId")
    if str(body["billingId"]) not in [contact.id for contact in account.contacts]:
        raise Invalid("billingId", "exists", "is not a billing contact of this account")
    po_number = body.get("poNumber")
    if "poNumber" in body and not (isinstance(po_number, str) and po_number.strip()):
        raise Invalid("poNumber", "type", "must be a non-empty string")
    _check_lines(account, pbx, body["serviceList"])
    return CheckedOrder(pbx.product_no, str(body["billingId"]), po_number, body["serviceList"], raw_body)


def _check_lines(account: Account, pbx: Pbx, lines: Any) -> None:
    if not isinstance(lines, list) or not lines:
        raise Invalid("serviceList", "type", "must be a list of at least one line")
    plan = account.plan(pbx.plan)
    missing = {plan.service(name).service_id: name for name in pbx.services}
    for number, line in enumerate(lines):
        where = f"serviceList[{number}]."
        if not isinstance(line, dict):
            raise Invalid(where[:-1], "type", "must be an object")
        if number == 0:
            _check_plan_line(line, where, pbx, int(plan.plan_id))
        else:
            _check_service_line(line, where, pbx, int(plan.plan_id), missing)
    for name in missing.values():
        raise Invalid("serviceList", "incomplete", f"must contain the service {name}, which is renewed with its plan")


def _check_plan_line(line: dict[str, Any], where: str, pbx: Pbx, plan_id: int) -> None:
    _equal(line, where, "serviceType", "plan")
    _keys(line, where, PLAN_KEYS)
    _equal(line, where, "serviceId", plan_id)
    _equal(line, where, "quantity", pbx.quantity)
    _equal(line, where, "purchaseType", "renew")
    _equal(line, where, "billingModel", "recurring")
    _equal(line, where, "billingCycle", pbx.billing_cycle)
    _equal(line, where, "multiCycle", 0)


def _check_service_line(line: dict[str, Any], where: str, pbx: Pbx, plan_id: int, missing: dict[str, str]) -> None:
    _equal(line, where, "serviceType", "service")
    _keys(line, where, SERVICE_KEYS)
    _equal(line, where, "connectionPlanId", plan_id)
    _integer(line, where, "serviceId")
    if missing.pop(str(line["serviceId"]), None) is None:
        raise Invalid(f"{where}serviceId", "exists", "is not a service of this product, or is duplicated")
    _equal(line, where, "purchaseType", "renew")
    _equal(line, where, "billingCycle", pbx.billing_cycle)
    _equal(line, where, "multiCycle", 0)


def _keys(mapping: dict[str, Any], where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    for key in required:
        if key not in mapping:
            raise Invalid(where + key, "required", "is missing")
    for key in mapping:
        if key not in required and key not in optional:
            raise Invalid(where + key, "unknown", "does not belong here")


def _integer(mapping: dict[str, Any], where: str, key: str) -> None:
    if not isinstance(mapping[key], int) or isinstance(mapping[key], bool):
        raise Invalid(where + key, "type", "must be a bare integer")


def _equal(mapping: dict[str, Any], where: str, key: str, expected: Any) -> None:
    """The value must be the expected one, of the same JSON type (0 is neither false nor "0")."""
    if key not in mapping:
        raise Invalid(where + key, "required", "is missing")
    if type(mapping[key]) is not type(expected):
        raise Invalid(where + key, "type", f"must be {expected!r}, not {mapping[key]!r}")
    if mapping[key] != expected:
        raise Invalid(where + key, "mismatch", f"must be {expected!r}, not {mapping[key]!r}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise Invalid(key, "duplicate", "is given twice")
        mapping[key] = value
    return mapping


def _no_constant(text: str) -> Any:
    raise Invalid("body", "json", f"{text} is not JSON")
