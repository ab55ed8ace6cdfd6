# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run against an account in memory, with a clock that only sleeping moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import Pool
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import Portal
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import OrderSender
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.facts import RunContext
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import Report
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.run import Run
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    Bench,
    page,
    refusal,
    success,
)

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
PORTAL = "http://portal.test"
ENTERPRISE, HA, CONTACT = 3048571730026938368, 3048573935752720384, 3197218168379846218


class Account:
    """Stands in for `_portal.http.Http`: the portal of one account. An order moves the expiry by ``cycles`` years."""

    def __init__(self, **days_left: int) -> None:
        self.pbxs = {number: self._pbx(number, days) for number, days in days_left.items()}
        self.details: dict[str, dict[str, Any]] = {number: {} for number in self.pbxs}
        self.orders: list[dict[str, Any]] = []
        self.order_details: dict[str, Any] = {}
        # What the query of the auto-renewal status answers, by PBX; 404 where nothing is set.
        self.auto_renewals: dict[str, Any] = {}
        self.log: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.cycles = 1
        self.saved_status = "succeed"
        self.save: Callable[[str], Answer] = self.accept
        self.before: dict[str, Callable[[], Any]] = {}
        # How far the portal's clock is ahead of the run's; None where its answers have no Date.
        self.ahead: Optional[timedelta] = None
        self.now: Callable[[], datetime] = lambda: NOW

    def _pbx(self, number: str, days_left: int) -> dict[str, Any]:
        plan = {"planName": "Enterprise Plan", "serviceList": ["HA"], "quantity": 100, "billingCycle": "annually"}
        return {"productNo": number, "expireDate": (NOW + timedelta(days_left)).isoformat(), **plan}

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        answer = self._answer(path, payload)
        if self.ahead is not None:
            answer.headers["Date"] = format_datetime(self.now() + self.ahead, usegmt=True)
        return answer

    def _answer(self, path: str, payload: dict[str, Any]) -> Answer:
        name = "order" if "/get/" in path else path.rsplit("/", 1)[1]
        self.log.append(name)
        if name in self.before:
            instead = self.before[name]()
            if isinstance(instead, Answer):
                return instead
        if name == "save":
            self.sent.append(json.loads(payload["data"]))
            return self.save(self.sent[-1]["productNo"])
        params = payload.get("params") or {}
        if name == "existed_auto_renew":
            answer = self.auto_renewals.get(params["productNo"], refusal(404))
            return answer if isinstance(answer, Answer) else success(answer)
        return success(self._read(name, path, params))

    def _read(self, name: str, path: str, params: dict[str, str]) -> Any:
        if name == "detail":
            return {**self.pbxs[params["productNo"]], **self.details[params["productNo"]]}
        if name == "order":
            return self.order_details[path.rsplit("/", 1)[1]]
        plan = {"planId": ENTERPRISE, "planName": "Enterprise Plan", "services": [{"serviceId": HA, "name": "HA"}]}
        return {
            "instance_product_list": page(list(self.pbxs.values())),
            "purchase_product_info": {"plans": [plan]},
            "billing_contact_list": [{"billingContactId": str(CONTACT), "emailAddress": "a@example.com"}],
            "page": page(self.orders),
        }[name]

    def move(self, number: str) -> None:
        expiry = datetime.fromisoformat(self.pbxs[number]["expireDate"])
        self.pbxs[number]["expireDate"] = expiry.replace(year=expiry.year + self.cycles).isoformat()

    def accept(self, number: str) -> Answer:
        self.move(number)
        result = {"orderNo": f"BN-{number}", "orderStatus": self.saved_status, "productNo": number}
        return success({**result, "transactionNo": "QO1"})

    def ordered(self) -> list[str]:
        return [body["productNo"] for body in self.sent]


class Trial:
    """One run over an account, with a clock that only `sleep` moves."""

    def __init__(
        self,
        account: Account,
        monkeypatch: pytest.MonkeyPatch,
        ordering: bool = True,
        ledger: Optional[Ledger] = None,
        clock: float = 0.0,
        is_kept: bool = True,
        size: int = 1,
        is_awaited: Callable[[], bool] = lambda: True,
        wait_timeout: float = 60,
        **policy: Any,
    ) -> None:
        """Its clock starts ``clock`` seconds after NOW. ``is_kept`` is what the run takes its ledger for.

        ``size`` is that of its pool. ``is_awaited`` says whether anybody still waits for the run.
        """
        self.account, self.sleeps, self.clock = account, [], clock
        self.is_awaited = is_awaited
        account.now = self.now
        self.report = Report(self.now(), is_check_mode=not ordering)
        self.bench = Bench(
            pool=Pool(size), http=account, clock=self.now, may_write=ordering, access_token="given", retries=0
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
