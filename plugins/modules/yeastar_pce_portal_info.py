# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_portal_info
short_description: Find out whether the portal of an account is understood, before anything is ordered
version_added: 0.2.0
description:
  - Examines the Partner Portal of one account, and says for each part what was asked, what was seen, what it means and
    what to do. It is meant for the first day with an account, and for reports about a portal that does something new.
  - It only reads. It has nothing to send orders with.
  - A failure of one part, such as a missing permission, ends no other part.
  - From the values it infers which fields have what a renewal needs, and suggests a O(field_map). Nothing that is
    inferred is used until you set it.
  - Finally it decides about the PBXs that were looked at as M(pbxops.yeastar.yeastar_pce_plan) would, with the
    suggested O(field_map) and whatever time is left.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  sample:
    description:
      - How many PBXs to look at closely, evenly spread over the product list, or V(all). Each takes a request for its
        detail and one for its auto-renewal, and one for each price.
    type: raw
    default: 5
  record:
    description:
      - Where to write a recording of all answers. Secrets are removed, and everything that identifies anyone is
        replaced by text of the same form. Nothing is written in check mode.
      - It lets you rehearse renewals on a copy of your account, and it is what to send with a report.
    type: path
  billing_contact:
    description: The id or the e-mail address of the billing contact, if the account has several.
    type: str
  ledger:
    description:
      - The ledger of the renewals, which decisions take into account. It is only read, and need not exist.
    type: str
  ledger_password:
    description: The password of the user in O(ledger).
    type: str
  concurrency:
    description: How many requests to make at the same time, from 1 to 64.
    type: int
    default: 4
  now:
    description:
      - The instant to decide for, instead of the controller's clock; for tests.
    type: str
attributes:
  check_mode:
    support: full
    details: This module changes nothing at the portal. In check mode it writes no recording either.
  diff_mode:
    support: N/A
    details: This module changes nothing.
seealso:
  - module: pbxops.yeastar.yeastar_pce_info
  - module: pbxops.yeastar.yeastar_pce_plan
"""

EXAMPLES = r"""
- name: Find out whether the portal is understood
  pbxops.yeastar.yeastar_pce_portal_info:
  register: first_contact

- name: Show the report
  ansible.builtin.debug:
    msg: "{{ first_contact.report }}"

- name: Look at every PBX, and keep a recording for a rehearsal
  pbxops.yeastar.yeastar_pce_portal_info:
    sample: all
    record: account.json
  register: first_contact
"""

RETURN = r"""
ready:
  description: Whether every PBX that was looked at could be renewed with the options as they are.
  returned: success
  type: bool
verdict:
  description: The result in one sentence.
  returned: success
  type: str
  sample: Ready. 40 of 40 could be renewed
lines:
  description: One entry for each part of the portal, in the order in which it was examined.
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The part.
      type: str
      returned: success
      sample: product_list
    standing:
      description:
        - V(ok), V(attention) (a person should know it), V(failed) (a renewal cannot rest on it) or V(not_tried).
      type: str
      returned: success
    asked:
      description: What was asked.
      type: str
      returned: success
    seen:
      description: What was seen.
      type: str
      returned: success
    means:
      description: What it means for a renewal.
      type: str
      returned: success
    next_step:
      description: What to do. Null if there is nothing to do.
      type: str
      returned: success
field_map:
  description: O(field_map) with what was inferred, ready to paste once a person has looked whether it is right.
  returned: success
  type: dict
  sample: {expires_at: subscription.validTo}
suggested:
  description: What was inferred for RV(field_map). Empty if nothing is missing, or nothing is certain.
  returned: success
  type: dict
  sample: {expires_at: subscription.validTo}
candidates:
  description: Every field that may be what O(field_map) names, best first for each concept.
  returned: success
  type: list
  elements: dict
  contains:
    concept:
      description: The key of O(field_map).
      type: str
      returned: success
    path:
      description: The field, with dots if it is nested.
      type: str
      returned: success
    matched:
      description: In how many rows or answers the value fits.
      type: int
      returned: success
    of:
      description: Of how many.
      type: int
      returned: success
    evidence:
      description: What speaks for it, in words.
      type: str
      returned: success
      sample: in 40 of 40 PBXs tariff.code is the id of a plan of the catalogue
    is_certain:
      description: Whether the values prove it and nothing else is as good.
      type: bool
      returned: success
groups:
  description:
    - How many of the PBXs that were looked at are V(ready), V(handled) (an order is open, or the portal renews them by
      itself), V(needs_declaration) or V(blocked).
  returned: success
  type: dict
  sample: {ready: 4, handled: 0, needs_declaration: 1, blocked: 0}
prospects:
  description: What a renewal today would decide about each PBX that was looked at, with RV(field_map).
  returned: success
  type: list
  elements: dict
  contains:
    product_no:
      description: The serial number.
      type: str
      returned: success
    group:
      description: One of the names in RV(groups).
      type: str
      returned: success
    needs:
      description: What has to be declared.
      type: list
      elements: str
      returned: success
    state:
      description: The state, as in M(pbxops.yeastar.yeastar_pce_plan).
      type: str
      returned: success
    reason:
      description: The reason, as in M(pbxops.yeastar.yeastar_pce_plan).
      type: str
      returned: success
    message:
      description: Why, and what to do.
      type: str
      returned: success
listed:
  description: How many PBXs the product list has.
  returned: success
  type: int
notes:
  description: What a run would warn of.
  returned: success
  type: list
  elements: str
report:
  description: All of it as lines of text.
  returned: success
  type: list
  elements: str
recording:
  description: Where the recording was written. Null if none was.
  returned: success
  type: str
requests:
  description: How many requests were sent. C(read) counts GET, C(write) orders (always 0), C(token) logins.
  returned: always, once the options are accepted
  type: dict
  sample: {read: 24, write: 0, token: 1}
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._contact.first_contact import FirstContact
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import Frame, Module
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import CONNECTION_OPTIONS, CONTACT_OPTIONS


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={**CONNECTION_OPTIONS, **CONTACT_OPTIONS})
    contact = FirstContact(module.params, module.secrets)
    with Frame(module, contact.known):
        result = contact.result(module.check_mode)
        module.exit_json(changed=False, **result, **contact.known())


if __name__ == "__main__":
    main()
