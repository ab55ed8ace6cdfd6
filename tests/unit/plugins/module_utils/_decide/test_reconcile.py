# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal's evidence says of an intent: nothing is taken for absent or dead that could still take effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.reconcile import Settlement, Times, settle
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import add_cycles
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.intent import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.order import DEAD_STATUSES, Order, OrderLine
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    EXPIRY,
    NOW,
    SECOND,
    intent,
    order,
    renewal_lines,
    subscription,
    unreadable,
    unreported,
    utc,
)

WINDOW = timedelta(minutes=15)
LATER = NOW + WINDOW
TAG = intent().po_number


def _at(now: datetime, portal: Optional[datetime] = None) -> Times:
    return Times(now, portal, WINDOW)


def _settle(
    *orders: Order,
    of: Optional[Intent] = None,
    seen: Optional[Subscription] = None,
    strays: Sequence[Order] = (),
    times: Optional[Times] = None,
    term_starts: str = "expiry",
) -> Settlement:
    """Settle after the window, unless told otherwise."""
    told = (of or intent(), seen or subscription(), list(orders), strays, times or _at(LATER, LATER))
    return settle(*told, term_starts=term_starts)


def _tagged(**changes: Any) -> Order:
    return order(**{"po_number": TAG, "created_at": NOW + SECOND, **changes})


def _untagged(**changes: Any) -> Order:
    """A renewal with the intent's lines whose number the portal does not show, placed just after the intent."""
    return order(**{"created_at": NOW + SECOND, "is_renewal": True, "lines": renewal_lines(), **changes})


# --- the expiry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN, IntentStatus.ACCEPTED, IntentStatus.RENEWED]
)
@pytest.mark.parametrize("moved_to", [utc(2027, 12, 5), utc(2027, 12, 2), utc(2027, 12, 8)])
def test_an_expiry_that_moved_by_one_cycle_is_renewed_even_without_an_order(status: str, moved_to: datetime) -> None:
    settlement = _settle(of=intent(status=status), seen=subscription(expires_at=moved_to), times=_at(NOW))
    assert (settlement.status, settlement.reason) == (IntentStatus.RENEWED, "expiry_moved")
    assert settlement.expires_after == moved_to and "not in the list" in settlement.message


@pytest.mark.parametrize("status", ["succeed", "pending", "a new word"])
def test_a_renewal_names_its_order(status: str) -> None:
    settlement = _settle(_tagged(status=status), seen=subscription(expires_at=utc(2027, 12, 5)))
    assert settlement.order is not None and settlement.order.order_no == "BN77" and "BN77" in settlement.message


@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN, IntentStatus.ACCEPTED])
@pytest.mark.parametrize(
    "moved_to",
    [utc(2028, 12, 5), utc(2025, 12, 5), utc(2026, 12, 6), utc(2027, 1, 5), utc(2027, 12, 8, 0, 0, 1)],
    ids=["two cycles", "one back", "a day", "a month instead of a year", "a second beyond the tolerance"],
)
def test_an_expiry_that_moved_otherwise_is_not_verified_and_stays_as_it_was(status: str, moved_to: datetime) -> None:
    settlement = _settle(_tagged(), of=intent(status=status), seen=subscription(expires_at=moved_to))
    assert (settlement.status, settlement.reason) == (status, "verification_failed")
    assert settlement.expires_after == moved_to and "BN77" in settlement.message


def test_what_had_expired_may_be_renewed_from_the_day_of_the_order() -> None:
    late = intent(uncertain_since=utc(2027, 3, 5), portal_uncertain_since=utc(2027, 3, 5))
    assert _settle(of=late, seen=subscription(expires_at=utc(2028, 3, 5))).status == IntentStatus.RENEWED
    assert _settle(seen=subscription(expires_at=utc(2028, 3, 5))).reason == "verification_failed"


@pytest.mark.parametrize("apart", [timedelta(hours=23), -timedelta(hours=23)])
def test_two_readings_of_one_expiry_are_no_move(apart: timedelta) -> None:
    assert _settle(_tagged(), seen=subscription(expires_at=EXPIRY + apart)).reason == "awaiting_expiry"


@pytest.mark.parametrize("expires_at", [unreported("expires_at"), unreadable("expires_at")])
def test_an_expiry_that_nobody_tells_renews_nothing_and_hides_no_order(expires_at: Any) -> None:
    silent = subscription(expires_at=expires_at)
    settlement = _settle(_tagged(), seen=silent)
    assert (settlement.status, settlement.reason) == (IntentStatus.ACCEPTED, "awaiting_expiry")
    assert "declare the new expires_at" in settlement.message
    assert _settle(seen=silent).status == IntentStatus.ABSENT


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param((EXPIRY, utc(2027, 1, 5)), "awaiting_expiry", id="neither-has-moved"),
        pytest.param((EXPIRY, utc(2027, 12, 5)), "awaiting_expiry", id="the-other-is-a-cycle-later"),
        pytest.param((utc(2027, 12, 5), utc(2027, 1, 5)), "expiry_moved", id="one-has-moved"),
        pytest.param((utc(2027, 12, 5), utc(2028, 12, 5)), "expiry_moved", id="both-have-moved"),
        pytest.param((utc(2028, 12, 5), utc(2027, 1, 5)), "awaiting_expiry", id="one-has-moved-otherwise"),
        pytest.param((), "awaiting_expiry", id="none-can-be-read"),
    ],
)
def test_of_expiries_that_disagree_the_one_that_was_renewed_counts(seen: tuple[datetime, ...], reason: str) -> None:
    two = Undetermined("expires_at", "expires_at: they disagree", True, seen)
    settlement = _settle(_tagged(), seen=subscription(expires_at=two))
    assert settlement.reason == reason
    assert settlement.expires_after == (utc(2027, 12, 5) if reason == "expiry_moved" else None)


# --- a list that is not whole -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=400)])
def test_a_list_that_is_not_whole_frees_no_order_however_late_and_says_what_to_do(
    status: str, later: timedelta
) -> None:
    times = replace(_at(LATER + later, LATER + later), gap="it names 9 rows and gives 8")
    settlement = _settle(of=intent(status=status), times=times)
    assert (settlement.status, settlement.reason) == (IntentStatus.UNKNOWN, "waiting")
    for said in ("it names 9 rows and gives 8", "look in the portal", "yeastar_pce_ledger", "not_ordered"):
        assert said.casefold() in settlement.message.casefold()


def test_what_a_list_shows_counts_though_it_is_not_whole() -> None:
    times = replace(_at(LATER, LATER), gap="it names 9 rows and gives 8")
    assert _settle(_tagged(), times=times).status == IntentStatus.ACCEPTED
    assert _settle(_tagged(status="cancelled"), times=times).status == IntentStatus.DEAD
    assert _settle(seen=subscription(expires_at=utc(2027, 12, 5)), times=times).status == IntentStatus.RENEWED


def test_a_dead_order_that_looks_like_ours_is_not_it_while_others_may_not_be_shown() -> None:
    dead = order(created_at=NOW + SECOND, status="cancelled", is_renewal=True, lines=renewal_lines(), po_number=None)
    whole = _at(LATER, LATER)
    assert _settle(dead, times=whole).status == IntentStatus.DEAD
    assert _settle(dead, times=replace(whole, gap="it names 9 rows and gives 8")).status == IntentStatus.UNKNOWN


# --- no order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN])
@pytest.mark.parametrize(
    ("now", "portal", "expected"),
    [
        (LATER, LATER, IntentStatus.ABSENT),
        (LATER, None, IntentStatus.ABSENT),
        (LATER - SECOND, None, IntentStatus.UNKNOWN),
        (LATER - SECOND, LATER, IntentStatus.UNKNOWN),
        (LATER, LATER - SECOND, IntentStatus.UNKNOWN),
        (NOW, NOW, IntentStatus.UNKNOWN),
        (NOW - timedelta(hours=5), LATER, IntentStatus.UNKNOWN),
        (utc(2030, 1, 1), NOW, IntentStatus.UNKNOWN),
    ],
    ids=[
        "both are over",
        "the only one is over",
        "the only one is not",
        "the controller's is not",
        "the portal's is not",
        "just now",
        "the controller's was set back",
        "the controller's was set ahead",
    ],
)
def test_without_an_order_it_is_absent_once_both_clocks_say_that_the_window_is_over(
    status: str, now: datetime, portal: Optional[datetime], expected: str
) -> None:
    settlement = _settle(of=intent(status=status), times=_at(now, portal))
    assert (settlement.status, settlement.reason) == (expected, "waiting")


def test_a_portal_that_told_no_time_with_the_intent_is_held_against_the_controllers_clock() -> None:
    undated = intent(portal_uncertain_since=None)
    assert _settle(of=undated, times=_at(LATER, LATER)).status == IntentStatus.ABSENT
    assert _settle(of=undated, times=_at(LATER, LATER - SECOND)).status == IntentStatus.UNKNOWN


@pytest.mark.faults(62, 74)
def test_a_list_that_a_cache_kept_from_before_the_window_was_over_proves_no_absence() -> None:
    assert _settle(times=_at(utc(2026, 12, 1), LATER - SECOND)).status == IntentStatus.UNKNOWN


def test_who_waits_is_told_until_when_and_to_look_in_the_portal() -> None:
    message = _settle(times=_at(NOW + SECOND)).message
    assert "2026-11-23T00:15:00Z" in message and "look in the portal" in message


# --- an order that is certainly its own -------------------------------------------------------------------------------


@pytest.mark.faults(65)
@pytest.mark.parametrize("times", [_at(NOW, NOW), _at(LATER, LATER)], ids=["within the window", "after it"])
@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN, IntentStatus.ACCEPTED])
@pytest.mark.parametrize(
    ("word", "expected", "reason"),
    [
        ("succeed", IntentStatus.ACCEPTED, "awaiting_expiry"),
        ("pending", IntentStatus.ACCEPTED, "unpaid"),
        ("confirming", IntentStatus.ACCEPTED, "pending_confirmation"),
        ("a new word", IntentStatus.ACCEPTED, "pending_confirmation"),
        ("", IntentStatus.ACCEPTED, "pending_confirmation"),
        ("failed", IntentStatus.DEAD, "rejected"),
        ("invalid", IntentStatus.DEAD, "rejected"),
        ("cancelled", IntentStatus.DEAD, "rejected"),
        ("refunded", IntentStatus.DEAD, "rejected"),
    ],
)
def test_the_tagged_order_is_adopted_with_its_status(
    word: str, expected: str, reason: str, status: str, times: Times
) -> None:
    settlement = _settle(_tagged(status=word), of=intent(status=status), times=times)
    assert (settlement.status, settlement.reason) == (expected, reason)
    assert settlement.order is not None and settlement.order.order_no == "BN77" and "BN77" in settlement.message


@pytest.mark.parametrize("created_at", [None, NOW - timedelta(days=300)])
def test_a_tag_counts_whenever_its_order_is_dated(created_at: Optional[datetime]) -> None:
    assert _settle(_tagged(created_at=created_at)).status == IntentStatus.ACCEPTED


def test_a_recorded_order_is_followed_by_its_number_whatever_else_the_list_says_of_it() -> None:
    known = intent(status=IntentStatus.ACCEPTED, order_no="BN77", transaction_no="QO1")
    settlement = _settle(order(po_number="renamed", created_at=NOW - timedelta(days=9), status="cancelled"), of=known)
    assert settlement.status == IntentStatus.DEAD
    assert settlement.order is not None and settlement.order.transaction_no == "QO1"


@pytest.mark.faults(62)
@pytest.mark.parametrize("word", [None, "succeed", "pending"])
def test_a_recorded_order_that_the_list_does_not_show_is_not_absent(word: Optional[str]) -> None:
    known = intent(status=IntentStatus.ACCEPTED, order_no="BN9", order_status=word)
    settlement = _settle(order(status="failed", created_at=NOW + SECOND), of=known, times=_at(utc(2030, 1, 1)))
    assert settlement.status == IntentStatus.ACCEPTED
    assert settlement.order is not None and settlement.order.order_no == "BN9"


def test_an_accepted_intent_without_a_number_stays_accepted_when_the_list_does_not_show_its_order() -> None:
    settlement = _settle(of=intent(status=IntentStatus.ACCEPTED))
    assert (settlement.status, settlement.reason) == (IntentStatus.ACCEPTED, "awaiting_expiry")
    assert "look there" in settlement.message


# --- an order that may be its own -------------------------------------------------------------------------------------


@pytest.mark.parametrize("po_number", [None, "PO-1", "a remark"])
@pytest.mark.parametrize("word", ["succeed", "pending", "a new word"])
def test_a_living_renewal_with_the_same_lines_that_is_no_older_is_adopted(word: str, po_number: Optional[str]) -> None:
    settlement = _settle(_untagged(status=word, po_number=po_number))
    assert settlement.status == IntentStatus.ACCEPTED
    assert settlement.order is not None and settlement.order.order_no == "BN77"


@pytest.mark.parametrize(
    "changes",
    [
        {"is_renewal": False},
        {"is_renewal": False, "lines": None},
        {"lines": renewal_lines(id="1")},
        {"lines": renewal_lines(billing_cycle="monthly")},
        {"is_renewal": None, "lines": (*renewal_lines(), OrderLine("1"))},
        {"po_number": "RN20251205-0123abcd"},
    ],
    ids=["kind", "kind alone", "plan", "cycle", "one line more", "our tag for another expiry"],
)
def test_an_order_of_another_kind_or_with_other_lines_is_never_taken_for_its_own(changes: dict[str, Any]) -> None:
    stranger = _untagged(**changes)
    assert _settle(stranger).status == IntentStatus.ABSENT
    assert _settle(stranger, times=_at(NOW, NOW)).status == IntentStatus.UNKNOWN
    accepted = _settle(stranger, of=intent(status=IntentStatus.ACCEPTED))
    assert accepted.status == IntentStatus.ACCEPTED and accepted.order is None


@pytest.mark.faults(72)
@pytest.mark.parametrize(
    "changes",
    [
        {"is_renewal": None},
        {"lines": None},
        {"is_renewal": None, "lines": None},
        {"lines": renewal_lines()[:1]},
        {"lines": renewal_lines(quantity=1)},
    ],
    ids=["no kind", "no lines", "neither", "the plan alone", "another quantity"],
)
@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN])
def test_an_order_that_does_not_show_enough_keeps_the_intent_open_until_a_person_says(
    status: str, changes: dict[str, Any]
) -> None:
    years_later = _at(utc(2030, 1, 1), utc(2030, 1, 1))
    settlement = _settle(_untagged(**changes), of=intent(status=status), times=years_later)
    assert (settlement.status, settlement.reason, settlement.order) == (IntentStatus.UNKNOWN, "waiting", None)
    assert "BN77" in settlement.message and "yeastar_pce_ledger" in settlement.message


@pytest.mark.parametrize("status", [IntentStatus.INTENDED, IntentStatus.UNKNOWN])
@pytest.mark.parametrize("changes", [{"is_renewal": None}, {"lines": None}], ids=["no kind", "no lines"])
def test_a_dead_order_that_does_not_show_enough_is_named_and_never_called_absent(
    status: str, changes: dict[str, Any]
) -> None:
    dead = _untagged(**changes, status="invalid")
    settlement = _settle(dead, of=intent(status=status), times=_at(LATER, LATER))
    assert (settlement.status, settlement.reason, settlement.order) == (IntentStatus.DEAD, "rejected", None)
    assert "BN77" in settlement.message and "next run may order" in settlement.message
    for times in (_at(NOW, NOW), replace(_at(LATER, LATER), gap="rows are missing")):
        assert _settle(dead, of=intent(status=status), times=times).status == IntentStatus.UNKNOWN


@pytest.mark.parametrize("shown", [{}, {"is_renewal": None, "lines": None}], ids=["agreeing", "not shown"])
@pytest.mark.parametrize("created_at", [None, NOW + SECOND], ids=["undated", "later"])
def test_an_order_that_the_list_showed_before_the_intent_is_not_its_own(
    created_at: Optional[datetime], shown: dict[str, Any]
) -> None:
    known = intent(orders_before="BN1\nBN77")
    assert _settle(_untagged(created_at=created_at, **shown), of=known).status == IntentStatus.ABSENT


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        (NOW - timedelta(minutes=10), IntentStatus.ACCEPTED),
        (NOW - timedelta(days=200), IntentStatus.ACCEPTED),
        (utc(2025, 12, 5, 0, 0, 1), IntentStatus.ACCEPTED),
        (utc(2025, 12, 5), IntentStatus.ABSENT),
    ],
    ids=["ten minutes", "200 days", "just in the current term", "what opened the term"],
)
def test_an_order_of_this_term_that_the_list_did_not_show_before_counts_as_later_whatever_its_date(
    created_at: datetime, expected: str
) -> None:
    assert _settle(_untagged(created_at=created_at), of=intent(orders_before="")).status == expected


@pytest.mark.parametrize(
    ("portal_since", "age", "expected"),
    [
        (NOW, timedelta(0), IntentStatus.ACCEPTED),
        (NOW, timedelta(minutes=5), IntentStatus.ACCEPTED),
        (NOW, timedelta(minutes=5, seconds=1), IntentStatus.ABSENT),
        (NOW + timedelta(hours=1), -timedelta(minutes=55), IntentStatus.ACCEPTED),
        (NOW + timedelta(hours=1), -timedelta(minutes=54), IntentStatus.ABSENT),
        (None, timedelta(hours=12), IntentStatus.ACCEPTED),
        (None, timedelta(hours=12, seconds=1), IntentStatus.ABSENT),
    ],
    ids=["same", "five minutes", "more", "by the portal's clock", "older by it", "12 h unknown skew", "more than 12 h"],
)
def test_an_order_is_its_own_only_if_it_is_no_older_by_the_clock_that_dates_orders(
    portal_since: Optional[datetime], age: timedelta, expected: str
) -> None:
    settlement = _settle(
        _untagged(created_at=NOW - age, status="succeed"),
        of=intent(portal_uncertain_since=portal_since),
        times=_at(LATER + timedelta(hours=1), LATER + timedelta(hours=1)),
    )
    assert settlement.status == expected


def test_an_order_without_a_date_may_be_its_own() -> None:
    assert _settle(_untagged(created_at=None)).status == IntentStatus.ACCEPTED


@pytest.mark.parametrize("word", sorted(DEAD_STATUSES))
def test_a_dead_order_that_may_be_another_settles_nothing_within_the_window(word: str) -> None:
    assert _settle(_untagged(status=word), times=_at(NOW, NOW)).status == IntentStatus.UNKNOWN
    assert _settle(_untagged(status=word)).status == IntentStatus.DEAD


@pytest.mark.parametrize("created_at", [None, NOW, NOW - timedelta(hours=11)])
def test_a_dead_order_with_the_operators_own_number_may_be_an_earlier_attempt(created_at: Optional[datetime]) -> None:
    again = intent(po_number="PO-1", generation=2, portal_uncertain_since=None)
    dead = order(po_number="PO-1", status="cancelled", created_at=created_at)
    assert _settle(dead, of=again, times=_at(NOW)).status == IntentStatus.UNKNOWN


def test_a_living_order_counts_more_than_a_dead_one() -> None:
    dead, living = _untagged(status="failed"), _untagged(order_no="BN78", status="pending")
    settlement = _settle(dead, living)
    assert settlement.status == IntentStatus.ACCEPTED
    assert settlement.order is not None and settlement.order.order_no == "BN78"


def test_an_open_order_counts_more_than_a_done_one() -> None:
    settlement = _settle(_untagged(), _untagged(order_no="BN78", status="pending"))
    assert settlement.order is not None and settlement.order.order_no == "BN78"


# --- what is wrong at the portal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [subscription(), subscription(expires_at=utc(2027, 12, 5))], ids=["still", "moved"])
@pytest.mark.parametrize("words", [("succeed", "succeed"), ("pending", "succeed"), ("a new word", "")])
def test_two_living_orders_with_the_tag_are_a_duplicate_and_both_are_named(
    words: tuple[str, str], seen: Subscription
) -> None:
    twins = [_tagged(status=words[0]), _tagged(order_no="BN78", status=words[1])]
    settlement = _settle(*twins, seen=seen, of=intent(status=IntentStatus.RENEWED))
    assert (settlement.status, settlement.reason) == (IntentStatus.ACCEPTED, "duplicate_detected")
    assert "BN77" in settlement.message and "BN78" in settlement.message


def test_a_late_order_of_an_earlier_generation_is_a_duplicate() -> None:
    first = _tagged(order_no="BN76", created_at=NOW - timedelta(hours=1))
    second = _tagged(po_number=f"{TAG}.2")
    settlement = _settle(first, second, of=intent(generation=2, po_number=f"{TAG}.2", status=IntentStatus.ACCEPTED))
    assert settlement.reason == "duplicate_detected" and "BN76" in settlement.message


def test_the_dead_order_of_an_earlier_generation_is_none() -> None:
    first = _tagged(order_no="BN76", status="cancelled")
    again = intent(generation=2, po_number=f"{TAG}.2", status=IntentStatus.UNKNOWN)
    assert _settle(first, _tagged(po_number=f"{TAG}.2"), of=again).reason == "awaiting_expiry"
    assert _settle(first, of=again, times=_at(NOW, NOW)).status == IntentStatus.UNKNOWN


def test_the_order_of_an_earlier_term_is_no_duplicate() -> None:
    last_year = order(po_number="RN20251205-0123abcd", created_at=utc(2025, 11, 20), order_no="BN1")
    assert _settle(last_year, _tagged()).reason == "awaiting_expiry"


def test_one_living_and_one_dead_order_with_the_tag_are_no_duplicate() -> None:
    settlement = _settle(_tagged(status="failed"), _tagged(order_no="BN78"))
    assert (settlement.status, settlement.reason) == (IntentStatus.ACCEPTED, "awaiting_expiry")


@pytest.mark.faults(61)
def test_the_tag_on_the_order_of_another_pbx_is_not_verified() -> None:
    stray = _tagged(product_no="OTHER")
    settlement = _settle(strays=[stray], seen=subscription(expires_at=utc(2027, 12, 5)))
    assert (settlement.status, settlement.reason) == (IntentStatus.INTENDED, "verification_failed")
    assert "OTHER" in settlement.message and "BN77" in settlement.message


def test_the_operators_own_number_on_the_order_of_another_pbx_is_nothing_strange() -> None:
    own = intent(po_number="PO-1")
    stray = order(po_number="PO-1", product_no="OTHER", created_at=NOW)
    assert _settle(strays=[stray], of=own).status == IntentStatus.ABSENT


# --- an intent that was renewed and whose expiry came back ------------------------------------------------------------


@pytest.mark.parametrize("orders", [[], [order(status="cancelled", created_at=NOW + SECOND)]], ids=["none", "dead"])
def test_a_persons_word_that_it_was_ordered_stands_until_its_own_order_is_dead(orders: list[Order]) -> None:
    said = intent(status=IntentStatus.RENEWED, note="settled by hand: invoice 7")
    settlement = _settle(*orders, of=said, times=_at(utc(2026, 12, 1)))
    assert (settlement.status, settlement.reason) == (IntentStatus.RENEWED, "awaiting_expiry")
    assert "invoice 7" in settlement.message


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("succeed", IntentStatus.RENEWED, "awaiting_expiry"),
        ("pending", IntentStatus.RENEWED, "unpaid"),
        ("refunded", IntentStatus.DEAD, "rejected"),
    ],
)
def test_a_renewal_whose_expiry_came_back_follows_its_order(word: str, status: str, reason: str) -> None:
    settlement = _settle(order(status=word), of=intent(status=IntentStatus.RENEWED, order_no="BN77"))
    assert (settlement.status, settlement.reason) == (status, reason)


@pytest.mark.parametrize(("now", "is_past"), [(utc(2027, 12, 4), False), (utc(2027, 12, 5), True)])
def test_a_renewal_up_to_a_day_that_is_past_says_so(now: datetime, is_past: bool) -> None:
    settlement = _settle(_tagged(), seen=subscription(expires_at=utc(2027, 12, 5)), times=_at(now))
    assert settlement.status == IntentStatus.RENEWED
    assert ("which is past as well: renew it again" in settlement.message) == is_past


# --- what only a person can find out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("moved_to", [EXPIRY, utc(2027, 12, 5)], ids=["pending", "renewed"])
@pytest.mark.parametrize("own", [_tagged(), _untagged()], ids=["with its number", "without"])
def test_an_order_without_a_number_beside_the_own_one_may_be_a_second_charge(own: Order, moved_to: datetime) -> None:
    settlement = _settle(own, _untagged(order_no="BN78"), seen=subscription(expires_at=moved_to))
    assert settlement.status in (IntentStatus.ACCEPTED, IntentStatus.RENEWED)
    assert settlement.doubt is not None and "BN77" in settlement.doubt and "BN78" in settlement.doubt


@pytest.mark.parametrize(
    "other",
    [
        {"order_no": "BN78", "status": "cancelled"},
        {"order_no": "BN78", "po_number": "expansion"},
        {"order_no": "BN78", "created_at": None},
        {"order_no": "BN78", "created_at": NOW - timedelta(days=30)},
    ],
    ids=["dead", "another number", "no date", "older"],
)
def test_what_cannot_be_a_copy_raises_no_doubt(other: dict[str, Any]) -> None:
    assert _settle(_tagged(), _untagged(**other), seen=subscription(expires_at=utc(2027, 12, 5))).doubt is None


def test_without_an_order_of_the_intents_there_is_nothing_to_be_a_copy_of() -> None:
    assert _settle().doubt is None
    assert _settle(_untagged(status="failed")).doubt is None


@pytest.mark.parametrize(
    ("term_starts", "has_order", "reason"),
    [
        ("order", True, "expiry_moved"),
        ("order", False, "verification_failed"),
        ("expiry", True, "verification_failed"),
        ("expiry", False, "verification_failed"),
    ],
)
def test_a_term_from_the_order_counts_only_where_that_is_said_and_the_order_is_there(
    term_starts: str, has_order: bool, reason: str
) -> None:
    seen = subscription(expires_at=add_cycles(intent().uncertain_since, "annually"))
    orders = [_tagged(status="succeed")] if has_order else []
    settlement = _settle(*orders, seen=seen, term_starts=term_starts)
    assert settlement.reason == reason
    advises = has_order and term_starts == "expiry"
    assert ("set term_starts: order" in settlement.message) is advises
    assert ("the new term counts from the order" in settlement.message) is advises
