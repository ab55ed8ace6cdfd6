# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that another server holds than before: it is noticed, once, and every later run knows since when."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, intent
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import PORTAL, opened
from tests.support.postgres import ROLE, Postgres

HOUR = timedelta(hours=1)


def changed_at(location: str, now: datetime, read_only: bool = False) -> Optional[datetime]:
    with contextlib.closing(open_ledger(location, PORTAL, lambda: now, read_only)) as ledger:
        return ledger.server_changed_at


def edit(location: str, statement: str) -> None:
    with contextlib.closing(opened(location)) as ledger, ledger._database.transaction() as execute:
        execute(statement)


def test_a_server_that_stays_has_not_changed(server: Postgres, location: str) -> None:
    assert [changed_at(location, NOW) for dummy in range(2)] == [None, None]
    server.stop(crash=True)
    server.start()
    assert changed_at(location, NOW) is None


def test_another_server_is_noticed_once_and_noted_for_all_later_runs(location: str) -> None:
    opened(location).close()
    edit(location, "UPDATE yeastar_server SET identity = 'another one'")
    for later in (NOW, NOW + HOUR):  # what only reads cannot note it, so it would never end to wait
        assert changed_at(location, later, read_only=True) is None
        with contextlib.closing(open_ledger(location, PORTAL, lambda: NOW, read_only=True)) as ledger:
            assert ledger.has_moved
    assert [changed_at(location, NOW + hours * HOUR) for hours in (2, 3)] == [NOW + 2 * HOUR] * 2
    assert changed_at(location, NOW + 4 * HOUR, read_only=True) == NOW + 2 * HOUR


def test_a_database_that_was_restored_next_to_itself_is_another_one(server: Postgres, location: str) -> None:
    opened(location).close()
    restored = f"{location}_restored"
    with server.admin() as connection:
        name = location.rpartition("/")[2]
        connection.execute(f"CREATE DATABASE {name}_restored TEMPLATE {name} OWNER {ROLE}")
    assert changed_at(restored, NOW + HOUR) == NOW + HOUR


@pytest.mark.parametrize("edited", ["SET changed_at = 'soon'", "SET identity = 'x', changed_at = ''"])
def test_a_note_that_cannot_be_read_is_refused(location: str, edited: str) -> None:
    opened(location).close()
    edit(location, f"UPDATE yeastar_server {edited}")
    with pytest.raises(LedgerError, match="the note of its server cannot be read"):
        opened(location)


def test_two_notes_of_a_server_are_refused(location: str) -> None:
    opened(location).close()
    edit(location, "INSERT INTO yeastar_server VALUES ('another one', NULL)")
    with pytest.raises(LedgerError, match="the note of its server cannot be read"):
        opened(location)


def test_who_may_not_ask_for_the_server_is_refused_with_the_grant(server: Postgres, location: str) -> None:
    with server.admin(location.rpartition("/")[2]) as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    with pytest.raises(LedgerError, match=r"a failover .* GRANT EXECUTE ON FUNCTION pg_control_system\(\), "):
        opened(location)


@pytest.mark.parametrize("default", ["serializable", "read committed"])
def test_a_standby_is_read_with_a_doubt_and_refused_for_ordering_until_it_is_promoted(
    server: Postgres, location: str, default: str
) -> None:
    with contextlib.closing(opened(location)) as ledger, Postgres(server) as standby:
        ledger.intend(intent(product_no="A"))
        server.isolate(location, default)
        standby.catch_up()
        address = standby.url(location.rpartition("/")[2])
        with pytest.raises(LedgerError, match=r"it is a standby, which .* Set ledger to the primary"):
            opened(address)
        with contextlib.closing(opened(address, read_only=True)) as reader:
            assert [one.product_no for one in reader.intents()] == ["A"]
            assert "may lag behind" in str(reader.doubt) and reader.server_changed_at is None
        both = f"{location.rpartition('/')[0]},127.0.0.1:{standby.port}/{location.rpartition('/')[2]}"
        backwards = both.replace(f":{server.port},", f":{standby.port},").replace(
            f",127.0.0.1:{standby.port}", f",127.0.0.1:{server.port}"
        )
        opened(f"{backwards}?target_session_attrs=read-write").close()
        standby.fall_behind()
        ledger.intend(intent(product_no="B"))
        standby.promote()
        with contextlib.closing(opened(address)) as promoted:
            assert [one.product_no for one in promoted.intents()] == ["A"]
            assert promoted.server_changed_at == NOW
