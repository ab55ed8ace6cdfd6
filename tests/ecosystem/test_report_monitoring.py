# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Textfile, alert rules and dashboard of the report, as Prometheus's own promtool judges them."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.simulator import Simulator
from tests.support.debian import provided
from tests.support.plays import REPOSITORY
from tests.support.processes import Ansible
from tests.support.reports import FILES, HOSTILE, NOW, folder, hostile_fleet, report

SHIPPED = REPOSITORY / "roles" / "pce_report" / "files"
RULES = SHIPPED / "yeastar_pce.rules.yml"
DASHBOARD = SHIPPED / "yeastar_pce.dashboard.json"
METRIC = re.compile(r"\byeastar_pce_\w+")
DAY, HOUR = 86_400, 3_600


@dataclass(frozen=True)
class Promtool:
    """The tool, in a folder of its own."""

    program: str
    home: Path

    def run(self, *arguments: str | Path, given: str | None = None) -> str:
        """What it says; an AssertionError where it is not content."""
        command = [self.program, *arguments]
        process = subprocess.run(
            command, input=given, cwd=self.home, capture_output=True, text=True, timeout=120, check=False
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout + process.stderr

    def check_rules(self, rules: list[dict[str, Any]]) -> str:
        path = self.home / "checked.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}), encoding="utf-8")
        return self.run("check", "rules", path)

    def alerts(
        self,
        series: dict[str, float],
        at: int,
        expected: dict[str, list[tuple[dict[str, str], str]]],
        minutes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Hold that ``at`` seconds after 1970, with these series, just these alerts fire: labels and summaries.

        ``minutes`` says how long a series is there; others are there all the time.
        """
        # promtool loads at most 10,000 samples for a query.
        interval = 4 if at > 2 * DAY else 1
        steps = at // 60 // interval + 1
        tests = {
            "rule_files": [str(RULES)],
            "evaluation_interval": f"{interval}m",
            "tests": [
                {
                    "interval": f"{interval}m",
                    "input_series": [
                        {"series": name, "values": f"{value:.0f}x{min(minutes.get(name, at) // interval, steps)}"}
                        for name, value in series.items()
                    ],
                    "alert_rule_test": [
                        {
                            "eval_time": f"{at}s",
                            "alertname": rule["alert"],
                            "exp_alerts": [
                                {
                                    "exp_labels": {**rule["labels"], **labels},
                                    "exp_annotations": {**rule["annotations"], "summary": summary},
                                }
                                for labels, summary in expected.get(rule["alert"], [])
                            ],
                        }
                        for rule in alert_rules()
                    ],
                }
            ],
        }
        path = self.home / "tests.yml"
        path.write_text(yaml.safe_dump(tests, allow_unicode=True), encoding="utf-8")
        self.run("test", "rules", path)


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Promtool:
    found = provided(partial(shutil.which, "promtool"), "prometheus")
    return Promtool(found, tmp_path_factory.mktemp("promtool"))


@pytest.fixture(scope="module")
def textfile(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Iterator[str]:
    """What the role writes of an account with hostile text everywhere."""
    with pytest.MonkeyPatch.context() as patch, Simulator(fleet=hostile_fleet(), now=NOW) as portal:
        patch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))
        for pbx, comment in zip(portal.pbxs, HOSTILE, strict=True):
            portal.pbx(pbx.product_no).comment = comment
        ansible = Ansible(portal, tmp_path_factory.mktemp("textfile"))
        shown = report(ansible, ["prometheus"], now=NOW)
        assert shown.status == 0, shown.output
        yield (folder(ansible) / FILES["prometheus"]).read_text(encoding="utf-8")


def alert_rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def names_in(textfile: str) -> set[str]:
    return {sample.name for family in text_string_to_metric_families(textfile) for sample in family.samples}


# files


def test_promtool_has_nothing_against_the_textfile(promtool: Promtool, textfile: str) -> None:
    assert promtool.run("check", "metrics", given=textfile) == ""


def test_promtool_accepts_the_rules(promtool: Promtool) -> None:
    assert f"{len(alert_rules())} rules found" in promtool.run("check", "rules", RULES)


def test_rules_and_dashboard_ask_for_what_the_textfile_has(textfile: str) -> None:
    names = names_in(textfile)
    asked = {name for rule in alert_rules() for name in METRIC.findall(rule["expr"])}
    assert asked and asked - names == set()
    shown = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert names - shown == set(), "a dashboard shows all of it"
    assert shown - names == set()


def test_every_label_that_rules_and_dashboard_name_is_one_that_the_textfile_has(textfile: str) -> None:
    families = text_string_to_metric_families(textfile)
    labels = {label for family in families for sample in family.samples for label in sample.labels} | {"instance"}
    for expression in [*expressions(), *(rule["expr"] for rule in alert_rules())]:
        named = re.findall(r"(\w+)(?:=~|!=|=)\"", expression)
        named += [
            word for words in re.findall(r"(?:on|by|group_left) \(([^()]+)\)", expression) for word in words.split(", ")
        ]
        assert set(named) <= labels, expression


# dashboard


def test_every_query_of_the_dashboard_is_one(promtool: Promtool) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    assert f"{len(rules)} rules found" in promtool.check_rules(rules)


def test_the_panels_lie_side_by_side_and_take_their_data_from_the_source_that_is_chosen() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "account"]
    assert len({panel["id"] for panel in panels()}) == len({panel["title"] for panel in panels()}) == len(panels())
    for panel in panels():
        assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} == {
            "${datasource}"
        }
    places = [panel["gridPos"] for panel in panels()]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_query_of_the_dashboard_is_of_the_chosen_accounts() -> None:
    for expression in expressions():
        assert len(METRIC.findall(expression)) == expression.count('{account=~"$account"')


# exporter


def test_node_exporter_serves_the_files_of_two_accounts(tmp_path: Path, textfile: str) -> None:
    program = provided(partial(shutil.which, "prometheus-node-exporter"), "prometheus-node-exporter")
    for account in ("demo-client", "branch"):
        text = textfile.replace('account="demo-client"', f'account="{account}"')
        (tmp_path / f"yeastar_pce_{account}.prom").write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [program, f"--web.listen-address={address}", "--collector.disable-defaults", "--collector.textfile"]
    command.append(f"--collector.textfile.directory={tmp_path}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as exporter:
        try:
            scraped = scrape(f"http://{address}/metrics")
        finally:
            exporter.terminate()
    samples = [sample for family in text_string_to_metric_families(scraped) for sample in family.samples]
    assert [sample.value for sample in samples if sample.name == "node_textfile_scrape_error"] == [0]
    ours = [sample for family in text_string_to_metric_families(textfile) for sample in family.samples]
    for account in ("demo-client", "branch"):
        found = [
            (one.name, sorted(one.labels.items()), one.value) for one in samples if one.labels.get("account") == account
        ]
        expected = [(one.name, sorted({**one.labels, "account": account}.items()), one.value) for one in ours]
        assert sorted(found, key=str) == sorted(expected, key=str)


def scrape(url: str) -> str:
    """What an exporter that has just been started answers."""
    for dummy in range(100):
        try:
            return requests.get(url, timeout=10).text
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"nothing listens at {url}")


# alerts


REPORT = 'account="a",instance="i"'


def account(cycle: str = "annually", state: str = "current", **values: float) -> dict[str, float]:
    """The series of one PBX, A, of account a at instance i, in a report that was made just now."""
    of = f'product_no="A",{REPORT}'
    series = {
        f"yeastar_pce_report_timestamp_seconds{{{REPORT}}}": values.pop("report", 0),
        f"yeastar_pce_renewals_due_price_unknown{{{REPORT}}}": values.pop("price_unknown", 0),
        f'yeastar_pce_subscription_info{{{of},comment="Head office",plan="P",billing_cycle="{cycle}"}}': 1,
        f'yeastar_pce_subscription_state{{{of},state="{state}",reason="r"}}': 1,
        f"yeastar_pce_subscription_expiry_known{{{of}}}": 1 if "not_after" in values else 0,
    }
    if "not_after" in values:
        series[f"yeastar_pce_subscription_not_after_seconds{{{of}}}"] = values["not_after"]
    return series


A = {"product_no": "A", "account": "a", "instance": "i", "comment": "Head office", "plan": "P"}
AN_HOUR = 3600


@pytest.mark.parametrize(
    ("series", "alert", "labels", "summary"),
    [
        pytest.param(account(not_after=300 * DAY), None, {}, "", id="nothing"),
        pytest.param(
            account(), "YeastarPceExpiryUnknown", A, "The expiry of A (Head office) is not known", id="unknown expiry"
        ),
        pytest.param(account(not_after=AN_HOUR), "YeastarPceExpired", A, "A (Head office) has expired", id="expired"),
        pytest.param(account(not_after=AN_HOUR + 21 * DAY + 60), None, {}, "", id="more than 21 days"),
        pytest.param(
            account(not_after=AN_HOUR + 21 * DAY),
            "YeastarPceExpiresSoon",
            A,
            "A (Head office) expires in 21d 0h 0m 0s",
            id="21 days",
        ),
        pytest.param(
            account(not_after=AN_HOUR + 7 * DAY),
            "YeastarPceExpiresVerySoon",
            A,
            "A (Head office) expires in 7d 0h 0m 0s",
            id="7 days",
        ),
        pytest.param(account("monthly", not_after=AN_HOUR + 6 * DAY), None, {}, "", id="6 days of a month"),
        pytest.param(
            account("monthly", not_after=AN_HOUR + 5 * DAY),
            "YeastarPceExpiresSoon",
            A,
            "A (Head office) expires in 5d 0h 0m 0s",
            id="5 days of a month",
        ),
        pytest.param(
            account("monthly", not_after=AN_HOUR + 2 * DAY),
            "YeastarPceExpiresVerySoon",
            A,
            "A (Head office) expires in 2d 0h 0m 0s",
            id="2 days of a month",
        ),
        pytest.param(
            account("unknown", not_after=AN_HOUR + 7 * DAY),
            "YeastarPceExpiresVerySoon",
            A,
            "A (Head office) expires in 7d 0h 0m 0s",
            id="7 days of an unknown cycle",
        ),
        pytest.param(account(state="skipped", not_after=AN_HOUR + 5 * DAY), None, {}, "", id="left to the portal"),
        pytest.param(account(state="pending", not_after=AN_HOUR + 9 * DAY), None, {}, "", id="ordered already"),
        pytest.param(
            account(state="pending", not_after=0), "YeastarPceExpired", A, "A (Head office) has expired", id="too late"
        ),
        pytest.param(
            account(price_unknown=3, not_after=300 * DAY),
            "YeastarPcePriceUnknown",
            {"account": "a", "instance": "i"},
            "The price of 3 due renewals of account a is not known",
            id="unknown price",
        ),
        *(
            pytest.param(
                account(state=state, not_after=300 * DAY),
                "YeastarPceNeedsPerson",
                {**A, "state": state, "reason": "r"},
                f"A (Head office) is {state}: r",
                id=state,
            )
            for state in ("blocked", "failed", "unknown", "not_attempted")
        ),
    ],
)
def test_an_alert_fires_when_it_should_and_alone(
    promtool: Promtool, series: dict[str, float], alert: str | None, labels: dict[str, str], summary: str
) -> None:
    promtool.alerts(series, AN_HOUR, {} if alert is None else {alert: [(labels, summary)]})


@pytest.mark.parametrize(("age", "fires"), [(36 * HOUR, False), (36 * HOUR + 60, True)])
def test_a_report_that_is_no_longer_written_is_told(promtool: Promtool, age: int, fires: bool) -> None:
    summary = "The report of account a is 1d 12h 1m 0s old"
    expected = {"YeastarPceReportStale": [({"account": "a", "instance": "i"}, summary)]} if fires else {}
    promtool.alerts(account(not_after=300 * DAY), age, expected)


@pytest.mark.parametrize(("since", "fires"), [(HOUR - 60, False), (HOUR, True)])
def test_a_report_that_never_comes_is_told_after_an_hour(promtool: Promtool, since: int, fires: bool) -> None:
    expected = {"YeastarPceReportMissing": [({}, "There is no report of any account")]} if fires else {}
    promtool.alerts({"up": 1}, since, expected)


@pytest.mark.parametrize("other", ['account="b",instance="i"', 'account="a",instance="j"'])
@pytest.mark.parametrize(("gone", "fires"), [(HOUR - 60, False), (HOUR + 600, True), (8 * DAY, False)])
def test_one_of_several_reports_that_is_gone_is_reported_for_a_week(
    promtool: Promtool, other: str, gone: int, fires: bool
) -> None:
    """A report of another account, or at another instance, that was there for ten minutes."""
    name = f"yeastar_pce_report_timestamp_seconds{{{other}}}"
    end = 600 + gone
    summary = f"There is no report of account {other[9]}"
    labels = dict(re.findall(r'(\w+)="(\w)"', other))
    expected = {"YeastarPceReportMissing": [(labels, summary)]} if fires else {}
    promtool.alerts({**account(not_after=300 * DAY, report=end), name: 600}, end, expected, {name: 10})


def test_two_accounts_with_a_pbx_of_the_same_number_have_an_alert_each(promtool: Promtool) -> None:
    series = account(not_after=AN_HOUR)
    both = {**series, **{name.replace('account="a"', 'account="b"'): value for name, value in series.items()}}
    summary = "A (Head office) has expired"
    promtool.alerts(both, AN_HOUR, {"YeastarPceExpired": [(A, summary), ({**A, "account": "b"}, summary)]})


def test_the_textfile_itself_sets_off_just_what_is_in_it(promtool: Promtool, textfile: str) -> None:
    """The real file, its instants counted from the report on: one expired, one unknown, both blocked, one in 12 d."""
    series = {}
    instants = ("yeastar_pce_report_timestamp_seconds", "yeastar_pce_subscription_not_after_seconds")
    samples = [sample for family in text_string_to_metric_families(textfile) for sample in family.samples]
    made = next(sample.value for sample in samples if sample.name == instants[0])
    comments = {}
    for sample in samples:
        labels = {**sample.labels, "instance": "i"}
        if "comment" in labels:
            comments[labels["product_no"]] = labels["comment"]
            labels["comment"] = "c"
            labels["plan"] = "P"
        written = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
        series[f"{sample.name}{{{written}}}"] = sample.value - (made if sample.name in instants else 0)
    assert len(comments) == len(HOSTILE)

    def of(product_no: str, **more: str) -> dict[str, str]:
        report = {"account": "demo-client", "instance": "i"}
        return {"product_no": product_no, **report, "comment": "c", "plan": "P", **more}

    promtool.alerts(
        series,
        60,
        {
            "YeastarPceExpiryUnknown": [(of("HOSTILE2"), "The expiry of HOSTILE2 (c) is not known")],
            "YeastarPceExpired": [(of("HOSTILE1"), "HOSTILE1 (c) has expired")],
            "YeastarPceExpiresSoon": [(of("HOSTILE0"), "HOSTILE0 (c) expires in 10d 21h 59m 0s")],
            "YeastarPceNeedsPerson": [
                (of("HOSTILE1", state="blocked", reason="expired"), "HOSTILE1 (c) is blocked: expired"),
                (
                    of("HOSTILE2", state="blocked", reason="cannot_determine"),
                    "HOSTILE2 (c) is blocked: cannot_determine",
                ),
            ],
        },
    )
