# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is read from the portal, one method for each endpoint: JSON in, model out. `sender` sends orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Optional, Union
from urllib.parse import quote

from .._model.catalog import Catalog, CatalogEntry, Offer
from .._model.money import Money
from .._model.order import BillingContact, Order, OrderRequest
from .._model.subscription import Subscription
from .._model.undetermined import Undetermined, known
from .._text import LONGEST_QUOTE, quoted, shown
from .agreement import CONCEPTS
from .errors import ReadError
from .fields import CANDIDATES, Fields
from .listing import Listing, read_listing
from .order_rows import (
    PRODUCT_ID,
    Row,
    id_of,
    is_of_other_product,
    laid_over,
    named_id_of,
    read_order,
    text_of,
)
from .pending_plan import pending_plan
from .services import offer_of, other_expiries, services_of
from .transport import Transport

PRODUCT_LIST = "/product/openapi/instance_product/v1/client/instance_product_list"
PRODUCT_DETAIL = "/product/openapi/instance_product/v1/detail"
CATALOG = "/pricing/openapi/purchase/v1/purchase_product_info"
RENEWAL_OF_PLAN = "/pricing/openapi/purchase/v1/renew/plan_info/"
RENEWAL_OF_SERVICE = "/pricing/openapi/purchase/v1/renew/add_on_info/"
BILLING_CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
ORDER_LIST = "/order/openapi/order/v1/page"
ORDER_DETAIL = "/order/openapi/order/v1/get/"
AUTO_RENEWAL = "/order/openapi/order/v1/check/existed_auto_renew"


class Portal:
    """Reads from the portal. Every method may raise ReadError or its subclass AccessError."""

    def __init__(self, transport: Transport, fields: Fields) -> None:
        """``fields`` reads the fields whose names are not public."""
        self._transport = transport
        self._fields = fields
        self.pool = transport.pool
        self.send_gate = transport.send_gate
        self.slow_down = transport.slow_down

    @property
    def clock_offset(self) -> Optional[timedelta]:
        """How far the portal's clock is ahead of the controller's; None before the first answer with a Date."""
        return self._transport.clock_offset

    def subscription_rows(self) -> Listing:
        """The product list (docs/portal-api.md, 12.1). Rows of other products, if any, are in its ``others``."""
        params = {"productId": str(PRODUCT_ID)}
        return read_listing(self._transport, PRODUCT_LIST, params, "productNo", is_other=is_of_other_product)

    def subscription_detail(self, product_no: str) -> Row:
        """The detail of one PBX (docs/portal-api.md, 4.2)."""
        params = {"productNo": product_no, "productId": str(PRODUCT_ID)}
        detail = self._object(PRODUCT_DETAIL, self._transport.get(PRODUCT_DETAIL, params))
        if named_id_of(detail, "productNo") not in (None, product_no):
            raise ReadError(f"GET {PRODUCT_DETAIL}", f"asked for {product_no}, got {named_id_of(detail, 'productNo')}")
        return detail

    def subscription(self, product_no: str, row: Row) -> Subscription:
        """Read the fields of a PBX from its row, its detail, or both merged."""
        expires_at, billing_cycle = self._fields.read(row, "expires_at"), self._fields.read(row, "billing_cycle")
        return Subscription(
            product_no=product_no,
            expires_at=expires_at,
            plan=offer_of(row, self._fields, "plan", "plan_id", "plan"),
            services=services_of(row, self._fields, billing_cycle, expires_at),
            quantity=self._fields.read(row, "quantity"),
            billing_cycle=billing_cycle,
            auto_renewal=self._fields.read(row, "auto_renewal"),
            pending_plan=pending_plan(row, expires_at, self._fields),
            activation_status=text_of(row, "activationStatus"),
            comment=text_of(row, "comment"),
            renewal_manners=self._fields.renewal_manners(row) or None,
            other_expiries=other_expiries(row, self._fields, expires_at) or None,
            span=None if isinstance(expires_at, Undetermined) else self._fields.span(row),
        )

    def fields_of(self, row: Row) -> dict[str, list[str]]:
        """The fields in which a row or a detail reports each concept that an order depends on."""
        keys = {concept: self._fields.reported_keys(row, concept) for concept in CONCEPTS}
        return {**keys, "plan": keys["plan"] + self._fields.reported_keys(row, "plan_id")}

    def catalog_answer(self) -> Any:
        """The plans and services that can be ordered (docs/portal-api.md, 12.2)."""
        return self._transport.get(CATALOG, {"productId": str(PRODUCT_ID)})

    def catalog(self, answer: Any) -> Catalog:
        """Read plans and services from the catalog's answer.

        Only the names planId and serviceId are public, so they are searched at any depth. A service inside a plan
        belongs to it. Trials are left out.
        """
        plans: dict[str, list[CatalogEntry]] = {}
        services: dict[str, list[CatalogEntry]] = {}
        for row, plan_id in _walk(answer, None):
            service_id = named_id_of(row, "serviceId")
            if service_id is not None:
                offer = Offer(service_id, self._name(row, "service_name"))
                entry = CatalogEntry(offer, known(self._fields.read(row, "pricing_service_id")), plan_id)
                services.setdefault(f"{plan_id}/{service_id}", []).append(entry)
            elif plan_id is not None:
                offer = Offer(plan_id, self._name(row, "plan") or text_of(row, "name"))
                pricing_id = known(self._fields.read(row, "pricing_plan_id"))
                plans.setdefault(plan_id, []).append(CatalogEntry(offer, pricing_id))
        return Catalog(tuple(map(_one_entry, plans.values())), tuple(map(_one_entry, services.values())))

    def _name(self, entry: Row, concept: str) -> Optional[str]:
        """The name in the catalog, by `field_map` or by the usual candidates: `field_map` may only suit the PBXs."""
        return known(self._fields.read(entry, concept)) or known(Fields({}).read(entry, concept))

    def billing_contact_rows(self) -> list[Row]:
        """The billing contacts, from a list, a single object or ``results`` (docs/portal-api.md, 7.1.3)."""
        result = self._transport.get(BILLING_CONTACTS)
        rows = result.get("results", [result] if result else []) if isinstance(result, Mapping) else result
        rows = [] if rows is None else rows
        if isinstance(result, Mapping) and result.get("total") not in (None, len(rows), str(len(rows))):
            raise ReadError(
                f"GET {BILLING_CONTACTS}",
                f"expected all {shown(result['total'], LONGEST_QUOTE)} billing contacts, got {len(rows)}",
            )
        if not isinstance(rows, list) or any(named_id_of(row, "billingContactId") is None for row in rows):
            raise ReadError(f"GET {BILLING_CONTACTS}", "expected billing contacts, each with a billingContactId")
        return rows

    def billing_contact(self, row: Row) -> BillingContact:
        """Read a billing contact from its row."""
        names = (text_of(row, "firstName"), text_of(row, "lastName"))
        return BillingContact(
            billing_contact_id=named_id_of(row, "billingContactId") or "",
            email=text_of(row, "emailAddress") or "",
            name=" ".join(name for name in names if name),
            company=text_of(row, "company") or "",
        )

    def auto_renewal_answer(self, product_no: str) -> Any:
        """The portal's answer about the auto-renewal of a PBX; Undetermined if it refuses (docs/portal-api.md, 6.4).

        It is not known whether the endpoint serves product 13, so only temporary errors and a refused token are raised.
        """
        params = {"productNo": product_no, "productId": str(PRODUCT_ID)}
        try:
            return self._transport.get(AUTO_RENEWAL, params)
        except ReadError as error:
            if error.call != f"GET {AUTO_RENEWAL}" or not error.is_answer:
                raise
            if (error.status or 0) >= 400:
                return Undetermined("auto_renewal", f"auto_renewal: the portal refuses to say (HTTP {error.status})")
            return Undetermined("auto_renewal", f"auto_renewal: {error}", reported=True)

    def order_listing(self) -> Listing:
        """The order list (docs/portal-api.md, 6.2)."""
        return read_listing(self._transport, ORDER_LIST, {}, "id", to_the_end=True)

    def order(self, row: Row) -> Order:
        """Read an order from its row."""
        return read_order(row, self._fields)

    def order_with_detail(self, row: Row) -> Order:
        """Read an order from its row and its detail, which names the PBX."""
        return self.order(self.order_in_detail(row))

    def order_in_detail(self, row: Row) -> Row:
        """The detail of an order (docs/portal-api.md, 6.3), laid over its row."""
        order_id = id_of(row, "id")
        if order_id is None:
            seen = quoted(row.get("id"))
            problem = f"expected orders with an id that can be shown, got {seen}; have it corrected in the portal"
            raise ReadError(f"GET {ORDER_LIST}", problem)
        path = ORDER_DETAIL + quote(order_id, safe="")
        return laid_over(row, self._object(path, self._transport.get(path)))

    def renewal_price(self, order: OrderRequest, catalog: Catalog) -> Union[Money, Undetermined]:
        """The price of renewing the plan and every service, or why it is unknown.

        The fields of these answers are not public (docs/portal-api.md, 5.3 and 5.4).
        """
        params = {"productId": str(PRODUCT_ID), "productNo": order.product_no}
        pricing = {entry.offer.id: entry.pricing_id for entry in catalog.plans if entry.offer.id == order.plan_id}
        paths = [(RENEWAL_OF_PLAN, pricing.get(order.plan_id), params)]
        for service_id in order.service_ids:
            pricing_ids = {
                entry.pricing_id
                for entry in catalog.services
                if entry.offer.id == service_id and entry.plan_id in (None, order.plan_id)
            }
            pricing_id = pricing_ids.pop() if len(pricing_ids) == 1 else None
            paths.append((RENEWAL_OF_SERVICE, pricing_id, {**params, "connectionPlanId": order.plan_id}))
        prices = self.pool.map(self._price, paths)
        known_prices = [price for price in prices if isinstance(price, Money)]
        unknown = [price for price in prices if isinstance(price, Undetermined)]
        if unknown:
            return unknown[0]
        currencies = sorted({price.currency for price in known_prices})
        if len(currencies) > 1:
            return Undetermined("price", f"its parts are in {' and '.join(currencies)}", reported=True)
        first, *others = known_prices
        return Money(sum((price.amount for price in others), first.amount), first.currency)

    def _price(self, line: tuple[str, Optional[str], Mapping[str, str]]) -> Union[Money, Undetermined]:
        base, pricing_id, params = line
        if not pricing_id:
            concept = "pricing_plan_id" if base == RENEWAL_OF_PLAN else "pricing_service_id"
            name = ", ".join(CANDIDATES[concept])
            return Undetermined("price", f"the catalog has no single {name} ({concept}), which asking for it needs")
        path = base + quote(pricing_id, safe="")
        return self._fields.price(self._object(path, self.price_answer(path, params)))

    def price_answer(self, path: str, params: Mapping[str, str]) -> Any:
        """The portal's answer about the price of one plan or service (docs/portal-api.md, 5.3 and 5.4)."""
        return self._transport.get(path, params)

    def _object(self, path: str, result: Any) -> Row:
        if not isinstance(result, Mapping):
            raise ReadError(f"GET {path}", "expected an object in the answer")
        return result


def _walk(node: Any, plan_id: Optional[str]) -> Iterator[tuple[Row, Optional[str]]]:
    """Every plan and service of a catalog answer, each with the id of the plan that contains it."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, plan_id)
    elif isinstance(node, Mapping) and not _is_trial(node):
        members = [named_id_of(value, "planId") for value in node.values() if named_id_of(value, "planId")]
        own_plan_id = named_id_of(node, "planId") or (members[0] if len(members) == 1 else plan_id)
        if named_id_of(node, "serviceId") is not None or named_id_of(node, "planId") is not None:
            yield node, own_plan_id
        for value in node.values():
            yield from _walk(value, own_plan_id)


def _one_entry(entries: list[CatalogEntry]) -> CatalogEntry:
    """Merge the entries of one plan or service; two different pricing ids count as none."""
    pricing_ids = {entry.pricing_id for entry in entries if entry.pricing_id is not None}
    return replace(entries[0], pricing_id=pricing_ids.pop() if len(pricing_ids) == 1 else None)


def _is_trial(node: Row) -> bool:
    """Whether an entry is a trial: marked as one, or a plan with only trial services (docs/portal-api.md, 5.2.5)."""
    if str(node.get("purchaseType", "")).lower() == "trial":
        return True
    services = [
        row
        for value in node.values()
        if isinstance(value, list)
        for row in value
        if named_id_of(node, "planId") and named_id_of(row, "serviceId")
    ]
    return bool(services) and all(str(row.get("purchaseType", "")).lower() == "trial" for row in services)
