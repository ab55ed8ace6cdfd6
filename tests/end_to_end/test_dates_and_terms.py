# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates without a zone, and terms that count differently: handled correctly, or refused with a way out that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

PBX = "3658B431119665QJ"
HOUR = 1 / 24
SHANGHAI = {"expiry": ["expireTime", "datetime"], "time_zone": "Asia/Shanghai"}
DATES_IN_SHANGHAI = {"time_zone": "Asia/Shanghai"}


def portal(start: Callable[..., Ansible], days: float, *, now: str = "2026-11-23T12:00:00Z", **choices: Any) -> Ansible:
    terms = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100}
    pbx = {"product_no": PBX, **terms, "billing_cycle": choices.pop("billing_cycle", "annually")}
    return start(fleet={"pbxs": [{**pbx, "expires_in_days": days}], "portal": choices, "now": now})


def ask(module: Callable[..., dict[str, Any]], ansible: Ansible, **options: Any) -> dict[str, Any]:
    """What a module says about the PBX at the time of the portal's clock."""
    now = ansible.portal.clock.now().isoformat()
    given = {} if "plan_file" in options else {"product_no": PBX}
    return module(now=now, **given, **options)


def renew(ansible: Ansible, **options: Any) -> dict[str, Any]:
    return ask(ansible.renew, ansible, **options)


def plan(ansible: Ansible, **options: Any) -> dict[str, Any]:
    return ask(ansible.plan, ansible, **options)


def row_of(ansible: Ansible, **options: Any) -> dict[str, Any]:
    (row,) = ask(ansible.info, ansible, **options)["subscriptions"]
    return dict(row)


def invoices(ansible: Ansible) -> int:
    return len(ansible.portal.invoices)


# --- zones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choices", [SHANGHAI, DATES_IN_SHANGHAI], ids=["instants", "dates"])
def test_what_expires_within_days_is_renewed_once_whatever_zone_the_portal_shows(
    start: Callable[..., Ansible], choices: dict[str, Any]
) -> None:
    ansible = portal(start, 5.25, **choices)
    assert states(renew(ansible)) == {PBX: "renewed"}
    again = renew(ansible, time_zone="Asia/Shanghai")
    assert states(again) == {PBX: "current"}, "the ledger knows it in every zone"
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        pytest.param(-7 * HOUR, "may_have_expired", id="it-expired-seven-hours-ago"),
        pytest.param(3 * HOUR, "may_have_expired", id="it-expires-in-three-hours"),
        pytest.param(-21 * HOUR, "expired", id="it-expired-in-every-zone"),
    ],
)
def test_what_may_have_expired_is_not_bought_and_says_both_ways_out(
    start: Callable[..., Ansible], days: float, reason: str
) -> None:
    ansible = portal(start, days, **SHANGHAI)
    refused = renew(ansible)
    assert states(refused) == {PBX: "blocked"} and refused["results"][0]["reason"] == reason
    assert "include_expired: true" in refused["msg"] and ("time_zone" in refused["msg"]) == (reason != "expired")
    assert states(plan(ansible)) == {PBX: "blocked"}
    assert (orders_sent(ansible.portal), invoices(ansible)) == (0, 0)


def test_with_its_zone_it_is_known_to_the_second_whether_it_has_expired(start: Callable[..., Ansible]) -> None:
    ansible = portal(start, 3 * HOUR, **SHANGHAI)
    row = row_of(ansible, time_zone="Asia/Shanghai")
    assert row["expires_at"] == "2026-11-23T15:00:00Z" and row["days_left"] == 0
    assert row["expires_between"]["time_zone"] == "Asia/Shanghai"
    assert states(renew(ansible, time_zone="Asia/Shanghai")) == {PBX: "renewed"}
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


def test_a_wrong_zone_does_not_order_twice_and_a_zone_that_does_not_exist_nothing(
    start: Callable[..., Ansible],
) -> None:
    ansible = portal(start, 5.25, **SHANGHAI)
    refused = renew(ansible, time_zone="Asia/Shanghigh")
    assert refused["failed"] and "time_zone: expected an IANA name" in refused["msg"]
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati", "UTC"):
        renew(ansible, time_zone=zone)
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


def test_a_declared_expiry_or_include_expired_is_the_other_way_out(start: Callable[..., Ansible]) -> None:
    ansible = portal(start, 3 * HOUR, **SHANGHAI)
    wrong = renew(ansible, expires_at="2026-11-25T23:00:00+08:00")
    assert states(wrong) == {PBX: "blocked"} and orders_sent(ansible.portal) == 0
    past = renew(ansible, expires_at="2026-11-23T19:00:00+08:00")
    assert past["results"][0]["reason"] == "expired" and orders_sent(ansible.portal) == 0
    declared = renew(ansible, expires_at="2026-11-23T23:00:00+08:00")
    assert states(declared) == {PBX: "renewed"}
    included = portal(start, -7 * HOUR, **SHANGHAI)
    assert states(renew(included, include_expired=True)) == {PBX: "renewed"}
    assert (invoices(ansible), invoices(included)) == (1, 1)


def test_a_bare_date_of_today_has_not_expired_at_midnight(start: Callable[..., Ansible]) -> None:
    ansible = portal(start, 0, now="2026-11-23T12:00:00Z")
    row = row_of(ansible)
    assert row["days_left"] == 0 and row["expires_between"]["latest"] == "2026-11-24T12:00:00Z"
    assert renew(ansible)["results"][0]["reason"] == "may_have_expired"
    assert states(renew(ansible, include_expired=True)) == {PBX: "renewed"} and invoices(ansible) == 1


def test_a_saved_plan_of_a_pbx_without_a_zone_buys_just_what_was_approved(
    start: Callable[..., Ansible], tmp_path: Any
) -> None:
    ansible = portal(start, 1.0, **SHANGHAI)
    path = str(tmp_path / "plan.json")
    planned = plan(ansible, dest=path)
    assert planned["results"][0]["expires_between"] == {
        "earliest": "2026-11-24T06:00:00Z",
        "latest": "2026-11-25T08:00:00Z",
        "time_zone": None,
    }
    approved = {"plan_file": path, "plan_digest": planned["digest"]}
    ansible.portal.clock.hold("2026-11-24T06:30:00Z")
    late = renew(ansible, **approved)
    assert late["results"][0]["reason"] == "may_have_expired" and orders_sent(ansible.portal) == 0
    told = renew(ansible, **approved, time_zone="Asia/Shanghai")
    assert states(told) == {PBX: "renewed"} and invoices(ansible) == 1


@pytest.mark.parametrize("form", ["named", "slashed", "offset", "epoch_s", "epoch_ms"])
def test_every_unambiguous_form_is_renewed_once(start: Callable[..., Ansible], form: str) -> None:
    ansible = portal(start, 5, expiry=["expireTime", form])
    for dummy in range(2):
        renew(ansible)
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


def test_a_date_that_may_be_two_is_refused_naming_both_and_renewed_once_it_is_declared(
    start: Callable[..., Ansible],
) -> None:
    ansible = portal(start, 15, expiry=["expireTime", "day_first"])
    refused = renew(ansible)
    assert states(refused) == {PBX: "blocked"} and orders_sent(ansible.portal) == 0
    assert "2026-12-08 with the day first or 2026-08-12 with the month first" in refused["msg"]
    assert states(renew(ansible, expires_at="2026-08-12")) == {PBX: "blocked"}
    assert orders_sent(ansible.portal) == 0, "what is declared wrongly has expired"
    renew(ansible, expires_at="2026-12-08")
    renew(ansible, expires_at="2026-12-08")
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


# --- terms ------------------------------------------------------------------------------------------------------------


def test_a_term_that_counts_from_the_order_is_named_and_ends_the_run(start: Callable[..., Ansible]) -> None:
    ansible = portal(start, 12.5, term_starts="order", expiry=["expireTime", "offset"])
    failed = renew(ansible)
    assert failed["results"][0]["reason"] == "verification_failed" and failed["changed"]
    for text in ("the new term counts from the order, and 12 days are lost", "set term_starts: order"):
        assert text in failed["msg"]
    accepted = renew(ansible, term_starts="order")
    assert states(accepted) == {PBX: "current"} and (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


def test_a_term_that_counts_from_the_order_is_accepted_where_that_is_said_and_the_loss_is_shown(
    start: Callable[..., Ansible], tmp_path: Any
) -> None:
    ansible = portal(start, 12.5, term_starts="order", expiry=["expireTime", "offset"])
    path = str(tmp_path / "plan.json")
    planned = plan(ansible, term_starts="order", dest=path)
    (row,) = planned["results"]
    assert (row["days_lost"], row["expires_after"]) == (12, "2027-11-23T12:00:00Z")
    assert "12 days are lost" in row["message"] and "days lost: 12\n" in planned["diff"][0]["after"]
    bought = renew(ansible, plan_file=path, plan_digest=planned["digest"])
    assert states(bought) == {PBX: "renewed"}, "the plan says that the term starts at the order"
    renew(ansible, term_starts="order")
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


@pytest.mark.parametrize("cycle", ["annually", "monthly"])
@pytest.mark.parametrize("length", ["overflow", "plus_day", "days"])
def test_a_cycle_that_is_reckoned_otherwise_is_renewed_once(
    start: Callable[..., Ansible], cycle: str, length: str
) -> None:
    ansible = portal(start, 5, now="2027-01-26T12:00:00Z", billing_cycle=cycle, cycle_length=length)
    assert states(renew(ansible)) == {PBX: "renewed"}
    assert states(renew(ansible)) == {PBX: "current"}
    assert (orders_sent(ansible.portal), invoices(ansible)) == (1, 1)


def test_where_terms_count_from_the_expiry_nothing_is_lost_whatever_is_said(start: Callable[..., Ansible]) -> None:
    ansible = portal(start, 5)
    assert states(renew(ansible, term_starts="order")) == {PBX: "renewed"}
    assert states(renew(ansible, term_starts="order")) == {PBX: "current"}
    assert invoices(ansible) == 1
