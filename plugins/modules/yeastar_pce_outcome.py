# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_outcome
short_description: Decide and order for a whole batch of a play at once, and show the outcome for this host
version_added: 0.1.0
description:
  - The first host that reaches this task decides and orders for all hosts that have registered a request with
    M(pbxops.yeastar.yeastar_pce_request), on the controller and in one run, as M(pbxops.yeastar.yeastar_pce_renewal) or
    M(pbxops.yeastar.yeastar_pce_plan) would. Then every host shows its own outcome, as C(ok), C(changed) or C(failed),
    with its own message and diff.
  - It must have the same C(when) and C(check_mode) as the request before it, and no C(loop), C(until) or C(run_once).
  - It is the second half of the role P(pbxops.yeastar.pce_renewal#role), which is what you should use.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: If the request only plans, nothing changes, so C(ansible-playbook --diff) does not print the diff.
"""

EXAMPLES = r"""
- name: Collect what is declared for this PBX
  pbxops.yeastar.yeastar_pce_request:
    plan_only: true
  register: pce_renewal_request

- name: Decide, order nothing, and show what was decided about this PBX
  pbxops.yeastar.yeastar_pce_outcome:
"""

RETURN = r"""
state:
  description: The state of this PBX, as in M(pbxops.yeastar.yeastar_pce_renewal).
  returned: always, once the portal has been read
  type: str
  sample: renewed
reason:
  description: Why it is in this state, as a code.
  returned: always, once the portal has been read
  type: str
  sample: expiry_moved
expires_before:
  description: When the subscription expired before this run.
  returned: always, once the portal has been read
  type: str
  sample: "2026-12-05T00:00:00Z"
expires_after:
  description: When it expires now, or would expire. Null if that does not apply.
  returned: always, once the portal has been read
  type: str
  sample: "2027-12-05T00:00:00Z"
msg:
  description: Why it is in this state, and what to do, in words. Also why the whole batch was not run, if it was not.
  returned: always
  type: str
diff:
  description: Before and after of this PBX if it changes or would change, in terms of the options. Else empty.
  returned: always, once the portal has been read
  type: list
  elements: dict
saved_plan:
  description:
    - The plan that was saved for the whole batch, as M(pbxops.yeastar.yeastar_pce_plan) returns it, with C(dest),
      C(digest), C(valid_until), C(has_changes), C(totals) and C(unknown_prices).
  returned: when a plan is saved
  type: dict
order:
  description: The order that was accepted, or that is already open. Null if there is none.
  returned: always, once the portal has been read
  type: dict
"""
