# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the inventory and of the source of events: the table, the documentation, and what is read of them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.doc_fragments import connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events import options as _event_options
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory import options as _plugin_options
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import NOW

COLLECTION = Path(_plugin_options.__file__).resolve().parents[3]
INVENTORY = COLLECTION / "plugins/inventory/yeastar_pce.py"
SOURCE = COLLECTION / "extensions/eda/plugins/event_source/expiring_subscriptions.py"


def constant(path: Path, name: str) -> str:
    """A text at the top of a file, which is not run: sources of events are no package."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{path} has no {name}")


def options_of(path: Path) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = yaml.safe_load(constant(path, "DOCUMENTATION"))["options"]
    return options


def shape(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("type", "elements", "choices", "default") if key in spec}


def params(**changes: Any) -> dict[str, Any]:
    table = {**CONNECTION_OPTIONS, **_plugin_options.INVENTORY_OPTIONS}
    defaults = {name: spec.get("default") for name, spec in table.items()}
    return {**defaults, "client_id": "id", "client_secret": "secret", **changes}


class TestDocumentation:
    def test_the_inventory_documents_its_options_as_they_are(self) -> None:
        documented = options_of(INVENTORY)
        own = {name: shape(option) for name, option in documented.items() if name not in CONNECTION_OPTIONS}
        assert own.pop("plugin") == {"type": "str", "choices": ["pbxops.yeastar.yeastar_pce"]}
        assert own == {name: shape(spec) for name, spec in _plugin_options.INVENTORY_OPTIONS.items()}
        fragments = yaml.safe_load(constant(INVENTORY, "DOCUMENTATION"))["extends_documentation_fragment"]
        assert "pbxops.yeastar.connection" in fragments

    def test_the_inventory_takes_from_the_environment_what_the_modules_do(self) -> None:
        documented = options_of(INVENTORY)
        assert {name for name in documented if name in CONNECTION_OPTIONS} == {
            name for name, spec in CONNECTION_OPTIONS.items() if "fallback" in spec
        }
        for name in documented.keys() & CONNECTION_OPTIONS.keys():
            variables = [{"name": variable} for variable in CONNECTION_OPTIONS[name]["fallback"][1]]
            assert documented[name] == {"env": variables}
        shared = yaml.safe_load(connection.ModuleDocFragment.DOCUMENTATION)["options"]
        assert shared.keys() == CONNECTION_OPTIONS.keys()

    def test_the_source_of_events_documents_its_options_as_they_are(self) -> None:
        documented = options_of(SOURCE)
        table = {**CONNECTION_OPTIONS, **_event_options.EVENT_OPTIONS}
        assert {name: shape(option) for name, option in documented.items()} == {
            name: shape(spec) for name, spec in table.items()
        }
        for name, spec in table.items():
            assert documented[name]["description"]
            if "fallback" in spec and name != "access_token":
                assert f"E({spec['fallback'][1][0]})" in documented[name]["description"]

    def test_the_source_of_events_is_documentation_and_a_short_main(self) -> None:
        body = ast.parse(SOURCE.read_text(encoding="utf-8")).body
        (main,) = [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
        assert isinstance(main, ast.AsyncFunctionDef) and main.name == "main" and len(main.body) == 2

    def test_every_text_that_may_be_a_template_is_an_option_of_the_connection(self) -> None:
        texts = {name for name, spec in CONNECTION_OPTIONS.items() if spec["type"] in ("str", "path")}
        assert set(_plugin_options.TEMPLATED_OPTIONS) == texts


class TestChoice:
    def test_it_takes_over_filters_and_what_the_file_sets_of_the_connection_without_secrets(self) -> None:
        given = {"plugin": "x", "client_id": "id", "client_secret": "secret", "timeout": 5, "plan": "p"}
        choice = _plugin_options.choice_of(params(plan="p", expires_within=9, timeout=5.0, include=["a"]), given, NOW)
        assert choice.filters == Filters(NOW, expires_within=9, plan="p")
        assert (choice.include, choice.exclude, choice.hostname, choice.prefix) == (["a"], [], None, "yeastar_")
        assert choice.role_variables == {"pce_renewal_client_id": "id", "pce_renewal_timeout": 5.0}

    @pytest.mark.parametrize("prefix", ["1", "a-", "a b", "ä", "a\n"])
    def test_a_prefix_that_no_name_can_begin_with_is_refused(self, prefix: str) -> None:
        with pytest.raises(ValueError, match="hostvars_prefix"):
            _plugin_options.choice_of(params(hostvars_prefix=prefix), {}, NOW)
        assert _plugin_options.choice_of(params(hostvars_prefix=""), {}, NOW).prefix == ""

    def test_a_misspelt_option_is_refused(self) -> None:
        _plugin_options.check_known(["exclude"], ["exclude", "include"])
        with pytest.raises(ValueError, match="exlude, x: not an option"):
            _plugin_options.check_known(["x", "exlude", "include"], ["exclude", "include"])


class TestFingerprint:
    def test_the_same_account_read_in_the_same_way_is_the_same(self) -> None:
        assert _plugin_options.inventory_account_of(params()) == _plugin_options.inventory_account_of(params(timeout=5))

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "another"},
            {"base_url": "https://portal.example"},
            {"field_map": {"quantity": "seats"}},
            {"client_id": None, "access_token": "a"},
            {"client_id": None, "access_token": "b"},
        ],
        ids=str,
    )
    def test_anything_else_is_another(self, changes: dict[str, Any]) -> None:
        found = {_plugin_options.inventory_account_of(params(**other)) for other in ({}, changes)}
        found.add(_plugin_options.inventory_account_of(params(client_id=None, access_token="c")))
        assert len(found) == 3

    def test_a_token_counts_whatever_id_stands_beside_it(self) -> None:
        given = [{}, {"access_token": "a"}, {"access_token": "b"}]
        assert len({_plugin_options.inventory_account_of(params(**one)) for one in given}) == 3

    def test_it_tells_nothing_of_the_account(self) -> None:
        told = _plugin_options.inventory_account_of(params(client_id="my-own-id", client_secret="my-secret"))
        assert len(told) == 16 and "my" not in told
