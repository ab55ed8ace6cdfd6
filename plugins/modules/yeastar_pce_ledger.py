# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: yeastar_pce_ledger
short_description: Show what the ledger of renewals holds, and settle an entry by hand
version_added: 0.2.0
description:
  - Shows the intents in the ledger of M(pbxops.yeastar.yeastar_pce_renewal), what was meant to be ordered and what
    has become of it.
  - Settles an intent that the portal's evidence does not settle, by the word of a person who has looked in the portal.
    Renewals settle all others by themselves.
  - Notes that an order of the portal is no renewal, such as an expansion, so that it does not keep a PBX from being
    renewed (reason C(recent_order)).
  - Reads and changes the ledger alone. Nothing is sent to the portal.
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
      - The expiry that the intent is to renew from, if the PBX has more than one intent that is not settled.
    type: str
  outcome:
    description:
      - V(ordered), it was ordered, so this expiry is never ordered again.
      - V(not_ordered), nothing was bought, so the next run may order it. Look in the portal before you say so. It is
        refused where the ledger knows of an order, unless O(force) is set.
      - V(unrelated), the order O(order_no) is no renewal of this PBX. An intent that took that order for its own is
        unknown again.
    type: str
    choices: [ordered, not_ordered, unrelated]
  order_no:
    description: The number of the order in the portal. Needed for V(unrelated), and noted with V(ordered).
    type: str
  reason:
    description: How this is known, and to whom. It is kept in the ledger.
    type: str
  force:
    description:
      - Whether V(not_ordered) also counts against an intent that is accepted or renewed, and V(unrelated) against an
        order with which the portal itself has answered. The next run may then buy the PBX once more.
    type: bool
    default: false
    version_added: 0.2.0
  ledger:
    description:
      - Which ledger, as for M(pbxops.yeastar.yeastar_pce_renewal). Name it wherever it is not the default one of the
        user whom the task runs as. None is made by V(listed), nor to settle an intent.
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
  description: The intents, sorted by serial number and expiry; as they are after the task.
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
        - V(intended) (a run may have died while it ordered), V(unknown), V(accepted) (the expiry does not show it yet),
          V(renewed); or nothing was bought, V(not_sent), V(rejected), V(absent) (it never showed), V(dead) (its order
          came to nothing).
      type: str
      returned: success
    unsettled:
      description: Whether it keeps the PBX from being ordered until it is settled.
      type: bool
      returned: success
    generation:
      description: How often this expiry has been tried to be renewed. At most one of the attempts was accepted.
      type: int
      returned: success
    uncertain_since:
      description: Since when the order may be at the portal. ISO 8601, UTC.
      type: str
      returned: success
    po_number:
      description: The purchase order number that the order has.
      type: str
      returned: success
    price:
      description:
        - What the portal said it costs, before it was ordered. Null when it was not asked for or not known.
      type: dict
      returned: success
      sample: {amount: "1680.00", currency: USD}
    order:
      description: The order in the portal, as far as known. Null when there is none.
      type: dict
      returned: success
      sample: {order_no: BN3206243356000391168, transaction_no: QO3206243357577449473, status: succeed}
    run_id:
      description: The run that wrote it.
      type: str
      returned: success
    note:
      description: What led to the status, in words.
      type: str
      returned: success
ledger:
  description: The ledger that was read, its path, or host and database. There may not be one yet.
  returned: success
  type: str
  sample: /home/ansible/.local/state/pbxops.yeastar/ledger.sqlite3
user:
  description: The user whom the task ran as, whose default ledger that is.
  returned: success
  type: str
  sample: ansible
msg:
  description: That there is no intent, where none was found, and whether there is a ledger at all.
  returned: when RV(intents) is empty
  type: str
unrelated_orders:
  description: The numbers of orders that somebody has called no renewal.
  returned: success
  type: list
  elements: str
diff:
  description: Before and after of the intent that is settled.
  returned: when O(state=settled) changes one
  type: list
  elements: dict
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.access import ledger_in_use
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.admin import UNRELATED, keep
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.dates import Clock
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
        only_looks, clock = module.check_mode or word.outcome is None, Clock(options.now).now
        makes = word.outcome == UNRELATED
        with ledger_in_use(
            options.location, options.portal, clock, module.warn, only_looks, makes, options.password
        ) as ledger:
            result = keep(ledger, word, module.check_mode)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
