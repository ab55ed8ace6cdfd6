# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewal of two PBXs that is killed at every step of the protocol, and the runs after it: one invoice for each."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.kill_points import KillPoint
from tests.support.processes import POSTGRESQL, SQLITE, Ansible
from tests.support.running import Running
from tests.support.settling import assert_truthful, fleet_arguments, has_waited, settle
from tests.support.tally import judge

FIRST, SECOND = "3658B431119665QJ", "3658B431119002QL"  # the first expires first, so its order is affected
TERMS = {"plan": "Enterprise Plan", "services": ["High Availability"], "quantity": 100, "billing_cycle": "annually"}
TWO = {
    "pbxs": [
        {"product_no": FIRST, "expires_in_days": 12, **TERMS},
        {"product_no": SECOND, "expires_in_days": 20, **TERMS},
    ]
}
DETAIL, SAVE = "/instance_product/v1/detail", "/order/v1/save"
# What a terminated run must say about the order: none was sent, or one may have been accepted.
NOTHING_LEFT, MAY_BE = False, True


@dataclass(frozen=True)
class Step:
    """A step of the protocol at which the process ends.

    It signals itself at ``function``, or is signalled from outside while the portal holds the exchange at ``hold``.
    ``invoices`` is how many orders have been carried out by then; ``changed`` is what a run that can still report says;
    ``waits`` whether the next run cannot know and must wait, unless the run was terminated and ``closes`` the intent.
    """

    name: str
    invoices: int
    changed: bool
    waits: bool = False
    closes: bool = False
    function: str = ""
    when: str = "before"
    skip: int = 0
    hold: str = ""
    path: str = SAVE
    faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def strike(self, ansible: Ansible, number: signal.Signals, arguments: dict[str, Any]) -> Running:
        """Run to this step, and end there."""
        arguments = {**fleet_arguments((FIRST, SECOND)), **arguments, **self.arguments}
        for verb, params in self.faults:
            ansible.portal.fault(verb, **params)
        if self.function:
            running = ansible.start_renewal(at=KillPoint(self.function, self.when, number, self.skip), **arguments)
            running.wait()
            return running
        running = ansible.start_renewal(**arguments)
        ansible.portal.wait_held()
        running.send(number)
        running.wait()
        ansible.portal.release()
        return running


def own(name: str, function: str, invoices: int, changed: bool, **options: Any) -> Step:
    return Step(name, invoices, changed, function=function, **options)


def held(name: str, point: str, invoices: int, **options: Any) -> Step:
    """A step on the portal's side; if the order's connection is held, the faults make the order use a new one."""
    hold = {"point": point, "path": SAVE, **options.pop("at", {})}
    faults = (*options.pop("before", ()), ("hold", hold))
    return Step(name, invoices, MAY_BE, hold=point, faults=faults, **options)


ORDERS, FOLLOW = "_renew.order.Orders.", "_renew.follow.Follow."
NOTE = "_ledger.ledger.Ledger._note"  # within a transaction, after the row was written and before it is committed
LATE_EXPIRY = (("expiry_late", {"reads": 3}),)

STEPS = (
    # Nothing is known of the order.
    own("before_the_caps", "_ledger.ledger.Ledger.reserve", 0, NOTHING_LEFT),
    own("before_the_intent", "_ledger.ledger.Ledger.intend", 0, NOTHING_LEFT),
    own("inside_the_intents_transaction", NOTE, 0, NOTHING_LEFT),
    # The intent is there, the order is not.
    own("after_the_intent", "_ledger.ledger.Ledger.intend", 0, NOTHING_LEFT, when="after", waits=True),
    own("after_the_second_reading", ORDERS + "_look_again", 0, NOTHING_LEFT, when="after", waits=True),
    own("before_the_leave", "_portal.sender.OrderSender.send", 0, NOTHING_LEFT, waits=True, closes=True),
    own("inside_the_last_note_before_the_order", NOTE, 0, NOTHING_LEFT, skip=1, waits=True, closes=True),
    own("before_connecting", ORDERS + "_let_leave", 0, MAY_BE, when="after", waits=True),
    # The portal has not read the whole of it.
    held(
        "connected_before_the_head",
        "on_accept",
        0,
        waits=True,
        before=(("close", {"path": DETAIL}),),
        at={"path": None, "skip": 1},
    ),
    held("after_the_head_before_the_body", "after_headers", 0, waits=True),
    held("half_the_body", "half_body", 0, waits=True),
    # The portal carries it out.
    held("after_the_body_before_the_commit", "before_commit", 1),
    held("after_the_commit_before_the_answer", "after_commit", 1),
    held("half_the_answers_head", "half_head", 1),
    held("half_the_answer", "half_answer", 1),
    held("after_the_answer", "after_answer", 1),
    own("answer_read_before_it_is_recorded", FOLLOW + "add_accepted", 1, MAY_BE),
    own("inside_the_outcomes_transaction", NOTE, 1, MAY_BE, skip=2),
    # The outcome is recorded.
    own("after_the_outcome_before_verifying", FOLLOW + "verify", 1, MAY_BE),
    held("while_verifying", "half_answer", 1, at={"path": DETAIL, "skip": 1}),
    own("verified_before_it_is_recorded", NOTE, 1, MAY_BE, skip=3),
    own("after_verifying", FOLLOW + "verify", 1, MAY_BE, when="after"),
    own("before_releasing_the_caps", "_ledger.ledger.Ledger.release", 2, MAY_BE),
    own("after_releasing_the_caps", "_ledger.ledger.Ledger.release", 2, MAY_BE, when="after"),
    own("while_looking_for_duplicates", FOLLOW + "look_for_duplicates", 2, MAY_BE),
    own("while_following", FOLLOW + "verify", 2, MAY_BE, skip=4, faults=LATE_EXPIRY, arguments={"wait_timeout": 1}),
    own("before_the_ledger_is_closed", "_ledger.ledger.Ledger.close", 2, MAY_BE),
)


MATRIX = [
    (kind, number, step)
    for kind in (SQLITE, POSTGRESQL)
    for number in (signal.SIGKILL, signal.SIGTERM)
    for step in STEPS
]


def name_of(value: Any) -> str:
    return str(getattr(value, "name", value))


@pytest.fixture
def two(start: Callable[..., Ansible]) -> Ansible:
    return start(fleet=TWO)


def strike_and_settle(two: Ansible, step: Step, number: signal.Signals, ledger: dict[str, str]) -> None:
    arguments = {"wait_timeout": 0, "run_id": "matrix", **ledger}
    struck = step.strike(two, number, arguments)
    assert not two.portal.faults, "the fault was never met"
    assert len(two.portal.invoices) == step.invoices
    results = []
    if number == signal.SIGKILL:
        assert struck.process.returncode == -signal.SIGKILL and not struck.stdout
    else:
        results.append(struck.result())
        assert results[0]["changed"] is step.changed and "interrupted by SIGTERM" in results[0]["msg"]
        assert_truthful(results[0])
    results += settle(two, (FIRST, SECOND), **arguments)
    waited = has_waited(results)
    is_told = number == signal.SIGTERM and step.closes
    assert waited == ({FIRST} if step.waits and not is_told else set())
    judge(two.portal, (FIRST, SECOND), results, kills=1)


@pytest.mark.faults(1, 2, 3, 4, 5, 6, 7, 8, 10, 44)
@pytest.mark.parametrize(("ledger", "number", "step"), MATRIX, indirect=["ledger"], ids=name_of)
def test_killed_at_any_step_each_pbx_is_charged_once_and_renewed(
    two: Ansible, step: Step, number: signal.Signals, ledger: dict[str, str]
) -> None:
    strike_and_settle(two, step, number, ledger)


CREATION = {
    SQLITE: (
        own("before_the_file", "_ledger.opening._create_file", 0, NOTHING_LEFT),
        own("before_the_tables", "_ledger.opening._create_tables", 0, NOTHING_LEFT),
        own("inside_the_tables_transaction", "_ledger.sqlite.Sqlite.has_schema", 0, NOTHING_LEFT, when="after"),
        own("tables_made_before_it_has_its_name", "_ledger.opening._create_tables", 0, NOTHING_LEFT, when="after"),
        own("named_before_it_is_opened", "_ledger.opening._create_file", 0, NOTHING_LEFT, when="after"),
        own("before_the_write_ahead_log", "_ledger.sqlite.Sqlite.make_durable", 0, NOTHING_LEFT),
        own("after_the_write_ahead_log", "_ledger.sqlite.Sqlite.make_durable", 0, NOTHING_LEFT, when="after"),
    ),
    POSTGRESQL: (
        own("before_the_tables", "_ledger.opening._create_tables", 0, NOTHING_LEFT),
        own(
            "inside_the_tables_transaction",
            "_ledger.postgresql.Postgresql.has_schema",
            0,
            NOTHING_LEFT,
            when="after",
            skip=1,
        ),
        own("after_the_tables", "_ledger.opening._create_tables", 0, NOTHING_LEFT, when="after"),
    ),
}


@pytest.mark.faults(1)
@pytest.mark.parametrize(
    ("ledger", "step"), [(kind, step) for kind in CREATION for step in CREATION[kind]], indirect=["ledger"], ids=str
)
def test_killed_while_the_ledger_is_made_the_next_run_starts_clean(
    two: Ansible, step: Step, ledger: dict[str, str]
) -> None:
    strike_and_settle(two, step, signal.SIGKILL, ledger)
