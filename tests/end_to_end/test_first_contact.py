# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first contact says what of a portal is understood, part by part, and never orders."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import Ansible, orders_sent

SCHEMA = Path(__file__).parents[2] / "docs" / "first-contact.schema.json"
FLEET = {
    "generate": {"count": 30, "due": 3},
    "orders": [
        {"product_no": "3658C400000000QJ", "status": "succeed", "created_days_ago": 400, "po_number": "PO-7"},
        {"product_no": "3658C400000007QJ", "status": "pending", "created_days_ago": 0, "po_number": "PO-8"},
    ],
}
PARTS = ("token", "product_list", "clock", "details", "catalog", "auto_renewal", "orders", "billing_contacts")


def _contact(ansible: Ansible, **arguments: Any) -> dict[str, Any]:
    result = ansible.module("yeastar_pce_portal_info", **arguments)
    assert not result.get("failed"), result
    assert result["changed"] is False and orders_sent(ansible.portal) == 0 and not ansible.portal.invoices
    return result


def _standings(result: dict[str, Any]) -> dict[str, str]:
    return {line["topic"]: line["standing"] for line in result["lines"]}


def test_an_understood_portal_is_ready(start: Callable[..., Ansible]) -> None:
    result = _contact(start(fleet=FLEET))
    assert result["ready"] and result["verdict"].startswith(
        "Ready. 5 of 5 could be renewed; 25 PBXs were not looked at"
    )
    assert set(_standings(result).values()) == {"ok"} and set(PARTS) <= set(_standings(result))
    assert result["groups"] == {"ready": 5, "handled": 0, "needs_declaration": 0, "blocked": 0}
    assert result["suggested"] == {} and result["field_map"] == {}


def test_the_requests_are_bounded_by_the_sample(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 200, "due": 20}})
    few, all_of_them = _contact(ansible, sample=2), _contact(ansible, sample="all")
    assert len(few["prospects"]) == 2 and len(all_of_them["prospects"]) == 200
    # Pages, the page behind the orders, catalogue and contacts; a detail, an auto-renewal and some prices for each PBX.
    assert few["requests"]["read"] <= 8 + 3 + 2 * 7
    assert all_of_them["requests"]["read"] <= 8 + 3 + 200 * 7
    assert all_of_them["ready"] and "were not looked at" not in all_of_them["verdict"]


def test_a_renamed_portal_gets_a_map_and_is_ready_with_it(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=FLEET, profile="renamed")
    first = _contact(ansible, sample="all")
    assert not first["ready"] and first["verdict"].startswith("Not ready yet. With the suggested field_map")
    assert {"expires_at": "validThrough", "plan_id": "editionId", "services": "options"}.items() <= first[
        "field_map"
    ].items()
    ranked = [one for one in first["candidates"] if one["concept"] == "quantity"]
    assert ranked[0]["path"] == "seats" and any("seats" in line for line in first["report"])
    second = _contact(ansible, sample="all", field_map={**first["field_map"], "quantity": "seats"})
    # Prices are asked for only once everything else is known.
    assert set(second["suggested"]) <= {"amount", "currency"} and second["groups"]["needs_declaration"] == 0
    third = _contact(ansible, sample="all", field_map=second["field_map"])
    assert third["ready"] and third["suggested"] == {}, third["verdict"]


@pytest.mark.parametrize(
    ("forbidden", "topic", "undecided"),
    [
        ("/v1/detail", "details", True),
        ("purchase_product_info", "catalog", True),
        ("billing_contact_list", "billing_contacts", True),
        ("/order/v1/page", "orders", True),
        ("existed_auto_renew", "auto_renewal", False),
        ("instance_product_list", "product_list", True),
    ],
)
def test_one_refusal_is_said_and_ends_no_other_part(
    start: Callable[..., Ansible], forbidden: str, topic: str, undecided: bool
) -> None:
    result = _contact(start(fleet={**FLEET, "portal": {"forbidden": [forbidden]}}))
    standings = _standings(result)
    assert standings[topic] in ("failed", "attention") and standings["token"] == "ok"
    (line,) = [line for line in result["lines"] if line["topic"] == topic]
    assert "403" in line["seen"] and line["next_step"]
    readable = set(PARTS) - {topic} - ({"details", "auto_renewal"} if topic == "product_list" else set())
    assert {standings[part] for part in readable} == {"ok"}
    assert result["ready"] is not undecided


def test_refused_credentials_are_asked_once_and_the_rest_is_not_tried(start: Callable[..., Ansible]) -> None:
    result = _contact(start(fleet=FLEET), client_secret="another-secret")
    standings = _standings(result)
    assert standings["token"] == "failed" and {standings[part] for part in PARTS[1:]} == {"not_tried"}
    assert result["requests"] == {"read": 0, "write": 0, "token": 1}
    assert result["verdict"] == "Not ready. Nothing could be decided: see token"
    assert "another-secret" not in json.dumps(result)


def test_an_empty_account_says_that_it_is_empty(start: Callable[..., Ansible]) -> None:
    result = _contact(start(fleet={"pbxs": []}))
    assert not result["ready"] and result["verdict"].endswith("the account lists no PBX")
    assert "failed" not in _standings(result).values()


def test_a_portal_that_answers_html_says_so_for_each_part(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=FLEET)
    ansible.portal.fault("html", method="GET", times=99)
    result = _contact(ansible, retries=0)
    parts = {line["topic"]: line for line in result["lines"]}
    for part in ("product_list", "catalog", "orders", "billing_contacts"):
        assert parts[part]["standing"] == "failed" and "text/html" in parts[part]["seen"]


@pytest.mark.parametrize("sample", [0, -1, "some", 2.5])
def test_a_sample_of_another_kind_is_refused(start: Callable[..., Ansible], sample: Any) -> None:
    result = start(fleet=FLEET).module("yeastar_pce_portal_info", sample=sample)
    assert result["failed"] and result["msg"].startswith("sample: expected a number from 1 on, or all, got")


@pytest.mark.parametrize("profile", ["documented", "renamed"])
def test_the_playbook_shows_writes_and_fails_unless_ready(
    start: Callable[..., Ansible], tmp_path: Path, profile: str
) -> None:
    ansible = start(fleet=FLEET, profile=profile)
    variables = {"pce_contact_dest": str(tmp_path / "report"), "pce_contact_record": "account.json"}
    here = {"PWD": str(tmp_path)}
    process = ansible.playbook("pbxops.yeastar.first_contact", "-e", json.dumps(variables), environment=here)
    assert json.loads((tmp_path / "account.json").read_text())["exchanges"], "a relative path is not in this folder"
    is_ready = profile == "documented"
    assert (process.returncode == 0) is is_ready, process.stdout
    assert "Not ready yet" in process.stdout or is_ready
    files = {path.name: path for path in (tmp_path / "report").iterdir()}
    assert set(files) == {"first_contact.md", "first_contact.html", "first_contact.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    found = json.loads(files["first_contact.json"].read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(found)
    assert found["ready"] is is_ready and found["format"] == "pbxops.yeastar.first_contact"
    for name in ("first_contact.md", "first_contact.html"):
        text = files[name].read_text()
        assert "could be renewed" in text and "demo-secret" not in text
        assert ("validThrough" in text) is not is_ready
