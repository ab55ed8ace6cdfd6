# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's tables, as LibreOffice opens them: serial numbers that look like numbers stay what they are."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.simulator import Simulator
from tests.support.debian import provided
from tests.support.processes import Ansible
from tests.support.reports import FILES, NOW, folder, hostile_fleet, report

NUMBERS = ["0036580000012345", "3631E0000012", "3658100000012345"]
# As the guide has it: comma, quotation mark, UTF-8, from the first row, quoted fields as text.
AS_IN_THE_GUIDE = "--infilter=CSV:44,34,76,1,,0,true"
# UTF-8, with commas; dates as they are shown.
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Iterator[Path]:
    """The folder of a report of three due PBXs."""
    fleet = hostile_fleet()
    fleet["pbxs"] = [{**fleet["pbxs"][0], "product_no": number} for number in NUMBERS]
    with pytest.MonkeyPatch.context() as patch, Simulator(fleet=fleet, now=NOW) as portal:
        patch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))
        ansible = Ansible(portal, tmp_path_factory.mktemp("spreadsheets"))
        shown = report(ansible, ["xlsx", "csv"], now=NOW)
        assert shown.status == 0, shown.output
        yield folder(ansible)


def convert(file: Path, home: Path, kind: str, *options: str) -> Path:
    """The file as LibreOffice saves it after it has opened it."""
    program = provided(partial(shutil.which, "soffice"), "libreoffice-calc-nogui")
    command = [program, "--headless", *options, "--convert-to", kind, "--outdir", str(home / "saved"), str(file)]
    environment = {**os.environ, "HOME": str(home)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=180)
    return home / "saved" / f"{file.stem}.{kind.partition(':')[0]}"


def cells(workbook: Path) -> list[dict[str, Any]]:
    (sheet,) = load_workbook(workbook)
    head, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_workbook_opens_with_its_serial_numbers_dates_and_amounts(written: Path, tmp_path: Path) -> None:
    saved = convert(written / FILES["xlsx"], tmp_path, TO_CSV)
    rows = list(csv.DictReader(saved.read_text(encoding="utf-8").splitlines()))
    assert [row["product_no"] for row in rows] == NUMBERS
    assert {(row["expires_at"], float(row["amount"])) for row in rows} == {("2026-12-05", 200)}


def test_csv_that_is_imported_as_in_the_guide_has_the_same(written: Path, tmp_path: Path) -> None:
    rows = cells(convert(written / FILES["csv"], tmp_path, "xlsx", AS_IN_THE_GUIDE))
    assert [row["product_no"] for row in rows] == NUMBERS, "the byte order mark is not part of the first heading"
    assert {(str(row["expires_at"]), row["amount"]) for row in rows} == {("2026-12-05 00:00:00", 200)}


def test_csv_that_is_just_opened_has_other_serial_numbers_so_the_guide_is_needed(written: Path, tmp_path: Path) -> None:
    rows = cells(convert(written / FILES["csv"], tmp_path, "xlsx", "--infilter=CSV:44,34,76,1"))
    assert [row["product_no"] for row in rows] != NUMBERS
