# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of errors of this collection::

    CollectionError             says what was expected, what was seen and what to do; contains no secret
    ├── LibraryMissing          a required Python library is not installed
    ├── TransportError          a call to the portal that failed
    │   ├── ReadError           a read; nothing was changed
    │   │   └── AccessError     credentials, token or address were refused, so every other call would fail too
    │   │       ├── TokenRefused
    │   │       └── BlockedOnTheWay
    │   ├── NotSent             an order that did not leave this machine
    │   │   └── Withheld        one that was cancelled when its turn came
    │   ├── Rejected            an order that the portal refused
    │   └── Ambiguous           an order that may or may not have been carried out
    ├── LedgerError             a ledger that cannot be relied on
    │   ├── LockTimeout         another run held a PBX for too long
    │   └── PlanSpent           a saved plan that was already applied
    ├── IntentConflict          another run has an intent for the same renewal
    ├── PlanError               a saved plan that must not be applied (a ValueError as well)
    └── AccountError            an account that a plugin cannot read

A ValueError is a wrong option. Internally, `ExchangeError` and `BodyError` end one HTTP exchange, and `Objection` one
decision. A signal raises `Interruption`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Optional


class CollectionError(Exception):
    """What went wrong, for people."""


class LibraryMissing(CollectionError):
    """A required Python library is not installed."""


class Interruption(BaseException):
    """A signal asked the process to end."""


def describe(error: BaseException, trace: Optional[TracebackType]) -> str:
    """Describe any error that ended a run in one sentence; an unexpected one with its place in the code."""
    if isinstance(error, (CollectionError, Interruption, ValueError)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by SIGINT"
    if not isinstance(error, Exception):
        return f"the run was ended by {type(error).__name__}"
    return f"unexpected {type(error).__name__} at {_place(trace)}: {error}; please report it"


def _place(trace: Optional[TracebackType]) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "an unknown place"
