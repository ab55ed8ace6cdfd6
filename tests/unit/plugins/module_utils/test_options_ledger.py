# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that have to do with the ledger."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _location, _options
from ansible_collections.pbxops.yeastar.plugins.module_utils._bookkeeping import Word
from ansible_collections.pbxops.yeastar.tests.unit.plugins.module_utils.builders import SN, utc


def _params(**changes: Any) -> dict[str, Any]:
    table = {**_options.CONNECTION_OPTIONS, **_options.RENEWAL_OPTIONS}
    return {**{name: spec.get("default") for name, spec in table.items()}, "product_no": SN, **changes}


def _settle(**changes: Any) -> dict[str, Any]:
    defaults = {name: spec.get("default") for name, spec in _options.SETTLE_OPTIONS.items()}
    return {**defaults, "state": "settled", "product_no": SN, "outcome": "ordered", "reason": "seen", **changes}


class TestLedger:
    @pytest.mark.parametrize(
        ("state_home", "expected"),
        [
            ("/var/state", "/var/state/pbxops.yeastar/ledger.sqlite3"),
            ("", "/home/somebody/.local/state/pbxops.yeastar/ledger.sqlite3"),
            ("relative", "/home/somebody/.local/state/pbxops.yeastar/ledger.sqlite3"),
            (None, "/home/somebody/.local/state/pbxops.yeastar/ledger.sqlite3"),
        ],
    )
    def test_it_is_below_the_state_home_where_nobody_names_it(
        self, monkeypatch: pytest.MonkeyPatch, state_home: Optional[str], expected: str
    ) -> None:
        monkeypatch.setenv("HOME", "/home/somebody")
        if state_home is None:
            monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_STATE_HOME", state_home)
        assert _location.ledger_of(_params()) == expected

    @pytest.mark.parametrize("text", ["none", "~/ledger", "/a b/ledger", "postgresql://u:p@h/d", "postgres://h/d"])
    def test_a_name_is_taken_as_it_is_without_blanks_around(self, text: str) -> None:
        assert _location.ledger_of(_params(ledger=f" {text}\n")) == text

    @pytest.mark.parametrize("text", ["", "  ", "\n"])
    def test_an_empty_name_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^ledger: expected a path, a postgresql:// URL or none"):
            _location.ledger_of(_params(ledger=text))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("postgresql://user:word@h/d", {"word"}),
            ("postgres://user:word@h/d", {"word"}),
            ("postgresql://user:w%40rd%2F@h/d", {"w%40rd%2F", "w@rd/"}),
            ("postgresql://user@h/d?sslmode=require&password=word", {"word"}),
            ("postgresql://h/d?password=w%26rd", {"w%26rd", "w&rd"}),
            ("postgresql://user:one@h/d?password=two", {"one", "two"}),
            ("postgresql://user@h/d", set()),
            ("postgresql://user:@h/d", set()),
            ("postgresql://h/d?nopassword=word", set()),
            ("postgresql://[h/d", set()),
            ("/var/ledger", set()),
            ("none", set()),
            (None, set()),
        ],
    )
    def test_its_password_is_found_wherever_it_stands(self, text: Optional[str], expected: set[str]) -> None:
        assert _location.ledger_secrets_of(text) == expected


class TestPortal:
    @pytest.mark.parametrize(
        "base_url",
        [
            "https://portal.example",
            "https://portal.example/",
            " https://Portal.Example ",
            "HTTPS://portal.example",
            "https://portal.example:443",
            "https://portal.example:443/",
        ],
    )
    def test_it_has_one_name_however_it_is_spelled(self, base_url: str) -> None:
        assert _options.portal_of(_params(base_url=base_url)) == "https://portal.example"

    @pytest.mark.parametrize(
        ("base_url", "name"),
        [
            ("https://portal.example:8443", "https://portal.example:8443"),
            ("https://portal.example:80", "https://portal.example:80"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1:443", "http://127.0.0.1:443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ],
    )
    def test_another_port_is_another_portal(self, base_url: str, name: str) -> None:
        assert _options.portal_of(_params(base_url=base_url)) == name

    def test_what_is_no_portal_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^base_url: "):
            _options.portal_of(_params(base_url="ftp://portal.example"))


class TestRun:
    def test_blanks_around_a_name_do_not_make_it_another_run(self) -> None:
        assert _options.policy_of(_params(run_id=" night\n")).run_id == "night"

    def test_two_runs_without_a_name_are_two_runs(self) -> None:
        first, second = _options.policy_of(_params()), _options.policy_of(_params())
        assert first.run_id != second.run_id and len(first.run_id) == len(second.run_id) == 32

    @pytest.mark.parametrize(
        ("option", "value"), [("settle_window", 0), ("settle_window", -1), ("settle_window", 86_401)]
    )
    def test_a_window_out_of_range_is_refused(self, option: str, value: int) -> None:
        with pytest.raises(ValueError, match=f"^{option}: expected 1 to 86400, got {value}"):
            _options.policy_of(_params(**{option: value}))

    @pytest.mark.parametrize("seconds", [0, 86_400])
    def test_one_may_wait_up_to_a_day(self, seconds: int) -> None:
        assert _options.wait_timeout_of(_params(wait_timeout=seconds)) == float(seconds)

    @pytest.mark.parametrize("seconds", [-1, 86_401])
    def test_one_waits_neither_longer_nor_less_than_not_at_all(self, seconds: int) -> None:
        with pytest.raises(ValueError, match=r"^wait_timeout: "):
            _options.wait_timeout_of(_params(wait_timeout=seconds))


class TestWord:
    def test_who_only_looks_says_nothing(self) -> None:
        assert _options.word_of(_settle(state="listed", product_no=None, outcome=None, reason=None)) == Word()
        assert _options.word_of(_settle(state="listed", outcome=None, reason=None)) == Word(SN)

    def test_everything_that_is_said_is_taken_over(self) -> None:
        word = _options.word_of(_settle(product_no=f" {SN}", reason=" seen ", expires_at="2026-12-05", order_no="BN1"))
        assert word == Word(SN, "ordered", "seen", utc(2026, 12, 5), "BN1")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("reason", ""),
            ("reason", " \n"),
            ("product_no", 5349),
            ("product_no", ""),
            ("expires_at", "03/04/2026"),
            ("expires_at", " "),
            ("order_no", ""),
            ("order_no", " "),
        ],
    )
    def test_a_bad_value_is_refused_by_the_name_of_its_option(self, option: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"^{option}: "):
            _options.word_of(_settle(**{option: value}))
