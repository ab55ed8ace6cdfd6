# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator: account, tokens, faults, log and clock behind one HTTP server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from . import endpoints, recorded_endpoints
from .account import Account
from .answer import Answer, Refused
from .clock import Clock, parse_instant
from .endpoints import SAVE_PATH, TOKEN_PATH, Effects, Request
from .faults import Fault, FaultQueue
from .fleet import Contact, Fleet
from .holds import Held, Hold, Holds
from .order_check import parse_body
from .profiles import Profile, profile_named
from .recorded_account import RecordedAccount
from .recording import Recording
from .records import Invoice, Order, Pbx
from .request_log import LogEntry, RequestLog
from .server import PortalServer
from .tokens import Tokens
from .verbs import Exchange

DEFAULT_FLEET = Path(__file__).with_name("fleets") / "tutorial.yml"


class Simulator:
    """A portal on 127.0.0.1, in threads of this process.

    `fleet` is a Fleet, a mapping or the path of a YAML file (default: the tutorial's); `profile` and `now` override
    the fleet's; `port` 0 takes a free one; `latency` delays every answer by that many seconds. A `recording` takes the
    place of the account of the fleet: its clock runs on from the moment of the recording.
    """

    def __init__(
        self,
        fleet: Fleet | dict[str, Any] | str | Path | None = None,
        profile: str | Profile | None = None,
        now: object = None,
        *,
        port: int = 0,
        latency: float = 0.0,
        recording: str | Path | None = None,
    ) -> None:
        self.fleet = Fleet.load(DEFAULT_FLEET if fleet is None else fleet)
        named = profile_named(profile if isinstance(profile, str) else self.fleet.profile, self.fleet.portal)
        self.profile = profile if isinstance(profile, Profile) else named
        self._start = self.fleet.now if now is None else parse_instant(now)
        self.client_id, self.client_secret = self.fleet.client_id, self.fleet.client_secret
        self._recording = None if recording is None else Recording.load(recording)
        self.clock = Clock()
        self.account = self._fresh_account()
        self.profile = self.account.profile
        self._tokens = Tokens(
            self.client_id, self.client_secret, self.clock, self.profile.token_life, self.profile.one_token
        )
        self._faults, self._log = FaultQueue(), RequestLog()
        self.holds = Holds(self._faults)
        self._counting, self._under_way = threading.Lock(), 0
        self._latency, self._stopping = latency, threading.Event()
        self.is_dismissed = threading.Event()  # set to end the process
        self._server = PortalServer(self, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    # life

    def start(self) -> Simulator:
        """Start serving."""
        self._server.start()
        return self

    def _fresh_account(self) -> Account:
        """The account at its start, after setting the clock."""
        self.clock.release()
        if self._start is not None:
            self.clock.hold(self._start)
        elif self._recording is not None:
            self.clock.advance((self._recording.recorded_at - self.clock.now()).total_seconds())
        if self._recording is None:
            return Account(self.fleet, self.profile, self.clock)
        account = RecordedAccount(self._recording, self.clock)
        account.serve = recorded_endpoints.SERVE
        return account

    def stop(self) -> None:
        """Close all connections, join all threads and free the port."""
        self._stopping.set()
        self.holds.let_go(stop=True)
        self._server.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Restore the initial state: PBXs, orders, invoices, prices, faults, log and clock. Tokens stay valid."""
        with self.account.lock:
            fresh = self._fresh_account()
            fresh.lock = self.account.lock
            self.account = fresh
        self._faults.clear()
        self.holds.let_go()
        self._log.clear()

    # for a test to read

    @property
    def log(self) -> list[LogEntry]:
        """A copy of the request log, oldest first."""
        return self._log.snapshot()

    def reset_log(self) -> None:
        """Empty the request log."""
        self._log.clear()

    @property
    def invoices(self) -> list[Invoice]:
        """The ledger: every order accepted from a client, paid or open."""
        self.account.settle()
        with self.account.lock:
            return list(self.account.invoices)

    @property
    def orders(self) -> list[Order]:
        """All orders, including seeded ones, oldest first."""
        self.account.settle()
        with self.account.lock:
            return list(self.account.orders)

    @property
    def pbxs(self) -> list[Pbx]:
        """All PBXs of the account."""
        self.account.settle()
        with self.account.lock:
            return list(self.account.pbxs.values())

    def pbx(self, product_no: str) -> Pbx:
        """One PBX, which a test may read and change; raises KeyError."""
        self.account.settle()
        return self.account.pbxs[product_no]

    @property
    def contacts(self) -> list[Contact]:
        """The billing contacts themselves, which a test may change."""
        return self.account.contacts

    @property
    def tokens(self) -> list[str]:
        """Every access and refresh token issued so far."""
        return self._tokens.issued

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The faults that are still queued."""
        return self._faults.snapshot()

    @property
    def held(self) -> list[Held]:
        """The held exchanges, the longest held first."""
        return self.holds.held

    # what a test does

    def fault(self, verb: str, **options: Any) -> Fault:
        """Queue a fault: method, part of the path, times, skip and the verb's own parameters. See README.md."""
        return self._faults.add(verb, **options)

    def clear_faults(self) -> None:
        """Remove the faults that are still queued."""
        self._faults.clear()

    def wait_held(self, timeout: float = 20.0, count: int = 1) -> list[Held]:
        """Wait (s) until that many exchanges are held; raises TimeoutError."""
        return self.holds.wait(timeout, count)

    def release(self, timeout: float = 10.0) -> None:
        """Release all held exchanges, and wait (s) until they are over, so that their effects are complete.

        Raises ValueError if nothing is held, and TimeoutError.
        """
        self.holds.release(timeout)

    def set_order_status(self, order_no: str, status: str) -> Order:
        """Pay (`succeed`), cancel … an order by its number or id; raises KeyError or ValueError."""
        return self.account.set_order_status(order_no, status)

    def renew_by_person(self, product_no: str, cycles: int = 1, order: bool = False) -> None:
        """A person renews on the portal's pages: the expiry moves; no invoice; `order` adds one to the order list."""
        with self.account.lock:
            self.account.settle()
            self.account.renew_by_person(product_no, cycles, order)

    # what the server calls

    def exchange(self, request: Request, hold: Hold) -> tuple[Answer, LogEntry]:
        """Log one request, apply its fault and its hold, and answer it."""
        fault = self._faults.take(request.method, request.path)
        with self._counting:
            self._under_way += 1
            is_too_many = self._under_way > (self.profile.at_once or self._under_way)
        try:
            return self._exchange(request, hold, fault, is_too_many)
        finally:
            with self._counting:
                self._under_way -= 1

    def _exchange(
        self, request: Request, hold: Hold, fault: Fault | None, is_too_many: bool
    ) -> tuple[Answer, LogEntry]:
        entry = self._open_entry(request, fault.verb if fault else hold.verb)
        if self._latency:
            self._stopping.wait(self._latency)
        hold.at("before_commit")
        answer = (
            Answer(429, body=b"Too many requests", headers={"Retry-After": "1"})
            if is_too_many
            else self._serve(request, fault)
        )
        hold.at("after_commit")
        if request.path == TOKEN_PATH:
            entry.authorized = answer.status == 200
        entry.status = None if answer.wire in ("drop", "reset") else answer.status
        return answer, entry

    def refuse(self, request: Request, hold: Hold, status: int | None) -> None:
        """Log a request that could not be read; status None if the client disconnected in the middle of it."""
        self._open_entry(request, hold.verb).status = status

    def _serve(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None:
            return self._answer(request, Effects())
        verb, effects = fault.definition, Effects()
        exchange = Exchange(request, self.account, fault.params, self._stopping)
        if verb.before and (instead := verb.before(exchange)):
            return instead
        if verb.shape:
            verb.shape(effects, fault.params)
        answer = self._answer(request, effects)
        return verb.after(exchange, answer) if verb.after else answer

    def _answer(self, request: Request, effects: Effects) -> Answer:
        with self.account.lock:
            self.account.settle()
            answer = endpoints.answer(self.account, self._tokens, request, effects)
        if effects.delay:
            self._stopping.wait(effects.delay)
        return answer

    def _open_entry(self, request: Request, verb: str | None) -> LogEntry:
        body, raw_body = None, None
        if request.path == SAVE_PATH:
            raw_body = self._tokens.mask(request.body.decode("utf-8", "replace"))
            try:
                body = parse_body(raw_body.encode())
            except Refused:
                body = None
        return self._log.open(
            at=self.clock.now().isoformat(),
            method=request.method,
            path=self._tokens.mask(request.path),
            query={} if request.path == TOKEN_PATH else {k: self._tokens.mask(v) for k, v in request.query},
            user_agent=self._tokens.mask(request.headers.get("User-Agent", "")) or None,
            authorized=self._tokens.valid(request.headers.get("Authorization")),
            body=body,
            raw_body=raw_body,
            fault=verb,
        )
