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
      auto_renewal:
        description: See O(auto_renewal).
        type: bool
  plan:
    description:
      - The plan, by name or id. Like every declared value it is asserted against what can be read of the portal's
        answer, and stands in for what the portal does not report or reports in a form that cannot be read. Of fields
        that disagree it must be one. A contradiction blocks the PBX.
      - Where id or name of a PBX do not lead to one plan of the catalog, a declared one decides. Only an id stands in
        for an id or a name that the catalog does not have. The same holds for O(services).
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
      - A purchase order number for the order.
      - The default is a tag such as V(RN20261205-1f0c9a3e), derived from the PBX, the expiry that is renewed and the
        terms. By it an order is recognised later, also by a controller that has lost its ledger.
      - Needs O(product_no).
    type: str
  auto_renewal:
    description:
      - Whether the portal renews the PBX by itself. With V(true) it is left alone, since it would be paid for twice.
      - The portal is asked for this before each order, in plan and check mode as well. Like every declared value this
        one is asserted against what the portal says, and stands in where the portal says nothing.
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
        and shares the ledger. Every order counts, also each term of a PBX that is renewed for several. If more are due,
        this task orders nothing at all.
      - Without it a task with O(product_no) sends at most one order each time it runs; with C(until), that is each
        attempt. Required with O(subscriptions), since this cap is the confirmation.
    type: int
  max_total:
    description:
      - The largest sum that the orders of this run may cost, each of them counted as for O(max_orders). Above it, this
        task orders nothing at all.
    type: str
  max_amount_per_item:
    description:
      - The largest amount that the renewal of one PBX may cost. Above it, that PBX is blocked.
    type: str
  max_price_increase_percent:
    description:
      - By how much, in percent, the price of a PBX may exceed the price it had before. V(0) means not at all. A lower
        price is always within it.
      - When a saved plan is applied, it counts from the price that was approved, and allows what otherwise is refused,
        namely any price but that one. O(max_total) and O(max_amount_per_item) of the plan then hold as well.
      - Otherwise it counts from the price of the renewal that led to the current term, as noted in the ledger. It must
        have been of the same plan, services, number of extensions and cycle. A ledger notes prices that were asked for,
        that is with a price limit, O(on_unknown_price=block) or a saved plan.
      - Without such a price, or with one in another currency, O(on_unknown_price) says what is to happen.
    type: str
  currency:
    description:
      - The currency that prices must have, such as V(USD).
    type: str
  on_unknown_price:
    description:
      - What to do about a PBX whose price the portal does not tell in a form that is understood, or whose last price
        is not known where O(max_price_increase_percent) needs it.
      - The default is V(block) as soon as O(max_total), O(max_amount_per_item), O(max_price_increase_percent) or
        O(currency) is set, and V(allow) otherwise.
    type: str
    choices: [allow, block]
  on_unknown_auto_renewal:
    description:
      - What to do about a PBX where neither the portal nor O(auto_renewal) says whether the portal renews it by itself.
      - With V(allow) it is ordered, and message and diff say that it is not known. With V(block) it is V(blocked).
    type: str
    choices: [allow, block]
    default: allow
  term_starts:
    description:
      - From when the portal counts the new term.
      - With V(expiry), the new term follows the old one. An order after which the expiry shows otherwise is V(failed).
        Its message says so if the term counts from the order, and the run orders no more.
      - With V(order), a term that counts from the day of the order is accepted as well, and plan, diff and report show
        the days of the old term that are lost. A later O(remaining_days) loses fewer.
    type: str
    choices: [expiry, order]
    default: expiry
    version_added: 0.2.0
  ledger:
    description:
      - Where it is noted what was meant to be ordered and what has become of it, so that no run orders it again.
      - The path of a SQLite file, absolute or beginning with C(~); or a C(postgresql://) address, for controllers that
        share one; or V(none). Nothing else is accepted.
      - V(none) promises less, for then only what the portal shows keeps a later run from ordering again, and nothing
        keeps two runs from ordering at once.
      - The default is C(pbxops.yeastar/ledger.sqlite3) in the directory that E(XDG_STATE_HOME) names, or else in
        C(~/.local/state). It is made when it is needed. It is that of the user whom the task runs as, so with C(become)
        it is another one.
      - Nothing is ordered with a file on a network file system, or one that others than its owner may write to.
      - PostgreSQL needs the Python library psycopg, version 3. If another server is to take over, let it be a
        synchronous standby. After a failover, which may lose notes, nothing is ordered until O(settle_window) is over.
      - What it holds belongs to the address of the portal. How O(base_url) is spelled does not matter (case, default
        port, last dot or slash, C(localhost) or C(127.0.0.1) or C([::1])); another host name is another portal.
    type: str
  ledger_password:
    description:
      - The password of the user in a ledger in PostgreSQL. It is never accepted in the address, which is logged and
        shown.
      - Without it, libpq takes it from E(PGPASSWORD) or from a passfile, such as C(~/.pgpass).
    type: str
  run_id:
    description:
      - What names the run that O(max_orders) and O(max_total) hold for. Give the slices of one job the same, and each
        job one of its own, since the orders of a run count for as long as the ledger is kept.
      - By default all tasks of a play are one run. An empty text is refused, as it is for every limit, since a variable
        of a pipeline that is not set would otherwise give each of its jobs a cap of its own.
    type: str
  settle_window:
    description:
      - How long, in seconds, the portal may take to show an order that it has accepted. An order of uncertain fate that
        still does not show after that was not taken, and may be tried again; before that, it is not.
    type: int
    default: 900
  wait_timeout:
    description:
      - How long, in seconds, to follow orders that are uncertain, or accepted without the new expiry showing yet. What
        does not show by then is V(unknown) or V(pending).
    type: int
    default: 300
  concurrency:
    description:
      - How many requests may be under way at once, 1 to 64. Of one PBX, never more than one of them orders.
      - With 1, everything is done in turn. The vendor's rate limits are not known; a portal that asks for less (429)
        slows all of them down.
    type: int
    default: 4
  now:
    description:
      - Decide as if it were this instant. For tests only.
    type: str
"""
