# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench`: measure, hold the result against the targets, and write docs/performance.md and its plot.

Every round runs all cells, one after another, so that what else the machine does meets all of them alike.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from dataclasses import asdict

from .measure import REPOSITORY, Cell, Sample, measure
from .targets import EXPLAINING, TARGETS, Samples
from .variants import ORDERING, VARIANTS

RESULTS = REPOSITORY / ".tools" / "bench-results.json"
SIZES, LATENCIES = (1, 10, 100, 500, 1000), (0, 50, 200)
# Of what takes long by its nature, or only explains another, only this much is run beyond what the targets need.
LARGEST = {"B naive": 10, "B once": 10, "A1": 100, "C two no-ops": 0, "D alone": 0}


def main() -> int:
    """Measure and write; 1 if a target was not met."""
    options = _parser().parse_args()
    cells = _cells(options)
    if options.list:
        print(*cells, sep="\n")
        return 0
    samples: dict[Cell, list[Sample]] = {cell: [] for cell in cells}
    started = time.monotonic()
    for number in range(max(cells.values())):
        for cell in (cell for cell, rounds in cells.items() if number < rounds):
            sample = _measured(cell)
            samples[cell].append(sample)
            print(f"[{number + 1}/{cells[cell]}] {cell}: {sample.wall:.2f} s, {sample.memory:.0f} MiB", flush=True)
    print(f"measured for {(time.monotonic() - started) / 60:.0f} min")
    _keep(samples)
    if options.quick:
        return 0
    from .page import write  # here, since only this needs matplotlib

    return 0 if write(samples) else 1


def _measured(cell: Cell) -> Sample:
    sample = measure(cell, VARIANTS[cell.variant][1])
    expected = cell.due if cell.variant in ORDERING else 0
    if sample.invoices != expected:
        raise RuntimeError(f"{cell}: expected {expected} invoices, got {sample.invoices}")
    return sample


def _keep(samples: Samples) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    rows = [{**asdict(cell), "samples": [asdict(sample) for sample in kept]} for cell, kept in samples.items()]
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _cells(options: argparse.Namespace) -> dict[Cell, int]:
    """How often each cell is run: those of targets as often as asked, and with ``--full`` the rest of the matrix."""
    needed = [
        *EXPLAINING,
        *(cell for target in TARGETS for cell in target.cells),
        *(Cell("G", n, n, 0) for n in (100, 1000)),
    ]
    rounds = dict.fromkeys(needed, options.rounds)
    if options.full:
        for variant, size, latency in itertools.product(VARIANTS, SIZES, LATENCIES):
            if size <= LARGEST.get(variant, max(SIZES)) and not (variant.startswith("C") and latency):
                # The tutorial orders for whom it is told to, and to do nothing knows nothing of it.
                shares = (size,) if variant.startswith(("B", "C")) else (size, max(size // 10, 1))
                rounds = {**{Cell(variant, size, due, latency): options.full for due in shares}, **rounds}
    chosen = options.only or list(VARIANTS)
    cells = [cell for cell in rounds if cell.variant in VARIANTS and cell.variant in chosen]
    if options.quick:
        cells = [cell for cell in cells if cell.size <= 100 and not cell.variant.startswith("B")]
    return {cell: rounds[cell] for cell in sorted(cells, key=str)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each cell of a target is run (default: 5)")
    parser.add_argument("--full", type=int, default=0, metavar="N", help="run the rest of the matrix N times as well")
    parser.add_argument("--quick", action="store_true", help="small fleets alone, and no page: to see that it works")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, help="only these variants; the page needs all")
    parser.add_argument("--list", action="store_true", help="name the cells and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
