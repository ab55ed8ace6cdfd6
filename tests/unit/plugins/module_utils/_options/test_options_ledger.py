# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that have to do with the ledger."""

from __future__ import annotations

import hashlib
import os
import pwd
from typing import Any, Optional

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import location as _location
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import Word
from ansible_collections.pbxops.yeastar.plugins.module_utils._options import table as _argument_specs
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.ledger import word_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal import connection_of, fingerprint_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.run import policy_of, wait_timeout_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.values import portal_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN, utc


def _params(**changes: Any) -> dict[str, Any]:
    table = {**_argument_specs.CONNECTION_OPTIONS, **_argument_specs.RENEWAL_OPTIONS}
    return {**{name: spec.get("default") for name, spec in table.items()}, "product_no": SN, **changes}


def _settle(**changes: Any) -> dict[str, Any]:
    defaults = {name: spec.get("default") for name, spec in _argument_specs.SETTLE_OPTIONS.items()}
    return {**defaults, "state": "settled", "product_no": SN, "outcome": "ordered", "reason": "seen", **changes}


ACCEPTED = [
    *("none", "~/ledger", "~ansible/ledger", "/a b/ledger", "/var/lib/u:p@h/d?password=word", "//var/ledger"),
    *("postgresql://u@h/d", "postgres://h/d", "postgresql:///d", "postgresql://", "postgresql://u@h:5432/d"),
    *("postgresql://u%40realm@[::1]:5432/d", "postgresql://h1:1,h2,[fe80::1]:3/d", "postgresql://u@%2Fvar%2Frun/d"),
    *("postgresql://u@h/d?sslmode=require&passfile=/etc/pass", "postgresql://h/d?require_auth=password,scram-sha-256"),
    *("postgresql://user:@h/d", "postgresql://h/d?service=renewals"),
]
NO_LOCATION = [
    *("NONE", "None", "nONE", "null", "ledger", "./canary", "../canary", "canary/ledger.sqlite3", "$HOME/canary"),
    *(
        "file:///canary",
        "file:/canary",
        "sqlite:////canary",
        "sqlite:///canary.db",
        "C:\\canary",
        "mysql://u:canary@h/d",
    ),
    *("postgresql+psycopg://u:canary@h/d", "Postgresql://u:canary@h/d", "POSTGRES://u:canary@h/d"),
    *("postgresql:/u:canary@h/d", "postgresql:u:canary@h/d", "postgresql//u:canary@h/d", "psql://u:canary@h/d"),
    *("host=h dbname=d user=u password=canary", "dbname='d' password='canary'", "u:canary@h/d"),
    *(5, True, ["canary"], {"canary": 1}),
]
WITH_PASSWORD = [
    *("postgresql://user:canary@h/d", "postgres://user:canary@h/d", "postgresql://:canary@h/d"),
    *("postgresql://user:can%61ry@h/d", "postgresql://user:canary@/d", "postgresql://user:canary@h"),
    # where its special characters are not encoded, libpq or urllib take a part of it for host, port or database
    *("postgresql://user:can/canary@h/d", "postgresql://user:can?canary@h/d", "postgresql://user:can#canary@h/d"),
    *("postgresql://user:can@canary@h/d", "postgresql://user:123/canary@h/d", "postgresql://user:can/ca@nary@h/canary"),
    *("postgresql://user:can[canary@h/d", "postgresql://user:can canary@h/d", "postgresql://user:can:canary@h/d"),
    *("postgresql://h/d?password=canary", "postgresql://u@h/d?sslmode=require&password=canary&x=1"),
    *(
        "postgresql://u@h/d?sslpassword=canary",
        "postgresql://u@h/d?%70assword=canary",
        "postgresql://h?password=canary",
    ),
    *("postgresql://h/d?Password=canary", "postgresql://h/d?PASS=canary", "postgresql://h/d?pwd=canary"),
    *("postgresql://h/d?oauth_client_secret=canary", "postgresql://h/d?scram_client_key=canary"),
    *("postgresql://h/d#password=canary", "postgresql://h/d;password=canary", "postgresql://h/d?a=b=password=canary"),
    *("postgresql://h/d?password = canary", "postgresql://h/d%3Fpassword%3Dcanary"),
]
BAD_ADDRESSES = [
    *(
        "postgresql://user:canary/d",
        "postgresql://user:can/canary",
        "postgresql://h:54x/canary",
        "postgresql://[h/canary",
    ),
    *("postgresql://h]/canary", "postgresql://[::1]x/canary", "postgresql://u/canary@h/d", "postgresql://u@canary@h/d"),
    *("postgresql://h1:1,h2:canary/d", "postgresql://h/d?user=u@canary"),
]


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
        assert _location.ledger_location_of(_params()) == expected

    @pytest.mark.parametrize("text", ACCEPTED)
    def test_a_name_is_taken_as_it_is_without_blanks_around(self, text: str) -> None:
        assert _location.ledger_location_of(_params(ledger=f" {text}\n")) == text

    @pytest.mark.parametrize("text", ["", "  ", "\n"])
    def test_an_empty_name_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^ledger: expected an absolute path .*, got an empty text$"):
            _location.ledger_location_of(_params(ledger=text))

    @pytest.mark.parametrize("text", NO_LOCATION)
    def test_what_is_none_of_the_accepted_forms_is_refused_without_repeating_it(self, text: Any) -> None:
        with pytest.raises(ValueError) as refused:
            _location.ledger_location_of(_params(ledger=text))
        said = str(refused.value)
        assert said.startswith("ledger: expected an absolute path or one that begins with ~, a postgresql:// address")
        assert said.endswith("or none, got something else, which is not shown") and "canary" not in said

    @pytest.mark.parametrize("text", WITH_PASSWORD)
    def test_an_address_with_a_password_is_refused_with_the_ways_out(self, text: str) -> None:
        with pytest.raises(ValueError) as refused:
            _location.ledger_location_of(_params(ledger=text))
        said = str(refused.value)
        assert said.startswith("ledger: expected an address without a password") and "canary" not in said
        for way in ("ledger_password", "pce_renewal_ledger_password", "PGPASSWORD", "~/.pgpass"):
            assert way in said

    @pytest.mark.parametrize("text", BAD_ADDRESSES)
    def test_an_address_that_cannot_be_taken_apart_is_refused_without_repeating_it(self, text: str) -> None:
        with pytest.raises(ValueError) as refused:
            _location.ledger_location_of(_params(ledger=text))
        said = str(refused.value)
        assert said.startswith("ledger: expected postgresql://user@host:port/database") and "canary" not in said

    @pytest.mark.parametrize("text", [*NO_LOCATION, *WITH_PASSWORD, *BAD_ADDRESSES])
    def test_what_is_refused_is_gone_before_ansible_logs_or_shows_the_options(self, text: Any) -> None:
        validator = ArgumentSpecValidator(_argument_specs.LEDGER_OPTIONS)
        validated = validator.validate({"ledger": text}).validated_parameters
        assert "canary" not in str(validated)
        with pytest.raises(ValueError, match=r"^ledger: expected"):
            _location.ledger_location_of(validated)

    @pytest.mark.parametrize("text", ACCEPTED)
    def test_what_is_accepted_is_validated_as_it_is(self, text: str) -> None:
        validator = ArgumentSpecValidator(_argument_specs.LEDGER_OPTIONS)
        validated = validator.validate({"ledger": text}).validated_parameters
        assert _location.ledger_location_of(validated) == text


class TestPassword:
    @pytest.mark.parametrize("location", ["postgresql://u@h/d", "postgres://h/d"])
    @pytest.mark.parametrize("password", ["word", "", None])
    def test_a_ledger_in_postgresql_may_have_one(self, location: str, password: Optional[str]) -> None:
        assert _location.ledger_location_of(_params(ledger=location, ledger_password=password)) == location

    @pytest.mark.parametrize("location", [None, "none", "/ledger", "~/ledger"])
    def test_one_without_such_a_ledger_is_refused_since_another_ledger_is_meant(self, location: Optional[str]) -> None:
        with pytest.raises(ValueError) as refused:
            _location.ledger_location_of(_params(ledger=location, ledger_password="canary"))
        said = str(refused.value)
        assert said.startswith("ledger_password: expected only with a ledger in PostgreSQL") and "canary" not in said
        assert _location.ledger_location_of(_params(ledger=location, ledger_password=""))


def test_a_user_is_named_also_where_the_system_has_no_name_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _location.user_name() == pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    assert _location.user_name() == "uid 4000000000"


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
            "https://portal.example.",
            "https://portal.example:",
            "https://portal.example.:0443/",
        ],
    )
    def test_it_has_one_name_however_it_is_spelled(self, base_url: str) -> None:
        assert portal_of(_params(base_url=base_url)) == "https://portal.example"

    @pytest.mark.parametrize(
        ("base_url", "name"),
        [
            ("https://portal.example:8443", "https://portal.example:8443"),
            ("https://portal.example:80", "https://portal.example:80"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1:443", "http://127.0.0.1:443"),
            ("http://[::1]:8080", "http://127.0.0.1:8080"),
        ],
    )
    def test_another_port_is_another_portal(self, base_url: str, name: str) -> None:
        assert portal_of(_params(base_url=base_url)) == name

    def test_all_names_of_the_loopback_address_are_one_portal(self) -> None:
        for host in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[::1]:8080"):
            port = "" if host.endswith("8080") else ":8080"
            assert portal_of(_params(base_url=f"http://{host}{port}/")) == "http://127.0.0.1:8080"

    @pytest.mark.parametrize(
        ("left", "right", "is_same"),
        [
            ("https://portal.example", "https://PORTAL.example:443/", True),
            ("http://127.0.0.1:8080", "http://[::1]:8080", True),
            ("https://portal.example", "https://portal.example:8443", False),
        ],
    )
    def test_a_saved_plan_knows_an_account_by_the_same_name(self, left: str, right: str, is_same: bool) -> None:
        prints = [
            fingerprint_of(connection_of(_params(base_url=url, client_id="id", client_secret="s")))
            for url in (left, right)
        ]
        assert (prints[0] == prints[1]) is is_same

    def test_a_plan_of_0_2_0_for_an_address_as_it_is_usually_written_is_of_the_same_account(self) -> None:
        connection = connection_of(_params(client_id="id", client_secret="s"))
        written = f"{_argument_specs.DEFAULT_BASE_URL}\0id".encode()
        assert fingerprint_of(connection) == hashlib.sha256(written).hexdigest()[:16]

    def test_what_is_no_portal_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^base_url: "):
            portal_of(_params(base_url="ftp://portal.example"))


class TestRun:
    def test_blanks_around_a_name_do_not_make_it_another_run(self) -> None:
        assert policy_of(_params(run_id=" night\n")).run_id == "night"

    def test_two_runs_without_a_name_are_two_runs(self) -> None:
        first, second = policy_of(_params()), policy_of(_params())
        assert first.run_id != second.run_id and len(first.run_id) == len(second.run_id) == 32

    @pytest.mark.parametrize(
        ("option", "value"), [("settle_window", 0), ("settle_window", -1), ("settle_window", 86_401)]
    )
    def test_a_window_out_of_range_is_refused(self, option: str, value: int) -> None:
        with pytest.raises(ValueError, match=f"^{option}: expected 1 to 86400, got {value}"):
            policy_of(_params(**{option: value}))

    @pytest.mark.parametrize("seconds", [0, 86_400])
    def test_one_may_wait_up_to_a_day(self, seconds: int) -> None:
        assert wait_timeout_of(_params(wait_timeout=seconds)) == float(seconds)

    @pytest.mark.parametrize("seconds", [-1, 86_401])
    def test_one_waits_neither_longer_nor_less_than_not_at_all(self, seconds: int) -> None:
        with pytest.raises(ValueError, match=r"^wait_timeout: "):
            wait_timeout_of(_params(wait_timeout=seconds))


class TestWord:
    def test_who_only_looks_says_nothing(self) -> None:
        assert word_of(_settle(state="listed", product_no=None, outcome=None, reason=None)) == Word()
        assert word_of(_settle(state="listed", outcome=None, reason=None)) == Word(SN)

    def test_everything_that_is_said_is_taken_over(self) -> None:
        word = word_of(_settle(product_no=f" {SN}", reason=" seen ", expires_at="2026-12-05", order_no="BN1"))
        assert word == Word(SN, "ordered", "seen", utc(2026, 12, 5), "BN1")

    def test_nothing_is_settled_where_nothing_is_kept(self) -> None:
        with pytest.raises(ValueError, match=r"^ledger: expected a path or an address, got none"):
            word_of(_settle(ledger="none"))
        assert word_of(_settle(ledger="none", state="listed")) == Word(SN)

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("ledger", "NONE"),
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
            word_of(_settle(**{option: value}))
