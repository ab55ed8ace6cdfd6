# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pce_report: every format is read back by a third-party library, with hostile text in every field."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from html.parser import HTMLParser
from importlib import import_module
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from icalendar import Calendar
from openpyxl import load_workbook
from prometheus_client.parser import text_string_to_metric_families

from tests.simulator import Simulator
from tests.support.plays import Shown
from tests.support.processes import Ansible, orders_sent
from tests.support.reports import FILES, HOSTILE, NOW, PLAN, SERVICE, folder, hostile_fleet, report

PLUGINS = "ansible_collections.pbxops.yeastar.plugins."
CLEANED = import_module(f"{PLUGINS}plugin_utils._report").cleaned
ONE_LINE = import_module(f"{PLUGINS}module_utils._text").one_line
SHOWN = [CLEANED(ONE_LINE(comment)) for comment in HOSTILE]
NUMBERS = [f"HOSTILE{number}" for number in range(len(HOSTILE))]
COMMENTS = dict(zip(NUMBERS, SHOWN, strict=True))
DUE, EXPIRED, UNKNOWN, *LATER = NUMBERS
IN_ORDER = [UNKNOWN, EXPIRED, DUE, *LATER]


@dataclass(frozen=True)
class Written:
    """One report of hostile text in every format."""

    ansible: Ansible
    shown: Shown

    def text(self, name: str) -> str:
        return (folder(self.ansible) / FILES[name]).read_bytes().decode("utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with Simulator(fleet=hostile_fleet(), now=NOW) as portal:
        for number, comment in zip(NUMBERS, HOSTILE, strict=True):
            portal.pbx(number).comment = comment
        ansible = Ansible(portal, tmp_path_factory.mktemp("reports"))
        yield Written(ansible, report(ansible, list(FILES), now=NOW))


def test_it_does_not_fail_because_of_what_it_reports_and_orders_nothing(written: Written) -> None:
    assert written.shown.status == 0, written.shown.output
    assert orders_sent(written.ansible.portal) == 0
    assert sorted(path.name for path in folder(written.ansible).iterdir()) == sorted(FILES.values())
    assert not list(written.ansible.home.rglob("templated")), "a comment was taken for a template"


# csv


def test_csv_is_read_back_row_by_row(written: Written) -> None:
    text = written.text("csv")
    assert text.startswith("\ufeff"), "spreadsheets take it for UTF-8"
    text = text.removeprefix("\ufeff")
    assert all(line.startswith('"') for line in text.splitlines()), "a serial number is text"
    assert text.count("\r\n") == len(NUMBERS) + 1 == text.count("\n")
    rows = {row["product_no"]: row for row in csv.DictReader(text.splitlines(), strict=True)}
    assert list(rows) == IN_ORDER
    assert {number: row["comment"].removeprefix("'") for number, row in rows.items()} == COMMENTS
    assert rows[NUMBERS[1]]["comment"].startswith("'=cmd"), "no formula"
    assert {row["plan"] for row in rows.values()} == {PLAN}
    assert {row["services"] for row in rows.values()} == {SERVICE.replace("; =", "; '=")}, "no formula"
    assert (rows[UNKNOWN]["expires_at"], rows[UNKNOWN]["days_left"]) == ("unknown", "unknown")
    assert (rows[EXPIRED]["days_left"], rows[EXPIRED]["state"]) == ("-4", "blocked")
    due = rows[DUE]
    assert (due["expires_at"], due["expires_after"]) == ("2026-12-05", "2027-12-05")
    assert (due["state"], due["currency"]) == ("due", "USD") and re.fullmatch(r"\d+\.\d\d", due["amount"])


# xlsx


def test_a_workbook_is_read_back_cell_by_cell(written: Written) -> None:
    book = load_workbook(folder(written.ansible) / FILES["xlsx"])
    (sheet,) = book
    head, *rows = sheet.iter_rows()
    names = [cell.value for cell in head]
    found = {row[0].value: dict(zip(names, row, strict=True)) for row in rows}
    assert list(found) == IN_ORDER
    assert {number: row["comment"].value for number, row in found.items()} == COMMENTS
    assert {row["services"].value for row in found.values()} == {SERVICE}
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d", "b"}, "no formula"
    due = found[DUE]
    assert [str(due[name].value) for name in ("expires_at", "expires_after")] == [
        "2026-12-05 00:00:00",
        "2027-12-05 00:00:00",
    ]
    assert (due["expires_at"].is_date, due["expires_at"].number_format) == (True, "yyyy-mm-dd")
    assert (due["amount"].data_type, due["amount"].number_format, due["days_left"].value) == ("n", "0.00", 11)
    assert (found[UNKNOWN]["expires_at"].value, found[UNKNOWN]["amount"].value) == ("unknown", "unknown")
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", sheet.dimensions)


SERIAL_NUMBERS = ("0036580000012345", "3631E0000012", "3658100000012345", "3658B431119665QJ")


def test_serial_numbers_that_look_like_numbers_stay_text(start: Callable[..., Ansible]) -> None:
    fleet = hostile_fleet()
    fleet["pbxs"] = [{**fleet["pbxs"][0], "product_no": number} for number in SERIAL_NUMBERS]
    ansible = start(fleet=fleet, now=NOW)
    shown = report(ansible, ["xlsx", "csv"], now=NOW)
    assert shown.status == 0, shown.output
    (sheet,) = load_workbook(folder(ansible) / FILES["xlsx"])
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert sorted((cell.value, cell.data_type) for cell in cells) == [(number, "s") for number in SERIAL_NUMBERS]
    lines = (folder(ansible) / FILES["csv"]).read_text(encoding="utf-8-sig").splitlines()[1:]
    assert sorted(line.partition(",")[0] for line in lines) == [f'"{number}"' for number in SERIAL_NUMBERS]


# icalendar


def test_a_calendar_has_one_event_for_each_known_expiry(written: Written) -> None:
    text = written.text("icalendar")
    assert text.endswith("END:VCALENDAR\r\n") and text.count("\n") == text.count("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    calendar = Calendar.from_ical(text)
    assert "1" in calendar["X-WR-CALDESC"] and "unknown expiry" in calendar["X-WR-CALDESC"]
    events = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    assert list(events) == [f"{number}@pce.pbxops.yeastar" for number in IN_ORDER[1:]]
    for number in IN_ORDER[1:]:
        event = events[f"{number}@pce.pbxops.yeastar"]
        assert event["SUMMARY"] == f"{COMMENTS[number]} expires"
        assert PLAN in event["DESCRIPTION"] and not event.errors
    due = events[f"{DUE}@pce.pbxops.yeastar"]
    assert (due.start, due.end) == (date(2026, 12, 5), date(2026, 12, 6)), "the portal gives a bare date"
    assert "due: in_window" in events[f"{DUE}@pce.pbxops.yeastar"]["DESCRIPTION"]


def test_an_expiry_with_a_time_of_day_is_a_moment_in_the_calendar(start: Callable[..., Ansible]) -> None:
    ansible = start(profile="datetime", fleet=hostile_fleet(), now=NOW)
    assert report(ansible, ["icalendar"], now=NOW).status == 0
    calendar = Calendar.from_ical((folder(ansible) / FILES["icalendar"]).read_bytes())
    starts = {str(event["UID"]).partition("@")[0]: event.start for event in calendar.walk("VEVENT")}
    assert starts[DUE] == datetime(2026, 12, 5, tzinfo=timezone.utc)
    assert {type(one) for one in starts.values()} == {datetime}


# prometheus


def test_the_textfile_is_read_back_sample_by_sample(written: Written) -> None:
    families = {family.name: family for family in text_string_to_metric_families(written.text("prometheus"))}
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    assert {sample.labels["account"] for family in families.values() for sample in family.samples} == {"demo-client"}

    def samples(name: str, key: str = "product_no") -> dict[str, Any]:
        return {sample.labels.get(key, ""): sample for sample in families[f"yeastar_pce_{name}"].samples}

    assert {n: sample.labels["comment"] for n, sample in samples("subscription_info").items()} == COMMENTS
    assert {sample.labels["plan"] for sample in samples("subscription_info").values()} == {PLAN}
    expiries = {number: sample.value for number, sample in samples("subscription_not_after_seconds").items()}
    assert list(expiries) == IN_ORDER[1:], "none for what is not known"
    assert expiries[DUE] == datetime(2026, 12, 4, 10, tzinfo=timezone.utc).timestamp(), "the date begins there first"
    known = {number: sample.value for number, sample in samples("subscription_expiry_known").items()}
    assert known == {number: float(number != UNKNOWN) for number in NUMBERS}
    states = {number: sample.labels["state"] for number, sample in samples("subscription_state").items()}
    assert states == {DUE: "due", EXPIRED: "blocked", UNKNOWN: "blocked", **dict.fromkeys(LATER, "current")}
    cost = samples("subscription_renewal_cost")
    assert list(cost) == [DUE] and cost[DUE].labels["currency"] == "USD"
    assert samples("renewals_due")[""].value == 1 and samples("renewals_due_price_unknown")[""].value == 0
    assert samples("renewals_due_cost", "currency")["USD"].value == cost[DUE].value
    assert {band: one.value for band, one in samples("subscriptions", "expires").items() if one.value} == {
        "unknown": 1,
        "expired": 1,
        "within_14": 1,
        "later": 3,
    }
    moment = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
    assert samples("report_timestamp_seconds")[""].value == moment.timestamp()


# junit


def test_a_pipeline_sees_a_test_for_each_pbx(written: Written) -> None:
    suites = ElementTree.fromstring(written.text("junit"))
    (suite,) = suites
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == IN_ORDER
    assert {name: [kind.tag for kind in case] for name, case in cases.items() if len(case)} == {
        UNKNOWN: ["error"],
        EXPIRED: ["failure"],
    }
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "6",
        "failures": "1",
        "errors": "1",
    }
    assert cases[EXPIRED][0].text == COMMENTS[EXPIRED] and "2026-11-20" in str(cases[EXPIRED][0].get("message"))
    assert cases[UNKNOWN][0].text == COMMENTS[UNKNOWN] and "expires_at" in str(cases[UNKNOWN][0].get("message"))


# markdown


@pytest.mark.parametrize("name", ["markdown", "summary"])
def test_markdown_has_tables_of_the_right_width_and_no_markup_of_others(written: Written, name: str) -> None:
    text = written.text(name)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert [len(table.splitlines()) - 2 for table in tables] == [1, 2, 12, 6]
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert set(re.findall(r"<(/?\w+)", text)) == {"details", "/details", "summary", "/summary", "code", "/code"}
    assert "@everyone" not in text and "**bold**" not in text and "{{" not in text
    assert f"| {UNKNOWN} |" in tables[1].splitlines()[2] and "| unknown |" in tables[1].splitlines()[2]


# html


class Page(HTMLParser):
    """Elements, attributes and texts of a page, and the content of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.inline.get(self._open, self.texts).append(data)


def test_a_page_shows_hostile_text_as_text_and_loads_nothing(written: Written) -> None:
    page = Page(written.text("html"))
    assert len(page.inline["script"]) == 1 and len(page.inline["style"]) == 1
    assert not [name for dummy, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not {"img", "iframe", "object", "link", "base", "form"} & {tag for tag, dummy in page.elements}
    named = [
        value for dummy, attributes in page.elements for key, value in attributes.items() if key in ("href", "src")
    ]
    assert named == ["#subscriptions"]
    assert not [tag for tag, attributes in page.elements if "style" in attributes], "the policy would refuse it"
    texts = "".join(page.texts)
    for number, comment in COMMENTS.items():
        assert number in page.texts and comment in page.texts
    assert SERVICE in texts and PLAN in page.texts


def test_the_pages_policy_allows_just_its_own_script_and_style(written: Written) -> None:
    page = Page(written.text("html"))
    (policy,) = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    expected = {
        f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(''.join(inline).encode()).digest()).decode()}'"
        for tag, inline in page.inline.items()
    }
    assert {part.strip() for part in str(policy).split(";")} == {
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        *expected,
    }


def test_no_file_holds_a_secret(written: Written) -> None:
    portal = written.ansible.portal
    secrets = [portal.client_secret, "CANARY", *portal.tokens]
    texts = {name: written.text(name) for name in FILES if name != "xlsx"}
    with ZipFile(folder(written.ansible) / FILES["xlsx"]) as book:
        texts.update({name: book.read(name).decode("utf-8") for name in book.namelist()})
    assert [name for name, text in texts.items() if any(secret in text for secret in secrets)] == []
