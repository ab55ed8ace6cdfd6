# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads with a fault: repeated if that may help, reported clearly if not, and never a basis for an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

FIRST = "3658B431119665QJ"
SECOND = "3658B431119002QL"
TERMS = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
TWO = {
    "pbxs": [
        {"product_no": FIRST, "expires_in_days": 12, **TERMS},
        {"product_no": SECOND, "expires_in_days": 20, **TERMS},
    ],
    "orders": [{"product_no": FIRST, "created_days_ago": 20, "status": "cancelled"}],
}
BOTH = {"subscriptions": [{"product_no": FIRST}, {"product_no": SECOND}], "max_orders": 2}

TOKEN = "/auth/openapi/v1/oauth/token"
LISTING = "/product/openapi/instance_product/v1/client/instance_product_list"
DETAIL = "/product/openapi/instance_product/v1/detail"
CATALOG = "/pricing/openapi/purchase/v1/purchase_product_info"
CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
ORDERS = "/order/openapi/order/v1/page"
CALLS = {TOKEN: "POST", LISTING: "GET", DETAIL: "GET", CATALOG: "GET", CONTACTS: "GET", ORDERS: "GET"}
ERROR = "(HTTP 500, code 'internal_error', detail 'Something went wrong.', requestId '"


@pytest.fixture
def two(start: Callable[..., Ansible]) -> Ansible:
    return start(fleet=TWO)


@pytest.fixture
def thirty(start: Callable[..., Ansible]) -> Ansible:
    """Two pages of PBXs, the first PBX due."""
    return start(fleet={"generate": {"count": 30, "due": 1}})


def reads_of(ansible: Ansible, path: str) -> int:
    return sum(entry.path == path for entry in ansible.portal.log)


def assert_nothing_ordered(ansible: Ansible, result: dict[str, Any]) -> None:
    assert result["failed"] and not result.get("changed")
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=pytest.mark.faults(63)) if path == ORDERS else path for path in CALLS]
)
def test_a_read_that_keeps_failing_names_call_status_code_and_request_and_nothing_is_ordered(
    two: Ansible, path: str
) -> None:
    two.portal.fault("error_before", path=path, times=9)
    result = two.renew(**BOTH, retries=1)
    assert_nothing_ordered(two, result)
    assert f"{CALLS[path]} {path}: the portal answered with an error {ERROR}" in result["msg"]
    assert reads_of(two, path) == (4 if path == DETAIL else 2)  # the details are read for each PBX


@pytest.mark.parametrize("path", CALLS)
def test_a_read_that_fails_once_is_repeated_and_the_order_is_sent_once(tutorial: Ansible, path: str) -> None:
    verb = "error_before" if path in (TOKEN, LISTING, ORDERS) else "drop_before"
    tutorial.portal.fault(verb, path=path)
    result = tutorial.renew(product_no=FIRST)
    assert states(result) == {FIRST: "renewed"}
    # The details are read before and after the order, and so is the list of orders, up to an empty page.
    assert reads_of(tutorial, path) == {DETAIL: 3, ORDERS: 4}.get(path, 2)
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1
    assert result["requests"]["read"] == sum(entry.method == "GET" for entry in tutorial.portal.log)


@pytest.mark.parametrize("as_date", [False, True])
def test_a_read_that_is_rate_limited_is_repeated_when_the_portal_says(tutorial: Ansible, as_date: bool) -> None:
    tutorial.portal.fault("rate_limited", path=LISTING, retry_after=1, as_date=as_date)
    assert states(tutorial.renew(product_no=FIRST)) == {FIRST: "renewed"}
    assert reads_of(tutorial, LISTING) == 2


BROKEN_LISTINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("html", {}, ["expected the vendor's JSON envelope", "text/html", "login page"]),
    ("redirect", {}, ["redirected to elsewhere.example.com", "not followed", "base_url", "HTTP 302"]),
    ("truncate", {}, ["connection broke"]),
    ("truncate_close", {"valid_json": True}, ["expected a page"]),
    ("empty", {"status": 204}, ["HTTP 204"]),
    ("duplicate_keys", {}, ["expected the vendor's JSON envelope"]),
    ("oversize", {"gzip": True}, ["larger than 10485760 bytes"]),
    ("packed", {}, ["expected an uncompressed answer, got gzip, gzip"]),
    ("packed", {"layers": 9}, ["expected an uncompressed answer"]),
    ("nested", {}, ["expected the vendor's JSON envelope", "nested too deeply"]),
    ("nested", {"levels": 1_000_000}, ["expected the vendor's JSON envelope", "nested too deeply"]),
    ("alter_field", {"name": "total", "value": 10**400}, ["expected the vendor's JSON envelope", "401 digits"]),
    ("alter_field", {"name": "total", "value": "9" * 400}, ["expected the total", "got text of 400 characters"]),
    ("delay", {"seconds": 30}, ["no complete answer within 2.5 s"]),
    ("drip", {"seconds": 0.05}, ["no complete answer within 2.5 s"]),
    ("error_before", {"status": 503, "envelope": False}, ["HTTP 503", "without the vendor's envelope"]),
    ("business_error", {"code": "maintenance"}, ["HTTP 200, code 'maintenance', detail 'The order was", "requestId"]),
    ("forbidden", {}, ["access was refused", "Client IP Restriction", "HTTP 403, code 'access_denied'"]),
    ("rate_limited", {"retry_after": 4000}, ["HTTP 429, code 'too_many_requests'"]),
    ("alter_field", {"name": "results", "value": None}, ["expected a page with a list of results"]),
    ("alter_field", {"name": "productNo", "remove": True}, ["a row of the listing has no productNo"]),
]


@pytest.mark.parametrize(("verb", "params", "says"), BROKEN_LISTINGS)
def test_a_listing_that_is_no_listing_ends_the_run_and_says_what_came(
    tutorial: Ansible, verb: str, params: dict[str, Any], says: list[str]
) -> None:
    tutorial.portal.fault(verb, path=LISTING, **params)
    timeout = 2.5 if verb in ("delay", "drip") else 30
    result = tutorial.renew(product_no=FIRST, retries=0, timeout=timeout)
    assert_nothing_ordered(tutorial, result)
    assert result["msg"].startswith(f"GET {LISTING}: ")
    for said in says:
        assert said in result["msg"]
    assert [entry.path for entry in tutorial.portal.log] == [TOKEN, LISTING]


def test_a_listing_that_is_packed_unasked_is_read(tutorial: Ansible) -> None:
    tutorial.portal.fault("packed", layers=1, times=99)
    assert states(tutorial.renew(product_no=FIRST)) == {FIRST: "renewed"}
    assert len(tutorial.portal.invoices) == 1


@pytest.mark.faults(29)
def test_a_valid_answer_under_a_wrong_content_type_is_taken_with_a_warning(tutorial: Ansible) -> None:
    tutorial.portal.fault("wrong_content_type", path=LISTING)
    result = tutorial.renew(product_no=FIRST)
    assert states(result) == {FIRST: "renewed"}
    (warning,) = result["warnings"]
    assert f"GET {LISTING}" in str(warning) and "text/html" in str(warning)


@pytest.mark.parametrize(
    ("verb", "params", "says"),
    [
        ("html", {}, ["expected the vendor's JSON envelope", "login page"]),
        ("redirect", {}, ["redirected to elsewhere.example.com"]),
        ("forbidden", {}, ["credentials were refused", "client_secret", "Client IP Restriction", "HTTP 403"]),
        ("alter_field", {"name": "token", "remove": True}, ["expected a token in the answer, found no usable one"]),
        ("alter_field", {"name": "token", "value": "a\nb"}, ["expected a token in the answer, found no usable one"]),
        ("alter_field", {"name": "expiresIn", "value": "9" * 400}, ["expected expiresIn in seconds, got text of 400"]),
        ("alter_field", {"name": "expiresIn", "value": 10**400}, ["the vendor's JSON envelope", "401 digits"]),
        ("packed", {}, ["expected an uncompressed answer, got gzip, gzip"]),
        ("nested", {}, ["nested too deeply"]),
    ],
)
def test_a_login_that_brings_no_token_ends_the_run_before_any_other_call(
    tutorial: Ansible, verb: str, params: dict[str, Any], says: list[str]
) -> None:
    tutorial.portal.fault(verb, path=TOKEN, **params)
    result = tutorial.renew(product_no=FIRST, retries=0)
    assert_nothing_ordered(tutorial, result)
    assert result["msg"].startswith(f"POST {TOKEN}: ")
    for said in says:
        assert said in result["msg"]
    assert reads_of(tutorial, LISTING) == 0


@pytest.mark.parametrize(("times", "expected"), [(1, "renewed"), (2, "")])
def test_a_token_that_is_refused_is_replaced_once(tutorial: Ansible, times: int, expected: str) -> None:
    tutorial.portal.fault("unauthorized", path=LISTING, times=times)
    result = tutorial.renew(product_no=FIRST)
    assert result["requests"]["token"] == reads_of(tutorial, TOKEN) == 2
    assert reads_of(tutorial, LISTING) == 2
    if expected:
        assert states(result) == {FIRST: expected}
    else:
        assert_nothing_ordered(tutorial, result)
        assert "the access token was refused (HTTP 401, code 'invalid_token'" in result["msg"]


def test_an_access_token_of_the_users_own_that_is_refused_is_not_replaced(tutorial: Ansible) -> None:
    result = tutorial.renew(product_no=FIRST, access_token="an-expired-token")
    assert_nothing_ordered(tutorial, result)
    assert "the access token was refused (HTTP 401" in result["msg"]
    assert [entry.path for entry in tutorial.portal.log] == [LISTING]


@pytest.mark.parametrize(
    ("path", "params", "says"),
    [
        (CATALOG, {"name": "planId", "value": "999"}, ["Enterprise Plan", "not in the portal's catalog"]),
        (CATALOG, {"name": "serviceId", "remove": True}, ["High Availability", "not in the portal's catalog"]),
        (CONTACTS, {"name": "billingContactId", "remove": True}, [f"GET {CONTACTS}", "each with a billingContactId"]),
        (CONTACTS, {"name": "result", "value": []}, ["the account has 0"]),
        (ORDERS, {"name": "total", "value": "many"}, [f"GET {ORDERS}", "expected the total of the listing"]),
        (ORDERS, {"name": "id", "remove": True}, [f"GET {ORDERS}", "has no id"]),
    ],
)
def test_an_answer_that_lacks_what_an_order_needs_ends_the_run(
    two: Ansible, path: str, params: dict[str, Any], says: list[str]
) -> None:
    two.portal.fault("alter_field", path=path, **params)
    result = two.renew(**BOTH)
    assert_nothing_ordered(two, result)
    for said in says:
        assert said in result["msg"]


@pytest.mark.faults(63)
def test_an_order_whose_detail_cannot_be_read_may_be_of_any_pbx_so_nothing_is_ordered(
    start: Callable[..., Ansible],
) -> None:
    orders = [{"product_no": SECOND, "created_days_ago": 2, "status": "pending"}]
    ansible = start(fleet={**TWO, "orders": orders}, profile="epoch_milliseconds")
    ansible.portal.fault("error_before", path="/order/v1/get/")
    result = ansible.renew(product_no=FIRST, retries=0)
    assert_nothing_ordered(ansible, result)
    assert f"GET /order/openapi/order/v1/get/{ansible.portal.orders[0].id}: " in result["msg"]


@pytest.mark.faults(63)
def test_an_open_order_that_does_not_tell_its_pbx_may_be_of_any_pbx_so_nothing_is_ordered(
    start: Callable[..., Ansible],
) -> None:
    orders = [{"product_no": FIRST, "created_days_ago": 2, "status": "pending"}]
    ansible = start(fleet={**TWO, "orders": orders})
    for path in (ORDERS, "/order/v1/get/"):
        ansible.portal.fault("alter_field", path=path, name="productNo", rename="serialNumber")
    result = ansible.renew(product_no=FIRST)
    assert_nothing_ordered(ansible, result)
    assert ansible.portal.orders[0].order_no in result["msg"]


FAILS_FOR_ONE: list[tuple[str, str, dict[str, Any]]] = [
    ("documented", DETAIL, {}),
    ("documented", "/renew/plan_info/", {"max_amount_per_item": "9999"}),
    ("documented", "/renew/add_on_info/", {"max_amount_per_item": "9999"}),
    ("detail_only", DETAIL, {}),
]


@pytest.mark.parametrize(("profile", "path", "arguments"), FAILS_FOR_ONE)
def test_a_read_that_fails_for_one_pbx_fails_that_one_and_the_other_is_renewed(
    start: Callable[..., Ansible], profile: str, path: str, arguments: dict[str, Any]
) -> None:
    ansible = start(fleet=TWO, profile=profile)
    ansible.portal.fault("error_before", path=path)
    result = ansible.renew(**BOTH, **arguments, retries=0, concurrency=1)
    assert result["failed"] and result["changed"]
    assert states(result) == {FIRST: "failed", SECOND: "renewed"}
    (row,) = [row for row in result["results"] if row["product_no"] == FIRST]
    assert row["reason"] == "not_readable" and ERROR in row["message"]
    assert [invoice.product_no for invoice in ansible.portal.invoices] == [SECOND]


def test_access_that_is_refused_between_two_orders_ends_the_run_and_the_first_order_is_told(two: Ansible) -> None:
    two.portal.fault("forbidden", path=DETAIL, skip=2)
    result = two.renew(**BOTH, concurrency=1)
    assert result["failed"] and result["changed"]
    assert states(result) == {FIRST: "renewed", SECOND: "failed"}
    assert "Client IP Restriction" in result["msg"]
    assert [invoice.product_no for invoice in two.portal.invoices] == [FIRST]


@pytest.mark.faults(50, 51)
@pytest.mark.parametrize(
    ("verb", "params", "listings"),
    [
        ("shift_listing", {"action": "insert"}, 4),
        ("shift_listing", {"action": "remove", "product_no": "3658C400000003QJ"}, 4),
        ("repeat_page", {"skip": 1}, 4),
        ("short_listing", {"missing": 1}, 5),
        ("bad_paging", {"kind": "zero_pages", "times": 9}, 2),
        ("bad_paging", {"kind": "endless", "times": 9}, 3),
        ("bad_paging", {"kind": "size_ignored", "size": 10, "times": 9}, 3),
    ],
)
def test_a_listing_that_shifts_or_pages_oddly_is_still_read_whole(
    thirty: Ansible, verb: str, params: dict[str, Any], listings: int
) -> None:
    due, last = thirty.portal.pbxs[0].product_no, thirty.portal.pbxs[-1].product_no
    thirty.portal.fault(verb, path=LISTING, **params)
    result = thirty.renew(subscriptions=[{"product_no": due}, {"product_no": last}], max_orders=1)
    assert states(result) == {due: "renewed", last: "current"}
    assert reads_of(thirty, LISTING) == listings
    assert len(thirty.portal.invoices) == 1


@pytest.mark.faults(50)
@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([("short_listing", {"times": 3}), ("repeat_page", {"times": 2}), ("short_listing", {"times": 3})], "got 28"),
        ([("repeat_page", {"times": 2}), ("short_listing", {"times": 3}), ("repeat_page", {"times": 2})], "got 25"),
        ([("shift_listing", {"action": "insert", "times": 9})], "the total changed from "),
    ],
)
def test_a_listing_that_does_not_come_to_rest_is_not_bought_upon(
    thirty: Ansible, faults: list[tuple[str, dict[str, Any]]], says: str
) -> None:
    for verb, params in faults:
        thirty.portal.fault(verb, path=LISTING, **params)
    result = thirty.renew(product_no=thirty.portal.pbxs[0].product_no)
    assert_nothing_ordered(thirty, result)
    assert f"GET {LISTING}: the listing could not be read completely in 3 attempts: " in result["msg"]
    assert says in result["msg"] and "run again" in result["msg"]


@pytest.mark.faults(50, 51)
@pytest.mark.parametrize(("verb", "came"), [("short_listing", 28), ("repeat_page", 25)])
def test_of_a_listing_that_is_short_in_the_same_way_each_time_what_came_is_there_and_the_rest_is_not_known(
    thirty: Ansible, verb: str, came: int
) -> None:
    first, last = thirty.portal.pbxs[0].product_no, thirty.portal.pbxs[-1].product_no
    thirty.portal.fault(verb, path=LISTING, times=9)
    result = thirty.renew(subscriptions=[{"product_no": first}, {"product_no": last}], max_orders=2)
    assert states(result) == {first: "renewed", last: "failed"} and len(thirty.portal.invoices) == 1
    for said in (f"{last} is not among the {came} PBXs", f"it announces 30 rows and returns {came}"):
        assert said in result["msg"]


@pytest.mark.faults(52)
def test_a_pbx_that_the_listing_hides_is_never_taken_for_one_that_is_not_due(thirty: Ansible) -> None:
    due = thirty.portal.pbxs[0].product_no
    thirty.portal.fault("hide_product", product_no=due, times=9)
    result = thirty.renew(product_no=due)
    assert_nothing_ordered(thirty, result)
    assert states(result) == {due: "failed"}
    assert f"{due} is not among the 29 PBXs of this account" in result["msg"]
