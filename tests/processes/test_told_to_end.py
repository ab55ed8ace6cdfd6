# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is terminated while it waits for the ledger's server: it ends, and says so."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import SETUP, number_of
from tests.support.postgres import Postgres, wait_for_waiters
from tests.support.processes import Ansible
from tests.support.settling import assert_truthful, fleet_arguments, settle
from tests.support.tally import judge

SAVE = "/order/v1/save"


@pytest.mark.faults(10)
def test_a_run_that_waits_to_note_the_outcome_ends_and_says_what_it_has_ordered(
    start: Callable[..., Ansible], postgres: Postgres, database_url: str
) -> None:
    ansible = start(fleet={"generate": {"count": 2, "due": 2}})
    numbers = [pbx.product_no for pbx in ansible.portal.pbxs]
    ansible.portal.fault("hold", path=SAVE, point="after_commit")
    arguments = {**fleet_arguments(numbers), "ledger": database_url}
    running = ansible.start_renewal(**{**arguments, "wait_timeout": 60})
    ansible.portal.wait_held()
    with postgres.admin(database_url.rpartition("/")[2]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (number_of(SETUP),))
        ansible.portal.release()
        wait_for_waiters(other, 1)
        running.send(signal.SIGTERM)
        result = running.result()
    assert result["failed"] and result["changed"] and "interrupted by SIGTERM" in result["msg"]
    assert_truthful(result)
    assert len(ansible.portal.invoices) == 1
    settle(ansible, numbers, ledger=database_url)
    judge(ansible.portal, numbers, [result], kills=1)
