# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample policies in another engine than those of `make test`: their own tests in Rego, and a plan of the role."""

from __future__ import annotations

import json
import re

import pytest
from regorus import Engine

from tests.support.plays import MONTHLY, REPOSITORY
from tests.support.tools import Tools

POLICIES = sorted((REPOSITORY / "examples" / "policies").glob("*.rego"))
TESTS = [
    (package, name)
    for text in (path.read_text(encoding="utf-8") for path in POLICIES)
    for package in re.findall(r"^package (\w+)$", text, re.MULTILINE)
    for name in re.findall(r"^(test_\w+) if", text, re.MULTILINE)
]


def engine() -> Engine:
    one = Engine()
    for path in POLICIES:
        one.add_policy(path.name, path.read_text(encoding="utf-8"))
    return one


def test_the_search_for_tests_finds_them() -> None:
    assert len(TESTS) == 12 and {package for package, name in TESTS} == {"main_test"}


@pytest.mark.parametrize(("package", "name"), TESTS, ids=lambda value: value)
def test_a_test_of_the_policies_passes(package: str, name: str) -> None:
    assert engine().eval_rule(f"data.{package}.{name}") is True


def test_a_plan_that_the_installed_role_saves_is_judged(tools: Tools) -> None:
    inventory = REPOSITORY / "examples" / "inventory"
    tools.run("ansible-playbook", "pbxops.yeastar.plan", "-i", inventory, "-e", "pce_renewal_plan_dest=plan.json")
    one = engine()
    one.set_input(json.loads((tools.home / "plan.json").read_text(encoding="utf-8")))
    assert one.eval_rule("data.main.deny") == {f"{MONTHLY}: the billing cycle monthly is not allowed"}
