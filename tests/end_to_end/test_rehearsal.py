# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record an account, serve the recording and rehearse on it: the same shapes and decisions, an invoice an order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.recording import recording_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from tests.end_to_end.test_profiles import NAMES_OF_RENAMED
from tests.simulator.profiles import PROFILES
from tests.support.processes import Ansible, orders_sent
from tests.support.recorded import as_shapes, record, seen

SIX = Path(__file__).parents[1] / "simulator" / "fleets" / "six.yml"
NESTED = {
    "expireDate": "subscription.validTo",
    "planName": "subscription.tariff.title",
    "planId": "subscription.tariff.key",
    "extensionNum": "subscription.size",
    "billingCycle": "subscription.tariff.rhythm",
}
OF_NESTED = {
    "expires_at": "subscription.validTo",
    "plan": "subscription.tariff.title",
    "plan_id": "subscription.tariff.key",
    "quantity": "subscription.size",
    "billing_cycle": "subscription.tariff.rhythm",
}
# Portals of different making: the options of the simulator, and the field_map that their users need.
PORTALS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    **{name: ({"profile": name}, {}) for name in PROFILES},
    "renamed": ({"profile": "renamed"}, NAMES_OF_RENAMED),
    "nested": ({"shown": {"moved": NESTED}}, OF_NESTED),
    "small pages": ({"portal": {"page_cap": 4, "rows": "records", "total_of": "page"}}, {}),
    "no total": ({"portal": {"total_off": None, "beyond_last": "refused"}}, {}),
    "a total too high": ({"portal": {"total_off": 2}}, {}),
    "seconds, numbers": ({"portal": {"expiry": ["expireTime", "epoch_s"], "ids_as_numbers": True}}, {}),
    "named months": ({"portal": {"expiry": ["expireDate", "named"], "auto_renewal_words": ["N", "Y"]}}, {}),
    "no ids at the PBX": ({"portal": {"plan_id": None, "serial_number": " {} "}}, {}),
    "refusals": ({"portal": {"forbidden": ["/check/existed_auto_renew", "/order/v1/get"]}}, {}),
    "details refused": ({"portal": {"forbidden": ["/instance_product/v1/detail"], "forbidden_envelope": False}}, {}),
    "doubtful services": ({"shown": {"services": {"Recording Minutes": {"status": "unsubscribed"}}}}, {}),
    "another spelling": ({"shown": {"rows": {"planName": "Enterprise\u00a0plan", "billingCycle": "1 Year"}}}, {}),
}
of_each_portal = pytest.mark.parametrize(("options", "field_map"), PORTALS.values(), ids=PORTALS)


def fleet_of(**options: Any) -> dict[str, Any]:
    return {**yaml.safe_load(SIX.read_text(encoding="utf-8")), **options}


def decisions(ansible: Ansible, field_map: dict[str, str]) -> list[tuple[str, str]]:
    """State and reason of each PBX, in the order of the product list."""
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    given = [{"product_no": number} for number in numbers]
    result = ansible.plan(subscriptions=given, field_map=field_map, max_orders=9)
    by_number = {row["product_no"]: (row["state"], row["reason"]) for row in result["results"]}
    return [by_number[number] for number in numbers]


@of_each_portal
def test_a_replayed_account_has_the_same_shapes_and_gets_the_same_decisions(
    start: Callable[..., Ansible], tmp_path: Path, options: dict[str, Any], field_map: dict[str, str]
) -> None:
    original = start(fleet=fleet_of(**options))
    recorded = record(original.portal, tmp_path / "account.json", field_map)
    replay = start(recording=tmp_path / "account.json")
    again = record(replay.portal, tmp_path / "again.json", field_map)
    assert as_shapes(again) == as_shapes(recorded)
    assert {pbx.product_no for pbx in replay.portal.pbxs} & {pbx.product_no for pbx in original.portal.pbxs} == set()
    assert decisions(replay, field_map) == decisions(original, field_map)


@of_each_portal
def test_a_rehearsed_renewal_gives_one_invoice_for_each_order_and_moves_the_expiry(
    start: Callable[..., Ansible], tmp_path: Path, options: dict[str, Any], field_map: dict[str, str]
) -> None:
    record(start(fleet=fleet_of(**options)).portal, tmp_path / "account.json", field_map)
    replay = start(recording=tmp_path / "account.json")
    due = decisions(replay, field_map)
    subscriptions = [{"product_no": pbx.product_no} for pbx in replay.portal.pbxs]
    given = {"subscriptions": subscriptions, "field_map": field_map, "max_orders": 9}
    result = replay.renew(**given)
    renewed = [row for row in result["results"] if row["state"] == "renewed"]
    assert len(replay.portal.invoices) == orders_sent(replay.portal) == len(renewed) == due.count(("due", "in_window"))
    assert len(result["results"]) == 6
    replay.renew(**given)
    assert len(replay.portal.invoices) == orders_sent(replay.portal) == len(renewed)
    if renewed and not options.get("portal", {}).get("forbidden"):
        orders = replay.info(gather=["orders"], field_map=field_map)["orders"]
        assert {invoice.order_no for invoice in replay.portal.invoices} <= {order["order_no"] for order in orders}


@pytest.mark.parametrize("profile", ["documented", "datetime", "epoch_milliseconds", "renamed"])
def test_orders_of_ours_are_still_known_for_ours(start: Callable[..., Ansible], tmp_path: Path, profile: str) -> None:
    field_map = NAMES_OF_RENAMED if profile == "renamed" else {}
    original = start(fleet=SIX, profile=profile)
    subscriptions = [{"product_no": pbx.product_no} for pbx in original.portal.pbxs]
    original.portal.fault("order_pending", times=1)
    original.renew(subscriptions=subscriptions, field_map=field_map, max_orders=9)
    assert len(original.portal.invoices) == 2
    record(original.portal, tmp_path / "account.json", field_map)
    replay = start(recording=tmp_path / "account.json")
    without_ledger = Ansible(original.portal, tmp_path / "other")
    without_ledger.home.mkdir()
    found = decisions(without_ledger, field_map)
    assert decisions(replay, field_map) == found and "pending" in {state for state, dummy in found}


CANARIES = (
    *("Canary Whistleblower", "canary.bird@canary-mail.example", "CANARY-4711-SECRET", "+49 151 23456789"),
    *("DE89370400440532013000", "Canary Road 4711", "金丝雀有限公司", "Канарейка", "3658B431119665XY", 4930123456789),
)


def planted(value: Any, canary: Any) -> Any:
    """An answer with the canary in unknown fields of every object, and in place of every text that is free."""
    if isinstance(value, list):
        return [planted(item, canary) for item in value]
    if not isinstance(value, dict):
        return value
    free = ("comment", "company", "firstName", "lastName", "emailAddress", "street", "remark", "invoiceNo", "taxNum")
    row = {key: canary if key in free else planted(item, canary) for key, item in value.items()}
    return {**row, "unknownTo": {"anybody": [canary, {f"{canary}!": f"<{canary}>"}]}}


@pytest.mark.parametrize("profile", ["documented", "datetime", "epoch_milliseconds", "renamed"])
def test_no_canary_in_any_answer_of_a_whole_account_is_in_its_recording(
    start: Callable[..., Ansible], profile: str
) -> None:
    exchanges, secrets = seen(start(fleet=SIX, profile=profile).portal)
    for canary in CANARIES:
        bodies = [json.dumps(planted(json.loads(one.answer.content), canary)).encode() for one in exchanges]
        planted_in = [
            replace(one, answer=replace(one.answer, content=body)) for one, body in zip(exchanges, bodies, strict=True)
        ]
        document = recording_of(planted_in, {}, utc_now(), secrets)
        text = json.dumps(document, default=str)
        texts = [text, json.dumps(document, default=str, ensure_ascii=False)]
        parts = {str(canary), json.dumps(canary).strip('"'), *(part for part in str(canary).split() if len(part) > 4)}
        assert [part for part in parts for text in texts if part.casefold() in text.casefold()] == []


def test_faults_are_laid_over_a_recording_as_over_any_fleet(start: Callable[..., Ansible], tmp_path: Path) -> None:
    record(start(fleet=SIX).portal, tmp_path / "account.json")
    replay = start(recording=tmp_path / "account.json")
    due = next(pbx for pbx in replay.portal.pbxs if pbx.quantity == 100)
    replay.portal.fault("drop_after", method="POST", path="/order/v1/save")
    replay.portal.fault("list_lag", reads=1)
    first = replay.renew(subscriptions=[{"product_no": due.product_no}], max_orders=1)
    assert len(replay.portal.invoices) == 1 and first["results"][0]["state"] in ("renewed", "pending", "unknown")
    replay.renew(subscriptions=[{"product_no": due.product_no}], max_orders=1)
    assert len(replay.portal.invoices) == 1


def test_no_canary_of_an_account_is_in_its_recording(start: Callable[..., Ansible], tmp_path: Path) -> None:
    canaries = ["Canary Whistleblower", "canary.bird@canary-mail.example", "CANARY-4711-SECRET", "+49 151 23456789"]
    fleet = fleet_of(
        portal={"echoes": "every_text", "echoed": canaries},
        billing_contacts=[{"id": "3197218168379846218", "email": canaries[1], "first_name": canaries[0]}],
    )
    portal = start(fleet=fleet).portal
    record(portal, tmp_path / "account.json")
    text = (tmp_path / "account.json").read_text(encoding="utf-8")
    personal = [*canaries, portal.client_secret, *portal.tokens, *(pbx.product_no for pbx in portal.pbxs)]
    personal += [pbx.activation_code for pbx in portal.pbxs] + [order.order_no for order in portal.orders]
    assert [one for one in personal if one.lower() in text.lower() or json.dumps(one)[1:-1] in text] == []
