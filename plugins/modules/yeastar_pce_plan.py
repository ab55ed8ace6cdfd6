# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_plan
short_description: Decide which Yeastar Cloud PBX subscriptions a renewal would order
version_added: 0.1.0
description:
  - Decides, for each named P-Series Cloud PBX (PCE Instance), what M(pbxops.yeastar.yeastar_pce_renewal) would do now,
    and changes nothing.
  - Every precondition is checked against the portal, so a PBX that is reported as V(due) would be ordered.
  - The plan can be saved as a file, for a person or a policy to approve. M(pbxops.yeastar.yeastar_pce_renewal) then
    buys exactly that, or nothing.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.renewal
  - pbxops.yeastar.attributes
options:
  dest:
    description:
      - Where to save the plan, as JSON that only the user can read. An existing file is replaced atomically.
      - The prices of due PBXs are then requested. Nothing is saved in check mode, or if O(max_orders) or O(max_total)
        is exceeded. PBXs that are due and not blocked are saved even if the task fails because of others.
    type: path
  valid_for:
    description: For how many seconds the saved plan may be applied, at most 604800 (7 days).
    type: int
    default: 86400
  prices_only:
    description:
      - Request what renewals would cost, but not whether the portal renews the PBXs by itself, which takes a request
        for each PBX. For reports about PBXs that are not due yet. Such a plan cannot be saved.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: This module never changes anything at the portal. In check mode it saves no plan either.
  diff_mode:
    support: full
    details: The diff is returned; since nothing changes, C(ansible-playbook --diff) does not print it.
seealso:
  - module: pbxops.yeastar.yeastar_pce_renewal
"""

EXAMPLES = r"""
- name: Decide about one PBX
  pbxops.yeastar.yeastar_pce_plan:
    product_no: "3658B431119665QJ"
  register: renewal_plan

- name: Decide about several PBXs, with declared values
  pbxops.yeastar.yeastar_pce_plan:
    subscriptions:
      - product_no: "3658B431119665QJ"
        plan: Enterprise Plan
        services: [High Availability]
        quantity: 100
        billing_cycle: annually
    remaining_days: 45
    max_orders: 1
  register: renewal_plan

- name: Save the plan, to be approved by its digest
  pbxops.yeastar.yeastar_pce_plan:
    subscriptions:
      - product_no: "3658B431119665QJ"
    max_orders: 1
    dest: renewal-plan.json
  register: saved_plan

- name: Show what would be ordered
  ansible.builtin.debug:
    msg: "{{ renewal_plan.results | selectattr('state', 'equalto', 'due') | map(attribute='message') }}"
"""

RETURN = r"""
results:
  description: One entry for each PBX, sorted by serial number. Also returned when the task fails.
  returned: always, once the portal has been read
  type: list
  elements: dict
  contains:
    product_no:
      description: The serial number.
      type: str
      returned: success
    state:
      description:
        - V(due) (would be ordered), V(current) (enough time left), V(skipped) (the portal renews it itself), V(pending)
          (an order is open), V(blocked), V(failed), V(unknown) (an earlier run may have ordered it) or V(not_attempted)
          (a cap stopped the run).
      type: str
      returned: success
    reason:
      description: Why it is in this state, as a code.
      type: str
      returned: success
      sample: in_window
    message:
      description: Why it is in this state, and what to do, in words.
      type: str
      returned: success
    expires_before:
      description: When the subscription expired before this task. ISO 8601, UTC.
      type: str
      returned: success
      sample: "2026-12-05T00:00:00Z"
    expires_between:
      description:
        - The earliest and the latest possible expiry, V(earliest) and V(latest) in UTC, with V(time_zone), if the
          portal reports it without a zone or as a date only. V(time_zone) is that of O(time_zone), and null if that is
          not set.
        - Null if the portal reports an exact expiry, or none.
      type: dict
      returned: success
      sample: {earliest: "2026-12-04T10:00:00Z", latest: "2026-12-06T12:00:00Z", time_zone: null}
    expires_after:
      description: When it would expire after a renewal, for a PBX that is V(due). Null otherwise.
      type: str
      returned: success
      sample: "2027-12-05T00:00:00Z"
    days_left:
      description: Whole days left before this task, negative if expired.
      type: int
      returned: success
      sample: 12
    days_lost:
      description: How many days of the running term are lost, with O(term_starts=order) and an order. Null otherwise.
      type: int
      returned: success
      sample: null
    plan:
      description: The name of the plan, or its id if the name is not known.
      type: str
      returned: success
      sample: Enterprise Plan
    services:
      description: The names of the services.
      type: list
      elements: str
      returned: success
      sample: [High Availability]
    quantity:
      description: The number of extensions.
      type: int
      returned: success
      sample: 100
    billing_cycle:
      description: The billing cycle.
      type: str
      returned: success
      sample: annually
    auto_renewal:
      description:
        - Whether the portal renews the PBX by itself. The portal is asked only if the PBX would otherwise be ordered.
          Null if it is not known.
      type: bool
      returned: success
      sample: false
    price:
      description:
        - The price of the renewal, as C(amount) (a string) and C(currency). Null if it was not requested or is not
          known.
      type: dict
      returned: success
      sample: {amount: "1200.00", currency: USD}
    order:
      description: The open order for this PBX. Null if there is none.
      type: dict
      returned: success
      sample:
        order_no: BN3206243356000391168
        transaction_no: QO3206243357577449473
        status: pending
        po_number: null
    changed:
      description: Always V(false), since this module changes nothing.
      type: bool
      returned: success
      sample: false
summary:
  description: How many PBXs are in each state.
  returned: always, once the portal has been read
  type: dict
  sample: {renewed: 0, due: 1, current: 5, skipped: 0, pending: 0, blocked: 0, failed: 0, unknown: 0, not_attempted: 0}
requests:
  description: How many requests were sent. C(read) counts GET, C(write) orders, C(token) logins.
  returned: always, once the options are accepted
  type: dict
  sample: {read: 5, write: 0, token: 1}
dest:
  description: Where the plan was saved.
  returned: when O(dest) is given and no cap is exceeded
  type: str
digest:
  description: The SHA-256 of the plan, which is needed to approve and apply it.
  returned: when O(dest) is given and no cap is exceeded
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
valid_until:
  description: Until when the plan may be applied. ISO 8601, UTC.
  returned: when O(dest) is given and no cap is exceeded
  type: str
has_changes:
  description: Whether the plan orders anything.
  returned: when O(dest) is given and no cap is exceeded
  type: bool
totals:
  description: The total price of the orders, in each currency, as a string.
  returned: when O(dest) is given and no cap is exceeded
  type: dict
  sample: {USD: "1680.00"}
unknown_prices:
  description: The number of orders whose price is not known and not included in RV(totals).
  returned: when O(dest) is given and no cap is exceeded
  type: int
diff:
  description: Before and after of each PBX that is V(due), in terms of the options.
  returned: always, once the portal has been read
  type: list
  elements: dict
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._argument_specs import (
    CONNECTION_OPTIONS,
    PLAN_RULES,
    PRICES_OPTIONS,
    RENEWAL_OPTIONS,
    SAVE_OPTIONS,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._runner import Module, Runner


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={**CONNECTION_OPTIONS, **RENEWAL_OPTIONS, **SAVE_OPTIONS, **PRICES_OPTIONS},
        **PLAN_RULES,
    )
    with Runner(module) as runner:
        report = runner.job.decide()
        saved = runner.job.save_plan(report, module.check_mode)
        runner.exit_with(report, **saved)


if __name__ == "__main__":
    main()
