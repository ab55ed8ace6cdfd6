# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What may be bought without asking a person. The input is a plan saved by yeastar_pce_plan:
#
#   conftest test plan.json --policy examples/policies
#
# Change the limits to yours. Anything that is not known to be within them is denied. The total is added up here, order
# by order: the totals in a plan are for people.
package main

import rego.v1

max_orders := 10

# The largest amount for all orders together, and for a single order. Other currencies are denied.
max_total := {"USD": 5000}

max_amount := {"USD": 2500}

cycles := {"annually"}

# Who may receive the invoices.
billing_contacts := {"billing@example.com"}

deny contains "not a plan of version 2 as saved by yeastar_pce_plan" if not is_plan

deny contains message if {
	count(input.items) > max_orders
	message := sprintf("%d orders, but at most %d are allowed", [count(input.items), max_orders])
}

deny contains message if {
	some item in input.items
	item.price == null
	message := sprintf("%s: the price is not known", [item.product_no])
}

deny contains message if {
	some item in input.items
	item.price != null
	not max_amount[item.price.currency]
	message := sprintf("%s: prices in %s are not allowed", [item.product_no, item.price.currency])
}

deny contains message if {
	some item in input.items
	is_amount(item.price.amount)
	to_number(item.price.amount) > max_amount[item.price.currency]
	message := sprintf("%s: the price is %s %s, but at most %d is allowed", [
		item.product_no, item.price.amount, item.price.currency, max_amount[item.price.currency],
	])
}

deny contains message if {
	some currency, total in totals
	not within(total, max_total[currency])
	message := sprintf("the orders cost %v %s, which is more than allowed", [total, currency])
}

deny contains message if {
	some item in input.items
	not item.billing_cycle in cycles
	message := sprintf("%s: the billing cycle %s is not allowed", [item.product_no, item.billing_cycle])
}

deny contains message if {
	some item in input.items
	not item.billing_contact_email in billing_contacts
	message := sprintf("%s: billing contact %s is not allowed", [item.product_no, item.billing_contact_id])
}

warn contains "expired subscriptions are renewed as well" if input.policy.include_expired

# Amounts have up to six decimals, and sums of millionths are exact.
totals[currency] := round(sum(millionths)) / 1000000 if {
	some currency in {item.price.currency | some item in input.items; is_amount(item.price.amount)}
	millionths := [round(to_number(item.price.amount) * 1000000) |
		some item in input.items
		item.price.currency == currency
		is_amount(item.price.amount)
	]
}

# A currency without a limit is never within it.
within(amount, limit) if amount <= limit

is_plan if {
	input.schema_version == 2
	regex.match(`^[0-9a-f]{64}$`, input.digest)
	is_array(input.items)
	every item in input.items { is_item(item) }
}

is_item(item) if {
	is_string(item.product_no)
	is_string(item.billing_cycle)
	is_string(item.billing_contact_id)
	is_priced(item)
}

is_priced(item) if item.price == null

is_priced(item) if {
	is_amount(item.price.amount)
	is_string(item.price.currency)
}

is_amount(text) if regex.match(`^[0-9]+(\.[0-9]+)?$`, text)
