# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in PostgreSQL, which several controllers share."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import postgresql as _postgresql
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import SETUP, LedgerError, number_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, intent, wanted
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledger_rules import LedgerRules
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import OPEN, PORTAL, finished, opened, started
from tests.support.pgbouncer import pooled
from tests.support.postgres import ISOLATIONS, Postgres, wait_for_waiters


class TestPostgresqlLedger(LedgerRules):
    pass


def test_processes_that_make_the_tables_at_once_make_them_once(location: str) -> None:
    assert finished(*(started(OPEN, location) for dummy in range(4))) == ["0"] * 4


def test_an_empty_database_that_is_only_read_stays_empty(server: Postgres, location: str) -> None:
    ledger = opened(location, read_only=True)
    assert ledger.intents() == [] and not ledger.is_kept
    with server.admin(location.rpartition("/")[2]) as connection:
        assert connection.execute("SELECT to_regclass('yeastar_schema')").fetchone() == (None,)


@pytest.mark.faults(78)
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_transaction_sees_what_was_written_while_it_waited_whatever_the_server_says(
    server: Postgres, location: str, isolation: str
) -> None:
    server.isolate(location, isolation)
    ledger = opened(location)
    assert ledger._database.query("SHOW transaction_isolation") == [("read committed",)]
    ledger._database.query(f"SET default_transaction_isolation = '{isolation}'")  # a transaction asks for its own
    with ThreadPoolExecutor(1) as pool, server.admin(location.rpartition("/")[2]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (number_of(SETUP),))
        asked = pool.submit(ledger.reserve, Caps("run", 1, holder="one"), wanted("B"))
        wait_for_waiters(other, 1)
        other.execute("INSERT INTO yeastar_reservation VALUES ('run', 'other', 'A', '', NULL, NULL)")
        other.execute("SELECT pg_advisory_unlock(%s)", (number_of(SETUP),))
        excess = asked.result(timeout=60)
    assert excess is not None and excess[0] == "max_orders"
    ledger.close()


def test_a_transaction_is_on_the_disk_before_it_counts_whatever_the_server_says(
    server: Postgres, location: str
) -> None:
    with server.admin() as connection:
        connection.execute(f"ALTER DATABASE {location.rpartition('/')[2]} SET synchronous_commit = off")
    ledger = opened(location)
    assert ledger._database.query("SHOW synchronous_commit") == [("off",)]
    with ledger._database.transaction() as execute:
        assert execute("SHOW synchronous_commit") == [("on",)]
    ledger.close()


def test_what_is_written_outlives_a_crash_of_the_server(server: Postgres, location: str) -> None:
    ledger = opened(location)
    ledger.intend(intent())
    server.stop(crash=True)
    with pytest.raises(LedgerError):
        ledger.intents()
    server.start()
    again = opened(location)
    assert again.intents() == [intent()]
    again.close()


def test_a_transaction_waits_for_another_and_then_gives_up(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = opened(location), opened(location)
    monkeypatch.setattr(_postgresql, "TRANSACTION_WAIT", 1)
    began = time.monotonic()
    with first._database.transaction(), pytest.raises(LedgerError, match="timeout"):
        second.intend(intent())
    assert 0.9 <= time.monotonic() - began < 10
    second.intend(intent())
    assert first.intents() == [intent()]
    first.close()
    second.close()


def test_a_connection_that_is_cut_off_gives_its_lock_up_and_every_use_is_an_error(
    server: Postgres, location: str
) -> None:
    first, other = opened(location), opened(location)
    lock = first.lock("A")
    lock.__enter__()
    assert not other._database.try_lock(f"{other.portal} A")
    assert server.cut_off(location) == 2
    other.close()
    for use in (first.intents, lambda: first.intend(intent()), lambda: lock.__exit__(None, None, None)):
        with pytest.raises(LedgerError):
            use()
    again = opened(location)
    with again.lock("A", lambda seconds: pytest.fail("waited")):
        pass
    again.close()


@pytest.mark.parametrize("part", ["password", "port", "database"])
def test_what_cannot_be_reached_is_named_without_user_and_password(server: Postgres, location: str, part: str) -> None:
    wrong = {
        "password": location,
        "port": location.replace(f":{server.port}/", ":1/"),
        "database": location.rpartition("/")[0] + "/nothing",
    }[part]
    with pytest.raises(LedgerError) as refused:
        open_ledger(wrong, PORTAL, lambda: NOW, False, password=None if part == "database" else "canary-password")
    text = str(refused.value)
    assert "postgresql://127.0.0.1/" in text and "nothing is ordered without it" in text and "\n" not in text
    assert "canary-password" not in text and server.password not in text and "ledger:" not in text


# --- the password -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["option", "environment", "passfile"])
def test_each_way_to_give_the_password_opens_it(
    server: Postgres, location: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(LedgerError, match="password"):
        opened(location)
    if way == "environment":
        monkeypatch.setenv("PGPASSWORD", server.password)
    if way == "passfile":
        (tmp_path / ".pgpass").write_text(f"127.0.0.1:{server.port}:*:*:{server.password}\n")
        (tmp_path / ".pgpass").chmod(0o600)
    password = server.password if way == "option" else None
    open_ledger(location, PORTAL, lambda: NOW, read_only=False, password=password).close()


def test_the_option_goes_before_the_environment(
    server: Postgres, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "another")
    open_ledger(location, PORTAL, lambda: NOW, read_only=False, password=server.password).close()


@pytest.mark.parametrize(
    "form", ["{u}:{p}@{h}", "{u}@{h}?password={p}", "{u}@{h}?%70assword={p}", "{u}@{h}?sslpassword={p}"]
)
def test_libpq_itself_is_asked_whether_an_address_holds_a_password(
    server: Postgres, location: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, dummy, host = location.partition("://")[2].partition("@")
    monkeypatch.setattr("psycopg.connect", lambda *arguments, **options: pytest.fail("connected"))
    with pytest.raises(LedgerError) as refused:
        opened("postgresql://" + form.format(u=user, h=host, p="canary"))
    text = str(refused.value)
    assert "canary" not in text and all(way in text for way in ("ledger_password", "PGPASSWORD", "passfile"))


@pytest.mark.parametrize("tail", ["?canary=1", "?sslmode=can%ary", "?sslmode=a=canary"])
def test_what_libpq_cannot_read_is_refused_without_repeating_it(location: str, tail: str) -> None:
    with pytest.raises(LedgerError) as refused:
        opened(location + tail)
    assert "can%ary" not in str(refused.value) and "canary" not in str(refused.value)
    assert str(refused.value).startswith("ledger: expected postgresql://user@host:port/database")


# --- none is made where one only looks --------------------------------------------------------------------------------


def test_an_empty_database_in_which_something_is_to_be_settled_stays_empty(server: Postgres, location: str) -> None:
    ledger = open_ledger(location, PORTAL, lambda: NOW, read_only=False, creates=False)
    assert ledger.intents() == [] and not ledger.is_kept and ledger.name.startswith("postgresql://127.0.0.1/test_")
    with server.admin(location.rpartition("/")[2]) as connection:
        assert connection.execute("SELECT to_regclass('yeastar_schema')").fetchone() == (None,)


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match="psycopg, version 3: install it"):
        opened("postgresql://ledger.example/renewals")


@pytest.mark.parametrize("pool_mode", ["transaction", "statement"])
def test_a_pooler_that_pools_transactions_is_refused_for_ordering_and_named(
    server: Postgres, location: str, pool_mode: str
) -> None:
    with pooled(server, location, pool_mode) as address:
        with pytest.raises(LedgerError, match=r"behind a pooler .* Set ledger to the server's own address"):
            opened(address)
        assert opened(address, read_only=True).intents() == []
    assert not opened(location, read_only=True).is_kept  # nothing was made


def test_through_a_pooler_that_pools_sessions_one_waits_for_the_other(server: Postgres, location: str) -> None:
    with pooled(server, location, "session") as address:
        first, second = opened(address), opened(address)
        with first.lock("A"):
            assert not second._database.try_lock(f"{second.portal} A")
        with second.lock("A"):
            pass
        for ledger in (first, second):
            ledger.close()


def test_a_lock_is_neither_taken_nor_given_back_in_another_session(location: str) -> None:
    ledger, other = opened(location), opened(location)
    ledger._database._connection, mine = other._database._connection, ledger._database._connection
    with pytest.raises(LedgerError, match="behind a pooler"):
        ledger._database.try_lock("A")
    with pytest.raises(LedgerError, match="behind a pooler"):
        ledger._database.unlock("A")
    mine.close()
