# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rehearse.yml: serve a recorded account, show how to use it, and end it; no process is left."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.support.plays import Shown
from tests.support.processes import Ansible
from tests.support.recorded import record

START = "pbxops.yeastar.rehearse"


@pytest.fixture
def rehearse(six: Ansible) -> Iterator[Callable[..., Shown]]:
    """Run the playbook with these variables; whatever it left running is ended."""

    def run(**variables: str) -> Shown:
        process = six.playbook(START, "-e", json.dumps(variables), environment={"PWD": str(six.home)})
        return Shown(process.stdout, process.returncode)

    yield run
    run(pce_rehearsal="stopped")


def exports(shown: Shown) -> dict[str, str]:
    assert shown.status == 0, shown.output
    return dict(re.findall(r"export (\w+)=([^ \"]+)", shown.output))


def is_answering(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_admin/state", timeout=5):
            return True
    except URLError:
        return False


def test_from_a_recording_to_a_renewal_and_the_report_of_it(
    six: Ansible, rehearse: Callable[..., Shown], tmp_path: Path
) -> None:
    record(six.portal, tmp_path / "account.json")
    environment = exports(rehearse(pce_recording="account.json"))
    url = environment["YEASTAR_BASE_URL"]
    assert environment["XDG_STATE_HOME"] == str(six.home / ".local/state/pbxops.yeastar/rehearsal")
    with urllib.request.urlopen(f"{url}/_admin/state") as answer:
        pbx = next(one for one in json.load(answer)["pbxs"] if one["quantity"] == 100)
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(f"all: {{hosts: {{'{pbx['product_no']}': {{}}}}}}\n", encoding="utf-8")
    given = ("pbxops.yeastar.renew", "--inventory", inventory, "-e", "pce_renewal_max_orders=1")
    for dummy in range(2):
        renewed = six.playbook(*given, environment=environment)
        assert renewed.returncode == 0, renewed.stdout
        with urllib.request.urlopen(f"{url}/_admin/invoices") as answer:
            assert [one["product_no"] for one in json.load(answer)] == [pbx["product_no"]]
    assert not six.portal.invoices and (Path(environment["XDG_STATE_HOME"]) / "pbxops.yeastar").is_dir()
    again = exports(rehearse(pce_recording=str(tmp_path / "account.json")))["YEASTAR_BASE_URL"]
    assert not is_answering(url) and is_answering(again)
    assert rehearse(pce_rehearsal="stopped").status == 0 and not is_answering(again)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "Set pce_recording to the file of a recording"),
        ({"pce_rehearsal": "paused"}, "Set pce_recording to the file of a recording"),
        ({"pce_recording": "none.json"}, "none.json: No such file or directory"),
        ({"pce_recording": "other.json"}, "other.json: not a recording"),
    ],
)
def test_what_cannot_be_served_is_said(
    six: Ansible, rehearse: Callable[..., Shown], variables: dict[str, str], said: str
) -> None:
    (six.home / "other.json").write_text("{}", encoding="utf-8")
    shown = rehearse(**variables)
    assert shown.status == 2 and said in shown.output


def test_ending_what_is_not_running_is_no_failure(rehearse: Callable[..., Shown]) -> None:
    shown = rehearse(pce_rehearsal="stopped")
    assert shown.status == 0 and not shown.recap["localhost"].get("changed"), shown.output
