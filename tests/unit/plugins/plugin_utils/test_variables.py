# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the roles' variables: what is misspelt is found, and what is known is all that there is to know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch import host_requests as _batch
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory import hosts as _inventory
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._variables import complaint_about

ROOT = Path(_batch.__file__).resolve().parents[3]
KNOWN = {"pce_renewal_quantity", "pce_renewal_plan", "pce_renewal_plan_file", "pce_renewal_extra_variables"}


def complaint(*names: str, extra: Any = ()) -> str:
    return complaint_about(names, "pce_renewal_", KNOWN, extra)


def test_known_names_and_those_of_others_are_no_matter() -> None:
    assert complaint("pce_renewal_quantity", "ansible_host", "vault_pce_renewal_secret", "pce_report_formats") == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pce_renewal_quantiy", "pce_renewal_quantiy (the closest is pce_renewal_quantity)."),
        ("pce_renewal_plan_fil", "pce_renewal_plan_fil (the closest is pce_renewal_plan_file)."),
        ("pce_renewal_Plan", "pce_renewal_Plan (the closest is pce_renewal_plan)."),
        ("pce_renewal_zzz", "pce_renewal_zzz."),
        ("pce_renewal_", "pce_renewal_."),
    ],
)
def test_an_unknown_name_is_told_with_its_nearest(name: str, told: str) -> None:
    found = complaint("pce_renewal_plan", name)
    assert f"unknown variables of the role: {told}" in found and "pce_renewal_extra_variables" in found


@pytest.mark.parametrize("extra", [["pce_renewal_note", "x"], ("pce_renewal_note",), "x, pce_renewal_note"], ids=str)
def test_names_of_the_users_own_are_known_and_others_are_not(extra: Any) -> None:
    assert complaint("pce_renewal_note", extra=extra) == ""
    assert "pce_renewal_notes" in complaint("pce_renewal_note", "pce_renewal_notes", extra=extra)


@pytest.mark.parametrize("extra", [5, {"pce_renewal_note": 1}, [1]], ids=str)
def test_a_list_that_is_none_is_refused(extra: Any) -> None:
    with pytest.raises(ValueError, match="pce_renewal_extra_variables: expected a list of names of variables"):
        complaint("pce_renewal_note", extra=extra)


# what is known


def texts_of(*patterns: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in ROOT.glob(pattern))


def options_of(role: str) -> set[str]:
    spec = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return {name for entry_point in spec["argument_specs"].values() for name in entry_point["options"]}


def test_what_the_role_of_renewal_knows_is_what_it_its_playbooks_and_the_inventory_read_and_set() -> None:
    named = re.findall(r"\bpce_renewal_\w+", texts_of("playbooks/*.yml", "roles/pce_renewal/tasks/*.yml"))
    assert {*options_of("pce_renewal"), *named} == _batch.VARIABLES
    told = {_batch.variable_of(name) for name in CONNECTION_OPTIONS}
    assert {_inventory.PRODUCT_NO_VARIABLE, *told} <= _batch.VARIABLES


def test_what_the_role_of_reports_knows_is_what_it_its_playbook_and_its_templates_read_and_set() -> None:
    files = ("playbooks/*.yml", "roles/pce_report/*/*.yml", "roles/pce_report/templates/*")
    named = set(re.findall(r"\bpce_report_\w+", texts_of(*files)))
    own = yaml.safe_load((ROOT / "roles/pce_report/vars/main.yml").read_text(encoding="utf-8"))[
        "pce_report_own_variables"
    ]
    assert own == sorted(set(own)) and named == {*options_of("pce_report"), *own}
