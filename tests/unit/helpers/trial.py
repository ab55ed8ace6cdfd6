# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run against an account in memory, with a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import OrderSender
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.facts import RunContext
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import Report
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.run import Run
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import Bench

PORTAL = "http://portal.test"


class Trial:
    """One run over an account, with a clock that only `sleep` moves."""

    def __init__(
        self,
        account: Account,
        ordering: bool = True,
        ledger: Optional[Ledger] = None,
        clock: float = 0.0,
        is_kept: bool = True,
        size: int = 1,
        is_awaited: Callable[[], bool] = lambda: True,
        wait_timeout: float = 60,
        access_token: Optional[str] = "given",
        **policy: Any,
    ) -> None:
        """Its clock starts ``clock`` seconds after NOW. ``is_kept`` is what the run takes its ledger for.

        ``size`` is that of its pool. ``is_awaited`` says whether anybody still waits for the run.
        Without an ``access_token`` it logs in with credentials.
        """
        self.account, self.sleeps, self.clock = account, [], clock
        self.is_awaited = is_awaited
        account.now = self.now
        self.report = Report(self.now(), is_check_mode=not ordering)
        self.bench = Bench(
            pool=Pool(size), http=account, clock=self.now, may_write=ordering, access_token=access_token, retries=0
        )
        self.ledger = ledger or open_ledger("none", PORTAL, self.now, read_only=False)
        self.ledger._database.is_kept = is_kept
        self.warnings: list[str] = []
        limits = Policy(**{"max_orders": 9, "run_id": "run", **policy})
        context = RunContext(
            limits,
            self.ledger,
            self.now,
            self.warnings.append,
            is_awaited=self.waits,
            monotonic=lambda: self.clock,
            sleep=self.pause,
            wait_timeout=wait_timeout,
        )
        self.portal = Portal(self.bench.transport, Fields({}))
        self.sender = OrderSender(self.bench.transport) if ordering else None
        self.run = Run(self.portal, context, self.report, self.sender, "account")

    def now(self) -> datetime:
        """The controller's clock."""
        return NOW + timedelta(seconds=self.clock)

    def waits(self) -> bool:
        """Whether anybody waits for the run, as the test has set it by now."""
        return self.is_awaited()

    def pause(self, seconds: float) -> None:
        """Sleep, in the way that the test has set by now."""
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        self.clock += seconds
        self.sleeps.append(seconds)
        if len(self.sleeps) == 3 and "third sleep" in self.account.before:
            self.account.before["third sleep"]()

    def go(self, *declarations: Declaration) -> Trial:
        self.run.execute(declarations or [Declaration(number) for number in self.account.pbxs])
        return self

    def states(self) -> dict[str, str]:
        """State and reason of each PBX."""
        return {row["product_no"]: f"{row['state']}/{row['reason']}" for row in self.report.as_result()["results"]}

    def only(self) -> dict[str, Any]:
        (row,) = self.report.as_result()["results"]
        return dict(row)
