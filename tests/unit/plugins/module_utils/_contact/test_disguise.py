# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording keeps in clear, and that nothing else survives in it, in any form."""

from __future__ import annotations

import base64
import html
import json
import random
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.clear import Clear
from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.disguise import REMOVED, Disguise
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.po_number import is_tag
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

CATALOG = {
    "code": "success",
    "result": {
        "planList": [
            {
                "planId": "3048571730026938368",
                "planName": "Enterprise Plan",
                "pricingPlanId": 3048571730081464320,
                "serviceList": [{"serviceId": "3048573935752720384", "serviceName": "High Availability"}],
            }
        ]
    },
}
SERIAL, COMPANY = "3658B431119665QJ", "Miller & Sons Ltd."
CANARIES = (
    *("Canary Whistleblower", "O'Canary-Müller", "canary.bird@canary-mail.example", "+49 151 23456789", "DE811907980"),
    *("DE89370400440532013000", "3658B431119665XY", "BN3206243356000391168", "https://canary.example/a?b=canarysecret"),
    *("Canary Road 4711", "SW1A 2AA", "192.168.17.42", "2a01:4f8:c17:b8f::2", "00:1a:2b:3c:4d:5e", "金丝雀有限公司"),
    *("Канарейка", "कैनरी पक्षी", "🐤🐦🦜🕊🐓", "canary\u0000null", "\ud83d canaryhalf", "q7Zk9xW2cB8vN4mL6pR1"),
    *("123e4567-e89b-42d3-a456-426614174000", "PBXOPS-CANARY-0017", "canary_under_score", "CANARYUPPER"),
    *('{"inner": "canaryjson"}', "<b>canarytag</b>", "1980-05-05 canarydate", "2026-12-05T00:00:00Z[Canary/Zone]"),
    *("20261205123456789012", "4711 4712 4713 4714", "Y2FuYXJ5LWJhc2U2NA==", "%63%61%6E%61%72%79%70%63%74"),
    *(3206243356000391168, 4930123456789, 47110815, Decimal("8151.4711"), -987654321, Decimal("4.71108E+40")),
)


def disguise_of(*learned: Any, field_map: Any = None, secrets: Secrets | None = None, seed: int = 1) -> Disguise:
    disguise = Disguise(Clear(field_map or {}, [CATALOG], secrets or Secrets()), random.Random(seed))
    for value in learned:
        disguise.learn(value)
    return disguise


def of(value: Any, **options: Any) -> Any:
    return disguise_of(value, **options).of(value)


def forms(canary: Any) -> set[str]:
    """A canary in every encoding in which it may be found."""
    text = str(canary)
    raw = text.encode("utf-8", "surrogatepass")
    found = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text)}
    found |= {quote(raw, safe=""), quote(raw), "".join(f"%{byte:02X}" for byte in raw), raw.hex(), text[::-1]}
    found |= {base64.b64encode(raw[start:]).decode().rstrip("=")[:-1] for start in range(3)}
    found |= {part for part in text.replace(".", " ").split() if len(part) >= 5}  # also a part of it alone
    return {variant for form in found for variant in (form, form.lower(), form.upper()) if len(form) >= 5}


def planted(value: Any, canary: Any) -> Any:
    """An answer in which every object has the canary in unknown fields, at some depth, in lists and as a key."""
    if isinstance(value, list):
        return [*(planted(item, canary) for item in value), *([canary] if value and isinstance(value[0], str) else [])]
    if not isinstance(value, dict):
        return value
    extra = {
        "remarkable": canary,
        "unknownTo": {"anybody": [{"deep": [canary, [canary]]}, canary]},
        "byNumber": {f"{canary}": 1, f"x{canary}1234": {"within": canary}},
        "customerRef": f"see {canary}, please",
    }
    return {**{key: planted(item, canary) for key, item in value.items()}, **extra}


ROW = {
    "productNo": SERIAL,
    "activationCode": "ACT-CANARYCODE-1",
    "activationStatus": "activated",
    "comment": "by the river",
    "expireDate": "2026-12-05",
    "planName": "Enterprise Plan",
    "planId": "3048571730026938368",
    "extensionNum": 100,
    "billingCycle": "annually",
    "serviceList": [{"serviceId": 3048573935752720384, "serviceName": "High Availability", "status": "active"}],
    "tags": ["alpha"],
    "subscription": {"validTo": 1796428800000, "renewal": {"autoRenew": 0}},
}
PAGE = {
    "code": "success",
    "detailMessage": "",
    "requestId": "505af21ce5429362eef1f29958dd2bde",
    "result": {"count": 117, "pageNo": 1, "pageSize": 25, "total": 117, "totalPage": 5, "results": [ROW]},
    "status": 200,
}
FREE_FIELDS = (
    "comment",
    "company",
    "emailAddress",
    "street",
    "orderNo",
    "id",
    "invoiceNo",
    "customReferenceNo",
    "name",
)


@pytest.mark.parametrize("canary", CANARIES, ids=repr)
def test_no_canary_survives_in_any_field_at_any_depth_and_in_any_encoding(canary: Any) -> None:
    fields = {**ROW, **dict.fromkeys(FREE_FIELDS, canary), "productNo": canary}
    contacts = {"code": "success", "detailMessage": f"{canary}", "result": [dict.fromkeys(FREE_FIELDS, canary)]}
    answers = [planted(PAGE, canary), planted(CATALOG, canary), fields, contacts, [str(canary)], f"<p>{canary}</p>"]
    disguise = disguise_of(*answers)
    path = f"/order/openapi/order/v1/get/{quote(str(canary).encode('utf-8', 'surrogatepass'), safe='')}"
    disguise.learn_path(path)
    replaced = [*map(disguise.of, answers), disguise.of_path(path)]
    texts = [json.dumps(replaced, ensure_ascii=escapes, default=str) for escapes in (True, False)]
    assert [form for form in sorted(forms(canary)) for text in texts if form in text] == []


def test_every_encoding_of_a_canary_is_replaced_where_the_portal_itself_encodes_it() -> None:
    answers = [{"remarkable": [form, f"in {form} a sentence"]} for form in sorted(forms("Canary Whistleblower"))]
    text = json.dumps(of(answers))
    assert [form for form in forms("Canary Whistleblower") if form in text] == []


def test_what_the_list_names_is_kept_in_clear() -> None:
    replaced = of(PAGE)
    [row] = replaced["result"].pop("results")
    kept = {"count": 117, "pageNo": 1, "pageSize": 25, "total": 117, "totalPage": 5}
    assert (replaced["code"], replaced["status"], replaced["result"]) == ("success", 200, kept)
    changed = {key for key in ROW if row[key] != ROW[key]}
    assert changed == {"productNo", "activationCode", "comment", "tags"} and list(row) == list(ROW)


@pytest.mark.parametrize(
    "value",
    [
        *("2026-12-05", "2026-12-05 13:00:00", "2026/12/05", "05/12/2026", "Dec 05, 2026", "2026-12-05T00:00:00+08:00"),
        *("Enterprise\u00a0Plan", "enterprise  plan", "3048571730026938368", 3048571730081464320),
        *("", "  ", 0, 1, "0", "unsubscribed", "renew_plan", None, True, False, Decimal("0")),
    ],
)
def test_dates_catalog_words_and_what_says_nothing_are_kept_in_any_field(value: Any) -> None:
    assert of({"anything": value})["anything"] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("createTime", 1796428800000),
        ("validUntil", "1796428800"),
        ("expires_at", 1796428800),
        ("orderStatus", "awaiting_approval"),
        ("extensionNum", "100.00"),
        ("seats", 250),
        ("currencyCode", "RMB"),
        ("productId", 13),
        ("term", "12 months"),
        ("prolongs", "Y"),
    ],
)
def test_fields_that_are_named_keep_what_is_of_their_form(name: str, value: Any) -> None:
    field_map = {"quantity": ["seats"], "billing_cycle": "offer.term", "auto_renewal": "prolongs"}
    assert of({name: value}, field_map=field_map) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("orderStatus", "by J. Smith"),
        ("orderStatus", "Canary4711"),
        ("extensionNum", "Smith"),
        ("currencyCode", "Smith"),
        ("createTime", 3206243356000391168),
        ("phoneNumber", "1796428800"),
        ("updateBy", 1796428800),
        ("total", 4711),
        ("count", "4711"),
        ("productId", "4711-Smith"),
        ("code", "GOLDENEYE"),
        ("extensions", [4711, 4712]),
        ("orderStatus", ["Smith"]),
    ],
)
def test_fields_that_are_named_keep_nothing_else(name: str, value: Any) -> None:
    assert of({"result": {"rows": [{name: value}]}}) != {"result": {"rows": [{name: value}]}}


def test_equal_values_stay_equal_as_text_as_number_in_any_case_within_texts_and_paths() -> None:
    answer = {
        "id": 3206243355614515200,
        "orderId": "3206243355614515200",
        "note": "Order 3206243355614515200 of 3658B431119665QJ",
        "productNo": SERIAL,
        "alias": SERIAL.lower(),
    }
    disguise = disguise_of(answer)
    disguise.learn_path("/order/openapi/order/v1/get/3206243355614515200")
    replaced = disguise.of(answer)
    number = replaced["orderId"]
    assert replaced["id"] == int(number) and replaced["alias"] == replaced["productNo"].lower()
    assert replaced["note"].split()[1] == number and replaced["note"].split()[3] == replaced["productNo"]
    assert disguise.of_path("/order/openapi/order/v1/get/3206243355614515200").endswith(f"/v1/get/{number}")
    assert number != answer["orderId"] and replaced["productNo"] != SERIAL


def test_shapes_survive() -> None:
    values = {"mail": "Ann.Lee@example.com", "amount": Decimal("1234.50"), "neg": -4711, "zip": "00123", "big": 10**30}
    replaced = of(values)
    user, host = replaced["mail"].split("@")
    assert [len(part) for part in (*user.split("."), *host.split("."))] == [3, 3, 7, 3]
    assert user[0].isupper() and user[1:3].islower() and host.islower()
    assert replaced["amount"].as_tuple().exponent == -2 and 1000 <= replaced["amount"] < 10000
    assert -9999 <= replaced["neg"] <= -1000 and 10**30 <= replaced["big"] < 10**31
    assert replaced["zip"].startswith("00") and replaced["zip"][2] != "0" and replaced["zip"] != "00123"


def test_secrets_and_activation_codes_are_removed() -> None:
    secret = "Enterprise Plan"  # even if it looks like what is kept
    answer = {
        "activationCode": "ACT-CANARY-7",
        "activationCodes": {"CANARYCODE": ["ACT-CANARY-8"]},
        "refreshToken": 4711,
        "comment": secret,
        "accessSecret": "",
    }
    replaced = of(answer, secrets=Secrets([secret]))
    assert replaced["activationCode"] == REMOVED and replaced["refreshToken"] == 0 and replaced["accessSecret"] == ""
    assert "CANARY" not in json.dumps(replaced) and secret not in json.dumps(replaced)


def test_keys_that_are_data_are_replaced_and_names_of_fields_are_not() -> None:
    answer = {"bySerial": {SERIAL: {"seats": 5}}, "byName": {"Acme": 7}, "customer": "Acme", "a": "quantity"}
    replaced = of({**answer, "quantity": 5})
    assert set(replaced) == {"bySerial", "byName", "customer", "a", "quantity"} and replaced["quantity"] == 5
    assert set(replaced["byName"]) == {replaced["customer"]} and replaced["customer"] != "Acme"
    assert SERIAL not in replaced["bySerial"] and list(replaced["bySerial"].values()) == [{"seats": of_seats(replaced)}]


def of_seats(replaced: Any) -> int:
    [inner] = replaced["bySerial"].values()
    return int(inner["seats"])


def test_few_possibilities_are_shuffled_and_none_keeps_its_place() -> None:
    every = [str(number) for number in range(10, 100)]
    replaced = of({"houses": every})["houses"]
    assert sorted(replaced) == every and all(old != new for old, new in zip(every, replaced))


def test_another_recording_has_other_replacements() -> None:
    assert len({of({"productNo": SERIAL}, seed=seed)["productNo"] for seed in range(20)}) == 20


def test_a_purchase_order_number_of_ours_stays_one_without_its_hash() -> None:
    numbers = ["RN20261205-0a1b2c3d", "RN20261205-0a1b2c3d.2", "RN20261205-ffffffff"]
    first, second, other = of({"poNumbers": numbers})["poNumbers"]
    assert all(map(is_tag, (first, second, other))) and second == f"{first}.2"
    assert all(new.startswith("RN20261205-") for new in (first, other))
    assert first[11:] not in ("0a1b2c3d", other[11:]) and other != numbers[2]
