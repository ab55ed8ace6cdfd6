# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a whole account from a plugin. Secrets are hidden here, since Ansible only does that for modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._core import hide_on_display
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import CollectionError, describe
from ansible_collections.pbxops.yeastar.plugins.module_utils._info import gather
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import SECRET_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.job import Job
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets, secrets_of
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory.hosts import Row, rows_of


class AccountError(CollectionError):
    """An account that could not be read. The text contains no secret."""


class Account:
    """One account of the portal, read completely or not at all."""

    def __init__(self, params: Mapping[str, Any], on_warning: Callable[[str], None]) -> None:
        """``params`` are validated connection options. Reads nothing yet."""
        self._params = params
        self._on_warning = on_warning
        given = [str(params[name]) for name in SECRET_OPTIONS if params[name]]
        self._secrets = Secrets([*given, *secrets_of(os.environ)], hide_on_display)

    def read(self) -> tuple[list[Row], Optional[datetime]]:
        """Every subscription of the account, and the portal's time, None if it gives none.

        Logs in again each time. Raises AccountError, also if the listing is incomplete or keeps changing.
        """
        job = Job(self._params, self._secrets, self._on_warning)
        try:
            portal = job.portal()
            found = gather(portal, {"subscriptions"}, Filters(utc_now()), raw=False, must_be_whole=True)
        except Exception as error:
            raise AccountError(self._secrets.hide(describe(error, sys.exc_info()[2]))) from None
        offset = portal.clock_offset
        rows = rows_of(self._secrets.hidden(found["subscriptions"]))
        return rows, None if offset is None else utc_now() + offset
