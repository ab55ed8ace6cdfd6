# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run by "conftest verify --policy examples/policies" or "opa test examples/policies".
package main_test

import data.main
import rego.v1

item := {
	"product_no": "3658B431119665QJ",
	"billing_cycle": "annually",
	"billing_contact_id": "3197218168379846218",
	"billing_contact_email": "billing@example.com",
	"price": {"amount": "1680.00", "currency": "USD"},
}

# The totals in a plan are ignored.
plan_of(items) := {
	"schema_version": 2,
	"policy": {"include_expired": false},
	"items": items,
	"totals": {"USD": "0.01"},
	"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}

with_price(price) := object.union(item, {"price": price})

denied(plan) := messages if messages := main.deny with input as plan

test_a_plan_within_the_limits_is_not_denied if count(denied(plan_of([item]))) == 0

test_a_plan_without_orders_is_not_denied if count(denied(plan_of([]))) == 0

test_what_is_no_plan_is_denied if {
	count(denied({})) > 0
	count(denied(object.union(plan_of([]), {"schema_version": 3}))) > 0
	count(denied(plan_of([with_price({"amount": "a lot", "currency": "USD"})]))) > 0
}

test_more_orders_than_allowed_are_denied if {
	cheap := with_price({"amount": "1.00", "currency": "USD"})
	count(denied(plan_of([cheap | some _ in numbers.range(1, 10)]))) == 0
	denied(plan_of([cheap | some _ in numbers.range(1, 11)])) == {"11 orders, but at most 10 are allowed"}
}

test_a_price_that_is_not_known_is_denied if {
	"3658B431119665QJ: the price is not known" in denied(plan_of([object.union(item, {"price": null})]))
}

test_another_currency_is_denied if {
	messages := denied(plan_of([with_price({"amount": "1.50", "currency": "RMB"}), item]))
	"3658B431119665QJ: prices in RMB are not allowed" in messages
	"the orders cost 1.5 RMB, which is more than allowed" in messages
}

test_a_price_at_the_limit_is_allowed_and_one_above_it_is_denied if {
	count(denied(plan_of([with_price({"amount": "2500.00", "currency": "USD"})]))) == 0
	messages := denied(plan_of([with_price({"amount": "2500.01", "currency": "USD"})]))
	messages == {"3658B431119665QJ: the price is 2500.01 USD, but at most 2500 is allowed"}
}

test_a_sum_at_the_limit_is_allowed_and_one_above_it_is_denied if {
	thirds := [with_price({"amount": amount, "currency": "USD"}) | some amount in ["1666.67", "1666.67", "1666.66"]]
	count(denied(plan_of(thirds))) == 0
	more := array.concat(thirds, [with_price({"amount": "0.01", "currency": "USD"})])
	denied(plan_of(more)) == {"the orders cost 5000.01 USD, which is more than allowed"}
}

test_an_order_that_does_not_say_everything_is_denied if {
	every name in ["product_no", "billing_cycle", "billing_contact_id"] {
		count(denied(plan_of([object.remove(item, [name])]))) > 0
	}
	count(denied(plan_of([object.union(object.remove(item, ["price"]), {"price": {"amount": "1.00"}})]))) > 0
}

test_a_monthly_renewal_is_denied if {
	monthly := object.union(item, {"billing_cycle": "monthly"})
	denied(plan_of([monthly])) == {"3658B431119665QJ: the billing cycle monthly is not allowed"}
}

test_an_invoice_to_somebody_else_is_denied if {
	elsewhere := object.union(item, {"billing_contact_email": "new@example.com"})
	count(denied(plan_of([elsewhere]))) == 1
	count(denied(plan_of([object.union(item, {"billing_contact_email": null})]))) == 1
}

test_what_has_expired_is_warned_of if {
	plan := object.union(plan_of([item]), {"policy": {"include_expired": true}})
	count(main.warn) == 1 with input as plan
}
