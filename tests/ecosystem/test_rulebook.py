# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of events in ansible-rulebook, which is stopped and started again while the portal's clock moves on."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.debian import provided
from tests.support.plays import ANNUAL, EXPIRED, MONTHLY, SELF_RENEWING
from tests.support.processes import orders_sent
from tests.support.tools import BIN, FLEET, Tools

PBX = "3658B431119665QJ"
DAY = 86_400  # s
PATIENCE = 90  # s
SOURCE = "pbxops.yeastar.expiring_subscriptions"
RULES = [
    {
        "name": "Anything",
        "condition": "event.entered is defined",
        "action": {"debug": {"msg": "TOLD {{ event.product_no }} {{ event.entered }}"}},
    }
]


@pytest.fixture(scope="module", autouse=True)
def java() -> None:
    """What ansible-rulebook's engine runs in."""
    provided(lambda: shutil.which("java"), "openjdk-17-jre-headless")


@pytest.fixture
def fleet(request: pytest.FixtureRequest) -> Path | dict[str, Any]:
    """One PBX, 40 days before its expiry, unless a test wants the six."""
    common = {"plan": "Enterprise Plan", "quantity": 5, "billing_cycle": "annually"}
    return getattr(request, "param", {"pbxs": [{"product_no": PBX, "expires_in_days": 40, **common}]})


class Rulebook:
    """An ansible-rulebook that runs, and what it has said."""

    def __init__(self, tools: Tools, output: Path) -> None:
        self._portal = tools.portal
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def states(self) -> dict[str, str]:
        """What the plays have shown of each host."""
        shown = re.findall(r'^(?:ok|fatal): \[(\S+)\][^\n]*=> \{.*?"state": "(\w+)"', self.output, re.M | re.S)
        return dict(shown)

    def told(self) -> list[str]:
        return re.findall(r"^TOLD \S+ (\S+)$", self.output, re.MULTILINE)

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text in self.output, text)

    def wait_for_polls(self, count: int = 2) -> None:
        """Wait until so many more polls have begun: all but the last of them are over."""
        before = self._polls()
        self.wait(lambda: self._polls() > before + count, f"{count} polls")

    def _polls(self) -> int:
        return sum("instance_product_list" in entry.path for entry in self._portal.log)

    def wait(self, is_there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_there():
            assert time.monotonic() < deadline, f"no {what} in: {self.output}"
            time.sleep(0.1)


@contextmanager
def running(tools: Tools, collections: Path, rulebook: str | Path) -> Iterator[Rulebook]:
    """A rulebook over the account's own inventory, until it is interrupted as by Ctrl-C."""
    inventory = tools.home / "account.yeastar_pce.yml"
    inventory.write_text("plugin: pbxops.yeastar.yeastar_pce\n", encoding="utf-8")
    output = tools.home / f"output-{time.monotonic_ns()}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [BIN / "ansible-rulebook", "--inventory", inventory, "--rulebook", rulebook],
            # The source is Python in ansible-rulebook's own process, so it is found as a package.
            env={**tools.environment, "PYTHONPATH": str(collections)},
            cwd=tools.home,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Rulebook(tools, output)
            assert process.poll() is None, output.read_text()
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def written(tools: Tools, **options: Any) -> Path:
    path = tools.home / "rulebook.yml"
    source = {SOURCE: {"interval": 0.3, **options}}
    path.write_text(json.dumps([{"name": "Watch", "hosts": "all", "sources": [source], "rules": RULES}]))
    return path


def test_a_rule_fires_once_for_each_window_while_the_source_is_started_three_times(
    tools: Tools, collections: Path
) -> None:
    clock, rulebook = tools.portal.clock, written(tools)
    with running(tools, collections, rulebook) as first:
        first.wait_for_polls(1)
        assert first.told() == []
        clock.advance(11 * DAY)
        first.wait_for("expires_in_30")
        first.wait_for_polls()
    clock.advance(16 * DAY)  # while nobody watches
    with running(tools, collections, rulebook) as second:
        second.wait_for("expires_in_14")
        clock.advance(7 * DAY)
        second.wait_for("expires_in_7")
        tools.portal.fault("error_before", path="instance_product_list", times=12)  # an outage, three polls long
        second.wait_for("can be read again")
        second.wait_for_polls()
    with running(tools, collections, rulebook) as third:
        third.wait_for_polls(3)
        assert third.told() == []
        for days, window in ((5.5, "expires_in_1"), (2, "expired")):
            clock.advance(days * DAY)
            third.wait_for(window)
        tools.portal.renew_by_person(PBX)
        third.wait_for("renewed")
        third.wait_for_polls()
    windows = ["expires_in_30", "expires_in_14", "expires_in_7", "expires_in_1", "expired", "renewed"]
    assert [*first.told(), *second.told(), *third.told()] == windows
    assert second.output.count("cannot be read") == second.output.count("can be read again") == 1
    outputs = first.output + second.output + third.output
    for secret in (tools.portal.client_secret, *tools.portal.tokens):
        assert secret not in outputs
    assert len(tools.portal.invoices) == 0


@pytest.mark.parametrize("fleet", [FLEET], indirect=True, ids=["six"])
def test_the_rulebook_of_the_collection_plans_and_never_buys(tools: Tools, collections: Path) -> None:
    expected = {ANNUAL: "due", MONTHLY: "due", SELF_RENEWING: "skipped", EXPIRED: "blocked"}
    with running(tools, collections, "pbxops.yeastar.plan_expiring") as shown:
        shown.wait(lambda: len(shown.states()) == len(expected), f"{len(expected)} plans")
    assert shown.states() == expected, shown.output
    assert shown.output.count('"state": "due"') == 2, "each once"
    assert orders_sent(tools.portal) == 0 and tools.portal.invoices == []


NUMBERS = ("3631E3418911", "36580000012345", "0036580000012345")
ACCOUNT = [
    {"product_no": number, "expires_in_days": 5, "plan": "Enterprise Plan", "quantity": 5, "billing_cycle": "annually"}
    for number in NUMBERS
]


@pytest.mark.parametrize("fleet", [{"pbxs": ACCOUNT}], indirect=True, ids=["numbers"])
def test_a_serial_number_reaches_a_playbook_as_the_guide_passes_it_on(tools: Tools, collections: Path) -> None:
    named = {"hosts": "{{ ansible_eda.event.product_no }}", "gather_facts": False, "connection": "local"}
    plays = [
        {"import_playbook": "pbxops.yeastar.plan"},
        {**named, "tasks": [{"debug": {"msg": "NAMED {{ inventory_hostname }}"}}]},
    ]
    (tools.home / "pass_on.yml").write_text(json.dumps(plays))
    passed_on = {"pce_renewal_hosts": "'{{ event.product_no }}'", "pce_renewal_max_orders": 1}
    path = written(tools, interval=3600)
    rulebook = json.loads(path.read_text())
    rulebook[0]["rules"][0]["action"] = {"run_playbook": {"name": "pass_on.yml", "extra_vars": passed_on}}
    path.write_text(json.dumps(rulebook))
    with running(tools, collections, path) as run:
        run.wait(lambda: run.output.count("NAMED") >= len(NUMBERS), f"{len(NUMBERS)} playbooks")
    assert run.output.count('"state": "due"') == len(NUMBERS), run.output
    assert sorted(re.findall(r"NAMED (\w+)", run.output)) == sorted(NUMBERS)
