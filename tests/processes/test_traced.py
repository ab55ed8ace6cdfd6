# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a renewal's system calls: first the intent, durably on disk, then the order on the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import Ansible, states
from tests.support.traces import Event, find, not_durable, read_trace, tracer

FIRST = "3658B431119665QJ"
SAVE = rb"^POST /order/openapi/order/v1/save "
BODY = rb'"operationType"'


@pytest.fixture
def traced(start: Callable[..., Ansible], tmp_path: Path) -> Callable[..., list[Event]]:
    """Renew with these options, and return the events of the process."""
    ansible, trace = start(), tmp_path / "trace"

    def renew(**options: str) -> list[Event]:
        arguments = {"product_no": FIRST, "wait_timeout": 0, **options}
        running = ansible.start("yeastar_pce_renewal", arguments, under=tracer(trace))
        assert states(running.result()) == {FIRST: "renewed"}
        events = read_trace(trace)
        (head,) = find(events, "send", "^TCP", SAVE)
        assert events[head].target.endswith(f"->{ansible.portal.url.removeprefix('http://')}]")
        return events

    return renew


def test_an_order_leaves_once_its_head_before_its_body(traced: Callable[..., list[Event]]) -> None:
    events = traced()
    (head,) = find(events, "send", "^TCP", SAVE)
    (body,) = find(events, "send", "^TCP", BODY)
    assert head < body and events[head].target == events[body].target
    assert any(place > body for place in find(events, "receive", "^TCP"))


@pytest.mark.faults(3, 4, 7)
def test_the_intent_is_on_the_disk_before_the_order_leaves(traced: Callable[..., list[Event]], tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "ledger.sqlite3"
    events = traced(ledger=str(ledger))
    (head,) = find(events, "send", "^TCP", SAVE)
    before, log = events[:head], f"{ledger}-wal"
    noted = find(before, "write", f"^{log}$")[-1]
    synced = find(before, "sync", f"^{log}$")[-1]
    assert noted < synced < head
    assert [event for event in before[synced:] if event.kind == "write" and event.target.startswith(str(ledger))] == []
    # The index of the log, which SQLite rebuilds after a crash, need not be durable.
    assert {file for file in not_durable(before) if file.startswith(str(ledger))} <= {f"{ledger}-shm"}
    assert find(before, "sync", f"^{ledger.parent}$"), "the names of the files"
    # And the outcome before the PBX is read again.
    (verified,) = [place for place in find(events, "send", "^TCP", rb"^GET \S+/detail") if place > head]
    outcome = [place for place in find(events, "sync", f"^{log}$") if head < place < verified]
    assert outcome and not {file for file in not_durable(events[:verified]) if file == log}


@pytest.mark.faults(3, 4)
def test_postgresql_has_said_that_the_intent_is_committed_before_the_order_leaves(
    traced: Callable[..., list[Event]], database_url: str
) -> None:
    events = traced(ledger=database_url)
    (head,) = find(events, "send", "^TCP", SAVE)
    committing = find(events[:head], "send", "^TCP", b"COMMIT")[-1]
    answers = find(events[:head], "receive", "^TCP", b"COMMIT")
    assert committing < answers[-1] and events[committing].target == events[answers[-1]].target
    later = [event for event in events[answers[-1] + 1 : head] if event.kind == "send"]
    assert [event for event in later if event.target == events[committing].target] == []
