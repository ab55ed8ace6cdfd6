# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that is saved, approved by its digest, and applied: exactly what was approved is bought, or nothing."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.fleet import Contact
from tests.support.kill_points import KillPoint
from tests.support.processes import Ansible, orders_sent, states

FIRST = "3658B431119665QJ"
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def save(ansible: Ansible, **arguments: Any) -> dict[str, Any]:
    return ansible.plan(**{"product_no": FIRST, "dest": str(ansible.home / "plan.json"), **arguments})


def apply(ansible: Ansible, digest: str, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    return ansible.renew(check_mode, plan_file=str(ansible.home / "plan.json"), plan_digest=digest, **arguments)


def document_of(ansible: Ansible) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ansible.home / "plan.json").read_text(encoding="utf-8"))
    return document


def assert_refused(ansible: Ansible, result: dict[str, Any], *said: str) -> None:
    assert result["failed"] and not result.get("changed")
    for words in said:
        assert words in result["msg"]
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


def test_the_file_names_all_that_the_order_will_contain_and_no_secret(tutorial: Ansible) -> None:
    saved = save(tutorial)
    assert not saved["changed"] and saved["has_changes"] and saved["totals"] == {"USD": "1680.00"}
    document = document_of(tutorial)
    assert (tutorial.home / "plan.json").stat().st_mode & 0o777 == 0o600
    assert document["digest"] == saved["digest"] and document["portal"] == tutorial.portal.url
    assert tutorial.portal.client_id not in json.dumps(document)
    (item,) = document["items"]
    apply(tutorial, saved["digest"])
    (invoice,) = tutorial.portal.invoices
    body = json.loads(invoice.raw_body)
    assert (item["product_no"], item["po_number"]) == (body["productNo"], body["poNumber"])
    assert item["billing_contact_id"] == str(body["billingId"])
    assert item["billing_contact_email"] == tutorial.portal.contacts[0].email
    plan_line, service_line = body["serviceList"]
    assert (item["plan"]["id"], item["quantity"]) == (str(plan_line["serviceId"]), plan_line["quantity"])
    assert [service["id"] for service in item["services"]] == [str(service_line["serviceId"])]
    assert item["billing_cycle"] == plan_line["billingCycle"]
    assert item["expires_before"] == f"{invoice.expiry_before:%Y-%m-%dT%H:%M:%SZ}"
    assert item["expires_after"] == f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}"
    assert item["price"] == {"amount": f"{invoice.amount}", "currency": invoice.currency}


@pytest.mark.faults(67)
def test_what_was_approved_is_bought_once(tutorial: Ansible) -> None:
    digest = save(tutorial)["digest"]
    assert states(apply(tutorial, digest, check_mode=True)) == {FIRST: "due"}
    assert states(apply(tutorial, digest)) == {FIRST: "renewed"}
    again = apply(tutorial, digest)
    assert again["failed"] and not again["changed"] and "this plan was applied on" in again["msg"]
    assert len(tutorial.portal.invoices) == orders_sent(tutorial.portal) == 1


def test_a_check_of_a_plan_that_was_applied_says_so(tutorial: Ansible) -> None:
    digest = save(tutorial)["digest"]
    apply(tutorial, digest)
    tutorial.portal.pbx(FIRST).expires_at -= timedelta(days=365)
    assert "this plan was applied on" in apply(tutorial, digest, check_mode=True)["msg"]


def edit(document: dict[str, Any]) -> None:
    document["items"][0]["quantity"] = 1000


def forge(document: dict[str, Any]) -> None:
    document["digest"] = "0" * 64


@pytest.mark.faults(67)
@pytest.mark.parametrize("tamper", [edit, forge])
def test_a_file_that_was_edited_is_refused_before_any_call(
    tutorial: Ansible, tamper: Callable[[dict[str, Any]], None]
) -> None:
    digest = save(tutorial)["digest"]
    document = document_of(tutorial)
    tamper(document)
    (tutorial.home / "plan.json").write_text(json.dumps(document), encoding="utf-8")
    tutorial.portal.reset_log()
    assert_refused(tutorial, apply(tutorial, digest), "has been edited since it was made")
    assert not tutorial.portal.log


def give_twice(content: bytes) -> bytes:
    """The plan with a duplicate key, so that a reader of the first one sees one extension; the digest is the same."""
    return content.replace(b'"quantity":', b'"quantity":1,"quantity":')


def make_cheap(content: bytes) -> bytes:
    """The plan with a total of almost nothing, and a matching digest."""
    document = json.loads(content)
    plan_file = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file")
    document["totals"] = {"USD": "1.00"}
    return bytes(plan_file._canonical({**document, "digest": plan_file._digest(document)}))


@pytest.mark.faults(67)
@pytest.mark.parametrize(
    ("tamper", "said"),
    [(give_twice, "not byte for byte what yeastar_pce_plan saved"), (make_cheap, "contradicts itself in totals")],
)
@pytest.mark.faults(85)
def test_a_file_that_an_approver_may_read_otherwise_is_refused_before_any_call(
    tutorial: Ansible, tamper: Callable[[bytes], bytes], said: str
) -> None:
    save(tutorial)
    path = tutorial.home / "plan.json"
    path.write_bytes(tamper(path.read_bytes()))
    tutorial.portal.reset_log()
    assert_refused(tutorial, apply(tutorial, document_of(tutorial)["digest"]), said)
    assert not tutorial.portal.log


@pytest.mark.faults(67)
def test_another_digest_than_the_approved_one_is_refused(tutorial: Ansible) -> None:
    digest = save(tutorial)["digest"]
    assert_refused(tutorial, apply(tutorial, "0" * 64), digest, "not the one that was approved")


@pytest.mark.faults(67)
def test_a_plan_that_is_out_of_date_is_refused(tutorial: Ansible) -> None:
    saved = save(tutorial, valid_for=3600)
    late = saved["valid_until"].replace("Z", ".5Z")
    assert_refused(tutorial, apply(tutorial, saved["digest"], now=late), "was valid until", "plan again")


@pytest.mark.faults(66, 67)
@pytest.mark.parametrize("other", [{"client_id": "another"}, {"base_url": "http://localhost:1"}], ids=str)
def test_a_plan_for_another_account_or_portal_is_refused_before_any_call(
    tutorial: Ansible, other: dict[str, str]
) -> None:
    digest = save(tutorial)["digest"]
    tutorial.portal.reset_log()
    assert_refused(tutorial, apply(tutorial, digest, **other), "was made for", "this is")
    assert not tutorial.portal.log


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"digest": 1}', "no JSON", "{" * 9_999], ids=lambda text: text[:9]
)
def test_a_file_that_is_no_plan_is_refused(tutorial: Ansible, content: str) -> None:
    (tutorial.home / "plan.json").write_text(content, encoding="utf-8")
    assert_refused(tutorial, apply(tutorial, "0" * 64), "plan_file:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"plan_file": "plan.json"}, "plan_digest"),
        ({"plan_file": "plan.json", "plan_digest": "0", "product_no": FIRST}, "mutually exclusive"),
        ({"plan_file": "plan.json", "plan_digest": "0", "remaining_days": 5}, "mutually exclusive"),
        ({"plan_file": "/nowhere/plan.json", "plan_digest": "0"}, "cannot be read"),
    ],
    ids=str,
)
def test_a_plan_comes_alone_and_with_its_digest(tutorial: Ansible, arguments: dict[str, Any], said: str) -> None:
    assert_refused(tutorial, tutorial.renew(**arguments), said)


def more_extensions(portal: Simulator) -> None:
    portal.pbx(FIRST).quantity = 120


def renewed_by_a_person(portal: Simulator) -> None:
    portal.renew_by_person(FIRST)


def another_plan(portal: Simulator) -> None:
    portal.pbx(FIRST).plan = "Ultimate Plan"
    portal.pbx(FIRST).services = []


def no_service(portal: Simulator) -> None:
    portal.pbx(FIRST).services = []


def monthly(portal: Simulator) -> None:
    portal.pbx(FIRST).billing_cycle = "monthly"


def dearer(portal: Simulator) -> None:
    portal.account.prices.factor *= 2


def cheaper(portal: Simulator) -> None:
    portal.account.prices.factor /= 2


def other_currency(portal: Simulator) -> None:
    portal.account.prices.currency = "RMB"


def expires_earlier(portal: Simulator) -> None:
    portal.pbx(FIRST).expires_at -= timedelta(days=3)


def one_more_service(portal: Simulator) -> None:
    portal.pbx(FIRST).services = [*portal.pbx(FIRST).services, "Recording Minutes"]


def switching(portal: Simulator) -> None:
    portal.pbx(FIRST).pending_plan = "Ultimate Plan"


def other_address(portal: Simulator) -> None:
    portal.contacts[:] = [Contact("3197218168379846218", "other@example.com")]


def another_contact(portal: Simulator) -> None:
    portal.contacts[:] = [Contact("3197218168379846219", "other@example.com")]


@pytest.mark.faults(45, 54, 55)
@pytest.mark.parametrize(
    ("drift", "reason", "said"),
    [
        (more_extensions, "stale_plan", "quantity 100 -> 120"),
        (renewed_by_a_person, "stale_plan", "expires_at {before} -> {after}"),
        (expires_earlier, "stale_plan", "expires_at {before} -> {after}"),
        (another_plan, "stale_plan", "plan Enterprise Plan -> Ultimate Plan; services High Availability -> none"),
        (no_service, "stale_plan", "services High Availability -> none"),
        (one_more_service, "stale_plan", "services High Availability -> High Availability, Recording Minutes"),
        (monthly, "stale_plan", "billing_cycle annually -> monthly"),
        (dearer, "stale_plan", "price 1680.00 USD -> 3360.00 USD"),
        (cheaper, "stale_plan", "price 1680.00 USD -> 840.00 USD"),
        (other_currency, "stale_plan", "price 1680.00 USD -> 1680.00 RMB"),
        (another_contact, "stale_plan", "billing_contact_id 3197218168379846218 -> unknown"),
        (other_address, "stale_plan", "billing_contact_email billing@example.com -> other@example.com"),
        (switching, "plan_switch_pending", "a switch to another plan is pending"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_has_changed_since_the_plan_is_refused_with_old_and_new(
    tutorial: Ansible, drift: Callable[[Simulator], None], reason: str, said: str
) -> None:
    digest = save(tutorial)["digest"]
    before = tutorial.portal.pbx(FIRST).expires_at
    drift(tutorial.portal)
    after = tutorial.portal.pbx(FIRST).expires_at
    invoices = len(tutorial.portal.invoices)
    for check_mode in (True, False):
        result = apply(tutorial, digest, check_mode)
        (row,) = result["results"]
        assert (row["state"], row["reason"], row["changed"]) == ("blocked", reason, False)
        assert_refused(tutorial, result, said.format(before=f"{before:{INSTANT}}", after=f"{after:{INSTANT}}"))
    assert len(tutorial.portal.invoices) == invoices == 0


def test_what_changes_between_the_last_look_and_the_order_is_refused_too(tutorial: Ansible) -> None:
    digest = save(tutorial)["digest"]
    tutorial.portal.fault("price_change", factor=2, path="/instance_product/v1/detail")
    result = apply(tutorial, digest)
    assert not tutorial.portal.faults
    assert_refused(tutorial, result, "price 1680.00 USD -> 3360.00 USD")


def test_a_price_that_is_not_known_is_shown_as_unknown_and_approved_as_such(start: Callable[..., Ansible]) -> None:
    ansible = start(profile="epoch_seconds")
    saved = save(ansible, billing_cycle="annually")
    assert (saved["totals"], saved["unknown_prices"]) == ({}, 1)
    assert document_of(ansible)["items"][0]["price"] is None
    assert states(apply(ansible, saved["digest"])) == {FIRST: "renewed"}


def test_what_is_due_later_is_not_added_to_an_approved_plan(six: Ansible) -> None:
    numbers = [pbx.product_no for pbx in six.portal.pbxs]
    dest = str(six.home / "plan.json")
    saved = six.plan(dest=dest, subscriptions=[{"product_no": number} for number in numbers], max_orders=9)
    approved = {item["product_no"] for item in document_of(six)["items"]}
    for number in set(numbers) - approved:
        six.portal.pbx(number).expires_at = six.portal.clock.now() + timedelta(days=6)
    apply(six, saved["digest"])
    assert {invoice.product_no for invoice in six.portal.invoices} == approved


def test_in_check_mode_no_plan_is_saved_and_one_that_cannot_be_is_told(tutorial: Ansible) -> None:
    arguments = {"product_no": FIRST, "dest": str(tutorial.home / "plan.json")}
    assert tutorial.module("yeastar_pce_plan", True, **arguments)["has_changes"]
    assert not (tutorial.home / "plan.json").exists()
    assert "dest: /nowhere/plan.json cannot be written" in save(tutorial, dest="/nowhere/plan.json")["msg"]
    assert "valid_for: expected 1 to 604800" in save(tutorial, valid_for=604_801)["msg"]


@pytest.mark.faults(9)
def test_a_kill_while_a_plan_is_written_leaves_the_old_one(tutorial: Ansible) -> None:
    digest = save(tutorial)["digest"]
    arguments = {"product_no": FIRST, "dest": str(tutorial.home / "plan.json"), "remaining_days": 40}
    # The first canonical form is for the digest, the second is what is written.
    at = KillPoint("_renew.plan_file._canonical", "after", signal.SIGKILL, skip=1)
    assert tutorial.start("yeastar_pce_plan", arguments, at=at).wait() == -signal.SIGKILL
    assert document_of(tutorial)["digest"] == digest
    assert states(apply(tutorial, digest)) == {FIRST: "renewed"}
