# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input leads to a failed task, nothing changed, nothing bought, and a message that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

SERIAL_NUMBER = "3658B431119665QJ"
MONTHLY = "0036580000012345"
TWO_CONTACTS = {
    "billing_contacts": [
        {"id": "3197218168379846218", "email": "billing@example.com"},
        {"id": "3197218168379846219", "email": "accounts@example.com"},
        {"id": "3197218168379846220", "email": "accounts@example.com"},
    ],
    "pbxs": [
        {
            "product_no": SERIAL_NUMBER,
            "plan": "Enterprise Plan",
            "services": ["High Availability"],
            "quantity": 100,
            "billing_cycle": "annually",
            "expires_in_days": 12,
        }
    ],
}
ONE = {"product_no": SERIAL_NUMBER}


def assert_nothing_bought(ansible: Ansible, result: dict[str, Any], says: list[str]) -> None:
    assert result["failed"] and not result.get("changed")
    for said in says:
        assert said in result["msg"]
    assert "unexpected" not in result["msg"]
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


NO_SECRET = ["no credentials: client_secret is not set", "YEASTAR_CLIENT_SECRET in the environment", "access_token"]
NO_ID = ["no credentials: client_id is not set", "YEASTAR_CLIENT_ID in the environment", "access_token"]
AS_A_NUMBER = ["product_no: expected a serial number as text, got ", "quote it"]

REFUSED_AT_ONCE: list[Any] = [
    ({**ONE, "client_secret": ""}, NO_SECRET),
    ({**ONE, "client_id": ""}, NO_ID),
    # where to
    ({**ONE, "base_url": "http://portal.example.com"}, ["base_url: expected https", "portal.example.com", "loopback"]),
    ({**ONE, "base_url": "portal.example.com"}, ["base_url: expected https://host"]),
    ({**ONE, "base_url": "https://user:pass@portal.example.com"}, ["base_url: expected", "without user"]),
    ({**ONE, "base_url": "http://127.0.0.1:port", "retries": 0}, ["base_url"]),
    # which ledger
    ({**ONE, "ledger": "renewals.sqlite3"}, ["ledger: expected an absolute path or one that begins with ~", "none"]),
    ({**ONE, "ledger": "None"}, ["ledger: expected an absolute path or one that begins with ~", "none"]),
    ({**ONE, "ledger": "postgresql://u:secret@h/d"}, ["ledger: expected an address without a password", "PGPASSWORD"]),
    ({**ONE, "ledger_password": "secret"}, ["ledger_password: expected only with a ledger in PostgreSQL"]),
    # which PBX
    ({}, ["one of the following is required: product_no, subscriptions"]),
    ({**ONE, "subscriptions": [ONE], "max_orders": 1}, ["mutually exclusive: product_no|subscriptions"]),
    ({"product_no": 5349}, [*AS_A_NUMBER, "5349"]),
    pytest.param({"product_no": float("inf")}, [*AS_A_NUMBER, "inf"], marks=pytest.mark.faults(64)),
    ({"product_no": "inf"}, [*AS_A_NUMBER, "'inf'"]),
    ({"product_no": True}, [*AS_A_NUMBER, "True"]),
    ({"product_no": ""}, [*AS_A_NUMBER, "''"]),
    ({"product_no": [SERIAL_NUMBER]}, [*AS_A_NUMBER, "got a list"]),
    ({"subscriptions": [ONE, {"product_no": 12345}], "max_orders": 2}, [*AS_A_NUMBER, "12345"]),
    pytest.param(
        {"subscriptions": [ONE, {"product_no": f" {SERIAL_NUMBER} "}], "max_orders": 2},
        [SERIAL_NUMBER, "more than once"],
        marks=pytest.mark.faults(41),
    ),
    # how much
    ({"subscriptions": [ONE]}, ["required by 'subscriptions': max_orders"]),
    ({**ONE, "max_orders": -1}, ["max_orders: expected 0 to 10000, got -1"]),
    ({**ONE, "quantity": 0}, ["quantity: expected 1 to 1000000, got 0"]),
    ({**ONE, "remaining_days": -1}, ["remaining_days: expected 0 to 36500, got -1"]),
    ({**ONE, "retries": -1}, ["retries: expected 0 to 100, got -1"]),
    ({**ONE, "timeout": -1}, ["timeout: expected ", "at most 86400 seconds, got -1.0"]),
    ({**ONE, "timeout": float("nan")}, ["timeout: expected ", "at most 86400 seconds, got nan"]),
    ({**ONE, "wait_timeout": -1}, ["wait_timeout: expected 0 to 86400, got -1"]),
    ({**ONE, "max_total": "-5"}, ["max_total: expected an amount", "'-5'"]),
    ({**ONE, "max_amount_per_item": "1,200.00"}, ["max_amount_per_item: expected an amount", "'1,200.00'"]),
    ({**ONE, "currency": "dollars"}, ["currency: expected a three-letter currency code", "'dollars'"]),
    # a variable that is not set
    *(
        pytest.param(
            {**ONE, option: blank},
            [f"{option}: expected a value, got an empty text", f"leave {option} out"],
            marks=pytest.mark.faults(79),
        )
        for option in (
            "run_id",
            "max_total",
            "max_amount_per_item",
            "max_price_increase_percent",
            "currency",
            "ca_path",
        )
        for blank in ("", " ")
    ),
    ({**ONE, "max_orders": ""}, ["max_orders"]),
    ({**ONE, "on_unknown_price": ""}, ["on_unknown_price"]),
    ({**ONE, "services": ""}, ["services: expected names or ids, got an empty text among them"]),
    ({"subscriptions": [ONE], "max_orders": 1, "billing_contact": " "}, ["billing_contact: expected a value"]),
    ({"subscriptions": [{**ONE, "plan": ""}], "max_orders": 1}, ["plan: expected a value, got an empty text"]),
    ({"plan_file": "", "plan_digest": "x"}, ["plan_file: expected a value"]),
    ({"plan_file": "plan.json", "plan_digest": ""}, ["plan_digest: expected a value"]),
    # when
    ({**ONE, "expires_at": "03/04/2027"}, ["expires_at: '03/04/2027' is not an unambiguous date"]),
    ({**ONE, "expected_expiry": "soon"}, ["expected_expiry: 'soon' is not an unambiguous date", "YYYY-MM-DD"]),
    ({**ONE, "expires_at": "2027-02-30"}, ["expires_at: "]),
    ({**ONE, "expires_at": "1927-02-03"}, ["expires_at: '1927-02-03' lies outside the years 2000-2100"]),
    # what
    ({"subscriptions": [ONE], "max_orders": 1, "plan": "Enterprise Plan"}, ["required by 'plan': product_no"]),
    ({**ONE, "auto_renewal": "perhaps"}, ["is of type", "perhaps"]),
    ({**ONE, "on_unknown_auto_renewal": "ask"}, ["on_unknown_auto_renewal must be one of: allow, block"]),
    ({**ONE, "billing_cycle": "yearly"}, ["billing_cycle must be one of: annually, monthly"]),
    (
        {**ONE, "field_map": {"expiry": "validThrough"}},
        ["field_map names expiry", "expected concepts are", "expires_at"],
    ),
    ({**ONE, "field_map": {"expires_at": 5}}, ["field_map", "expires_at"]),
]


@pytest.mark.parametrize(("arguments", "says"), REFUSED_AT_ONCE)
def test_bad_options_are_refused_before_any_call(tutorial: Ansible, arguments: dict[str, Any], says: list[str]) -> None:
    result = tutorial.renew(**arguments)
    assert_nothing_bought(tutorial, result, says)
    assert not tutorial.portal.log


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"product_no": 5349}, [*AS_A_NUMBER, "5349"]),
        ({"product_no": [SERIAL_NUMBER, 12345]}, [*AS_A_NUMBER, "12345"]),
        ({"expires_within": -1}, ["expires_within: expected 0 to 36500, got -1"]),
        ({"field_map": {"expiry": "validThrough"}}, ["field_map names expiry"]),
        ({"client_secret": ""}, NO_SECRET),
        ({"product_no": ["3658B43000000"]}, ["3658B43000000: not among the 1 PBXs of this account"]),
    ],
)
def test_info_refuses_the_same(tutorial: Ansible, arguments: dict[str, Any], says: list[str]) -> None:
    result = tutorial.info(**arguments)
    assert result["failed"] and not result.get("changed")
    for said in says:
        assert said in result["msg"]


def test_a_window_that_no_calendar_holds_is_refused_though_the_cycle_is_unknown(start: Callable[..., Ansible]) -> None:
    ansible = start(profile="sparse")
    assert_nothing_bought(ansible, ansible.renew(**ONE, remaining_days=10**10), [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"client_secret": "a-wrong-secret"},
            ["POST /auth/openapi/v1/oauth/token", "check client_id and client_secret", "HTTP 401", "'invalid_client'"],
        ),
        ({"base_url": "http://127.0.0.1:1"}, ["POST /auth/openapi/v1/oauth/token", "no connection", "base_url"]),
    ],
)
def test_an_account_that_cannot_be_entered_is_told_with_the_call_that_failed(
    tutorial: Ansible, arguments: dict[str, Any], says: list[str]
) -> None:
    result = tutorial.renew(**ONE, **arguments, retries=0)
    assert_nothing_bought(tutorial, result, says)
    assert "a-wrong-secret" not in str(result)
    assert all(entry.path.endswith("/token") for entry in tutorial.portal.log)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTPS_PROXY", "user:hunter2@proxyhost:3128", "HTTPS_PROXY: expected the proxy's address with its scheme"),
        ("all_proxy", "socks6://user:hunter2@proxyhost:1080", "all_proxy: expected a proxy with http, https or socks4"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "REQUESTS_CA_BUNDLE: expected a file with certificate authorities"),
    ],
)
def test_an_environment_that_leads_to_no_portal_is_refused_at_once(
    tutorial: Ansible, name: str, value: str, says: str
) -> None:
    arguments = {**ONE, "base_url": "https://portal.example", "wait_timeout": 0}
    result = tutorial.start("yeastar_pce_renewal", arguments, environment={name: value}).result()
    assert_nothing_bought(tutorial, result, [says])
    assert "hunter2" not in str(result) and not tutorial.portal.log


@pytest.mark.parametrize(
    "variables", [{"HTTPS_PROXY": "http://127.0.0.1:1"}, {"https_proxy": "http://user:hunter2@127.0.0.1:1"}]
)
def test_a_proxy_that_is_gone_is_told_by_its_variable(tutorial: Ansible, variables: dict[str, str]) -> None:
    arguments = {**ONE, "base_url": "https://portal.example", "retries": 0, "wait_timeout": 0}
    result = tutorial.start("yeastar_pce_renewal", arguments, environment=variables).result()
    assert_nothing_bought(tutorial, result, [f"no connection to the proxy 127.0.0.1:1 of {next(iter(variables))}"])
    assert "hunter2" not in str(result)


BLOCKED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("quantity", {"quantity": 99}, "contradiction", ["quantity is declared as 99, the portal says 100"]),
    (
        "cycle",
        {"billing_cycle": "monthly"},
        "contradiction",
        ["billing_cycle is declared as monthly, the portal says annually"],
    ),
    ("plan", {"plan": "Ultimate Plan"}, "contradiction", ["Ultimate Plan", "the portal says Enterprise Plan"]),
    ("plan id", {"plan": "3048572026291630080"}, "contradiction", ["3048572026291630080", "3048571730026938368"]),
    ("service", {"services": ["Call Recording"]}, "contradiction", ["Call Recording", "portal says High Availability"]),
    ("no service", {"services": []}, "contradiction", ["declared as none, the portal says High Availability"]),
    (
        "one more service",
        {"services": ["High Availability", "Call Recording"]},
        "contradiction",
        ["declared as High Availability, Call Recording, the portal says High Availability"],
    ),
    ("expiry", {"expires_at": "2031-01-01"}, "contradiction", ["expires_at is declared as 2031-01-01T00:00:00Z, the"]),
    (
        "several at once",
        {"quantity": 99, "billing_cycle": "monthly"},
        "contradiction",
        ["quantity is declared as 99, the portal says 100", "billing_cycle is declared as monthly, the portal says"],
    ),
    (
        "expected",
        {"expected_expiry": "2031-01-01"},
        "expected_expiry",
        ["expected_expiry is 2031-01-01T00:00:00Z", "expires 20"],
    ),
    (
        "annual window",
        {"remaining_days": 365},
        "invalid_window",
        ["365", "0 to 364", "shorter than the cycle (annually)"],
    ),
    (
        "contact",
        {"billing_contact": "nobody@example.com"},
        "billing_contact",
        ["nobody@example.com", "3197218168379846218 (billing@example.com)"],
    ),
    ("price", {"max_amount_per_item": "1679.99"}, "price_limit", ["the price is 1680.00 USD", "1679.99"]),
    ("currency", {"currency": "RMB"}, "price_limit", ["the price is 1680.00 USD, expected RMB"]),
]


@pytest.mark.parametrize(("about", "arguments", "reason", "says"), BLOCKED, ids=[line[0] for line in BLOCKED])
def test_what_contradicts_the_portal_blocks_the_pbx_and_both_values_are_named(
    tutorial: Ansible, about: str, arguments: dict[str, Any], reason: str, says: list[str]
) -> None:
    result = tutorial.renew(**ONE, **arguments)
    assert_nothing_bought(tutorial, result, says)
    (row,) = result["results"]
    assert (row["state"], row["reason"]) == ("blocked", reason)


def test_a_monthly_window_must_be_shorter_than_a_month(six: Ansible) -> None:
    result = six.renew(product_no=MONTHLY, remaining_days=28)
    assert_nothing_bought(six, result, ["remaining_days is 28", "0 to 27", "shorter than the cycle (monthly)"])


@pytest.mark.faults(52)
@pytest.mark.parametrize(
    "product_no",
    [
        "3658B43000000",
        SERIAL_NUMBER.lower(),
    ],
)
def test_a_serial_number_that_the_account_lacks_is_told_with_how_many_were_seen(six: Ansible, product_no: str) -> None:
    result = six.renew(product_no=product_no)
    assert_nothing_bought(six, result, [f"{product_no} is not among the 6 PBXs of this account", "serial number"])
    assert states(result) == {product_no: "failed"}


@pytest.mark.parametrize("max_orders", [0, 1])
def test_more_due_than_max_orders_and_none_is_ordered(six: Ansible, max_orders: int) -> None:
    result = six.renew(subscriptions=[ONE, {"product_no": MONTHLY}], max_orders=max_orders)
    assert_nothing_bought(six, result, [f"2 subscriptions are due and max_orders is {max_orders}: nothing was ordered"])
    assert states(result) == {SERIAL_NUMBER: "not_attempted", MONTHLY: "not_attempted"}


def test_orders_that_cost_more_than_max_total_together_are_not_sent_at_all(six: Ansible) -> None:
    subscriptions = [ONE, {"product_no": MONTHLY}]
    result = six.renew(subscriptions=subscriptions, max_orders=2, max_total="1700", currency="usd")
    assert_nothing_bought(six, result, ["the orders cost 1743.00 USD and max_total is 1700 USD: nothing was ordered"])


@pytest.mark.faults(57)
@pytest.mark.parametrize("wanted", [None, "accounts@example.com", "3197218168379846299"])
def test_a_billing_contact_that_is_not_exactly_one_is_never_guessed_and_the_choices_are_listed(
    start: Callable[..., Ansible], wanted: str | None
) -> None:
    ansible = start(fleet=TWO_CONTACTS)
    result = ansible.renew(**ONE, billing_contact=wanted)
    choices = [f"{contact.id} ({contact.email})" for contact in ansible.portal.contacts]
    assert_nothing_bought(ansible, result, [*choices, "set billing_contact", wanted or "no billing contact is named"])


@pytest.mark.parametrize("wanted", ["Billing@Example.com", "3197218168379846220"])
def test_a_billing_contact_that_is_named_is_the_one_that_is_billed(start: Callable[..., Ansible], wanted: str) -> None:
    ansible = start(fleet=TWO_CONTACTS)
    assert states(ansible.renew(**ONE, billing_contact=wanted)) == {SERIAL_NUMBER: "renewed"}
    (order,) = ansible.portal.orders
    assert order.billing_id == (wanted if wanted.isdigit() else "3197218168379846218")
