# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one billing cycle more does to an expiry, and what is lost where the new term counts from the order."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import cycles as _cycles
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import EXPIRY, NOW, policy, terms, utc


@pytest.mark.faults(47, 60)
@pytest.mark.parametrize(
    ("old", "new", "ordered_at", "expected"),
    [
        pytest.param(terms(), utc(2027, 12, 5), NOW, True, id="one-year"),
        pytest.param(terms(), utc(2027, 12, 8), NOW, True, id="three-days-more"),
        pytest.param(terms(), utc(2027, 12, 2), NOW, True, id="three-days-less"),
        pytest.param(terms(), utc(2027, 12, 8, 0, 0, 1), NOW, False, id="a-second-too-much"),
        pytest.param(terms(), EXPIRY, NOW, False, id="not-at-all"),
        pytest.param(terms(), utc(2028, 12, 5), NOW, False, id="two-years"),
        pytest.param(terms(), utc(2027, 1, 5), NOW, False, id="a-month-instead-of-a-year"),
        pytest.param(terms(), utc(2027, 11, 23), NOW, False, id="a-year-from-now-though-not-expired"),
        pytest.param(terms(), utc(2028, 3, 5), utc(2027, 3, 5), True, id="expired-and-a-year-from-now"),
        pytest.param(terms(), utc(2027, 12, 5), utc(2027, 3, 5), True, id="expired-and-a-year-from-the-old-expiry"),
        pytest.param(terms(), utc(2028, 12, 5), utc(2027, 3, 5), False, id="expired-and-two-years"),
        pytest.param(
            terms(expires_at=utc(2027, 1, 31), billing_cycle="monthly"),
            utc(2027, 3, 3),
            NOW,
            True,
            id="31-days-of-january",
        ),
        pytest.param(
            terms(expires_at=utc(2027, 1, 31), billing_cycle="monthly"), utc(2027, 3, 31), NOW, False, id="two-months"
        ),
    ],
)
def test_a_renewal_moves_the_expiry_by_one_cycle(
    old: Terms, new: datetime, ordered_at: datetime, expected: bool
) -> None:
    assert _cycles.advanced_by_one_cycle(old.expires_at, old.billing_cycle, new, ordered_at, "expiry") is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(utc(2027, 12, 5), True, id="from-the-expiry-all-the-same"),
        pytest.param(utc(2027, 11, 23), True, id="from-the-order"),
        pytest.param(utc(2027, 11, 19), False, id="four-days-less"),
        pytest.param(utc(2028, 11, 23), False, id="two-years"),
        pytest.param(EXPIRY, False, id="not-at-all"),
    ],
)
def test_where_terms_start_at_the_order_an_early_renewal_may_count_from_there(after: datetime, expected: bool) -> None:
    assert _cycles.advanced_by_one_cycle(EXPIRY, "annually", after, NOW, "order") is expected


def test_the_expiry_to_come_counts_from_the_old_one_or_from_now() -> None:
    assert _cycles.expiry_after(terms(), policy(), NOW) == utc(2027, 12, 5)
    assert _cycles.expiry_after(terms(), policy(term_starts="order"), NOW) == utc(2027, 11, 23)
    shanghai = Span(utc(2026, 12, 4, 16), utc(2026, 12, 5, 16), "Asia/Shanghai")
    assert _cycles.expiry_after(terms(span=shanghai), policy(), NOW) == utc(2027, 12, 4, 16)


@pytest.mark.parametrize(
    ("after", "lost"), [(utc(2027, 11, 23), 12), (utc(2027, 12, 4, 0, 0, 1), 0), (utc(2027, 12, 6), 0)]
)
def test_what_is_lost_is_whole_days_of_the_running_term(after: datetime, lost: int) -> None:
    assert _cycles.days_lost(EXPIRY, "annually", after) == lost
