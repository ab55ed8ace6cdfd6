# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import FrozenInstanceError
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer, same_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import known, portable
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    ENTERPRISE,
    policy,
    silent_subscription,
    subscription,
    unreadable,
    unreported,
    utc,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("3048571730026938368", True, id="id"),
        pytest.param(" 3048571730026938368 ", True, id="id-with-blanks"),
        pytest.param("enterprise PLAN", True, id="name-in-any-case"),
        pytest.param("Enterprise", False, id="part-of-the-name"),
        pytest.param("3048571730026938369", False, id="neighbouring-id"),
        pytest.param("3.048571730026938e18", False, id="rounded-id"),
        pytest.param("", False, id="empty"),
    ],
)
def test_an_offer_is_called_by_its_id_or_its_name(text: str, expected: bool) -> None:
    assert ENTERPRISE.is_called(text) is expected


def test_an_offer_without_a_name_is_not_called_by_the_word_none() -> None:
    assert not Offer("5", None).is_called("None")
    assert not Offer(None, "High Availability").is_called("None")


@pytest.mark.parametrize(
    ("offer", "expected"),
    [(ENTERPRISE, "Enterprise Plan"), (Offer("5", None), "id 5"), (Offer(None, "Plan"), "Plan")],
)
def test_an_offer_is_shown_by_name_or_else_by_id(offer: Offer, expected: str) -> None:
    assert str(offer) == expected


def test_names_are_compared_without_case_and_outer_blanks() -> None:
    assert same_name(" Straße ", "STRASSE")
    assert same_name("Enterprise\u00a0Plan", "Enterprise  plan")
    assert not same_name("High Availability", "HighAvailability")


def test_what_is_undetermined_is_not_known() -> None:
    assert known(unreadable("quantity")) is None
    assert known(unreported("quantity")) is None
    assert known(5) == 5
    assert known(()) == ()


def test_a_subscription_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        subscription().quantity = 500  # type: ignore[misc]


def test_a_subscription_lists_every_essential_that_is_undetermined_and_only_those() -> None:
    concepts = [value.concept for value in silent_subscription().undetermined()]
    assert concepts == ["expires_at", "plan", "services", "quantity", "billing_cycle"]
    assert subscription().undetermined() == ()


class TestCompletedBy:
    def test_what_is_not_reported_is_taken_from_the_other_answer(self) -> None:
        assert silent_subscription(quantity=50).completed_by(subscription()) == subscription(quantity=50)

    def test_what_is_reported_wins_over_the_other_answer(self) -> None:
        detail = subscription(expires_at=utc(2027, 12, 5), plan=Offer("9", None), services=(), pending_plan="Ultimate")
        assert detail.completed_by(subscription(pending_plan="Basic")) == detail

    def test_nothing_stands_in_for_what_cannot_be_read(self) -> None:
        detail = subscription(quantity=unreadable("quantity"), expires_at=unreadable("expires_at"))
        assert detail.completed_by(subscription()) == detail

    def test_what_neither_reports_stays_unreported(self) -> None:
        assert silent_subscription().completed_by(silent_subscription()) == silent_subscription()

    def test_what_cannot_be_read_in_the_other_answer_is_not_forgotten(self) -> None:
        completed = silent_subscription().completed_by(subscription(quantity=unreadable("quantity")))
        assert completed.quantity == unreadable("quantity")

    def test_a_pending_plan_and_auto_renewal_of_the_other_answer_are_kept(self) -> None:
        others = (("recordingExpireDate", utc(2027, 1, 5)),)
        listed = subscription(
            pending_plan="Ultimate Plan", auto_renewal=True, comment="Head office", other_expiries=others
        )
        completed = silent_subscription().completed_by(listed)
        assert completed.pending_plan == "Ultimate Plan"
        assert completed.auto_renewal is True
        assert completed.comment == "Head office"
        assert completed.other_expiries == others

    def test_auto_renewal_that_is_on_in_either_answer_is_on(self) -> None:
        assert subscription(auto_renewal=False).completed_by(subscription(auto_renewal=True)).auto_renewal is True
        unreadable_one = subscription(auto_renewal=unreadable("auto_renewal"))
        assert unreadable_one.completed_by(subscription(auto_renewal=True)).auto_renewal is True
        assert unreadable_one.completed_by(subscription(auto_renewal=False)) == unreadable_one


@pytest.mark.parametrize(
    ("changes", "limits", "blocks", "needs"),
    [
        pytest.param({}, False, False, False, id="no-limit"),
        pytest.param({"max_total": Decimal(1)}, True, True, True, id="max_total"),
        pytest.param({"max_amount_per_item": Decimal(1)}, True, True, True, id="max_amount_per_item"),
        pytest.param({"max_total": Decimal(0)}, True, True, True, id="max_total-zero"),
        pytest.param({"currency": "USD"}, True, True, True, id="currency"),
        pytest.param({"on_unknown_price": "block"}, False, True, True, id="block"),
        pytest.param({"on_unknown_price": "allow"}, False, False, False, id="allow"),
        pytest.param({"on_unknown_price": "allow", "max_total": Decimal(1)}, True, False, True, id="allow-with-limit"),
    ],
)
def test_an_unknown_price_blocks_where_a_limit_is_set_unless_allowed(
    changes: dict[str, Any], limits: bool, blocks: bool, needs: bool
) -> None:
    subject = policy(**changes)
    assert (subject.limits_price, subject.blocks_unknown_price, subject.needs_prices) == (limits, blocks, needs)


class TestPortable:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            pytest.param(2**53, 2**53, id="at-2-to-the-53"),
            pytest.param(2**53 + 1, "9007199254740993", id="above-2-to-the-53"),
            pytest.param(-(2**53) - 1, "-9007199254740993", id="below"),
            pytest.param(3197218168379846218, "3197218168379846218", id="snowflake"),
            pytest.param(True, True, id="true"),
            pytest.param(Decimal("1200.10"), "1200.10", id="decimal"),
            pytest.param("text", "text", id="text"),
            pytest.param(None, None, id="null"),
        ],
    )
    def test_numbers_keep_every_digit(self, value: Any, expected: Any) -> None:
        shown = portable({"id": [value]})
        assert shown == {"id": [expected]}
        assert type(shown["id"][0]) is type(expected)

    def test_the_row_itself_stays_as_it_was(self) -> None:
        row = {"list": [{"id": 2**60}]}
        portable(row)
        assert row == {"list": [{"id": 2**60}]}
