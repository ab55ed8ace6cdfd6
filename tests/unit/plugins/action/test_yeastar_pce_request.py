# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first half of the role: what a host asks for is read and checked, and nothing is connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN
from ansible_collections.pbxops.yeastar.tests.unit.helpers.controller import Controller
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import expecting

CREDENTIALS = {"client_id": "an-id", "client_secret": "canary-secret"}


@pytest.fixture
def request_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(variables: dict[str, Any], **keywords: Any) -> dict[str, Any]:
        controller = Controller(monkeypatch, tmp_path, {SN: {**CREDENTIALS, "max_orders": 1, **variables}})
        with expecting(monkeypatch):
            return controller.request(SN, **keywords)

    return run


def test_what_is_declared_is_registered_without_its_secrets_and_changes_nothing(request_of: Any) -> None:
    result = request_of({"quantity": 5})
    assert result["changed"] is False
    asked = result["request"]
    assert (asked["host"], asked["mode"], asked["subscription"]["quantity"]) == (SN, "renew", 5)
    assert asked["common"]["max_orders"] == 1
    assert "canary" not in str(result)


@pytest.mark.parametrize(
    ("keywords", "mode"),
    [({"check_mode": True}, "check"), ({"plan_only": True}, "plan"), ({"plan_only": "no"}, "renew")],
)
def test_the_mode_is_registered(request_of: Any, keywords: dict[str, Any], mode: str) -> None:
    assert request_of({}, **keywords)["request"]["mode"] == mode


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned"])
def test_a_strategy_in_which_hosts_go_their_own_way_is_refused(request_of: Any, strategy: str) -> None:
    with pytest.raises(AnsibleActionFail, match="use the strategy linear"):
        request_of({}, strategy=strategy)


def test_a_request_that_is_made_once_for_all_is_refused(request_of: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="run_once lets one host stand for all"):
        request_of({}, run_once=True)


@pytest.mark.parametrize("strategy", ["linear", "ansible.builtin.linear", "debug"])
def test_a_strategy_that_keeps_the_hosts_together_is_accepted(request_of: Any, strategy: str) -> None:
    assert request_of({}, strategy=strategy)["request"]["host"] == SN


def test_variables_of_every_mode_what_the_role_registers_and_names_of_the_users_own_are_known(request_of: Any) -> None:
    others = {"hosts": "all", "plan_dest": "plan.json", "request": {}, "outcome": {"state": "due"}}
    own = {"note": "Head office", "extra_variables": ["pce_renewal_note"]}
    for unset in ({}, {"extra_variables": None}):
        assert request_of({**others, **unset})["request"]["host"] == SN
    assert request_of({**others, **own})["request"]["host"] == SN


@pytest.mark.parametrize(
    ("variables", "keywords", "words"),
    [
        ({"max_orders": None}, {}, "pce_renewal_max_orders is not set"),
        ({"quantity": 0}, {}, "quantity"),
        ({"quantiy": 5}, {}, r"pce_renewal_quantiy \(the closest is pce_renewal_quantity\)"),
        ({"note": "", "extra_variables": 5}, {}, "pce_renewal_extra_variables: expected a list"),
        ({}, {"plan_only": "perhaps"}, "plan_only: expected true or false"),
        ({}, {"no_such_option": 1}, "no_such_option"),
        ({"product_no": 3658}, {}, "quote it"),
        # The host's name stands in for a serial number that is not declared, never for one that is declared as nothing.
        ({"product_no": None}, {}, "product_no: expected a serial number"),
        ({"run_id": ""}, {}, "pce_renewal_run_id: expected a value, got an empty text; set the variable"),
        ({"run_id": " "}, {}, "leave pce_renewal_run_id out"),
        ({"run_id": None}, {}, "pce_renewal_run_id: expected a value, got null"),
        ({"max_total": None}, {}, "pce_renewal_max_total: expected a value, got null"),
        ({"max_total": ""}, {}, "pce_renewal_max_total: expected a value"),
        ({"billing_contact": ""}, {}, "pce_renewal_billing_contact: expected a value"),
        ({"plan_file": "", "plan_digest": ""}, {}, "pce_renewal_plan_.*: expected a value"),
        ({"plan_dest": " "}, {"plan_only": True}, "pce_renewal_plan_dest: expected a value"),
        ({"quantity": ""}, {}, "pce_renewal_quantity: expected a value"),
        ({"services": ""}, {}, "pce_renewal_services: expected a value"),
    ],
)
def test_what_is_wrong_fails_the_host_and_is_named(
    request_of: Any, variables: dict[str, Any], keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(AnsibleActionFail, match=words):
        request_of(variables, **keywords)
