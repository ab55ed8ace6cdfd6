# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch of a play: whose request counts, what makes two hosts one batch, and that it is run once."""

from __future__ import annotations

from collections.abc import Callable
from fcntl import flock
from pathlib import Path
from threading import Event, Thread, get_ident
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _files
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch import host_requests as _batch
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.host_requests import Request
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._batch.outcomes import SharedOutcomes

KEY = b"key of this run"


class Plain:
    """A templar for values that need no templating."""

    def template(self, value: Any) -> Any:
        return value


class HostVars:
    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables

    def raw_get(self, host: str) -> Any:
        return self._variables[host]


def params(host: str = "A", **variables: Any) -> dict[str, Any]:
    given = {"product_no": host, "max_orders": 1, "client_id": "id", "client_secret": "secret", **variables}
    task_vars = {f"pce_renewal_{name}": value for name, value in given.items()}
    return _batch.read_params({}, {**task_vars, "omit": "__omit__"}, Plain())


def task(use: str = "use", check_mode: bool = False, when: Any = ()) -> Any:
    return SimpleNamespace(_parent=SimpleNamespace(_uuid=use), check_mode=check_mode, when=when)


def request(host: str = "A", use: str = "use", mode: str = "renew", **variables: Any) -> Request:
    return Request.of(host, task(use), mode, params(host, **variables), KEY)


def registered(*requests: Request) -> dict[str, Any]:
    variables = {one.host: {"pce_renewal_request": {"request": one.as_result()}} for one in requests}
    return {"ansible_play_batch": [*variables, "silent"], "hostvars": HostVars({**variables, "silent": {}})}


def test_only_the_requests_of_this_very_use_take_part() -> None:
    task_vars = registered(request("A"), request("B", use="an earlier use"), request("C"))
    assert [one.host for one in _batch.participants("use", task_vars)] == ["A", "C"]


def test_a_request_that_run_once_gave_to_other_hosts_counts_once() -> None:
    task_vars = registered(request("A"))
    task_vars["ansible_play_batch"].append("B")
    task_vars["hostvars"]._variables["B"] = task_vars["hostvars"]._variables["A"]
    assert [one.host for one in _batch.participants("use", task_vars)] == ["A"]


@pytest.mark.parametrize("level", [0, 1, 2, 3, None])
def test_run_once_is_refused_at_the_task_and_at_whatever_lies_around_it(level: int | None) -> None:
    around: Any = None
    for depth in range(3, -1, -1):
        around = SimpleNamespace(_parent=around, run_once="yes" if depth == level else False)
    if level is None:
        _batch.refuse_run_once(around, Plain())
    else:
        with pytest.raises(ValueError, match="run_once lets one host stand for all"):
            _batch.refuse_run_once(around, Plain())


def test_a_request_holds_no_secret() -> None:
    secrets = {"client_secret": "canary-secret", "access_token": "canary-token", "ledger_password": "canary-password"}
    registered_request = str(request(**secrets, ledger="postgresql://canary-user@h/d").as_result())
    assert "canary" not in registered_request


def test_the_hash_of_the_secrets_differs_from_run_to_run(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        keys.append(_batch.run_key(str(tmp_path / name)))
        assert _batch.run_key(str(tmp_path / name)) == keys[-1]
    assert _batch.hash_secrets(params(), keys[0]) != _batch.hash_secrets(params(), keys[1])


def test_one_run_has_the_subscriptions_of_all() -> None:
    merged = _batch.params_for([request("A", quantity=5), request("B")], params("A"), KEY)
    assert [(one["product_no"], one["quantity"]) for one in merged["subscriptions"]] == [("A", 5), ("B", None)]
    assert merged["client_secret"] == "secret"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"client_id": "another"}, ["pce_renewal_client_id is id for A and another for B", "plays"]),
        ({"base_url": "http://localhost:1"}, ["pce_renewal_base_url", "A", "B"]),
        ({"max_orders": 2}, ["pce_renewal_max_orders is 1 for A and 2 for B"]),
        ({"client_secret": "canary"}, ["the credentials of A and B differ"]),
        ({"ledger": "/var/canary"}, ["the credentials of A and B differ, or their ledgers"]),
        (
            {"ledger": "postgresql://u@h/d", "ledger_password": "canary"},
            ["the credentials of A and B differ, or their ledgers"],
        ),
        ({"product_no": "A"}, ["A and B are the same PBX, A"]),
        ({"mode": "check"}, ["the mode of A is renew, that of B is check"]),
    ],
)
def test_hosts_that_cannot_be_one_batch_are_refused(other: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        _batch.params_for([request("A"), request("B", **other)], params("A"), KEY)
    assert all(word in str(caught.value) for word in words)
    assert "canary" not in str(caught.value)


def test_what_the_requests_say_goes_before_what_has_been_set_since() -> None:
    assert _batch.params_for([request("A")], params("A", max_orders=5), KEY)["max_orders"] == 1


def test_credentials_that_have_been_set_since_are_refused() -> None:
    with pytest.raises(ValueError, match="have changed since A made its request"):
        _batch.params_for([request("A")], params("A", client_secret="canary"), KEY)


@pytest.mark.parametrize(
    ("plan_only", "check_mode", "mode"),
    [
        (False, False, "renew"),
        (False, True, "check"),
        (True, False, "plan"),
        ("yes", True, "plan"),
        ("false", False, "renew"),
    ],
)
def test_the_mode_follows_from_plan_only_and_check_mode(plan_only: Any, check_mode: bool, mode: str) -> None:
    assert _batch.mode_of(task(check_mode=check_mode), plan_only) == mode


@pytest.mark.parametrize("plan_only", [None, "", "perhaps"])
def test_a_plan_only_that_does_not_say_is_refused(plan_only: Any) -> None:
    with pytest.raises(ValueError, match="plan_only"):
        _batch.mode_of(task(), plan_only)


def test_values_that_mean_the_same_do_not_differ() -> None:
    alike = request("B", max_orders="1", include_expired=False, timeout=30)
    assert len(_batch.params_for([request("A"), alike], params("A"), KEY)["subscriptions"]) == 2


@pytest.mark.parametrize("unset", [None, "__omit__"])
def test_a_variable_that_is_null_or_omitted_counts_as_unset(unset: Any) -> None:
    assert params(quantity=unset)["subscriptions"][0]["quantity"] is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"max_orders": None}, "pce_renewal_max_orders is not set"),
        ({"quantity": "many"}, "quantity"),
        ({"billing_cycle": "weekly"}, "billing_cycle"),
        ({"product_no": 5349}, "quote it"),
        ({"base_url": "http://portal.example"}, "https"),
        ({"expires_at": "03/04/2026"}, "expires_at"),
        ({"ledger": "renewals/ledger.sqlite3"}, "^ledger: expected an absolute path"),
        ({"ledger": "postgresql://u:canary@h/d"}, "^ledger: expected an address without a password"),
        ({"ledger_password": "canary"}, "^ledger_password: expected only with a ledger in PostgreSQL"),
    ],
)
def test_what_is_wrong_with_a_host_is_told_before_there_is_a_batch(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        params(**variables)


APPROVED = {"plan_file": "plan.json", "plan_digest": "0"}


def asked(mode: str, others: tuple[str, ...] = (), **variables: Any) -> dict[str, Any]:
    given = {"product_no": "A", "client_id": "id", "client_secret": "secret", **variables}
    task_vars = {f"pce_renewal_{name}": value for name, value in given.items()}
    hosts = {"ansible_play_batch": ["A"], "ansible_play_hosts": ["A", *others]}
    return _batch.read_params({}, {**task_vars, **hosts, "omit": "__omit__"}, Plain(), mode)


def test_each_mode_reads_what_a_plan_leaves_to_it_and_nothing_of_the_other() -> None:
    both = {"max_orders": 1, "plan_dest": "~/plan.json", "valid_for": "60", **APPROVED}
    plan = asked("plan", **both)
    assert not plan["dest"].startswith("~") and plan["valid_for"] == 60 and "plan_file" not in plan
    for mode in ("check", "renew"):
        read = asked(mode, **both)
        assert (read["plan_file"], read["plan_digest"]) == ("plan.json", "0") and "dest" not in read


def test_with_a_plan_its_digest_is_the_confirmation_and_it_does_not_go_without() -> None:
    assert asked("renew", **APPROVED)["max_orders"] is None
    for given in ({"plan_file": "plan.json"}, {"plan_digest": "0", "max_orders": 1}):
        with pytest.raises(ValueError, match="required together: plan_file, plan_digest"):
            asked("renew", **given)
    with pytest.raises(ValueError, match="pce_renewal_max_orders is not set"):
        asked("plan", plan_dest="plan.json", **APPROVED)


@pytest.mark.parametrize("mode", ["renew", "check"])
@pytest.mark.parametrize("nulls", [("plan_file",), ("plan_digest",), ("plan_file", "plan_digest")], ids=str)
def test_a_plan_that_comes_to_nothing_does_not_become_a_renewal_without_one(nulls: tuple[str, ...], mode: str) -> None:
    given = {**APPROVED, **dict.fromkeys(nulls), "max_orders": 1}
    with pytest.raises(ValueError, match=f"^pce_renewal_{nulls[0]}: expected a value, got null"):
        asked(mode, **given)
    assert asked("plan", **given)["max_orders"] == 1


@pytest.mark.parametrize(("mode", "variables"), [("renew", APPROVED), ("plan", {"plan_dest": "p", "max_orders": 1})])
def test_a_plan_is_not_shared_by_parts_of_a_play(mode: str, variables: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"pce_renewal_{next(iter(variables))}: a plan needs all hosts in one batch"):
        asked(mode, others=("B",), **variables)


def test_hosts_that_name_different_plans_are_refused() -> None:
    requests = [
        Request.of(host, task(), "plan", asked("plan", product_no=host, plan_dest=dest, max_orders=1), KEY)
        for host, dest in (("A", "one"), ("B", "two"))
    ]
    with pytest.raises(ValueError, match="pce_renewal_plan_dest is one for A and two for B"):
        _batch.params_for(requests, asked("plan", plan_dest="one", max_orders=1), KEY)


def never(requests: list[Request]) -> dict[str, Any]:
    raise AssertionError(f"the batch was run again for {requests}")


def outcomes_of(directory: Path) -> Callable[..., Any]:
    shared = SharedOutcomes(str(directory), "use")
    return lambda host, run, hosts=("A", "B"): shared.of(host, lambda: [request(name) for name in hosts], run)


def messages(text: str) -> Callable[[list[Request]], dict[str, Any]]:
    return lambda requests: {one.host: {"msg": text} for one in requests}


def test_the_first_host_runs_the_batch_and_the_others_read(tmp_path: Path) -> None:
    assert outcomes_of(tmp_path)("A", messages("first")) == {"msg": "first"}
    assert outcomes_of(tmp_path)("B", never) == {"msg": "first"}


def test_a_batch_whose_runner_died_is_not_run_again(tmp_path: Path) -> None:
    def die(requests: list[Request]) -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcomes_of(tmp_path)("A", die)
    assert outcomes_of(tmp_path)("A", never) is None
    assert outcomes_of(tmp_path)("B", never) is None


class TimedOut(BaseException):
    """Stands in for what Ansible raises in a worker when the time of its task is over."""


@pytest.fixture
def over_at_the_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the time of this thread's task be over once, while it waits for its turn."""

    def begin() -> None:
        waiting = get_ident()

        def ring(*arguments: Any) -> None:
            if get_ident() == waiting:
                monkeypatch.setattr(_files.fcntl, "flock", flock)
                raise TimedOut
            flock(*arguments)

        monkeypatch.setattr(_files.fcntl, "flock", ring)

    return begin


def test_a_host_whose_time_is_over_while_another_runs_its_batch_still_tells_its_outcome(
    tmp_path: Path, over_at_the_lock: Callable[[], None]
) -> None:
    runs = Event()

    def run(requests: list[Request]) -> dict[str, Any]:
        runs.set()
        sleep(0.5)
        return messages("first")(requests)

    runner = Thread(target=lambda: outcomes_of(tmp_path)("A", run))
    runner.start()
    assert runs.wait(10)
    over_at_the_lock()
    assert outcomes_of(tmp_path)("B", never) == {"msg": "first"}
    runner.join()


def test_a_host_whose_time_is_over_while_it_reads_its_outcome_still_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes_of(tmp_path)("A", messages("first"))
    read_text = Path.read_text

    def over(*arguments: Any, **keywords: Any) -> str:
        monkeypatch.setattr(Path, "read_text", read_text)
        raise TimedOut

    monkeypatch.setattr(Path, "read_text", over)
    assert outcomes_of(tmp_path)("B", never) == {"msg": "first"}


def test_a_host_whose_time_is_over_starts_no_run_of_its_own(
    tmp_path: Path, over_at_the_lock: Callable[[], None]
) -> None:
    over_at_the_lock()
    with pytest.raises(TimedOut):
        outcomes_of(tmp_path)("B", never)


def test_a_host_that_comes_late_never_has_another_run_again(tmp_path: Path) -> None:
    outcomes_of(tmp_path)("A", messages("first"), hosts=("A",))
    ran = []
    outcomes_of(tmp_path)(
        "B", lambda requests: ran.extend(one.host for one in requests) or messages("second")(requests)
    )
    assert ran == ["B"]
    assert outcomes_of(tmp_path)("A", never) == {"msg": "first"}
