# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_info
short_description: Read Yeastar Cloud PBX subscriptions, plans, billing contacts and orders
version_added: 0.1.0
description:
  - Reads your P-Series Cloud PBXs (PCE Instances) from the Partner Portal and changes nothing.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  gather:
    description:
      - What to read.
      - V(auto_renewal) asks the portal for each of the returned subscriptions whether it renews it by itself, and shows
        that in RV(subscriptions). It takes a request for each PBX, so it is only done on demand.
    type: list
    elements: str
    choices: [subscriptions, auto_renewal, catalog, billing_contacts, orders]
    default: [subscriptions]
  product_no:
    description:
      - The serial number of a PBX, or a list of serial numbers, quoted. Only these subscriptions and their orders are
        returned.
      - If V(subscriptions) are read, a serial number that is not in the account is an error.
      - An order is also returned if neither the list nor its details say which PBX it is for.
    type: raw
  expires_within:
    description:
      - Return only subscriptions that expire within this many days or have expired, and those whose expiry cannot be
        determined.
    type: int
  plan:
    description:
      - Return only subscriptions with this plan, by name or id, and those whose plan cannot be determined.
    type: str
  raw:
    description:
      - Also return the portal's own rows, with secrets and activation codes masked, and with integers above 2^53 as
        strings. They show the field names for O(field_map).
      - Details are included only for the PBXs in O(product_no), since each takes a request. Details that the portal
        refuses are V(null).
    type: bool
    default: false
  ledger_password:
    description:
      - The password of a ledger in PostgreSQL. It is hidden wherever the portal repeats it.
      - It is not used for anything else.
    type: str
    version_added: 0.2.0
  concurrency:
    description:
      - How many requests may be in progress at once, 1 to 64.
      - The vendor's rate limits are not known. If the portal answers with 429, all requests slow down.
    type: int
    default: 4
  now:
    description:
      - Count days as if it were this instant. For tests only.
    type: str
notes:
  - Text from the portal is returned as one line. Characters that a terminal would act on or a reader would not see are
    written as C(�) with their decimal number in parentheses, 27 for ESC, also in rows and keys of O(raw). Names and
    comments are cut after 1000 characters.
attributes:
  check_mode:
    support: full
    details: This module never changes anything.
  diff_mode:
    support: N/A
    details: This module never changes anything.
"""

EXAMPLES = r"""
- name: Read every subscription of the account
  pbxops.yeastar.yeastar_pce_info:
  register: account

- name: List what expires within a month
  ansible.builtin.debug:
    msg: >-
      {{ account.subscriptions | rejectattr('days_left', 'none') | selectattr('days_left', 'le', 30)
      | map(attribute='product_no') }}

- name: Ask of one PBX whether the portal renews it by itself
  pbxops.yeastar.yeastar_pce_info:
    gather: [auto_renewal]
    product_no: "3658B431119665QJ"

- name: Read what can be ordered, and who may receive invoices
  pbxops.yeastar.yeastar_pce_info:
    gather: [catalog, billing_contacts]

- name: See the portal's own field names, on the first day
  pbxops.yeastar.yeastar_pce_info:
    product_no: "3658B431119665QJ"
    raw: true
  register: first_look
"""

RETURN = r"""
subscriptions:
  description: The matching subscriptions, sorted by serial number. Values that cannot be determined are null.
  returned: when O(gather) has V(subscriptions) or V(auto_renewal)
  type: list
  elements: dict
  sample:
    - product_no: 3658B431119665QJ
      expires_at: "2026-12-05T00:00:00Z"
      expires_between: {earliest: "2026-12-04T10:00:00Z", latest: "2026-12-06T12:00:00Z", time_zone: null}
      days_left: 12
      plan: Enterprise Plan
      plan_id: "3048571730026938368"
      services: [High Availability]
      service_ids: ["3048573935752720384"]
      quantity: 100
      billing_cycle: annually
      auto_renewal: false
      pending_plan: null
      activation_status: activated
      comment: Head office
      other_expiries: {}
      undetermined: {}
  contains:
    expires_between:
      description:
        - The earliest and the latest possible expiry, V(earliest) and V(latest) in UTC, with V(time_zone), if the
          portal reports it without a zone or as a date only. V(time_zone) is that of O(time_zone), and null if that is
          not set.
        - Null if the portal reports an exact expiry, or none.
      type: dict
      returned: success
      sample: {earliest: "2026-12-04T10:00:00Z", latest: "2026-12-06T12:00:00Z", time_zone: null}
    auto_renewal:
      description:
        - Whether the portal renews the PBX by itself, according to its row. With V(auto_renewal) in O(gather),
          according to its row or the portal's answer; if either says that it is on, it is on.
      type: bool
      returned: success
    other_expiries:
      description:
        - Every other expiry in the row of the PBX, by the name of its field, such as that of recording. The field of a
          service is prefixed with the name of the service.
        - They have no effect. A service is renewed with its plan.
      type: dict
      returned: success
    undetermined:
      description: For each value that cannot be determined, what was tried, what was seen, and the lines to write.
      type: dict
      returned: success
catalog:
  description: The plans and services that can be ordered.
  returned: when O(gather) has V(catalog)
  type: dict
  sample:
    plans:
      - {id: "3048571730026938368", name: Enterprise Plan, pricing_id: "3048571730026938999"}
    services:
      - {id: "3048573935752720384", name: High Availability, pricing_id: "3048573935752720999", plan_id: null}
billing_contacts:
  description: The billing contacts of the account.
  returned: when O(gather) has V(billing_contacts)
  type: list
  elements: dict
  sample:
    - {billing_contact_id: "3197218168379846218", email: billing@example.com, name: "", company: Example}
orders:
  description: The orders of the account, in the order in which the portal lists them.
  returned: when O(gather) has V(orders)
  type: list
  elements: dict
  sample:
    - order_id: "3206243356000391169"
      order_no: BN3206243356000391168
      status: succeed
      created_at: "2026-11-23T18:00:00Z"
      product_no: 3658B431119665QJ
      po_number: null
raw:
  description: The portal's own rows for everything in O(gather), masked.
  returned: when O(raw) is true
  type: dict
requests:
  description: How many requests were sent. C(read) counts GET, C(write) orders, C(token) logins.
  returned: always, once the options are accepted
  type: dict
  sample: {read: 4, write: 0, token: 1}
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._argument_specs import CONNECTION_OPTIONS, INFO_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._info import gather
from ansible_collections.pbxops.yeastar.plugins.module_utils._options import filters_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._runner import Module, Runner


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={**CONNECTION_OPTIONS, **INFO_OPTIONS})
    with Runner(module) as runner:
        filters = filters_of(module.params)
        wanted, raw = set(module.params["gather"]), module.params["raw"]
        runner.exit(**gather(runner.job.portal(), wanted, filters, raw, runner.job.warn))


if __name__ == "__main__":
    main()
