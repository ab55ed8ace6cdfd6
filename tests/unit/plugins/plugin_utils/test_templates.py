# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._templates import decrypted, textual


class Encrypted:
    """What ansible-core 2.18 makes of an inline vault value."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "decrypted"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Encrypted(), "decrypted"),
        ([Encrypted(), 1], ["decrypted", 1]),
        ({"a": {"b": [Encrypted()]}}, {"a": {"b": ["decrypted"]}}),
        ({"a": None, "b": "text", "c": 1.5}, {"a": None, "b": "text", "c": 1.5}),
    ],
)
def test_inline_vault_values_become_text_wherever_they_are(value: Any, expected: Any) -> None:
    assert decrypted(value) == expected


def test_a_native_templar_is_exchanged_for_one_that_leaves_text_alone() -> None:
    native = SimpleNamespace(jinja2_native=True, copy_with_new_env=lambda: "of text")
    assert textual(native) == "of text"


@pytest.mark.parametrize("templar", [SimpleNamespace(jinja2_native=False), SimpleNamespace()])
def test_any_other_templar_stays(templar: Any) -> None:
    assert textual(templar) is templar
