# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml

from ansible_collections.pbxops.yeastar.plugins.doc_fragments import connection as connection_fragment
from ansible_collections.pbxops.yeastar.plugins.doc_fragments import renewal as renewal_fragment
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration, Policy
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.span import Span
from ansible_collections.pbxops.yeastar.plugins.module_utils._options import table as _argument_specs
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.filters import filters_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal import (
    connection_of,
    fields_of,
    refuse_unverified,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.run import declarations_of, policy_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.values import product_no_of
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN, usd, utc

COLLECTION = Path(_argument_specs.__file__).resolve().parents[3]
PACKAGE = "ansible_collections.pbxops.yeastar.plugins"
MODULES = sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("yeastar_*.py"))
# The others are run by action plugins alone.
OWN_MAIN = [name for name in MODULES if name not in ("yeastar_pce_outcome", "yeastar_pce_request")]
FRAGMENTS = {
    "pbxops.yeastar.connection": connection_fragment,
    "pbxops.yeastar.renewal": renewal_fragment,
}


def _params(**changes: Any) -> dict[str, Any]:
    table = {**_argument_specs.CONNECTION_OPTIONS, **_argument_specs.RENEWAL_OPTIONS}
    defaults = {name: spec.get("default") for name, spec in table.items()}
    return {**defaults, "client_id": "id", "client_secret": "secret", "product_no": SN, **changes}


def _item(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(["product_no", *_argument_specs.DECLARATION_OPTIONS]), **changes}


class TestConnection:
    @pytest.mark.parametrize(
        ("changes", "base_url"),
        [
            pytest.param({}, "https://openapi.partner.yeastar.com", id="the-vendors"),
            pytest.param({"base_url": "https://portal.example:8443/"}, "https://portal.example:8443", id="last-slash"),
            pytest.param({"base_url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080", id="loopback"),
            pytest.param({"base_url": "http://localhost:8080"}, "http://localhost:8080", id="localhost"),
            pytest.param({"base_url": "http://127.0.0.2:8080"}, "http://127.0.0.2:8080", id="loopback-network"),
            pytest.param({"base_url": "http://[::1]:8080"}, "http://[::1]:8080", id="loopback-6"),
            pytest.param({"base_url": "http://[::1]:8080"}, "http://[::1]:8080", id="loopback-v6"),
        ],
    )
    def test_https_and_http_on_loopback_are_accepted(self, changes: dict[str, Any], base_url: str) -> None:
        connection = connection_of(_params(**changes))
        assert connection.base_url == base_url
        assert (connection.client_id, connection.client_secret, connection.access_token) == ("id", "secret", None)

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://openapi.partner.yeastar.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://192.168.0.1",
            "http://0.0.0.0",
            "http://localhost@example.com",
            "https://user@portal.example",
            "https://user:password@portal.example",
            "https://:password@portal.example",
            "https://portal.example?x=1",
            "https://portal.example#x",
            "ftp://portal.example",
            "file:///etc/passwd",
            "openapi.partner.yeastar.com",
            "//portal.example",
            "https://",
            "",
        ],
    )
    def test_any_other_address_is_refused(self, base_url: str) -> None:
        with pytest.raises(ValueError, match="base_url"):
            connection_of(_params(base_url=base_url))

    def test_a_refused_address_does_not_show_its_password(self) -> None:
        with pytest.raises(ValueError) as refusal:
            connection_of(_params(base_url="http://user:hunter2@portal.example"))
        assert "hunter2" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("changes", "missing", "variables"),
        [
            ({"client_id": None, "client_secret": None}, "client_id and client_secret are", ("ID", "SECRET")),
            ({"client_id": None}, "client_id is", ("ID",)),
            ({"client_secret": None}, "client_secret is", ("SECRET",)),
            (
                {"client_id": "", "client_secret": "", "access_token": ""},
                "client_id and client_secret are",
                ("ID", "SECRET"),
            ),
        ],
        ids=["nothing", "no-client-id", "no-client-secret", "empty"],
    )
    def test_missing_credentials_are_named_with_their_variables(
        self, changes: dict[str, Any], missing: str, variables: tuple[str, ...]
    ) -> None:
        with pytest.raises(ValueError, match=f"^no credentials: {missing} not set.*access_token") as refused:
            connection_of(_params(**changes))
        named = [name for name in ("ID", "SECRET") if f"YEASTAR_CLIENT_{name}" in str(refused.value)]
        assert named == list(variables)

    def test_a_token_alone_is_enough(self) -> None:
        params = _params(client_id=None, client_secret=None, access_token="token")
        assert connection_of(params).access_token == "token"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"timeout": 0.0}, "timeout"),
            ({"timeout": -1.0}, "timeout"),
            ({"timeout": float("nan")}, "timeout"),
            ({"retries": -1}, "retries"),
        ],
    )
    def test_a_number_out_of_range_is_refused(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            connection_of(_params(**changes))

    @pytest.mark.parametrize(
        "base_url",
        ["https://portal.example", "HTTPS://portal.example", "Https://portal.example", " https://portal.example"],
    )
    def test_nothing_is_ordered_over_https_without_checking_the_certificate(self, base_url: str) -> None:
        with pytest.raises(ValueError, match=r"validate_certs|base_url"):
            refuse_unverified(connection_of(_params(base_url=base_url, validate_certs=False)))

    @pytest.mark.parametrize(
        "changes", [{}, {"base_url": "http://127.0.0.1:8080", "validate_certs": False}, {"ca_path": certifi.where()}]
    )
    def test_a_checked_certificate_or_the_loopback_may_order(self, changes: dict[str, Any]) -> None:
        connection = connection_of(_params(**changes))
        refuse_unverified(connection)
        assert connection.ca_path == changes.get("ca_path")


def test_a_concept_of_field_map_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="expiry"):
        fields_of(_params(field_map={"expiry": "x"}))
    assert fields_of(_params(field_map={"quantity": "seats"})).read({"seats": 5}, "quantity") == 5
    assert fields_of(_params(field_map=None)).read({"quantity": 5}, "quantity") == 5


def test_dates_are_read_in_the_time_zone_that_is_set_and_one_that_does_not_exist_is_refused() -> None:
    params = _params(time_zone="Asia/Shanghai", expires_at="2026-12-05 23:59:59")
    expected = Span(utc(2026, 12, 5, 15, 59, 59), utc(2026, 12, 5, 15, 59, 59), "Asia/Shanghai")
    assert fields_of(params).span({"expireDate": "2026-12-05 23:59:59"}) == expected
    (declared,) = declarations_of(params)
    assert (declared.expires_at, declared.span) == (utc(2026, 12, 5, 23, 59, 59), expected)
    for name in ("Asia/Nowhere", "Asia", "../etc/passwd", "+08:00", " "):
        with pytest.raises(ValueError, match=r"^time_zone: "):
            fields_of(_params(time_zone=name))


class TestProductNo:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [(SN, SN), (f" {SN} ", SN), ("3631E3418911", "3631E3418911"), ("0012345", "0012345"), ("INFO1", "INFO1")],
    )
    def test_text_is_a_serial_number_as_it_stands(self, value: str, expected: str) -> None:
        assert product_no_of(value) == expected

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(float("inf"), id="inf-3631E3418911"),
            pytest.param(5349, id="octal-0012345"),
            pytest.param(3.6e21, id="float"),
            pytest.param("inf", id="inf-templated"),
            pytest.param("Inf", id="inf-templated-in-capitals"),
            pytest.param("nan", id="nan-templated"),
            pytest.param("None", id="none-templated"),
            pytest.param(True, id="true"),
            pytest.param(None, id="none"),
            pytest.param("", id="empty"),
            pytest.param("  ", id="blank"),
            pytest.param([SN], id="list"),
        ],
    )
    def test_what_yaml_or_ini_has_turned_into_something_else_is_refused_and_told_to_be_quoted(self, value: Any) -> None:
        with pytest.raises(ValueError, match=r"product_no: .*quote it"):
            product_no_of(value)


class TestDeclarations:
    def test_the_single_form_declares_one_pbx(self) -> None:
        params = _params(
            plan="Enterprise Plan",
            services=[],
            quantity=100,
            billing_cycle="annually",
            expires_at="2026-12-05",
            billing_contact="1",
            expected_expiry="2026-12-05T08:00:00+08:00",
            remaining_days=0,
            po_number="PO-1",
            auto_renewal=False,
        )
        assert declarations_of(params) == [
            Declaration(
                *(SN, "Enterprise Plan", (), 100, "annually", utc(2026, 12, 5), "1", utc(2026, 12, 5), 0, "PO-1"),
                auto_renewal=False,
                span=Span(utc(2026, 12, 4, 10), utc(2026, 12, 6, 12)),
            )
        ]

    def test_the_list_form_keeps_its_sequence_and_tells_nothing_from_none(self) -> None:
        items = [_item(product_no="B", services=["High Availability"]), _item(product_no="A", services=[])]
        declared = declarations_of(_params(product_no=None, subscriptions=items))
        assert declared == [Declaration("B", services=("High Availability",)), Declaration("A", services=())]
        assert declarations_of(_params())[0].services is None

    @pytest.mark.parametrize("numbers", [("A", "A"), ("A", " A "), ("B", "A", "C", "A")])
    def test_a_pbx_given_twice_is_refused(self, numbers: tuple[str, ...]) -> None:
        items = [_item(product_no=number) for number in numbers]
        with pytest.raises(ValueError, match="A is given more than once"):
            declarations_of(_params(product_no=None, subscriptions=items))

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("expires_at", "03/04/2026"),
            ("expires_at", "2027-02-29"),
            ("expires_at", "never"),
            ("expires_at", ""),
            ("expires_at", "0001-01-01T00:00:00+08:00"),
            ("expected_expiry", "20261205"),
            ("expected_expiry", "2100-01-01"),
            ("quantity", 0),
            ("quantity", -1),
            ("remaining_days", -1),
            ("services", [""]),
            ("services", ["High Availability", " "]),
            ("plan", " "),
            ("po_number", ""),
        ],
    )
    def test_a_bad_value_is_refused_by_the_name_of_its_option(self, option: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"^{option}: "):
            declarations_of(_params(**{option: value}))
        with pytest.raises(ValueError, match=f"^{option}: "):
            declarations_of(_params(product_no=None, subscriptions=[_item(**{"product_no": SN, option: value})]))


class TestPolicy:
    def test_the_defaults_limit_neither_orders_nor_prices_and_wait_a_quarter_of_an_hour(self) -> None:
        policy = policy_of(_params())
        assert policy == Policy(run_id=policy.run_id)
        assert policy.max_orders is None and policy.settle_window == timedelta(minutes=15)

    def test_everything_is_taken_over(self) -> None:
        params = _params(
            remaining_days=45,
            include_expired=True,
            billing_contact="1",
            max_orders=0,
            max_total="100.50",
            max_amount_per_item="0",
            max_price_increase_percent="2.5",
            currency="usd",
            on_unknown_price="allow",
            on_unknown_auto_renewal="block",
            run_id="night",
            settle_window=60,
        )
        limits = (0, usd("100.50").amount, usd("0").amount, usd("2.5").amount, "USD", "allow", "block")
        expected = Policy(45, True, "1", *limits, run_id="night", settle_window=timedelta(seconds=60))
        assert policy_of(params) == expected

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("max_orders", -1),
            ("remaining_days", -1),
            ("max_total", "1,000"),
            ("max_total", "-1"),
            ("max_total", "nan"),
            ("max_total", "inf"),
            ("max_total", ""),
            ("max_amount_per_item", "1e3"),
            ("max_amount_per_item", "100 USD"),
            ("max_price_increase_percent", "5%"),
            ("max_price_increase_percent", "-5"),
            ("max_price_increase_percent", ""),
            ("currency", "$"),
            ("currency", ""),
            ("run_id", ""),
            ("run_id", " \n"),
            ("billing_contact", " "),
            ("on_unknown_price", ""),
            ("plan_file", ""),
            ("plan_digest", ""),
            ("dest", ""),
            ("now", ""),
        ],
    )
    def test_a_bad_value_is_refused_by_the_name_of_its_option(self, option: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"^{option}: "):
            policy_of(_params(**{option: value}))


class TestFilters:
    @pytest.mark.parametrize(
        ("product_no", "expected"), [(None, ()), (SN, (SN,)), ([SN, "B"], (SN, "B"))], ids=["all", "one", "list"]
    )
    def test_one_serial_number_or_a_list_may_be_wanted(self, product_no: Any, expected: tuple[str, ...]) -> None:
        params = {"product_no": product_no, "expires_within": None, "plan": None, "now": None}
        assert filters_of(params).product_nos == expected

    @pytest.mark.parametrize(
        "changes", [{"product_no": 5349}, {"product_no": [SN, 5349]}, {"expires_within": -1}, {"plan": ""}]
    )
    def test_a_bad_value_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"product_no|expires_within|plan"):
            filters_of({"product_no": None, "expires_within": None, "plan": None, "now": None, **changes})


class _Started(Exception):
    """Carries what a module has handed to AnsibleModule."""


def _spec_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")

    def start(module: Any, **arguments: Any) -> None:
        raise _Started(arguments)

    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.__init__", start)
    with pytest.raises(_Started) as started:
        module.main()
    arguments: dict[str, Any] = started.value.args[0]
    return arguments


def _documented(name: str) -> dict[str, Any]:
    document = yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{name}").DOCUMENTATION)
    options = dict(document.get("options", {}))
    for fragment in document.get("extends_documentation_fragment", []):
        if fragment in FRAGMENTS:
            options.update(yaml.safe_load(FRAGMENTS[fragment].ModuleDocFragment.DOCUMENTATION)["options"])
    return options


def _as_documented(spec: dict[str, Any]) -> dict[str, Any]:
    shape = {key: spec[key] for key in ("type", "elements", "choices", "default") if key in spec}
    if spec.get("required"):
        shape["required"] = True
    if "options" in spec or "suboptions" in spec:
        inner = spec.get("options", spec.get("suboptions"))
        shape["suboptions"] = {name: _as_documented(value) for name, value in inner.items()}
    return shape


def test_there_are_modules_to_compare() -> None:
    expected = {"yeastar_pce_info", "yeastar_pce_ledger", "yeastar_pce_plan", "yeastar_pce_renewal"}
    assert expected <= set(OWN_MAIN)


@pytest.mark.parametrize("name", OWN_MAIN)
def test_every_option_of_a_module_is_documented_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = _spec_of(name, monkeypatch)["argument_spec"]
    expected = {option: _as_documented(value) for option, value in spec.items()}
    assert {option: _as_documented(value) for option, value in _documented(name).items()} == expected


@pytest.mark.parametrize("name", OWN_MAIN)
def test_every_module_supports_check_mode(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _spec_of(name, monkeypatch)["supports_check_mode"] is True


@pytest.mark.parametrize("name", OWN_MAIN)
def test_every_option_of_a_module_is_described(name: str) -> None:
    assert all(option.get("description") for option in _documented(name).values())


@pytest.mark.parametrize("option", ["base_url", "client_id", "client_secret", "access_token"])
def test_the_documented_variable_of_the_environment_is_the_one_that_is_read(option: str) -> None:
    (variable,) = _argument_specs.CONNECTION_OPTIONS[option]["fallback"][1]
    assert variable == f"YEASTAR_{option.upper()}"
    described = " ".join(_documented("yeastar_pce_info")[option]["description"])
    assert f"E({variable})" in described


def test_secrets_and_only_secrets_are_not_logged() -> None:
    table = {**_argument_specs.CONNECTION_OPTIONS, **_argument_specs.RENEWAL_OPTIONS, **_argument_specs.INFO_OPTIONS}
    assert {name for name, spec in table.items() if spec.get("no_log")} == {
        *("client_secret", "access_token", "ledger_password")
    }


def test_every_module_with_the_connection_options_is_in_the_action_group() -> None:
    group = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())["action_groups"]["yeastar"]
    assert sorted(group) == [name for name in MODULES if "base_url" in _documented(name)]
