# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak: thousands of examples of the state machine from one seed, which is printed first.

python -m tests.machine [--examples N] [--seed S] [--steps N]
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
import traceback

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import TOTALS, LedgerMachine


def main() -> int:
    """Run it, print what was done, and return 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--steps", type=int, default=15)
    arguments = parser.parse_args()
    start = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    print(f"soak: SEED={start} EXAMPLES={arguments.examples}", flush=True)
    began, failed = time.monotonic(), False
    chosen = settings(
        max_examples=arguments.examples,
        stateful_step_count=arguments.steps,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(start)(LedgerMachine), settings=chosen)
    except Exception:  # print the numbers in any case
        traceback.print_exc()
        failed = True
    for name, count in sorted(TOTALS.items()):
        print(f"{count:>9}  {name}")
    print(f"soak: SEED={start}, {TOTALS['examples']} examples, {time.monotonic() - began:.0f} s: ", end="")
    print("an invariant was broken" if failed else "every invariant held")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
