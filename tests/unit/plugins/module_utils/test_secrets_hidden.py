# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets, masked

SECRET = 'S3cret "für" 7'
CODE = "A1B2-C3D4"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SECRET, "********"),
        (f"you said: {SECRET}.", "you said: ********."),
        (f"{SECRET}{SECRET}", "****************"),
        (f" {SECRET[:-1]}", f" {SECRET[:-1]}"),
        ("S3cret", "S3cret"),
        ("", ""),
        (json.dumps({"said": SECRET}), '{"said": "********"}'),
        ("S3cret%20%22f%C3%BCr%22%207", "********"),
        ("S3cret &quot;für&quot; 7", "********"),
        ("client_secret=S3cret+%22f%C3%BCr%22+7&grant_type=x", "client_secret=********&grant_type=x"),
    ],
)
def test_a_secret_is_hidden_in_a_text_however_it_is_written(text: str, shown: str) -> None:
    assert Secrets([f" {SECRET}\n"]).hide(text) == shown


def test_nothing_of_secrets_that_overlap_or_begin_one_another_is_left() -> None:
    secrets = Secrets(["abcdefgh", "abcdefghij", "ghijklmnop"])
    assert secrets.hide("-abcdefgh-") == "-********-"
    assert secrets.hide("-abcdefghij-") == "-********-"
    assert secrets.hide("-abcdefghijklmnop-") == "-********-"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12345678", "********"),
        ("code 12345678.", "code ********."),
        ("A12345678B", "A********B"),
        ("3212345678391169", "3212345678391169"),
        ("123456789", "123456789"),
        ("012345678", "012345678"),
    ],
)
def test_digits_within_a_longer_number_are_no_secret(text: str, shown: str) -> None:
    assert Secrets(["12345678"]).hide(text) == shown


@pytest.mark.parametrize("short", ["", " ", "1", "1234567"])
def test_a_short_secret_spoils_no_data(short: str) -> None:
    text = "3658B431119665QJ expires on 2026-12-05, 1234567 s left"
    assert Secrets([short]).hide(text) == text


def test_a_character_that_cannot_be_shown_does_not_uncover_a_secret() -> None:
    secrets = Secrets(["abc\u200bdefgh"])
    assert secrets.hide("abc\u200bdefgh and abc\ufffd(8203)defgh") == "******** and ********"


def test_what_the_portal_issues_is_hidden_and_handed_on() -> None:
    handed_on: list[str] = []
    secrets = Secrets(on_issued=handed_on.append)
    secrets.issue("token-1234")
    assert (secrets.hide("a token-1234"), handed_on) == ("a ********", ["token-1234"])


class TestAnswers:
    @pytest.mark.parametrize("key", ["activationCode", "activation_code", "ACTIVATIONCODE", "pbxActivationCode"])
    @pytest.mark.parametrize("value", [CODE, [CODE], 1234567890123], ids=["text", "list", "number"])
    def test_an_activation_code_is_hidden_wherever_it_stands_in_any_answer_from_then_on(
        self, key: str, value: Any
    ) -> None:
        code, secrets = str(value[0] if isinstance(value, list) else value), Secrets()
        row = {"comment": f"code {code}", "more": [{f"{code}": 1}], key: value}
        hidden = secrets.of_answer(row)
        assert (hidden["comment"], hidden["more"]) == ("code ********", [{"********": 1}])
        assert secrets.of_answer([code]) == ["********"] and secrets.hide(code) == "********"

    @pytest.mark.parametrize("name", ["productNo", "id", "sn", "orderNo"])
    def test_a_code_that_names_its_object_is_no_secret(self, name: str) -> None:
        row = {name: "3658B431119665QJ", "activationCode": "3658B431119665QJ"}
        assert Secrets().of_answer(row) == row

    @pytest.mark.parametrize(
        "row",
        [
            {"tokenType": "certificate", "kind": "certificate"},
            {"payToken": "3206243356000391169", "id": "3206243356000391169"},
            {"paymentToken": {"autoRenew": True}, "paymentAuthorization": {"autoRenew": "on"}},
            {"hasPassword": True, "tokenCount": 5, "credential": ["certificate"]},
        ],
        ids=str,
    )
    def test_what_decides_about_an_order_is_not_hidden_for_a_name_that_sounds_secret(self, row: Any) -> None:
        assert Secrets().of_answer(row) == row

    def test_an_answer_stays_as_it_was(self) -> None:
        row = {"list": [{"activationCode": CODE, "comment": CODE}]}
        Secrets().of_answer(row)
        assert row == {"list": [{"activationCode": CODE, "comment": CODE}]}

    @pytest.mark.parametrize("value", [0, 2**70, True, None, 1.5, "", "text"])
    def test_what_holds_no_secret_is_the_same(self, value: Any) -> None:
        answer = {"a": value, "list": [value]}
        assert Secrets([SECRET]).of_answer(answer) == Secrets([SECRET]).hidden(answer) == answer


class TestMasked:
    @pytest.mark.parametrize(
        "key",
        [
            "activationCode",
            "activation_code",
            "ACTIVATIONCODE",
            "pbxActivationCode",
            "accessToken",
            "refresh-token",
            "clientSecret",
            "password",
            "Authorization",
            "credentials",
            "activation\ufffd(8203)Code",
        ],
    )
    def test_what_is_confidential_is_hidden(self, key: str) -> None:
        assert masked({key: "A1B2", "productNo": "1"}) == {key: "********", "productNo": "1"}

    def test_it_is_hidden_at_any_depth_and_whatever_its_shape(self) -> None:
        row = {"a": [{"b": ({"activationCode": ["A1B2", {"code": "C3D4"}]},)}], "token": {"x": "A1B2"}, "secret": 12}
        assert masked(row) == {
            "a": [{"b": [{"activationCode": "********"}]}],
            "token": "********",
            "secret": "********",
        }

    @pytest.mark.parametrize("nothing", [None, "", [], {}])
    def test_that_nothing_is_there_may_be_seen(self, nothing: Any) -> None:
        assert masked({"activationCode": nothing}) == {"activationCode": nothing}

    def test_the_row_itself_stays_as_it_was(self) -> None:
        row = {"list": [{"activationCode": "A1B2"}]}
        masked(row)
        assert row == {"list": [{"activationCode": "A1B2"}]}


def test_a_result_is_searched_for_secrets_and_not_for_names() -> None:
    assert Secrets([SECRET]).hidden({"requests": {"token": 1}, "msg": (SECRET,)}) == {
        "requests": {"token": 1},
        "msg": ["********"],
    }
