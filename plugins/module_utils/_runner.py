# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around every module: the library is there, secrets are registered, every error is a truthful failure."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._controller import waits_for_module
from ._http import REQUESTS_IMPORT_ERROR
from ._job import Interrupted, Job, describe
from ._results import Report


class Runner:
    """Context manager of a module's work. Whatever is raised inside ends as `fail_json`, with what is known so far."""

    def __init__(self, module: AnsibleModule) -> None:
        """Reads nothing yet."""
        self._module = module
        self.job = Job(module.params, module.no_log_values.add, module.warn, waits_for_module(os.environ))

    def __enter__(self) -> Runner:
        if REQUESTS_IMPORT_ERROR is not None:
            self._module.fail_json(msg=missing_required_lib("requests"), exception=str(REQUESTS_IMPORT_ERROR))
        signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        signal.signal(signal.SIGTERM, _end_anyway)
        if error is not None and not isinstance(error, SystemExit):
            self._module.fail_json(msg=describe(error, trace), **self.job.known())

    def exit(self, **result: Any) -> None:
        """End a module that changes nothing."""
        self._module.exit_json(changed=False, **result, **self.job.known())

    def exit_with(self, report: Report, **result: Any) -> None:
        """End a module with the outcomes of a run, as a failure if any of them is one."""
        if report.failed:
            self._module.fail_json(msg=report.message(), **result, **self.job.known())
        else:
            self._module.exit_json(msg=report.message(), **result, **self.job.known())


def _end_anyway(number: int, frame: Optional[FrameType]) -> None:
    """The result is on its way, so nothing is left to be ended. A handler, since children would inherit SIG_IGN."""


def _interrupt(number: int, frame: Optional[FrameType]) -> None:
    """Have whoever ends the process, such as a task's timeout, still get a truthful result (faults, row 10)."""
    raise Interrupted(f"interrupted by {signal.Signals(number).name}")
