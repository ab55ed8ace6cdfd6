# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the report's templates."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from openpyxl import load_workbook

from ansible_collections.pbxops.yeastar.plugins.filter.csv_row import csv_row
from ansible_collections.pbxops.yeastar.plugins.filter.icalendar_line import icalendar_line
from ansible_collections.pbxops.yeastar.plugins.filter.markdown_cut import markdown_cut
from ansible_collections.pbxops.yeastar.plugins.filter.markdown_text import markdown_text
from ansible_collections.pbxops.yeastar.plugins.filter.misspelt_variables import misspelt_variables
from ansible_collections.pbxops.yeastar.plugins.filter.report_model import report_model
from ansible_collections.pbxops.yeastar.plugins.filter.report_options import report_options
from ansible_collections.pbxops.yeastar.plugins.filter.report_table import report_table
from ansible_collections.pbxops.yeastar.plugins.filter.workbook import workbook
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file import document_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    NOW,
    SN,
    due_decision,
    policy,
)

NAMES = (
    "csv_row",
    "icalendar_line",
    "markdown_cut",
    "markdown_text",
    "misspelt_variables",
    "report_model",
    "report_options",
    "report_table",
    "workbook",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_the_filter_of_its_name(name: str) -> None:
    module = import_module(f"ansible_collections.pbxops.yeastar.plugins.filter.{name}")
    assert module.FilterModule().filters() == {name: getattr(module, name)}


# csv_row


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("Head office", "Head office"),
        ("a,b", "a,b"),
        ('say "no"', 'say "no"'),
        ("two\r\nlines", "two\r\nlines"),
        ("", ""),
        (None, "unknown"),
        (True, "true"),
        (-3, "-3"),
        (Decimal("8400.00"), "8400.00"),
        (date(2026, 12, 5), "2026-12-05"),
        (datetime(2026, 12, 5, 8, tzinfo=timezone(timedelta(hours=8))), "2026-12-05T00:00:00Z"),
        ([], ""),
        (["High Availability", "Recording"], "High Availability; Recording"),
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ('"=1+1', "'\"=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        (["=1", "x"], "'=1; x"),
    ],
)
def test_csv_is_read_back_as_it_was_but_for_formulas(value: Any, cell: str) -> None:
    assert list(csv.reader(io.StringIO(csv_row([value, "next"]), newline=""), strict=True)) == [[cell, "next"]]


@pytest.mark.parametrize("number", ["0036580000012345", "3631E0000012", "3658100000012345"])
def test_csv_quotes_text_and_nothing_else(number: str) -> None:
    assert csv_row([number, 12, None, True, "", date(2026, 12, 5)]) == f'"{number}",12,unknown,true,"",2026-12-05'


def test_a_formula_after_a_semicolon_stays_in_its_cell_where_semicolons_divide() -> None:
    (row,) = csv.reader(io.StringIO(csv_row(['x;=HYPERLINK("a")']), newline=""), delimiter=";")
    assert row == ['x;\'=HYPERLINK("a")']
    for text in ("x;=1+1;y", "x; =1+1", 'x;"=1+1', "x;y;\uff1d1"):
        for cell in csv_row([text]).split(";"):
            assert not cell.lstrip(' "').startswith(("=", "\uff1d"))


# report_table


def test_a_table_has_a_type_for_every_value() -> None:
    common = {"services": ["A", "B"], "quantity": 10, "other_expiries": {"trialEnd": "2026-01-01T00:00:00Z"}}
    span = {"earliest": "2026-12-04T10:00:00Z", "latest": "2026-12-06T12:00:00Z", "time_zone": None}
    rows = [
        {"product_no": "0036", "expires_at": "2026-12-05T00:00:00Z", "expires_between": span, **common},
        {"product_no": "B", "expires_at": "2026-12-06T03:00:00Z", "expires_between": None},
        {"product_no": "C", "expires_at": None, "expires_between": None},
    ]
    due = {"product_no": "0036", "state": "due", "reason": "in_window", "expires_after": "2027-12-05T00:00:00Z"}
    due.update(message="", plan="P", services=["A"], quantity=10, billing_cycle="annually", expires_before="-")
    due["price"] = {"amount": "8400.00", "currency": "USD"}
    head, *found = report_table(report_model(rows, [due], now="2026-11-23T00:00:00Z"))
    cells = {row[0]: dict(zip(head, row)) for row in found}
    first, second, unknown = cells["0036"], cells["B"], cells["C"]
    assert (first["expires_at"], first["expires_after"]) == (date(2026, 12, 5), date(2027, 12, 5))
    assert (first["amount"], first["currency"], first["services"]) == (Decimal("8400.00"), "USD", ["A"])
    assert first["other_expiries"] == ["trialEnd 2026-01-01T00:00:00Z"]
    assert second["expires_at"] == datetime(2026, 12, 6, 3, tzinfo=timezone.utc)
    assert {name: unknown[name] for name in ("expires_at", "days_left", "plan", "quantity", "amount")} == dict.fromkeys(
        ("expires_at", "days_left", "plan", "quantity", "amount")
    )
    assert (unknown["comment"], unknown["state"], unknown["expires_after"]) == ("", "", "")


def test_an_expiry_after_a_renewal_that_has_a_time_of_day_keeps_it() -> None:
    span = {"earliest": "2026-12-04T16:00:00Z", "latest": "2026-12-05T16:00:00Z", "time_zone": "Asia/Shanghai"}
    row = {"product_no": "A", "expires_at": "2026-12-04T16:00:00Z", "expires_between": span}
    due = {"product_no": "A", "state": "current", "reason": "r", "expires_after": "2027-12-04T16:00:00Z"}
    due.update(message="", price=None, order=None)
    head, found = report_table(report_model([row], [due], now="2026-11-23T00:00:00Z"))
    cells = dict(zip(head, found))
    assert (cells["expires_at"], cells["expires_after"].hour) == (date(2026, 12, 5), 16)


# workbook

CELLS = [
    ["product_no", "value"],
    ["0036580000012345", date(2026, 12, 5)],
    ["3631E0000012", datetime(2026, 12, 5, 8, tzinfo=timezone(timedelta(hours=8)))],
    ["3658100000012345", Decimal("8400.00")],
    ["=1+1", Decimal("1.005")],
    ["_x0041_", -3],
    ["x" * 40_000, True],
    ["C", ["=1", "x"]],
    ["D", None],
    ["電話", ""],
]


def test_a_workbook_is_read_back_with_the_types_of_its_values() -> None:
    book = workbook(CELLS, "PBXs")
    assert book == workbook(CELLS, "PBXs"), "the same table is the same file"
    (sheet,) = load_workbook(io.BytesIO(book.encode("iso-8859-1")))
    head, *rows = sheet.iter_rows()
    assert [cell.value for cell in head] == CELLS[0] and head[0].font.bold
    assert [row[0].value for row in rows] == [str(one[0])[:32767] for one in CELLS[1:]]
    assert {row[0].data_type for row in rows} == {"s"} and {row[0].number_format for row in rows} == {"@"}
    assert [
        (row[1].value if row[1].data_type != "d" else str(row[1].value), row[1].data_type, row[1].number_format)
        for row in rows
    ] == [
        ("2026-12-05 00:00:00", "d", "yyyy-mm-dd"),
        ("2026-12-05 00:00:00", "d", "yyyy-mm-dd hh:mm"),
        (8400, "n", "0.00"),
        (1.005, "n", "0.000"),
        (-3, "n", "0"),
        (True, "b", "General"),
        ("=1; x", "s", "@"),
        ("unknown", "s", "@"),
        ("", "s", "@"),
    ]
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("PBXs", "B2", "A1:B10")


def test_where_xlsxwriter_is_missing_ansible_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module(workbook.__module__), "xlsxwriter", None)
    with pytest.raises(AnsibleFilterError, match=r"Failed to import the required Python library \(XlsxWriter\)"):
        workbook([], "PBXs")


# icalendar_line


@pytest.mark.parametrize("text", ["short", "x" * 300, "é" * 200, "電話📞" * 60, "a;b,c\\d\ne"])
def test_an_icalendar_line_is_folded_at_75_octets_and_no_character_is_divided(text: str) -> None:
    line = icalendar_line(text, "SUMMARY")
    physical = line.split("\r\n")
    assert all(len(one.encode()) <= 75 for one in physical)
    assert all(one.startswith(" ") for one in physical[1:])
    unfolded = line.replace("\r\n ", "")
    assert "\n" not in unfolded and unfolded.startswith("SUMMARY:")
    words = {"\\n": "\n", "\\;": ";", "\\,": ",", "\\\\": "\\"}
    assert re.sub(r"\\.", lambda match: words[match[0]], unfolded.removeprefix("SUMMARY:")) == text


def test_a_carriage_return_does_not_end_an_icalendar_line() -> None:
    assert icalendar_line("a\r\nBEGIN:VEVENT\rb", "SUMMARY") == "SUMMARY:a\\nBEGIN:VEVENTb"


# markdown_text


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "**bold** _it_ `code`",
        "<script>alert(1)</script>",
        "[a](b) ![c](d)",
        "~~gone~~",
        "&lt; &#60;",
        "C:\\x",
        "{{ 7*7 }}",
    ],
)
def test_markup_is_shown_and_not_obeyed(text: str) -> None:
    shown = markdown_text(text)
    bare = re.sub(r"^<code>(.*)</code>$", r"\1", shown)
    assert html.unescape(bare) == text
    assert not re.search(r"[*<>\[\]`|~\\{}]|&(?!#[0-9]+;)", bare)
    assert not re.search(r"(?<!&)#", bare)


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "see #12",
        "group/project!7",
        "~label",
        "%milestone",
        "GH-5",
        "https://a.example/_x",
        "www.a.example",
        "a@b.example",
    ],
)
def test_what_a_host_would_link_is_code_without_a_sign_of_its_own(text: str) -> None:
    shown = markdown_text(text)
    assert shown.startswith("<code>") and shown.endswith("</code>")
    assert re.fullmatch(r"([A-Za-z0-9 ]|&#[0-9]+;)*", shown[6:-7])
    assert html.unescape(shown[6:-7]) == text


def test_plain_words_stay_readable_and_a_line_break_is_a_blank() -> None:
    assert markdown_text("Head office, 12 (Berlin); at 10:30\nnow") == "Head office, 12 (Berlin); at 10:30 now"


# markdown_cut

TABLE = ["| PBX |", "|---|"]


def document(*lengths: int) -> str:
    tables = [[*TABLE, *(f"| row {number:04} |" for number in range(length))] for length in lengths]
    return "# Title\n\n" + "\n\nbetween\n\n".join("\n".join(table) for table in tables) + "\n\nend\n"


def test_a_document_that_fits_is_left_as_it_is() -> None:
    text = document(5)
    assert markdown_cut(text, len(text.encode())) == text


@pytest.mark.parametrize("size", [900, 1500, 4000])
def test_the_longest_table_is_cut_and_says_how_many_rows_are_left_out(size: int) -> None:
    text = document(3, 400)
    cut = markdown_cut(text, size)
    assert size - 100 < len(cut.encode()) <= size
    shown = cut.count("| row ")
    assert re.findall(r"and (\d+) more rows", cut) == [str(403 - shown)]
    assert "| row 0002 |\n\nbetween" in cut and cut.rstrip().endswith("end")
    assert cut.startswith("# Title\n\n| PBX |\n|---|\n")


def test_the_next_table_is_cut_once_nothing_is_left_of_the_longest() -> None:
    cut = markdown_cut(document(50, 60), 600)
    assert len(cut.encode()) <= 600
    assert len(re.findall(r"more rows", cut)) == 2


def test_a_document_that_is_too_large_without_its_tables_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="100 bytes"):
        markdown_cut("x" * 200 + "\n" + document(2), 100)


# misspelt_variables


def test_a_misspelt_name_is_told_with_its_nearest_and_none_is_an_empty_text() -> None:
    known = ["my_role_formats", "my_role_dest"]
    assert misspelt_variables(known, "my_role_", known) == ""
    assert misspelt_variables(["my_role_note"], "my_role_", known, ["my_role_note"]) == ""
    assert "my_role_fromats (the closest is my_role_formats)" in misspelt_variables(
        [*known, "my_role_fromats"], "my_role_", known
    )
    with pytest.raises(AnsibleFilterError, match="my_role_extra_variables: expected a list"):
        misspelt_variables(["my_role_note"], "my_role_", known, 5)


# report_model


def as_saved(plan: Any) -> str:
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def test_the_model_is_made_of_a_plan_as_its_file_holds_it_and_of_no_edited_one() -> None:
    saved = document_of([due_decision()], "https://portal.example.com", "account", Policy(), NOW, DAY)
    found = report_model([], plan=as_saved(saved), now="2026-11-23T00:00:00Z")
    assert [one["product_no"] for one in found["due"]] == [SN] and found["plan"]["digest"] == saved["digest"]
    for content, words in [
        (json.dumps({**saved, "valid_until": "2027-01-01T00:00:00Z"}), "edited"),
        (json.dumps(saved), "not byte for byte"),
        ("no plan", "no JSON"),
        ("[]", "no plan"),
        ("{}", "no plan"),
    ]:
        with pytest.raises(AnsibleFilterError, match=words):
            report_model([], plan=content)


def test_a_plan_of_another_version_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._renew.plan_file")
    saved = document_of([], "https://portal.example.com", "account", Policy(), NOW, DAY)
    monkeypatch.setattr(module, "SCHEMA_VERSION", 99)
    with pytest.raises(AnsibleFilterError, match="another version"):
        report_model([], plan=json.dumps(saved))


def test_a_bad_instant_is_refused_and_none_is_now() -> None:
    with pytest.raises(AnsibleFilterError, match="tomorrow"):
        report_model([], now="tomorrow")
    assert report_model([])["timestamp"] > 1_700_000_000


# report_options


def test_what_a_plan_orders_is_declared_of_its_pbxs_and_nothing_of_the_others() -> None:
    rows = [{"product_no": SN}, {"product_no": "B"}]
    assert report_options(rows) == {"subscriptions": rows}
    saved = document_of(
        [due_decision()],
        "https://portal.example.com",
        "account",
        policy(include_expired=True),
        NOW,
        DAY,
    )
    options = report_options(rows, as_saved(saved))
    (item,) = saved["items"]
    assert (options["include_expired"], options["term_starts"]) == (True, "expiry")
    assert options["subscriptions"][1] == {"product_no": "B"}
    assert options["subscriptions"][0] == {
        "product_no": SN,
        "plan": item["plan"]["id"],
        "services": [service["id"] for service in item["services"]],
        "quantity": 100,
        "billing_cycle": "annually",
        "expires_at": item["expires_before"],
        "billing_contact": item["billing_contact_id"],
        "remaining_days": 14,
        "po_number": item["po_number"],
    }
    with pytest.raises(AnsibleFilterError, match="not byte for byte"):
        report_options(rows, json.dumps(saved))
