# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pce_report: saved plans, the number of requests, and when it fails."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.plays import ANNUAL, EXPIRED, FAR, MONTHLY, REPOSITORY, SELF_RENEWING, SWITCHING, Shown
from tests.support.processes import Ansible, orders_sent
from tests.support.reports import FILES, NOW, folder, report

SIX = REPOSITORY / "tests" / "simulator" / "fleets" / "six.yml"
SPEC = REPOSITORY / "roles" / "pce_report" / "meta" / "argument_specs.yml"


def rows(ansible: Ansible) -> dict[str, dict[str, str]]:
    text = (folder(ansible) / "subscriptions.csv").read_text(encoding="utf-8-sig")
    return {row["product_no"]: row for row in csv.DictReader(text.splitlines())}


def asked(ansible: Ansible) -> Counter[str]:
    """The number of requests that are needed for each PBX or service, and of all others."""
    kinds = {"/plan_info/": "prices", "/add_on_info/": "prices", "/detail": "details"}
    kinds["/existed_auto_renew"] = "auto_renewals"
    paths = [entry.path for entry in ansible.portal.log]
    return Counter(next((kind for part, kind in kinds.items() if part in path), "common") for path in paths)


def files_of(word: str, shown: Shown) -> list[str]:
    """The files for which a run reported that status."""
    return re.findall(rf"^{word}: \[localhost\] => \(item=([\w-]+\.\w+)\)", shown.output, re.MULTILINE)


# saved plans


@pytest.fixture
def plan(six: Ansible) -> dict[str, Any]:
    """The content of a saved plan for the two due PBXs."""
    six.plan(
        subscriptions=[{"product_no": ANNUAL}, {"product_no": MONTHLY}],
        max_orders=2,
        dest=str(six.home / "plan.json"),
    )
    document: dict[str, Any] = json.loads((six.home / "plan.json").read_text(encoding="utf-8"))
    return document


def test_a_saved_plan_is_shown_word_for_word_and_no_price_is_asked_for(six: Ansible, plan: dict[str, Any]) -> None:
    six.portal.reset_log()
    shown = report(six, ["text", "markdown", "html", "csv"], plan_file=str(six.home / "plan.json"))
    assert shown.status == 0, shown.output
    # Two logins and listings, then catalog, contacts and two pages of orders to decide about the others.
    assert asked(six)["common"] == 2 * 2 + 4 and asked(six)["details"] <= 2 and "prices" not in asked(six)
    texts = {name: (folder(six) / name).read_text(encoding="utf-8") for name in ("comment.md", "report.html")}
    for text in [*texts.values(), shown.output]:
        assert plan["digest"] in text
    assert plan["totals"] == {"USD": "1743.00"} and "1743.00 USD" in texts["report.html"]
    (table,) = re.findall(r"Digest: .*\n\n((?:\|.*\n)+)", texts["comment.md"])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert cells == [
        [
            item["product_no"],
            item["expires_before"].removesuffix("T00:00:00Z"),
            item["expires_after"].removesuffix("T00:00:00Z"),
            item["plan"]["name"],
            ", ".join(service["name"] for service in item["services"]),
            str(item["quantity"]),
            item["billing_cycle"],
            f"{item['price']['amount']} {item['price']['currency']}",
        ]
        for item in plan["items"]
    ]
    assert {number: row["state"] for number, row in rows(six).items()} == {
        ANNUAL: "due",
        MONTHLY: "due",
        SELF_RENEWING: "skipped",
        EXPIRED: "blocked",
        FAR: "current",
        SWITCHING: "current",
    }


def test_what_is_due_and_not_in_the_plan_and_what_is_blocked_needs_a_person(six: Ansible) -> None:
    six.plan(product_no=ANNUAL, dest=str(six.home / "plan.json"))
    plan_file = str(six.home / "plan.json")
    shown = report(six, ["text", "markdown", "html", "csv", "junit"], plan_file=plan_file)
    assert shown.status == 0, shown.output
    found = rows(six)
    assert (found[MONTHLY]["state"], found[MONTHLY]["reason"]) == ("not_attempted", "not_in_plan")
    assert found[MONTHLY]["message"].startswith("not part of the plan, so nothing is bought: ")
    assert (found[EXPIRED]["state"], found[EXPIRED]["reason"]) == ("blocked", "expired")
    texts = {name: (folder(six) / name).read_text(encoding="utf-8") for name in ("comment.md", "report.html")}
    for text in (texts["comment.md"].partition("### What needs a person")[2].partition("###")[0], texts["report.html"]):
        assert MONTHLY in text and EXPIRED in text and "not part of the plan" in text
    assert f"{MONTHLY}: not_attempted, not part of the plan" in shown.output
    assert f"{EXPIRED}: blocked, it has expired" in shown.output
    assert 'type="not_in_plan"' in (folder(six) / "junit.xml").read_text(encoding="utf-8")
    assert "Orders **1** for" in texts["comment.md"]


def test_an_item_that_would_be_refused_by_now_needs_a_person(six: Ansible, plan: dict[str, Any]) -> None:
    six.portal.pbx(MONTHLY).quantity += 1
    six.portal.pbx(ANNUAL).expires_at += timedelta(days=365)
    shown = report(six, ["csv", "text"], plan_file=str(six.home / "plan.json"))
    assert shown.status == 0, shown.output
    found = rows(six)
    assert (found[MONTHLY]["state"], found[MONTHLY]["reason"]) == ("blocked", "contradiction")
    assert (found[ANNUAL]["state"], found[ANNUAL]["reason"]) == ("blocked", "stale_plan")
    assert all(f"{number}: blocked, " in shown.output for number in (MONTHLY, ANNUAL)) and len(plan["items"]) == 2


@pytest.mark.usefixtures("plan")
def test_a_plan_that_is_no_longer_valid_is_shown_as_that(six: Ansible) -> None:
    shown = report(six, ["markdown"], plan_file=str(six.home / "plan.json"), now="2099-01-01T00:00:00Z")
    assert shown.status == 0, shown.output
    assert "**No longer valid**" in (folder(six) / "comment.md").read_text(encoding="utf-8")


def test_a_plan_that_was_edited_is_not_shown(six: Ansible, plan: dict[str, Any]) -> None:
    plan["items"][0]["quantity"] += 1
    (six.home / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    shown = report(six, ["markdown"], plan_file=str(six.home / "plan.json"))
    assert shown.status == 2 and "has been edited" in shown.output
    assert not folder(six).exists()


# requests


def test_what_is_due_costs_a_request_for_each_of_its_plan_and_services(six: Ansible) -> None:
    assert report(six, ["csv"]).status == 0
    states = {number: row["state"] for number, row in rows(six).items()}
    assert states == {
        ANNUAL: "due",
        MONTHLY: "due",
        SELF_RENEWING: "skipped",
        EXPIRED: "blocked",
        FAR: "current",
        SWITCHING: "current",
    }
    assert {number for number, row in rows(six).items() if row["amount"] != "unknown"} == {ANNUAL, MONTHLY}
    # Plan and one service, plan and two services, each requested at most twice, since due PBXs are read again.
    assert 2 + 3 <= asked(six)["prices"] <= 2 * (2 + 3) and asked(six)["details"] <= 2
    assert asked(six)["auto_renewals"] == 2, "of what is due"
    # Two logins and listings, then catalog, contacts and two pages of orders.
    assert asked(six)["common"] == 2 * 2 + 4
    assert orders_sent(six.portal) == 0


def test_the_prices_of_a_year_are_asked_for_only_when_they_are_wanted(six: Ansible) -> None:
    assert report(six, ["csv"], prices="year").status == 0
    found = rows(six)
    assert {number for number, row in found.items() if row["amount"] != "unknown"} == {ANNUAL, MONTHLY, FAR}
    assert found[FAR]["state"] == "current", "it is decided by the usual window all the same"
    assert 2 + 3 + 2 <= asked(six)["prices"] <= 2 * (2 + 3) + 2 * (2 + 3 + 2 + 1) and orders_sent(six.portal) == 0
    assert asked(six)["auto_renewals"] == 2, "only of what is due"


# what is written


def test_check_mode_writes_nothing_and_an_hour_later_only_what_tells_the_time_changes(
    start: Callable[..., Ansible],
) -> None:
    six = start(fleet=SIX, now=NOW)
    checked = report(six, list(FILES), "--check", now=NOW)
    assert checked.status == 0, checked.output
    assert not folder(six).exists()
    first = report(six, list(FILES), now=NOW)
    assert files_of("changed", checked) == files_of("changed", first) == [*FILES.values()]
    assert checked.recap == first.recap
    later = report(six, list(FILES), now=NOW.replace("T12:", "T13:"))
    assert files_of("changed", later) == [FILES[name] for name in ("markdown", "summary", "html", "prometheus")]
    assert files_of("ok", later) == [FILES[name] for name in ("csv", "xlsx", "icalendar", "junit")]


@pytest.mark.parametrize(("given", "expected"), [({}, 0o600), ({"mode": "0640"}, 0o640)])
def test_files_with_prices_are_for_their_owner_unless_a_mode_is_set(
    six: Ansible, given: dict[str, str], expected: int
) -> None:
    assert report(six, list(FILES), **given).status == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder(six).iterdir()}
    assert modes == {**dict.fromkeys(FILES.values(), expected), FILES["prometheus"]: 0o644}


@pytest.mark.parametrize(("formats", "files"), [("text", []), ("csv", ["csv"]), ("text,html,csv", ["csv", "html"])])
def test_formats_may_be_text_as_on_a_command_line(six: Ansible, formats: str, files: list[str]) -> None:
    arguments = ["--extra-vars", json.dumps({"pce_report_dest": str(folder(six)), "pce_report_formats": formats})]
    process = six.playbook("pbxops.yeastar.report", *arguments)
    assert process.returncode == 0, process.stdout
    written = sorted(path.name for path in folder(six).iterdir()) if files else []
    assert written == sorted(FILES[name] for name in files)
    assert ("days left, " in process.stdout) == ("text" in formats)


# accounts


def test_two_accounts_have_a_metrics_file_each(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet=SIX, now=NOW)
    for label in ("Head office/1", "Head office%2F1", 'say "\\"', "0036"):
        shown = report(ansible, ["prometheus"], now=NOW, account_label=label)
        assert shown.status == 0, shown.output
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder(ansible).iterdir()}
    labels = {
        name: {
            sample.labels.get("account") for family in text_string_to_metric_families(text) for sample in family.samples
        }
        for name, text in texts.items()
    }
    assert labels == {
        "yeastar_pce_Head%20office%2F1.prom": {"Head office/1"},
        "yeastar_pce_Head%20office%252F1.prom": {"Head office%2F1"},
        "yeastar_pce_say%20%22%5C%22.prom": {'say "\\"'},
        "yeastar_pce_0036.prom": {"0036"},
    }
    given = report(ansible, ["prometheus"], now=NOW, account_label="A", metrics_file="a.prom")
    assert given.status == 0 and (folder(ansible) / "a.prom").is_file()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"account_label": ""}, "pce_report_account_label is not set; give the account a name for its metrics"),
        ({"account_label": "a\nb"}, "pce_report_account_label is more than one line; give the account a name"),
        ({"metrics_file": "../a.prom"}, "pce_report_metrics_file is ../a.prom, expected the name of a file in"),
        ({"metrics_file": "a.txt"}, "pce_report_metrics_file is a.txt, expected the name of a file in"),
        ({"metrics_file": ".prom"}, "pce_report_metrics_file is .prom, expected the name of a file in"),
    ],
)
def test_metrics_that_name_no_account_or_no_file_are_refused_before_anything_is_read(
    six: Ansible, variables: dict[str, str], message: str
) -> None:
    shown = report(six, ["prometheus"], **variables)
    assert shown.status == 2 and message in " ".join(shown.output.split()) and six.portal.log == []
    assert report(six, ["csv"], **variables).status == 0, "no other format needs them"


# failures


def test_a_place_that_depends_on_where_the_playbook_lies_is_refused_before_anything_is_read(six: Ansible) -> None:
    shown = report(six, ["text", "csv"], dest="report")
    assert shown.status != 0 and "pce_report_dest is report, expected an absolute path" in shown.output
    assert six.portal.log == []


def test_a_misspelt_variable_is_refused_before_anything_is_asked(six: Ansible) -> None:
    shown = report(six, ["csv"], remaining_day=40, extra_variables=["pce_report_note"], note="weekly")
    assert shown.status == 2 and "pce_report_remaining_day (the closest is pce_report_remaining_days)" in shown.output
    assert "pce_report_note" not in shown.output and six.portal.log == []


def test_a_second_use_in_a_play_is_not_refused_for_what_the_first_has_set(six: Ansible) -> None:
    given = {"pce_report_dest": str(folder(six)), "pce_report_formats": ["text", "csv"], "pce_report_prices": "year"}
    uses = [{kind: {"name": "pbxops.yeastar.pce_report"}, "vars": given} for kind in ("include_role", "import_role")]
    plan_file = {"vars": {**given, "pce_report_plan_file": str(six.home / "plan.json")}}
    six.plan(product_no=ANNUAL, dest=str(six.home / "plan.json"))
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [*uses, {**uses[0], **plan_file}, *uses]}
    (six.home / "twice.yml").write_text(json.dumps([play]), encoding="utf-8")
    process = six.playbook("twice.yml")
    assert process.returncode == 0, process.stdout


def test_files_without_a_place_for_them_are_refused_before_anything_is_asked(six: Ansible) -> None:
    shown = report(six, ["text", "html", "csv"], dest="")
    assert shown.status == 2 and "name the directory for html, csv" in shown.output
    assert six.portal.log == []


def test_where_nothing_can_be_decided_the_last_report_stays(six: Ansible) -> None:
    folder(six).mkdir()
    (folder(six) / FILES["prometheus"]).write_text("of yesterday\n")
    ledger = six.home / "ledger.sqlite3"
    ledger.write_bytes(b"no ledger" * 100)
    shown = report(six, ["prometheus"], ledger=str(ledger))
    assert shown.status == 2 and "ledger" in shown.output
    assert (folder(six) / FILES["prometheus"]).read_text() == "of yesterday\n"


def test_where_the_orders_cannot_be_read_the_report_says_so_of_what_is_due(six: Ansible) -> None:
    for dummy in range(2):
        six.portal.fault("forbidden", method="GET", path="/order/v1/page")
    shown = report(six, ["csv"], retries=0)
    assert shown.status == 0, shown.output
    states = {number: row["state"] for number, row in rows(six).items()}
    assert (states[ANNUAL], states[FAR], states[EXPIRED]) == ("not_attempted", "current", "blocked")
    assert "/order/" in rows(six)[ANNUAL]["message"]


def test_an_empty_account_has_a_report(start: Callable[..., Ansible]) -> None:
    ansible = start(fleet={"pbxs": []})
    shown = report(ansible, ["text", "markdown", "html", "csv", "icalendar", "prometheus", "junit"], prices="year")
    assert shown.status == 0, shown.output
    assert rows(ansible) == {} and len(list(folder(ansible).iterdir())) == 6


# interface


def test_the_argument_spec_has_every_connection_option_as_the_modules_have_it() -> None:
    options = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.table")
    read = {
        **options.CONNECTION_OPTIONS,
        **{name: options.RENEWAL_OPTIONS[name] for name in ("billing_contact", "include_expired", "remaining_days")},
        **{name: options.RENEWAL_OPTIONS[name] for name in ("term_starts", "ledger", "ledger_password", "now")},
    }
    own = {"formats", "dest", "plan_file", "prices", "extra_variables", "account_label", "metrics_file", "mode"}
    declared = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    assert set(declared) == {f"pce_report_{name}" for name in {*read, *own}}
    for name, option in read.items():
        row = declared[f"pce_report_{name}"]
        assert row["type"] == option["type"]
        assert "no_log" not in row, "with it, ansible-core 2.18 refuses an inline !vault value"


def test_every_format_but_text_has_one_file() -> None:
    declared = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    files = yaml.safe_load((SPEC.parents[1] / "vars" / "main.yml").read_text(encoding="utf-8"))["pce_report_files"]
    assert ["text", *(file["format"] for file in files)] == declared["pce_report_formats"]["choices"]
    assert all((SPEC.parents[1] / "templates" / file["src"]).is_file() for file in files)
    assert len({Path(file["dest"]) for file in files}) == len(files)
