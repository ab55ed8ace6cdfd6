# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first contact with one account: examine, infer, forecast, report, and record. It only reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Optional

from ansible.module_utils.basic import missing_required_lib

from .._address import is_loopback
from .._concurrency import Pool
from .._errors import LibraryMissing
from .._model.dates import Clock
from .._options.ledger import ledger_options_of
from .._options.portal import PortalOptions, fields_of, portal_options_of
from .._portal.client import RENEWAL_OF_PLAN, RENEWAL_OF_SERVICE
from .._portal.http_client import REQUESTS_IMPORT_ERROR, Http
from .._portal.transport import Transport
from .._progress import VARIABLE, Progress
from .._renew.report import traffic_as_result
from .._secrets import Secrets
from .account_as_read import AccountAsRead, Memory
from .diagnosis import Diagnosis
from .examination import Examination, order_ids_of
from .exchange import Exchange
from .fields_seen import field_lines, unread_concepts
from .forecast import Forecaster, subscriptions_of
from .inference import Candidate, Sample, candidates, suggested_map
from .readiness import Forecast
from .recording import RecordingHttp, check_target, recording_of, write_recording

EVERYTHING = "all"


class FirstContact:
    """Holds what is known so far, so that anyone who catches an error can still report it."""

    def __init__(self, params: Mapping[str, Any], secrets: Secrets) -> None:
        """``secrets`` holds those of the options when this is used, and receives those that the portal issues."""
        self._params = params
        self._secrets = secrets
        self._transport: Optional[Transport] = None
        self._notes: list[str] = []

    def known(self) -> dict[str, Any]:
        """What can be reported at any moment: the traffic."""
        return {"requests": traffic_as_result(self._transport.traffic)} if self._transport else {}

    def result(self, is_check_mode: bool) -> dict[str, Any]:
        """Examine the account and return the report; in check mode, no recording is written.

        Raises ValueError for a bad option or a file that cannot be written, and LibraryMissing.
        """
        options, count = portal_options_of(self._params), sample_of(self._params["sample"])
        clock, memory, given = Clock(options.now), Memory(), self._params["field_map"]
        records = self._params["record"] is not None and not is_check_mode
        if records:
            check_target(self._params["record"])
        forecaster = self._forecaster(options, clock)
        transport, recorder = self._connected(options, clock)
        portal = AccountAsRead(transport, options.fields, memory)
        progress = Progress(os.environ.get(VARIABLE), self._warn).report
        examination = Examination(portal, transport, recorder.exchanges, count, progress)
        examination.examine()
        looked_at, compared = examination.sampled(), frozenset(examination.compared())
        order_ids = None if count is None else order_ids_of(examination.order_details)

        def portal_with(suggested: Mapping[str, str]) -> AccountAsRead:
            fields = fields_of({**self._params, "field_map": {**given, **suggested}})
            return AccountAsRead(transport, fields, memory, compared, order_ids)

        found = _infer(
            examination.sample(clock.now()),
            given,
            recorder.exchanges,
            lambda suggested: forecaster.forecast(portal_with(suggested), looked_at),
        )
        detailed = [number for number in looked_at if number in examination.details]
        subscriptions = subscriptions_of(portal_with({}), detailed or looked_at)
        examination.lines += field_lines(subscriptions, found.ranked, found.suggested, examination.answered)
        examination.conclude()
        if records:
            self._record(recorder, {**given, **found.suggested}, clock)
        listed, unread = len(examination.listed), unread_concepts(subscriptions)
        diagnosis = Diagnosis(examination.lines, found.forecast, found.ranked, found.suggested, given, listed, unread)
        return {**diagnosis.as_result(), "notes": self._notes, "recording": self._params["record"] if records else None}

    def _forecaster(self, options: PortalOptions, clock: Clock) -> Forecaster:
        ahead = clock.ahead if is_loopback(options.connection.base_url) else timedelta(0)
        return Forecaster(ledger_options_of(self._params), self._params["billing_contact"], clock, ahead, self._warn)

    def _connected(self, options: PortalOptions, clock: Clock) -> tuple[Transport, RecordingHttp]:
        if REQUESTS_IMPORT_ERROR is not None:
            raise LibraryMissing(missing_required_lib("requests"))
        pool = Pool(options.concurrency)
        recorder = RecordingHttp(Http(options.connection, pool))
        self._transport = Transport(
            options.connection, self._secrets, self._warn, pool.sleep, clock.now, pool, http=recorder
        )
        return self._transport, recorder

    def _record(self, recorder: RecordingHttp, field_map: Mapping[str, Any], clock: Clock) -> None:
        document = recording_of(recorder.exchanges, field_map, clock.now(), self._secrets)
        write_recording(self._params["record"], document)

    def _warn(self, warning: str) -> None:
        """Keep a warning for the report, once."""
        warning = self._secrets.hide(warning)
        if warning not in self._notes:
            self._notes.append(warning)


def sample_of(value: Any) -> Optional[int]:
    """Read how many PBXs to look at closely; None for all. Raises ValueError."""
    if value == EVERYTHING:
        return None
    try:
        count = int(str(value))
    except ValueError:
        count = 0
    if count < 1:
        raise ValueError(f"sample: expected a number from 1 on, or {EVERYTHING}, got {value}")
    return count


@dataclass(frozen=True)
class _Found:
    suggested: Mapping[str, str]
    forecast: Forecast
    ranked: Mapping[str, Sequence[Candidate]]


def _infer(
    sample: Sample,
    given: Mapping[str, Any],
    exchanges: Sequence[Exchange],
    forecast_with: Callable[[Mapping[str, str]], Forecast],
) -> _Found:
    """Infer, forecast with what was inferred, and once more if that has asked for prices that show more fields."""
    suggested = suggested_map(sample, given)
    forecast = forecast_with(suggested)
    plan_prices, service_prices = _answers(exchanges, RENEWAL_OF_PLAN), _answers(exchanges, RENEWAL_OF_SERVICE)
    if plan_prices or service_prices:
        of_pbxs = dict(reversed(plan_prices))
        sample = replace(
            sample,
            # In the order of the details, so that prices can be compared with what they are for.
            plan_prices=[of_pbxs[number] for number in sample.details if number in of_pbxs],
            service_prices=[answer for dummy, answer in service_prices],
        )
        more = suggested_map(sample, given)
        if more != suggested:
            suggested, forecast = more, forecast_with(more)
    return _Found(suggested, forecast, candidates(sample))


def _answers(exchanges: Sequence[Exchange], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The successful answers under a path, each with the PBX that it is about."""
    asked = [(one.query.get("productNo", ""), one.result) for one in exchanges if one.path.startswith(path)]
    return [(product_no, result) for product_no, result in asked if isinstance(result, Mapping)]
