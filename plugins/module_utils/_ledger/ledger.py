# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what was meant to be ordered, what became of it, and what a run may still order.

Only this file writes it. An intent is durable before the first byte of its order leaves, and unique by portal, product
and observed expiry; whatever two processes do at once, a single transaction decides. For how a database is reached, see
`_ledger.opening`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Optional

from .._decide.caps import Caps, Reservation, excess_of
from .._errors import CollectionError
from .._model.dates import format_instant, parse_instant
from .._model.intent import ACCEPTED_AS, Intent
from .._model.money import Money, parse_amount, parse_currency
from .._model.span import same_expiry
from .._model.vocabulary import IntentStatus, Reason
from .database import Database, Execute, LedgerError, Rows
from .names import portal_name, united
from .schema import COLUMNS, INSERT_INTENT, SCHEMA, SINCE, as_mappings

LOCK_WAIT = 60.0  # s that a run waits for another one that is ordering the same PBX (docs/reliability.md, 38)
_LOCK_POLL = 0.2  # s

_INSTANTS = ("expires_at", "uncertain_since", "portal_uncertain_since")
_OF_INTENT = " AND product_no = ? AND expires_at = ?"
_UNRESERVE = "DELETE FROM yeastar_reservation WHERE run_id = ? AND holder = ? AND product_no = ?"


class IntentConflict(CollectionError):
    """Another run has an intent for this subscription and expiry that is not closed: ``intent``."""

    def __init__(self, intent: Intent) -> None:
        """``intent`` is the one in the ledger."""
        self.intent = intent
        super().__init__(f"the ledger has an intent for {intent}")


class PlanSpent(LedgerError):
    """A saved plan that has been applied before."""


class LockTimeout(LedgerError):
    """Another run holds the lock of a PBX for longer than this one waits."""


class Ledger:
    """The ledger of one portal. Every method may raise LedgerError; then nothing may be ordered."""

    def __init__(self, database: Database, portal: str, clock: Callable[[], datetime]) -> None:
        """``portal`` is the base URL; ``clock`` gives the controller's instant, with which entries are dated."""
        self._database = database
        self._clock = clock
        self.portal = portal
        # A ledger that is only read may have an earlier version: fewer columns, and several names for the portal.
        names = [f"NULL AS {name}" if SINCE.get(name, 1) > database.version else name for name in COLUMNS]
        self._names = _names_of(portal, database) if database.version < SCHEMA.version else (portal,)
        self._of_portal = f"WHERE portal IN ({', '.join('?' for dummy in self._names)})"
        self._select = f"SELECT {', '.join(names)} FROM yeastar_intent {self._of_portal}"
        expires_at = "expires_at" if database.version >= 3 else "''"
        self._reserved = f"SELECT product_no, {expires_at}, amount, currency FROM yeastar_reservation WHERE run_id = ?"
        # Since when another server holds the ledger, which may lack the latest notes; None if the server is the same.
        self.server_changed_at: Optional[datetime] = None
        # Whether another server holds it and that is not noted yet, since the ledger was only read.
        self.has_moved = False

    def close(self) -> None:
        """Give up the connection and every lock."""
        self._database.close()

    @property
    def is_kept(self) -> bool:
        """Whether later runs can read what is written."""
        return self._database.is_kept

    @property
    def name(self) -> str:
        """Which ledger it is, in words, without a password."""
        return self._database.name

    @property
    def doubt(self) -> Optional[str]:
        """Why a run that orders would refuse this ledger, if it is only read."""
        return self._database.doubt

    def notice_server(self, read_only: bool) -> None:
        """Check whether a different server holds the ledger than before, and note it unless ``read_only``."""
        if self._database.version < 4 or self._database.identity is None:
            return
        noted, changed_at = self._server(self._database.query)
        if noted != self._database.identity and not read_only:
            with self._database.transaction() as execute:
                noted, changed_at = self._server(execute)
                if noted is None:
                    execute("INSERT INTO yeastar_server VALUES (?, NULL)", (self._database.identity,))
                elif noted != self._database.identity:
                    changed_at = self._clock()
                    change = "UPDATE yeastar_server SET identity = ?, changed_at = ?"
                    execute(change, (self._database.identity, format_instant(changed_at)))
                    noted = self._database.identity
        self.has_moved = noted not in (None, self._database.identity)
        self.server_changed_at = changed_at

    def intents(self) -> list[Intent]:
        """All intents of the portal, sorted by PBX and expiry."""
        return self._all(self._database.query(self._select, self._names))

    def intents_of(self, product_no: str) -> list[Intent]:
        """The intents of one PBX, sorted by expiry."""
        return self._all(self._database.query(f"{self._select} AND product_no = ?", (*self._names, product_no)))

    def unrelated_orders(self) -> frozenset[tuple[str, str]]:
        """PBX, in lower case, and number of each order that a person called no renewal of that PBX."""
        called = f"SELECT product_no, order_no FROM yeastar_unrelated_order {self._of_portal}"
        rows = self._database.query(called, self._names)
        return frozenset((str(product_no).casefold(), str(order_no)) for product_no, order_no in rows)

    @contextmanager
    def lock(self, product_no: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Hold a PBX exclusively among all who share the ledger; the lock ends with its holder, however that ends.

        Raises LockTimeout after LOCK_WAIT seconds.
        """
        key = f"{self.portal} {product_no}"
        waited = 0.0
        while not self._database.try_lock(key):
            if waited >= LOCK_WAIT:
                raise LockTimeout(f"another run has been ordering {product_no} for {LOCK_WAIT:g} s; run again later")
            sleep(_LOCK_POLL)
            waited += _LOCK_POLL
        try:
            yield
        except BaseException:  # raised again once the lock is released
            with suppress(LedgerError):  # the first error counts; a lost connection has lost its locks anyway
                self._database.unlock(key)
            raise
        self._database.unlock(key)

    def reserve(
        self, caps: Caps, wanted: Collection[Reservation], digest: Optional[str] = None
    ) -> Optional[tuple[Reason, str]]:
        """Count these orders towards the caps of the run, all or none. If a cap prevents it, return which one and how.

        An order that the run has reserved before, in another of its processes or attempts, counts once. ``digest`` is
        the saved plan being applied, which is spent with its first order. Raises PlanSpent if it was spent before.
        """
        with self._database.transaction() as execute:
            if digest is not None:
                _refuse_spent(execute, digest)
            excess = excess_of(caps, wanted, self._read_reserved(execute(self._reserved, (caps.run_id,))))
            if digest is not None and wanted and not excess:
                spent = (digest, caps.run_id, format_instant(self._clock()))
                execute("INSERT INTO yeastar_spent_plan VALUES (?, ?, ?)", spent)
            for one in () if excess else wanted:
                expires_at = "" if one.expires_at is None else format_instant(one.expires_at)
                amount, currency = (None, None) if one.price is None else (f"{one.price.amount:f}", one.price.currency)
                execute(_UNRESERVE, (caps.run_id, caps.holder, one.product_no))
                row = (caps.run_id, caps.holder, one.product_no, expires_at, amount, currency)
                execute("INSERT INTO yeastar_reservation VALUES (?, ?, ?, ?, ?, ?)", row)
        return excess

    def release(self, caps: Caps, product_nos: Collection[str]) -> None:
        """Stop counting PBXs for which this holder has ordered nothing."""
        with self._database.transaction() as execute:
            for product_no in product_nos:
                execute(_UNRESERVE, (caps.run_id, caps.holder, product_no))

    def intend(self, intent: Intent) -> None:
        """Write an intent durably, before its order is sent.

        A closed one for the same expiry is replaced by its next generation. Raises IntentConflict if the PBX has one
        that is not closed, or has had this generation already.
        """
        with self._database.transaction() as execute:
            for row in execute(f"{self._select} AND product_no = ?", (self.portal, intent.product_no)):
                existing = self._read(row)
                is_same = same_expiry(existing.expires_at, intent.expires_at)
                if existing.is_unsettled or (is_same and not existing.is_closed):
                    raise IntentConflict(existing)
                if is_same and existing.generation >= intent.generation:
                    raise IntentConflict(existing)
                if is_same:
                    execute(f"DELETE FROM yeastar_intent WHERE portal = ?{_OF_INTENT}", _key(existing))
            execute(INSERT_INTENT, _row_of(intent))
            self._note(execute, intent)

    def update(self, intent: Intent, **changes: Any) -> Intent:
        """Change an intent durably, and return it. Raises IntentConflict if another run has changed it."""
        changed = replace(intent, **changes)
        if changed == intent:
            return intent
        with self._database.transaction() as execute:
            rows = execute(self._select + _OF_INTENT, _key(intent))
            if not rows:
                raise LedgerError(f"{self._database.name}: the intent for {intent} is gone; was the ledger edited?")
            current = dict(zip(COLUMNS, rows[0]))
            if (current["status"], current["generation"]) != (intent.status.value, intent.generation):
                raise IntentConflict(self._read(rows[0]))
            self._change(execute, intent, changed)
        return changed

    def was_answered_with(self, product_no: str, order_no: str) -> bool:
        """Whether the portal itself answered an order of ours for a PBX with this order number."""
        noted = f"SELECT 1 FROM yeastar_history {self._of_portal} AND product_no = ? AND order_no = ? AND note LIKE ?"
        return bool(self._database.query(noted, (*self._names, product_no, order_no, f"{ACCEPTED_AS} %")))

    def call_unrelated(self, product_no: str, order_no: str, reason: str) -> None:
        """Note that a person called an order of the portal no renewal of a PBX.

        An intent that had taken that order for its own becomes uncertain again.
        """
        with self._database.transaction() as execute:
            key = (self.portal, product_no, order_no)
            execute(
                "DELETE FROM yeastar_unrelated_order WHERE portal = ? AND product_no = ? AND order_no = ?",
                key,
            )
            row = (*key, reason, format_instant(self._clock()))
            execute("INSERT INTO yeastar_unrelated_order VALUES (?, ?, ?, ?, ?)", row)
            taken = f"{self._select} AND product_no = ? AND order_no = ? AND status IN (?, ?)"
            for found in execute(taken, (*key, IntentStatus.ACCEPTED.value, IntentStatus.DEAD.value)):
                intent = self._read(found)
                note = f"order {order_no} is unrelated, somebody says: {reason}"
                free = replace(intent, order_no=None, transaction_no=None, order_status=None)
                self._change(execute, intent, replace(free, status=IntentStatus.UNKNOWN, note=note))

    def note_reported(self, holder: str, product_nos: Collection[str]) -> None:
        """Note that the orders of a process, and those of others for these PBXs, are in its result."""
        with self._database.transaction() as execute:
            clear = "UPDATE yeastar_intent SET unreported_by = NULL WHERE portal = ? AND"
            execute(f"{clear} unreported_by = ?", (self.portal, holder))
            for product_no in product_nos:
                execute(f"{clear} product_no = ? AND status = ?", (self.portal, product_no, IntentStatus.RENEWED.value))

    def _change(self, execute: Execute, intent: Intent, changed: Intent) -> None:
        assignments = ", ".join(f"{name} = ?" for name in COLUMNS)
        statement = f"UPDATE yeastar_intent SET {assignments} WHERE portal = ?{_OF_INTENT}"
        execute(statement, (*_row_of(changed), *_key(intent)))
        if (changed.status, changed.note) != (intent.status, intent.note):
            self._note(execute, changed)

    def _note(self, execute: Execute, intent: Intent) -> None:
        """Add a line to the history, which is never changed afterwards."""
        row = (format_instant(self._clock()), *_key(intent), intent.generation, intent.status.value, intent.run_id)
        execute("INSERT INTO yeastar_history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, intent.order_no, intent.note))

    def _read_reserved(self, rows: Rows) -> list[Reservation]:
        reserved = []
        for product_no, expires_at, amount, currency in rows:
            try:
                price = None if amount is None else Money(parse_amount(amount), parse_currency(currency))
                reserved.append(Reservation(product_no, parse_instant(expires_at) if expires_at else None, price))
            except ValueError as error:
                raise self._unreadable(f"a reservation of {product_no}", error) from None
        return reserved

    def _server(self, execute: Execute) -> tuple[Optional[str], Optional[datetime]]:
        """The server that is noted, and when it was found to have replaced an earlier one."""
        rows = execute("SELECT identity, changed_at FROM yeastar_server")
        try:
            ((identity, changed_at),) = rows or [(None, None)]
            return identity, None if changed_at is None else parse_instant(changed_at)
        except ValueError as error:
            raise self._unreadable("the note of its server", error) from None

    def _all(self, rows: Rows) -> list[Intent]:
        """The intents in rows, sorted by PBX and expiry."""
        if self._names != (self.portal,):
            rows = [tuple(row.values()) for row in united(as_mappings(rows))]
        return sorted(map(self._read, rows), key=lambda intent: (intent.product_no, intent.expires_at))

    def _read(self, row: tuple[Any, ...]) -> Intent:
        values = dict(zip(COLUMNS, row))
        try:
            values["status"] = _status(values["status"])
            for name in ("generation", "quantity"):
                if not isinstance(values[name], int):
                    raise ValueError(f"{name} {values[name]!r}")
            values.update({name: parse_instant(values[name]) for name in _INSTANTS if values[name] is not None})
            if values["price_amount"] is not None:
                parse_amount(values["price_amount"])
                parse_currency(values["price_currency"])
        except ValueError as error:
            raise self._unreadable(f"an intent of {values['product_no']}", error) from None
        return Intent(**values)

    def _unreadable(self, what: str, error: ValueError) -> LedgerError:
        return LedgerError(
            f"{self._database.name}: {what} cannot be read ({error}): was the ledger edited by hand? Nothing is ordered"
            " until it is mended"
        )


class DryRunLedger(Ledger):
    """A ledger for a run without orders: it locks nothing, and only returns what would be written."""

    def __init__(self, ledger: Ledger) -> None:
        """``ledger`` is read and never changed."""
        super().__init__(ledger._database, ledger.portal, ledger._clock)
        self.server_changed_at, self.has_moved = ledger.server_changed_at, ledger.has_moved

    @contextmanager
    def lock(self, product_no: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Lock nothing: a run that orders nothing keeps nobody waiting."""
        yield

    def reserve(
        self, caps: Caps, wanted: Collection[Reservation], digest: Optional[str] = None
    ) -> Optional[tuple[Reason, str]]:
        """Return the cap that would be exceeded. Raises PlanSpent for a plan that has been applied."""
        if digest is not None:
            _refuse_spent(self._database.query, digest)
        return excess_of(caps, wanted, self._read_reserved(self._database.query(self._reserved, (caps.run_id,))))

    def release(self, caps: Caps, product_nos: Collection[str]) -> None:
        """Do nothing, since nothing was reserved."""

    def update(self, intent: Intent, **changes: Any) -> Intent:
        """Return the intent as it would be."""
        return replace(intent, **changes)

    def note_reported(self, holder: str, product_nos: Collection[str]) -> None:
        """Do nothing: the next run that orders notes what has been reported."""


def _names_of(portal: str, database: Database) -> tuple[str, ...]:
    """All names of a portal in a ledger of an earlier version."""
    rows = database.query("SELECT portal FROM yeastar_intent UNION SELECT portal FROM yeastar_unrelated_order")
    return tuple(sorted({portal, *(row[0] for row in rows if portal_name(row[0]) == portal)}))


def _refuse_spent(execute: Execute, digest: str) -> None:
    for run_id, at in execute("SELECT run_id, at FROM yeastar_spent_plan WHERE digest = ?", (digest,)):
        raise PlanSpent(f"plan_file: this plan was applied on {at} by the run {run_id}; plan again")


def _key(intent: Intent) -> tuple[str, str, str]:
    return (intent.portal, intent.product_no, format_instant(intent.expires_at))


def _row_of(intent: Intent) -> tuple[Any, ...]:
    return tuple(_column(getattr(intent, name)) for name in COLUMNS)


def _column(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.value if isinstance(value, IntentStatus) else value


def _status(word: object) -> IntentStatus:
    try:
        return IntentStatus(word)
    except ValueError:
        raise ValueError(f"status {word!r}") from None
