# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over one account, from validated options to a report, for a module and for the role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Optional

from ansible.module_utils.basic import missing_required_lib

from .._address import is_loopback
from .._concurrency import Pool
from .._decide.saved_plan import SavedPlan
from .._errors import LibraryMissing
from .._ledger.access import ledger_in_use
from .._model.dates import Clock
from .._model.declaration import Declaration, Policy
from .._options.portal import PortalOptions, portal_options_of, refuse_unverified
from .._options.run import RunOptions, run_options_of
from .._portal.client import Portal
from .._portal.http_client import REQUESTS_IMPORT_ERROR
from .._portal.sender import OrderSender
from .._portal.transport import Transport
from .._progress import VARIABLE, Progress
from .._secrets import Secrets
from .facts import RunContext
from .plan_file import document_of, read_plan, write_plan
from .report import Report, traffic_as_result
from .run import Run


class Job:
    """Holds what is known so far, so that anyone who catches an error can still report it."""

    def __init__(
        self,
        params: Mapping[str, Any],
        secrets: Secrets,
        on_warning: Callable[[str], None],
        is_awaited: Callable[[], bool] = lambda: True,
    ) -> None:
        """``secrets`` holds those of the options when this is used, and receives those that the portal issues.

        ``is_awaited`` says whether anyone still waits for the result, see `_controller`.
        """
        self._params = params
        self._secrets = secrets
        self._on_warning = on_warning
        self._is_awaited = is_awaited
        self.warnings: set[str] = set()
        self._transport: Optional[Transport] = None
        self._report: Optional[Report] = None

    def portal(self) -> Portal:
        """Return a portal to read from. Raises ValueError for bad options, LibraryMissing."""
        options = portal_options_of(self._params)
        return Portal(self._connected(options, Clock(options.now)), options.fields)

    def decide(self, is_check_mode: bool = False) -> Report:
        """Decide what a renewal would do; send nothing, and leave the ledger as it is.

        Raises ValueError, ReadError and LedgerError.
        """
        return self._run(is_check_mode, orders=False)

    def renew(self, is_check_mode: bool) -> Report:
        """Renew what is due. In check mode, only decide: the run then gets nothing to send orders with.

        Raises ValueError, ReadError and LedgerError.
        """
        refuse_unverified(self._options.portal.connection)
        return self._run(is_check_mode, orders=not is_check_mode)

    def save_plan(self, report: Report, is_check_mode: bool) -> dict[str, Any]:
        """Save what was decided, unless in check mode, and return the part of the result that shows it.

        Nothing is saved without ``dest``, or if a cap was exceeded: a plan without orders would say that nothing is
        due. Raises ValueError, also if the file cannot be written.
        """
        options = self._options
        if options.dest is None or report.excess is not None:
            return {}
        policy = replace(options.policy, asks_prices=True)
        portal, account = options.ledger.portal, options.portal.account
        document = document_of(report.decisions(), portal, account, policy, report.now, options.valid_for)
        if not is_check_mode:
            write_plan(options.dest, document)
        shown = ("digest", "valid_until", "has_changes", "totals", "unknown_prices")
        return {"dest": options.dest, **{name: document[name] for name in shown}}

    @cached_property
    def _options(self) -> RunOptions:
        """The options of the run, read once. Raises ValueError."""
        return run_options_of(self._params)

    def _run(self, is_check_mode: bool, orders: bool) -> Report:
        options = self._options
        clock = Clock(options.portal.now)
        approved = _approved_plan(options, clock)
        report = self._report = Report(options.portal.now or clock.now(), is_check_mode)
        declarations = _declarations(options, approved)
        transport = self._connected(options.portal, clock, may_write=orders)
        with self._context(options, approved, clock, transport.pool, read_only=not orders) as context:
            portal, sender = Portal(transport, options.portal.fields), OrderSender(transport) if orders else None
            Run(portal, context, report, sender, options.portal.connection.client_id or "").execute(declarations)
        return report

    def _connected(self, options: PortalOptions, clock: Clock, may_write: bool = False) -> Transport:
        if REQUESTS_IMPORT_ERROR is not None:
            raise LibraryMissing(missing_required_lib("requests"))
        pool = Pool(options.concurrency)
        self._transport = Transport(
            options.connection, self._secrets, self.warn, pool.sleep, clock.now, pool, may_write=may_write
        )
        return self._transport

    @contextmanager
    def _context(
        self, options: RunOptions, approved: Optional[SavedPlan], clock: Clock, pool: Pool, read_only: bool
    ) -> Iterator[RunContext]:
        """Open the ledger for the duration of a run, and yield what the run works with."""
        at = options.ledger
        with ledger_in_use(at.location, at.portal, clock.now, self.warn, read_only, password=at.password) as ledger:
            if not ledger.is_kept and not read_only:
                self.warn(
                    "ledger is none: an order that this run loses sight of is known to later runs only by what the"
                    " portal shows, nothing keeps two runs from ordering the same PBX at once, and caps count this"
                    " run alone"
                )
            yield RunContext(
                policy=_policy(options, approved),
                ledger=ledger,
                clock=clock.now,
                warn=self.warn,
                ahead=clock.ahead if is_loopback(options.portal.connection.base_url) else timedelta(0),
                approved=approved,
                progress=Progress(os.environ.get(VARIABLE), self.warn).report,
                is_awaited=self._is_awaited,
                sleep=pool.sleep,
                wait_timeout=options.wait_timeout,
            )

    def known(self) -> dict[str, Any]:
        """What can be reported at this moment: the results, if there are any, and the traffic."""
        known = self._report.as_result() if self._report else {}
        if self._transport:
            known["requests"] = traffic_as_result(self._transport.traffic)
        return known

    def warn(self, warning: str) -> None:
        """Pass a warning on, once."""
        warning = self._secrets.hide(warning)
        if warning not in self.warnings:
            self.warnings.add(warning)
            self._on_warning(warning)


def _approved_plan(options: RunOptions, clock: Clock) -> Optional[SavedPlan]:
    """The saved plan to apply, if there is one. Raises PlanError."""
    if options.plan_file is None:
        return None
    portal, account = options.ledger.portal, options.portal.account
    approved = read_plan(options.plan_file, options.plan_digest, portal, account, clock.now())
    return replace(approved, max_price_increase_percent=options.policy.max_price_increase_percent)


def _declarations(options: RunOptions, approved: Optional[SavedPlan]) -> list[Declaration]:
    """What is declared of each PBX, by the options, a saved plan, or both. Raises ValueError."""
    if approved is None:
        return list(options.declarations or ())
    return approved.declarations() if options.declarations is None else approved.declarations_for(options.declarations)


def _policy(options: RunOptions, approved: Optional[SavedPlan]) -> Policy:
    """The policy of the run; if a saved plan is applied, that decides about prices and expired PBXs."""
    if approved is not None:
        return approved.bound(options.policy)
    return replace(options.policy, asks_prices=options.dest is not None)
