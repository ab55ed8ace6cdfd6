# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files: what they may say and how mistakes are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import simulator
from tests.simulator import Fleet, FleetError, Simulator

PBX = {
    "product_no": "3658B431119665QJ",
    "plan": "Enterprise Plan",
    "quantity": 100,
    "billing_cycle": "annually",
    "expires_in_days": 12,
}


def load(tmp_path, text):
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    return Fleet.load(path)


def without(key):
    return {name: value for name, value in PBX.items() if name != key}


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        ({"pbx": []}, "unknown key 'pbx'"),
        ({"pbxs": {}}, "pbxs must be list"),
        ({"pbxs": ["x"]}, r"pbxs\[0\]: must be a mapping"),
        ({"account": {"id": "x"}}, "account: unknown key 'id'"),
        ({"profile": "guess"}, "unknown profile 'guess'"),
        ({"now": "soon"}, "now: not an ISO"),
        ({"generate": {"count": 3, "due": 4}}, "generate: needs"),
        ({"generate": {"due": 4}}, "count is missing"),
        ({"billing_contacts": [{"id": 3197218168379846218, "email": "a@example.com"}]}, "id must be str.*quote it"),
        ({"billing_contacts": [{"id": "x", "email": "a@example.com"}]}, "digits in quotes"),
        ({"prices": {"Enterprise Plan": {"weekly": 1}}}, "unknown key 'weekly'"),
        ({"prices": {"Enterprise Plan": {"annually": "much"}}}, "not an amount"),
        ({"catalog": [{"name": "x", "plan_id": "1"}]}, "pricing_plan_id is missing"),
        ({"shown": {"row": {}}}, "shown: unknown key 'row'"),
        ({"shown": {"services": {"Fax": {}}}}, "'Fax' must be a service of a plan"),
        ({"orders": [{"product_no": "3658B431119665QJ"}]}, "not among the pbxs"),
        ({"pbxs": [PBX, PBX]}, "given twice"),
        ({"pbxs": [PBX], "orders": [{"product_no": PBX["product_no"], "status": "done"}]}, "status must be one of"),
        ({"pbxs": [without("plan")]}, "plan is missing"),
        ({"pbxs": [without("expires_in_days")]}, "either expires_at or expires_in_days"),
        ({"pbxs": [{**PBX, "expires_at": "2026-12-05"}]}, "either expires_at or expires_in_days"),
        ({"pbxs": [{**PBX, "expires_in_days": float("inf")}]}, "hundred years"),
        ({"pbxs": [{**PBX, "product_no": 12345}]}, "12345 is a number: quote the serial number"),
        ({"pbxs": [{**PBX, "product_no": "a b"}]}, "not a serial number"),
        ({"pbxs": [{**PBX, "quantity": True}]}, "quantity must be int"),
        ({"pbxs": [{**PBX, "quantity": 0}]}, "at least 1"),
        ({"pbxs": [{**PBX, "plan": "Free"}]}, "plan must be one of"),
        ({"pbxs": [{**PBX, "services": ["Fax"]}]}, "Enterprise Plan has no service 'Fax'"),
        ({"pbxs": [{**PBX, "billing_cycle": "weekly"}]}, "billing_cycle must be one of"),
        ({"pbxs": [{**PBX, "auto_renewal": "no"}]}, "auto_renewal must be bool"),
        ({"pbxs": [{**PBX, "auto_renewal_status": "broken"}]}, "auto_renewal_status must be one of"),
        ({"pbxs": [{**PBX, "expires": 3}]}, "unknown key 'expires'"),
    ],
)
def test_mistakes_are_named(tmp_path, fleet, message):
    with pytest.raises(FleetError, match=message):
        Fleet.load(fleet)
    with pytest.raises(FleetError, match=message):
        load(tmp_path, yaml.safe_dump(fleet))


@pytest.mark.parametrize("number", ["3631E3418911", "0012345", "36580000012345"])
def test_a_serial_number_that_became_a_number_is_refused(tmp_path, number):
    lines = [
        f"product_no: {number}",
        "plan: Enterprise Plan",
        "quantity: 1",
        "billing_cycle: annually",
        "expires_in_days: 1",
    ]
    text = "pbxs:\n  - " + "\n    ".join(lines) + "\n"
    if number == "3631E3418911":  # YAML 1.1 wants a dot in a float; a JSON reader does not
        assert load(tmp_path, text).pbxs[0].product_no == number
        return
    with pytest.raises(FleetError, match="quote the serial number"):
        load(tmp_path, text)


def test_a_broken_file_is_named(tmp_path):
    for text, message in (
        ("pbxs: [", "while parsing"),
        ("now: 1\nnow: 2\n", "'now' is given twice"),
        ("- 1", "mapping"),
    ):
        with pytest.raises(FleetError, match=message):
            load(tmp_path, text)
    with pytest.raises(FleetError, match="No such file"):
        Fleet.load(tmp_path / "none.yml")


def test_a_full_file(tmp_path, connect):
    text = """
account: {client_id: c, client_secret: s}
profile: slashed
now: 2026-11-23T00:00:00Z
catalog:
  - name: Small Plan
    plan_id: "3048571730026938999"
    pricing_plan_id: "3048571730026939999"
    services:
      - {name: Fax, service_id: "3048571730026930001", pricing_service_id: "3048571730026930002"}
billing_contacts:
  - {id: "3197218168379846218", email: billing@example.com, first_name: Ledger}
pbxs:
  - {product_no: 3658B431119665QJ, plan: Small Plan, services: [Fax], quantity: 7, billing_cycle: monthly,
     expires_at: 2027-01-31, pending_plan: Small Plan, auto_renewal_status: forbidden}
  - {product_no: 3658B431119665QK, plan: Small Plan, quantity: 7, billing_cycle: monthly, expires_in_days: 1.5,
     comment: "half \\ud83d, \\e[31m"}
orders:
  - {product_no: 3658B431119665QJ, status: cancelled, created_at: 2026-10-01T12:00:00Z, operation: switch_plan}
  - {product_no: 3658B431119665QJ, created_days_ago: 400, po_number: PO-1}
prices:
  currency: RMB
  Small Plan: {monthly: 2.5}
"""
    fleet = load(tmp_path, text)
    with Simulator(fleet) as portal:
        client = connect(portal)
        first, second = client.products()["results"]
        assert first["expiryDate"] == "2027/01/31" and second["expiryDate"] == "2026/11/24"
        assert portal.pbx("3658B431119665QK").expires_at.hour == 12
        assert portal.pbx("3658B431119665QJ").auto_renewal_status == "forbidden"
        assert [row["comment"] for row in (first, second)] == ["", "half \ud83d, \x1b[31m"]
        rows = client.orders()["results"]
        assert [row["orderStatus"] for row in rows] == ["cancelled", "succeed"] and rows[0]["currencyCode"] == "RMB"
        assert str(portal.orders[0].amount) == "24.50"  # 7 * (2.50 for the plan + 1.00 for a service without a price)
        assert portal.invoices == []


def test_the_six_differ_as_they_should(portal, client):
    rows = client.products()["results"]
    assert [row["expireDate"] for row in rows] == [
        "2026-12-05",
        "2026-11-28",
        "2026-12-02",
        "2026-11-20",
        "2027-06-11",
        "2027-02-21",
    ]
    assert [row["autoRenew"] for row in rows] == [False, False, True, False, False, False]
    assert {"0036580000012345", "3631E3418911"} < {row["productNo"] for row in rows}
    assert client.detail("3658B431119004QN")["currentPlan"] == "Enterprise Plan"


def test_the_tutorials_pbx_is_the_default(connect):
    with Simulator(now="2026-11-23T00:00:00Z") as portal:
        [row] = connect(portal).products()["results"]
        assert (row["productNo"], row["planId"], row["extensionNum"]) == (
            "3658B431119665QJ",
            "3048571730026938368",
            100,
        )


def test_the_readmes_fleet_can_be_loaded(tmp_path):
    readme = (Path(simulator.__file__).parent / "README.md").read_text()
    fleet = load(tmp_path, readme.partition("```yaml\n")[2].partition("```")[0])
    assert len(fleet.pbxs) == 11 and fleet.pbxs[0].pending_plan == "Ultimate Plan"
