# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial's renewal, as it is sent and as the invoices show it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.processes import Ansible, orders_sent, states

SERIAL_NUMBER = "3658B431119665QJ"

# The body of the tutorial's sample request, step 4.
SAMPLE = json.loads(
    """
{
  "operationType": "renew_plan",
  "productId": 13,
  "productNo": "3658B431119665QJ",
  "billingId": 3197218168379846218,
  "serviceList": [
    {
      "serviceType": "plan",
      "serviceId": 3048571730026938368,
      "quantity": 100,
      "purchaseType": "renew",
      "billingModel": "recurring",
      "billingCycle": "annually",
      "multiCycle": 0
    },
    {
      "connectionPlanId":3048571730026938368,
      "serviceType": "service",
      "serviceId": 3048573935752720384,
      "purchaseType": "renew",
      "billingCycle": "annually",
      "multiCycle": 0
    }
  ]
}
"""
)


def with_types(value: Any) -> Any:
    """A value with its type at every level, since 0 == False and 13 == 13.0."""
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_types(item) for item in value]
    return type(value), value


def test_the_body_on_the_wire_equals_the_tutorials_sample_key_for_key_and_then_has_a_tag(tutorial: Ansible) -> None:
    result = tutorial.renew(product_no=SERIAL_NUMBER)
    assert result["changed"] and states(result) == {SERIAL_NUMBER: "renewed"}
    (save,) = [entry for entry in tutorial.portal.log if entry.path.endswith("/save")]
    body = json.loads(save.raw_body)
    assert list(body)[-1] == "poNumber" and re.fullmatch(r"RN\d{8}-[0-9a-f]{8}", body.pop("poNumber"))
    assert with_types(body) == with_types(SAMPLE)
    assert list(body) == list(SAMPLE)
    assert [list(line) for line in body["serviceList"]] == [list(line) for line in SAMPLE["serviceList"]]


def test_the_result_names_the_vendors_order_and_the_new_expiry(tutorial: Ansible) -> None:
    (row,) = tutorial.renew(product_no=SERIAL_NUMBER)["results"]
    (invoice,) = tutorial.portal.invoices
    assert row["order"] == {
        "order_no": invoice.order_no,
        "transaction_no": row["order"]["transaction_no"],
        "status": "succeed",
        "po_number": invoice.po_number,
    }
    assert row["expires_after"] == f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}"
    assert row["expires_before"] == f"{invoice.expiry_before:%Y-%m-%dT%H:%M:%SZ}"


def test_a_purchase_order_number_is_sent_when_it_is_given(tutorial: Ansible) -> None:
    (row,) = tutorial.renew(product_no=SERIAL_NUMBER, po_number="PO-2026-117")["results"]
    assert row["order"]["po_number"] == "PO-2026-117"
    assert tutorial.portal.invoices[0].po_number == "PO-2026-117"


def test_the_tag_depends_on_what_is_renewed_and_not_on_the_run(tutorial: Ansible, tmp_path: Path) -> None:
    tutorial.renew(product_no=SERIAL_NUMBER, ledger=str(tmp_path / "one"))
    first = tutorial.portal.invoices[0].po_number
    tutorial.portal.reset()
    tutorial.renew(product_no=SERIAL_NUMBER, ledger=str(tmp_path / "other"), run_id="another run")
    assert [invoice.po_number for invoice in tutorial.portal.invoices] == [first]


def test_plan_and_check_mode_send_no_order_and_foretell_the_renewal(tutorial: Ansible) -> None:
    plan = tutorial.plan(product_no=SERIAL_NUMBER)
    check = tutorial.renew(check_mode=True, product_no=SERIAL_NUMBER)
    assert orders_sent(tutorial.portal) == 0
    assert (plan["changed"], check["changed"]) == (False, True)
    assert plan["diff"] == check["diff"]
    renewal = tutorial.renew(product_no=SERIAL_NUMBER)
    assert renewal["diff"] == check["diff"]
    assert renewal["results"][0]["expires_after"] == check["results"][0]["expires_after"]


def test_a_second_run_orders_nothing(tutorial: Ansible) -> None:
    assert tutorial.renew(product_no=SERIAL_NUMBER)["changed"]
    second = tutorial.renew(product_no=SERIAL_NUMBER)
    assert not second["changed"] and states(second) == {SERIAL_NUMBER: "current"}
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1


def test_ids_above_2_to_the_53_come_back_digit_for_digit_as_strings(tutorial: Ansible) -> None:
    everything = ["subscriptions", "catalog", "billing_contacts", "orders"]
    tutorial.renew(product_no=SERIAL_NUMBER)
    result = tutorial.info(gather=everything, raw=True, product_no=SERIAL_NUMBER)
    assert result["billing_contacts"][0]["billing_contact_id"] == "3197218168379846218"
    assert result["subscriptions"][0]["plan_id"] == "3048571730026938368"
    assert result["subscriptions"][0]["service_ids"] == ["3048573935752720384"]
    assert {"3048571730026938368"} < {plan["id"] for plan in result["catalog"]["plans"]}
    assert int(result["orders"][0]["order_id"]) > 2**53
    assert all(abs(number) <= 2**53 for number in integers_in(result))


def integers_in(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in integers_in(item)]
    if isinstance(value, list):
        return [number for item in value for number in integers_in(item)]
    return [value] if isinstance(value, int) else []
