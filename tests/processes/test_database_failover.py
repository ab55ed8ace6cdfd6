# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover to a replica that lost the intent of an order, while the portal does not show that order yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.postgres import Postgres
from tests.support.processes import Ansible, orders_sent
from tests.support.settling import SETTLE_WINDOW, assert_truthful, at
from tests.support.tally import judge

FIRST = "3658B431119665QJ"
SAVE = "/order/v1/save"
LATE = SETTLE_WINDOW - 120  # s


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    return start()


@pytest.fixture
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    """A server and an asynchronous standby."""
    with Postgres() as primary, Postgres(primary) as standby:
        yield primary, standby


@pytest.mark.faults(88)
@pytest.mark.parametrize("was_ordered", [True, False], ids=["ordered", "not ordered"])
def test_an_order_whose_note_the_replica_has_lost_is_not_sent_again(
    one: Ansible, servers: tuple[Postgres, Postgres], was_ordered: bool
) -> None:
    primary, standby = servers
    with primary.database() as address:
        name = address.rpartition("/")[2]
        assert one.renew(product_no=FIRST, remaining_days=0, ledger=address)["results"][0]["state"] == "current"
        standby.catch_up()
        standby.fall_behind()
        if was_ordered:
            one.portal.fault("commit_late", path=SAVE, seconds=LATE)  # until then neither order nor expiry are visible
            first = one.renew(product_no=FIRST, ledger=address)
            assert first["changed"] and orders_sent(one.portal) == 1
        primary.stop(crash=True)
        replica = standby.url(name)
        standby_read = one.plan(product_no=FIRST, max_orders=1, ledger=replica)
        assert "may lag behind" in str(standby_read["warnings"])
        standby.promote()

        planned = one.plan(product_no=FIRST, max_orders=1, ledger=replica)
        assert planned["results"][0]["state"] == "due" and "is on another server" in str(planned["warnings"])
        foretold = one.renew(True, product_no=FIRST, ledger=replica)
        waiting = one.renew(product_no=FIRST, ledger=replica)
        for result in (foretold, waiting):
            (row,) = result["results"]
            assert (row["state"], row["reason"], result["changed"]) == ("unknown", "waiting", False)
            assert "another server holds the ledger since" in row["message"] and result["failed"]
            assert_truthful(result)
        almost = SETTLE_WINDOW - 60
        one.portal.clock.advance(almost)
        (row,) = one.renew(product_no=FIRST, ledger=replica, now=at(almost))["results"]
        assert row["state"] == ("current" if was_ordered else "unknown")
        one.portal.clock.advance(120)
        result = one.renew(product_no=FIRST, ledger=replica, now=at(SETTLE_WINDOW + 60))
        assert result["results"][0]["state"] == ("current" if was_ordered else "renewed")
        assert orders_sent(one.portal) == 1
        judge(one.portal, [FIRST], [result])
