# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one name of a portal, and what becomes of intents that stood under several."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.names import portal_name, united
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import CLOSED

LOCAL = "http://127.0.0.1:8080"
NAMED = "http://localhost:8080"


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://portal.example", "https://portal.example"),
        ("https://portal.example/", "https://portal.example"),
        ("HTTPS://Portal.Example", "https://portal.example"),
        ("https://portal.example:443", "https://portal.example"),
        ("https://portal.example:0443/", "https://portal.example"),
        ("https://portal.example:", "https://portal.example"),
        ("https://portal.example.", "https://portal.example"),
        ("https://portal.example.:8443/", "https://portal.example:8443"),
        ("https://portal.example:08443", "https://portal.example:8443"),
        ("https://portal.example:80", "https://portal.example:80"),
        ("http://localhost:80", "http://127.0.0.1"),
        ("http://localhost:443", "http://127.0.0.1:443"),
        ("http://127.0.0.1:8080", LOCAL),
        ("http://LOCALHOST:8080/", LOCAL),
        ("http://localhost.:8080", LOCAL),
        ("http://[::1]:8080", LOCAL),
        ("http://[0:0:0:0:0:0:0:1]:8080", LOCAL),
        ("http://127.0.0.2:8080", "http://127.0.0.2:8080"),
        ("https://localhost.example", "https://localhost.example"),
        ("https://[2001:DB8:0:0::1]:8443", "https://[2001:db8::1]:8443"),
        # what 0.2.0 never wrote, and somebody may have
        ("portal", "portal"),
        ("https://[::1", "https://[::1"),
        ("https://portal.example:many", "https://portal.example:many"),
    ],
)
def test_an_address_has_one_name_however_it_is_spelled(base_url: str, name: str) -> None:
    assert portal_name(base_url) == name
    assert portal_name(name) == name


def _row(portal: str, status: str, **changes: Any) -> dict[str, Any]:
    row = {"portal": portal, "product_no": "A", "expires_at": "2026-12-05T00:00:00Z", "status": status}
    row |= {"generation": 1, "uncertain_since": "2026-11-23T00:00:00Z", "order_no": None, "note": "noted"}
    return {**row, **changes}


@pytest.mark.parametrize("first", list(IntentStatus))
@pytest.mark.parametrize("second", list(IntentStatus))
def test_of_two_the_more_open_one_stays_whichever_comes_first(first: str, second: str) -> None:
    rows = [_row(NAMED, first), _row(LOCAL, second)]
    (one,) = united(rows)
    (other,) = united(reversed(rows))
    expected = min(first, second, key=list(IntentStatus).index)
    assert (one["portal"], one["status"]) == (other["portal"], other["status"]) == (LOCAL, expected)


def test_an_order_that_may_be_under_way_is_more_open_than_one_that_is_known_and_that_more_than_none() -> None:
    """The order of the statuses is what decides; a new one has to find its place in it."""
    rank = list(IntentStatus).index
    assert (
        rank(IntentStatus.INTENDED)
        < rank(IntentStatus.UNKNOWN)
        < rank(IntentStatus.ACCEPTED)
        < rank(IntentStatus.RENEWED)
    )
    assert all(rank(IntentStatus.RENEWED) < rank(status) for status in CLOSED)


def test_the_higher_generation_counts_and_the_note_tells_of_the_other_one() -> None:
    rows = [
        _row(NAMED, "absent", generation=3, note="it was not ordered"),
        _row(LOCAL, "unknown", note="the answer timed out"),
        _row("http://[::1]:8080", "accepted", order_no="BN7", generation=2, note="order BN7 is accepted"),
    ]
    for order in permutations(rows):
        (one,) = united(order)
        assert (one["status"], one["generation"], one["order_no"]) == ("unknown", 3, None)
        assert one["note"] == (
            "the answer timed out"
            "; under http://[::1]:8080 the ledger had accepted, order BN7 (order BN7 is accepted)"
            "; under http://localhost:8080 the ledger had absent (it was not ordered)"
        )


def test_of_two_that_are_equally_open_the_later_one_stays() -> None:
    rows = [_row(NAMED, "unknown"), _row(LOCAL, "unknown", uncertain_since="2026-11-23T00:00:01Z")]
    for order in permutations(rows):
        (one,) = united(order)
        assert one["uncertain_since"] == "2026-11-23T00:00:01Z"


@pytest.mark.parametrize(
    ("expiry", "meets"),
    [
        ("2026-12-05T00:00:00Z", True),
        ("2026-12-05T08:00:00Z", True),
        ("2026-12-04T00:00:01Z", True),
        ("2027-12-05T00:00:00Z", False),
        ("soon", False),
    ],
)
def test_two_meet_if_they_renew_the_same_expiry(expiry: str, meets: bool) -> None:
    rows = [_row(NAMED, "unknown"), _row(LOCAL, "renewed", expires_at=expiry)]
    assert len(united(rows)) == (1 if meets else 2)


@pytest.mark.parametrize("change", [{"product_no": "B"}, {"portal": "https://portal.example"}])
def test_another_pbx_and_another_portal_are_left_apart(change: dict[str, Any]) -> None:
    rows = [_row(NAMED, "unknown"), {**_row(LOCAL, "renewed"), **change}]
    assert sorted(row["status"] for row in united(rows)) == ["renewed", "unknown"]
