# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_renewal
short_description: Renew Yeastar Cloud PBX subscriptions that are about to expire
version_added: 0.1.0
description:
  - Ensures that every named P-Series Cloud PBX (PCE Instance) has more than O(remaining_days) days left, by renewing
    its plan and all its services in one order.
  - Each accepted order costs money and cannot be undone. An order is recorded in a ledger before it is sent, sent once,
    and never repeated. If its outcome is not certain, no further orders are sent, and the module watches the portal's
    orders and the expiry. If they do not settle it, the PBX is V(unknown), the message names the next step, and later
    runs settle it.
  - A PBX whose terms cannot be determined, or contradict your declarations, is never ordered.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.renewal
  - pbxops.yeastar.attributes
options:
  plan_file:
    description:
      - A plan saved by M(pbxops.yeastar.yeastar_pce_plan), instead of O(product_no) and O(subscriptions).
      - Exactly what it says is bought, or nothing. The file is refused if it is not byte for byte what was saved,
        contradicts itself, has expired, was applied before, or was made for another portal or account. An item whose
        expiry, terms, contact or price has changed since is V(blocked).
      - With only O(access_token), a plan is bound to the account only by its serial numbers and contacts. Set
        O(client_id) as well.
    type: path
  plan_digest:
    description: The approved digest. Required with O(plan_file).
    type: str
attributes:
  check_mode:
    support: full
    details: Every precondition is checked against the portal. The connection used has no way to send an order.
  diff_mode:
    support: full
notes:
  - Running it again is safe as long as the ledger is kept. With O(ledger=none), look in the portal first after
    V(unknown).
  - Before each order it checks that its task is still waiting for it, and sends no further orders if Ansible was killed
    or the task's C(timeout) is over. A module on another host notices only a lost connection. As long as the connection
    exists, it continues, so run it on the controller, with C(delegate_to=localhost). With C(async) it also continues.
seealso:
  - module: pbxops.yeastar.yeastar_pce_plan
  - module: pbxops.yeastar.yeastar_pce_ledger
  - module: pbxops.yeastar.yeastar_pce_info
"""

EXAMPLES = r"""
- name: Renew one PBX when it has at most 30 days left
  pbxops.yeastar.yeastar_pce_renewal:
    product_no: "3658B431119665QJ"

- name: Renew what is due, with at most five orders, and only if the terms are as expected
  pbxops.yeastar.yeastar_pce_renewal:
    subscriptions:
      - product_no: "3658B431119665QJ"
        plan: Enterprise Plan
        services: [High Availability]
        quantity: 100
        billing_cycle: annually
        po_number: PO-2026-117
    billing_contact: billing@example.com
    max_orders: 5
  register: renewal

- name: Save a plan
  pbxops.yeastar.yeastar_pce_plan:
    product_no: "3658B431119665QJ"
    dest: renewal-plan.json
  register: saved_plan

- name: Buy what was approved, or nothing
  pbxops.yeastar.yeastar_pce_renewal:
    plan_file: renewal-plan.json
    plan_digest: "{{ saved_plan.digest }}"

- name: Show the order numbers
  ansible.builtin.debug:
    msg: "{{ renewal.results | selectattr('order') | map(attribute='order.order_no') }}"
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
        - V(renewed), V(due) (in check mode, would be ordered), V(current) (enough time left), V(skipped) (the portal
          renews it itself), V(pending) (ordered and not yet confirmed), V(blocked), V(failed), V(unknown) (may have
          been ordered; the message names the next step) or V(not_attempted) (a cap or an earlier failure stopped the
          run).
      type: str
      returned: success
    reason:
      description: Why it is in this state, as a code.
      type: str
      returned: success
      sample: expiry_moved
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
      description: When it expires after the renewal (V(renewed)), or would (V(due)). Null otherwise.
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
      description: The order that was accepted, or that is already open. Null if there is none.
      type: dict
      returned: success
      sample:
        order_no: BN3206243356000391168
        transaction_no: QO3206243357577449473
        status: succeed
        po_number: null
    changed:
      description:
        - Whether an order for this PBX was accepted or may have been; in check mode, whether one would be sent.
      type: bool
      returned: success
summary:
  description: How many PBXs are in each state.
  returned: always, once the portal has been read
  type: dict
  sample: {renewed: 1, due: 0, current: 5, skipped: 0, pending: 0, blocked: 0, failed: 0, unknown: 0, not_attempted: 0}
requests:
  description: How many requests were sent. C(read) counts GET, C(write) orders, C(token) logins.
  returned: always, once the options are accepted
  type: dict
  sample: {read: 6, write: 1, token: 1}
diff:
  description: Before and after of each PBX that changes, or would change in check mode, in terms of the options.
  returned: always, once the portal has been read
  type: list
  elements: dict
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._argument_specs import (
    APPLY_OPTIONS,
    APPLY_RULES,
    CONNECTION_OPTIONS,
    RENEWAL_OPTIONS,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._runner import Module, Runner


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={**CONNECTION_OPTIONS, **RENEWAL_OPTIONS, **APPLY_OPTIONS},
        **APPLY_RULES,
    )
    with Runner(module) as runner:
        runner.exit_with(runner.job.renew(module.check_mode))


if __name__ == "__main__":
    main()
