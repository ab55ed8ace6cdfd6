# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The renewal module as a whole: what it asks, in which order, and what it tells at the end, well or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import job as _job
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT, SN
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import (
    EXPIRES,
    RENEWED_UNTIL,
    Call,
    decision,
    detail,
    envelope,
    listing,
    login,
    order,
    pbx,
    raw,
    refusal,
    renewal,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules


@pytest.fixture
def renew(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def run(*calls: Call, **arguments: Any) -> dict[str, Any]:
        return Modules(monkeypatch, capsys, tmp_path).run(
            "yeastar_pce_renewal", *calls, product_no=SN, **{"now": NOW_TEXT, **arguments}
        )

    return run


def test_what_is_due_is_ordered_once_and_its_new_expiry_is_shown(renew: Any) -> None:
    result = renew(login(), *renewal(), wait_timeout=0)
    (row,) = result["results"]
    assert (row["state"], row["reason"], row["changed"], result["changed"]) == ("renewed", "expiry_moved", True, True)
    assert (row["order"]["order_no"], row["expires_after"]) == ("BN1", "2027-12-05T00:00:00Z")
    assert result["requests"] == {"read": 8, "write": 1, "token": 1}
    assert result["msg"] == "1 renewed"


def test_check_mode_reads_what_the_order_needs_and_sends_none(renew: Any) -> None:
    result = renew(login(), *decision(), _ansible_check_mode=True)
    assert ([row["state"] for row in result["results"]], result["changed"]) == (["due"], True)
    assert result["requests"]["write"] == 0


def test_a_token_that_is_given_is_used_and_not_shown(renew: Any) -> None:
    result = renew(listing(pbx("2028-01-01")), access_token="canary-token")
    assert ([row["state"] for row in result["results"]], result["changed"]) == (["current"], False)
    assert result["requests"] == {"read": 1, "write": 0, "token": 0}


def test_a_token_that_the_portal_issues_is_not_shown(renew: Any) -> None:
    assert "canary" not in str(renew(login("canary-issued"), listing(pbx("2028-01-01", "canary-issued"))))


def test_what_fails_fails_the_task_with_all_that_is_known(renew: Any) -> None:
    result = renew(login(), listing())
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith(f"1 failed; {SN}: ") and result["results"][0]["reason"] == "not_found"


def test_a_portal_that_refuses_the_credentials_fails_the_task_before_anything_is_ordered(renew: Any) -> None:
    refused = Call("POST", login().path, refusal(401))
    result = renew(refused)
    assert result["failed"] and "credentials were refused" in result["msg"]
    assert (result["results"], result["requests"]) == ([], {"read": 0, "write": 0, "token": 1})


def test_options_that_cannot_be_used_fail_the_task_before_any_request(renew: Any) -> None:
    result = renew(client_secret="")
    assert result["failed"] and result["msg"].startswith("no credentials") and "requests" not in result


def test_nothing_is_ordered_where_the_server_is_not_verified(renew: Any) -> None:
    assert renew(validate_certs=False)["msg"].startswith("validate_certs: expected true")


def test_what_nobody_foresaw_is_told_with_its_place_and_with_what_was_done(renew: Any) -> None:
    result = renew(login(), Call("GET", listing().path, ZeroDivisionError("by nothing")))
    assert result["failed"] and result["requests"]["read"] == 1
    assert result["msg"].startswith("unexpected ZeroDivisionError at expected_calls.py:")
    assert result["msg"].endswith(": by nothing; please report it")


def test_a_warning_is_given_once_however_often_it_is_caused(renew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda module, warning: warnings.append(warning))
    details = [
        Call("GET", detail().path, raw(envelope(pbx(expiry)), content_type="text/plain"))
        for expiry in (EXPIRES, RENEWED_UNTIL)
    ]
    result = renew(login(), *decision()[:-1], details[0], order(), details[1], decision()[3], wait_timeout=0)
    assert [row["state"] for row in result["results"]] == ["renewed"]
    assert warnings == [f"GET {detail().path}: a valid answer came with content type text/plain"]


def test_a_missing_library_is_named(renew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_job, "REQUESTS_IMPORT_ERROR", ImportError("No module named 'requests'"))
    result = renew()
    assert result["failed"] and "requests" in result["msg"]
