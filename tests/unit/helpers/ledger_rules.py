# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every ledger that is kept must do, whatever database it lives in; a test class derives it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.caps import Caps, Reservation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import access as _access
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import ledger as _ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import (
    DryRunLedger,
    IntentConflict,
    Ledger,
    LockTimeout,
    PlanSpent,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.vocabulary import IntentStatus
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    CLOSED,
    EXPIRY,
    NOW,
    SN,
    UNSETTLED,
    intent,
    usd,
    utc,
    wanted,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.ledgers import (
    INTEND,
    OPEN,
    PORTAL,
    RESERVE,
    finished,
    holding,
    opened,
    started,
)


def caps(
    max_orders: Optional[int] = None, max_total: Optional[str] = None, run_id: str = "run", holder: str = "one"
) -> Caps:
    return Caps(run_id, max_orders, None if max_total is None else Decimal(max_total), holder)


# The intents as the first version had them.
FIRST_VERSION = """CREATE TABLE yeastar_intent (
    portal TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL, account TEXT NOT NULL,
    run_id TEXT NOT NULL, status TEXT NOT NULL, generation INTEGER NOT NULL CHECK (generation > 0),
    billing_cycle TEXT NOT NULL, quantity INTEGER NOT NULL, po_number TEXT NOT NULL, uncertain_since TEXT NOT NULL,
    portal_uncertain_since TEXT, order_no TEXT, transaction_no TEXT, order_status TEXT, note TEXT NOT NULL,
    PRIMARY KEY (portal, product_no, expires_at))"""
SINCE_2 = ("plan_id", "service_ids", "price_amount", "price_currency")
# The reservations as the first two versions had them.
WITHOUT_EXPIRY = """CREATE TABLE yeastar_reservation (
    run_id TEXT NOT NULL, holder TEXT NOT NULL, product_no TEXT NOT NULL, amount TEXT, currency TEXT,
    PRIMARY KEY (run_id, holder, product_no))"""


DUMP = Path(__file__).with_name("ledger_of_0_2_0.sql")
VENDOR = "https://openapi.partner.yeastar.com"
LOCAL = "http://127.0.0.1:8080"


def statements_of(dump: Path) -> list[str]:
    """The statements of a dump but for its transaction."""
    lines = [line for line in dump.read_text(encoding="ascii").splitlines() if not line.startswith("--")]
    statements = [statement.strip() for statement in "\n".join(lines).split(";\n")]
    return [one for one in statements if one and not one.startswith(("BEGIN", "COMMIT"))]


def _told(ledger: Ledger) -> list[tuple[Any, ...]]:
    return [
        (one.product_no, one.expires_at.year, one.status, one.generation, one.order_no, one.note)
        for one in ledger.intents()
    ]


class LedgerRules:
    """The rules; ``location`` is a fixture of the class that inherits them."""

    @pytest.fixture
    def ledger(self, location: str) -> Iterator[Ledger]:
        one = opened(location)
        yield one
        one.close()

    @pytest.fixture
    def other(self, ledger: Ledger, location: str) -> Iterator[Ledger]:
        """Another connection to the same ledger."""
        one = opened(location)
        yield one
        one.close()

    # what is written

    def test_it_is_kept_and_empty_at_first(self, ledger: Ledger) -> None:
        assert ledger.is_kept and ledger.intents() == [] and ledger.unrelated_orders() == frozenset()

    def test_an_intent_is_read_back_whole_by_others(self, ledger: Ledger, other: Ledger) -> None:
        whole = intent(
            status=IntentStatus.ACCEPTED,
            order_no="BN1",
            transaction_no="QO1",
            order_status="pending",
            note="it's 100 % ours? \u00fc\n--",
            quantity=1_000_000,
        )
        ledger.intend(whole)
        assert other.intents() == other.intents_of(SN) == [whole]

    def test_an_intent_with_nothing_more_known_is_read_back_as_such(self, ledger: Ledger) -> None:
        bare = intent(portal_uncertain_since=None)
        ledger.intend(bare)
        assert ledger.intents() == [bare]

    def test_an_instant_is_kept_in_utc_to_the_second(self, ledger: Ledger) -> None:
        east = datetime(2026, 12, 5, 8, 0, 0, 900_000, tzinfo=timezone(timedelta(hours=8)))
        ledger.intend(intent(expires_at=east))
        assert [one.expires_at for one in ledger.intents()] == [EXPIRY]

    def test_intents_are_sorted_by_pbx_and_expiry(self, ledger: Ledger) -> None:
        for product_no, year in (("B", 2026), ("A", 2027), ("A", 2026)):
            ledger.intend(intent(product_no=product_no, expires_at=utc(year, 1, 1), status=IntentStatus.RENEWED))
        seen = [(one.product_no, one.expires_at.year) for one in ledger.intents()]
        assert seen == [("A", 2026), ("A", 2027), ("B", 2026)]
        assert [one.expires_at.year for one in ledger.intents_of("A")] == [2026, 2027]

    def test_another_portal_has_a_ledger_of_its_own(self, ledger: Ledger, location: str) -> None:
        ledger.intend(intent())
        ledger.call_unrelated(SN, "BN1", "an expansion")
        foreign = opened(location, "https://other.example")
        assert foreign.intents() == [] and foreign.unrelated_orders() == frozenset()
        foreign.intend(intent(portal="https://other.example"))
        foreign.close()

    # uniqueness

    @pytest.mark.parametrize("status", [*UNSETTLED, IntentStatus.RENEWED])
    @pytest.mark.parametrize("apart", [timedelta(0), timedelta(hours=23, minutes=59), -timedelta(hours=23)])
    @pytest.mark.parametrize("generation", [1, 2])
    def test_what_is_not_closed_is_not_intended_again_for_the_same_expiry(
        self, ledger: Ledger, other: Ledger, status: str, apart: timedelta, generation: int
    ) -> None:
        standing = intent(status=status, run_id="first")
        ledger.intend(standing)
        with pytest.raises(IntentConflict) as taken:
            other.intend(intent(expires_at=EXPIRY + apart, generation=generation))
        assert taken.value.intent == standing and ledger.intents() == [standing]

    @pytest.mark.parametrize(
        ("status", "is_taken"), [*((one, True) for one in UNSETTLED), (IntentStatus.RENEWED, False)]
    )
    def test_what_is_not_settled_keeps_any_other_expiry_of_the_pbx_from_being_intended(
        self, ledger: Ledger, other: Ledger, status: str, is_taken: bool
    ) -> None:
        ledger.intend(intent(status=status))
        following = intent(expires_at=utc(2027, 12, 5))
        if is_taken:
            with pytest.raises(IntentConflict):
                other.intend(following)
        else:
            other.intend(following)
        assert len(ledger.intents()) == 2 - is_taken

    def test_another_pbx_is_not_kept_from_anything(self, ledger: Ledger) -> None:
        ledger.intend(intent())
        ledger.intend(intent(product_no="OTHER"))
        assert len(ledger.intents()) == 2

    @pytest.mark.parametrize("status", CLOSED)
    def test_a_closed_intent_gives_way_to_its_next_generation_alone(
        self, ledger: Ledger, other: Ledger, status: str
    ) -> None:
        ledger.intend(intent(status=status, generation=2))
        for generation in (1, 2):
            with pytest.raises(IntentConflict):
                other.intend(intent(generation=generation))
        again = intent(generation=3, expires_at=EXPIRY + timedelta(hours=5))
        other.intend(again)
        assert ledger.intents() == [again]

    def test_of_processes_that_intend_the_same_at_once_one_succeeds(self, ledger: Ledger, location: str) -> None:
        ends = finished(*(started(INTEND, location, f"run {number}") for number in range(4)))
        assert sorted(ends) == ["taken"] * 3 + ["written"] and len(ledger.intents()) == 1

    # changes

    def test_a_change_is_returned_and_seen_by_others(self, ledger: Ledger, other: Ledger) -> None:
        ledger.intend(intent())
        changed = ledger.update(intent(), status=IntentStatus.ACCEPTED, order_no="BN1", note="accepted")
        assert changed == intent(status=IntentStatus.ACCEPTED, order_no="BN1", note="accepted")
        assert other.intents() == [changed]

    @pytest.mark.parametrize(
        "meanwhile",
        [{"status": IntentStatus.ABSENT}, {"status": IntentStatus.RENEWED}, {"status": IntentStatus.UNKNOWN}],
    )
    def test_an_intent_that_another_has_changed_is_not_changed(
        self, ledger: Ledger, other: Ledger, meanwhile: dict[str, Any]
    ) -> None:
        ledger.intend(intent())
        newer = other.update(intent(), **meanwhile)
        with pytest.raises(IntentConflict) as taken:
            ledger.update(intent(), status=IntentStatus.ACCEPTED)
        assert taken.value.intent == newer and ledger.intents() == [newer]

    def test_an_intent_of_the_next_generation_is_not_changed(self, ledger: Ledger, other: Ledger) -> None:
        first, second = intent(status=IntentStatus.ABSENT), intent(status=IntentStatus.ABSENT, generation=2)
        ledger.intend(first)
        other.intend(second)
        with pytest.raises(IntentConflict):
            ledger.update(first, status=IntentStatus.RENEWED)
        assert ledger.intents() == [second]

    def test_an_intent_that_is_gone_is_missed(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerError, match="is gone"):
            ledger.update(intent(), status=IntentStatus.ACCEPTED)

    def test_the_history_has_a_line_for_each_status_and_note_and_keeps_what_gave_way(self, ledger: Ledger) -> None:
        one = intent()
        ledger.intend(one)
        one = ledger.update(one, note="sending")
        one = ledger.update(one, note="sending")
        one = ledger.update(one, uncertain_since=NOW + timedelta(seconds=1))
        ledger.update(one, status=IntentStatus.DEAD, note="cancelled", order_no="BN1")
        ledger.intend(intent(generation=2))
        rows = ledger._database.query("SELECT at, generation, status, order_no, note FROM yeastar_history")
        at = "2026-11-23T00:00:00Z"
        assert sorted(rows, key=lambda row: (row[1], row[2] != "intended", row[4] != "to be ordered")) == [
            (at, 1, "intended", None, "to be ordered"),
            (at, 1, "intended", None, "sending"),
            (at, 1, "dead", "BN1", "cancelled"),
            (at, 2, "intended", None, "to be ordered"),
        ]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    def test_what_is_interrupted_leaves_nothing(
        self, ledger: Ledger, other: Ledger, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
    ) -> None:
        def interrupt(*arguments: Any) -> None:
            raise error

        monkeypatch.setattr(ledger, "_note", interrupt)
        with pytest.raises(error):
            ledger.intend(intent())
        monkeypatch.undo()
        assert other.intents() == []
        ledger.intend(intent())
        assert len(other.intents()) == 1

    def test_an_unrelated_order_is_called_so_once_and_for_all(self, ledger: Ledger, other: Ledger) -> None:
        ledger.call_unrelated(SN, "BN1", "an expansion")
        other.call_unrelated(SN, "BN1", "still an expansion")
        other.call_unrelated(SN, "BN2", "another")
        assert ledger.unrelated_orders() == {(SN.lower(), "BN1"), (SN.lower(), "BN2")}

    def test_an_order_is_called_unrelated_to_one_pbx_and_not_to_another(self, ledger: Ledger, other: Ledger) -> None:
        ledger.call_unrelated("A", "BN1", "a slip")
        other.call_unrelated("B", "BN1", "an expansion")
        assert ledger.unrelated_orders() == {("a", "BN1"), ("b", "BN1")}

    @pytest.mark.parametrize("status", list(IntentStatus))
    def test_an_intent_that_took_an_unrelated_order_is_unknown_again(self, ledger: Ledger, status: str) -> None:
        taken = {"order_no": "BN1", "transaction_no": "QO1", "order_status": "pending", "status": status}
        ledger.intend(intent(**taken))
        ledger.intend(intent(product_no="B", **taken))
        ledger.call_unrelated(SN, "BN1", "an expansion")
        mine, others = ledger.intents()
        assert others == intent(product_no="B", **taken)
        if status in ("accepted", "dead"):
            assert mine == intent(
                status=IntentStatus.UNKNOWN, note="order BN1 is unrelated, somebody says: an expansion"
            )
        else:
            assert mine == intent(**taken)

    # caps

    @pytest.mark.parametrize(("cap", "excess"), [(3, None), (2, "max_orders"), (0, "max_orders"), (None, None)])
    def test_max_orders_counts_what_all_have_reserved(
        self, ledger: Ledger, other: Ledger, cap: Optional[int], excess: Optional[str]
    ) -> None:
        assert ledger.reserve(caps(), wanted("A", "B")) is None
        for ask in (DryRunLedger(other).reserve, other.reserve):
            exceeded = ask(caps(cap, holder="other"), wanted("C"))
            assert (exceeded and exceeded[0]) == excess
            if exceeded:
                told = "this run (run) has ordered or is ordering 2 (A, B) already; due here: 1 (C)"
                assert exceeded[1] == f"{told}; max_orders is {cap}: nothing was ordered here"

    def test_all_are_reserved_or_none(self, ledger: Ledger, other: Ledger) -> None:
        assert ledger.reserve(caps(3), wanted("A")) is None
        assert other.reserve(caps(3, holder="other"), wanted("B", "C", "D")) is not None
        assert other.reserve(caps(3, holder="other"), wanted("B", "C")) is None

    def test_to_ask_reserves_nothing(self, ledger: Ledger, other: Ledger) -> None:
        assert DryRunLedger(ledger).reserve(caps(1), wanted("A")) is None
        assert other.reserve(caps(1, holder="other"), wanted("B")) is None

    @pytest.mark.parametrize("holder", ["one", "other"])
    def test_each_expiry_of_a_pbx_counts_and_so_does_its_price(
        self, ledger: Ledger, other: Ledger, holder: str
    ) -> None:
        first, second = Reservation("A", EXPIRY, usd("60")), Reservation("A", utc(2027, 12, 5), usd("40"))
        again = Reservation("A", EXPIRY + timedelta(hours=23), usd("60"))
        assert ledger.reserve(caps(2, "100"), [first]) is None
        for limits in (caps(1, holder="other"), caps(None, "99.99", holder="other")):
            assert other.reserve(limits, [second]) is not None
            assert other.reserve(limits, [again]) is None
        assert other.reserve(caps(2, "100", holder="other"), [second]) is None
        assert ledger.reserve(caps(2, holder="third"), [Reservation("A", utc(2028, 12, 5))]) is not None

    def test_a_price_that_is_not_known_hides_none_that_is(self, ledger: Ledger, other: Ledger) -> None:
        assert ledger.reserve(caps(None, "100"), wanted(A=usd("90"))) is None
        assert other.reserve(caps(None, "100", holder="other"), wanted("A", B=usd("11"))) is not None
        assert other.reserve(caps(None, "100", holder="other"), wanted("A", B=usd("10"))) is None

    @pytest.mark.parametrize("holder", ["one", "other"])
    def test_a_pbx_that_is_reserved_twice_for_one_expiry_counts_once_with_its_highest_price(
        self, ledger: Ledger, other: Ledger, holder: str
    ) -> None:
        assert ledger.reserve(caps(1, "100"), wanted(A=usd("90"))) is None
        assert other.reserve(caps(1, "100", holder=holder), wanted(A=usd("100"))) is None
        assert other.reserve(caps(1, "100", holder=holder), wanted(A=usd("100.01"))) is not None
        assert ledger.reserve(caps(1, "100"), wanted(A=usd("90"))) is None

    @pytest.mark.parametrize(
        ("second", "excess"),
        [
            (usd("40.00"), None),
            (usd("40.01"), "due here: 1 (B) for 40.01 USD; max_total is 100: nothing was ordered here"),
            (Money(Decimal(1), "RMB"), "due here: 1 (B) for 1 RMB; max_total is 100: nothing was ordered here"),
            (None, None),
        ],
        ids=["exactly", "a cent more", "another currency", "not known"],
    )
    def test_max_total_is_of_one_currency_and_counts_what_all_have_reserved(
        self, ledger: Ledger, other: Ledger, second: Optional[Money], excess: Optional[str]
    ) -> None:
        assert ledger.reserve(caps(None, "100"), wanted(A=usd("60.00"))) is None
        told = "this run (run) has ordered or is ordering 1 (A) already for 60.00 USD"
        expected = excess and ("max_total", f"{told}; {excess}")
        assert other.reserve(caps(None, "100", holder="other"), wanted(B=second)) == expected

    def test_another_run_and_what_is_released_do_not_count(self, ledger: Ledger, other: Ledger) -> None:
        assert ledger.reserve(caps(2), wanted("A", "B")) is None
        assert other.reserve(caps(2, run_id="another"), wanted("A", "B")) is None
        ledger.release(caps(2), ["A", "nothing"])
        assert other.reserve(caps(2), wanted("C")) is None
        assert other.reserve(caps(2), wanted("D")) is not None

    def test_what_one_holder_releases_another_still_holds(self, ledger: Ledger, other: Ledger) -> None:
        assert ledger.reserve(caps(1), wanted("A")) is None
        assert other.reserve(caps(1, holder="other"), wanted("A")) is None
        other.release(caps(1, holder="other"), ["A"])
        assert other.reserve(caps(1, holder="other"), wanted("B")) is not None

    def test_the_caps_of_a_run_count_its_orders_at_all_portals(self, ledger: Ledger, location: str) -> None:
        ledger.reserve(caps(1), wanted("A"))
        foreign = opened(location, "https://other.example")
        assert foreign.reserve(caps(1), wanted("B")) is not None
        foreign.close()

    def test_who_orders_nothing_exceeds_nothing(self, ledger: Ledger) -> None:
        ledger.reserve(caps(2), wanted("A", "B"))
        assert ledger.reserve(caps(1), []) is None and DryRunLedger(ledger).reserve(caps(1), []) is None

    def test_of_processes_that_reserve_at_once_as_many_succeed_as_the_cap_says(
        self, ledger: Ledger, location: str
    ) -> None:
        ends = finished(*(started(RESERVE, location, f"PBX {number}", "2") for number in range(4)))
        assert sorted(ends) == ["False"] * 2 + ["True"] * 2

    # locks

    def test_a_pbx_that_another_process_holds_is_waited_for_and_then_busy(self, ledger: Ledger, location: str) -> None:
        waits: list[float] = []
        with holding(location, "A"):
            busy = pytest.raises(LockTimeout, match="another run has been ordering A for 60 s")
            with busy, ledger.lock("A", waits.append):
                raise AssertionError("both hold it")
            with ledger.lock("B", waits.append):
                pass
        assert sum(waits) == pytest.approx(_ledger.LOCK_WAIT, abs=0.5)

    def test_a_lock_ends_when_its_holder_is_killed(self, ledger: Ledger, location: str) -> None:
        with holding(location, "A") as process:
            waits: list[float] = []

            def kill(seconds: float) -> None:
                waits.append(seconds)
                process.kill()
                process.wait(timeout=60)

            with ledger.lock("A", kill):
                assert waits

    def test_a_lock_is_given_back_at_its_end_and_by_an_error(self, ledger: Ledger, location: str) -> None:
        with pytest.raises(ValueError, match="x"), ledger.lock("A"):
            raise ValueError("x")
        with ledger.lock("A"):
            pass
        with holding(location, "A"):
            pass

    def test_the_lock_of_one_portal_is_not_that_of_another(self, ledger: Ledger, location: str) -> None:
        foreign = opened(location, "https://other.example")
        with holding(location, "A"), foreign.lock("A", lambda seconds: pytest.fail("waited")):
            pass
        foreign.close()

    def test_closing_gives_every_lock_up(self, location: str) -> None:
        first = opened(location)
        lock = first.lock("A")
        lock.__enter__()
        first._database.close()
        with holding(location, "A"):
            pass
        with contextlib.suppress(LedgerError):
            lock.__exit__(None, None, None)

    # what stands in it

    def test_a_status_edited_by_hand_is_refused(self, ledger: Ledger) -> None:
        ledger.intend(intent())
        self.edit(ledger, "UPDATE yeastar_intent SET expires_at = 'soon'")
        with pytest.raises(LedgerError, match=f"an intent of {SN} cannot be read.*edited by hand.*Nothing is ordered"):
            ledger.intents()
        with pytest.raises(LedgerError, match="cannot be read"):
            ledger.intend(intent(expires_at=utc(2027, 12, 5)))

    @pytest.mark.parametrize("change", ["expires_at = 'soon'", "amount = 'much'", "currency = ''"])
    def test_a_reservation_edited_by_hand_is_refused(self, ledger: Ledger, change: str) -> None:
        ledger.reserve(caps(), wanted(A=usd("1")))
        self.edit(ledger, f"UPDATE yeastar_reservation SET {change}")
        with pytest.raises(LedgerError, match="a reservation of A cannot be read"):
            ledger.reserve(caps(), wanted("B"))

    @pytest.mark.parametrize("version", [0, 5])
    def test_another_version_is_refused_and_left_as_it_is(self, ledger: Ledger, location: str, version: int) -> None:
        self.edit(ledger, f"UPDATE yeastar_schema SET version = {version}")
        for read_only in (True, False):
            with pytest.raises(LedgerError, match=rf"version \[{version}\], expected \[4\]"):
                opened(location, read_only=read_only)
        self.edit(ledger, "UPDATE yeastar_schema SET version = 4")
        assert opened(location).intents() == []

    def test_a_ledger_without_a_version_is_refused(self, ledger: Ledger, location: str) -> None:
        self.edit(ledger, "DELETE FROM yeastar_schema")
        with pytest.raises(LedgerError, match=r"version \[\]"):
            opened(location)

    # a ledger of an earlier version

    @pytest.fixture(params=[1, 2, 3])
    def version(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)

    @pytest.fixture
    def old(self, location: str, version: int) -> str:
        """Where a ledger of an earlier version is, with one intent and what its run has reserved."""
        ledger = opened(location)
        ledger.call_unrelated(SN, "BN9", "an expansion")
        self.edit(ledger, "DROP TABLE yeastar_server")
        for table in ("intent", "reservation") if version < 3 else ():
            self.edit(ledger, f"DROP TABLE yeastar_{table}")
        if version < 3:
            self.edit(ledger, FIRST_VERSION)
            self.edit(ledger, WITHOUT_EXPIRY)
        for name in SINCE_2 if version == 2 else ():
            self.edit(ledger, f"ALTER TABLE yeastar_intent ADD COLUMN {name} TEXT")
        self.edit(ledger, f"UPDATE yeastar_schema SET version = {version}")
        words = (PORTAL, SN, "2026-12-05T00:00:00Z", "account", "run", "renewed", 1, "annually", 100, "PO")
        row = ", ".join(map(repr, (*words, "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z")))
        since = ", NULL" * {1: 0, 2: 4, 3: 6}[version]
        self.edit(ledger, f"INSERT INTO yeastar_intent VALUES ({row}, NULL, NULL, NULL, 'done'{since})")
        expiry = " ''," if version == 3 else ""  # as what an even earlier version has reserved is brought up to date
        self.edit(ledger, f"INSERT INTO yeastar_reservation VALUES ('run', 'one', '{SN}',{expiry} '60.00', 'USD')")
        ledger.close()
        return location

    KEPT = intent(status=IntentStatus.RENEWED, po_number="PO", note="done", plan_id=None, service_ids=None)

    def test_a_ledger_of_an_earlier_version_is_brought_up_to_date_with_all_that_it_holds(self, old: str) -> None:
        ledger = opened(old)
        assert ledger.intents() == [self.KEPT] and ledger.unrelated_orders() == {(SN.lower(), "BN9")}
        new = intent(product_no="B", plan_id="1", service_ids="2 3", price_amount="9.50", price_currency="USD")
        ledger.intend(new)
        ledger.close()
        again = opened(old)
        assert again.intents_of("B") == [new]
        assert again._database.query("SELECT version FROM yeastar_schema") == [(4,)]
        again.close()

    def test_a_ledger_of_an_earlier_version_that_is_only_read_is_read_as_it_is(self, old: str, version: int) -> None:
        reader = opened(old, read_only=True)
        assert reader.intents() == reader.intents_of(SN) == [self.KEPT]
        assert (
            DryRunLedger(reader).reserve(caps(1), wanted("B")) is not None
            and DryRunLedger(reader).reserve(caps(2), wanted("B")) is None
        )
        assert reader._database.query("SELECT version FROM yeastar_schema") == [(version,)]
        reader.close()

    def test_what_an_earlier_version_has_reserved_counts_as_an_order_of_its_own(self, old: str) -> None:
        """Of which expiry it was is not known, and rather one too many is counted than one too few."""
        ledger = opened(old)
        for product_no in ("B", SN):
            (exceeded, message) = DryRunLedger(ledger).reserve(caps(1), wanted(product_no)) or ("", "")
            assert exceeded == "max_orders" and f"ordering 1 ({SN}) already" in message
        assert DryRunLedger(ledger).reserve(caps(2), wanted(SN)) is None
        assert DryRunLedger(ledger).reserve(caps(None, "100"), wanted(**{SN: usd("40.01")})) is not None
        ledger.release(caps(), [SN])
        assert DryRunLedger(ledger).reserve(caps(1), wanted("B")) is None
        ledger.close()

    def test_processes_that_bring_a_ledger_up_to_date_at_once_do_it_once(self, old: str) -> None:
        assert finished(*(started(OPEN, old) for dummy in range(4))) == ["1"] * 4

    def test_an_upgrade_that_fails_leaves_the_ledger_as_it_was(self, old: str, monkeypatch: pytest.MonkeyPatch) -> None:
        schema = _ledger.SCHEMA
        half = (*schema.upgrades[3], "ALTER TABLE nothing ADD COLUMN nothing TEXT")
        with monkeypatch.context() as patched:
            patched.setattr(_access, "SCHEMA", replace(schema, upgrades={**schema.upgrades, 3: half}))
            with pytest.raises(LedgerError, match="nothing"):
                opened(old)
        ledger = opened(old)
        assert ledger.intents() == [self.KEPT]
        ledger.close()

    @pytest.fixture
    def of_0_2_0(self, location: str) -> str:
        """Where a ledger is that release 0.2.0 has written."""
        ledger = opened(location)
        for table in ("schema", "intent", "history", "reservation", "spent_plan", "unrelated_order", "server"):
            self.edit(ledger, f"DROP TABLE yeastar_{table}")
        for statement in statements_of(DUMP):
            self.edit(ledger, statement)
        ledger.close()
        return location

    @pytest.mark.parametrize("read_only", [False, True], ids=["brought up to date", "only read"])
    def test_a_ledger_of_0_2_0_opens_with_everything_in_it(self, of_0_2_0: str, read_only: bool) -> None:
        with contextlib.closing(opened(of_0_2_0, VENDOR, read_only)) as ledger:
            assert ledger.is_kept and _told(ledger) == [
                (SN, 2025, "renewed", 1, "BN10", "renewed by order BN10"),
                (SN, 2026, "unknown", 1, None, "the answer timed out"),
            ]
            first = ledger.intents_of(SN)[0]
            assert (first.price_amount, first.price_currency, first.transaction_no) == ("1680.00", "USD", "QO10")
            assert (first.plan_id, first.service_ids) == ("3048571730026938368", "3048573935752720384")
            assert {number for dummy, number in ledger.unrelated_orders()} == {"BN11"}
            with pytest.raises(PlanSpent, match="applied on 2026-11-23T06:20:44Z by the run night"):
                DryRunLedger(ledger).reserve(Caps("any"), [], "ab" * 32)
            exceeded = DryRunLedger(ledger).reserve(Caps("night", 2), wanted("C"))
            assert exceeded is not None and exceeded[0] == "max_orders"
            assert "this run (night) has ordered or is ordering 2 " in exceeded[1]
            assert len(ledger._database.query("SELECT * FROM yeastar_history")) == 26

    @pytest.mark.parametrize("read_only", [False, True], ids=["brought up to date", "only read"])
    def test_what_0_2_0_noted_under_any_spelling_of_an_address_is_found(self, of_0_2_0: str, read_only: bool) -> None:
        with contextlib.closing(opened(of_0_2_0, LOCAL, read_only)) as ledger:
            assert [row[:5] for row in _told(ledger)] == [
                ("0036580000012345", 2026, "renewed", 2, "BN15"),
                ("3631E3418911", 2026, "accepted", 1, "BN12"),
                ("3658B431119002QL", 2026, "intended", 1, None),
                (SN, 2026, "unknown", 1, None),
            ]
            assert ledger.intents_of(SN)[0].note == (
                "the answer timed out; under http://localhost:8080 the ledger had rejected (refused: quantity)"
            )
            assert {number for dummy, number in ledger.unrelated_orders()} == {"BN13", "BN14", "BN16"}
        with contextlib.closing(opened(of_0_2_0, PORTAL, read_only)) as ledger:
            assert [row[:3] for row in _told(ledger)] == [(name, 2026, "intended") for name in "ABCD"]

    def test_what_0_2_0_left_open_keeps_from_ordering_and_can_be_settled(self, of_0_2_0: str) -> None:
        with contextlib.closing(opened(of_0_2_0, LOCAL)) as ledger:
            for product_no in ("3631E3418911", "3658B431119002QL", SN, "0036580000012345"):
                with pytest.raises(IntentConflict):
                    ledger.intend(intent(portal=ledger.portal, product_no=product_no, generation=3))
            (open_one,) = ledger.intents_of(SN)
            ledger.update(open_one, status=IntentStatus.ABSENT, note="settled by hand")
            ledger.intend(intent(portal=ledger.portal, generation=2))
            history = ledger._database.query("SELECT DISTINCT portal FROM yeastar_history")
        assert sorted(history) == [(LOCAL,), (VENDOR,), (PORTAL,)]

    def test_a_ledger_of_0_2_0_that_is_only_read_is_left_as_it_is(self, of_0_2_0: str) -> None:
        for dummy in range(2):
            with contextlib.closing(opened(of_0_2_0, LOCAL, read_only=True)) as ledger:
                assert len(ledger.intents()) == 4
                assert ledger._database.query("SELECT version FROM yeastar_schema") == [(2,)]
                assert len(ledger._database.query("SELECT * FROM yeastar_intent")) == 13

    def test_processes_that_bring_a_ledger_of_0_2_0_up_to_date_at_once_do_it_once(self, of_0_2_0: str) -> None:
        assert finished(*(started(OPEN, of_0_2_0) for dummy in range(4))) == ["4"] * 4

    def test_a_ledger_opened_to_read_shows_the_same(self, ledger: Ledger, location: str) -> None:
        ledger.intend(intent())
        reader = opened(location, read_only=True)
        assert reader.intents() == [intent()] and reader.is_kept
        reader.close()

    def edit(self, ledger: Ledger, statement: str) -> None:
        """Do what a person with a database client would."""
        with ledger._database.transaction() as execute:
            execute(statement)
