# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_ledger
short_description: Show the entries of the ledger of renewals, and settle one by hand
version_added: 0.2.0
description:
  - Shows the intents in the ledger of M(pbxops.yeastar.yeastar_pce_renewal), that is, what was to be ordered and what
    became of it.
  - Settles an intent that the portal's evidence does not settle, after a person has looked in the portal. Renewals
    settle all others by themselves.
  - Records that an order in the portal is not a renewal, such as an expansion, so that it does not block the renewal of
    a PBX (reason C(recent_order)).
  - Reads and changes only the ledger. Nothing is sent to the portal.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
options:
  state:
    description:
      - V(listed) shows the intents.
      - V(settled) settles one. Needs O(product_no), O(outcome) and O(reason).
    type: str
    choices: [listed, settled]
    default: listed
  product_no:
    description: The serial number of a PBX, quoted. Without it, the intents of all PBXs are listed.
    type: raw
  expires_at:
    description:
      - The expiry that the intent renews from. Needed if the PBX has more than one unsettled intent.
    type: str
  outcome:
    description:
      - V(ordered) means that the order was placed, so this expiry is never ordered again.
      - V(not_ordered) means that nothing was bought, so the next run may order it. Look in the portal first. It is
        refused if the ledger has an order for it, unless O(force) is set.
      - V(unrelated) means that the order O(order_no) is not a renewal of this PBX. An intent that was matched to that
        order becomes unknown again.
    type: str
    choices: [ordered, not_ordered, unrelated]
  order_no:
    description: The number of the order in the portal. Needed for V(unrelated), and recorded with V(ordered).
    type: str
  reason:
    description: How this is known, and who knows it. It is kept in the ledger.
    type: str
  force:
    description:
      - Whether V(not_ordered) may also override an intent that is accepted or renewed, and V(unrelated) an order that
        the portal itself returned when it was placed. The next run may then buy the PBX once more.
    type: bool
    default: false
    version_added: 0.2.0
  ledger:
    description:
      - Which ledger, as for M(pbxops.yeastar.yeastar_pce_renewal). Name it unless it is the default one of the user the
        task runs as. Neither V(listed) nor settling an intent creates a ledger.
    type: str
  ledger_password:
    description: The password of the user in a ledger in PostgreSQL, as for M(pbxops.yeastar.yeastar_pce_renewal).
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: pbxops.yeastar.yeastar_pce_renewal
"""

EXAMPLES = r"""
- name: Show all intents
  pbxops.yeastar.yeastar_pce_ledger:
  register: ledger

- name: Show those that are not settled
  ansible.builtin.debug:
    msg: "{{ ledger.intents | selectattr('unsettled') }}"
"""

RETURN = r"""
intents:
  description: The intents after the task, sorted by serial number and expiry.
  returned: success
  type: list
  elements: dict
  contains:
    product_no:
      description: The serial number.
      type: str
      returned: success
    expires_at:
      description: The expiry that is renewed from. ISO 8601, UTC.
      type: str
      returned: success
    status:
      description:
        - V(intended) (a run may have died while ordering), V(unknown), V(accepted) (the expiry does not show it yet) or
          V(renewed); or, if nothing was bought, V(not_sent), V(rejected), V(absent) (the order never appeared) or
          V(dead) (the order came to nothing).
      type: str
      returned: success
    unsettled:
      description: Whether it blocks orders for the PBX until it is settled.
      type: bool
      returned: success
    generation:
      description: The number of attempts to renew from this expiry. At most one of them was accepted.
      type: int
      returned: success
    uncertain_since:
      description: Since when the order may be at the portal. ISO 8601, UTC.
      type: str
      returned: success
    po_number:
      description: The purchase order number of the order.
      type: str
      returned: success
    price:
      description:
        - The price that the portal reported before the order. Null if it was not requested or not known.
      type: dict
      returned: success
      sample: {amount: "1680.00", currency: USD}
    order:
      description: The order in the portal, as far as it is known. Null if there is none.
      type: dict
      returned: success
      sample: {order_no: BN3206243356000391168, transaction_no: QO3206243357577449473, status: succeed}
    run_id:
      description: The run that wrote it.
      type: str
      returned: success
    note:
      description: How the status came about, in words.
      type: str
      returned: success
ledger:
  description: The ledger that was read, as a path, or as host and database. It may not exist yet.
  returned: success
  type: str
  sample: /home/ansible/.local/state/pbxops.yeastar/ledger.sqlite3
user:
  description: The user the task ran as, whose default ledger is used.
  returned: success
  type: str
  sample: ansible
msg:
  description: States that no intent was found, and whether a ledger exists.
  returned: when RV(intents) is empty
  type: str
unrelated_orders:
  description: The numbers of orders that somebody has declared unrelated.
  returned: success
  type: list
  elements: str
diff:
  description: The settled intent, before and after.
  returned: when O(state=settled) changes one
  type: list
  elements: dict
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import ledger_in_use
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import UNRELATED, keep
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import utc_now
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import Frame, Module
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.ledger import ledger_options_of, word_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._options.table import (
    CONNECTION_OPTIONS,
    SETTLE_OPTIONS,
    SETTLE_RULES,
)


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={**CONNECTION_OPTIONS, **SETTLE_OPTIONS}, **SETTLE_RULES)
    with Frame(module):
        word, options = word_of(module.params), ledger_options_of(module.params)
        only_looks, creates = module.check_mode or word.outcome is None, word.outcome == UNRELATED
        with ledger_in_use(
            options.location, options.portal, utc_now, module.warn, only_looks, creates, options.password
        ) as ledger:
            result = keep(ledger, word, module.check_mode)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
