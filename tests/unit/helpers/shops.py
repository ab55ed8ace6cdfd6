# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account in memory whose orders show late, if at all, and that counts what it has charged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Callable, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database, LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http import Answer
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import success
from ansible_collections.pbxops.yeastar.tests.unit.helpers.trials import Account


@dataclass
class Invoice:
    """An order that was accepted, and so charged."""

    order_no: str
    product_no: str
    po_number: str
    created_at: datetime
    status: str = "succeed"
    has_moved: bool = False
    lines: Any = None


class Shop(Account):
    """Accepted orders show in the list after ``list_lag`` seconds and at the expiry after ``expiry_lag``.

    ``echoes`` says whether the list tells purchase order numbers. An order's detail tells its kind and its lines; of
    what a person has placed neither.
    """

    def __init__(self, list_lag: float = 0, expiry_lag: float = 0, echoes: bool = True, **days_left: int) -> None:
        super().__init__(**days_left)
        self.list_lag, self.expiry_lag, self.echoes = timedelta(seconds=list_lag), timedelta(seconds=expiry_lag), echoes
        self.invoices: list[Invoice] = []
        self.ahead = timedelta(0)
        self.dates_orders = True

    def accept(self, number: str) -> Answer:
        return success(self.charge(number, self.sent[-1].get("poNumber", ""), self.sent[-1]["serviceList"]))

    def charge(self, number: str, po_number: str = "", lines: Any = None) -> dict[str, Any]:
        """Accept an order; what its answer says."""
        order_no = f"BN{len(self.invoices) + 1}"
        portal_now = self.now() + (self.ahead or timedelta(0))
        self.invoices.append(Invoice(order_no, number, po_number, portal_now, self.saved_status, lines=lines))
        return {"orderNo": order_no, "orderStatus": self.saved_status, "productNo": number, "transactionNo": "QO1"}

    def charged(self) -> list[str]:
        """The tags of the invoices that are not dead."""
        dead = ("failed", "invalid", "cancelled", "refunded")
        return [invoice.po_number for invoice in self.invoices if invoice.status not in dead]

    def _read(self, name: str, path: str, params: dict[str, str]) -> Any:
        if name == "token":
            return {"token": f"token-{self.log.count('token')}", "expiresIn": 1800}
        portal_now = self.now() + (self.ahead or timedelta(0))
        for invoice in self.invoices:
            is_over = invoice.status == "succeed" and portal_now - invoice.created_at >= self.expiry_lag
            if is_over and not invoice.has_moved:
                invoice.has_moved = True
                self.move(invoice.product_no)
        if name == "order" and path.rsplit("/", 1)[1] not in self.order_details:
            return self._detail(path.rsplit("/", 1)[1])
        if name == "page":
            shown = [one for one in self.invoices if portal_now - one.created_at >= self.list_lag]
            self.orders = [self._row(invoice) for invoice in shown]
        return super()._read(name, path, params)

    def _detail(self, order_id: str) -> dict[str, Any]:
        (invoice,) = (one for one in self.invoices if one.order_no == order_id)
        if invoice.lines is None:
            return {"basicInformation": {"productNo": invoice.product_no}}
        return {"operationType": "renew_plan", "orderSummary": {"serviceList": invoice.lines}}

    def _row(self, invoice: Invoice) -> dict[str, Any]:
        row = {"id": invoice.order_no, "orderNo": invoice.order_no, "orderStatus": invoice.status}
        row.update(productNo=invoice.product_no)
        if self.dates_orders:
            row.update(createTime=invoice.created_at.isoformat())
        return {**row, "poNumber": invoice.po_number} if self.echoes else row


class Watched:
    """A database that tells of each transaction before and after it; what is told may raise."""

    def __init__(self, database: Database, tell: Callable[[str], None]) -> None:
        self._database, self._tell = database, tell
        self.name, self.is_kept = database.name, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def query(self, statement: str, values: Any = ()) -> Any:
        self._tell("query")
        return self._database.query(statement, values)

    def try_lock(self, key: str) -> bool:
        self._tell("lock")
        return self._database.try_lock(key)

    def unlock(self, key: str) -> None:
        self._tell("unlock")
        self._database.unlock(key)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self._tell("begin")
        with self._database.transaction() as execute:
            yield execute
        self._tell("committed")


def watch(ledger: Ledger, tell: Callable[[str], None]) -> None:
    """Have a ledger tell of what it does."""
    inner = ledger._database
    ledger._database = Watched(inner._database if isinstance(inner, Watched) else inner, tell)


def break_down(ledger: Ledger, after: int = 0, step: str = "begin") -> None:
    """Have every transaction of a ledger fail, after so many that did not."""
    left = [after]

    def tell(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] < 0:
                raise LedgerError("the ledger x cannot be used: disk full; see that it has room")

    watch(ledger, tell)


def rows_of(ledger: Ledger) -> dict[str, list[Any]]:
    """All that is in a ledger."""
    tables = ("intent", "history", "reservation", "unrelated_order")
    return {name: list(ledger._database.query(f"SELECT * FROM yeastar_{name}")) for name in tables}


def statuses(ledger: Ledger) -> list[tuple[str, int]]:
    """Status and generation of each intent."""
    return [(intent.status, intent.generation) for intent in ledger.intents()]


def history(ledger: Ledger) -> list[Optional[str]]:
    """The statuses that the intents went through."""
    return [row[0] for row in ledger._database.query("SELECT status FROM yeastar_history ORDER BY rowid")]
