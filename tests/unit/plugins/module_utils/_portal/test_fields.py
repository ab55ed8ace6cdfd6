# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._model.money import Money
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.fields import (
    CANDIDATES,
    Fields,
    read_id,
    read_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._text import LONGEST_TEXT, clean
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import usd, utc

# Written out a second time, so that no name is lost or moved by accident (docs/architecture.md, 5.1).
NAMES_IN_ORDER = {
    "expires_at": "expireDate expireTime expirationDate expiryDate planExpireDate planExpirationDate endTime",
    "plan": "planName plan",
    "plan_id": "planId",
    "quantity": "quantity extensions extensionNum extensionQuantity extensionCapacity",
    "billing_cycle": "billingCycle cycle",
    "services": "serviceList services addOnList addOns",
    "service_id": "serviceId id",
    "service_name": "serviceName name",
    "auto_renewal": "autoRenew autoRenewal autoRenewStatus",
    "po_number": "poNumber customReferenceNo",
    "amount": "amount totalAmount totalPrice payAmount price",
    "currency": "currencyCode currency",
    "pricing_plan_id": "pricingPlanId",
    "pricing_service_id": "pricingServiceId",
}
SAMPLES = {
    "expires_at": ("2026-12-05", utc(2026, 12, 5)),
    "plan": (" Enterprise Plan ", "Enterprise Plan"),
    "plan_id": (3048571730026938368, "3048571730026938368"),
    "quantity": ("100", 100),
    "billing_cycle": ("Annually", "annually"),
    "services": ([{"serviceId": 1}], ({"serviceId": 1},)),
    "service_id": ("3048573935752720384", "3048573935752720384"),
    "service_name": ("High Availability", "High Availability"),
    "auto_renewal": (True, True),
    "po_number": ("PO-1", "PO-1"),
    "amount": (Decimal("1200.00"), Decimal("1200.00")),
    "currency": ("usd", "USD"),
    "pricing_plan_id": (3048571730081464320, "3048571730081464320"),
    "pricing_service_id": ("3048573935803052032", "3048573935803052032"),
}
EVERY_KEY = [(concept, key) for concept, keys in NAMES_IN_ORDER.items() for key in keys.split()]


def _read(row: dict[str, Any], concept: str, **field_map: str) -> Any:
    return Fields(field_map).read(row, concept)


def _undetermined(row: dict[str, Any], concept: str, **field_map: str) -> Undetermined:
    value = _read(row, concept, **field_map)
    assert isinstance(value, Undetermined), value
    return value


def test_the_candidates_are_these_in_this_order() -> None:
    assert {concept: tuple(keys.split()) for concept, keys in NAMES_IN_ORDER.items()} == CANDIDATES


@pytest.mark.parametrize(("concept", "key"), EVERY_KEY, ids=[f"{concept}-{key}" for concept, key in EVERY_KEY])
def test_each_candidate_alone_is_enough(concept: str, key: str) -> None:
    reported, expected = SAMPLES[concept]
    assert _read({key: reported, "somethingElse": 1}, concept) == expected


@pytest.mark.parametrize(
    ("concept", "row", "expected"),
    [
        pytest.param("quantity", {"quantity": 100, "extensions": "100"}, 100, id="number-and-digits"),
        pytest.param(
            "expires_at",
            {"expireDate": "2026-12-05", "endTime": 1796428800000},
            utc(2026, 12, 5),
            id="date-and-milliseconds",
        ),
        pytest.param("billing_cycle", {"billingCycle": "annually", "cycle": "Yearly"}, "annually", id="two-words"),
        pytest.param("amount", {"amount": "1200.0", "price": 1200}, Decimal(1200), id="trailing-zero"),
    ],
)
def test_candidates_that_agree_are_one_value(concept: str, row: dict[str, Any], expected: Any) -> None:
    assert _read(row, concept) == expected


@pytest.mark.parametrize(
    ("concept", "row"),
    [
        pytest.param("quantity", {"quantity": 100, "extensionCapacity": 500}, id="quantity"),
        pytest.param("expires_at", {"expireDate": "2026-12-05", "endTime": "2026-12-06"}, id="expires_at"),
        pytest.param("services", {"services": [], "addOns": [{"id": 1}]}, id="services"),
        pytest.param("amount", {"amount": 0, "totalAmount": 1200}, id="amount-zero"),
        pytest.param("plan", {"planName": "Enterprise Plan", "plan": "Ultimate Plan"}, id="plan"),
    ],
)
def test_candidates_that_disagree_cannot_be_determined_and_count_as_reported(concept: str, row: dict[str, Any]) -> None:
    value = _undetermined(row, concept)
    assert value.reported
    assert value.concept == concept
    assert all(key in value.why for key in row)


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_text_are_not_reported(nothing: Any) -> None:
    assert not _undetermined({"expireDate": nothing}, "expires_at").reported
    assert _read({"expireDate": nothing, "endTime": "2026-12-05"}, "expires_at") == utc(2026, 12, 5)


def test_what_is_not_reported_names_every_field_that_was_tried() -> None:
    value = _undetermined({"expire": "2026-12-05"}, "expires_at")
    assert not value.reported
    assert all(key in value.why for key in CANDIDATES["expires_at"])


@pytest.mark.parametrize(
    ("concept", "value"),
    [
        pytest.param("expires_at", "03/04/2026", id="ambiguous-date"),
        pytest.param("expires_at", "9999-12-31", id="forever"),
        pytest.param("expires_at", "0000-00-00", id="zero-date"),
        pytest.param("expires_at", 0, id="epoch-zero"),
        pytest.param("expires_at", True, id="true-as-date"),
        pytest.param("expires_at", {"date": "2026-12-05"}, id="object-as-date"),
        pytest.param("plan", {"name": "Enterprise Plan"}, id="object-as-plan"),
        pytest.param("plan", 5, id="number-as-name"),
        pytest.param("plan_id", Decimal("3048571730026938368.0"), id="fraction-as-id"),
        pytest.param("plan_id", True, id="true-as-id"),
        pytest.param("quantity", 0, id="no-extensions"),
        pytest.param("quantity", -5, id="fewer-than-no-extensions"),
        pytest.param("quantity", Decimal("100.5"), id="fraction-as-quantity"),
        pytest.param("quantity", "100.5", id="fraction-in-text-as-quantity"),
        pytest.param("quantity", "1.000", id="thousands-or-thousandths"),
        pytest.param("quantity", "1,000", id="thousands"),
        pytest.param("quantity", Decimal("0.0"), id="no-extensions-with-a-fraction"),
        pytest.param("quantity", Decimal("1e400000000"), id="absurd-quantity"),
        pytest.param("quantity", Decimal("-1.0"), id="negative-fraction"),
        pytest.param("quantity", "100 extensions", id="quantity-in-words"),
        pytest.param("quantity", True, id="true-as-quantity"),
        pytest.param("quantity", [], id="list-as-quantity"),
        pytest.param("billing_cycle", "once", id="one-payment"),
        pytest.param("billing_cycle", "quarterly", id="quarter"),
        pytest.param("billing_cycle", 1, id="number-as-cycle"),
        *(
            pytest.param("billing_cycle", word, id=word)
            for word in (
                *("2 years", "24 months", "11 months", "semi-annually", "biannual", "bi-monthly", "half year"),
                *("30 days", "12", "12 monthly", "1 Year 1 Month", "year month", "1 1 year", "P1W", "P12Y", "M"),
            )
        ),
        pytest.param("services", {"results": []}, id="object-as-services"),
        pytest.param("services", "High Availability", id="text-as-services"),
        pytest.param("services", 0, id="number-as-services"),
        pytest.param("auto_renewal", "enabled?", id="odd-switch"),
        pytest.param("auto_renewal", 2, id="switch-two"),
        pytest.param("amount", "1,200.00", id="thousands"),
        pytest.param("currency", "$", id="currency-sign"),
    ],
)
def test_what_cannot_be_read_counts_as_reported(concept: str, value: Any) -> None:
    key = CANDIDATES[concept][0]
    undetermined = _undetermined({key: value}, concept)
    assert undetermined.reported
    assert key in undetermined.why


@pytest.mark.parametrize("quantity", [Decimal("100.0"), Decimal("1E+2"), "100.0", "100.00", " 100 ", 100])
def test_a_whole_number_of_extensions_may_have_a_fraction_of_nothing(quantity: Any) -> None:
    value = _read({"quantity": quantity}, "quantity")
    assert value == 100 and isinstance(value, int)


@pytest.mark.parametrize(
    "word",
    [
        *("annually", "ANNUAL", "Yearly", "year", "1 Year", "1 year(s)", "1year", "1 YEARS", "one year", "per year"),
        *("PER_YEAR", "every-year", "12 months", "12 Month", "12Months", "twelve months", "1 yr", "P1Y", "P12M"),
        *("per annum", "1\u00a0Year", " 12  MONTH(S) "),
    ],
)
def test_a_year_is_read_in_its_usual_words(word: str) -> None:
    assert _read({"billingCycle": word}, "billing_cycle") == "annually"


@pytest.mark.parametrize(
    "word",
    [
        *("monthly", "MONTH", "1 Month", "1 month(s)", "1month", "one month", "per month", "PER_MONTH", "each month"),
        *("every month", "1 mo", "P1M", "1\u00a0Month"),
    ],
)
def test_a_month_is_read_in_its_usual_words(word: str) -> None:
    assert _read({"billingCycle": word}, "billing_cycle") == "monthly"


@pytest.mark.parametrize("sentinel", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-05:00"])
def test_a_sentinel_date_cannot_be_determined(sentinel: str) -> None:
    assert _undetermined({"expireDate": sentinel}, "expires_at").reported


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"expireDate": "never", "endTime": "2026-12-05"}, id="unreadable-first"),
        pytest.param({"expireDate": "2026-12-05", "endTime": "never"}, id="unreadable-last"),
    ],
)
def test_one_unreadable_candidate_spoils_a_readable_one(row: dict[str, Any]) -> None:
    assert _undetermined(row, "expires_at").reported


def test_an_empty_list_of_services_is_a_value() -> None:
    assert _read({"serviceList": []}, "services") == ()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (False, False),
        (0, False),
        ("OFF", False),
        ("no", False),
        ("N", False),
        ("closed", False),
        ("disabled", False),
        ("inactive", False),
        ("manual", False),
        (1, True),
        ("1", True),
        ("On", True),
        (" yes ", True),
        ("Y", True),
        ("opened", True),
        ("OPEN", True),
        ("enabled", True),
        ("ACTIVE", True),
        ("automatic", True),
    ],
)
def test_a_switch_is_read_in_its_usual_words(word: Any, expected: bool) -> None:
    assert _read({"autoRenew": word}, "auto_renewal") is expected


@pytest.mark.parametrize(
    "row",
    [
        {"isAutoRenew": 1},
        {"auto_renew": "on"},
        {"autoRenewEnabled": "true"},
        {"plan": {"enable-auto-renewal": True}},
        {"subscriptions": [{"planAutoRenewFlag": "0"}, {"planAutoRenewFlag": "1"}]},
        {"isAutoRenewed": True},
        {clean("auto\u200bRenew\x1b"): True},
    ],
    ids=str,
)
def test_any_field_that_looks_like_auto_renewal_and_is_on_counts(row: dict[str, Any]) -> None:
    assert _read(row, "auto_renewal") is True


@pytest.mark.parametrize(
    "row",
    [
        {"isAutoRenew": False},
        {"autoRenewCycle": 1},
        {"autoRenewTimes": "1"},
        {"renew": True},
        {"isAutoRenew": None},
    ],
    ids=str,
)
def test_what_does_not_say_that_it_is_on_tells_nothing(row: dict[str, Any]) -> None:
    assert not _undetermined(row, "auto_renewal").reported


@pytest.mark.parametrize(
    "row",
    [
        {"autoRenew": False, "autoRenewStatus": "1"},
        {"autoRenew": False, "isAutoRenew": True},
        {"autoRenew": "perhaps", "isAutoRenew": "Y"},
        {"autoRenewal": {"enabled": "on", "cycle": "annually"}},
        {"plan": {"renewAutomatically": "yes"}},
    ],
    ids=str,
)
def test_any_on_wins_over_any_off_and_over_what_cannot_be_read(row: dict[str, Any]) -> None:
    assert _read(row, "auto_renewal") is True


@pytest.mark.parametrize("other", [False, "perhaps"])
def test_of_several_named_fields_of_auto_renewal_any_that_is_on_counts(other: object) -> None:
    fields = Fields({"auto_renewal": ["plan.prolongs", "prolongs"]})
    assert fields.read({"plan": {"prolongs": other}, "prolongs": "on"}, "auto_renewal") is True
    assert fields.read({"plan": {"prolongs": other}, "prolongs": "off"}, "auto_renewal") is not True


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"autoRenewFlag": "perhaps"}, "autoRenewFlag cannot be read: 'perhaps'"),
        ({"isAutoRenew": "2026-12-05"}, "isAutoRenew cannot be read: '2026-12-05'"),
        ({"autoRenew": False, "autoRenewFlag": 7}, "autoRenewFlag cannot be read: 7"),
        ({"services": [{"autoRenewStatus": "off"}, {"autoRenewStatus": "?"}]}, "services.autoRenewStatus cannot be"),
        ({"autoRenew": {"plan": {"kind": 3}}}, "autoRenew cannot be read: an object"),
        ({"autoRenewStatus": ["one", "two"]}, "autoRenewStatus cannot be read: 'one'"),
        ({"disableAutoRenew": True}, "disableAutoRenew cannot be read: its name may reverse the meaning"),
        ({"autoRenewCancelled": False}, "autoRenewCancelled cannot be read: its name may reverse the meaning"),
        ({"autoRenew": "x" * 61}, "autoRenew cannot be read: text of 61 characters"),
        ({"autoRenew": "\x1b[2K"}, "autoRenew cannot be read: '\\x1b[2K'"),
    ],
    ids=str,
)
def test_what_looks_like_auto_renewal_and_cannot_be_read_is_reported_by_its_name(
    row: dict[str, Any], named: str
) -> None:
    value = _undetermined(row, "auto_renewal")
    assert value.reported and named in value.why and "\x1b" not in value.why


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"renewType": "auto"}, ("renewType: 'auto'",)),
        ({"renewalMode": 2, "renew_method": None, "renewPolicy": ""}, ("renewalMode: 2",)),
        ({"plan": {"renewPolicy": {"kind": "auto"}}}, ("plan.renewPolicy: an object",)),
        ({"autoRenewCycle": 1, "renewMethodToken": "canary"}, ("autoRenewCycle: 1",)),
        ({"autoRenewToken": "canary"}, ("autoRenewToken",)),
        ({"renewTypes": [1]}, ("renewTypes: a list",)),
        (
            {"renew": True, "autoRenew": "Y", "renewedAt": 5, "type": "auto", "renewType": "x" * 61},
            ("renewType: text of 61 characters",),
        ),
    ],
    ids=str,
)
def test_what_speaks_of_how_it_is_renewed_is_named_with_a_short_value(
    row: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert Fields({}).renewal_manners(row) == expected
    assert Fields({"auto_renewal": "prolongs"}).renewal_manners(row) == ()


def test_a_field_that_is_known_or_mapped_goes_before_one_that_looks_like_it() -> None:
    assert _read({"autoRenew": False, "isAutoRenew": False}, "auto_renewal") is False
    assert _read({"prolongs": False, "isAutoRenew": True}, "auto_renewal", auto_renewal="prolongs") is False
    assert not _undetermined({"isAutoRenew": True}, "auto_renewal", auto_renewal="prolongs").reported


class TestFieldMap:
    def test_it_replaces_the_candidates(self) -> None:
        row = {"expireDate": "2026-12-05", "validThrough": "2027-01-01"}
        assert _read(row, "expires_at", expires_at="validThrough") == utc(2027, 1, 1)

    def test_it_leaves_other_concepts_alone(self) -> None:
        assert _read({"quantity": 5}, "quantity", expires_at="validThrough") == 5

    def test_the_candidates_do_not_stand_in_for_it(self) -> None:
        value = _undetermined({"expireDate": "2026-12-05"}, "expires_at", expires_at="validThrough")
        assert not value.reported
        assert "none of the fields validThrough is reported" in value.why

    def test_dots_lead_into_nested_objects(self) -> None:
        row = {"license": {"plan": {"end": "2026-12-05"}}}
        assert _read(row, "expires_at", expires_at="license.plan.end") == utc(2026, 12, 5)

    @pytest.mark.parametrize(
        "row",
        [
            pytest.param({}, id="missing"),
            pytest.param({"license": None}, id="null"),
            pytest.param({"license": "2026-12-05"}, id="text"),
            pytest.param({"license": {}}, id="empty"),
        ],
    )
    def test_a_path_that_leads_nowhere_is_not_reported(self, row: dict[str, Any]) -> None:
        assert not _undetermined(row, "expires_at", expires_at="license.end").reported

    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            ({"planInfo": {"validTo": "2026-12-05"}}, utc(2026, 12, 5)),
            ({"validThrough": "2026-12-05", "expireDate": "2027-01-01"}, utc(2026, 12, 5)),
            ({"validThrough": "2026-12-05", "planInfo": {"validTo": "2026-12-05 08:00"}}, utc(2026, 12, 5)),
        ],
    )
    def test_a_list_names_several_of_which_any_may_be_there(self, row: dict[str, Any], expected: Any) -> None:
        field_map = {"expires_at": ["planInfo.validTo", " validThrough "]}
        assert Fields(field_map).read(row, "expires_at") == expected

    def test_several_that_disagree_are_refused_and_none_is_said_with_every_name(self) -> None:
        fields = Fields({"expires_at": ["planInfo.validTo", "validThrough"]})
        row = {"validThrough": "2026-12-05", "planInfo": {"validTo": "2027-12-05"}}
        value = fields.read(row, "expires_at")
        assert isinstance(value, Undetermined) and value.seen == (utc(2027, 12, 5), utc(2026, 12, 5))
        assert value.mappings == ("expires_at: planInfo.validTo", "expires_at: validThrough")
        assert "none of the fields planInfo.validTo, validThrough is reported" in fields.read({}, "expires_at").why

    @pytest.mark.parametrize("concept", CANDIDATES)
    def test_dots_lead_to_every_concept(self, concept: str) -> None:
        reported, expected = SAMPLES[concept]
        assert _read({"a": {"b": reported}}, concept, **{concept: "a.b"}) == expected

    def test_a_concept_that_does_not_exist_is_refused_with_those_that_do(self) -> None:
        with pytest.raises(ValueError, match="expiry") as refusal:
            Fields({"expiry": "validThrough"})
        assert all(concept in str(refusal.value) for concept in CANDIDATES)


@pytest.mark.parametrize("key", ["accessToken", "detail.apiSecret", "activation_code"])
def test_a_field_map_never_points_to_what_is_confidential(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} of plan is confidential"):
        Fields({"plan": key})


@pytest.mark.parametrize("key", [5, True, None, "", " ", [], [5], ["validThrough", ""], {"a": "b"}])
def test_a_field_map_with_a_key_that_is_not_text_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="field_map: expected the name of a field for expires_at, or a list of names"):
        Fields({"expires_at": key})


NESTED = [
    ("expires_at", {"planInfo": {"expireDate": "2026-12-05"}}, "planInfo.expireDate"),
    ("expires_at", {"planInfo": {"validTo": "2026-12-05"}}, "planInfo.validTo"),
    ("expires_at", {"validThrough": "2026-12-05"}, "validThrough"),
    ("expires_at", {"expire_date": 1796428800}, "expire_date"),
    ("expires_at", {"a": {"b": {"c": {"ExpirationDate": "2026-12-05"}}}}, "a.b.c.ExpirationDate"),
    ("plan", {"plan": {"name": "Enterprise Plan"}}, "plan.name"),
    ("plan", {"license": {"edition": "Enterprise Plan"}}, "license.edition"),
    ("plan_id", {"plan": {"id": 5}}, "plan.id"),
    ("quantity", {"license": {"extensions": "100"}}, "license.extensions"),
    ("quantity", {"seats": 100}, "seats"),
    ("billing_cycle", {"billing": {"cycle": "annually"}}, "billing.cycle"),
    ("billing_cycle", {"term": "1 Year"}, "term"),
    ("services", {"subscription": {"addOns": []}}, "subscription.addOns"),
    ("services", {"addons": [{"id": 1}]}, "addons"),
    ("service_id", {"optionId": "5", "optionName": "High Availability"}, "optionId"),
    ("service_name", {"optionId": "5", "optionName": "High Availability"}, "optionName"),
    ("amount", {"priceInfo": {"totalPrice": "12.00"}}, "priceInfo.totalPrice"),
    ("currency", {"priceInfo": {"currency": "USD"}}, "priceInfo.currency"),
    ("pricing_plan_id", {"pricing": {"pricingPlanId": 5}}, "pricing.pricingPlanId"),
]


@pytest.mark.parametrize(("concept", "row", "path"), NESTED, ids=[path for dummy, dummy, path in NESTED])
def test_a_field_that_looks_like_it_is_suggested_and_never_used(concept: str, row: dict[str, Any], path: str) -> None:
    value = _undetermined(row, concept)
    assert value.mappings == (f"{concept}: {path}",)
    assert value.why.endswith(f"; {path} looks like it")
    read = _read(row, concept, **{concept: path})
    assert not isinstance(read, Undetermined)


@pytest.mark.parametrize(
    ("concept", "row"),
    [
        ("expires_at", {"planInfo": {"expireDate": "soon"}}),
        ("expires_at", {"isExpired": False, "expireDays": 30}),
        ("expires_at", {"currentPlanExpireDate": "2026-12-05"}),
        ("expires_at", {"recordingExpireDate": "2026-12-05", "service": {"expireDate": "2026-12-05"}}),
        ("expires_at", {"tokenExpireDate": "2026-12-05"}),
        ("expires_at", {"accessToken": {"expireDate": "2026-12-05"}}),
        ("expires_at", {"planInfo": [{"expireDate": "2026-12-05"}]}),
        ("expires_at", {"plan.expireDate": "2026-12-05"}),
        ("plan", {"currentPlan": "Ultimate Plan"}),
        ("quantity", {"recordingCapacity": 100, "concurrentCallCapacity": 25}),
        ("auto_renewal", {"renewal": {"prolongs": True}}),
        ("expires_at", {"a": {"b": {"c": {"d": {"e": {"expireDate": "2026-12-05"}}}}}}),
    ],
    ids=str,
)
def test_what_is_something_else_or_cannot_be_read_is_not_suggested(concept: str, row: dict[str, Any]) -> None:
    assert _undetermined(row, concept).mappings == ()


def test_of_many_that_look_like_it_three_are_suggested() -> None:
    row = {f"part{number}": {"expireDate": "2026-12-05"} for number in range(9)}
    value = _undetermined(row, "expires_at")
    assert len(value.mappings) == 3
    assert value.why.endswith("; part0.expireDate, part1.expireDate, part2.expireDate look like it")


def test_where_a_mapped_field_is_not_there_one_that_looks_like_it_is_suggested() -> None:
    value = _undetermined({"planInfo": {"expireDate": "2026-12-05"}}, "expires_at", expires_at="validThrough")
    assert value.mappings == ("expires_at: planInfo.expireDate",)


def test_where_a_candidate_holds_an_object_what_is_in_it_is_suggested() -> None:
    value = _undetermined({"plan": {"name": "Enterprise Plan"}}, "plan")
    assert value.reported and value.mappings == ("plan: plan.name",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(3197218168379846218, "3197218168379846218", id="number-above-2-to-the-53"),
        pytest.param("3197218168379846218", "3197218168379846218", id="digits"),
        pytest.param("0012345", "0012345", id="leading-zeros"),
        pytest.param("12e5", "12e5", id="looks-like-a-float"),
        pytest.param(" 5 ", "5", id="blanks"),
        pytest.param(0, "0", id="zero"),
    ],
)
def test_an_id_is_kept_digit_for_digit(value: Any, expected: str) -> None:
    assert read_id(value) == expected


@pytest.mark.parametrize("value", [None, "", " ", True, 1.0, Decimal("5"), [5], {"id": 5}, "36********"])
def test_any_other_id_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected an id"):
        read_id(value)


@pytest.mark.parametrize("value", ["3658\u200bB", "3658\ufffd(8203)B", "12\ufffd(10)3", "\ufffd", "1" * 129])
def test_an_id_with_what_cannot_be_shown_is_refused_and_never_made_another_one(value: str) -> None:
    with pytest.raises(ValueError, match=r"expected an id that can be shown, got .*; have it corrected in the portal"):
        read_id(clean(value))


@pytest.mark.parametrize("concept", sorted(set(CANDIDATES) - {"services"}))
@pytest.mark.parametrize("value", [{"activationCode": "canary"}, [{"activationCode": "canary"}]])
def test_a_container_in_the_place_of_a_value_is_named_and_not_quoted(concept: str, value: Any) -> None:
    why = _undetermined({CANDIDATES[concept][0]: value}, concept).why
    is_object = isinstance(value, dict) or concept == "auto_renewal"  # which is looked for within lists
    assert ("an object" if is_object else "a list") in why and "canary" not in why


@pytest.mark.parametrize("concept", sorted(set(CANDIDATES) - {"plan", "service_name", "po_number"}))
def test_what_cannot_be_read_is_quoted_only_where_it_is_short(concept: str) -> None:
    key = CANDIDATES[concept][0]
    assert "canary" not in _undetermined({key: "canary " * 20}, concept).why
    assert len(_undetermined({key: "9" * 9000}, concept).why) < 300


@pytest.mark.parametrize("blank", ["\ufffd(10)", " \ufffd(13)\ufffd(10) "])
def test_a_text_of_line_breaks_alone_is_not_reported(blank: str) -> None:
    assert not _undetermined({"planName": blank}, "plan").reported


def test_a_name_is_one_line_of_bounded_length_and_two_long_names_stay_two() -> None:
    assert read_text("Enterprise\nPlan\x1b[31m") == "Enterprise Plan\ufffd(27)[31m"
    long = {read_text("x" * LONGEST_TEXT + end) for end in "yz"}
    assert len(long) == 2 and {len(name) for name in long} == {LONGEST_TEXT}


@pytest.mark.parametrize("value", [None, 5, True, ["x"], b"x"])
def test_only_text_is_text(value: Any) -> None:
    with pytest.raises(ValueError, match="expected text"):
        read_text(value)


class TestPrice:
    """What a renewal costs, by the answer about its plan or one of its services."""

    @pytest.mark.parametrize("key", ["amount", "totalAmount", "totalPrice", "payAmount"])
    def test_an_amount_that_is_called_one_is_the_whole(self, key: str) -> None:
        assert Fields({}).price({key: "12.00", "currency": "USD"}) == Money(Decimal("12.00"), "USD")

    @pytest.mark.parametrize(
        ("answer", "key"),
        [
            ({"price": "12.00"}, "price"),
            ({"price": "12.00", "quantity": 100}, "price"),
            ({"price": "12.00", "amount": "12.00", "unitPrice": "12.00"}, "amount"),
            ({"amount": "12.00", "quantity": 100}, "amount"),
            ({"amount": "12.00", "chargeUnit": "extension"}, "amount"),
        ],
        ids=str,
    )
    def test_one_that_may_be_of_a_single_extension_is_not_known_unless_it_is_mapped(
        self, answer: dict[str, Any], key: str
    ) -> None:
        answer = {**answer, "currency": "USD"}
        price = Fields({}).price(answer)
        assert isinstance(price, Undetermined) and price.reported
        assert f"{key} may be the price of one unit" in price.why
        assert Fields({"amount": key}).price(answer) == Money(Decimal("12.00"), "USD")

    def test_a_total_says_what_a_price_is_not_sure_of(self) -> None:
        answer = {"price": "1200.00", "totalPrice": "1200.00", "quantity": 100, "currency": "USD"}
        assert Fields({}).price(answer) == Money(Decimal("1200.00"), "USD")

    def test_the_unit_of_a_currency_is_no_unit_of_a_price(self) -> None:
        assert Fields({}).price({"amount": 12, "currencyUnit": "USD", "currency": "USD"}) == usd("12")

    @pytest.mark.parametrize("zero", [0, "0", "0.00", Decimal("0.000")])
    @pytest.mark.parametrize("field_map", [{}, {"amount": "totalAmount"}])
    def test_a_price_of_nothing_is_not_known(self, zero: Any, field_map: dict[str, str]) -> None:
        price = Fields(field_map).price({"totalAmount": zero, "currency": "USD"})
        assert isinstance(price, Undetermined) and price.reported
        assert "totalAmount is 0" in price.why

    def test_a_text_that_reads_in_two_ways_is_not_known(self) -> None:
        price = Fields({}).price({"totalAmount": "1.200", "currency": "EUR"})
        assert isinstance(price, Undetermined) and price.reported
        assert "totalAmount cannot be read: '1.200' may be 1200 or 1.200" in price.why

    @pytest.mark.parametrize(("amount", "currency"), [("1.200", "KWD"), (Decimal("1.200"), "EUR")])
    def test_thousandths_of_a_coin_and_json_numbers_read_in_one_way(self, amount: Any, currency: str) -> None:
        assert Fields({}).price({"totalAmount": amount, "currency": currency}) == Money(Decimal("1.200"), currency)

    def test_without_a_currency_it_is_not_known(self) -> None:
        price = Fields({}).price({"totalAmount": "12.00"})
        assert isinstance(price, Undetermined) and "currencyCode, currency" in price.why
