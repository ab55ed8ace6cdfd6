# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark makes of its samples."""

from __future__ import annotations

import pytest

from tests.bench.measure import Cell, Sample, measure
from tests.bench.targets import EXPLAINING, TARGETS, Target, explain
from tests.bench.variants import VARIANTS

CELLS = {cell for target in TARGETS for cell in target.cells}


def sample(wall: float, **changes: object) -> Sample:
    kinds = {"token": 1, "page": 9, "detail": 20}
    values = {"cpu": 1.0, "memory": 50.0, "portal_cpu": 0.1, "invoices": 0, "requests": kinds, **changes}
    return Sample(wall, **values)  # type: ignore[arg-type]


def target(start: str) -> Target:
    (found,) = [target for target in TARGETS if target.name.startswith(start)]
    return found


@pytest.mark.parametrize(
    ("name", "walls", "value", "is_met"),
    [
        ("D / (empty play + A), N=500 all due, 50 ms", {"D": 6.25, "C empty": 1.0, "A": 4.0}, 1.25, True),
        ("D / (empty play + A), N=500 all due, 0 ms", {"D": 11.0, "C empty": 1.0, "A": 4.0}, 2.2, False),
        ("B naive / E", {"B naive": 16.0, "E": 2.0}, 8, True),
        ("B naive / E", {"B naive": 15.0, "E": 2.0}, 7.5, False),
    ],
)
def test_a_ratio_is_one_of_medians(name: str, walls: dict[str, float], value: float, is_met: bool) -> None:
    samples = {cell: [sample(walls.get(cell.variant, 0)) for dummy in range(3)] + [sample(99)] for cell in CELLS}
    samples = {cell: [*kept, sample(0.0)] for cell, kept in samples.items()}
    assert target(name).value(samples) == pytest.approx(value) and target(name).is_met(samples) is is_met


def test_growth_is_without_what_ansible_takes_by_itself() -> None:
    walls = {("D", 100): 2.0, ("D", 1000): 12.0, ("C empty", 1): 1.0}
    samples = {cell: [sample(walls.get((cell.variant, cell.size), 0.0))] for cell in CELLS}
    assert target("growth of D").value(samples) == pytest.approx(11) and target("growth of D").is_met(samples)


def test_requests_are_counted_without_the_pages_of_orders_and_the_largest_memory_counts() -> None:
    samples = {cell: [sample(1, memory=memory) for memory in (50.0, 81.0)] for cell in CELLS}
    assert (
        target("requests of D, N=100").value(samples) == 21 and target("requests of D, N=100").limit == 1 + 4 + 2 + 40
    )
    assert target("peak memory").value(samples) == 81 and not target("peak memory").is_met(samples)


def test_what_the_role_takes_is_held_beside_what_two_tasks_and_the_orders_take() -> None:
    walls = {"C empty": 1.0, "C no-op": 4.0, "C two no-ops": 8.0, "D": 3.0, "E": 15.0}
    samples = {cell: [sample(walls.get(cell.variant, 0.0))] for cell in (*CELLS, *EXPLAINING)}
    assert explain(samples, 500) == (2.0, 1.5, 1.5)


def test_every_cell_that_is_needed_has_its_variant() -> None:
    assert {cell.variant for cell in (*CELLS, *EXPLAINING)} <= set(VARIANTS)


@pytest.mark.parametrize("variant", ["A", "D alone"])
def test_a_measurement_tells_what_was_done(variant: str) -> None:
    kept = measure(Cell(variant, 3, 2, 0), VARIANTS[variant][1])
    assert kept.invoices == 2 and kept.requests["save"] == 2 and kept.wall > 0 and kept.memory > 10
