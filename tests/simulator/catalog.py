# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, services and prices that the account can buy."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Service:
    """An add-on service; its trial has a separate id."""

    name: str
    service_id: str
    pricing_service_id: str
    purchase_type: str = "purchase"


@dataclass(frozen=True)
class Plan:
    """A subscription plan with its services."""

    name: str
    plan_id: str
    pricing_plan_id: str
    services: tuple[Service, ...] = ()

    def service(self, name: str) -> Service | None:
        """The service with that name that can be bought (never its trial)."""
        return next((s for s in self.services if s.name == name and s.purchase_type == "purchase"), None)


DEFAULT_SERVICES = (
    Service("High Availability", "3048573935752720384", "3048573935803052032"),
    Service("Recording Minutes", "3048573759449317376", "3048573759503843328"),
    Service("Call Recording", "3048574108277690368", "3048574108332216320"),
    Service("Extension Expansion", "3048573516041273344", "3048573516091604992"),
    Service("High Availability", "3048573935928881152", "3048573935983407104", "trial"),
)

DEFAULT_PLANS = (
    Plan("Enterprise Plan", "3048571730026938368", "3048571730081464320", DEFAULT_SERVICES),
    Plan("Ultimate Plan", "3048572026291630080", "3048572026346156032", DEFAULT_SERVICES),
)

DEFAULT_UNITS = {
    "Enterprise Plan": {"annually": Decimal("12.00"), "monthly": Decimal("1.20")},
    "Ultimate Plan": {"annually": Decimal("18.00"), "monthly": Decimal("1.80")},
    "High Availability": {"annually": Decimal("4.80"), "monthly": Decimal("0.48")},
    "Recording Minutes": {"annually": Decimal("2.40"), "monthly": Decimal("0.24")},
    "Call Recording": {"annually": Decimal("3.00"), "monthly": Decimal("0.30")},
}
FALLBACK_UNIT = {"annually": Decimal("10.00"), "monthly": Decimal("1.00")}


@dataclass
class Prices:
    """Price of one extension for one cycle, by plan or service name."""

    currency: str = "USD"
    units: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    factor: Decimal = Decimal(1)

    def amount(self, name: str, cycle: str, quantity: int) -> Decimal:
        """The price of one cycle of a plan or service for that many extensions."""
        units = {**FALLBACK_UNIT, **DEFAULT_UNITS.get(name, {}), **self.units.get(name, {})}
        return (units[cycle] * quantity * self.factor).quantize(Decimal("0.01"))
