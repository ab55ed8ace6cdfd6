# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that describes a renewal agrees: check mode, its diff, the saved plan, the report, the order."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator.records import Invoice
from tests.support.plays import ANNUAL, MONTHLY
from tests.support.processes import Ansible

DUE = [MONTHLY, ANNUAL]


@dataclass(frozen=True)
class Said:
    """The description of one renewal from any source. Services are sorted; the price is amount and currency."""

    product_no: str
    expires_before: str
    expires_after: str
    plan: str
    services: tuple[str, ...]
    quantity: int
    billing_cycle: str
    price: str


def of_result(row: dict[str, Any]) -> Said:
    return Said(
        product_no=row["product_no"],
        expires_before=row["expires_before"],
        expires_after=row["expires_after"],
        plan=row["plan"],
        services=tuple(sorted(row["services"])),
        quantity=row["quantity"],
        billing_cycle=row["billing_cycle"],
        price=f"{row['price']['amount']} {row['price']['currency']}",
    )


def of_diff(entry: dict[str, str]) -> Said:
    before = dict(line.split(": ", 1) for line in entry["before"].splitlines())
    after = dict(line.split(": ", 1) for line in entry["after"].splitlines())
    return Said(
        product_no=entry["after_header"],
        expires_before=before["expires_at"].removesuffix(" (UTC assumed)"),
        expires_after=after["expires_at"],
        plan=after["renewed plan"],
        services=tuple(sorted(after["renewed services"].split(", "))),
        quantity=int(after["extensions"]),
        billing_cycle=after["billing cycle"],
        price=after["price"],
    )


def of_item(item: dict[str, Any]) -> Said:
    offers = {"plan": item["plan"]["name"], "services": [service["name"] for service in item["services"]]}
    return of_result({**item, **offers})


def of_csv_row(row: dict[str, str]) -> Said:
    """A row of the table. The portal gives bare dates, which are shown as that."""
    price = {"amount": row["amount"], "currency": row["currency"]}
    parts = {"services": row["services"].split("; "), "quantity": int(row["quantity"]), "price": price}
    dates = {"expires_before": row["expires_at"], "expires_after": row["expires_after"]}
    return of_result({**row, **{name: f"{day}T00:00:00Z" for name, day in dates.items()}, **parts})


def of_markdown(text: str) -> list[Said]:
    """The rows of the table of orders. An instant at midnight is shown as its day."""
    table = text[text.index("| PBX | expires | would expire |") :].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return [
        Said(
            number,
            f"{before}T00:00:00Z",
            f"{after}T00:00:00Z",
            plan,
            tuple(sorted(services.split(", "))),
            int(count),
            cycle,
            price,
        )
        for number, before, after, plan, services, count, cycle, price in cells[2:]
    ]


def of_invoice(invoice: Invoice, names: dict[str, str]) -> Said:
    """What was sent, with ids replaced by their ``names`` in the catalog, and what the portal did with it."""
    plan_line, *service_lines = json.loads(invoice.raw_body)["serviceList"]
    assert invoice.expiry_after is not None
    return Said(
        product_no=json.loads(invoice.raw_body)["productNo"],
        expires_before=f"{invoice.expiry_before:%Y-%m-%dT%H:%M:%SZ}",
        expires_after=f"{invoice.expiry_after:%Y-%m-%dT%H:%M:%SZ}",
        plan=names[str(plan_line["serviceId"])],
        services=tuple(sorted(names[str(line["serviceId"])] for line in service_lines)),
        quantity=plan_line["quantity"],
        billing_cycle=plan_line["billingCycle"],
        price=f"{invoice.amount:f} {invoice.currency}",
    )


def report(ansible: Ansible, folder: str, **variables: Any) -> Path:
    """Write a report, and return its folder."""
    target = ansible.home / folder
    given = {"pce_report_dest": str(target), "pce_report_formats": ["csv", "markdown"], **variables}
    done = ansible.playbook("pbxops.yeastar.report", "--extra-vars", json.dumps(given))
    assert done.returncode == 0, done.stdout
    return target


def rows_of(folder: Path) -> list[Said]:
    """What the CSV of a report says about the due PBXs."""
    with (folder / "subscriptions.csv").open(encoding="utf-8-sig", newline="") as file:
        return sorted((of_csv_row(row) for row in csv.DictReader(file) if row["state"] == "due"), key=repr)


def test_check_mode_diff_plan_report_and_order_name_the_same_items_dates_and_amounts(six: Ansible) -> None:
    plan_file = six.home / "plan.json"
    subscriptions = [{"product_no": number} for number in DUE]
    limits = {"max_orders": 2, "max_total": "100000", "currency": "USD"}
    saved = six.plan(subscriptions=subscriptions, dest=str(plan_file), **limits)
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    checked = six.renew(check_mode=True, subscriptions=subscriptions, **limits)
    report_of_plan = report(six, "of-plan", pce_report_plan_file=str(plan_file))
    report_of_account = report(six, "of-account")
    catalog = six.info(gather=["catalog"])["catalog"]
    names = {offer["id"]: offer["name"] for offer in [*catalog["plans"], *catalog["services"]]}
    applied = six.renew(plan_file=str(plan_file), plan_digest=saved["digest"])
    assert applied["changed"] and not applied.get("failed"), applied["msg"]

    said = {
        "plan module": [of_result(row) for row in saved["results"]],
        "plan's diff": [of_diff(entry) for entry in saved["diff"]],
        "plan file": [of_item(item) for item in document["items"]],
        "check mode": [of_result(row) for row in checked["results"]],
        "check mode's diff": [of_diff(entry) for entry in checked["diff"]],
        "report of the plan": rows_of(report_of_plan),
        "report of the account": rows_of(report_of_account),
        "comment of the plan": of_markdown((report_of_plan / "comment.md").read_text(encoding="utf-8")),
        "renewal": [of_result(row) for row in applied["results"]],
        "renewal's diff": [of_diff(entry) for entry in applied["diff"]],
        "order": [of_invoice(invoice, names) for invoice in six.portal.invoices],
    }
    said = {speaker: sorted(rows, key=repr) for speaker, rows in said.items()}
    assert [row.product_no for row in said["order"]] == DUE
    assert {speaker: rows for speaker, rows in said.items() if rows != said["order"]} == {}

    bodies = {body["productNo"]: body for body in (json.loads(invoice.raw_body) for invoice in six.portal.invoices)}
    for item in document["items"]:
        body = bodies[item["product_no"]]
        assert (item["po_number"], item["billing_contact_id"]) == (body["poNumber"], str(body["billingId"]))
    amounts = sum(invoice.amount for invoice in six.portal.invoices)
    assert saved["totals"] == document["totals"] == {"USD": f"{amounts:f}"}
    assert f"{amounts:f} USD" in (report_of_plan / "comment.md").read_text(encoding="utf-8")
