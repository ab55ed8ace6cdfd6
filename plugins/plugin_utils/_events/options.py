# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the event source, in addition to those of the connection."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import state_folder
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal import (
    connection_of,
    fields_of,
    fingerprint_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS

MOST_SECONDS_BETWEEN_POLLS = 7 * 86_400


EVENT_OPTIONS: dict[str, dict[str, Any]] = {
    "interval": {"type": "float", "default": 3600.0},
    "state_file": {"type": "path"},
}


def event_params_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The validated options of the event source, with defaults for credentials from the environment.

    Arguments that ansible-rulebook adds, which begin with ``eda_``, are left out. Raises ValueError.
    """
    given = {name: value for name, value in arguments.items() if not name.startswith("eda_")}
    validation = ArgumentSpecValidator({**CONNECTION_OPTIONS, **EVENT_OPTIONS}).validate(given)
    if validation.error_messages:
        raise ValueError("; ".join(validation.error_messages))
    params: dict[str, Any] = validation.validated_parameters
    if not (math.isfinite(params["interval"]) and 0 < params["interval"] <= MOST_SECONDS_BETWEEN_POLLS):
        most = MOST_SECONDS_BETWEEN_POLLS
        raise ValueError(f"interval: expected more than 0 and at most {most} seconds, got {params['interval']}")
    if params["access_token"]:
        raise ValueError("access_token: it expires within the hour; set client_id and client_secret instead")
    connection_of(params)
    fields_of(params)
    return params


def event_account_of(params: Mapping[str, Any]) -> str:
    """The fingerprint of the account in a state file. Raises ValueError."""
    return fingerprint_of(connection_of(params))


def state_file_of(params: Mapping[str, Any]) -> str:
    """The path of the state file: the option, or by default a separate file for each account."""
    default = os.path.join(state_folder(), f"events-{event_account_of(params)}.json")
    return params["state_file"] or default
