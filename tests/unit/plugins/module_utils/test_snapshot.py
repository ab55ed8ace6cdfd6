# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from one account: listings that are whole (faults, rows 50 and 51), details, orders."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._model import Offer, Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._snapshot import Snapshot
from ansible_collections.pbxops.yeastar.tests.unit.plugins.module_utils.expected_calls import Bench, Call, page, success


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number} for number in range(first, last + 1)]


def listing(*pages: Any) -> list[Call]:
    """Expected pages: ``(page number, result)``."""
    return [
        Call("GET", "/list", success(result), params={"x": "y", "pageNo": str(number), "pageSize": "25"})
        for number, result in pages
    ]


def read_listing(*pages: Any) -> list[Any]:
    with Bench(*listing(*pages), access_token="given") as bench:
        return [row["id"] for row in bench.transport.pages("/list", {"x": "y"}, key="id").rows]


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        ([(1, page([]))], 0),
        ([(1, {"total": 0, "results": None})], 0),
        ([(1, {"total": 0})], 0),
        ([(1, page(rows(1, 3)))], 3),
        ([(1, page(rows(1, 25), 30)), (2, page(rows(26, 30), 30))], 30),
        ([(1, page(rows(1, 25), 50)), (2, page(rows(26, 50), 50))], 50),
        ([(1, page(rows(1, 10), 25)), (2, page(rows(11, 20), 25)), (3, page(rows(21, 25), 25))], 25),
        ([(1, page(rows(1, 80)))], 80),
        ([(1, page(rows(1, 3), totalPage=0))], 3),
        ([(1, page(rows(1, 3), total=None))], 3),
        ([(1, page(rows(1, 3), total="3", count=None))], 3),
    ],
    ids=[
        "empty",
        "no rows: null",
        "no rows: absent",
        "one",
        "two",
        "full last",
        "smaller pages",
        "size ignored",
        "totalPage 0",
        "count only",
        "digits",
    ],
)
def test_a_listing_is_read_to_its_last_row_and_no_further(pages: list[Any], count: int) -> None:
    assert read_listing(*pages) == list(range(1, count + 1))


def test_a_listing_of_1_000_full_pages_is_still_whole() -> None:
    pages = [(number, page(rows(25 * number - 24, 25 * number), 25000)) for number in range(1, 1001)]
    assert len(read_listing(*pages)) == 25000


@pytest.mark.parametrize("pages", [3, "3"])
def test_a_count_of_one_page_alone_is_not_taken_for_the_whole(pages: Any) -> None:
    with pytest.raises(ReadError, match="its count is 25, which is this page alone, and yet it has 3 pages"):
        read_listing((1, page(rows(1, 25), total=None, count=25, totalPage=pages)))


SHIFTS = {
    "the total changes": [(1, page(rows(1, 25), 30)), (2, page(rows(26, 31), 31))],
    "a row comes twice": [(1, page(rows(1, 25), 30)), (2, page(rows(25, 29), 30))],
    "a page comes twice": [(1, page(rows(1, 25), 50)), (2, page(rows(1, 25), 50))],
    "it ends too early": [(1, page(rows(1, 25), 30)), (2, page(rows(26, 28), 30)), (3, page([], 30))],
    "more rows than its total": [(1, page(rows(1, 3), 2))],
}


@pytest.mark.parametrize("shifted", SHIFTS.values(), ids=SHIFTS)
def test_a_listing_that_shifts_is_read_again_from_its_start(shifted: list[Any]) -> None:
    assert read_listing(*shifted, (1, page(rows(1, 2)))) == [1, 2]


@pytest.mark.parametrize("shifted", SHIFTS.values(), ids=SHIFTS)
def test_a_listing_that_keeps_shifting_is_never_taken_for_whole(shifted: list[Any]) -> None:
    with pytest.raises(ReadError, match="GET /list: the listing did not come back whole"):
        read_listing(*shifted * 3)


def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "MAX_PAGES", 3)
    with pytest.raises(ReadError, match="no end"):
        read_listing(*[(number, page(rows(number, number), 99)) for number in range(1, 4)])


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        {"total": 1},
        {"total": 0, "results": {}},
        page([{}]),
        page([{"id": None}]),
        page([{"id": ""}]),
        page(["1"]),
        page([], total=None, count=None),
        page([], total=-1),
        page([], total=True),
    ],
)
def test_what_is_not_a_page_of_rows_with_keys_is_refused(result: Any) -> None:
    with pytest.raises(ReadError, match="GET /list"):
        read_listing((1, result))


# --- one account ------------------------------------------------------------------------------------------------------

ROOT = "/product/openapi/instance_product/v1"
SINCE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def product_list(*products: dict[str, Any]) -> Call:
    return Call("GET", f"{ROOT}/client/instance_product_list", success(page(list(products))))


def detail_of(product_no: str, **fields: Any) -> Call:
    params = {"productNo": product_no, "productId": "13"}
    return Call("GET", f"{ROOT}/detail", success({"productNo": product_no, **fields}), params=params)


def snapshot_of(*calls: Call) -> tuple[Bench, Snapshot]:
    bench = Bench(*calls, access_token="given")
    return bench, Snapshot(Portal(bench.transport, Fields({})))


def test_what_is_read_anew_of_one_pbx_takes_nothing_from_another() -> None:
    first, second = {"productNo": "A", "expireDate": "2027-01-01"}, {"productNo": "B", "expireDate": "2027-01-01"}
    bench, snapshot = snapshot_of(
        product_list(first, second),
        detail_of("B", quantity=5, expireDate="2028-01-01"),
        detail_of("A"),
        product_list({**first, "quantity": 7}, second),
    )
    with bench:
        snapshot.read_listing()
        snapshot.reread("B")
        assert snapshot.reread("A").quantity == 7
        other = snapshot.subscriptions["B"]
    assert (other.quantity, other.expires_at) == (5, datetime(2028, 1, 1, tzinfo=timezone.utc))


def test_a_detail_is_completed_by_the_listing_and_wins_over_it() -> None:
    listed = {"productNo": "A", "quantity": 10, "billingCycle": "annually"}
    bench, snapshot = snapshot_of(product_list(listed), detail_of("A", quantity=20, planName="Basic"))
    with bench:
        snapshot.read_listing()
        subscription = snapshot.complete("A")
    assert (subscription.quantity, subscription.billing_cycle) == (20, "annually")
    assert subscription.plan == Offer(None, "Basic") and snapshot.subscriptions["A"] == subscription


def test_what_a_detail_reports_unreadably_is_not_taken_from_the_listing() -> None:
    bench, snapshot = snapshot_of(product_list({"productNo": "A", "quantity": 10}), detail_of("A", quantity="many"))
    with bench:
        snapshot.read_listing()
        assert isinstance(snapshot.complete("A").quantity, Undetermined)


@pytest.mark.parametrize("told", [{}, {"expireDate": "2027-01-01"}, {"quantity": 12}])
def test_a_second_read_takes_expiry_and_quantity_from_no_old_listing(told: dict[str, Any]) -> None:
    new = product_list({"productNo": "A", "expireDate": "2027-01-01", "quantity": 12})
    old = product_list({"productNo": "A", "expireDate": "2026-01-01", "quantity": 10})
    bench, snapshot = snapshot_of(old, detail_of("A", **told), new)
    with bench:
        snapshot.read_listing()
        subscription = snapshot.reread("A")
    assert (subscription.expires_at, subscription.quantity) == (datetime(2027, 1, 1, tzinfo=timezone.utc), 12)


def test_a_second_read_is_one_request_where_the_detail_tells_expiry_and_quantity() -> None:
    calls = [product_list({"productNo": "A"}), detail_of("A", expireDate="2027-01-01", quantity=12)]
    bench, snapshot = snapshot_of(*calls)
    with bench:
        snapshot.read_listing()
        assert snapshot.reread("A").quantity == 12


def test_a_pbx_that_left_the_account_keeps_nothing_of_its_old_row() -> None:
    gone = [product_list({"productNo": "A", "quantity": 10}), detail_of("A"), product_list()]
    bench, snapshot = snapshot_of(*gone)
    with bench:
        snapshot.read_listing()
        assert isinstance(snapshot.reread("A").quantity, Undetermined)


def orders_of(*order_rows: dict[str, Any], details: tuple[Call, ...] = ()) -> dict[str, list[Optional[str]]]:
    listed = Call("GET", "/order/openapi/order/v1/page", success(page(list(order_rows))))
    bench, snapshot = snapshot_of(listed, *details)
    with bench:
        snapshot.read_orders(SINCE)
    return {number: [order.order_id for order in orders] for number, orders in snapshot.orders.items()}


def order_row(
    order_id: int, status: Any, product_no: Optional[str] = "A", created: Any = "2026-06-01"
) -> dict[str, Any]:
    return {"id": order_id, "orderStatus": status, "productNo": product_no, "createTime": created}


def test_orders_that_are_open_or_done_since_then_are_evidence() -> None:
    found = orders_of(
        order_row(1, "pending", created="2020-01-01"),
        order_row(2, "a new word"),
        order_row(3, None),
        order_row(4, "Succeed"),
        order_row(5, "succeed", created=None),
        order_row(6, "succeed", created="2026-01-01"),
        order_row(7, "pending", product_no="B"),
    )
    assert found == {"A": ["1", "2", "3", "4", "5", "6"], "B": ["7"]}


def test_dead_orders_and_those_of_other_pbxs_are_evidence_while_they_are_recent() -> None:
    words = ("failed", "INVALID", "cancelled", "refunded")
    dead = [order_row(number, status) for number, status in enumerate(words)]
    assert orders_of(*dead, order_row(9, "pending", "C")) == {"A": ["0", "1", "2", "3"], "C": ["9"]}


@pytest.mark.parametrize("status", ["succeed", "failed", "cancelled", "completed", "a new word"])
def test_orders_that_are_over_and_older_than_that_are_not(status: str) -> None:
    assert orders_of(order_row(8, status, created="2025-12-31")) == {}


def test_an_order_counts_for_its_pbx_however_the_serial_number_is_cased() -> None:
    bench, snapshot = snapshot_of(
        product_list({"productNo": "Ab"}),
        Call("GET", "/order/openapi/order/v1/page", success(page([order_row(1, "pending", "aB")]))),
    )
    with bench:
        snapshot.read_listing()
        snapshot.read_orders(SINCE)
        assert list(snapshot.orders) == ["Ab"]


@pytest.mark.parametrize("absent", [{}, {"productNo": None}, {"productNo": ""}])
def test_the_detail_is_asked_only_where_an_order_that_matters_does_not_tell_its_pbx(absent: dict[str, Any]) -> None:
    detail = Call("GET", "/order/openapi/order/v1/get/1", success({"basicInformation": {"productNo": "A"}}))
    pending = {"id": 1, "orderStatus": "pending", **absent}
    old = order_row(2, "failed", None, created="2025-12-31")
    assert orders_of(pending, old, details=(detail,)) == {"A": ["1"]}
