# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the ledger of a portal, and warn of doubts about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Optional

from .ledger import Ledger
from .opening import connect
from .schema import SCHEMA


@contextmanager
def ledger_in_use(
    location: str,
    portal: str,
    clock: Callable[[], datetime],
    warn: Callable[[str], None],
    read_only: bool,
    creates: bool = True,
    password: Optional[str] = None,
) -> Iterator[Ledger]:
    """Open a ledger with `open_ledger` for the block. Raises LedgerError."""
    ledger = open_ledger(location, portal, clock, read_only, creates, password)
    try:
        if ledger.doubt is not None:
            warn(f"a run that orders would refuse the ledger {ledger.name}: {ledger.doubt}")
        if ledger.has_moved:
            warn(
                f"the ledger {ledger.name} is on another server than before, after a failover or a restore, and its"
                " latest records may be lost: the next run that orders records that, and orders nothing before"
                " settle_window is over"
            )
        yield ledger
    finally:
        ledger.close()


def open_ledger(
    location: str,
    portal: str,
    clock: Callable[[], datetime],
    read_only: bool,
    creates: bool = True,
    password: Optional[str] = None,
) -> Ledger:
    """Open a ledger at a path, a ``postgresql://`` URL, or ``none`` for one that ends with the process.

    A missing one is created, unless ``read_only`` or not ``creates``: then an empty one replaces it. An older one is
    upgraded, unless ``read_only``. ``password`` is that of the user in PostgreSQL. A ledger is never repaired.

    Raises LedgerError if it cannot be trusted: not readable, not writable, corrupt, of a newer version, or writable by
    others (docs/reliability.md, 11 and 13).
    """
    ledger = Ledger(connect(location, SCHEMA, read_only, creates, password), portal, clock)
    ledger.notice_server(read_only)
    return ledger
