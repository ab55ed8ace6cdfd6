# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal today would do about the PBXs that were looked at: a run without a sender, over what was read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Optional

from .._decide.planner import longest_window
from .._errors import CollectionError
from .._ledger.access import ledger_in_use
from .._model.dates import Clock
from .._model.declaration import FROM_EXPIRY, Declaration, Policy
from .._model.subscription import Subscription
from .._model.undetermined import known
from .._options.ledger import LedgerOptions
from .._portal.errors import ReadError
from .._portal.snapshot import Snapshot
from .._renew.facts import RunContext
from .._renew.report import Report
from .._renew.run import Run
from .account_as_read import AccountAsRead
from .readiness import Forecast, prospect_of


class Forecaster:
    """Decides as a renewal would, whatever time is left; nothing is ordered and nothing is written."""

    def __init__(
        self,
        ledger: LedgerOptions,
        billing_contact: Optional[str],
        clock: Clock,
        ahead: timedelta,
        warn: Callable[[str], None],
    ) -> None:
        """``ahead`` is how far ``clock`` is ahead of the portal's, see `RunContext`."""
        self._ledger = ledger
        self._policy = Policy(
            include_expired=True, billing_contact=billing_contact, asks_prices=True, run_id=uuid.uuid4().hex
        )
        self._clock = clock
        self._ahead = ahead
        self._warn = warn

    def forecast(self, portal: AccountAsRead, product_nos: Sequence[str]) -> Forecast:
        """Decide about each PBX; why nothing could be decided is in the forecast."""
        if not product_nos:
            return Forecast(problem="no PBX is known")
        at, report = self._ledger, Report(self._clock.now(), is_check_mode=True)
        try:
            declarations = [self._declaration(one) for one in subscriptions_of(portal, product_nos)]
            ledger_in = ledger_in_use(
                at.location, at.portal, self._clock.now, self._warn, read_only=True, password=at.password
            )
            with ledger_in as ledger:
                context = RunContext(self._policy, ledger, self._clock.now, self._warn, self._ahead)
                Run(portal, context, report).execute(declarations)
        except CollectionError as error:
            return Forecast(problem=str(error))
        prospects = tuple(map(prospect_of, report.decisions()))
        asked = [one.product_no for one in report.decisions() if one.price_asked]
        problems = tuple(portal.price_problems[number] for number in asked if number in portal.price_problems)
        return Forecast(prospects, price_problems=problems)

    def _declaration(self, subscription: Subscription) -> Declaration:
        """Look at a PBX as if it were due: the longest window that its cycle allows."""
        cycle = known(subscription.billing_cycle)
        window = None if cycle is None else longest_window(cycle, FROM_EXPIRY)
        return Declaration(subscription.product_no, remaining_days=window)


def subscriptions_of(portal: AccountAsRead, product_nos: Sequence[str]) -> list[Subscription]:
    """PBXs as their rows and details report them together. Raises ReadError if the product list cannot be read."""
    if not product_nos:
        return []
    snapshot = Snapshot(portal)
    snapshot.read_listing()

    def joined(product_no: str) -> Subscription:
        try:
            return snapshot.complete(product_no)
        except ReadError:
            return snapshot.subscriptions[product_no]

    return [joined(product_no) for product_no in product_nos]
