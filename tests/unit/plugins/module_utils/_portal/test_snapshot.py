# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from one account: what listing and details tell of a PBX, and the orders that matter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.listing import Listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.snapshot import Snapshot
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import intent
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Bench,
    Call,
    page,
    refusal,
    success,
)

ROOT = "/product/openapi/instance_product/v1"
SINCE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def product_list(*products: dict[str, Any], total: Optional[int] = None) -> Call:
    return Call("GET", f"{ROOT}/client/instance_product_list", success(page(list(products), total)))


def detail_of(product_no: str, **fields: Any) -> Call:
    params = {"productNo": product_no, "productId": "13"}
    return Call("GET", f"{ROOT}/detail", success({"productNo": product_no, **fields}), params=params)


def snapshot_of(*calls: Call, declarations: Iterable[tuple[str, str]] = ()) -> tuple[Bench, Snapshot]:
    """Of each PBX that is declared, its plan is."""
    bench = Bench(*calls, access_token="given", retries=0)
    declared = {number: Declaration(number, plan=plan) for number, plan in declarations}
    return bench, Snapshot(Portal(bench.transport, Fields({})), declared)


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


def test_a_row_that_two_pages_have_does_not_stand_for_a_pbx_that_is_on_none() -> None:
    products = [{"productNo": f"S{number}"} for number in range(25)]
    pages = [product_list(*products, total=26), product_list(products[24], total=26), product_list(total=26)]
    bench, snapshot = snapshot_of(*pages, *pages)
    with bench:
        assert len(snapshot.read_listing()["S24"]) == 1
    with pytest.raises(ReadError, match="it announces 26 rows and returns 25"):
        snapshot.require_all_rows()
    assert "it announces 26 rows and returns 25" in bench.warnings[0]


def test_while_the_listing_is_read_again_the_rows_are_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, snapshot = snapshot_of()
    seen = []

    class Watched(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            for row in super().__iter__():
                seen.append(sorted(snapshot._rows))  # as another thread would see them now
                yield row

    rows = Watched([{"productNo": "A"}, {"productNo": "B"}])
    monkeypatch.setattr(snapshot._portal, "subscription_rows", lambda: Listing(rows, [], 2, 2))
    with bench:
        snapshot.read_listing()
        seen.clear()
        snapshot.read_listing()
    assert seen and all(numbers == ["A", "B"] for numbers in seen)


def test_a_detail_is_completed_by_the_listing() -> None:
    listed = {"productNo": "A", "billingCycle": "annually"}
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


def test_a_pbx_that_is_listed_twice_blocks_nothing_else_and_no_detail_decides_which_it_is() -> None:
    twice = [{"productNo": "A", "planName": "Trial"}, {"productNo": "A", "planName": "Basic"}]
    # Twice, and each time to its end, since a row more may come than different ones.
    listing = [product_list({"productNo": "B", "planName": "Basic"}, *twice), product_list(total=3)]
    for calls in ([detail_of("A", planName="Basic", quantity=5)], [detail_of("A", quantity=5)]):
        bench, snapshot = snapshot_of(*listing, *listing, *calls)
        with bench:
            snapshot.read_listing()
            assert snapshot.subscriptions["B"].plan == Offer(None, "Basic")
            seen = snapshot.complete("A")
        assert isinstance(seen.plan, Undetermined) and "'Trial' and 'Basic'" in seen.plan.why and seen.quantity == 5


def test_a_row_that_is_declared_to_be_meant_is_the_pbx() -> None:
    twice = [{"productNo": "A", "planName": "Trial"}, {"productNo": "A", "planName": "Basic"}]
    bench, snapshot = snapshot_of(
        *[product_list(*twice), product_list(total=2)] * 2,
        detail_of("A", planName="Trial"),
        declarations=[("A", "Basic")],
    )
    with bench:
        snapshot.read_listing()
        assert snapshot.subscriptions["A"].plan == Offer(None, "Basic")
        # What the detail tells goes before it, and contradicts the declaration then.
        assert snapshot.complete("A").plan == Offer(None, "Trial")


def test_what_is_not_in_the_list_may_be_of_another_product_or_missing() -> None:
    bench, snapshot = snapshot_of(
        product_list({"productNo": " A\u00a0"}, {"productNo": "B", "productId": 14}, {"productNo": "C"})
    )
    with bench:
        assert list(snapshot.read_listing()) == ["A", "C"]
    assert "another product" in snapshot.why_not_found("B") and snapshot.why_not_found("D") == ""
    bench, snapshot = snapshot_of(*[product_list({"productNo": "A"}, total=2), product_list(total=2)] * 2)
    with bench:
        snapshot.read_listing()
    assert "may be incomplete: it announces 2 rows and returns 1" in snapshot.why_not_found("D")


# --- orders -----------------------------------------------------------------------------------------------------------


def order_list(*order_rows: dict[str, Any], total: Optional[int] = None) -> Call:
    return Call("GET", "/order/openapi/order/v1/page", success(page(list(order_rows), total)))


NO_MORE = order_list()


def order_detail(order_id: int, result: Any) -> Call:
    answer = result if isinstance(result, Answer) else success(result)
    return Call("GET", f"/order/openapi/order/v1/get/{order_id}", answer)


def orders_of(
    *order_rows: dict[str, Any], details: tuple[Call, ...] = (), **options: Any
) -> dict[str, list[Optional[str]]]:
    bench, snapshot = snapshot_of(order_list(*order_rows), *[NO_MORE][: len(order_rows)], *details)
    with bench:
        snapshot.read_orders(SINCE, **options)
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
        NO_MORE,
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


def test_an_order_list_that_is_not_whole_says_so_and_still_shows_what_it_has() -> None:
    bench, snapshot = snapshot_of(
        *[order_list(order_row(1, "pending"), total=2), NO_MORE] * 2, order_list(order_row(1, "pending")), NO_MORE
    )
    with bench:
        snapshot.read_orders(SINCE)
        assert list(snapshot.orders) == ["A"]
        assert snapshot.orders_gap == "it announces 2 rows and returns 1"
        snapshot.read_orders(SINCE)
    assert snapshot.orders_gap is None


@pytest.mark.parametrize("words", [("pending", "succeed"), ("succeed", "pending"), ("cancelled", "pending")])
def test_an_order_in_several_rows_is_one_that_may_still_take_effect(words: tuple[str, str]) -> None:
    listed = order_list(*(order_row(1, word) for word in words))
    bench, snapshot = snapshot_of(*[listed, NO_MORE] * 2)
    with bench:
        snapshot.read_orders(SINCE)
    assert [order.status for order in snapshot.orders["A"]] == ["pending"]


# --- orders that do not tell their PBX --------------------------------------------------------------------------------

UNKNOWN: list[tuple[Any, str]] = [
    ({"basicInformation": {}}, "neither list nor detail says"),
    (refusal(403), "the list does not say, and the refused detail"),
    (refusal(404), "the list does not say, and the refused detail"),
]


@pytest.mark.parametrize(("detail", "says"), UNKNOWN)
def test_orders_that_nobody_can_place_are_kept_apart_with_why(detail: Any, says: str) -> None:
    listed = [{**order_row(number, "pending", None), "orderNo": f"BN{number}"} for number in (1, 2)]
    bench, snapshot = snapshot_of(
        order_list(*listed, order_row(3, "pending")), NO_MORE, order_detail(1, detail), order_detail(2, detail)
    )
    with bench:
        snapshot.read_orders(SINCE)
    assert [(str(order), why.startswith(says)) for order, why in snapshot.unplaced] == [
        ("BN1 (pending)", True),
        ("BN2 (pending)", True),
    ]
    assert list(snapshot.orders) == ["A"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_order_whose_detail_is_refused_is_judged_by_its_row(status: int) -> None:
    bench, snapshot = snapshot_of(order_list(order_row(1, "pending")), NO_MORE, order_detail(1, refusal(status)))
    with bench:
        snapshot.read_orders(SINCE)
        (order,) = snapshot.orders["A"]
        assert snapshot.order_in_full(order) == order


@pytest.mark.parametrize(("detail", "says"), UNKNOWN)
@pytest.mark.parametrize(
    "mark",
    [{"order_no": "BN1", "po_number": "PO-7"}, {"order_no": None, "po_number": "RN20261205-0123abcd"}],
)
def test_an_order_of_ours_is_that_of_the_pbx_that_the_ledger_has_it_for(
    detail: Any, says: str, mark: dict[str, Any]
) -> None:
    listed = {**order_row(1, "pending", None), "orderNo": "BN1", "poNumber": "RN20261205-0123abcd"}
    intents = [intent(product_no="A", **mark)]
    assert orders_of(listed, details=(order_detail(1, detail),), intents=intents) == {"A": ["1"]}


def test_a_number_of_the_operators_own_places_no_order() -> None:
    listed = {**order_row(1, "pending", None), "poNumber": "PO-7"}
    bench, snapshot = snapshot_of(order_list(listed), NO_MORE, order_detail(1, {"basicInformation": {}}))
    with bench:
        snapshot.read_orders(SINCE, [intent(product_no="A", po_number="PO-7")])
    assert snapshot.orders == {} and [order.order_id for order, dummy in snapshot.unplaced] == ["1"]


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_detail_that_only_fails_now_is_no_answer(status: int) -> None:
    with pytest.raises(ReadError, match=f"HTTP {status}"):
        orders_of(order_row(1, "pending", None), details=(order_detail(1, refusal(status)),))
