# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_outcome
short_description: Show a host its own outcome of a batch
version_added: 0.1.0
description:
  - Shows what M(pbxops.yeastar.yeastar_pce_batch) has decided and ordered for this host, as C(ok), C(changed) or
    C(failed), with its own message and diff. Sends nothing.
author:
  - The pbxops.yeastar authors (@pbxops)
options:
  batch:
    description: The name of the variable that the batch has been registered in.
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    support: full
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  action_group:
    support: none
    description: It takes no connection options.
"""

EXAMPLES = r"""
- name: Show the outcome of this PBX
  pbxops.yeastar.yeastar_pce_outcome:
    batch: pce_renewal_batch
"""

RETURN = r"""
state:
  description: The state of this PBX, as in M(pbxops.yeastar.yeastar_pce_renewal).
  returned: success
  type: str
  sample: renewed
reason:
  description: Why it is in this state, as a code.
  returned: success
  type: str
  sample: expiry_moved
expires_before:
  description: When the subscription expired before this run.
  returned: success
  type: str
  sample: "2026-12-05T00:00:00Z"
expires_after:
  description: When it expires now, or would. Null where that does not apply.
  returned: success
  type: str
  sample: "2027-12-05T00:00:00Z"
order:
  description: The order that was accepted, or that is open already. Null when there is none.
  returned: success
  type: dict
"""
