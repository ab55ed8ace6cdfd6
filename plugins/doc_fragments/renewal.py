# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options and results that planning and renewing share."""

    DOCUMENTATION = r"""
options:
  product_no:
    description:
      - The serial number of one PBX. Quote it, since YAML and INI read some serial numbers as numbers. As a value in an
        INI inventory it needs two pairs of quotes, one within the other.
      - Exactly one of O(product_no) and O(subscriptions) is required.
    type: raw
  subscriptions:
    description:
      - Several PBXs, each with its serial number and what is declared of it.
      - Requires O(max_orders).
    type: list
    elements: dict
    suboptions:
      product_no:
        description: The serial number, quoted.
        type: raw
        required: true
      plan:
        description: See O(plan).
        type: str
      services:
        description: See O(services).
        type: list
        elements: str
      quantity:
        description: See O(quantity).
        type: int
      billing_cycle:
        description: See O(billing_cycle).
        type: str
        choices: [annually, monthly]
      expires_at:
        description: See O(expires_at).
        type: str
      billing_contact:
        description: See O(billing_contact).
        type: str
      expected_expiry:
        description: See O(expected_expiry).
        type: str
      remaining_days:
        description: See O(remaining_days).
        type: int
      po_number:
        description: See O(po_number).
        type: str
  plan:
    description:
      - The plan, by name or id. Like every declared value it is asserted against what the portal reports, and stands
        in for what the portal does not report. A contradiction blocks the PBX.
      - Needs O(product_no).
    type: str
  services:
    description:
      - Every service of the PBX, by name or id. An empty list declares that it has none.
      - Needs O(product_no).
    type: list
    elements: str
  quantity:
    description:
      - The number of extensions.
      - Needs O(product_no).
    type: int
  billing_cycle:
    description:
      - The billing cycle, which a renewal cannot change.
      - Needs O(product_no).
    type: str
    choices: [annually, monthly]
  expires_at:
    description:
      - When the subscription expires, as C(YYYY-MM-DD), ISO 8601 or epoch. Without a zone it is UTC.
      - Needs O(product_no).
    type: str
  billing_contact:
    description:
      - Who receives the invoice, by id or e-mail address.
      - May be left out only when the account has exactly one billing contact.
    type: str
  expected_expiry:
    description:
      - Renew only if the subscription still expires at this instant. Protects against acting on old knowledge.
      - Needs O(product_no).
    type: str
  remaining_days:
    description:
      - A subscription is due when it has at most this many days left. Must be shorter than its billing cycle.
      - The default is 30 for an annual and 7 for a monthly cycle.
    type: int
  po_number:
    description:
      - A purchase order number for the order. Sent only if given.
      - Needs O(product_no).
    type: str
  include_expired:
    description:
      - Whether a subscription that has already expired is renewed as well.
    type: bool
    default: false
  max_orders:
    description:
      - The largest number of orders that this run may send. If more are due, nothing at all is ordered.
      - The default is 1 with O(product_no). Required with O(subscriptions), since this cap is the confirmation.
    type: int
  max_total:
    description:
      - The largest sum that the orders of this run may cost. Above it, nothing at all is ordered.
    type: str
  max_amount_per_item:
    description:
      - The largest amount that the renewal of one PBX may cost. Above it, that PBX is blocked.
    type: str
  currency:
    description:
      - The currency that prices must have, such as V(USD).
    type: str
  on_unknown_price:
    description:
      - What to do about a PBX whose price the portal does not tell in a form that is understood.
      - The default is V(block) as soon as O(max_total), O(max_amount_per_item) or O(currency) is set, and V(allow)
        otherwise.
    type: str
    choices: [allow, block]
  now:
    description:
      - Decide as if it were this instant. For tests only.
    type: str
"""
