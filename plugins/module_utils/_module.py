# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around every module: no secret in a result, and every error becomes a truthful failure."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any, NoReturn, Optional

from ansible.module_utils.basic import AnsibleModule

from ._controller import waits_for_module
from ._core import NO_TRACE, hide_on_display
from ._errors import Interruption, describe
from ._secrets import Secrets, secrets_of
from ._text import HIDDEN


class Module(AnsibleModule):
    """A module whose result contains no secret: ansible-core 2.22 leaves them in what a task registers."""

    def __init__(self, argument_spec: Mapping[str, Any], **keywords: Any) -> None:
        """Like AnsibleModule, with check mode."""
        self._confidential = {name for name, option in argument_spec.items() if option.get("no_log")}
        self.secrets = Secrets(secrets_of(os.environ), self._hide_issued)
        super().__init__(argument_spec=argument_spec, supports_check_mode=True, **keywords)  # type: ignore[no-untyped-call]
        self._hide_own()

    @property
    def is_awaited(self) -> Callable[[], bool]:
        """A check whether anyone still waits for the result."""
        return waits_for_module(os.environ)

    def warn(self, warning: str, **more: Any) -> None:
        """Warn, without secrets."""
        super().warn(self.secrets.hide(warning), **more)

    def exit_json(self, **result: Any) -> NoReturn:
        """End with a result."""
        super().exit_json(**self._hidden(result))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End with an error, also one about an option, which may contain a secret."""
        self._hide_own()
        super().fail_json(self.secrets.hide(msg), **{**NO_TRACE, **self._hidden(result)})

    def _hidden(self, result: Mapping[str, Any]) -> dict[str, Any]:
        options = {name: HIDDEN if value and name in self._confidential else value for name, value in self._own.items()}
        hidden: dict[str, Any] = self.secrets.hidden({"invocation": {"module_args": options}, **result})
        return hidden

    def _hide_own(self) -> None:
        for name in self._confidential:
            self.secrets.add(str(self._own.get(name) or ""))

    def _hide_issued(self, secret: str) -> None:
        self.no_log_values.add(secret)
        hide_on_display(secret)

    @property
    def _own(self) -> Mapping[str, Any]:
        """The options; none if AnsibleModule has not read them yet."""
        options: Mapping[str, Any] = getattr(self, "params", None) or {}
        return options


class Frame:
    """Context manager for a module's work. Any exception inside becomes `fail_json`, with what is known so far."""

    def __init__(self, module: Module, known: Callable[[], dict[str, Any]] = dict) -> None:
        """``known`` returns the facts of a result at any moment, also after an error."""
        self._module = module
        self._known = known

    def __enter__(self) -> Frame:
        signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        signal.signal(signal.SIGTERM, _end_anyway)
        if error is not None and not isinstance(error, SystemExit):
            self._module.fail_json(msg=describe(error, trace), **self._known())

    def end(self, msg: str, failed: bool, **result: Any) -> NoReturn:
        """End a module with the outcomes of a run, as a failure if any of them is one."""
        if failed:
            self._module.fail_json(msg=msg, **result, **self._known())
        self._module.exit_json(msg=msg, **result, **self._known())


def _end_anyway(number: int, frame: Optional[FrameType]) -> None:
    """Ignore the signal, since the result is about to be written. A handler, since children would inherit SIG_IGN."""


def _interrupt(number: int, frame: Optional[FrameType]) -> None:
    """Return a truthful result even when the task is terminated (docs/reliability.md, 10)."""
    raise Interruption(f"interrupted by {signal.Signals(number).name}")
