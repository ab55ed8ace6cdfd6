# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every test that is marked with a fault, and write down which fault it proves, whether it passed, and the totals.

Ends with 1 when a fault has no test or a test has failed; the page is written all the same, and says so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability.page import Proof, page_of
from tests.support.tally import VARIABLE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
MARKER = "faults"


class Collector:
    """A plugin of pytest: takes the marked tests alone, and keeps what became of each."""

    def __init__(self) -> None:
        self.proofs: dict[str, Proof] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the tests without a marker."""
        marked = [item for item in items if item.get_closest_marker(MARKER)]
        config.hook.pytest_deselected(items=[item for item in items if item not in marked])
        items[:] = marked
        for item in marked:
            rows = {row for marker in item.iter_markers(MARKER) for row in marker.args}
            self.proofs[item.nodeid] = Proof(item.nodeid.partition("[")[0], frozenset(rows))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has passed when its call has, and nothing around it failed."""
        proof = self.proofs[report.nodeid]
        if report.failed:
            proof.has_failed = True
        elif report.when == "call" and report.passed:
            proof.has_passed = True


def totals_of(path: Path) -> Counter[str]:
    """The sums of a tally. Those left to a person are counted by reason, as ``person: reason``."""
    totals: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        entry = json.loads(line)
        totals.update({name: value for name, value in entry.items() if isinstance(value, int)})
        totals.update({f"person: {reason}": count for reason, count in entry.get("person", {}).items()})
    return totals


def main() -> int:
    """Run, and write the page."""
    collector = Collector()
    with tempfile.TemporaryDirectory() as directory:
        tally = Path(directory) / "tally"
        os.environ[VARIABLE] = str(tally)
        status = pytest.main(["-q", *sys.argv[1:]], plugins=[collector])
        totals = totals_of(tally)
    proofs = list(collector.proofs.values())
    text, problems = page_of(proofs, totals)
    PAGE.write_text(text, encoding="utf-8")
    print("\n".join([*problems, f"wrote {PAGE.relative_to(ROOT)}: {len(proofs)} tests"]))
    return 1 if status or problems else 0


if __name__ == "__main__":
    sys.exit(main())
