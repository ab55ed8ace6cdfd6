# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is: what is written, how often, and what is read of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _progress
from ansible_collections.pbxops.yeastar.plugins.module_utils._progress import Progress, Reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "progress"
    path.touch()
    return path


def _never(text: str) -> None:
    raise AssertionError(text)


def test_a_line_a_second_and_the_first_and_the_last_always(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(_progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    progress = Progress(str(path), _never)
    for through in range(1, 6):
        progress.report(through, 5)
        clock[0] += 0.4
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["through"] for line in told] == [1, 4, 5]
    assert {(line["run"], line["due"]) for line in told} == {(os.getpid(), 5)}


def test_without_a_file_nothing_is_written_and_nothing_fails(tmp_path: Path) -> None:
    Progress(None, _never).report(1, 2)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_warned_of_once(tmp_path: Path) -> None:
    warnings: list[str] = []
    progress = Progress(str(tmp_path), warnings.append)
    progress.report(1, 1)
    progress.report(1, 1)
    assert len(warnings) == 1 and "YEASTAR_PROGRESS_FILE" in warnings[0] and "directory" in warnings[0]


def test_what_has_been_read_is_not_read_again_and_half_a_line_is_left_for_later(path: Path) -> None:
    reading = Reading(path)
    lines = [json.dumps({"run": run, "through": through, "due": 9}) for run, through in ((1, 1), (1, 2), (2, 5))]
    path.write_text("\n".join(lines) + "\n" + lines[0][:10])
    assert sorted(reading.latest()) == [(2, 9), (5, 9)]
    assert not list(reading.latest())
    with path.open("a") as file:
        file.write(lines[0][10:] + "\n")
    assert list(reading.latest()) == [(1, 9)]
