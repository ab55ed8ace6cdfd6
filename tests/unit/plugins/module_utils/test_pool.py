# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work side by side: how much of it, in which order, what ends it, and who may touch what is shared."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._concurrency import BrokenOff, Gate, Pool
from ansible_collections.pbxops.yeastar.tests.unit.helpers.side_by_side import (
    CallerEnded,
    Wire,
    listening,
    tell_main_thread,
)

CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("CONTEXT")


def test_with_one_place_all_is_done_in_turn_by_the_caller() -> None:
    seen: list[Any] = []
    assert Pool(1).map(lambda item: seen.append((item, threading.get_ident())), range(5)) == [None] * 5
    assert seen == [(item, threading.get_ident()) for item in range(5)]


@pytest.mark.parametrize("size", [2, 4, 16])
def test_as_many_wait_at_once_as_there_are_places_and_results_keep_their_order(size: int) -> None:
    pool = Pool(size)
    wire = Wire(pool, size)

    def work(item: int) -> int:
        wire.wait()
        return item * item

    assert pool.map(work, range(size * 3)) == [item * item for item in range(size * 3)]
    assert wire.most == size


def test_items_are_begun_in_their_order() -> None:
    pool, begun = Pool(4), []

    def work(item: int) -> None:
        begun.append(item)
        pool.sleep(0.001)

    pool.map(work, range(40))
    assert begun == list(range(40))


def test_nothing_happens_between_two_waits_but_what_one_thread_does() -> None:
    pool, inside = Pool(8), []

    def work(item: int) -> None:
        for _round in range(20):
            inside.append(item)
            time.sleep(0.0001)  # lets any other thread run that may
            assert inside == [item]
            inside.clear()
            pool.sleep(0)

    pool.map(work, range(8))


def test_after_an_error_no_item_is_begun_and_those_under_way_come_to_their_end() -> None:
    pool, begun, ended = Pool(3), [], []
    wire = Wire(pool, 3)

    def work(item: int) -> None:
        begun.append(item)
        wire.wait()
        if item == 1:
            raise ValueError("first")
        pool.sleep(0.05)
        ended.append(item)

    with pytest.raises(ValueError, match="first"):
        pool.map(work, range(9))
    assert begun == [0, 1, 2] and sorted(ended) == [0, 2]


def test_work_inside_of_work_shares_the_places() -> None:
    pool = Pool(4)
    wire = Wire(pool, 4)

    def inner(_item: int) -> None:
        wire.wait()

    def outer(item: int) -> int:
        pool.map(inner, range(8))
        return item

    assert pool.map(outer, range(2)) == [0, 1]
    assert wire.most == 4


def test_who_is_idle_joins_in_what_another_one_has_begun() -> None:
    pool = Pool(4)
    wire = Wire(pool, 4)

    def outer(item: int) -> None:
        if item == 0:
            pool.map(lambda _item: wire.wait(), range(4))

    pool.map(outer, range(2))
    assert wire.most == 4


def test_an_error_of_work_inside_of_work_is_the_errors_of_both() -> None:
    pool = Pool(4)

    def inner(item: int) -> None:
        pool.sleep(0)
        raise ValueError(str(item))

    def outer(_item: int) -> None:
        with pytest.raises(ValueError, match="0"):
            pool.map(inner, range(3))
        raise KeyError("outer")

    with pytest.raises(KeyError, match="outer"):
        pool.map(outer, range(2))


def test_helpers_work_in_the_context_of_the_caller() -> None:
    CONTEXT.set("a task")
    assert Pool(2).map(lambda _item: CONTEXT.get(), range(2)) == ["a task"] * 2


def test_threads_end_with_what_they_were_started_for() -> None:
    before = threading.active_count()
    Pool(16).map(lambda _item: None, range(64))
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize("times", [1, 2])
def test_who_interrupts_the_caller_interrupts_all_that_wait_and_nothing_else_is_begun(times: int) -> None:
    pool, begun, interrupted = Pool(3), [], []
    wire = Wire(pool, 3)

    def work(item: int) -> None:
        begun.append(item)
        wire.wait()
        if item == 2:
            for _time in range(times):
                tell_main_thread()
        try:
            pool.sleep(30)
        except BrokenOff:
            time.sleep(0.05)  # what it was at is still brought to an end before the caller goes on
            interrupted.append(item)
            raise

    started = time.monotonic()
    with listening(), pytest.raises(CallerEnded):
        pool.map(work, range(9))
    assert begun == [0, 1, 2] and sorted(interrupted) == [0, 1, 2]
    assert time.monotonic() - started < 10


def test_nothing_that_would_be_waited_for_is_begun_after_that() -> None:
    pool, sent = Pool(2), []
    wire = Wire(pool, 2)

    def work(item: int) -> None:
        wire.wait()
        if item == 1:
            tell_main_thread()
        try:
            pool.sleep(30)
        finally:
            pool.check()
            sent.append(item)

    with listening(), pytest.raises(CallerEnded):
        pool.map(work, range(2))
    assert sent == []


def test_a_gate_lets_one_at_a_time_through_and_the_others_after() -> None:
    pool, inside, order = Pool(4), [], []
    gate = Gate(pool)

    def work(item: int) -> None:
        with gate.alone():
            inside.append(item)
            pool.sleep(0.005)
            assert inside == [item]
            inside.clear()
            order.append(item)

    pool.map(work, range(8))
    assert sorted(order) == list(range(8))


def test_a_gate_that_several_close_opens_with_the_last_of_them() -> None:
    pool, seen = Pool(3), []
    gate = Gate(pool)

    def work(seconds: Optional[float]) -> None:
        if seconds is None:
            gate.pass_through()
            seen.append("passed")
        else:
            with gate.closed():
                pool.sleep(seconds)
                seen.append("opened")

    pool.map(work, [0.05, 0.01, None])
    assert seen == ["opened", "opened", "passed"]


def test_a_gate_opens_when_who_has_closed_it_fails() -> None:
    pool = Pool(2)
    gate = Gate(pool)

    def work(item: int) -> None:
        with gate.alone():
            pool.sleep(0.01)
            if item == 0:
                raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        pool.map(work, range(2))
