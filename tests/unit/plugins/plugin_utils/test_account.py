# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import job as _job
from ansible_collections.pbxops.yeastar.plugins.plugin_utils import _account
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._account import Account, AccountError

PARAMS = {"client_secret": "secret-1", "access_token": None}


class Portal:
    """Issues a secret and warns of it, then shows a listing or fails."""

    def __init__(self, secrets: Any, on_warning: Any) -> None:
        self.clock_offset: Any = timedelta(hours=1)
        secrets.issue("token-2b")
        on_warning(secrets.hide("a token-2b came with secret-1"))


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    class Job:
        def __init__(self, params: Any, secrets: Any, on_warning: Any) -> None:
            self._told = (secrets, on_warning)

        def portal(self) -> Portal:
            return Portal(*self._told)

    monkeypatch.setattr(_account, "Job", Job)
    return []


def test_it_reads_rows_without_days_and_the_portals_instant(
    warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"subscriptions": [{"product_no": "A", "days_left": 5, "comment": "token-2b of secret-1"}]}
    monkeypatch.setattr(_account, "gather", lambda *arguments, **options: found)
    rows, now = Account(PARAMS, warnings.append).read()
    assert rows == [{"product_no": "A", "comment": "******** of ********"}]
    assert now is not None and abs(now - utc_now() - timedelta(hours=1)) < timedelta(minutes=1)
    assert warnings == ["a ******** came with ********"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ReadError("GET /list", "you said secret-1 and token-2b"), "GET /list: you said ******** and ********"),
        (ValueError("base_url: no"), "base_url: no"),
        (KeyError("token-2b"), "unexpected KeyError at test_account.py"),
    ],
    ids=["portal", "option", "unforeseen"],
)
def test_every_error_is_one_kind_and_holds_no_secret(
    warnings: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(_account, "gather", fail)
    with pytest.raises(AccountError) as failure:
        Account(PARAMS, warnings.append).read()
    assert says in str(failure.value)
    assert "secret-1" not in str(failure.value) and "token-2b" not in str(failure.value)
    assert failure.value.__cause__ is None and failure.value.__suppress_context__


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_job, "REQUESTS_IMPORT_ERROR", "no")
    params = {name: option.get("default") for name, option in CONNECTION_OPTIONS.items()}
    with pytest.raises(AccountError, match="requests"):
        Account({**params, **PARAMS, "client_id": "an-id"}, print).read()
