# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from the portal is data: whatever a name, a comment or an error contains, it is shown and does nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.support.plays import ROLE, Shown, role_play, run
from tests.support.processes import Ansible, orders_sent, states
from tests.support.reports import FILES, folder, report

SN = "3658B431119665QJ"
PLAN_ID, SERVICE_ID = "3048571730026938368", "3048573935752720384"
LISTING, SAVE, PRODUCTS = "/instance_product_list", "/order/v1/save", "/instance_product/"
# Half an emoji; a forged line of Ansible; commands for terminals and CI systems; invisible and direction characters.
HOSTILE = (
    "half \ud83d\nok: [forged] => {}\r\n::add-mask::0\n##vso[task.complete]x ##[add-mask]y\x1b[2J\x9b2J\x07\u2028"
    "::error::no\u202egnp\u2066\u200b\u061c end"
)
HOSTILE_SHOWN = "half \ufffd(55357) ok: [forged] => {} \ufffd(58):add-mask::0"
UNFIT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u2028\u2029\u202e\u2066\ud800-\udfff]")


def fleet(plan: str = f"Enterprise {HOSTILE}", **pbx: Any) -> dict[str, Any]:
    """One due PBX whose plan, service, comment and billing contact have that name."""
    service = f"Availability {HOSTILE}"
    offer = {"name": service, "service_id": SERVICE_ID, "pricing_service_id": "3048573935803052032"}
    plans = [{"name": plan, "plan_id": PLAN_ID, "pricing_plan_id": "3048571730081464320", "services": [offer]}]
    own = {"product_no": SN, "plan": plan, "services": [service], "quantity": 100, "billing_cycle": "annually"}
    contact = {"id": "3197218168379846218", "email": "billing@example.com", "company": HOSTILE, "first_name": HOSTILE}
    own.update({"expires_in_days": 12, "comment": f"By {HOSTILE}", **pbx})
    return {"catalog": plans, "billing_contacts": [contact], "pbxs": [own]}


@pytest.fixture
def hostile(start: Callable[..., Ansible]) -> Ansible:
    return start(fleet=fleet())


def assert_harmless(output: str) -> None:
    """Nothing in an output acts on a reader, and every line in it is Ansible's own."""
    assert not UNFIT.search(output), UNFIT.search(output)
    lines = [line.strip() for line in output.splitlines()]
    assert not [line for line in lines if line.startswith(("::", "ok: [forged]", "changed: [forged]"))]
    assert "##[" not in output and "##vso[" not in output


def task(name: str, module: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, f"pbxops.yeastar.{module}": arguments, "register": "told"}


def play(ansible: Ansible, *tasks: dict[str, Any], arguments: tuple[str, ...] = ()) -> Shown:
    path = ansible.home / "play.yml"
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
    process = ansible.playbook(path, *arguments)
    return Shown(process.stdout, process.returncode)


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["renew", "check"])
def test_a_renewal_is_told_whatever_plan_service_comment_and_contact_are_called(
    hostile: Ansible, check: tuple[str, ...]
) -> None:
    renew = task("Renew", "yeastar_pce_renewal", product_no=SN)
    show = {"name": "Show", "ansible.builtin.debug": {"var": "told"}}
    shown = play(hostile, renew, show, arguments=("--diff", "-vvv", *check))
    assert shown.status == 0, shown.output
    assert shown.recap["localhost"] == {"ok": 2, "changed": 1} and shown.diffs == [SN]
    assert f"+renewed plan: Enterprise {HOSTILE_SHOWN}" in shown.output
    assert_harmless(shown.output)
    assert len(hostile.portal.invoices) == (0 if check else 1)


@pytest.mark.parametrize("mode", ["json", "yaml"])
def test_the_role_and_its_diff_tell_the_same(hostile: Ansible, mode: str) -> None:
    environment = {"ANSIBLE_CALLBACK_RESULT_FORMAT": mode}
    shown = run(hostile, {SN: {}}, "--diff", "-v", plays=[role_play(roles=[{"role": ROLE}])], environment=environment)
    assert shown.status == 0 and len(hostile.portal.invoices) == 1, shown.output
    assert_harmless(shown.output)


def test_everything_can_be_read_raw_and_its_keys_are_clean_as_well(hostile: Ansible) -> None:
    for key in ("comment", "activationCode"):
        hostile.portal.fault("alter_field", path=LISTING, name=key, rename=f"{key[:4]}\u200b{key[4:]}\x1b", times=9)
    everything = ["subscriptions", "catalog", "billing_contacts", "orders"]
    read = task("Read", "yeastar_pce_info", gather=everything, raw=True)
    shown = play(hostile, read, {"name": "Show", "ansible.builtin.debug": {"var": "told"}}, arguments=("-vvv",))
    assert shown.status == 0, shown.output
    assert_harmless(shown.output)
    assert "comm\ufffd(8203)ent\ufffd(27)" in shown.output
    assert "CANARY" not in shown.output, "a key that hides a character may be a secret's"


def test_what_a_plan_is_called_is_what_may_be_declared(hostile: Ansible) -> None:
    plan = hostile.info()["subscriptions"][0]["plan"]
    assert not UNFIT.search(plan)
    assert states(hostile.renew(product_no=SN, plan=plan)) == {SN: "renewed"}
    assert len(hostile.portal.invoices) == 1


def test_a_long_name_is_cut_and_the_renewal_is_of_that_plan(start: Callable[..., Ansible]) -> None:
    long = start(fleet=fleet("x" * 9000, comment="y" * 9000))
    (row,) = long.info()["subscriptions"]
    assert (len(row["plan"]), len(row["comment"])) == (1000, 1000)
    assert states(long.renew(product_no=SN, plan=row["plan"])) == {SN: "renewed"}


@pytest.mark.parametrize("marks", ["\x1b\x1c", "\u200b\u200c", "\ud83d\ud83e"], ids=["controls", "widths", "halves"])
def test_plans_that_look_alike_are_told_apart(start: Callable[..., Ansible], marks: str) -> None:
    document = fleet(f"Plan{marks[0]}")
    other = {**document["catalog"][0], "name": f"Plan{marks[1]}", "plan_id": "7", "pricing_plan_id": "8"}
    document["catalog"].insert(0, other)
    ansible = start(fleet=document, profile="epoch_seconds")  # where a PBX has its plan only by name
    assert states(ansible.renew(product_no=SN)) == {SN: "renewed"}
    (invoice,) = ansible.portal.invoices
    assert json.loads(invoice.raw_body)["serviceList"][0]["serviceId"] == int(PLAN_ID)


def test_the_inventory_has_the_same_and_a_host_for_it(hostile: Ansible) -> None:
    path = hostile.home / "account.yeastar_pce.yml"
    path.write_text(json.dumps({"plugin": "pbxops.yeastar.yeastar_pce"}), encoding="utf-8")
    for arguments in (("--list",), ("--list", "--yaml"), ("--graph", "--vars")):
        process = hostile.inventory(*arguments, "-i", path)
        assert process.returncode == 0 and not process.stderr, process.stderr
        assert SN in process.stdout
        assert_harmless(process.stdout)


def test_the_report_has_the_same_in_every_format(hostile: Ansible) -> None:
    shown = report(hostile, list(FILES))
    assert shown.status == 0, shown.output
    assert_harmless(shown.output)
    for path in folder(hostile).iterdir():
        if path.suffix == ".xlsx":
            cells = [cell for row in load_workbook(path).active.iter_rows(values_only=True) for cell in row]
            content = "\n".join(cell for cell in cells if isinstance(cell, str))
            assert SN in cells
        else:
            content = path.read_bytes().decode("utf-8-sig" if path.suffix == ".csv" else "utf-8")
        assert_harmless(content.replace("\r\n", "\n") if path.suffix in (".csv", ".ics") else content)


def test_the_source_of_events_reads_the_same(hostile: Ansible) -> None:
    account = import_module("ansible_collections.pbxops.yeastar.plugins.plugin_utils._account").Account
    options = import_module("ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.options")
    portal = hostile.portal
    secrets = {"client_id": portal.client_id, "client_secret": portal.client_secret}
    params = options.event_params_of({"base_url": portal.url, **secrets, "state_file": str(hostile.home / "told")})
    rows, _instant = account(params, pytest.fail).read()
    text = json.dumps(rows, ensure_ascii=False)
    text.encode()
    assert_harmless(text)
    assert HOSTILE_SHOWN in rows[0]["comment"]


def renewal(ansible: Ansible, **arguments: Any) -> Shown:
    renew = task("Renew", "yeastar_pce_renewal", product_no=SN, wait_timeout=0, retries=0, **arguments)
    return play(ansible, renew, arguments=("--diff", "-vvv"))


@pytest.mark.parametrize("path", [LISTING, SAVE])
@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_what_the_portal_says_of_an_error_is_shown_and_does_nothing(hostile: Ansible, path: str, status: int) -> None:
    error = {"status": status, "code": f"no {HOSTILE}", "message": f"Because {HOSTILE}"}
    hostile.portal.fault("business_error", path=path, **error)
    shown = renewal(hostile)
    assert shown.status == 2 and f"detail 'Because {HOSTILE_SHOWN}" in shown.output, shown.output
    assert_harmless(shown.output)
    assert hostile.portal.invoices == [] and orders_sent(hostile.portal) == (path == SAVE)


def test_what_headers_say_is_shown_and_does_nothing(hostile: Ansible) -> None:
    fault = {"content_type": "text/x\x1b[31m;x"}
    hostile.portal.fault("wrong_content_type", path=LISTING, **fault)
    hostile.portal.fault("redirect", path=LISTING, skip=1, location="https://else\x1b[31mwhere/")
    shown = renewal(hostile)
    assert len(hostile.portal.invoices) == 1
    assert "content type text/x\ufffd(27)[31m" in shown.output
    assert_harmless(shown.output)


# --- containers -------------------------------------------------------------------------------------------------------

IN_A_CONTAINER = {
    "expireDate": ("expires_at", {"on": "2026-12-05"}),
    "billingCycle": ("billing_cycle", {"on": "annually"}),
    "extensionNum": ("quantity", {"on": 100}),
}


@pytest.mark.parametrize("key", IN_A_CONTAINER)
def test_a_container_is_named_without_what_is_in_it_and_its_field_can_be_mapped(
    start: Callable[..., Ansible], key: str
) -> None:
    ansible = start(fleet=fleet(), now="2026-11-23T00:00:00Z")
    concept, value = IN_A_CONTAINER[key]
    held = {**value, "activationCode": "CANARY", "password": "CANARY"}
    ansible.portal.fault("alter_field", path=PRODUCTS, name=key, value=held, times=99)
    result = ansible.renew(product_no=SN, now="2026-11-23T00:00:00Z")
    assert states(result) == {SN: "blocked"} and "CANARY" not in json.dumps(result)
    for said in (f"{concept}: {key} cannot be read", "an object", "field_map"):
        assert said in result["msg"]
    assert ansible.portal.invoices == []
    result = ansible.renew(product_no=SN, now="2026-11-23T00:00:00Z", field_map={concept: f"{key}.on"})
    # An expiry that the fault keeps unchanged moves for nobody.
    assert states(result) == {SN: "pending" if concept == "expires_at" else "renewed"}
    assert len(ansible.portal.invoices) == 1


OF_A_CONTAINER = {
    "planName": "plan: planName cannot be read: expected text, got an object",
    "planId": "plan_id: planId cannot be read: expected an id, got an object",
    "serviceName": "service_name: serviceName cannot be read: expected text, got an object",
    "status": "",  # not a field of any known concept
    "serviceList": "services: serviceList cannot be read: expected a list, got an object",
    "autoRenew": "auto_renewal: autoRenew cannot be read: an object is not one of",
    "currentPlan": "(current plan: an object)",
    "totalAmount": "amount: totalAmount cannot be read: expected an amount such as 1200.00, got an object",
}


@pytest.mark.parametrize("key", OF_A_CONTAINER)
def test_no_output_has_what_is_in_a_container_wherever_it_stands(hostile: Ansible, key: str) -> None:
    held = {"activationCode": "CANARY", "password": ["CANARY"]}
    hostile.portal.fault("alter_field", path="openapi", name=key, value=held, times=99)
    limits = {"max_amount_per_item": 5000, "currency": "USD", "on_unknown_auto_renewal": "block"}
    tasks = [
        {**task("Read", "yeastar_pce_info", gather=["subscriptions", "orders"], raw=True), "ignore_errors": True},
        {**task("Plan", "yeastar_pce_plan", product_no=SN, **limits), "ignore_errors": True},
        {**task("Renew", "yeastar_pce_renewal", product_no=SN, wait_timeout=0, **limits), "ignore_errors": True},
    ]
    shown = play(hostile, *tasks, arguments=("--diff", "-vvv"))
    assert OF_A_CONTAINER[key] in shown.output, shown.output
    assert "CANARY" not in shown.output
    assert_harmless(shown.output)
    assert len(hostile.portal.invoices) == (key == "status")


# --- ids --------------------------------------------------------------------------------------------------------------


def test_a_serial_number_with_a_hidden_character_is_no_other_until_it_is_mended(tutorial: Ansible) -> None:
    hidden = f"{SN[:4]}\u200b{SN[4:]}"
    tutorial.portal.fault("alter_field", path=LISTING, name="productNo", value=hidden, times=2)
    assert [row["product_no"] for row in tutorial.info()["subscriptions"]] == [f"{SN[:4]}\ufffd(8203){SN[4:]}"]
    result = tutorial.renew(product_no=SN)
    assert states(result) == {SN: "failed"} and result["results"][0]["reason"] == "not_found"
    assert f"(it has {SN[:4]}\ufffd(8203){SN[4:]})" in result["msg"] and orders_sent(tutorial.portal) == 0
    refused = tutorial.renew(product_no=f"{SN[:4]}\ufffd(8203){SN[4:]}")
    assert "product_no: expected a serial number" in refused["msg"]
    assert states(tutorial.renew(product_no=SN)) == {SN: "renewed"} and len(tutorial.portal.invoices) == 1


def test_a_plan_id_with_a_hidden_character_is_no_other_and_the_name_may_do(tutorial: Ansible) -> None:
    tutorial.portal.fault("alter_field", path=PRODUCTS, name="planId", value=f"{PLAN_ID}\u200b", times=99)
    result = tutorial.renew(product_no=SN)
    assert states(result) == {SN: "blocked"} and orders_sent(tutorial.portal) == 0
    for said in ("plan_id: planId cannot be read", "\ufffd(8203)", "have it corrected in the portal", "declare plan"):
        assert said in result["msg"]
    result = tutorial.renew(product_no=SN, plan="Enterprise Plan")
    assert states(result) == {SN: "renewed"} and len(tutorial.portal.invoices) == 1


def test_an_order_whose_pbx_hides_a_character_may_be_anyones(tutorial: Ansible, tmp_path: Path) -> None:
    assert states(tutorial.renew(product_no=SN)) == {SN: "renewed"}
    tutorial.portal.pbx(SN).expires_at = tutorial.portal.clock.now()  # as if it had not been placed
    tutorial.portal.fault("alter_field", path="/order/v1/", name="productNo", value=f"{SN}\u2066", times=99)
    arguments = {"include_expired": True, "ledger": str(tmp_path / "another")}
    result = tutorial.renew(product_no=SN, **arguments)
    assert result["failed"] and "which PBX order" in result["msg"]
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1
