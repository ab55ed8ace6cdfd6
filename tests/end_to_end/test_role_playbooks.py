# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that only read: plan.yml and report.yml."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.plays import (
    EXPIRED,
    FAR,
    MONTHLY,
    SELF_RENEWING,
    SWITCHING,
    playbook,
)
from tests.support.processes import Ansible, orders_sent


def test_plan_shows_what_is_due_and_neither_changes_nor_sends_anything(six: Ansible) -> None:
    shown = playbook(six, "plan")
    assert shown.states() == {
        "head_office": "due",
        MONTHLY: "due",
        SELF_RENEWING: "skipped",
        EXPIRED: "blocked",
        FAR: "current",
        SWITCHING: "current",
    }
    assert {host for host, result in shown.results().items() if result["word"] == "fatal"} == {EXPIRED}
    assert not any(counts.get("changed") for counts in shown.recap.values())
    messages = {host: result["msg"] for host, result in shown.results().items()}
    assert "100 extensions, annually" in messages["head_office"] and "25 extensions, monthly" in messages[MONTHLY]
    assert orders_sent(six.portal) == 0


def test_report_lists_in_order_of_expiry_and_names_what_cannot_be_determined(start: Callable[..., Ansible]) -> None:
    expiries = {"SERIAL02": "2031-05-01", "SERIAL01": "2032-01-01", "SERIAL03": "2029-12-24", "SERIAL00": "2101-01-01"}
    common = {"plan": "Enterprise Plan", "quantity": 5, "billing_cycle": "annually"}
    ansible = start(fleet={"pbxs": [{"product_no": sn, "expires_at": at, **common} for sn, at in expiries.items()]})
    shown = playbook(ansible, "report")
    assert shown.status == 0, shown.output
    rows = re.findall(r'"msg": "(SERIAL\d+)\b(.*)"', shown.output)
    known, unknown = rows[:-1], rows[-1]
    if rows[0][0] == "SERIAL00":  # at either end
        known, unknown = rows[1:], rows[0]
    assert [sn for sn, dummy in known] == ["SERIAL03", "SERIAL02", "SERIAL01"]
    assert all(expiries[sn] in text and "Enterprise Plan" in text for sn, text in known)
    assert unknown[0] == "SERIAL00" and "cannot be determined" in unknown[1]
    assert shown.recap["localhost"].get("changed") is None
    assert orders_sent(ansible.portal) == 0


def test_report_lists_an_account_of_which_no_expiry_can_be_determined(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"generate": {"count": 3, "due": 1}}, profile="conflicting")
    shown = playbook(ansible, "report")
    assert shown.status == 0, shown.output
    rows = re.findall(r'"msg": "(\w+):.*cannot be determined', shown.output)
    assert rows == sorted(pbx.product_no for pbx in ansible.portal.pbxs)
