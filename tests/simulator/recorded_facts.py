# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an order is checked against, read from a recorded account: PBXs, plans, services and billing contacts."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .catalog import Plan, Service
from .fleet import Contact
from .recorded_dates import instant_of, like
from .recording import leaves
from .records import Pbx

# The names that the collection tries, written again: the simulator imports nothing of what it judges. A test compares
# them. `field_map` of the recording goes first (docs/architecture.md, 5).
CANDIDATES = {
    "expires_at": (
        *("expireDate", "expireTime", "expirationDate", "expiryDate", "planExpireDate", "planExpirationDate"),
        "endTime",
    ),
    "plan": ("planName", "plan"),
    "plan_id": ("planId",),
    "quantity": ("quantity", "extensions", "extensionNum", "extensionQuantity", "extensionCapacity"),
    "billing_cycle": ("billingCycle", "cycle"),
    "services": ("serviceList", "services", "addOnList", "addOns"),
    "service_id": ("serviceId", "id"),
    "service_name": ("serviceName", "name"),
    "po_number": ("poNumber", "customReferenceNo"),
    "amount": ("amount", "totalAmount", "totalPrice", "payAmount", "price"),
    "pricing_plan_id": ("pricingPlanId",),
    "pricing_service_id": ("pricingServiceId",),
}
CYCLES = {
    "annually": re.compile("annual|annually|yearly|year|1 ?years?|12 ?months?|p1y|p12m"),
    "monthly": re.compile("monthly|month|1 ?months?|p1m"),
}
# A service row with such a field may be one that the PBX does not have; then nothing is certain about its services.
_DOUBTFUL = re.compile("status|state|enabled|active|subscribed|expir|valid|cycle|trial|cancel|date$", re.IGNORECASE)


@dataclass
class RecordedPbx(Pbx):
    """A PBX of a recording; what it does not say is None until an order says it."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    detail: dict[str, Any] | None = None
    expiry_as_recorded: datetime | None = None
    quantity_as_recorded: int | None = None


class Facts:
    """Reads recorded rows by the names of their fields."""

    def __init__(self, field_map: dict[str, Any]) -> None:
        """``field_map`` is that of the recording."""
        mapped = {concept: [paths] if isinstance(paths, str) else list(paths) for concept, paths in field_map.items()}
        self._paths = {**{concept: list(names) for concept, names in CANDIDATES.items()}, **mapped}

    def found(self, row: dict[str, Any], concept: str) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """Every field of a concept that is not empty: the object that has it, its name, and its value."""
        for path in self._paths[concept]:
            *parents, name = path.split(".")
            place: Any = row
            for parent in parents:
                place = place.get(parent) if isinstance(place, dict) else None
            if isinstance(place, dict) and place.get(name) not in (None, ""):
                yield place, name, place[name]

    def read(self, row: dict[str, Any], concept: str) -> Any:
        """The first value of a concept, or None."""
        return next((value for dummy, dummy, value in self.found(row, concept)), None)

    def names(self, concept: str) -> list[str]:
        """The names of the fields of a concept, without the objects around them."""
        return [path.rpartition(".")[2] for path in self._paths[concept]]

    def pbx(
        self, product_no: str, listed: list[dict[str, Any]], detail: dict[str, Any] | None, plans: list[Plan]
    ) -> Any:
        """A PBX as its rows and its detail describe it."""
        row = {**listed[0], **{key: value for key, value in (detail or {}).items() if value not in (None, "", [])}}
        instants = [found for dummy, dummy, value in self.found(row, "expires_at") if (found := instant_of(value))]
        plan = self.plan(row, plans)
        number = str(self.read(row, "quantity") or "").removesuffix(".00").removesuffix(".0")
        quantity = int(number) if number.isascii() and number.isdigit() else None
        expires_at = min(instants, default=None)
        return RecordedPbx(
            product_no=product_no,
            plan=plan and plan.name,
            services=self._services(row, plan),
            quantity=quantity,
            billing_cycle=cycle_of(self.read(row, "billing_cycle")),
            expires_at=expires_at,
            auto_renewal=False,
            pending_plan=None,
            created_at=None,
            instance_id="1282352",
            listed=listed,
            detail=detail,
            expiry_as_recorded=expires_at,
            quantity_as_recorded=quantity,
        )

    def plan(self, row: dict[str, Any], plans: list[Plan]) -> Plan | None:
        """The plan of a PBX, by its id, or else by its name."""
        plan_id, name = str(self.read(row, "plan_id") or ""), _plain(self.read(row, "plan"))
        by_id = [plan for plan in plans if plan.plan_id == plan_id]
        return next(iter(by_id or [plan for plan in plans if _plain(plan.name) == name]), None)

    def _services(self, row: dict[str, Any], plan: Plan | None) -> list[str] | None:
        entries = self.read(row, "services")
        if not isinstance(entries, list) or plan is None:
            return None
        names = []
        for entry in entries:
            if isinstance(entry, dict) and entry.get("serviceType") == "plan":
                continue
            if isinstance(entry, dict) and any(map(_DOUBTFUL.search, entry)):
                return None
            service_id = str(self.read(entry, "service_id") or "") if isinstance(entry, dict) else ""
            name = _plain(self.read(entry, "service_name") if isinstance(entry, dict) else entry)
            found = [one for one in plan.services if service_id and one.service_id == service_id]
            found = found or [one for one in plan.services if _plain(one.name) == name]
            if not found:
                return None
            names.append(found[0].name)
        return names

    def shown(self, row: dict[str, Any], pbx: RecordedPbx) -> dict[str, Any]:
        """A recorded row or detail of a PBX, with an expiry or a quantity that has changed since, in its own form."""
        row = copy.deepcopy(row)
        if str(row.get("productNo")).strip() != pbx.product_no:
            row["productNo"] = pbx.product_no
        if pbx.expires_at != pbx.expiry_as_recorded:
            for place, name, value in list(self.found(row, "expires_at")):
                if instant_of(value):
                    place[name] = like(value, pbx.expires_at)
        if pbx.quantity != pbx.quantity_as_recorded and pbx.quantity_as_recorded is not None:
            for place, name, value in list(self.found(row, "quantity")):
                place[name] = type(value)(pbx.quantity)
        return row

    def plans(self, answer: Any) -> list[Plan]:
        """The plans of a recorded catalog, each with its services; services outside of plans belong to all of them."""
        nodes = [node for node in leaves(answer) if str(node.get("planId", "")).isdigit() and "serviceId" not in node]
        nested = {id(row) for node in nodes for row in leaves([*node.values()]) if "serviceId" in row}
        loose = [row for row in leaves(answer) if "serviceId" in row and id(row) not in nested]
        plans: dict[str, Plan] = {}
        for node in nodes:
            rows = [row for row in leaves([*node.values()]) if "serviceId" in row] + loose
            services = tuple(self._service(row) for row in rows if str(row["serviceId"]).isdigit())
            plan_id, name = str(node["planId"]), self._name(node, "plan")
            if any(_plain(plan.name) == _plain(name) for plan in plans.values()) or not name:
                name = f"{name or 'Plan'} ({plan_id})"
            plans.setdefault(plan_id, Plan(name, plan_id, self._pricing(node, "pricing_plan_id"), services))
        return list(plans.values())

    def _service(self, row: dict[str, Any]) -> Service:
        service_id = str(row["serviceId"])
        kind = "trial" if str(row.get("purchaseType", "")).lower() == "trial" else "purchase"
        name = self._name(row, "service_name") or service_id
        return Service(name, service_id, self._pricing(row, "pricing_service_id"), kind)

    def _name(self, row: dict[str, Any], concept: str) -> str:
        names = [*self.names(concept), *CANDIDATES[concept], "name"]
        return next((str(row[name]) for name in names if isinstance(row.get(name), str) and row[name]), "")

    def _pricing(self, row: dict[str, Any], concept: str) -> str:
        return str(self.read(row, concept) or "")


def cycle_of(value: Any) -> str | None:
    """The billing cycle that a word means, or None."""
    word = re.sub("[_-]", " ", str(value).strip().casefold())
    return next((cycle for cycle, words in CYCLES.items() if words.fullmatch(word)), None)


def contacts_of(answer: Any) -> list[Contact]:
    """The billing contacts of a recorded answer, at any depth."""
    rows = [row for row in leaves(answer) if row.get("billingContactId")]
    return [Contact(str(row["billingContactId"]), str(row.get("emailAddress", ""))) for row in rows]


def _plain(text: Any) -> str:
    return " ".join(str(text or "").split()).casefold()
