# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The read model of a report: what is not known stays unknown, and every format finds the same there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import format_instant
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report import BANDS, LONGEST_TEXT, cleaned, read_model

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
UNDETERMINED = {"expires_at": "expires_at: none of expireDate, endTime is there"}


def ahead(**span: float) -> str:
    return format_instant(NOW + timedelta(**span))


def seen(product_no: str, expires_at: Optional[str], **changes: Any) -> dict[str, Any]:
    """A subscription as `yeastar_pce_info` returns it."""
    return {
        "product_no": product_no,
        "expires_at": expires_at,
        "plan": "Enterprise Plan",
        "services": [],
        "quantity": 10,
        "billing_cycle": "annually",
        "auto_renewal": False,
        "pending_plan": None,
        "activation_status": "activated",
        "comment": "",
        "undetermined": {} if expires_at else UNDETERMINED,
        **changes,
    }


def decided(product_no: str, state: str, reason: str, **changes: Any) -> dict[str, Any]:
    """A row of `results` as `yeastar_pce_plan` returns it."""
    return {
        "product_no": product_no,
        "state": state,
        "reason": reason,
        "message": f"because of {reason}",
        "expires_before": ahead(days=5),
        "expires_after": None,
        "plan": "Enterprise Plan",
        "services": [],
        "quantity": 10,
        "billing_cycle": "annually",
        "price": None,
        "order": None,
        **changes,
    }


def due(product_no: str, amount: Optional[str] = "12.50", currency: str = "USD", **changes: Any) -> dict[str, Any]:
    price = None if amount is None else {"amount": amount, "currency": currency}
    return decided(product_no, "due", "in_window", **{"expires_after": ahead(days=370), "price": price, **changes})


def item(product_no: str, **changes: Any) -> dict[str, Any]:
    """An item of a saved plan."""
    return {
        "product_no": product_no,
        "reason": "in_window",
        "expires_before": ahead(days=5),
        "expires_after": ahead(days=370),
        "plan": {"id": "1", "name": "Enterprise Plan"},
        "services": [{"id": "2", "name": None}],
        "quantity": 10,
        "billing_cycle": "annually",
        "billing_contact_id": "3",
        "po_number": "PO-1",
        "price": {"amount": "99.00", "currency": "USD"},
        **changes,
    }


def plan(*items: dict[str, Any], valid_until: str = ahead(hours=1)) -> dict[str, Any]:
    head = {"portal": "https://portal.example.com", "account": "fingerprint", "created": ahead(hours=-1)}
    return {
        **head,
        "digest": "d",
        "valid_until": valid_until,
        "has_changes": True,
        "policy": {},
        "items": list(items),
    }


def model(*subscriptions: dict[str, Any], **parts: Any) -> dict[str, Any]:
    arguments = {"results": None, "prices": [], "plan": None, "now": NOW, **parts}
    return read_model(subscriptions, **arguments)


def row(*subscriptions: dict[str, Any], **parts: Any) -> dict[str, Any]:
    (only,) = model(*subscriptions, **parts)["rows"]
    assert isinstance(only, dict)
    return only


def costs(found: dict[str, Any]) -> list[tuple[str, int, dict[str, str], int]]:
    """The months in which anything is to be renewed."""
    return [(m["month"], m["renewals"], m["totals"], m["unknown_prices"]) for m in found["months"] if m["renewals"]]


# expiry


@pytest.mark.parametrize(
    ("span", "band", "days_left"),
    [
        ({"seconds": 0}, "expired", 0),
        ({"seconds": -1}, "expired", -1),
        ({"seconds": 1}, "within_7", 0),
        ({"days": 7}, "within_7", 7),
        ({"days": 7, "seconds": 1}, "within_14", 7),
        ({"days": 14}, "within_14", 14),
        ({"days": 30}, "within_30", 30),
        ({"days": 30, "seconds": 1}, "later", 30),
    ],
)
def test_a_window_ends_with_its_last_second(span: dict[str, float], band: str, days_left: int) -> None:
    found = row(seen("A", ahead(**span)))
    assert (found["band"], found["days_left"]) == (band, days_left)


def test_what_is_not_known_comes_first_and_is_none_and_never_zero() -> None:
    unknown = seen("Z", None, plan=None, services=None, quantity=None, billing_cycle=None, auto_renewal=None)
    found = model(seen("B", ahead(days=-3)), unknown, seen("A", ahead(days=3)))
    assert [one["product_no"] for one in found["rows"]] == ["Z", "B", "A"]
    first = found["rows"][0]
    names = ("expires_at", "not_after", "days_left", "plan", "services", "quantity", "billing_cycle", "price", "state")
    assert {name: first[name] for name in names} == dict.fromkeys(names)
    assert first["trouble"] == UNDETERMINED["expires_at"]
    assert found["bands"] == {band: int(band in ("unknown", "expired", "within_7")) for band in BANDS}


# decision


def test_a_decision_is_joined_to_its_pbx_and_nothing_decided_is_no_state() -> None:
    subscriptions = [seen("A", ahead(days=5), comment="Head office"), seen("B", ahead(days=90))]
    undecided = model(*subscriptions)
    assert [one["state"] for one in undecided["rows"]] == [None, None]
    assert (undecided["is_decided"], undecided["states"], undecided["due"]) == (False, {}, [])
    found = model(*subscriptions, results=[due("A"), decided("B", "current", "enough_time")])
    assert found["is_decided"] and found["states"] == {"due": 1, "current": 1}
    first = found["rows"][0]
    assert (first["comment"], first["state"], first["reason"]) == ("Head office", "due", "in_window")
    assert first["price"] == {"amount": "12.50", "currency": "USD"} and first["expires_after"] == ahead(days=370)
    assert [one["product_no"] for one in found["due"]] == ["A"]


@pytest.mark.parametrize("state", ["blocked", "failed", "unknown", "not_attempted"])
def test_what_fails_a_task_needs_a_person(state: str) -> None:
    found = model(seen("A", ahead(days=5)), seen("B", ahead(days=5)), results=[decided("A", state, "why"), due("B")])
    assert [(one["product_no"], one["trouble"]) for one in found["attention"]] == [("A", "because of why")]


def test_what_has_expired_needs_a_person_whether_it_was_decided_about_or_not() -> None:
    assert row(seen("A", ahead(days=-3)))["trouble"] == f"it has expired on {ahead(days=-3)}"
    assert row(seen("A", ahead(days=-3)), results=[due("A")])["trouble"] == "because of in_window"


def test_a_pbx_that_has_left_the_account_in_between_is_shown_as_what_was_decided() -> None:
    missing = decided("A", "failed", "not_found", expires_before=None, plan=None, services=None, quantity=None)
    found = row(results=[missing])
    assert (found["band"], found["state"], found["trouble"]) == ("unknown", "failed", "because of not_found")


# saved plan


def test_a_saved_plan_says_what_is_ordered_and_until_when_it_is_valid() -> None:
    found = model(seen("A", ahead(days=5)), seen("B", ahead(days=9)), plan=plan(item("A"), item("B", price=None)))
    assert found["plan"]["digest"] == "d" and found["plan"]["is_valid"] is True
    assert found["totals"] == {"USD": "99.00"} and found["unknown_prices"] == 1
    assert found["due"][0] == {
        "product_no": "A",
        "reason": "in_window",
        "expires_before": ahead(days=5),
        "expires_after": ahead(days=370),
        "plan": "Enterprise Plan",
        "services": ["id 2"],
        "quantity": 10,
        "billing_cycle": "annually",
        "price": {"amount": "99.00", "currency": "USD"},
        "auto_renewal": None,
        "days_lost": None,
    }
    first, second = found["rows"]
    assert (first["state"], first["message"]) == ("due", "in the plan")
    assert "plan again" in second["message"], "it expires at another instant than the plan says"
    assert model(plan=plan(valid_until=ahead(seconds=-1)))["plan"]["is_valid"] is False


@pytest.mark.parametrize(
    ("state", "reason", "expected", "trouble"),
    [
        (
            "due",
            "in_window",
            ("not_attempted", "not_in_plan", None),
            "not part of the plan, so nothing is bought: because of in_window; plan again",
        ),
        ("blocked", "contradiction", ("blocked", "contradiction", None), "because of contradiction"),
        ("unknown", "waiting", ("unknown", "waiting", None), "because of waiting"),
        ("pending", "unpaid", ("pending", "unpaid", None), None),
        ("current", "enough_time", ("current", "enough_time", None), None),
    ],
)
def test_what_is_not_in_the_plan_is_never_shown_as_bought(
    state: str, reason: str, expected: tuple[Any, ...], trouble: Optional[str]
) -> None:
    result = due("B") if state == "due" else decided("B", state, reason)
    found = model(seen("A", ahead(days=5)), seen("B", ahead(days=5)), results=[due("A"), result], plan=plan(item("A")))
    first, second = found["rows"]
    assert (first["state"], first["message"], first["trouble"]) == ("due", "in the plan", None)
    assert (second["state"], second["reason"], second["expires_after"]) == expected and second["trouble"] == trouble
    assert [one["product_no"] for one in found["due"]] == ["A"] and found["totals"] == {"USD": "99.00"}


@pytest.mark.parametrize(
    ("expires_at", "result", "state", "trouble"),
    [
        (ahead(days=5, hours=23), None, "due", None),
        (
            ahead(days=6),
            due("A"),
            "blocked",
            f"the plan was made when it expired {ahead(days=5)}; plan again",
        ),
        (ahead(days=5), decided("A", "blocked", "recent_order"), "blocked", "because of recent_order"),
        (ahead(days=5), decided("A", "pending", "unpaid"), "pending", None),
    ],
)
def test_an_item_is_shown_as_a_run_would_take_it(
    expires_at: str, result: Optional[dict[str, Any]], state: str, trouble: Optional[str]
) -> None:
    found = row(seen("A", expires_at), results=None if result is None else [result], plan=plan(item("A")))
    assert (found["state"], found["trouble"]) == (state, trouble)


def test_an_item_of_a_pbx_that_the_account_does_not_have_is_shown_as_that() -> None:
    found = row(plan=plan(item("A")))
    assert (found["band"], found["expires_at"], found["state"]) == ("unknown", None, "failed")
    assert found["trouble"] == "in the plan, but not among the PBXs of this account"


# costs


def test_sums_are_exact_and_by_currency_and_count_the_unknown_apart() -> None:
    results = [due("A", "0.10"), due("B", "0.20"), due("C", "5", "EUR"), due("D", None)]
    found = model(*(seen(number, ahead(days=5)) for number in "ABCD"), results=results)
    assert found["totals"] == {"EUR": "5", "USD": "0.30"} and found["unknown_prices"] == 1
    assert costs(found) == [("2026-11", 4, {"EUR": "5", "USD": "0.30"}, 1)]
    assert found["currencies"] == ["EUR", "USD"]


def test_a_monthly_renewal_comes_back_every_month_and_an_annual_one_does_not() -> None:
    monthly = seen("M", ahead(days=60), billing_cycle="monthly")
    found = model(monthly, seen("A", ahead(days=60)), prices=[due("M", "1.50"), due("A", "20.00")])
    assert costs(found)[0] == ("2027-01", 2, {"USD": "21.50"}, 0)
    assert costs(found)[1:] == [(f"2027-{number:02}", 1, {"USD": "1.50"}, 0) for number in range(2, 11)]
    assert [one["state"] for one in found["rows"]] == [None, None], "of further results only the prices count"


@pytest.mark.parametrize(
    ("subscription", "result", "expected"),
    [
        pytest.param(seen("A", ahead(days=-3)), None, [], id="expired and left alone"),
        pytest.param(
            seen("A", ahead(days=-40)),
            due("A"),
            [("2026-11", 1, {"USD": "12.50"}, 0), ("2027-10", 1, {"USD": "12.50"}, 0)],
            id="expired and to be renewed, now and a year after it has expired",
        ),
        pytest.param(seen("A", ahead(days=5)), decided("A", "pending", "unpaid"), [], id="ordered already, for a year"),
        pytest.param(seen("A", None), None, [], id="unknown expiry"),
        pytest.param(seen("A", ahead(days=400)), None, [], id="beyond a year"),
        pytest.param(
            seen("A", ahead(days=5), billing_cycle=None), None, [("2026-11", 1, {}, 1)], id="unknown cycle: once"
        ),
    ],
)
def test_a_month_counts_the_renewals_that_are_known_to_fall_into_it(
    subscription: dict[str, Any], result: Optional[dict[str, Any]], expected: list[Any]
) -> None:
    assert costs(model(subscription, results=None if result is None else [result])) == expected


@pytest.mark.parametrize(
    ("row_says", "asked", "shown"),
    [(False, None, False), (None, False, False), (None, True, True), (False, True, True), (None, None, None)],
)
def test_auto_renewal_is_what_was_asked_or_else_what_the_row_says(row_says: Any, asked: Any, shown: Any) -> None:
    subscription = seen("A", ahead(days=5), auto_renewal=row_says)
    assert row(subscription, results=[due("A", auto_renewal=asked)])["auto_renewal"] is shown
    assert row(subscription, plan=plan(item("A", auto_renewal=asked)))["auto_renewal"] is shown


def test_what_would_be_ordered_without_knowing_whether_the_portal_renews_it_is_counted() -> None:
    subscriptions = [seen(number, ahead(days=5), auto_renewal=None) for number in "ABC"]
    results = [due("A", auto_renewal=None), due("B", auto_renewal=False), decided("C", "blocked", "expired")]
    assert model(*subscriptions, results=results)["unknown_auto_renewals"] == 1
    old_plan = plan(item("A"), item("B", auto_renewal=False), item("C", auto_renewal=None))
    assert model(*subscriptions, plan=old_plan)["unknown_auto_renewals"] == 2


def test_what_is_ordered_for_this_month_is_to_be_renewed_the_next() -> None:
    pending = decided("A", "pending", "unpaid", billing_cycle="monthly")
    found = model(seen("A", ahead(days=5), billing_cycle="monthly"), results=[pending])
    assert costs(found)[0] == ("2026-12", 1, {}, 1)


def test_an_expired_monthly_pbx_is_renewed_once_a_month_from_now() -> None:
    found = model(seen("A", ahead(days=-70), billing_cycle="monthly"), results=[due("A", billing_cycle="monthly")])
    assert [renewals for dummy, renewals, totals, unknown in costs(found)] == [1] * 12


def test_the_timeline_has_what_expires_within_twelve_months_and_counts_the_rest() -> None:
    expiries = {"A": -60, "B": -2, "C": 3, "D": 4, "E": 300, "F": 400}
    found = model(seen("U", None), *(seen(number, ahead(days=days)) for number, days in expiries.items()))
    bins = [(one["week"], one["count"], one["band"]) for one in found["timeline"] if one["count"]]
    assert bins == [(2, 1, "expired"), (3, 2, "within_7"), (42, 1, "later")]
    assert (found["before_timeline"], found["after_timeline"]) == (1, 1)
    assert len(found["timeline"]) == 48


# text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Head office", "Head office"),
        ("two\r\nlines\tand\u2028more ", "two lines and more"),
        ("bell \x07, escape \x1b[31m, delete \x7f", "bell \ufffd, escape \ufffd[31m, delete \ufffd"),
        (
            "half a character \ud800, none \uffff, reversed \u202egnp",
            "half a character \ufffd, none \ufffd, reversed \ufffdgnp",
        ),
        ("ümläut 電話 📞", "ümläut 電話 📞"),
        ("x" * (LONGEST_TEXT + 1), "x" * (LONGEST_TEXT - 1) + "…"),
    ],
)
def test_text_is_one_line_that_every_format_may_hold(text: str, shown: str) -> None:
    assert cleaned({"key": [text, 5, None]}) == {"key": [shown, 5, None]}
    assert row(seen("A", None, comment=text, plan=text))["comment"] == shown


def test_instants_are_those_of_the_report() -> None:
    found = model()
    assert (found["now"], found["timestamp"]) == ("2026-11-23T12:00:00Z", 1795435200)
    assert (
        found["rows"] == [] and found["months"][0]["month"] == "2026-11" and found["months"][-1]["month"] == "2027-10"
    )


@pytest.mark.parametrize(
    "edit", [{"quantity": "1<img src=x>"}, {"expires_before": "<b>soon</b>"}, {"expires_after": "2027-13-01"}]
)
def test_an_item_of_a_plan_holds_no_text_where_a_number_or_an_instant_belongs(edit: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|month must be"):
        model(plan=plan({**item("A"), **edit}))
