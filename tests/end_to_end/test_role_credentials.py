# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of the role: where its credentials may come from, and that they are never mixed or shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plays import (
    ANNUAL,
    MONTHLY,
    renewed,
    role_play,
    run,
)
from tests.support.processes import Ansible

NO_ENVIRONMENT = {"YEASTAR_CLIENT_ID": "", "YEASTAR_CLIENT_SECRET": ""}


@pytest.mark.faults(69)
@pytest.mark.parametrize("source", ["group vars", "module_defaults"])
def test_credentials_may_come_from_elsewhere_than_the_environment_and_are_never_shown(
    six: Ansible, source: str
) -> None:
    credentials = {"client_id": six.portal.client_id, "client_secret": six.portal.client_secret}
    group_vars: dict[str, Any] = {}
    play = role_play()
    if source == "group vars":
        group_vars = credentials
    else:
        play = role_play(module_defaults={"group/pbxops.yeastar.yeastar": credentials})
    shown = run(six, {ANNUAL: {}}, "-vvv", plays=[play], environment=NO_ENVIRONMENT, **group_vars)
    assert renewed(six.portal) == [ANNUAL], shown.output
    assert shown.states() == {ANNUAL: "renewed"}
    assert not any(secret in shown.output for secret in (six.portal.client_secret, *six.portal.tokens))


@pytest.mark.parametrize(
    ("environment", "words", "logins"),
    [
        ({"YEASTAR_CLIENT_SECRET": "not-the-secret"}, ["credentials were refused", "client_secret"], 1),
        (NO_ENVIRONMENT, ["no credentials", "YEASTAR_CLIENT_ID"], 0),
    ],
    ids=["wrong", "missing"],
)
def test_bad_credentials_fail_every_host_with_one_message_and_one_login(
    six: Ansible, environment: dict[str, str], words: list[str], logins: int
) -> None:
    shown = run(six, {ANNUAL: {}, MONTHLY: {}}, environment=environment)
    failures = [result for result in shown.results("").values() if result["word"] == "fatal"]
    assert len(failures) == 2
    assert all(word in failure["msg"] for word in words for failure in failures)
    assert shown.status == 2 and shown.states() == {}
    assert len(six.portal.log) == logins
    assert "not-the-secret" not in shown.output


def test_two_accounts_in_one_batch_are_refused_by_the_names_of_two_hosts(six: Ansible) -> None:
    hosts = {
        "munich": {"product_no": ANNUAL, "client_id": "account-1", "client_secret": "secret-1"},
        "vienna": {"product_no": MONTHLY, "client_id": "account-2", "client_secret": "secret-2"},
    }
    shown = run(six, hosts, "-vvv")
    failures = [result for result in shown.results().values() if result["word"] == "fatal"]
    assert len(failures) == 2
    assert all(word in failure["msg"] for word in ("munich", "vienna", "client_id") for failure in failures)
    assert shown.status == 2 and six.portal.log == []
    assert "secret-1" not in shown.output and "secret-2" not in shown.output
