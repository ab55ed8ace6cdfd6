# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over one account, from validated options to a report, whoever asks for it: a module or the role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Optional

from ._executor import OrderingRun, Run
from ._http import Connection
from ._options import (
    connection_of,
    declarations_of,
    fields_of,
    now_of,
    policy_of,
    refuse_unverified,
    wait_timeout_of,
)
from ._portal import OrderingPortal, Portal
from ._results import Report, traffic_as_result
from ._transport import Transport, TransportError, WritingTransport


class Job:
    """Holds what is known so far, so that whoever catches an error can still tell it."""

    def __init__(
        self, params: Mapping[str, Any], on_secret: Callable[[str], None], on_warning: Callable[[str], None]
    ) -> None:
        """``params`` are validated options; ``on_secret`` is told each secret that the portal issues."""
        self._params = params
        self._on_secret = on_secret
        self._on_warning = on_warning
        self._warnings: set[str] = set()
        self._transport: Optional[Transport] = None
        self._report: Optional[Report] = None

    def portal(self) -> Portal:
        """A portal that can only be read. Raises ValueError for bad connection options."""
        self._transport = Transport(self._connection(), self._on_secret, self._warn)
        return Portal(self._transport, fields_of(self._params))

    def decide(self, is_check_mode: bool = False) -> Report:
        """Decide what a renewal would do; send nothing. Raises ValueError and ReadError."""
        report = self._report = Report(now_of(self._params), is_check_mode)
        Run(self.portal(), policy_of(self._params), report).execute(declarations_of(self._params))
        return report

    def renew(self, is_check_mode: bool) -> Report:
        """Renew what is due. In check mode, decide only: the transport then cannot write.

        Raises ValueError and ReadError.
        """
        connection, wait_timeout = self._connection(), wait_timeout_of(self._params)
        refuse_unverified(connection)
        if is_check_mode:
            return self.decide(is_check_mode=True)
        report = self._report = Report(now_of(self._params), is_check_mode=False)
        transport = self._transport = WritingTransport(connection, self._on_secret, self._warn)
        portal = OrderingPortal(transport, fields_of(self._params))
        OrderingRun(portal, policy_of(self._params), report, wait_timeout).execute(declarations_of(self._params))
        return report

    def known(self) -> dict[str, Any]:
        """What can be told at this moment: the results, where there are any, and the traffic."""
        known = self._report.as_result() if self._report else {}
        if self._transport:
            known["requests"] = traffic_as_result(self._transport.traffic)
        return known

    def _connection(self) -> Connection:
        connection = connection_of(self._params)
        if connection.access_token is not None:
            self._on_secret(connection.access_token)
        return connection

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.add(warning)
            self._on_warning(warning)


def describe(error: BaseException, trace: Optional[TracebackType]) -> str:
    """One sentence for whatever ended a job; for what nobody foresaw, with its place in the code."""
    if isinstance(error, (TransportError, ValueError)):
        return str(error)
    return f"unexpected {type(error).__name__} at {_place(trace)}: {error}; please report it"


def _place(trace: Optional[TracebackType]) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "an unknown place"
