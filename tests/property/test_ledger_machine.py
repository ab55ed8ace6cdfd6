# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens, in whatever order: no expiry is charged twice, no order denied, no renewal lost."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import LedgerMachine

EXAMPLES = settings(max_examples=250, stateful_step_count=10, deadline=None, derandomize=True)


@pytest.mark.faults(18, 38, 39, 44)
def test_whatever_happens_no_expiry_is_charged_twice_and_no_renewal_is_lost() -> None:
    """A few hundred examples, the same each time; `make soak` draws thousands of others."""
    run_state_machine_as_test(LedgerMachine, settings=EXAMPLES)
