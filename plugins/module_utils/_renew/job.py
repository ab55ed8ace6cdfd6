# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over one account, from validated options to a report, whoever asks for it: a module or the role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Optional

from .._decide.saved_plan import SavedPlan
from .._ledger.database import LedgerError
from .._ledger.ledger import Ledger, open_ledger
from .._ledger.location import ledger_of
from .._model.dates import Clock
from .._model.declaration import Declaration, Policy
from .._options.parsing import (
    connection_of,
    declarations_of,
    fields_of,
    fingerprint_of,
    is_loopback,
    now_of,
    policy_of,
    pool_of,
    portal_of,
    refuse_unverified,
    validity_of,
    wait_timeout_of,
)
from .._portal.client import OrderingPortal, Portal
from .._portal.errors import TransportError
from .._portal.http import Connection
from .._portal.transport import Transport, WritingTransport
from .._progress import VARIABLE, Progress
from .._secrets import Secrets
from .facts import Setting
from .order import OrderingRun
from .plan_file import document_of, read_plan, write_plan
from .report import Report, traffic_as_result
from .run import Run


class Interrupted(BaseException):
    """Somebody wants the process to end."""


class Job:
    """Holds what is known so far, so that whoever catches an error can still tell it."""

    def __init__(
        self,
        params: Mapping[str, Any],
        secrets: Secrets,
        on_warning: Callable[[str], None],
        is_awaited: Callable[[], bool] = lambda: True,
    ) -> None:
        """``params`` are validated options; ``secrets``, those that they hold among them, are in nothing that is known.

        ``is_awaited`` says whether what comes of it is still waited for, see `_controller`.
        """
        self._params = params
        self._secrets = secrets
        self._on_warning = on_warning
        self._is_awaited = is_awaited
        self.warnings: set[str] = set()
        self._transport: Optional[Transport] = None
        self._report: Optional[Report] = None

    def portal(self) -> Portal:
        """A portal that can only be read. Raises ValueError for bad connection options."""
        self._transport = Transport(self._connection(), self._secrets, self.warn, **self._surroundings())
        return Portal(self._transport, fields_of(self._params))

    def decide(self, is_check_mode: bool = False) -> Report:
        """Decide what a renewal would do; send nothing, and leave the ledger as it is.

        Raises ValueError, ReadError and LedgerError.
        """
        approved = self._approved_plan()
        report = self._report = Report(now_of(self._params), is_check_mode)
        declarations = self._declarations(approved)
        wait_timeout_of(self._params)
        portal = self.portal()
        with self._setting(approved, read_only=True) as setting:
            Run(portal, setting, report).execute(declarations)
        return report

    def save_plan(self, report: Report, is_check_mode: bool) -> dict[str, Any]:
        """Save what was decided, unless in check mode; the part of the result that tells of it.

        Nothing is saved without ``dest``, nor when a cap was exceeded: a plan without orders would say that nothing is
        due. Raises ValueError, also when the file cannot be written.
        """
        if self._params.get("dest") is None or report.excess is not None:
            return {}
        document = document_of(
            report.decisions(),
            portal_of(self._params),
            fingerprint_of(self._connection()),
            self._policy(None),
            report.now,
            validity_of(self._params),
        )
        if not is_check_mode:
            write_plan(self._params["dest"], document)
        told = ("digest", "valid_until", "has_changes", "totals", "unknown_prices")
        return {"dest": self._params["dest"], **{name: document[name] for name in told}}

    def renew(self, is_check_mode: bool) -> Report:
        """Renew what is due. In check mode, decide only: the transport then cannot write.

        Raises ValueError, ReadError and LedgerError.
        """
        connection, wait_timeout = self._connection(), wait_timeout_of(self._params)
        refuse_unverified(connection)
        if is_check_mode:
            return self.decide(is_check_mode=True)
        approved = self._approved_plan()
        report = self._report = Report(now_of(self._params), is_check_mode=False)
        declarations = self._declarations(approved)
        transport = WritingTransport(connection, self._secrets, self.warn, **self._surroundings())
        self._transport = transport
        portal = OrderingPortal(transport, fields_of(self._params))
        account = connection.client_id or ""
        with self._setting(approved, read_only=False) as setting:
            run = OrderingRun(portal, setting, report, account, wait_timeout, sleep=transport.pool.sleep)
            run.execute(declarations)
        return report

    def _surroundings(self) -> dict[str, Any]:
        """The clock and the pool of a transport."""
        pool = pool_of(self._params)
        return {"clock": self._clock().now, "pool": pool, "sleep": pool.sleep}

    def _approved_plan(self) -> Optional[SavedPlan]:
        """The saved plan that is to be applied, if one is. Raises PlanError, a ValueError."""
        policy, path = policy_of(self._params), self._params.get("plan_file")
        if path is None:
            return None
        account = fingerprint_of(self._connection())
        digest, now = self._params["plan_digest"], self._clock().now()
        approved = read_plan(path, digest, portal_of(self._params), account, now)
        return replace(approved, max_price_increase_percent=policy.max_price_increase_percent)

    def _declarations(self, approved: Optional[SavedPlan]) -> list[Declaration]:
        """What is declared of each PBX, by the options, by a saved plan, or by both. Raises ValueError."""
        if approved is None:
            return declarations_of(self._params)
        if self._params.get("subscriptions") is None:
            return approved.declarations()
        return approved.declarations_for(declarations_of(self._params))

    def _policy(self, approved: Optional[SavedPlan]) -> Policy:
        """What holds for the run; what a saved plan says of prices and expired ones holds for those who apply it."""
        policy = policy_of(self._params)
        if approved is not None:
            return approved.bound(policy)
        return replace(policy, asks_prices=self._params.get("dest") is not None)

    @contextmanager
    def ledger(self, read_only: bool, makes: bool = True) -> Iterator[Ledger]:
        """The ledger of the portal, open as long as one is in the block; ``makes`` is whether a missing one is made.

        Raises ValueError and LedgerError.
        """
        location, portal = ledger_of(self._params), portal_of(self._params)
        password = self._params.get("ledger_password") or None
        ledger = open_ledger(location, portal, self._clock().now, read_only, makes, password)
        try:
            if ledger.doubt is not None:
                self.warn(f"a run that orders would refuse the ledger {ledger.name}: {ledger.doubt}")
            if ledger.has_moved:
                self.warn(
                    f"the ledger {ledger.name} is held by another server than before, after a failover or a restore,"
                    " and what was noted last may be lost: the next run that orders notes that, and orders nothing"
                    " before settle_window is over"
                )
            yield ledger
        finally:
            ledger.close()

    @contextmanager
    def _setting(self, approved: Optional[SavedPlan], read_only: bool) -> Iterator[Setting]:
        """What a run works with."""
        policy = self._policy(approved)
        with self.ledger(read_only) as ledger:
            if not ledger.is_kept and not read_only:
                self.warn(
                    "ledger is none: an order that this run loses sight of is known to later runs only by what the"
                    " portal shows, nothing keeps two runs from ordering the same PBX at once, and caps count this"
                    " run alone"
                )
            clock = self._clock()
            ahead = clock.ahead if is_loopback(self._params) else timedelta(0)
            tell = Progress(os.environ.get(VARIABLE), self.warn).tell
            yield Setting(policy, ledger, clock.now, self.warn, ahead, approved, tell, self._is_awaited)

    def _clock(self) -> Clock:
        return Clock(now_of(self._params) if self._params.get("now") else None)

    def known(self) -> dict[str, Any]:
        """What can be told at this moment: the results, where there are any, and the traffic."""
        known = self._report.as_result() if self._report else {}
        if self._transport:
            known["requests"] = traffic_as_result(self._transport.traffic)
        return known

    def _connection(self) -> Connection:
        return connection_of(self._params)

    def warn(self, warning: str) -> None:
        """Tell a warning, once."""
        warning = self._secrets.hide(warning)
        if warning not in self.warnings:
            self.warnings.add(warning)
            self._on_warning(warning)


def describe(error: BaseException, trace: Optional[TracebackType]) -> str:
    """One sentence for whatever ended a job; for what nobody foresaw, with its place in the code."""
    if isinstance(error, (TransportError, LedgerError, Interrupted, ValueError)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by SIGINT"
    if not isinstance(error, Exception):
        return f"the run was ended by {type(error).__name__}"
    return f"unexpected {type(error).__name__} at {_place(trace)}: {error}; please report it"


def _place(trace: Optional[TracebackType]) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "an unknown place"
