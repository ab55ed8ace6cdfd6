# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_request
short_description: Register what is declared of this PBX for a batch
version_added: 0.1.0
description:
  - Reads the C(pce_renewal_*) variables of its host and validates them, so that what is wrong with one host fails that
    host alone. Sends nothing.
  - It is the first half of the role P(pbxops.yeastar.pce_renewal#role), which is what you should use.
    M(pbxops.yeastar.yeastar_pce_outcome) is the second half. Both must be in one list of tasks, and what this one
    returns must be registered as C(pce_renewal_request).
  - A host that a C(when), a C(rescue) or a failure keeps from this task is neither decided about nor ordered.
  - Needs the strategy C(linear) (or C(debug)), since with others there may be no batch to hold a cap against.
  - Must be run for every host, so C(run_once) is refused, at the task and at every block, include or play around it.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  plan_only:
    description: Whether the batch is to decide only. It must be the same for every host.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: This action never changes anything.
  diff_mode:
    support: N/A
    details: This action never changes anything.
"""

EXAMPLES = r"""
- name: Collect what is declared of this PBX
  pbxops.yeastar.yeastar_pce_request:
  register: pce_renewal_request

- name: Decide, order, and show what became of this PBX
  pbxops.yeastar.yeastar_pce_outcome:
"""

RETURN = r"""
request:
  description: What is declared of this host, without any secret.
  returned: success
  type: dict
"""
