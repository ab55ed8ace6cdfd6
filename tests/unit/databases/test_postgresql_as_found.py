# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL with whatever defaults, rights and replication it has: a sound run, or a refusal that says what to do."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import postgresql as _postgresql
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW, intent
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import PORTAL, opened
from tests.support.pgbouncer import pooled
from tests.support.postgres import ISOLATIONS, ROLE, Postgres

REFUSED = r"cannot be relied upon, and nothing is ordered without it: "
CHINESE = "\u603b\u673a of B\u00fcro"


def name_of(location: str) -> str:
    return location.rpartition("/")[2]


def run_as_admin(server: Postgres, location: str, *statements: str) -> None:
    with server.admin(name_of(location)) as connection:
        for statement in statements:
            connection.execute(statement)


def refusal(location: str) -> str:
    """Why nothing is ordered; what is only read says the same as a doubt."""
    with pytest.raises(LedgerError, match=REFUSED) as refused:
        opened(location)
    text = str(refused.value)
    with contextlib.closing(opened(location, read_only=True)) as reader:
        assert reader.doubt is not None and text.endswith(f": {reader.doubt}")
    return text


def orders(ledger: Ledger) -> None:
    """Do what a run that orders does."""
    with contextlib.closing(ledger), ledger.lock("A"):
        assert ledger.doubt is None
        one = intent(product_no="A", note=CHINESE)
        ledger.intend(one)
        ledger.update(one, note=f"{CHINESE}, sent")
        assert [seen.note for seen in ledger.intents()] == [f"{CHINESE}, sent"]


# --- defaults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_database_with_a_stricter_isolation_or_a_read_only_default_is_written_all_the_same(
    server: Postgres, location: str, isolation: str
) -> None:
    server.preset(location, default_transaction_read_only="on", default_transaction_isolation=isolation)
    ledger = opened(location)
    assert ledger._database.query("SHOW transaction_isolation") == [("read committed",)]
    orders(ledger)


def test_no_timeout_of_the_server_ends_a_run_that_waits_for_a_portal_or_takes_its_lock(
    server: Postgres, location: str
) -> None:
    opened(location).close()
    server.preset(
        location,
        statement_timeout="300ms",
        lock_timeout="1ms",
        idle_session_timeout="300ms",
        idle_in_transaction_session_timeout="300ms",
    )
    ledger, other = opened(location), opened(location)
    with ledger.lock("A"):
        time.sleep(0.8)
        assert not other._database.try_lock(f"{PORTAL} A")
        with ledger._database.transaction() as execute:
            execute("SELECT pg_sleep(0.6)")
            time.sleep(0.6)
    other.close()
    orders(ledger)


def test_a_statement_that_takes_too_long_is_ended_by_the_server(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_postgresql._SESSION_SETTINGS, "statement_timeout", "200ms")
    with contextlib.closing(opened(location)) as ledger, pytest.raises(LedgerError, match="statement timeout"):
        ledger._database.query("SELECT pg_sleep(20)")


# --- who may --------------------------------------------------------------------------------------------------------


def test_a_user_who_may_not_make_the_tables_is_refused_with_the_grant(server: Postgres, location: str) -> None:
    run_as_admin(server, location, f"ALTER DATABASE {name_of(location)} OWNER TO admin")
    assert "in the schema public. Have an administrator run GRANT USAGE, CREATE ON SCHEMA public" in refusal(location)
    with contextlib.closing(open_ledger(location, PORTAL, lambda: NOW, False, creates=False)) as settling:
        assert not settling.is_kept
    run_as_admin(server, location, f"GRANT USAGE, CREATE ON SCHEMA public TO {ROLE}")
    orders(opened(location))


def test_without_any_schema_to_make_tables_in_it_is_refused(server: Postgres, location: str) -> None:
    server.preset(location, search_path="nowhere")
    assert "no schema of this user's search_path exists" in refusal(location)


def test_tables_that_an_administrator_has_made_once_are_enough(server: Postgres, location: str) -> None:
    opened(location).close()
    run_as_admin(
        server,
        location,
        f"ALTER DATABASE {name_of(location)} OWNER TO admin",
        f"REASSIGN OWNED BY {ROLE} TO admin",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}",
    )
    orders(opened(location))


def test_a_user_who_may_not_write_is_refused_before_anything_is_ordered(server: Postgres, location: str) -> None:
    opened(location).close()
    run_as_admin(
        server, location, "ALTER TABLE yeastar_schema OWNER TO admin", f"GRANT SELECT ON yeastar_schema TO {ROLE}"
    )
    with pytest.raises(LedgerError, match=r"permission denied.*this user may write"):
        opened(location)
    with contextlib.closing(opened(location, read_only=True)) as reader:
        assert reader.intents() == []


def test_tables_of_an_earlier_release_are_brought_up_to_date_by_their_owner_alone(
    server: Postgres, location: str
) -> None:
    opened(location).close()
    run_as_admin(
        server,
        location,
        "DROP TABLE yeastar_server",
        "UPDATE yeastar_schema SET version = 3",
        "ALTER TABLE yeastar_intent OWNER TO admin",
        f"GRANT ALL ON yeastar_intent TO {ROLE}",
    )
    assert "of an earlier release, and this user may not upgrade them. Have their owner" in refusal(location)
    run_as_admin(
        server, location, f"ALTER TABLE yeastar_intent OWNER TO {ROLE}", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    )
    orders(opened(location))


# --- which tables -----------------------------------------------------------------------------------------------------


def test_no_second_ledger_is_made_where_the_search_path_does_not_show_the_first(
    server: Postgres, location: str
) -> None:
    run_as_admin(server, location, f"CREATE SCHEMA renewals AUTHORIZATION {ROLE}")
    server.preset(location, search_path="renewals")
    orders(opened(location))
    server.preset(location, search_path="public")
    assert "its tables are in the schema renewals, which is not in the search_path" in refusal(location)
    run_as_admin(server, location, f"ALTER DATABASE {name_of(location)} SET search_path = renewals, public")
    assert len(opened(location, read_only=True).intents()) == 1


def test_two_ledgers_in_one_search_path_are_refused(server: Postgres, location: str) -> None:
    opened(location).close()
    run_as_admin(server, location, f"CREATE SCHEMA {ROLE} AUTHORIZATION {ROLE}")
    server.preset(location, search_path=ROLE)
    run_as_admin(server, location, f"CREATE TABLE {ROLE}.yeastar_schema (version INTEGER)")
    with server.admin() as connection:
        connection.execute(f"ALTER DATABASE {name_of(location)} RESET search_path")  # "$user", public
    assert f"there are several, in the schemas {ROLE} and public" in _refused_for_ordering(location)


def _refused_for_ordering(location: str) -> str:
    with pytest.raises(LedgerError, match=REFUSED) as refused:
        opened(location)
    return str(refused.value)


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["SQL_ASCII", "LATIN1", "UTF8"])
def test_a_database_in_sql_ascii_gives_back_what_was_written(
    server: Postgres, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", client)
    with server.database("SQL_ASCII") as location:
        orders(opened(location))
        with contextlib.closing(opened(location, read_only=True)) as reader:
            assert reader.intents()[0].note == f"{CHINESE}, sent"


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_an_encoding_that_cannot_hold_every_text_is_refused(server: Postgres, encoding: str) -> None:
    with server.database(encoding) as location:
        assert f"its encoding is {encoding}, which cannot hold every text" in refusal(location)


# --- a server that does not answer ------------------------------------------------------------------------------------


def test_a_commit_that_no_synchronous_standby_confirms_is_bounded_and_does_not_count(
    server: Postgres, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_postgresql, "COMMIT_WAIT", 1.0)
    ledger, other = opened(location), opened(location)
    server.configure(synchronous_standby_names="gone")
    try:
        began = time.monotonic()
        for writing in (lambda: ledger.intend(intent()), lambda: opened(location)):
            with pytest.raises(LedgerError, match=r"does not keep what is written: .*synchronous_standby_names"):
                writing()
        assert 2 <= time.monotonic() - began < 20
        # The commit stands all the same, so the intent keeps from ordering until it is settled; and no lock is left.
        assert [one.product_no for one in other.intents()] == [intent().product_no]
    finally:
        server.configure(synchronous_standby_names="")
    other.update(intent(), note="settled")
    for one in (ledger, other):
        one.close()


@pytest.mark.parametrize("is_commit", [False, True], ids=["statement", "commit"])
def test_a_server_that_stands_still_is_cut_off(location: str, is_commit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_postgresql, "SILENCE", 1.0)
    monkeypatch.setattr(_postgresql, "COMMIT_WAIT", 0.5)
    monkeypatch.setattr(_postgresql, "_GRACE", 0.5)
    ledger = opened(location)
    process = ledger._database._session
    began = time.monotonic()
    try:
        with pytest.raises(LedgerError, match="cannot be used"):
            if is_commit:
                with ledger._database.transaction():
                    os.kill(process, signal.SIGSTOP)
            else:
                os.kill(process, signal.SIGSTOP)
                ledger.intents()
        assert 0.9 < time.monotonic() - began < 10
        with pytest.raises(LedgerError):
            ledger.intents()
    finally:
        os.kill(process, signal.SIGCONT)
    ledger.close()


# --- poolers ----------------------------------------------------------------------------------------------------------


def test_a_pooler_that_takes_sessions_in_turn_is_found_out_as_well(server: Postgres, location: str) -> None:
    turns = {"server_round_robin": 1, "min_pool_size": 4}
    with pooled(server, location, "transaction", **turns) as address:
        for dummy in range(3):
            assert "behind a pooler that gives each transaction another session" in refusal(address)


def test_what_only_reads_sets_nothing_for_others_who_share_the_session(server: Postgres, location: str) -> None:
    opened(location).close()
    server.preset(location, idle_in_transaction_session_timeout="7s")
    with pooled(server, location, "transaction") as address:
        reader = opened(address, read_only=True)
        assert reader._database.query("SHOW idle_in_transaction_session_timeout") == [("7s",)]
        reader.close()
