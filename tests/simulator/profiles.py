# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: one choice each for everything the contract marks [U], consistent over all endpoints."""

from __future__ import annotations

from dataclasses import dataclass, replace

# What the query of the auto-renewal status answers: what is so, on or off whatever is so, what is so but late; or
# nothing of use, namely 403, 404, a success that says something else, or 500.
AUTO_RENEWAL_STATUSES = ("known", "says_on", "says_off", "slow", "forbidden", "not_found", "other_shape", "error")


@dataclass(frozen=True)
class Profile:
    """Names and shapes of the response fields that are not public. `None` as a name leaves the field out."""

    name: str
    about: str
    # subscription facts in product list rows and details
    row_complete: bool = True
    expiry: tuple[str, str] = ("expireDate", "date")
    second_expiry: tuple[str, str, int] | None = None  # name, format, days later than the true one
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
    renewal_manner: tuple[str, str | int] | None = None  # a field that speaks of how it is renewed, and its value
    # whether auto-renewal can be asked for, and what is said then; see AUTO_RENEWAL_STATUSES
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
    order_sort: bool = True  # False: oldest first, whatever `sort` says
    create_time_unit: str = "ms"
    # an expired subscription is renewed from its old expiry, or from the day of the order
    expired_from_now: bool = False


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


def profile_named(name: str) -> Profile:
    """Look a profile up; raises ValueError naming the choices."""
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r}; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
