# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a PBX: one whose row says something of its own is the PBX's only where that is what the plan says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Between, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import services as _services
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.services import offer_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import utc

HA, RECORDING = Offer("1", "High Availability"), Offer("2", "Recording Minutes")
ROW = {"expireDate": "2026-12-05", "billingCycle": "annually"}


def services_of(row: dict[str, Any], fields: Fields) -> Any:
    return _services.services_of(row, fields, fields.read(row, "billing_cycle"), fields.read(row, "expires_at"))


def other_expiries(row: dict[str, Any], fields: Fields) -> Any:
    return _services.other_expiries(row, fields, fields.read(row, "expires_at"))


def read(*own: dict[str, Any], **row: Any) -> Any:
    """The services of a PBX that has High Availability for certain, and others whose rows say something else."""
    rows = [{"serviceId": 1, "serviceName": "High Availability"}]
    rows += [{"serviceId": 2, "serviceName": "Recording Minutes", **one} for one in own]
    return services_of({**ROW, **row, "serviceList": rows}, Fields({}))


DOUBTS = [
    ({"status": "unsubscribed"}, "status is 'unsubscribed', which is not a known word for active"),
    ({"status": "Expired"}, "status is 'Expired'"),
    ({"serviceStatus": "available"}, "serviceStatus is 'available'"),
    ({"status": 1}, "status is 1"),
    ({"status": 0}, "status is 0"),
    ({"subscription": {"state": "cancelled"}}, "subscription.state is 'cancelled'"),
    ({"billingCycle": "monthly"}, "billingCycle is 'monthly', and the plan's is annually"),
    ({"billingCycle": "once"}, "billingCycle is 'once', and the plan's is annually"),
    ({"cycle": 2}, "cycle is 2"),
    ({"serviceCycle": "monthly"}, "serviceCycle is 'monthly'"),
    ({"expireDate": "2025-01-31"}, "expireDate is 2025-01-31T00:00:00Z, and the plan's is 2026-12-05T00:00:00Z"),
    ({"expireDate": "2027-12-05"}, "expireDate is 2027-12-05T00:00:00Z"),
    ({"endTime": 1738281600}, "endTime is 2025-01-31T00:00:00Z"),
    ({"recordingExpireDate": "2026-12-06"}, "recordingExpireDate is 2026-12-06T00:00:00Z"),
    ({"validTo": "soon"}, "validTo is 'soon'"),
    ({"expired": True}, "expired is True"),
    ({"isExpired": "Y"}, "isExpired is 'Y'"),
    ({"billingModel": "one_time"}, "billingModel is 'one_time'"),
    ({"purchaseType": "Trial"}, "purchaseType is 'Trial'"),
    ({"type": "trial"}, "type is 'trial'"),
    ({"isTrial": 1}, "isTrial is 1"),
    ({"enabled": False}, "enabled is False"),
    ({"isSubscribed": "N"}, "isSubscribed is 'N'"),
    ({"active": "perhaps"}, "active is 'perhaps'"),
    ({"cancelTime": "2026-01-31"}, "cancelTime is '2026-01-31'"),
    ({"suspended": True}, "suspended is True"),
    ({"unsubscribed": 1}, "unsubscribed is 1"),
    ({"quantity": 0}, "quantity is 0"),
    ({"extensionNum": "0"}, "extensionNum is '0'"),
    ({"status": "no longer " * 20}, "status is text of 200 characters, which is not a known word for active"),
    ({"validTo": "canary " * 20}, "validTo is text of 140 characters, which is not a date"),
]


@pytest.mark.parametrize(("own", "says"), DOUBTS, ids=[str(own) for own, dummy in DOUBTS])
def test_a_row_that_says_something_else_of_itself_is_doubtful_and_named_with_the_field(
    own: dict[str, Any], says: str
) -> None:
    services = read(own)
    assert isinstance(services, Undetermined) and services.reported
    assert services.why.startswith(f"services: Recording Minutes: {says}")
    assert services.seen == (Between((HA,), (HA, RECORDING)),)
    assert services.mappings == ()


@pytest.mark.parametrize(
    "own",
    [
        {},
        *({"status": word} for word in ("active", "ACTIVE", "Activated", "enabled", "normal", "Valid", "in_use", "on")),
        {"status": True},
        {"status": ""},
        {"status": None},
        {"billingCycle": "Yearly"},
        {"billingCycle": "1 Year", "multiCycle": 0},
        {"expireDate": "2026-12-05 23:59:59"},
        {"expireTime": 1796428800000},
        {"expired": False},
        {"isExpired": "0"},
        {"expireRemindDays": 30},
        {"billingModel": "recurring"},
        {"purchaseType": "purchase"},
        {"isTrial": False},
        {"enabled": "true"},
        {"cancelTime": ""},
        {"cancelled": False},
        {"suspended": 0},
        {"cancellable": True, "refundable": "yes", "deletable": 1},
        {"quantity": 100},
        {"autoRenewStatus": "off"},
        {"serviceType": "service"},
        {"comment": "cancelled once, status unknown"},
    ],
    ids=str,
)
def test_a_row_that_agrees_with_the_plan_or_says_nothing_is_a_service(own: dict[str, Any]) -> None:
    assert read(own) == (HA, RECORDING)


def test_every_doubtful_row_and_field_is_named() -> None:
    rows = [{"id": 1, "status": "off", "cycle": "monthly"}, {"name": "B", "status": "?"}]
    services = services_of({**ROW, "serviceList": rows}, Fields({}))
    assert isinstance(services, Undetermined)
    assert "id 1: status is 'off'" in services.why and "id 1: cycle is 'monthly'" in services.why
    assert "B: status is '?'" in services.why
    assert services.seen == (Between((), (Offer("1", None), Offer(None, "B"))),)


@pytest.mark.parametrize(
    ("row", "own", "says"),
    [
        ({"billingCycle": None}, {"billingCycle": "annually"}, "the plan's cannot be determined"),
        ({"billingCycle": 1}, {"billingCycle": "annually"}, "the plan's cannot be determined"),
        ({"expireDate": None}, {"expireDate": "2026-12-05"}, "the plan's cannot be determined"),
    ],
)
def test_where_the_plan_tells_no_cycle_or_expiry_that_of_a_service_is_doubtful(
    row: dict[str, Any], own: dict[str, Any], says: str
) -> None:
    services = read(own, **row)
    assert isinstance(services, Undetermined) and says in services.why


def test_a_field_that_is_mapped_counts_in_the_rows_of_services_too() -> None:
    fields = Fields({"billing_cycle": "term", "expires_at": "runsTo"})
    rows = [{"id": 1, "term": "monthly"}, {"id": 2, "runsTo": "2025-12-05"}, {"id": 3, "term": "annually"}]
    services = services_of({"runsTo": "2026-12-05", "term": "annually", "services": rows}, fields)
    assert isinstance(services, Undetermined)
    assert "id 1: term is 'monthly'" in services.why and "id 2: runsTo is 2025-12-05" in services.why
    assert services.seen[0].least == (Offer("3", None),)


def test_the_plans_own_line_is_left_out_whatever_it_says() -> None:
    assert read({"serviceType": "plan", "status": "unsubscribed"}) == (HA,)


@pytest.mark.parametrize(
    "rows", ["HA", {"serviceId": 1}, [7], [""], [None], [{}], [{"serviceId": [1]}], [{"status": "active"}]]
)
def test_what_cannot_be_read_at_all_leaves_nothing_to_hold_a_declaration_against(rows: Any) -> None:
    services = services_of({**ROW, "serviceList": rows}, Fields({}))
    assert isinstance(services, Undetermined) and services.reported and services.seen == ()


def test_of_two_lists_that_disagree_each_is_what_a_declaration_may_say() -> None:
    one, other = [{"serviceId": 1}], [{"serviceId": 1}, {"serviceId": 2, "status": "off"}]
    services = services_of({**ROW, "serviceList": one, "addOns": other}, Fields({}))
    assert isinstance(services, Undetermined)
    first, second = Offer("1", None), Offer("2", None)
    assert services.seen == (Between((first,), (first,)), Between((first,), (first, second)))
    assert services.mappings == ("services: serviceList", "services: addOns")
    assert services_of({**ROW, "serviceList": one, "addOns": [7]}, Fields({})).seen == ()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, ()),
        ({"endTime": "2026-12-05"}, ()),
        ({"recordingExpireDate": "2027-01-05"}, (("recordingExpireDate", utc(2027, 1, 5)),)),
        ({"planInfo": {"validTo": "2027-01-05"}}, (("planInfo.validTo", utc(2027, 1, 5)),)),
        ({"currentPlanExpireDate": "2027-01-05", "tokenExpireDate": "2027-01-05"}, ()),
        ({"isExpired": False, "expireDays": 12, "expireNote": "soon", "supportEndDate": None}, ()),
        (
            {"b": {"expireDate": "2027-01-05"}, "aExpireDate": "2027-01-06"},
            (("aExpireDate", utc(2027, 1, 6)), ("b.expireDate", utc(2027, 1, 5))),
        ),
        (
            {"serviceList": [{"id": 1, "expireDate": "2027-01-05"}, {"id": 2, "expireDate": "2026-12-05"}, "x", 7]},
            (("id 1: expireDate", utc(2027, 1, 5)),),
        ),
    ],
    ids=str,
)
def test_expiries_besides_that_of_the_plan_are_told_apart(row: dict[str, Any], expected: Any) -> None:
    assert other_expiries({**ROW, **row}, Fields({})) == expected


def test_where_another_field_is_mapped_the_usual_one_is_another_expiry() -> None:
    row = {"expireDate": "2026-12-05", "planExpireDate": "2027-01-05"}
    assert other_expiries(row, Fields({"expires_at": "planExpireDate"})) == (("expireDate", utc(2026, 12, 5)),)


def test_an_offer_needs_id_or_name_and_both_readable() -> None:
    fields = Fields({})
    assert offer_of({"planId": 5, "planName": "P"}, fields, "plan", "plan_id", "plan") == Offer("5", "P")
    for row, seen in (
        ({"planId": 5, "planName": 7}, (Offer("5", None),)),
        ({"planId": [5], "planName": "P"}, (Offer(None, "P"),)),
        ({"planName": "P", "plan": "Q"}, (Offer(None, "P"), Offer(None, "Q"))),
        ({"planId": 5, "planName": "P", "plan": "Q"}, (Offer("5", None),)),
        ({"planId": [5], "planName": 7}, ()),
    ):
        value = offer_of(row, fields, "plan", "plan_id", "plan")
        assert isinstance(value, Undetermined) and value.concept == "plan" and value.reported
        assert value.seen == seen
    silent = offer_of({}, fields, "plan", "plan_id", "plan")
    assert isinstance(silent, Undetermined) and not silent.reported
    assert "planName" in silent.why and "planId" in silent.why
