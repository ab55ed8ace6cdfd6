# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the documentation see an error of each kind."""

from __future__ import annotations

import pytest

from tests.support.checks import problems_of_block, problems_of_commands, problems_of_names
from tests.support.documents import Block, Expectation, blocks_of

RENEW = "- name: Renew\n  pbxops.yeastar.yeastar_pce_renewal:\n"
TAKE_ROLE = "- name: Take\n  ansible.builtin.import_role:\n    name: pbxops.yeastar.pce_renewal\n"
GOOD = RENEW + '    product_no: "3658B431119665QJ"\n'
RST = "Title\n=====\n\n.. run: six, rc 2, orders 1\n.. code-block:: yaml\n\n   a:\n     b: 1\n\n   c: 2\n\nText\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [1\n", "syntax"),
        ("a: 1 \n", "trailing"),
        ("a: 1\na: 2\n", "duplication"),
        (RENEW, "one of the following is required"),
        (GOOD + "    max_order: 1\n", "max_order"),
        (GOOD + "    max_orders: many\n", "max_orders"),
        (GOOD + "    billing_cycle: weekly\n", "billing_cycle"),
        (GOOD + "    expected_expiry: 03/04/2026\n", "expected_expiry"),
        (GOOD + "    field_map: {expiry: validThrough}\n", "field_map"),
        (RENEW + "    product_no: 365843111966\n", "quote it"),
        (RENEW + '    subscriptions: [{product_no: "3658B431119665QJ"}]\n', "max_orders"),
        (RENEW + '    subscriptions: [{product_no: "3658B431119665QJ", plans: x}]\n    max_orders: 1\n', "plans"),
        (GOOD.replace("renewal", "renewals"), "yeastar_pce_renewals is no module"),
        (GOOD.replace("- name: Renew\n  ", "- "), "no name"),
        (GOOD + "  regsiter: result\n", "regsiter"),
        (GOOD + "  until: result is success\n", "never repeated"),
        ("- name: Show\n  debug:\n    msg: x\n", "full name"),
        ("- name: Group\n  block:\n    - pbxops.yeastar.yeastar_pce_info:\n", "no name"),
        ("- name: Group\n  block:\n    - name: Read\n      pbxops.yeastar.yeastar_pce_info: {within: 3}\n", "within"),
        ("- name: Play\n  hosts: all\n  tasks:\n    - pbxops.yeastar.yeastar_pce_info:\n", "no name"),
        ("- name: Take\n  ansible.builtin.import_role:\n    name: pbxops.yeastar.pce_archive\n", "does not exist"),
        (
            TAKE_ROLE + "    tasks_from: buy\n",
            "does not exist",
        ),
        ("module_defaults:\n  group/pbxops.yeastar.yeastar: {client: x}\n", "client"),
        ("pce_renewal_max_order: 1\n", "not read by the role"),
        ("pce_renewal_max_orders: many\n", "pce_renewal_max_orders"),
        ("pce_renewal_product_no: 0012345\n", "octal"),
        ("pce_renewal_product_no: 365843111966\n", "quote it"),
        ("pbxs:\n  hosts:\n    12345:\n      pce_renewal_quantity: 1\n", "quote it"),
        ("pbxs:\n  hosts:\n    a:\n      pce_renewal_billing_cycle: yearly\n", "pce_renewal_billing_cycle"),
        ("plugin: pbxops.yeastar.yeastar_pce\nexclud: []\n", "exclud"),
        ("plugin: pbxops.yeastar.yeastar_pce\nexpires_within: soon\n", "expires_within"),
        ("plugin: pbxops.yeastar.yeastar_pces\n", "no inventory plugin"),
        ("- hosts: all\n  sources:\n    - pbxops.yeastar.expiring_subscriptions:\n        every: 5\n", "every"),
        ("renew:\n  script:\n    - ansible-playbook pbxops.yeastar.buy\n", "no such playbook"),
    ],
)
def test_an_error_in_a_block_is_seen(text: str, word: str) -> None:
    found = problems_of_block(Block("planted.rst", 1, "yaml", text))
    assert any(word in problem for problem in found), found


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + '    quantity: "{{ extensions }}"\n    billing_cycle: "{{ cycle }}"\n  loop: "{{ pbxs }}"\n',
        "pce_renewal_max_orders: '{{ orders }}'\n",
        "pbxs:\n  hosts:\n    '12345':\n",
        "plugin: pbxops.yeastar.yeastar_pce\nexclude: []\ncache: true\nkeyed_groups: []\ntimeout: 5\n",
        "- name: Watch\n  hosts: all\n  sources:\n    - pbxops.yeastar.expiring_subscriptions:\n        interval: 5\n",
    ],
)
def test_what_is_right_passes(text: str) -> None:
    assert problems_of_block(Block("planted.rst", 1, "yaml", text)) == []


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("$ make doc", "no such target"),
        ("$ ansible-playbook pbxops.yeastar.buy", "no such playbook"),
        ("$ .venv/bin/ansible-playbook -i x \\\n    pbxops.yeastar.pay", "no such playbook"),
        ("$ ansible-playbook --inventory examples/inventories pbxops.yeastar.plan", "no such file"),
        ("python -m tests.simulators", "no such package"),
        ("$ make 'docs", "No closing quotation"),
    ],
)
def test_an_error_in_a_command_is_seen(command: str, word: str) -> None:
    found = problems_of_commands(command)
    assert any(word in problem for problem in found), found


@pytest.mark.parametrize(
    "name", ["pbxops.yeastar.yeastar_pce_contact", "pce_renewal_retry", "YEASTAR_TOKEN", "pbxops.yeastar.pce_archive"]
)
def test_a_name_that_does_not_exist_is_seen_in_prose(name: str) -> None:
    assert problems_of_names(f"Use ``{name}`` for this.")


def test_blocks_and_their_markers_are_found_in_both_languages() -> None:
    (block,) = blocks_of("x.rst", RST)
    assert block == Block("x.rst", 7, "yaml", "a:\n  b: 1\n\nc: 2\n", Expectation("six", 2, 1))
    (block,) = blocks_of("x.md", "# T\n\n<!-- run: tutorial -->\n```yaml\na: 1\n```\n")
    assert block == Block("x.md", 5, "yaml", "a: 1\n", Expectation("tutorial"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.rst", RST.replace(".. code-block:: yaml", ".. code-block:: console")),
        ("x.rst", RST.replace(".. code-block:: yaml", "")),
        ("x.rst", RST.replace("rc 2", "status 2")),
        ("x.rst", RST.replace("yaml", "yml")),
        ("x.md", "<!-- run: six -->\n\n```yaml\na: 1\n```\n"),
        ("x.md", "```yaml\na: 1\n"),
        ("x.md", "```\na: 1\n```\n"),
    ],
)
def test_a_stray_marker_and_an_unknown_language_are_seen(path: str, text: str) -> None:
    with pytest.raises(ValueError):
        blocks_of(path, text)
