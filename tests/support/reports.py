# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for the tests of the role pce_report: accounts to report, and one run of the playbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.plays import Shown
from tests.support.processes import Ansible

# Files by format.
FILES = {
    "markdown": "comment.md",
    "summary": "summary.md",
    "html": "report.html",
    "csv": "subscriptions.csv",
    "xlsx": "subscriptions.xlsx",
    "icalendar": "expiries.ics",
    "prometheus": "yeastar_pce_demo-client.prom",
    "junit": "junit.xml",
}
NOW = "2026-11-23T12:00:00Z"

# Comments that have a meaning in some format, or for Ansible.
HOSTILE = (
    '<script>alert("x")</script><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A1",
    "a|b\nBEGIN:VEVENT\r\n| c | @everyone #1 **bold** `code`",
    "{{ 7 * 7 }}{% if true %}{{ lookup('ansible.builtin.pipe', 'touch templated') }}",
    'quote" back\\slash; comma, \x07\x1b[31m\u202eümläut 電話 ' + "long " * 60,
    "</testcase>]]>&amp;<!--",
)
PLAN, SERVICE = 'Plan <b>|"\\', "Service, {{ 1 + 1 }}; =2"


def hostile_fleet() -> dict[str, Any]:
    """One PBX for each of HOSTILE: due in 12 days, expired, of unknown expiry, and three with a distant expiry."""
    common = {"plan": PLAN, "services": [SERVICE], "quantity": 10, "billing_cycle": "annually"}
    expiries = ("2026-12-05", "2026-11-20", "2101-01-01", "2027-02-01", "2027-05-01", "2028-05-01")
    service = {"name": SERVICE, "service_id": "3", "pricing_service_id": "4"}
    return {
        "catalog": [{"name": PLAN, "plan_id": "1", "pricing_plan_id": "2", "services": [service]}],
        "pbxs": [{"product_no": f"HOSTILE{n}", "expires_at": at, **common} for n, at in enumerate(expiries)],
    }


def report(ansible: Ansible, formats: list[str], *arguments: str, **variables: Any) -> Shown:
    """Run report.yml with these formats, into the directory `report` of the controller's home."""
    given = {"pce_report_formats": formats, "pce_report_dest": str(folder(ansible))}
    given.update({f"pce_report_{name}": value for name, value in variables.items()})
    process = ansible.playbook("pbxops.yeastar.report", "--extra-vars", json.dumps(given), *arguments)
    return Shown(process.stdout, process.returncode)


def folder(ansible: Ansible) -> Path:
    """Where `report` writes the files."""
    return ansible.home / "report"
