# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_request
short_description: Register what is declared for this PBX in a batch
version_added: 0.1.0
description:
  - Reads and validates the C(pce_renewal_*) variables of its host, so that an error in them fails only that host. Sends
    nothing.
  - It is the first half of the role P(pbxops.yeastar.pce_renewal#role), which is what you should use.
    M(pbxops.yeastar.yeastar_pce_outcome) is the second half. Both must be in the same list of tasks, and the result of
    this one must be registered as C(pce_renewal_request).
  - A host that skips this task because of a C(when), a C(rescue) or a failure is neither decided about nor ordered.
  - Needs the strategy C(linear) (or C(debug)), since with others there may be no batch to hold a cap against.
  - Must run for every host, so C(run_once) is refused, on the task and on every block, include or play around it.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  plan_only:
    description: Whether the batch only decides and orders nothing. It must be the same for every host.
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
- name: Collect what is declared for this PBX
  pbxops.yeastar.yeastar_pce_request:
  register: pce_renewal_request

- name: Decide, order, and show what became of this PBX
  pbxops.yeastar.yeastar_pce_outcome:
"""

RETURN = r"""
request:
  description: What is declared for this host, without secrets.
  returned: success
  type: dict
"""
