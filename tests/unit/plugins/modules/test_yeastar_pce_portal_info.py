# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of a first contact: each part of the portal has a line, whatever else fails, and nothing is ordered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import NotSent
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.http_client import Answer
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import Transport
from ansible_collections.pbxops.yeastar.tests.unit.helpers.account import ENTERPRISE, HA, Account
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW_TEXT
from ansible_collections.pbxops.yeastar.tests.unit.helpers.expected_calls import raw, refusal, success
from ansible_collections.pbxops.yeastar.tests.unit.helpers.modules import Modules

MODULE = "yeastar_pce_portal_info"


@pytest.fixture
def contact(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def run(account: Account, **arguments: Any) -> dict[str, Any]:
        result = Modules(monkeypatch, capsys, tmp_path).run(
            MODULE, account=account, **{"now": NOW_TEXT, "retries": 0, **arguments}
        )
        assert not account.sent and not result.get("changed"), result
        return result

    return run


def _line(result: dict[str, Any], topic: str) -> dict[str, Any]:
    (line,) = [line for line in result["lines"] if line["topic"] == topic]
    return line


def _answering(account: Account, **answers: Answer) -> Account:
    account.before.update({name: lambda answer=answer: answer for name, answer in answers.items()})
    return account


def test_what_is_understood_is_ready(contact: Any) -> None:
    account = Account(A=12, B=300)
    account.auto_renewals = {"A": {"autoRenew": False}, "B": {"autoRenew": True}}
    result = contact(account)
    assert result["ready"], result["report"]
    assert {one["product_no"]: one["group"] for one in result["prospects"]} == {"A": "ready", "B": "handled"}
    assert _line(result, "auto_renewal")["seen"] == "on: 1, off: 1, unknown: 0"
    assert result["verdict"].startswith("Ready. 1 of 2 could be renewed; 1 needs nothing")
    assert result["recording"] is None and result["listed"] == 2


def test_its_transport_sends_no_order(contact: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Transport] = []
    sign_in = Transport.bearer_token

    def remember(transport: Transport) -> str:
        made.append(transport)
        return sign_in(transport)

    monkeypatch.setattr(Transport, "bearer_token", remember)
    contact(Account(A=12))
    with pytest.raises(NotSent, match="this run only reads"):
        made[0].exchange_now("POST", "/order/openapi/order/v1/save", "token", data=b"{}")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("instance_product_list", "product_list"),
        ("purchase_product_info", "catalog"),
        ("billing_contact_list", "billing_contacts"),
        ("page", "orders"),
    ],
)
@pytest.mark.parametrize(
    "answer", [refusal(403), raw(b"<html>", content_type="text/html"), refusal(500)], ids=["403", "HTML", "500"]
)
def test_a_part_that_fails_says_so_with_a_way_on_and_ends_no_other(
    contact: Any, name: str, topic: str, answer: Answer
) -> None:
    result = contact(_answering(Account(A=12), **{name: answer}))
    line = _line(result, topic)
    assert line["standing"] == "failed" and line["next_step"] and not result["ready"]
    others = {"product_list", "catalog", "orders", "billing_contacts"} - {topic}
    # The account's catalogue has no pricing ids, which is said.
    assert {_line(result, other)["standing"] for other in others} <= {"ok", "attention"}
    assert topic in result["verdict"]


def test_details_that_are_refused_say_what_that_means(contact: Any) -> None:
    result = contact(_answering(Account(A=12, B=20), detail=refusal(403)))
    line = _line(result, "details")
    assert line["standing"] == "failed" and "0 details; 2 not" in line["seen"]
    account = Account(A=12, B=20)
    account.before["detail"] = lambda: refusal(404) if account.log.count("detail") == 1 else None
    assert _line(contact(account), "details")["standing"] == "attention"


def test_refused_credentials_end_it_after_one_request(contact: Any) -> None:
    account = _answering(Account(A=12), token=refusal(401))
    result = contact(account)
    assert account.log == ["token"] and result["requests"] == {"read": 0, "write": 0, "token": 1}
    assert _line(result, "token")["standing"] == "failed" and _line(result, "orders")["standing"] == "not_tried"


def test_a_given_token_is_used_and_signing_in_not_tried(contact: Any) -> None:
    account = Account(A=12)
    result = contact(account, access_token="given-token-of-today")
    assert "token" not in account.log and _line(result, "token")["standing"] == "not_tried"
    assert _line(result, "catalog")["standing"] == "attention"  # it has no pricing ids


def test_an_account_without_pbxs_is_not_ready_and_has_not_failed(contact: Any) -> None:
    result = contact(Account())
    assert not result["ready"] and _line(result, "details")["standing"] == "not_tried"
    assert result["verdict"] == "Not ready. Nothing could be decided: the account lists no PBX"


def test_several_billing_contacts_or_none_are_said(contact: Any) -> None:
    rows = [{"billingContactId": str(number), "emailAddress": f"{number}@example.com"} for number in (1, 2)]
    for some, standing in ((rows, "attention"), ([], "failed")):
        account = Account(A=12)
        body = json.dumps({"code": "success", "detailMessage": "", "requestId": "", "result": some, "status": 200})
        result = contact(_answering(account, billing_contact_list=raw(body.encode())))
        assert _line(result, "billing_contacts")["standing"] == standing
        assert result["groups"]["needs_declaration"] == 1 and result["prospects"][0]["needs"] == ["billing_contact"]


def test_a_catalogue_without_plans_fails(contact: Any) -> None:
    body = b'{"code": "success", "detailMessage": "", "requestId": "", "result": {}, "status": 200}'
    result = contact(_answering(Account(A=12), purchase_product_info=raw(body)))
    assert _line(result, "catalog")["standing"] == "failed"


def test_orders_are_looked_at_by_their_ids_or_else_by_their_numbers(contact: Any) -> None:
    account = Account(A=12)
    account.orders = [{"id": "77", "orderNo": "BN77", "orderStatus": "succeed", "createTime": "2025-01-05"}]
    account.order_details = {"77": {"basicInformation": {"productNo": "A"}}, "BN77": {"productNo": "A"}}
    line = _line(contact(account), "order_fields")
    assert "0 of 1 rows and 1 of 1 details" in line["seen"]
    account.before["order"] = lambda: refusal(404) if account.log.count("order") % 2 else None
    account.log.clear()
    assert "found by its orderNo" in _line(contact(account), "order_fields")["seen"]


def test_a_field_of_another_name_is_suggested_and_not_used(contact: Any) -> None:
    account = Account(A=12, B=40, C=200)
    for row in account.pbxs.values():
        row["tariff"] = {"name": row.pop("planName"), "until": row.pop("expireDate")}
    result = contact(account)
    assert result["suggested"]["plan"] == "tariff.name" and not result["ready"]
    assert "plan" in "\n".join(result["report"]) and _line(result, "field plan")["standing"] == "attention"
    open_ones = [line for line in result["report"] if line.startswith("  # expires_at:")]
    assert "expires_at" in result["suggested"] or open_ones


def test_a_recording_is_written_but_not_in_check_mode(contact: Any, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    checked = contact(Account(A=12), record=str(path), _ansible_check_mode=True)
    assert not path.exists() and checked["recording"] is None
    assert contact(Account(A=12), record=str(path))["recording"] == str(path)
    document = json.loads(path.read_text())
    assert document["format"] == "pbxops.yeastar.recording" and document["exchanges"]


def test_a_recording_that_cannot_be_written_fails_and_says_why(contact: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "account.json", tmp_path):
        account = Account(A=12)
        result = contact(account, record=str(path))
        assert result["failed"] and str(path) in result["msg"] and not account.log


def test_what_a_run_would_warn_of_is_in_the_report_and_no_warning(contact: Any) -> None:
    account = Account(A=12)
    account.pbxs["A"]["renewType"] = "auto"
    result = contact(account)
    assert any("renewType" in note for note in result["notes"]) and "warnings" not in result


def _pricing(account: Account, answer: Answer) -> Account:
    services = [{"serviceId": HA, "name": "HA", "pricingServiceId": "601"}]
    plan = {"planId": ENTERPRISE, "planName": "Enterprise Plan", "pricingPlanId": "501", "services": services}
    return _answering(account, **{"purchase_product_info": success([plan]), "501": answer, "601": answer})


def test_each_price_is_asked_for_once(contact: Any) -> None:
    account = _pricing(Account(A=12, B=20), success({"totalPrice": "90.00", "currencyCode": "EUR"}))
    result = contact(account)
    assert _line(result, "prices")["seen"] == "known for 2 of 2, such as 180.00 EUR"
    assert account.log.count("501") == account.log.count("601") == 2


@pytest.mark.parametrize("answer", [refusal(403), refusal(500), raw(b"<html>", content_type="text/html")])
def test_a_refused_price_is_said_and_holds_back_no_renewal_without_a_limit(contact: Any, answer: Answer) -> None:
    result = contact(_pricing(Account(A=12), answer))
    line = _line(result, "prices")
    assert result["groups"]["ready"] == 1 and line["standing"] == "attention"
    assert "known for 0 of 1" in line["seen"] and "plan_info/501" in line["seen"]


def _ordered(account: Account, *numbers: str, open_one: str, status: str = "pending") -> Account:
    """Orders of years ago that only their details assign, the last but one of them still open."""
    ids = [str(index) for index in range(20)]
    account.orders = [
        {"id": one, "orderNo": f"BN{one}", "orderStatus": "succeed", "createTime": "2021-01-05"} for one in ids
    ]
    account.orders[-2].update(orderStatus=status, createTime="2026-10-30")
    account.order_details = {one: {"basicInformation": {"productNo": numbers[0]}} for one in ids}
    account.order_details[ids[-2]] = {"basicInformation": {"productNo": open_one}}
    return account


@pytest.mark.parametrize("sample", [2, "all"])
@pytest.mark.parametrize("status", ["pending", "parked"])
def test_an_open_order_that_only_its_detail_assigns_is_found(contact: Any, sample: Any, status: str) -> None:
    result = contact(_ordered(Account(A=12, B=20), "A", open_one="B", status=status), sample=sample)
    groups = {one["product_no"]: one["group"] for one in result["prospects"]}
    assert groups["A"] == "ready" and groups["B"] != "ready", result["prospects"]


def test_an_order_in_the_term_is_found_if_all_are_looked_at(contact: Any) -> None:
    account = _ordered(Account(A=12, B=20), "A", open_one="B", status="succeed")
    groups = {one["product_no"]: one["group"] for one in contact(account, sample="all")["prospects"]}
    assert groups["B"] != "ready"
    assert "15 orders that name no PBX were not looked at" in _line(contact(account), "order_fields")["means"]


def test_a_pbx_without_a_detail_says_nothing_about_fields(contact: Any) -> None:
    account = Account(A=12, B=20)
    for number in ("A", "B"):
        account.details[number] = {"planName": account.pbxs[number].pop("planName")}
    account.before["detail"] = lambda: refusal(404) if account.log.count("detail") == 1 else None
    result = contact(account)
    assert _line(result, "details")["standing"] == "attention"
    assert _line(result, "field plan")["seen"] == "readable in all 1"


def test_a_portal_that_answers_about_auto_renewal_needs_no_field_for_it(contact: Any) -> None:
    account = Account(A=12)
    assert _line(contact(account), "field auto_renewal")["standing"] == "attention"
    account.auto_renewals = {"A": {"autoRenew": False}}
    assert _line(contact(account), "field auto_renewal")["standing"] == "ok"


def test_an_answer_of_something_else_than_the_portal_is_not_to_be_reported(contact: Any) -> None:
    answer = raw(b"<html>", content_type="text/html")
    for name, topic in (("token", "token"), ("purchase_product_info", "catalog")):
        assert "base_url" in _line(contact(_answering(Account(A=12), **{name: answer})), topic)["next_step"]


def test_why_a_price_is_unknown_is_said_of_those_alone_that_would_be_ordered(contact: Any) -> None:
    account = _pricing(Account(A=12, B=20), refusal(404))
    account.auto_renewals = {"A": {"autoRenew": True}, "B": {"autoRenew": False}}
    assert "known for 0 of 1; 1 not" in _line(contact(account), "prices")["seen"]
