# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets: the YAML description of an account, checked strictly, and generated accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from .catalog import DEFAULT_PLANS, Plan, Prices, Service
from .clock import MONTHS, parse_instant
from .profiles import AUTO_RENEWAL_STATUSES, profile_named
from .shown import Shown

STATUSES = ("succeed", "failed", "pending", "invalid", "cancelled", "refunded", "confirming")


class FleetError(ValueError):
    """The description of a fleet is wrong; the message says where."""


@dataclass(frozen=True)
class PbxSpec:
    """One PBX as described; `expires` is an instant, or days from the start (whole days mean midnight UTC)."""

    product_no: str
    plan: str
    quantity: int
    billing_cycle: str
    expires: datetime | int | float
    services: tuple[str, ...] = ()
    auto_renewal: bool = False
    auto_renewal_status: str | None = None
    pending_plan: str | None = None
    comment: str = ""
    rows: tuple[dict[str, Any], ...] = ({},)

    def expires_at(self, now: datetime) -> datetime:
        """The expiry, seen from the instant at which the simulator starts."""
        if isinstance(self.expires, datetime):
            return self.expires
        instant = now + timedelta(days=self.expires)
        if isinstance(self.expires, int):
            return instant.replace(hour=0, minute=0, second=0, microsecond=0)
        return instant


@dataclass(frozen=True)
class OtherSpec:
    """A row of the product list for another product."""

    product_no: str
    product_id: int = 14


@dataclass(frozen=True)
class OrderSpec:
    """One order of the history; it has no invoice in the ledger, because no client of the simulator placed it."""

    product_no: str
    status: str = "succeed"
    operation: str = "renew_plan"
    po_number: str | None = None
    created: datetime | float = 0

    def created_at(self, now: datetime) -> datetime:
        """The creation time, seen from the instant at which the simulator starts."""
        return self.created if isinstance(self.created, datetime) else now - timedelta(days=self.created)


@dataclass(frozen=True)
class Contact:
    """A billing contact."""

    id: str
    email: str
    first_name: str = "Billing"
    last_name: str = "Contact"
    company: str = "Example Ltd."


DEFAULT_CONTACTS = (Contact("3197218168379846218", "billing@example.com"),)


@dataclass(frozen=True)
class Fleet:
    """Everything the simulator starts from."""

    pbxs: tuple[PbxSpec, ...]
    client_id: str = "demo-client"
    client_secret: str = "demo-secret"
    profile: str = "documented"
    portal: dict[str, Any] = field(default_factory=dict)
    others: tuple[OtherSpec, ...] = ()
    now: datetime | None = None
    plans: tuple[Plan, ...] = DEFAULT_PLANS
    contacts: tuple[Contact, ...] = DEFAULT_CONTACTS
    orders: tuple[OrderSpec, ...] = ()
    prices: Prices = field(default_factory=Prices)
    shown: Shown = field(default_factory=Shown)

    @classmethod
    def load(cls, source: Fleet | dict[str, Any] | str | Path) -> Fleet:
        """Make a fleet from a mapping or a YAML file; raises FleetError."""
        if isinstance(source, Fleet):
            return source
        if isinstance(source, dict):
            return _fleet(source)
        try:
            document = yaml.load(Path(source).read_text(encoding="utf-8"), Loader=_StrictLoader)
        except (OSError, yaml.YAMLError) as error:
            raise FleetError(f"{source}: {error}") from None
        return _fleet(document)

    @classmethod
    def generated(cls, count: int, due: int = 0) -> Fleet:
        """A deterministic fleet of `count` PBXs, `due` of them within 30 days."""
        return cls(pbxs=generate(count, due))


def generate(count: int, due: int) -> tuple[PbxSpec, ...]:
    """Annual PBXs that are due in 2 to 29 days, then others (every tenth monthly, prepaid) in 60 days or more."""
    if not 0 <= due <= count <= 100_000:
        raise FleetError("generate: needs 0 <= due <= count <= 100000")
    services = ((), ("High Availability",), ("High Availability", "Recording Minutes"))
    return tuple(
        PbxSpec(
            product_no=f"3658C4{index:08d}QJ",
            plan=DEFAULT_PLANS[index % 2].name,
            services=services[index % 3],
            quantity=5 + index * 5 % 496,
            billing_cycle="monthly" if index >= due and index % 10 == 9 else "annually",
            expires=2 + index % 28 if index < due else 60 + index % 300,
        )
        for index in range(count)
    )


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, dummy in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"key {key!r} is given twice{node.start_mark}")
        return super().construct_mapping(node, deep)


class _Reader:
    """Removes keys from a mapping one by one; remaining keys are an error."""

    def __init__(self, mapping: Any, where: str) -> None:
        if not isinstance(mapping, dict):
            raise FleetError(f"{where}: must be a mapping, not {mapping!r}")
        self.left, self.where = dict(mapping), where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """The value of a key, of that type (a boolean is not a number); without a default it is required."""
        if key not in self.left:
            if default is ...:
                raise FleetError(f"{self.where}: {key} is missing")
            return default
        value = self.left.pop(key)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            hint = "; quote it" if kinds == (str,) and isinstance(value, (int, float)) else ""
            raise FleetError(f"{self.where}: {key} must be {'/'.join(k.__name__ for k in kinds)}, not {value!r}{hint}")
        return value

    def choice(self, key: str, choices: Any, default: Any = ...) -> Any:
        """A text that is one of the choices."""
        value = self.take(key, str, default)
        if value is not default and value not in choices:
            raise FleetError(f"{self.where}: {key} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def items(self, key: str) -> list[_Reader] | None:
        """A list of mappings, each with its own reader; None if the key is absent."""
        values = self.take(key, list, None)
        if values is None:
            return None
        return [_Reader(value, f"{self.where}: {key}[{number}]") for number, value in enumerate(values)]

    def done(self) -> None:
        """Raise an error for keys that were not read."""
        if self.left:
            raise FleetError(f"{self.where}: unknown key {', '.join(map(repr, sorted(map(str, self.left))))}")


def _fleet(document: Any) -> Fleet:
    reader = _Reader(document, "fleet")
    account = _Reader(reader.take("account", dict, {}), "fleet: account")
    plans = tuple(_plan(item) for item in reader.items("catalog") or ()) or DEFAULT_PLANS
    pbxs = tuple(_pbx(item, plans) for item in reader.items("pbxs") or ())
    if "generate" in reader.left:
        counts = _Reader(reader.take("generate", dict), "fleet: generate")
        pbxs += generate(counts.take("count", int), counts.take("due", int, 0))
        counts.done()
    contacts = reader.items("billing_contacts")
    now = reader.take("now", object, None)
    fleet = Fleet(
        pbxs=pbxs,
        client_id=account.take("client_id", str, Fleet.client_id),
        client_secret=account.take("client_secret", str, Fleet.client_secret),
        profile=reader.take("profile", str, Fleet.profile),
        portal=reader.take("portal", dict, {}),
        others=tuple(map(_other, reader.items("others") or ())),
        now=None if now is None else _instant(now, "fleet: now"),
        plans=plans,
        contacts=DEFAULT_CONTACTS if contacts is None else tuple(map(_contact, contacts)),
        orders=tuple(_order(item) for item in reader.items("orders") or ()),
        prices=_prices(reader.take("prices", dict, {})),
        shown=_shown(reader.take("shown", dict, {}), plans),
    )
    account.done()
    reader.done()
    _check_references(fleet)
    return fleet


def _check_references(fleet: Fleet) -> None:
    try:
        profile_named(fleet.profile, fleet.portal)
    except ValueError as error:
        raise FleetError(f"fleet: profile and portal: {error}") from None
    known = [pbx.product_no for pbx in fleet.pbxs]
    if len(set(known)) != len(known):
        twice = next(number for number in known if known.count(number) > 1)
        raise FleetError(f"fleet: product_no {twice} is given twice")
    for order in fleet.orders:
        if order.product_no not in known:
            raise FleetError(f"fleet: orders: product_no {order.product_no} is not among the pbxs")


def _pbx(reader: _Reader, plans: tuple[Plan, ...]) -> PbxSpec:
    by_name = {plan.name: plan for plan in plans}
    product_no = _serial(reader)
    plan = by_name[reader.choice("plan", by_name)]
    services = tuple(reader.take("services", list, []))
    for name in services:
        if not isinstance(name, str) or plan.service(name) is None:
            raise FleetError(f"{reader.where}: services: {plan.name} has no service {name!r}")
    quantity = reader.take("quantity", int)
    if quantity < 1:
        raise FleetError(f"{reader.where}: quantity must be at least 1")
    spec = PbxSpec(
        product_no=product_no,
        plan=plan.name,
        services=services,
        quantity=quantity,
        billing_cycle=reader.choice("billing_cycle", MONTHS),
        expires=_either(reader, "expires_at", "expires_in_days"),
        auto_renewal=reader.take("auto_renewal", bool, False),
        auto_renewal_status=reader.choice("auto_renewal_status", AUTO_RENEWAL_STATUSES, None),
        pending_plan=reader.choice("pending_plan", by_name, None),
        comment=reader.take("comment", str, ""),
        rows=tuple(_row(row, by_name) for row in reader.items("rows") or [_Reader({}, "")]),
    )
    reader.done()
    return spec


def _row(reader: _Reader, plans: dict[str, Plan]) -> dict[str, Any]:
    """How a row of the product list differs from the PBX."""
    kinds = {"plan": str, "quantity": int, "billing_cycle": str, "services": list, "days_later": (int, float)}
    changes = {key: reader.take(key, kind) for key, kind in kinds.items() if key in reader.left}
    reader.done()
    if changes.get("plan", next(iter(plans))) not in plans:
        raise FleetError(f"{reader.where}: plan must be one of {', '.join(plans)}, not {changes['plan']!r}")
    return changes


def _other(reader: _Reader) -> OtherSpec:
    other = OtherSpec(_serial(reader), reader.take("product_id", int, OtherSpec.product_id))
    reader.done()
    return other


def _serial(reader: _Reader) -> str:
    value = reader.left.get("product_no")
    if isinstance(value, (int, float)):
        raise FleetError(f"{reader.where}: product_no {value!r} is a number: quote the serial number")
    product_no = reader.take("product_no", str)
    if not re.fullmatch(r"[0-9A-Za-z]{8,32}", product_no):
        raise FleetError(f"{reader.where}: product_no {product_no!r} is not a serial number")
    return product_no


def _either(reader: _Reader, instant: str, days: str, default: Any = None) -> Any:
    """An instant under one key or a number of days under the other."""
    if (instant in reader.left) == (days in reader.left) and not (default is not None and days not in reader.left):
        raise FleetError(f"{reader.where}: needs either {instant} or {days}")
    if instant in reader.left:
        return _instant(reader.left.pop(instant), f"{reader.where}: {instant}")
    value = reader.take(days, (int, float), default)
    if not abs(value) < 36_500:
        raise FleetError(f"{reader.where}: {days} must be within a hundred years")
    return value


def _order(reader: _Reader) -> OrderSpec:
    spec = OrderSpec(
        product_no=_serial(reader),
        status=reader.choice("status", STATUSES, "succeed"),
        operation=reader.take("operation", str, "renew_plan"),
        po_number=reader.take("po_number", str, None),
        created=_either(reader, "created_at", "created_days_ago", 0),
    )
    reader.done()
    return spec


def _contact(reader: _Reader) -> Contact:
    contact = Contact(
        id=_id(reader, "id"),
        email=reader.take("email", str),
        first_name=reader.take("first_name", str, "Billing"),
        last_name=reader.take("last_name", str, "Contact"),
        company=reader.take("company", str, "Example Ltd."),
    )
    reader.done()
    return contact


def _plan(reader: _Reader) -> Plan:
    services = []
    for item in reader.items("services") or ():
        kind = item.choice("purchase_type", ("purchase", "trial"), "purchase")
        services.append(Service(item.take("name", str), _id(item, "service_id"), _id(item, "pricing_service_id"), kind))
        item.done()
    plan = Plan(reader.take("name", str), _id(reader, "plan_id"), _id(reader, "pricing_plan_id"), tuple(services))
    reader.done()
    return plan


def _prices(mapping: dict[str, Any]) -> Prices:
    reader = _Reader(mapping, "fleet: prices")
    prices = Prices(currency=reader.take("currency", str, "USD"))
    for name in list(reader.left):
        units = _Reader(reader.take(name, dict), f"fleet: prices: {name}")
        prices.units[name] = {cycle: _amount(units, cycle) for cycle in MONTHS if cycle in units.left}
        units.done()
    return prices


def _shown(mapping: dict[str, Any], plans: tuple[Plan, ...]) -> Shown:
    reader = _Reader(mapping, "fleet: shown")
    shown = Shown(**{name: reader.take(name, dict, {}) for name in ("moved", "rows", "services", "prices")})
    reader.done()
    for name, changes in shown.services.items():
        if not isinstance(changes, dict) or not any(plan.service(name) for plan in plans):
            raise FleetError(f"fleet: shown: services: {name!r} must be a service of a plan, with a mapping")
    return shown


def _amount(reader: _Reader, key: str) -> Decimal:
    try:
        return Decimal(str(reader.take(key, (str, int, float))))
    except InvalidOperation:
        raise FleetError(f"{reader.where}: {key} is not an amount") from None


def _id(reader: _Reader, key: str) -> str:
    value = reader.take(key, str)
    if not value.isascii() or not value.isdigit():
        raise FleetError(f"{reader.where}: {key} must be digits in quotes, not {value!r}")
    return value


def _instant(value: Any, where: str) -> datetime:
    try:
        return parse_instant(value)
    except ValueError as error:
        raise FleetError(f"{where}: {error}") from None
