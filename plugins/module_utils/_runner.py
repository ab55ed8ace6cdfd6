# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around every module: build the portal, register secrets, turn every error into a truthful failure."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._executor import OrderingRun, Run
from ._http import REQUESTS_IMPORT_ERROR
from ._options import connection_of, declarations_of, fields_of, policy_of, refuse_unverified
from ._portal import OrderingPortal, Portal
from ._results import Report, traffic_as_result
from ._time import parse_instant, utc_now
from ._transport import Transport, TransportError, WritingTransport


class Runner:
    """Context manager of a module's work. Whatever is raised inside ends as `fail_json`, with what is known so far."""

    def __init__(self, module: AnsibleModule) -> None:
        """Reads nothing yet."""
        self._module = module
        self._may_order = False
        self._transport: Optional[Transport] = None
        self._report: Optional[Report] = None
        self._warnings: set[str] = set()

    def __enter__(self) -> Runner:
        if REQUESTS_IMPORT_ERROR is not None:
            self._module.fail_json(msg=missing_required_lib("requests"), exception=str(REQUESTS_IMPORT_ERROR))
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        if isinstance(error, (TransportError, ValueError)):
            message = str(error)
        else:
            message = f"unexpected {type(error).__name__} at {_place(trace)}: {error}; please report it"
        self._module.fail_json(msg=message, **self._known())

    def portal(self) -> Portal:
        """A portal that can only be read. Raises ValueError for bad connection options."""
        self._transport = Transport(connection_of(self._module.params), self._register_secret, self._warn)
        return Portal(self._transport, fields_of(self._module.params))

    def now(self) -> datetime:
        """The instant that decisions are made for: the controller's clock, or the option `now`."""
        now = self._module.params["now"]
        return utc_now() if now is None else parse_instant(now)

    def decide(self) -> None:
        """Decide what a renewal would do, send nothing, and exit."""
        report = self._new_report()
        Run(self.portal(), policy_of(self._module.params), report).execute(declarations_of(self._module.params))
        self._exit(report)

    def renew(self) -> None:
        """Renew what is due and exit. In check mode, decide only: the transport then cannot write."""
        self._may_order = True
        params = self._module.params
        connection = connection_of(params)
        refuse_unverified(connection)
        if self._module.check_mode:
            return self.decide()
        if params["wait_timeout"] < 0:
            raise ValueError(f"wait_timeout: expected 0 or more, got {params['wait_timeout']}")
        report = self._new_report()
        transport = WritingTransport(connection, self._register_secret, self._warn)
        self._transport = transport
        portal = OrderingPortal(transport, fields_of(params))
        run = OrderingRun(portal, policy_of(params), report, wait_timeout=params["wait_timeout"])
        run.execute(declarations_of(params))
        self._exit(report)

    def exit(self, **result: Any) -> None:
        """End a module that changes nothing."""
        self._module.exit_json(changed=False, **result, **self._known())

    def _new_report(self) -> Report:
        self._report = Report(self.now(), self._may_order and self._module.check_mode)
        return self._report

    def _exit(self, report: Report) -> None:
        end = self._module.fail_json if report.failed else self._module.exit_json
        end(msg=report.message(), **self._known())

    def _known(self) -> dict[str, Any]:
        known = self._report.as_result() if self._report else {}
        if self._transport:
            known["requests"] = traffic_as_result(self._transport.traffic)
        return known

    def _register_secret(self, secret: str) -> None:
        self._module.no_log_values.add(secret)

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.add(warning)
            self._module.warn(warning)


def _place(trace: Optional[TracebackType]) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "an unknown place"
