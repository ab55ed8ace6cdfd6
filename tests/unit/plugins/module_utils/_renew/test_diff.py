# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import planner as _planner
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import prices as _prices
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.diff import diff_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    HA,
    RECORDING,
    SN,
    UNKNOWN_PRICE,
    due_decision,
    order,
    subscription,
    terms,
    unreadable,
    unreported,
    usd,
    utc,
)


def test_a_due_pbx_shows_its_expiry_before_and_what_would_be_ordered_after() -> None:
    assert diff_of([due_decision(price=usd("1200.00"))]) == [
        {
            "before_header": SN,
            "after_header": SN,
            "before": "expires_at: 2026-12-05T00:00:00Z\n",
            "after": "expires_at: 2027-12-05T00:00:00Z\n"
            "renewed plan: Enterprise Plan\n"
            "renewed services: High Availability\n"
            "extensions: 100\n"
            "billing cycle: annually\n"
            "auto-renewal: not known\n"
            "price: 1200.00 USD\n",
        }
    ]


@pytest.mark.parametrize("auto_renewal", [True, False])
def test_auto_renewal_is_a_line_only_where_it_is_not_known(auto_renewal: bool) -> None:
    decision = due_decision(subscription=subscription(auto_renewal=auto_renewal))
    assert "auto-renewal" not in diff_of([decision])[0]["after"]


def test_every_service_is_shown() -> None:
    (entry,) = diff_of([due_decision(terms=terms(services=(HA, RECORDING)))])
    assert "renewed services: High Availability, Recording Minutes\n" in entry["after"]


def test_what_was_declared_against_what_cannot_be_read_is_shown_with_the_reason() -> None:
    stood_in = (unreadable("quantity"), unreported("plan"), unreadable("billing_cycle"))
    (entry,) = diff_of([due_decision(terms=replace(terms(), stood_in=stood_in))])
    said = "declared, since: quantity: x cannot be read: nonsense; billing_cycle: x cannot be read: nonsense\n"
    assert said in entry["after"]


def test_other_expiries_are_shown_as_they_were_seen() -> None:
    seen = subscription(other_expiries=(("recordingExpireDate", utc(2027, 1, 5)),))
    (entry,) = diff_of([due_decision(subscription=seen)])
    assert entry["before"] == "expires_at: 2026-12-05T00:00:00Z\nrecordingExpireDate: 2027-01-05T00:00:00Z\n"
    assert entry["after"].endswith("\nrecordingExpireDate: 2027-01-05T00:00:00Z\n")


def test_that_there_is_no_service_and_no_price_is_said() -> None:
    (entry,) = diff_of([due_decision(terms=terms(services=()))])
    assert "renewed services: none\n" in entry["after"]
    assert entry["after"].rpartition("price: ")[2] == "not asked for, since no limit is set\n"


def test_a_price_that_was_asked_for_in_vain_is_not_known() -> None:
    (entry,) = diff_of([_prices.priced(due_decision(), UNKNOWN_PRICE, Policy(on_unknown_price="allow"))])
    assert entry["after"].rpartition("price: ")[2] == "not known\n"


def test_a_renewed_pbx_shows_the_expiry_that_the_portal_has_now() -> None:
    seen = due_decision().expires_after
    assert seen is not None
    renewed = replace(
        _planner.settled(due_decision(), Reason.EXPIRY_MOVED, "renewed"), expires_after=seen.replace(day=6)
    )
    (entry,) = diff_of([renewed])
    assert entry["after"].startswith("expires_at: 2027-12-06T00:00:00Z\n")


def test_what_was_never_to_be_ordered_has_no_entry() -> None:
    pending = replace(due_decision(), expires_after=None, known_order=order(status="pending"))
    assert diff_of([_planner.not_found("X", ["A"]), pending]) == []


def test_entries_come_in_the_order_of_the_decisions() -> None:
    entries = diff_of([due_decision("B"), due_decision("A")])
    assert [entry["before_header"] for entry in entries] == ["B", "A"]
