# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ledger and the other files that outlast a run are.

Anything other than the accepted forms is refused: taken as a file name, it would be another ledger, and so a second
order. It is never shown, since it may contain a password.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import unquote

NONE = "none"
POSTGRESQL_SCHEMES = ("postgresql://", "postgres://")

_ACCEPTED = "ledger: expected an absolute path or one that begins with ~, a postgresql:// address, or none"
BAD_ADDRESS = (
    "ledger: expected postgresql://user@host:port/database, with special characters in its parts percent-encoded;"
    " the address is not shown, since it may contain a password"
)
NOT_IN_ADDRESS = (
    "ledger: expected an address without a password, since addresses are logged and shown; set ledger_password"
    " (pce_renewal_ledger_password in the role), PGPASSWORD in the environment, or a passfile (~/.pgpass)."
    " An @ that is part of a name is written %40"
)

_HOST = re.compile(r"(\[[^][]*\]|[^][:]*)(:\d*)?")
# A parameter of libpq, or a guessed one. `passfile` only names a file.
_SECRET_KEY = re.compile(r"\b(?!passfile\s*=)\w*(pass|pwd|secret|scram|token)\w*\s*=")


class Refused(str):
    """Why a location is refused; replaces the location, so that nothing logs or shows it."""


class _LocationType(str):
    """The type of the option: its documented name, and also the function with which Ansible converts the value.

    Ansible converts values before it logs the invocation of a module or shows it in a failure.
    """

    def __call__(self, value: object) -> str:
        return read_location(value)


LOCATION_TYPE = _LocationType("str")


def state_folder() -> str:
    """The folder of this user for lasting files of this collection, by the XDG base directories."""
    state_home = os.environ.get("XDG_STATE_HOME", "")
    folder = state_home if os.path.isabs(state_home) else os.path.expanduser("~/.local/state")
    return os.path.join(folder, "pbxops.yeastar")


def user_name() -> str:
    """The user of this process, which ``become`` changes."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container
        return f"uid {os.geteuid()}"


def read_location(value: object) -> str:
    """Read the location of a ledger: a path, a PostgreSQL address or ``none``. `Refused` for anything else."""
    if isinstance(value, Refused):
        return value
    text = str(value).strip()
    if text.startswith(POSTGRESQL_SCHEMES):
        problem = _problem_of_address(text)
        return text if problem is None else Refused(problem)
    if text == NONE or text.startswith(("/", "~")):
        return text
    return Refused(f"{_ACCEPTED}, got {'something else, which is not shown' if text else 'an empty text'}")


def _problem_of_address(address: str) -> Optional[str]:
    """Why an address of PostgreSQL is refused, or None; libpq may still refuse it later.

    It is strict where libpq would misread a password: with a ``/`` in it, for instance, libpq takes the part before
    that for the host and the rest for the database, and shows both in its errors.
    """
    user, dummy, rest = address.partition("://")[2].rpartition("@")
    if user.partition(":")[2] or _SECRET_KEY.search(unquote(address).lower()):
        return NOT_IN_ADDRESS
    hosts = re.split("[/?]", rest)[0].split(",")
    if any(mark in user for mark in "/?@") or not all(_HOST.fullmatch(host) for host in hosts):
        return BAD_ADDRESS
    return None


def ledger_location_of(params: Mapping[str, Any]) -> str:
    """The location of the ledger; by default a file under the XDG state directory. Raises ValueError."""
    if params["ledger"] is None:
        location = os.path.join(state_folder(), "ledger.sqlite3")
    else:
        location = read_location(params["ledger"])
    if isinstance(location, Refused):
        raise ValueError(str(location))
    if params.get("ledger_password") and not location.startswith(POSTGRESQL_SCHEMES):
        raise ValueError(
            "ledger_password: expected only with a ledger in PostgreSQL, which ledger does not name; set ledger to its"
            " postgresql:// address, or leave ledger_password out"
        )
    return location
