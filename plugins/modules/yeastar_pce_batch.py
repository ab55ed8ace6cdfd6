# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_batch
short_description: Decide and order for all hosts of a play's batch in one call
version_added: 0.1.0
description:
  - Collects the C(pce_renewal_*) variables of every host of the batch and calls
    M(pbxops.yeastar.yeastar_pce_renewal) or M(pbxops.yeastar.yeastar_pce_plan) once for all of them.
  - It is the engine of the role P(pbxops.yeastar.pce_renewal#role), which is what you should use.
    M(pbxops.yeastar.yeastar_pce_outcome) then shows each host its own outcome.
  - It runs once for a batch, and cannot be used with the strategy C(free).
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  plan_only:
    description: Whether to decide only.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff is shown by M(pbxops.yeastar.yeastar_pce_outcome).
"""

EXAMPLES = r"""
- name: Decide and order once for all hosts of the batch
  pbxops.yeastar.yeastar_pce_batch:
  delegate_to: localhost
  register: pce_renewal_batch

- name: Show the outcome of this PBX
  pbxops.yeastar.yeastar_pce_outcome:
    batch: pce_renewal_batch
"""

RETURN = r"""
outcomes:
  description:
    - For each host, its entry of the results of M(pbxops.yeastar.yeastar_pce_renewal), and its diff.
    - A failure that no host can show as its own, such as refused credentials, fails this task instead.
  returned: success
  type: dict
requests:
  description: How many requests were sent. C(read) counts GET, C(write) orders, C(token) logins.
  returned: success
  type: dict
  sample: {read: 7, write: 1, token: 1}
"""
