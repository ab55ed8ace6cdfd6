# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Filters, Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.report import subscription_as_result
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory import hosts as _hosts
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory.hosts import (
    Choice,
    Host,
    cached_rows,
    check_not_taken,
    groups_of,
    hosts_of,
    payload_of,
    row_at,
    rows_of,
)
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import SN, utc

NOW = utc(2026, 11, 23, 12)
UNKNOWN = Undetermined("expires_at", "expires_at: none of the fields is reported")
SECOND = timedelta(seconds=1)


def row(**changes: Any) -> dict[str, Any]:
    """A row as it comes from a subscription."""
    facts = {
        "product_no": SN,
        "expires_at": NOW + timedelta(days=12),
        "plan": Offer("1", "Enterprise Plan"),
        "services": (Offer("2", "High Availability"),),
        "quantity": 100,
        "billing_cycle": "annually",
        "auto_renewal": False,
    }
    (made,) = rows_of([subscription_as_result(Subscription(**{**facts, **changes}), NOW)])
    return dict(made)


def evaluate(text: str, variables: Any) -> Any:
    """Stands in for Ansible's: the text is the name of a variable."""
    return variables[text]


def hosts(rows: list[dict[str, Any]], now: Any = NOW, **choice: Any) -> list[Host]:
    filters = Filters(now, expires_within=choice.pop("expires_within", None), plan=choice.pop("plan", None))
    return hosts_of(rows, Choice(filters, **choice), evaluate, evaluate)


def host(one: dict[str, Any], **choice: Any) -> Host:
    """The host that a row becomes."""
    found = hosts([one], **choice)
    assert len(found) == 1
    return found[0]


class TestGroups:
    @pytest.mark.parametrize(
        ("left", "expected"),
        [
            (timedelta(days=30) + SECOND, []),
            (timedelta(days=30), ["expires_in_30"]),
            (timedelta(days=14) + SECOND, ["expires_in_30"]),
            (timedelta(days=14), ["expires_in_14", "expires_in_30"]),
            (timedelta(days=7), ["expires_in_7", "expires_in_14", "expires_in_30"]),
            (SECOND, ["expires_in_7", "expires_in_14", "expires_in_30"]),
            (timedelta(0), ["expired"]),
            (-SECOND, ["expired"]),
        ],
        ids=str,
    )
    def test_both_ends_of_a_window_lie_in_it_and_what_has_expired_is_in_none(
        self, left: timedelta, expected: list[str]
    ) -> None:
        assert groups_of(row(expires_at=NOW + left, plan=UNKNOWN), NOW) == expected

    def test_an_unknown_expiry_has_a_group_of_its_own_and_a_known_plan_too(self) -> None:
        assert groups_of(row(expires_at=UNKNOWN), NOW) == ["expiry_unknown", "plan_Enterprise Plan"]
        assert groups_of(row(expires_at=UNKNOWN, plan=Offer("7", None)), NOW) == ["expiry_unknown", "plan_id 7"]


class TestDaysLeft:
    def test_days_are_counted_when_a_row_is_looked_at(self) -> None:
        one = row()
        assert "days_left" not in one
        assert row_at(one, NOW)["days_left"] == 12
        assert row_at(one, NOW + timedelta(days=13))["days_left"] == -1
        assert row_at(row(expires_at=UNKNOWN), NOW)["days_left"] is None


class TestCache:
    def test_what_is_cached_comes_back_for_the_same_account(self) -> None:
        rows = [row(), row(product_no="B", expires_at=UNKNOWN, plan=UNKNOWN, services=UNKNOWN, quantity=UNKNOWN)]
        payload = payload_of(rows, "account")
        assert cached_rows(payload, "account") == rows
        assert "days_left" not in str(payload)

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            "text",
            [],
            {},
            {"schema": 1, "fingerprint": "account"},
            {"schema": 0, "fingerprint": "account", "subscriptions": []},
            {"schema": 1, "fingerprint": "another", "subscriptions": []},
            {"schema": 1, "fingerprint": "account", "subscriptions": {}},
            {"schema": 1, "fingerprint": "account", "subscriptions": [row(), "text"]},
            {"schema": 1, "fingerprint": "account", "subscriptions": [{"product_no": SN}]},
            {"schema": 1, "fingerprint": "account", "subscriptions": [{**row(), "surplus": 1}]},
            {"schema": 1, "fingerprint": "account", "subscriptions": [{**row(), "product_no": 5349}]},
            {"schema": 1, "fingerprint": "account", "subscriptions": [{**row(), "expires_at": "some day"}]},
        ],
        ids=range(13),
    )
    def test_anything_else_is_passed_over(self, payload: Any) -> None:
        assert cached_rows(payload, "account") is None


class TestHosts:
    def test_a_host_has_what_is_reported_and_what_the_role_needs(self) -> None:
        one = host(row(), prefix="pce_", role_variables={"pce_renewal_timeout": 20.0})
        expected = {f"pce_{name}": value for name, value in row_at(row(), NOW).items()}
        assert one.name == SN
        assert one.variables == {**expected, "pce_renewal_product_no": SN, "pce_renewal_timeout": 20.0}
        assert one.groups == ["expires_in_14", "expires_in_30", "plan_Enterprise Plan"]

    def test_a_prefix_cannot_put_anything_in_the_place_of_the_serial_number(self) -> None:
        assert host(row(), prefix="pce_renewal_").variables["pce_renewal_product_no"] == SN

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"expires_within": 30}, ["near", "unknown"]),
            ({"plan": "enterprise plan"}, ["far", "near", "unknown"]),
            ({"plan": "8"}, ["unknown"]),
            ({"include": ["yeastar_auto_renewal"]}, ["far"]),
            ({"exclude": ["yeastar_auto_renewal"]}, ["near", "unknown"]),
            ({"include": ["yeastar_auto_renewal"], "exclude": ["yeastar_auto_renewal"]}, []),
        ],
        ids=str,
    )
    def test_a_filter_leaves_out_only_what_is_known_not_to_match(
        self, choice: dict[str, Any], expected: list[str]
    ) -> None:
        rows = [
            row(product_no="near"),
            row(product_no="far", expires_at=NOW + timedelta(days=31), auto_renewal=True),
            row(product_no="unknown", expires_at=UNKNOWN, plan=UNKNOWN),
        ]
        assert sorted(one.name for one in hosts(rows, **choice)) == expected

    @pytest.mark.parametrize(
        ("choice", "says"),
        [
            ({"include": ["yeastar_extensions"]}, f"cannot be evaluated for {SN}"),
            ({"exclude": ["yeastar_plan"]}, f"expected true or false for {SN}, got 'Enterprise Plan'"),
            ({"include": ["yeastar_comment"]}, "got None"),
            ({"hostname": "yeastar_extensions"}, f"cannot be evaluated for {SN}"),
            ({"hostname": "yeastar_billing_cycle"}, f"{SN} and B would both be the host 'annually'"),
        ],
        ids=str,
    )
    def test_what_cannot_be_told_is_an_error_and_no_smaller_inventory(self, choice: dict[str, Any], says: str) -> None:
        with pytest.raises(ValueError, match=says):
            hosts([row(), row(product_no="B")], **choice)

    @pytest.mark.parametrize(
        "comment",
        [None, "", " ", "a b", "a/b", "../a", "a,b", "a:b", "-a", "!a", "a[1:9]", "a\x1b", "all", "localhost"],
    )
    def test_what_a_pattern_or_a_path_would_take_for_something_else_is_no_name(self, comment: Any) -> None:
        with pytest.raises(ValueError, match="hostname: expected letters"):
            hosts([row(comment=comment)], hostname="yeastar_comment")

    @pytest.mark.parametrize("comment", ["a", "Köln-1", "pbx.example.com", "007", "me@home"])
    def test_other_names_are_taken_as_they_are(self, comment: str) -> None:
        one = host(row(comment=comment), hostname="yeastar_comment")
        assert (one.name, one.variables["pce_renewal_product_no"]) == (comment, SN)


class _Present:
    def __init__(self, **variables: Any) -> None:
        self.vars = variables


@pytest.mark.parametrize("present", [None, _Present(), _Present(pce_renewal_product_no=SN)])
def test_a_host_of_another_source_may_be_the_same_pbx(present: Any) -> None:
    check_not_taken(host(row()), present)


def test_a_host_of_another_source_that_is_another_pbx_is_refused() -> None:
    with pytest.raises(ValueError, match=f"B in another source and {SN} here"):
        check_not_taken(host(row()), _Present(pce_renewal_product_no="B"))


def test_a_change_of_the_cached_rows_takes_a_new_schema() -> None:
    names = "product_no expires_at expires_between plan plan_id services service_ids quantity billing_cycle"
    names += " auto_renewal pending_plan activation_status comment other_expiries undetermined"
    assert (_hosts.SCHEMA, list(_hosts._KINDS)) == (3, names.split()), "increase SCHEMA with each change of the rows"
