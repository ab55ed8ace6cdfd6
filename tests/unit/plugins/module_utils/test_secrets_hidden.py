# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

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
    def test_what_is_confidential_by_its_name_is_hidden(self, key: str) -> None:
        assert Secrets().of_answer({key: "A1B2", "productNo": "1"}) == {key: "********", "productNo": "1"}

    def test_it_is_hidden_at_any_depth_and_whatever_its_shape(self) -> None:
        row = {"a": [{"b": [{"activationCode": ["A1B2", {"code": "C3D4"}]}]}], "token": {"x": "A1B2"}, "secret": 12}
        assert Secrets().of_answer(row) == {
            "a": [{"b": [{"activationCode": "********"}]}],
            "token": "********",
            "secret": "********",
        }

    @pytest.mark.parametrize("nothing", [None, "", [], {}])
    def test_that_nothing_is_there_may_be_seen(self, nothing: Any) -> None:
        assert Secrets().of_answer({"activationCode": nothing}) == {"activationCode": nothing}

    def test_what_such_a_field_holds_is_hidden_wherever_it_stands_in_any_answer_from_then_on(self) -> None:
        secrets = Secrets()
        row = {"comment": f"code {CODE}", "more": [{f"{CODE}": 1}], "activationCode": CODE}
        assert secrets.of_answer(row) == {
            "comment": "code ********",
            "more": [{"********": 1}],
            "activationCode": "********",
        }
        assert secrets.of_answer([CODE]) == ["********"] and secrets.hide(CODE) == "********"

    def test_a_word_of_another_field_is_no_secret(self) -> None:
        row = {"tokenType": "certificate", "credential": {"kind": "certificate"}, "kind": "certificate"}
        assert Secrets().of_answer(row)["kind"] == "certificate"

    def test_an_answer_stays_as_it_was(self) -> None:
        row = {"list": [{"activationCode": CODE, "comment": CODE}]}
        Secrets().of_answer(row)
        assert row == {"list": [{"activationCode": CODE, "comment": CODE}]}

    @pytest.mark.parametrize("value", [0, 2**70, True, None, 1.5, "", "text"])
    def test_what_holds_no_secret_is_the_same(self, value: Any) -> None:
        answer = {"a": value, "list": [value]}
        assert Secrets([SECRET]).of_answer(answer) == Secrets([SECRET]).hidden(answer) == answer


def test_a_result_is_searched_for_secrets_and_not_for_names() -> None:
    assert Secrets([SECRET]).hidden({"requests": {"token": 1}, "msg": (SECRET,)}) == {
        "requests": {"token": 1},
        "msg": ["********"],
    }
