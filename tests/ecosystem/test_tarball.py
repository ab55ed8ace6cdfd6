# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball that is released: what it holds, and that all of it works once it is installed into an empty path."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.client import Client
from tests.support.plays import ANNUAL, EXPIRED, FAR, MONTHLY, ROLE, SELF_RENEWING, SWITCHING, Shown
from tests.support.processes import orders_sent
from tests.support.tools import Tools

NAMESPACE = "pbxops.yeastar"
REPORT_ROLE = f"{NAMESPACE}.pce_report"
PRODUCT = {"extensions", "meta", "playbooks", "plugins", "roles"}
# What users read; `requirements.txt` names what they have to install.
DOCUMENTS = {"CHANGELOG.rst", "LICENSE", "README.md", "changelogs", "docs", "examples", "requirements.txt"}
# What a rehearsal on a recorded account runs; nothing else of the tests is shipped.
SIMULATOR = "tests/simulator/"
WRITTEN_BY_THE_BUILD = {"FILES.json", "MANIFEST.json"}
# Of these ansible-doc has no kind of its own: an action is documented by its module, a fragment by those that use it.
WITHOUT_KIND = {"action", "doc_fragments", "module_utils", "plugin_utils"}


@pytest.fixture(scope="module")
def names(collections: Path) -> set[str]:
    """The files in the tarball."""
    (path,) = collections.glob("*.tar.gz")
    with tarfile.open(path) as tarball:
        return {member.name for member in tarball.getmembers() if not member.isdir()}


@pytest.fixture
def installed(collections: Path) -> Path:
    return collections / "ansible_collections" / "pbxops" / "yeastar"


def documentation(tools: Tools, kind: str, *arguments: str) -> dict[str, Any]:
    """What ansible-doc knows of one kind of plugins."""
    process = tools.run("ansible-doc", "--type", kind, "--json", *arguments)
    assert process.returncode == 0, process.stdout
    answer: dict[str, Any] = json.loads(process.stdout)
    return answer


def plugins_of(folder: Path) -> list[str]:
    return sorted(f"{NAMESPACE}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")


def test_it_holds_the_product_and_its_documents_and_nothing_else(names: set[str]) -> None:
    assert {name.partition("/")[0] for name in names} == PRODUCT | DOCUMENTS | WRITTEN_BY_THE_BUILD | {"tests"}
    assert {name for name in names if name.startswith("meta/")} == {
        "meta/execution-environment.yml",
        "meta/extensions.yml",
        "meta/requirements.txt",
        "meta/runtime.yml",
    }
    assert {name for name in names if name.startswith("extensions/")} == {
        "extensions/eda/plugins/event_source/expiring_subscriptions.py",
        "extensions/eda/rulebooks/plan_expiring.yml",
    }
    assert {name for name in names if name.startswith("plugins/inventory/")} == {"plugins/inventory/yeastar_pce.py"}
    assert {name for name in names if name.startswith("changelogs/")} == {"changelogs/changelog.yaml"}
    assert {"examples/account/account.yeastar_pce.yml", "examples/ansible.cfg"} <= names
    ending = {Path(name).suffix for name in names if name.startswith("plugins/")}
    assert ending == {".py"}, "no cache, no draft"
    assert {Path(name).suffix for name in names} & {".png"} == set(), "no picture of the documentation"
    shipped = {
        name.removeprefix("roles/pce_report/files/") for name in names if name.startswith("roles/pce_report/files/")
    }
    assert shipped == {"yeastar_pce.rules.yml", "yeastar_pce.dashboard.json"}


def test_of_the_tests_the_benchmarks_and_the_scenarios_only_the_simulator_is_in_it(names: set[str]) -> None:
    unwanted = ("tests", "test", "bench", "benchmarks", "molecule", "demo", "cores", "__pycache__")
    others = [name for name in names if not name.startswith(SIMULATOR)]
    assert [name for name in others if set(Path(name).parts) & set(unwanted)] == []
    assert [name for name in names if Path(name).name.startswith((".", "test_"))] == []
    assert {Path(name).suffix for name in names if name.startswith(SIMULATOR)} == {".py", ".yml", ".md"}


def test_it_is_installed_whole(names: set[str], installed: Path) -> None:
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if not path.is_dir()}
    assert found == names


def test_ansible_doc_shows_every_plugin(tools: Tools, installed: Path) -> None:
    folders = [path for path in (installed / "plugins").iterdir() if path.name not in WITHOUT_KIND]
    assert "modules" in {folder.name for folder in folders}
    for folder in folders:
        kind = "module" if folder.name == "modules" else folder.name
        expected = plugins_of(folder)
        assert expected and sorted(documentation(tools, kind, "--list", NAMESPACE)) == expected
        for name, shown in documentation(tools, kind, *expected).items():
            assert shown["doc"]["short_description"] and shown["examples"].strip(), name
            assert Path(shown["doc"]["filename"]).parent == folder, "not the one that is installed"


def test_every_action_is_shown_as_its_module(installed: Path) -> None:
    actions = set(plugins_of(installed / "plugins" / "action"))
    assert actions and actions <= set(plugins_of(installed / "plugins" / "modules"))


def test_ansible_doc_shows_the_roles_with_all_their_entry_points(tools: Tools, installed: Path) -> None:
    roles = {f"{NAMESPACE}.{path.name}": path for path in (installed / "roles").iterdir()}
    assert set(roles) == {ROLE, REPORT_ROLE} == set(documentation(tools, "role", "--list", NAMESPACE))
    shown = documentation(tools, "role", *roles)
    for name, option in [(ROLE, "pce_renewal_max_orders"), (REPORT_ROLE, "pce_report_formats")]:
        tasks = {path.stem for path in (roles[name] / "tasks").glob("*.yml")}
        assert set(shown[name]["entry_points"]) == tasks
        for point in shown[name]["entry_points"].values():
            assert point["short_description"] and option in point["options"]


def test_its_playbook_runs_over_its_example_inventory_and_check_mode_orders_nothing(
    tools: Tools, installed: Path
) -> None:
    inventory = installed / "examples" / "inventory"
    process = tools.run("ansible-playbook", f"{NAMESPACE}.renew", "--inventory", inventory, "--check", "--diff")
    shown = Shown(process.stdout, process.returncode)
    assert shown.states() == {
        "head_office": "due",
        MONTHLY: "due",
        SELF_RENEWING: "skipped",
        EXPIRED: "blocked",
        FAR: "current",
        SWITCHING: "current",
    }, shown.output
    assert shown.diffs == sorted([ANNUAL, MONTHLY])
    assert shown.status == 2, "one of the six is blocked"
    assert tools.portal.log and orders_sent(tools.portal) == 0 and tools.portal.invoices == []


def test_a_recording_is_rehearsed_from_the_installed_collection_alone(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text(json.dumps(recording_of(tools.portal)), encoding="utf-8")
    started = tools.run("ansible-playbook", f"{NAMESPACE}.rehearse", "-e", f"pce_recording={tmp_path / 'account.json'}")
    try:
        assert started.returncode == 0, started.stdout
        exports = dict(re.findall(r"export (\w+)=([^ \"]+)", started.stdout))
        report = tools.run("ansible-playbook", f"{NAMESPACE}.report", **exports)
        assert report.returncode == 0 and "Enterprise Plan" in report.stdout, report.stdout
    finally:
        ended = tools.run("ansible-playbook", f"{NAMESPACE}.rehearse", "-e", "pce_rehearsal=stopped")
    assert ended.returncode == 0, ended.stdout


def recording_of(portal: Simulator) -> dict[str, Any]:
    """A recording of the product list alone, not disguised."""
    path = "/product/openapi/instance_product/v1/client/instance_product_list"
    query = {"productId": "13", "pageNo": "1", "pageSize": "25"}
    status, body = Client(portal).get(path, **query)
    exchange = {"method": "GET", "path": path, "query": query, "status": status, "headers": {}, "body": body}
    about = {"format": "pbxops.yeastar.recording", "version": 1, "recorded_at": "2026-11-29T20:00:00Z", "field_map": {}}
    return {**about, "exchanges": [exchange]}
