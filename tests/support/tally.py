# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts from the tests of the faults, for the totals in docs/reliability.md.

With RELIABILITY_TALLY in the environment, each count is a line of JSON at the end of the file that it names: `test`,
`kills` (processes killed), `schedules` (fault schedules run), and where counted `invoices` (written), `duplicates`
(invoices beyond the first for a product and expiry) and `lost` (products that were not renewed in the end); `person`
maps each reason for which a run was left to a person to how many were.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tests.simulator import Simulator
from tests.simulator.records import Invoice

VARIABLE = "RELIABILITY_TALLY"
# Reasons that only a person can settle, after looking in the portal.
FOR_A_PERSON = ("verification_failed", "duplicate_detected", "recent_order")


def count(kills: int = 0, schedules: int = 0, person: Mapping[str, int] | None = None, **numbers: int) -> None:
    """Add a line to the tally, if one is kept."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    line = {"test": test, "kills": kills, "schedules": schedules, **numbers, "person": dict(person or {})}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def judge(
    portal: Simulator, product_nos: Collection[str], results: Iterable[Mapping[str, Any]] = (), kills: int = 0
) -> None:
    """Count the portal's invoices as one schedule, then check them: there must be one for each product."""
    invoices = Counter(_charged(invoice) for invoice in portal.invoices)
    lost = set(product_nos) - {product_no for product_no, dummy in invoices}
    rows = [row for result in results for row in result.get("results", ())]
    person = Counter(row["reason"] for row in rows if row["reason"] in FOR_A_PERSON)
    duplicates = invoices.total() - len(invoices)
    count(kills, 1, person, invoices=invoices.total(), duplicates=duplicates, lost=len(lost))
    assert sorted(product_no for product_no, dummy in invoices.elements()) == sorted(product_nos)


def _charged(invoice: Invoice) -> tuple[str, str]:
    return invoice.product_no, invoice.expiry_before.isoformat()
