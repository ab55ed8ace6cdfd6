# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's glue with Ansible's own parts where it needs them; tests/end_to_end has ansible-inventory itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader

from ansible_collections.pbxops.yeastar.plugins.inventory import yeastar_pce
from ansible_collections.pbxops.yeastar.plugins.module_utils._account import AccountError
from ansible_collections.pbxops.yeastar.plugins.module_utils._argument_specs import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._inventory import rows_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._model import Offer, Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._plugin_options import INVENTORY_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._results import subscription_as_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._time import utc_now

NOW = utc_now()
CONSTRUCTED = {"compose": {}, "groups": {}, "keyed_groups": [], "strict": False, "use_extra_vars": False}


def subscription(product_no: str, **changes: Any) -> Any:
    facts = {
        "expires_at": NOW + timedelta(days=5, hours=1),
        "plan": Offer("1", "Enterprise Plan"),
        "services": (),
        "quantity": 5,
        "billing_cycle": "monthly",
        "auto_renewal": False,
    }
    return subscription_as_result(Subscription(product_no, **{**facts, **changes}), NOW)


class Cache(dict):  # type: ignore[type-arg]
    """A cache that may fail."""

    error: Any = None

    def __getitem__(self, key: str) -> Any:
        if self.error:
            raise self.error
        return super().__getitem__(key)


class Plugin(yeastar_pce.InventoryModule):
    """The plugin with the options of one file, which it did not read, and the readings of its account."""

    ansible_name = "pbxops.yeastar.yeastar_pce"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        table = {**CONNECTION_OPTIONS, **INVENTORY_OPTIONS}
        self.config = {"client_id": "id", "client_secret": "canary-1", **config}
        self.options = {name: spec.get("default") for name, spec in table.items()}
        self.options.update(CONSTRUCTED, plugin=None, cache="cache" in config)
        self._options = self.options
        self._cache = Cache()

    def _read_config_data(self, path: str) -> Any:
        return self.config

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        self.options.update(direct)

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self.options[option]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the account says, one reading after the other."""
    listed: list[Any] = []

    class Account:
        def __init__(self, params: Any, on_warning: Callable[[str], None]) -> None:
            pass

        def read(self) -> Any:
            reading = listed.pop(0)
            if isinstance(reading, Exception):
                raise reading
            return rows_of(reading), NOW

    monkeypatch.setattr(yeastar_pce, "Account", Account)
    return listed


def parse(plugin: Plugin, inventory: Any = None, cache: bool = True) -> Any:
    inventory = inventory or InventoryData()
    plugin.parse(inventory, DataLoader(), "/x/account.yeastar_pce.yml", cache)
    return inventory


def test_it_takes_files_of_its_name_only(tmp_path: Path) -> None:
    for name, is_ours in (("a.yeastar_pce.yml", True), ("a.yeastar_pce.yaml", True), ("yeastar_pce.yml", False)):
        (tmp_path / name).touch()
        assert Plugin({}).verify_file(str(tmp_path / name)) is is_ours
    assert Plugin({}).verify_file(str(tmp_path / "none.yeastar_pce.yml")) is False


def test_it_fills_hosts_variables_and_groups(readings: list[Any]) -> None:
    readings.append([subscription("A"), subscription("B", plan=Offer("2", "Plan (2)"), quantity=9)])
    inventory = parse(Plugin({"timeout": 5.0}))
    variables = inventory.hosts["A"].vars
    assert (variables["yeastar_days_left"], variables["pce_renewal_product_no"]) == (5, "A")
    assert (variables["pce_renewal_timeout"], variables["pce_renewal_client_id"]) == (5.0, "id")
    assert "canary-1" not in str(variables)
    groups = {name: sorted(host.name for host in group.hosts) for name, group in inventory.groups.items()}
    assert groups["expires_in_7"] == groups["expires_in_30"] == ["A", "B"]
    assert groups["plan_Enterprise_Plan"] == ["A"] and groups["plan_Plan__2_"] == ["B"]
    assert groups["expired"] == groups["expiry_unknown"] == []


def test_a_reading_is_cached_and_passed_over_when_it_is_flushed(readings: list[Any]) -> None:
    readings += [[subscription("A")], [subscription("B")]]
    plugin = Plugin({"cache": True})
    assert list(parse(plugin).hosts) == list(parse(plugin).hosts) == ["A"] and len(readings) == 1
    assert "canary-1" not in str(plugin._cache) and "days_left" not in str(plugin._cache)
    assert list(parse(plugin, cache=False).hosts) == ["B"]
    assert list(parse(plugin).hosts) == ["B"], "the cache has the newer one"


def test_a_cache_of_another_account_and_one_that_fails_is_passed_over(
    readings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    readings += [[subscription("A")], [subscription("B")], [subscription("C")]]
    plugin = Plugin({"cache": True})
    parse(plugin)
    plugin.config["client_id"] = "another"
    assert list(parse(plugin).hosts) == ["B"]
    plugin._cache.error = OSError("the cache is away")
    warnings: list[str] = []
    monkeypatch.setattr(plugin.display, "warning", warnings.append)
    assert list(parse(plugin).hosts) == ["C"]
    assert len(warnings) == 1 and "the cache is away" in warnings[0]


@pytest.mark.parametrize(
    "config",
    [
        {"hostname": "same"},
        {"exclud": []},
        {"hostvars_prefix": "1"},
        {"strict": True, "groups": {"large": "yeastar_none > 4"}},
    ],
    ids=str,
)
def test_whatever_fails_adds_nothing(readings: list[Any], config: dict[str, Any]) -> None:
    readings.append([subscription("A"), subscription("B")])
    inventory = InventoryData()
    with pytest.raises(AnsibleParserError):
        parse(Plugin(config), inventory)
    assert list(inventory.hosts) == [] and set(inventory.groups) == {"all", "ungrouped"}


@pytest.mark.parametrize("name", ["expired", "plan_Enterprise_Plan", "web"])
def test_a_host_that_would_be_a_group_as_well_keeps_everything_out(readings: list[Any], name: str) -> None:
    readings.append([subscription(name), subscription("B")])
    inventory = InventoryData()
    inventory.add_group("web")
    with pytest.raises(AnsibleParserError, match=f"hostname: {name} .*group"):
        parse(Plugin({}), inventory)
    assert list(inventory.hosts) == []


def test_a_host_of_another_source_that_is_another_pbx_keeps_everything_out(readings: list[Any]) -> None:
    readings.append([subscription("A"), subscription("B")])
    inventory = InventoryData()
    inventory.add_host("B")
    inventory.set_variable("B", "pce_renewal_product_no", "C")
    with pytest.raises(AnsibleParserError, match="B' is C in another source"):
        parse(Plugin({}), inventory)
    assert list(inventory.hosts) == ["B"]


@pytest.mark.parametrize("error", [AccountError, AnsibleError, ValueError])
def test_every_error_is_told_without_the_secrets_of_the_file(readings: list[Any], error: type[Exception]) -> None:
    readings.append(error("you said canary-1"))
    with pytest.raises(AnsibleParserError, match=r"you said \*+$"):
        parse(Plugin({}))


def test_what_the_portal_says_is_marked_where_it_could_be_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yeastar_pce, "as_data", lambda text: f"<{text}>")
    header = "#jinja2:variable_start_string:'[%',variable_end_string:'%]'\n[% x %]"
    row = {
        "comment": "{{ x }}",
        "services": ["a", "{% b %}"],
        "quantity": 5,
        "undetermined": {"plan": "{"},
        "a": header,
    }
    assert yeastar_pce.inert(row) == {
        "comment": "<{{ x }}>",
        "services": ["a", "<{% b %}>"],
        "quantity": 5,
        "undetermined": {"plan": "<{>"},
        "a": f"<{header}>",
    }
