# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/performance.md and its plot, from the samples."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

import matplotlib as mpl

from .measure import REPOSITORY, Cell
from .plays import POOL
from .targets import EXPLAINED, TARGETS, Samples, explain, wall
from .variants import VARIANTS

mpl.use("Agg")

from matplotlib import pyplot

PAGE, PLOT = REPOSITORY / "docs" / "performance.md", REPOSITORY / "docs" / "images" / "performance.png"

_LICENCE = f"""<!--
Copyright (c) The pbxops.yeastar authors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
{"SPDX-License-Identifier"}: GPL-3.0-or-later
-->
"""


def write(samples: Samples) -> bool:
    """Write page and plot; whether all targets are met."""
    PLOT.parent.mkdir(exist_ok=True)
    _draw(samples)
    met = [target.is_met(samples) for target in TARGETS]
    rows = []
    for target, is_met in zip(TARGETS, met, strict=True):
        bound = f"{'≥' if target.is_least else '≤'} {target.limit:g}{target.unit}"
        rows.append(f"| {target.name} | {bound} | {_number(target.value(samples))}{target.unit} | {_word(is_met)} |")
    text = "\n".join([_LICENCE, *_head(), *rows, "", *_shares(samples), *_cells(samples), *_legend(samples), ""])
    notes = PAGE.with_name("performance-notes.md")
    if notes.exists():
        text += "\n" + notes.read_text(encoding="utf-8").partition("-->\n")[2].lstrip()
    PAGE.write_text(text, encoding="utf-8")
    print("\n".join(rows))
    return all(met)


def _word(is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _head() -> list[str]:
    tools = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "requests"))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {tools}"
    return [
        "# Performance",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine}; medians of interleaved runs, each against a",
        "separate simulator on the same machine. `make bench` measures again and writes this page; do not edit it.",
        f"Every variant with a pool has one of {POOL}.",
        "",
        "![Wall time by size of the fleet](images/performance.png)",
        "",
        "## Targets",
        "",
        "| what | target | measured | |",
        "|---|---|---|---|",
    ]


def _shares(samples: Samples) -> list[str]:
    rows = [
        "## The role, compared with two tasks of Ansible and the module's orders",
        "",
        "| PBXs | D without the empty play | E / (two no-ops + that) | (one no-op + that) / one no-op |",
        "|---|---|---|---|",
    ]
    for size in EXPLAINED:
        orders, role, least = explain(samples, size)
        rows.append(f"| {size} | {orders:.2f} s | {role:.2f} times | {least:.2f} times |")
    return [*rows, ""]


def _cells(samples: Samples) -> list[str]:
    rows = [
        "## Measurements",
        "",
        "`CPU` is of all processes of the command, `portal` that of the simulator; `memory` is that of the largest",
        "process. `requests` reached the portal.",
        "",
        "| variant | PBXs | due | ms each | runs | wall | from, to | CPU | portal | memory | requests |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in sorted(samples, key=lambda cell: (cell.variant, cell.latency, cell.size, cell.due)):
        kept = samples[cell]
        walls = [sample.wall for sample in kept]
        cpu, portal_cpu = (median(getattr(sample, name) for sample in kept) for name in ("cpu", "portal_cpu"))
        rows.append(
            f"| {cell.variant} | {cell.size} | {cell.due} | {cell.latency} | {len(kept)} | {median(walls):.2f} s"
            f" | {min(walls):.2f}, {max(walls):.2f} s | {cpu:.2f} s | {portal_cpu:.2f} s"
            f" | {max(sample.memory for sample in kept):.0f} MiB | {sum(kept[0].requests.values())} |"
        )
    return [*rows, ""]


def _legend(samples: Samples) -> list[str]:
    used = {cell.variant for cell in samples}
    lines = [f"- **{name}**: {about}" for name, (about, dummy) in VARIANTS.items() if name in used]
    return ["## Variants", "", *lines, "", "Combinations that are not in the table were not run."]


def _draw(samples: Samples) -> None:
    latencies = sorted({cell.latency for cell in samples})
    figure, (axes,) = pyplot.subplots(1, len(latencies), figsize=(5 * len(latencies), 4.5), sharey=True, squeeze=False)
    for axis, latency in zip(axes, latencies, strict=True):
        for variant in VARIANTS:
            cells = sorted((cell for cell in samples if _belongs(cell, variant, latency)), key=lambda cell: cell.size)
            if cells:
                sizes, walls = [cell.size for cell in cells], [wall(samples, cell) for cell in cells]
                axis.plot(sizes, walls, marker="o", markersize=4, label=variant)
        axis.set(xscale="log", yscale="log", xlabel="PBXs, all of them due", title=f"{latency} ms for each answer")
        axis.grid(which="major", alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_ylabel("wall time in s")
    figure.tight_layout()
    figure.savefig(PLOT, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _belongs(cell: Cell, variant: str, latency: int) -> bool:
    return cell.variant == variant and cell.latency == latency and cell.due == cell.size
