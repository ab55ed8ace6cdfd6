# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a ledger, and how to bring those of an earlier version up to date."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from .._model.intent import Intent
from .._model.vocabulary import IntentStatus
from .database import Execute, Rows, Schema, Step
from .names import portal_name, united

COLUMNS = tuple(field.name for field in fields(Intent))
# The schema version since which intents have these columns.
SINCE = {
    **dict.fromkeys(("plan_id", "service_ids", "price_amount", "price_currency"), 2),
    **dict.fromkeys(("orders_before", "unreported_by"), 3),
}
INSERT_INTENT = f"INSERT INTO yeastar_intent ({', '.join(COLUMNS)}) VALUES ({', '.join('?' for dummy in COLUMNS)})"
_STATUS_LIST = ", ".join(f"'{status}'" for status in IntentStatus)
# ``expires_at`` is empty in reservations from an earlier version, which did not note it.
_RESERVATION = """CREATE TABLE yeastar_reservation (
    run_id TEXT NOT NULL, holder TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL, amount TEXT,
    currency TEXT,
    PRIMARY KEY (run_id, holder, product_no, expires_at))"""

# An order that a person calls unrelated to one PBX may still be another PBX's.
_UNRELATED_ORDERS = """CREATE TABLE yeastar_unrelated_order (
        portal TEXT NOT NULL, product_no TEXT NOT NULL, order_no TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (portal, product_no, order_no))"""

# At most one row: the server last seen to hold the ledger, and since when it has been a different one than before.
_SERVER = "CREATE TABLE yeastar_server (identity TEXT NOT NULL, changed_at TEXT)"

_TABLES = (
    "CREATE TABLE yeastar_schema (version INTEGER NOT NULL)",
    f"""CREATE TABLE yeastar_intent (
        portal TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL, account TEXT NOT NULL,
        run_id TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ({_STATUS_LIST})),
        generation INTEGER NOT NULL CHECK (generation > 0), billing_cycle TEXT NOT NULL, quantity INTEGER NOT NULL,
        po_number TEXT NOT NULL, uncertain_since TEXT NOT NULL, portal_uncertain_since TEXT, order_no TEXT,
        transaction_no TEXT, order_status TEXT, note TEXT NOT NULL, plan_id TEXT, service_ids TEXT, price_amount TEXT,
        price_currency TEXT, orders_before TEXT, unreported_by TEXT,
        PRIMARY KEY (portal, product_no, expires_at))""",
    """CREATE TABLE yeastar_history (
        at TEXT NOT NULL, portal TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL,
        generation INTEGER NOT NULL, status TEXT NOT NULL, run_id TEXT NOT NULL, order_no TEXT, note TEXT NOT NULL)""",
    _RESERVATION,
    "CREATE TABLE yeastar_spent_plan (digest TEXT PRIMARY KEY, run_id TEXT NOT NULL, at TEXT NOT NULL)",
    _UNRELATED_ORDERS,
    _SERVER,
)


def _new_columns(version: int) -> tuple[str, ...]:
    names = [name for name, since in SINCE.items() if since == version]
    return tuple(f"ALTER TABLE yeastar_intent ADD COLUMN {name} TEXT" for name in names)


def _rebuilt(name: str, table: str, columns: str) -> tuple[str, ...]:
    """Give a table another primary key, which SQLite cannot change; ``columns`` are those to copy from the old one."""
    rows = f"INSERT INTO {name} SELECT {columns} FROM {name}_old"
    return (f"ALTER TABLE {name} RENAME TO {name}_old", table, rows, f"DROP TABLE {name}_old")


def _give_portals_one_name(execute: Execute) -> None:
    """Bring everything under several spellings of a portal's address together under its one name."""
    for (name,) in execute("SELECT DISTINCT portal FROM yeastar_history"):
        execute("UPDATE yeastar_history SET portal = ? WHERE portal = ?", (portal_name(name), name))
    unrelated = {
        (portal_name(row[0]), *row[1:3]): row
        for row in execute("SELECT portal, product_no, order_no, reason, at FROM yeastar_unrelated_order")
    }
    execute("DELETE FROM yeastar_unrelated_order")
    for key, row in unrelated.items():
        execute("INSERT INTO yeastar_unrelated_order VALUES (?, ?, ?, ?, ?)", (*key, *row[3:]))
    intents = united(as_mappings(execute(f"SELECT {', '.join(COLUMNS)} FROM yeastar_intent")))
    execute("DELETE FROM yeastar_intent")
    for intent in intents:
        execute(INSERT_INTENT, tuple(intent.values()))


_UPGRADES: dict[int, tuple[Step, ...]] = {
    1: _new_columns(2),
    2: (
        *_new_columns(3),
        *_rebuilt("yeastar_unrelated_order", _UNRELATED_ORDERS, "*"),
        *_rebuilt("yeastar_reservation", _RESERVATION, "run_id, holder, product_no, '', amount, currency"),
        _give_portals_one_name,
    ),
    3: (_SERVER,),
}
SCHEMA = Schema(4, _TABLES, _UPGRADES)


def as_mappings(rows: Rows) -> list[dict[str, Any]]:
    """Rows of intents as mappings, keyed by column name."""
    return [dict(zip(COLUMNS, row)) for row in rows]
