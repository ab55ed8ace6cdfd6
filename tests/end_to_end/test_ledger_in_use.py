# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger from a user's point of view: its content, what happens without it, and settling by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Ansible, orders_sent, states

FIRST = "3658B431119665QJ"
SAVE = "/order/v1/save"


def ledger_location_of(ansible: Ansible) -> Path:
    return ansible.home / ".local" / "state" / "pbxops.yeastar" / "ledger.sqlite3"


def lose(ansible: Ansible) -> None:
    """A new container: the controller's state is gone."""
    for path in ledger_location_of(ansible).parent.iterdir():
        path.unlink()


def row_of(result: dict[str, Any]) -> dict[str, Any]:
    (row,) = result["results"]
    return dict(row)


def settle(ansible: Ansible, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    given = {"state": "settled", "product_no": FIRST, "reason": "looked in the portal", **arguments}
    return ansible.module("yeastar_pce_ledger", check_mode, **given)


def test_a_renewal_is_listed_with_its_order(tutorial: Ansible) -> None:
    assert tutorial.module("yeastar_pce_ledger")["intents"] == []
    assert not ledger_location_of(tutorial).exists()
    row = row_of(tutorial.renew(product_no=FIRST, run_id="nightly"))
    (intent,) = tutorial.module("yeastar_pce_ledger")["intents"]
    assert (intent["status"], intent["unsettled"], intent["generation"]) == ("renewed", False, 1)
    assert (intent["product_no"], intent["expires_at"], intent["run_id"]) == (FIRST, row["expires_before"], "nightly")
    assert intent["order"]["order_no"] == row["order"]["order_no"] and intent["po_number"] == row["order"]["po_number"]
    assert tutorial.module("yeastar_pce_ledger", product_no="3658B431119002QL")["intents"] == []


@pytest.mark.parametrize("use", ["plan", "check"])
def test_plan_and_check_mode_make_no_ledger(tutorial: Ansible, use: str) -> None:
    result = tutorial.plan(product_no=FIRST) if use == "plan" else tutorial.renew(True, product_no=FIRST)
    assert states(result) == {FIRST: "due"} and not ledger_location_of(tutorial).parent.exists()


@pytest.mark.faults(12)
@pytest.mark.parametrize(
    ("profile", "expected"),
    [("documented", ("pending", "awaiting_expiry")), ("sparse", ("blocked", "recent_order"))],
    ids=["a portal that shows tags", "a portal that does not"],
)
def test_without_the_ledger_the_portals_orders_are_the_evidence(
    start: Any, profile: str, expected: tuple[str, str]
) -> None:
    ansible = start(profile=profile)
    declared = {"product_no": FIRST, "billing_cycle": "annually", "services": ["High Availability"]}
    ansible.portal.fault("expiry_late", path=SAVE, reads=99)
    ansible.renew(**declared)
    lose(ansible)
    row = row_of(ansible.renew(**declared))
    assert (row["state"], row["reason"]) == expected
    assert ansible.portal.invoices[0].order_no in row["message"]
    assert len(ansible.portal.invoices) == orders_sent(ansible.portal) == 1


@pytest.mark.faults(12, 63)
def test_without_the_ledger_nothing_is_ordered_while_the_orders_cannot_be_read(tutorial: Ansible) -> None:
    tutorial.portal.fault("expiry_late", path=SAVE, reads=99)
    tutorial.renew(product_no=FIRST)
    lose(tutorial)
    tutorial.portal.fault("forbidden", path="/order/v1/page")
    assert tutorial.renew(product_no=FIRST)["failed"]
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1


@pytest.mark.faults(13)
@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 4096], ids=len)
def test_a_ledger_that_cannot_be_trusted_is_named_and_left_alone_and_nothing_is_ordered(
    tutorial: Ansible, content: bytes
) -> None:
    path = tutorial.home / "ledger"
    path.write_bytes(content)
    for result in (
        tutorial.plan(product_no=FIRST, ledger=str(path)),
        tutorial.renew(product_no=FIRST, ledger=str(path)),
    ):
        assert result["failed"] and not result["changed"] and str(path) in result["msg"]
    assert path.read_bytes() == content and orders_sent(tutorial.portal) == 0


def test_without_a_kept_ledger_a_warning_says_what_that_means(tutorial: Ansible) -> None:
    result = tutorial.renew(product_no=FIRST, ledger="none")
    assert states(result) == {FIRST: "renewed"}
    assert "ledger is none" in str(result["warnings"])


def test_what_nobody_can_tell_is_settled_by_a_persons_word(tutorial: Ansible) -> None:
    tutorial.portal.fault("error_before", path=SAVE)
    assert row_of(tutorial.renew(product_no=FIRST))["state"] == "unknown"
    foretold = settle(tutorial, check_mode=True, outcome="not_ordered")
    assert foretold["changed"] and foretold["intents"][0]["status"] == "unknown"
    done = settle(tutorial, outcome="not_ordered")
    assert done["changed"] and done["diff"] == foretold["diff"]
    assert (done["intents"][0]["status"], done["intents"][0]["note"]) == (
        "absent",
        "settled by hand: looked in the portal",
    )
    assert not settle(tutorial, outcome="not_ordered")["changed"]
    assert states(tutorial.renew(product_no=FIRST)) == {FIRST: "renewed"}
    (invoice,) = tutorial.portal.invoices
    assert invoice.po_number.endswith(".2")


def test_what_a_person_calls_ordered_is_not_ordered_again(tutorial: Ansible) -> None:
    tutorial.portal.fault("error_before", path=SAVE)
    tutorial.renew(product_no=FIRST)
    settle(tutorial, outcome="ordered", order_no="BN1")
    row = row_of(tutorial.renew(product_no=FIRST))
    assert row["state"] == "pending" and "BN1" in row["message"]
    assert orders_sent(tutorial.portal) == 1 and not tutorial.portal.invoices


def test_an_expansion_that_a_person_calls_unrelated_keeps_nothing_from_being_renewed(start: Any) -> None:
    pbx = {"product_no": FIRST, "plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100}
    order = {"product_no": FIRST, "status": "succeed", "operation": "purchase_service", "created_days_ago": 30}
    ansible = start(fleet={"pbxs": [{**pbx, "billing_cycle": "annually", "expires_in_days": 12}], "orders": [order]})
    row = row_of(ansible.renew(product_no=FIRST))
    assert (row["state"], row["reason"]) == ("blocked", "recent_order") and "yeastar_pce_ledger" in row["message"]
    number = ansible.portal.orders[0].order_no
    assert settle(ansible, outcome="unrelated", order_no=number)["unrelated_orders"] == [number]
    assert not settle(ansible, outcome="unrelated", order_no=number)["changed"]
    assert states(ansible.renew(product_no=FIRST)) == {FIRST: "renewed"}


@pytest.mark.parametrize("named", [False, True], ids=["by the environment", "by the variable"])
def test_the_playbook_settles_too(tutorial: Ansible, named: bool) -> None:
    tutorial.portal.fault("error_before", path=SAVE)
    tutorial.renew(product_no=FIRST)
    words = {"product_no": FIRST, "outcome": "not_ordered", "reason": "looked"}
    other = {"YEASTAR_BASE_URL": "http://127.0.0.1:1"} if named else {}
    if named:
        words["pce_renewal_base_url"] = tutorial.portal.url
    given = [f"-e{name}={word}" for name, word in words.items()]
    process = tutorial.playbook("pbxops.yeastar.settle", *given, environment=other)
    assert process.returncode == 0 and "changed=1" in process.stdout, process.stdout
    assert tutorial.module("yeastar_pce_ledger")["intents"][0]["status"] == "absent"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"outcome": "ordered"}, "no such intent"),
        ({"outcome": "unrelated"}, "order_no"),
        ({"outcome": "ordered", "reason": " "}, "reason: expected"),
        ({}, "outcome"),
    ],
    ids=str,
)
def test_a_word_that_is_not_whole_settles_nothing(tutorial: Ansible, arguments: dict[str, Any], said: str) -> None:
    result = settle(tutorial, **arguments)
    assert result["failed"] and said in result["msg"]
