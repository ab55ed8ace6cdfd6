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
        INI inventory it needs two pairs of quotes, one inside the other.
      - Exactly one of O(product_no) and O(subscriptions) is required.
    type: raw
  subscriptions:
    description:
      - Several PBXs, each with its serial number and what is declared for it.
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
      auto_renewal:
        description: See O(auto_renewal).
        type: bool
  plan:
    description:
      - The plan, by name or id. Like every declared value it is compared with what the portal reports, and used instead
        if the portal does not report the value or reports it in a form that cannot be read. If fields disagree, it must
        match one of them. A contradiction blocks the PBX.
      - If the id or name that the portal reports for a PBX does not lead to exactly one plan of the catalog, the
        declared one decides. Only an id can replace an id or a name that the catalog does not have. The same applies to
        O(services).
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
      - May be omitted only if the account has exactly one billing contact.
    type: str
  expected_expiry:
    description:
      - Renew only if the subscription still expires at this instant. Protects against acting on outdated information.
      - Needs O(product_no).
    type: str
  remaining_days:
    description:
      - A subscription is due when it has at most this many days left. Must be shorter than its billing cycle.
      - The default is 30 for an annual and 7 for a monthly cycle.
    type: int
  po_number:
    description:
      - A purchase order number for the order.
      - The default is a tag such as V(RN20261205-1f0c9a3e), derived from the PBX, the expiry that is renewed and the
        terms. It identifies the order later, even to a controller that has lost its ledger.
      - Needs O(product_no).
    type: str
  auto_renewal:
    description:
      - Whether the portal renews the PBX by itself. With V(true) the PBX is left alone, since an order would pay for it
        twice.
      - The portal is asked before each order, also in a plan and in check mode. Like every declared value this one is
        compared with the portal's answer, and used instead if the portal gives none.
      - Needs O(product_no).
    type: bool
  include_expired:
    description:
      - Whether a subscription that has already expired is renewed as well.
    type: bool
    default: false
  max_orders:
    description:
      - The largest number of orders that this run may send, together with every other task that has the same O(run_id)
        and shares the ledger. Every order counts, also each term of a PBX that is renewed for several terms. If more
        are due, this task orders nothing at all.
      - Without it a task with O(product_no) sends at most one order each time it runs; with C(until), in each attempt.
        Required with O(subscriptions), where this cap is your confirmation.
    type: int
  max_total:
    description:
      - The largest total that the orders of this run may cost, counted as for O(max_orders). Above it, this task orders
        nothing at all.
    type: str
  max_amount_per_item:
    description:
      - The largest amount that the renewal of one PBX may cost. Above it, that PBX is blocked.
    type: str
  max_price_increase_percent:
    description:
      - By how much, in percent, the price of a PBX may exceed its previous price. V(0) means not at all. A lower price
        is always allowed.
      - When a saved plan is applied, the previous price is the approved one. Without this option, any other price is
        refused. O(max_total) and O(max_amount_per_item) of the plan still apply.
      - Otherwise the previous price is that of the renewal that led to the current term, from the ledger. It must have
        been for the same plan, services, number of extensions and cycle. The ledger has a price only if it was
        requested, that is, with a price limit, O(on_unknown_price=block) or a saved plan.
      - Without such a price, or with one in another currency, O(on_unknown_price) decides.
    type: str
  currency:
    description:
      - The currency that prices must have, such as V(USD).
    type: str
  on_unknown_price:
    description:
      - What to do about a PBX whose price cannot be determined, or whose last price is not known but
        O(max_price_increase_percent) needs it.
      - The default is V(block) if O(max_total), O(max_amount_per_item), O(max_price_increase_percent) or O(currency) is
        set, and V(allow) otherwise.
    type: str
    choices: [allow, block]
  on_unknown_auto_renewal:
    description:
      - What to do about a PBX if neither the portal nor O(auto_renewal) says whether the portal renews it by itself.
      - With V(allow) it is ordered, and message and diff say that this is not known. With V(block) it is V(blocked).
    type: str
    choices: [allow, block]
    default: allow
  term_starts:
    description:
      - From when the portal counts the new term.
      - With V(expiry), the new term follows the old one. If the expiry shows otherwise after an order, the PBX is
        V(failed) and the run sends no further orders. If the term counts from the order, the message says so.
      - With V(order), a term that counts from the day of the order is accepted as well, and plan, diff and report show
        the lost days of the old term. With fewer O(remaining_days), fewer days are lost.
    type: str
    choices: [expiry, order]
    default: expiry
    version_added: 0.2.0
  ledger:
    description:
      - Where runs record what they are about to order and what became of it, so that no run orders it again.
      - The path of an SQLite file, absolute or beginning with C(~); or a C(postgresql://) address, for controllers that
        share one; or V(none). Nothing else is accepted.
      - V(none) is less safe. Only what the portal shows then prevents a later run from ordering again, and nothing
        prevents two simultaneous runs from both ordering.
      - The default is C(pbxops.yeastar/ledger.sqlite3) in the directory that E(XDG_STATE_HOME) names, or else in
        C(~/.local/state). It is created when needed. It belongs to the user the task runs as, so with C(become) it is a
        different one.
      - Nothing is ordered with a file on a network file system, or one that anyone but its owner may write to.
      - PostgreSQL needs the Python library psycopg, version 3. If another server is to take over, make it a synchronous
        standby. After a failover, which may lose records, nothing is ordered until O(settle_window) is over.
      - Its entries belong to the address of the portal. The spelling of O(base_url) does not matter (case, default
        port, trailing dot or slash, C(localhost) or C(127.0.0.1) or C([::1])); a different host name is a different
        portal.
    type: str
  ledger_password:
    description:
      - The password of the user in a ledger in PostgreSQL. It is never accepted in the address, which is logged and
        shown.
      - Without it, libpq takes it from E(PGPASSWORD) or from a passfile, such as C(~/.pgpass).
    type: str
  run_id:
    description:
      - The name of the run that O(max_orders) and O(max_total) apply to. Give all slices of a job the same name and
        each job a different one, since the orders of a run count for as long as the ledger is kept.
      - By default all tasks of a play are one run. An empty string is refused, as for every limit, since otherwise a
        pipeline variable that is not set would give each job its own cap.
    type: str
  settle_window:
    description:
      - How long, in seconds, the portal may take to show an order that it has accepted. An uncertain order that is
        still not visible after that counts as not accepted and may be tried again, but not before.
    type: int
    default: 900
  wait_timeout:
    description:
      - How long, in seconds, to keep checking orders that are uncertain, or accepted but not yet visible in the expiry.
        After that the PBX is V(unknown) or V(pending).
    type: int
    default: 300
  concurrency:
    description:
      - How many requests may be in progress at once, 1 to 64. Never more than one of them orders the same PBX.
      - With 1, everything is done in turn. The vendor's rate limits are not known. If the portal answers with 429, all
        requests slow down.
    type: int
    default: 4
  now:
    description:
      - Decide as if it were this instant. For tests only.
    type: str
"""
