# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: one choice for everything that is unknown (docs/portal-api.md, 11), the same in all endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

# Answers to a query for the auto-renewal status: the truth, on or off regardless of the truth, the truth but late; or
# nothing useful, that is 403, 404, a success that says something else, or 500.
AUTO_RENEWAL_STATUSES = ("known", "says_on", "says_off", "slow", "forbidden", "not_found", "other_shape", "error")


@dataclass(frozen=True)
class Profile:
    """Names and shapes of the undocumented response fields. `None` as a name omits the field."""

    name: str
    about: str
    # subscription facts in product list rows and details
    row_complete: bool = True
    expiry: tuple[str, str] = ("expireDate", "date")
    second_expiry: tuple[str, str, int] | None = None  # name, format, days later than the true expiry
    plan_name: str | None = "planName"
    plan_id: str | None = "planId"
    quantity: str = "extensionNum"
    quantity_as_text: bool = False
    cycle: str | None = "billingCycle"
    services: str | None = "serviceList"
    service_id: str = "serviceId"
    service_name: str = "serviceName"
    auto_renewal: str | None = "autoRenew"
    auto_renewal_words: tuple[str | int | bool, str | int | bool] = (False, True)  # how off and on are written
    renewal_manner: tuple[str, str | int] | None = None  # a field about the kind of renewal, and its value
    # the answer to a query for auto-renewal; see AUTO_RENEWAL_STATUSES
    auto_renewal_status: str = "known"
    ids_as_numbers: bool = False
    # catalog
    catalog_nested: bool = True
    catalog_plans: str = "planList"
    catalog_services: str = "serviceList"
    catalog_plan_name: str = "planName"
    catalog_service_name: str = "serviceName"
    catalog_trials: bool = True
    # renewal information
    amount: str | None = "totalAmount"
    amount_as_text: bool = True
    currency: str = "currencyCode"
    # contacts: list, results, single (one object when there is one contact, else a list)
    contacts: str = "list"
    # orders
    order_row_product_no: bool = True
    order_row_po_number: bool = True
    po_number: str | None = "poNumber"
    order_sort: bool = True  # False: oldest first, regardless of `sort`
    create_time_unit: str = "ms"
    order_detail_product_no: bool = True
    # listings: the name of the rows; by how much the total is off, None for no total and no count at all; how many rows
    # a page holds at most, whatever is asked for, and how many every later page; what comes for pages beyond the last;
    # whether every later page has the last row of the one before instead of its own first; what the total counts: all
    # rows, those of the page (with a right totalPage), or those of the page as a count alone
    rows: str = "results"
    total_off: int | None = 0
    page_cap: int | None = None
    later_page_cap: int | None = None
    beyond_last: str = "empty"
    page_overlap: bool = False
    total_of: str = "all"
    # how the product list writes a serial number
    serial_number: str = "{}"
    # `currentPlan` is filled while a switch is pending, always, or always but in details only
    current_plan: str = "pending"
    # parts of paths that answer 403, in the vendor's envelope or like a proxy; the form of every error in the
    # envelope: its own HTTP status, HTTP 200 with the status in the envelope, or HTTP 200 with code fail and status 200
    forbidden: tuple[str, ...] = ()
    forbidden_envelope: bool = True
    errors: str = "http"
    # how many requests are served at once; any further one gets a bare 429 that asks for a second
    at_once: int | None = None
    # the partnerId that each order must have
    partner_id: int | str | None = None
    # whether an expired subscription, and any other, is renewed from its old expiry or from the day of the order
    expired_from_now: bool = False
    term_starts: str = "expiry"
    # the length of a cycle: a calendar one, one that overflows into the next month, a day more, or 30 and 365 days
    cycle_length: str = "calendar"
    # the IANA time zone of dates without one, and by how many seconds the clock that dates orders is ahead
    time_zone: str = "UTC"
    orders_ahead: int = 0
    # how purchase order numbers are kept, and other words for statuses
    po_number_kept: str = "as_given"
    status_words: tuple[str, ...] = ()  # pairs as in "succeed=completed"
    # how long an access token is valid, in seconds, and whether a new one revokes it
    token_life: int = 1800
    one_token: bool = False
    # how answers are transferred, and whether with a Date
    transfer: str = "length"
    dated: bool = True
    # where answers repeat secrets, and which in addition to those that the portal knows
    echoes: str = "nowhere"
    echoed: tuple[str, ...] = ()


DOCUMENTED = Profile("documented", "complete list rows, bare dates, ids as strings, prices known")

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        DOCUMENTED,
        Profile(
            "datetime",
            "date and time as text, ids as JSON numbers, quantity as digits, contacts under results",
            expiry=("expirationDate", "datetime"),
            quantity="quantity",
            quantity_as_text=True,
            services="addOns",
            ids_as_numbers=True,
            catalog_nested=False,
            catalog_plans="plans",
            catalog_services="addOns",
            catalog_plan_name="name",
            catalog_service_name="name",
            amount="amount",
            amount_as_text=False,
            contacts="results",
            po_number="customReferenceNo",
            expired_from_now=True,
        ),
        Profile(
            "epoch_seconds",
            "epoch seconds, the plan by its name only, services with id and name, one contact as an object",
            expiry=("planExpirationDate", "epoch_s"),
            plan_name="plan",
            plan_id=None,
            quantity="extensionCapacity",
            services="services",
            service_id="id",
            service_name="name",
            catalog_plans="plans",
            catalog_services="services",
            catalog_plan_name="name",
            catalog_service_name="name",
            amount=None,
            contacts="single",
            create_time_unit="s",
        ),
        Profile(
            "epoch_milliseconds",
            "epoch ms as digits, auto-renewal 0/1, order rows without product and PO number, oldest first",
            expiry=("expireTime", "epoch_ms"),
            quantity="extensions",
            cycle="cycle",
            services="addOnList",
            auto_renewal="autoRenewal",
            auto_renewal_words=(0, 1),
            catalog_nested=False,
            amount="totalPrice",
            currency="currency",
            order_row_product_no=False,
            order_row_po_number=False,
            order_sort=False,
        ),
        replace(
            DOCUMENTED,
            name="detail_only",
            about="list rows hold only the documented four fields, the rest is in the detail",
            row_complete=False,
        ),
        Profile(
            "sparse",
            "no billing cycle, services, auto-renewal, prices or PO numbers anywhere: to be declared",
            cycle=None,
            services=None,
            auto_renewal=None,
            auto_renewal_status="not_found",
            amount=None,
            po_number=None,
        ),
        Profile(
            "renamed",
            "names that no candidate matches: needs a field_map",
            expiry=("validThrough", "date"),
            plan_name="edition",
            plan_id="editionId",
            quantity="seats",
            cycle="term",
            services="options",
            service_id="optionId",
            service_name="optionName",
            auto_renewal="prolongs",
            amount="charge",
            currency="chargedIn",
            po_number="yourReference",
        ),
        replace(
            DOCUMENTED,
            name="conflicting",
            about="expireDate and expirationDate that disagree by 31 days",
            second_expiry=("expirationDate", "date", 31),
        ),
        replace(
            DOCUMENTED,
            name="slashed",
            about="YYYY/MM/DD, prices unknown",
            expiry=("expiryDate", "slashed"),
            amount=None,
        ),
        replace(
            DOCUMENTED, name="offset", about="instants with the offset of Shanghai", expiry=("expireTime", "offset")
        ),
        replace(
            DOCUMENTED,
            name="day_first",
            about="DD/MM/YYYY, which nobody can tell from MM/DD/YYYY: to be declared",
            expiry=("expireDate", "day_first"),
        ),
    )
}


CHOICES = {
    "beyond_last": ("empty", "last", "refused"),
    "current_plan": ("pending", "always", "in_details"),
    "errors": ("http", "status", "code"),
    "contacts": ("list", "results", "single"),
    "auto_renewal_status": AUTO_RENEWAL_STATUSES,
    "create_time_unit": ("ms", "s"),
    "term_starts": ("expiry", "order"),
    "total_of": ("all", "page", "count"),
    "cycle_length": ("calendar", "overflow", "plus_day", "days"),
    "po_number_kept": ("as_given", "upper", "digits", "short"),
    "echoes": ("nowhere", "free_texts", "every_text"),
    "transfer": ("length", "chunked", "gzip", "http_1_0"),
}


def profile_named(name: str, changes: Mapping[str, Any] | None = None) -> Profile:
    """Look up a profile and apply ``changes`` to its fields; raises ValueError naming what is wrong."""
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r}; choose one of {', '.join(PROFILES)}")
    kinds = {field.name: str(field.type) for field in fields(Profile) if field.name not in ("name", "about")}
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in (changes or {}).items()}
    for key, value in values.items():
        if key not in kinds:
            raise ValueError(f"unknown option {key!r}; choose among {', '.join(kinds)}")
        kind = "None" if value is None else type(value).__name__
        if kind not in [part.partition("[")[0].strip() for part in kinds[key].split("|")]:
            raise ValueError(f"{key} must be {kinds[key]}, not {value!r}")
        if value not in CHOICES.get(key, (value,)):
            raise ValueError(f"{key} must be one of {', '.join(CHOICES[key])}, not {value!r}")
    return replace(PROFILES[name], **values)
