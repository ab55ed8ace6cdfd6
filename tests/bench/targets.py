# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection shall reach, as ratios within one run, and the cells that each of them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from .measure import Cell, Sample

Samples = Mapping[Cell, list[Sample]]


@dataclass(frozen=True)
class Target:
    """``value`` of the samples shall be at most ``limit``, or at least, if ``is_least``."""

    name: str
    limit: float
    cells: tuple[Cell, ...]
    value: Callable[[Samples], float]
    is_least: bool = False
    unit: str = " times"

    def is_met(self, samples: Samples) -> bool:
        """Whether it is reached."""
        value = self.value(samples)
        return value >= self.limit if self.is_least else value <= self.limit


def wall(samples: Samples, cell: Cell) -> float:
    """The median of a cell's wall times, in s."""
    return median(sample.wall for sample in samples[cell])


def _ratio(name: str, limit: float, of: Cell, to: tuple[Cell, ...], *, is_least: bool = False) -> Target:
    def value(samples: Samples) -> float:
        others = sum(wall(samples, cell) for cell in to)
        return others / wall(samples, of) if is_least else wall(samples, of) / others

    return Target(name, limit, (of, *to), value, is_least)


def _growth(variant: str) -> Target:
    small, large, empty = Cell(variant, 100, 100, 0), Cell(variant, 1000, 1000, 0), Cell("C empty", 1, 1, 0)

    def value(samples: Samples) -> float:
        return (wall(samples, large) - wall(samples, empty)) / (wall(samples, small) - wall(samples, empty))

    return Target(
        f"growth of {variant} from N=100 to N=1000, the empty play taken off", 11, (small, large, empty), value
    )


def _requests(size: int, due: int) -> Target:
    cell = Cell("D", size, due, 0)
    pages = -(-size // 25)

    def value(samples: Samples) -> float:
        return max(sum(sample.requests.values()) - sample.requests["page"] for sample in samples[cell])

    name = f"requests of D, N={size}, {due} due: token, {pages} list pages, catalog, contacts, 4 for each order"
    return Target(f"{name} (pages of orders apart)", 1 + pages + 2 + 4 * due, (cell,), value, unit="")


def _memory() -> Target:
    cell = Cell("D alone", 1000, 1000, 0)

    def value(samples: Samples) -> float:
        return max(sample.memory for sample in samples[cell])

    return Target("peak memory of the module, N=1000", 80, (cell,), value, unit=" MiB")


def _all(variant: str, size: int, latency: int = 0) -> Cell:
    return Cell(variant, size, size, latency)


EMPTY = _all("C empty", 1)
# What explains how long the role takes: whatever two tasks do, they cost each host this much.
EXPLAINED = (100, 500)
EXPLAINING = tuple(_all(variant, size) for variant in ("C no-op", "C two no-ops", "D", "E") for size in EXPLAINED)


def explain(samples: Samples, size: int) -> tuple[float, float, float]:
    """What D takes without the empty play (s), E beside two no-ops and that, and one no-op and that beside a no-op."""
    no_op, two_no_ops, orders, role = (
        wall(samples, _all(cell, size)) for cell in ("C no-op", "C two no-ops", "D", "E")
    )
    orders -= wall(samples, EMPTY)
    return orders, role / (two_no_ops + orders), (no_op + orders) / no_op


TARGETS = (
    _ratio("D / (empty play + A), N=500 all due, 50 ms", 1.25, _all("D", 500, 50), (EMPTY, _all("A", 500, 50))),
    _ratio("D / (empty play + A), N=500 all due, 0 ms", 2, _all("D", 500), (EMPTY, _all("A", 500))),
    _ratio("E / no-op for each host, N=100 all due, 0 ms", 1.5, _all("E", 100), (_all("C no-op", 100),)),
    _ratio("E / no-op for each host, N=500 all due, 0 ms", 1.5, _all("E", 500), (_all("C no-op", 500),)),
    _ratio("B with common reads once / E, N=10, 0 ms", 4, _all("E", 10), (_all("B once", 10),), is_least=True),
    _ratio("B with common reads once / E, N=100, 0 ms", 12, _all("E", 100), (_all("B once", 100),), is_least=True),
    _ratio("B naive / E, N=10, 0 ms", 8, _all("E", 10), (_all("B naive", 10),), is_least=True),
    _growth("D"),
    _growth("F plan"),
    _growth("F info"),
    _requests(100, 10),
    _requests(500, 500),
    _memory(),
)
