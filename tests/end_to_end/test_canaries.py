# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A portal that repeats every secret in its answers: everything that a run writes and shows is searched for them.

Runs on every core (tests/cores), since each hides different things in different places.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import psycopg
import pytest

from tests.support.plays import ROLE, Shown, role_play, run
from tests.support.postgres import PASSWORD, Postgres
from tests.support.processes import Ansible, orders_sent
from tests.support.reports import FILES

SECRET = "canary-of-a-client-secret-7f3a91"
SOURCE = "ansible_collections.pbxops.yeastar.extensions.eda.plugins.event_source.expiring_subscriptions"
FREE, EVERY = "free_texts", "every_text"

# A user's callback, which writes what every core passes to callbacks.
CALLBACK = """
from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "written"

    def _write(self, result, *arguments, **keywords):
        with open(os.environ["WRITTEN"], "a") as file:
            file.write(json.dumps(getattr(result, "result", None) or result._result, default=str))

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = _write
"""


def _raw(name: str) -> dict[str, Any]:
    """A task that writes the registered result of another one as it is in memory."""
    content = f"{{{{ {name} | to_json }}}}"
    return {"ansible.builtin.copy": {"content": content, "dest": f"{{{{ playbook_dir }}}}/{name}.txt", "mode": "0600"}}


def _reading(numbers: list[str]) -> list[dict[str, Any]]:
    """Everything that can be read without a ledger."""
    everything = {"gather": ["subscriptions", "catalog", "billing_contacts", "orders"], "raw": True}
    password = "{{ pce_renewal_ledger_password }}"
    secret = "{{ lookup('env', 'YEASTAR_CLIENT_SECRET') }}"
    info = {**everything, "product_no": numbers, "client_secret": secret, "ledger_password": password}
    contact = {
        "record": "{{ playbook_dir }}/account.json",
        "client_secret": secret,
        "ledger": "{{ pce_renewal_ledger }}",
        "ledger_password": password,
    }
    report = {
        "pce_report_dest": "{{ playbook_dir }}/report",
        "pce_report_formats": ["html", "csv", "junit", "text"],
        "pce_report_ledger": "{{ pce_renewal_ledger }}",
        "pce_report_ledger_password": password,
    }
    tasks: list[dict[str, Any]] = [
        {"pbxops.yeastar.yeastar_pce_info": info, "register": "everything"},
        {"ansible.builtin.debug": {"var": "everything"}},
        {"ansible.builtin.set_fact": {"kept": "{{ everything }}", "cacheable": True}},
        _raw("everything"),
        {"pbxops.yeastar.yeastar_pce_info": {"gather": "none of them"}, "register": "refused"},
        _raw("refused"),
        {"pbxops.yeastar.yeastar_pce_portal_info": contact, "register": "contact"},
        _raw("contact"),
        {"ansible.builtin.import_role": {"name": "pbxops.yeastar.pce_report"}, "vars": report},
    ]
    return [role_play(hosts="all[0]", roles=[], tasks=[{**task, "ignore_errors": True} for task in tasks])]


def _ordering(numbers: list[str]) -> list[dict[str, Any]]:
    """Everything that has the password of the ledger."""
    options = {"ledger": "{{ pce_renewal_ledger }}", "ledger_password": "{{ pce_renewal_ledger_password }}"}
    all_of_them = {"subscriptions": [{"product_no": number} for number in numbers], "max_orders": 2}
    one = {"product_no": numbers[0], "max_orders": 1, **options}
    tasks: list[dict[str, Any]] = [
        {
            "pbxops.yeastar.yeastar_pce_plan": {**all_of_them, "dest": "{{ playbook_dir }}/plan.json", **options},
            "register": "planned",
        },
        _raw("planned"),
        {"pbxops.yeastar.yeastar_pce_renewal": one, "register": "ordered"},
        _raw("ordered"),
        {"pbxops.yeastar.yeastar_pce_ledger": options, "register": "listed"},
        _raw("listed"),
    ]
    role = [{"ansible.builtin.import_role": {"name": ROLE}}, _raw("pce_renewal_outcome")]
    return [
        role_play(hosts=hosts, roles=[], tasks=[{**task, "ignore_errors": True} for task in own])
        for hosts, own in (("all[0]", tasks), ("all", role))
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def location(server: Postgres) -> Iterator[str]:
    with server.database() as url:
        yield url


def events_of(ansible: Ansible) -> list[Any]:
    """The events of an account at the first poll of the event source."""
    state = str(ansible.home / "state.json")
    options = {"base_url": ansible.portal.url, "client_id": "demo-client", "client_secret": SECRET, "state_file": state}

    async def first() -> list[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        watching = asyncio.create_task(import_module(SOURCE).main(queue, {**options, "interval": 60}))
        await asyncio.sleep(5)
        watching.cancel()
        return [queue.get_nowait() for dummy in range(queue.qsize())]

    return asyncio.run(first())


def play(ansible: Ansible, location: str, plays: list[dict[str, Any]]) -> Shown:
    """The output of plays at Ansible's highest verbosity."""
    plugins, numbers = ansible.home / "plugins", [pbx.product_no for pbx in ansible.portal.pbxs]
    plugins.mkdir()
    (plugins / "written.py").write_text(CALLBACK)
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
        "ANSIBLE_CALLBACKS_ENABLED": "written,ansible.builtin.junit",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ansible.home / "facts"),
        "ANSIBLE_REMOTE_TMP": str(ansible.home / "remote"),
        "ANSIBLE_LOG_PATH": str(ansible.home / "ansible.log"),
        "JUNIT_OUTPUT_DIR": str(ansible.home / "junit"),
        "PGPASSWORD": "",
        "WRITTEN": str(ansible.home / "written.txt"),
    }
    local = "-eansible_python_interpreter={{ ansible_playbook_python }}"
    group = {
        "ledger": location,
        "ledger_password": "{{ lookup('file', 'password') }}",
        "wait_timeout": 0,
        "max_orders": 5,
    }
    (ansible.home / "password").write_text(PASSWORD)
    hosts: dict[str, dict[str, Any]] = {number: {} for number in numbers}
    shown = run(ansible, hosts, "-vvvvv", "--diff", local, plays=plays, environment=environment, **group)
    (ansible.home / "password").unlink()
    return shown


def assert_no_canary(ansible: Ansible, **shown: str) -> None:
    codes = [pbx.activation_code for pbx in ansible.portal.pbxs]
    assert len(ansible.portal.tokens) >= 2
    kept = {str(path): path.read_text("utf-8", "replace") for path in ansible.home.rglob("*") if path.is_file()}
    for name, text in {**shown, **kept}.items():
        for canary in (SECRET, PASSWORD, *ansible.portal.tokens, *codes):
            at = text.find(canary)
            assert at < 0, f"{canary[:9]}… in {name}: {text[max(0, at - 200) : at]}"


def rows_in(location: str) -> dict[str, list[tuple[Any, ...]]]:
    """The complete content of a ledger's database, by table."""
    with psycopg.connect(location, password=PASSWORD) as connection:
        names = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'yeastar_%' AND relkind = 'r'")
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names.fetchall()}


@pytest.mark.faults(69)
@pytest.mark.parametrize("echoes", [FREE, EVERY])
@pytest.mark.parametrize("plays_of", [_reading, _ordering], ids=["reading", "ordering"])
def test_nothing_that_a_run_shows_registers_or_writes_holds_a_secret(
    start: Callable[..., Ansible], location: str, echoes: str, plays_of: Callable[[list[str]], list[dict[str, Any]]]
) -> None:
    account = {"client_id": "demo-client", "client_secret": SECRET}
    portal = {"echoes": echoes, "echoed": [PASSWORD]}
    ansible = start(fleet={"account": account, "portal": portal, "generate": {"count": 3, "due": 2}})
    shown = play(ansible, location, plays_of([pbx.product_no for pbx in ansible.portal.pbxs]))
    assert_no_canary(ansible, output=shown.output, ledger=str(rows_in(location)))
    if plays_of is _ordering and echoes == FREE:
        assert (ansible.home / "plan.json").exists() and "yeastar_intent" in rows_in(location)
    assert orders_sent(ansible.portal) == (2 if plays_of is _ordering and echoes == FREE else 0), shown.output
    # What was searched contains them if nothing hides them.
    kept = ["ansible.log"]
    if plays_of is _reading and echoes == FREE:
        assert "removed" in (ansible.home / "account.json").read_text()
        kept += ["written.txt", "everything.txt", f"report/{FILES['html']}", f"report/{FILES['csv']}"]
    for name in kept:
        assert "********" in (ansible.home / name).read_text(), name
    for name in ("junit", *(["facts"] if plays_of is _reading else [])):
        assert any((ansible.home / name).iterdir()), name


@pytest.mark.faults(69)
@pytest.mark.parametrize("echoes", [FREE, EVERY])
def test_no_host_no_cache_and_no_event_holds_a_secret(
    start: Callable[..., Ansible], monkeypatch: pytest.MonkeyPatch, echoes: str
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    account = {"client_id": "demo-client", "client_secret": SECRET}
    portal = {"echoes": echoes, "echoed": [PASSWORD]}
    ansible = start(fleet={"account": account, "portal": portal, "generate": {"count": 3, "due": 2}})
    file = ansible.home / "all.yeastar_pce.yml"
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(ansible.home / "cache")}
    file.write_text(json.dumps({"plugin": "pbxops.yeastar.yeastar_pce", **cache}))
    listed = ansible.inventory("-i", file, "--list", "-vvvvv")
    assert_no_canary(ansible, output=listed.stdout, errors=listed.stderr)
    is_whole = listed.returncode == 0 and "********" in listed.stdout and any((ansible.home / "cache").iterdir())
    assert is_whole == (echoes == FREE), listed.stderr
    events = events_of(ansible)
    assert_no_canary(ansible, events=json.dumps(events))
    assert bool(events) == (echoes == FREE)
