# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table of options: the argument specs of modules and plugins, with their environment fallbacks and rules."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

from .._ledger.admin import NOT_ORDERED, ORDERED, UNRELATED
from .._ledger.location import LOCATION_TYPE
from .._model.dates import CYCLE_MONTHS
from .._model.declaration import FROM_EXPIRY, FROM_ORDER

DEFAULT_BASE_URL = "https://openapi.partner.yeastar.com"
DEFAULT_CONCURRENCY = 4  # the vendor's rate limits are not known


def _from_environment(name: str, **spec: Any) -> dict[str, Any]:
    return {**spec, "fallback": (env_fallback, [name])}


CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "base_url": _from_environment("YEASTAR_BASE_URL", type="str", default=DEFAULT_BASE_URL),
    "client_id": _from_environment("YEASTAR_CLIENT_ID", type="str"),
    "client_secret": _from_environment("YEASTAR_CLIENT_SECRET", type="str", no_log=True),
    "access_token": _from_environment("YEASTAR_ACCESS_TOKEN", type="str", no_log=True),
    "timeout": {"type": "float", "default": 30.0},
    "retries": {"type": "int", "default": 3},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "user_agent": {"type": "str", "default": "OpenAPI"},
    "field_map": {"type": "dict", "default": {}},
    "time_zone": {"type": "str"},
}
SECRET_OPTIONS = tuple(name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log"))

# What a user may declare about one PBX, in addition to its serial number.
DECLARATION_OPTIONS: dict[str, dict[str, Any]] = {
    "plan": {"type": "str"},
    "services": {"type": "list", "elements": "str"},
    "quantity": {"type": "int"},
    "billing_cycle": {"type": "str", "choices": list(CYCLE_MONTHS)},
    "expires_at": {"type": "str"},
    "billing_contact": {"type": "str"},
    "expected_expiry": {"type": "str"},
    "remaining_days": {"type": "int"},
    "po_number": {"type": "str"},
    "auto_renewal": {"type": "bool"},
}

# Declarations that can also apply to a whole run.
RUN_WIDE = ("billing_contact", "remaining_days")

LEDGER_OPTIONS: dict[str, dict[str, Any]] = {
    "ledger": {"type": LOCATION_TYPE},
    "ledger_password": {"type": "str", "no_log": True},
}

POOL_OPTIONS: dict[str, dict[str, Any]] = {"concurrency": {"type": "int", "default": DEFAULT_CONCURRENCY}}

# What applies to a whole run and cannot be declared for a single PBX.
RENEWAL_RUN_OPTIONS: dict[str, dict[str, Any]] = {
    **LEDGER_OPTIONS,
    **POOL_OPTIONS,
    "include_expired": {"type": "bool", "default": False},
    "max_orders": {"type": "int"},
    "max_total": {"type": "str"},
    "max_amount_per_item": {"type": "str"},
    "max_price_increase_percent": {"type": "str"},
    "currency": {"type": "str"},
    "on_unknown_price": {"type": "str", "choices": ["allow", "block"]},
    "on_unknown_auto_renewal": {"type": "str", "choices": ["allow", "block"], "default": "allow"},
    "term_starts": {"type": "str", "choices": [FROM_EXPIRY, FROM_ORDER], "default": FROM_EXPIRY},
    "run_id": {"type": "str"},
    "settle_window": {"type": "int", "default": 900},
    "wait_timeout": {"type": "int", "default": 300},
    "now": {"type": "str"},
}

RENEWAL_OPTIONS: dict[str, dict[str, Any]] = {
    "product_no": {"type": "raw"},
    "subscriptions": {
        "type": "list",
        "elements": "dict",
        "options": {"product_no": {"type": "raw", "required": True}, **DECLARATION_OPTIONS},
    },
    **DECLARATION_OPTIONS,
    **RENEWAL_RUN_OPTIONS,
}

SETTLE_OPTIONS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["listed", "settled"], "default": "listed"},
    "product_no": {"type": "raw"},
    "expires_at": {"type": "str"},
    "outcome": {"type": "str", "choices": [ORDERED, NOT_ORDERED, UNRELATED]},
    "order_no": {"type": "str"},
    "reason": {"type": "str"},
    "force": {"type": "bool", "default": False},
    **LEDGER_OPTIONS,
}

# Rules between the options above, as keyword arguments of AnsibleModule.
SETTLE_RULES: dict[str, Any] = {
    "required_if": [
        ("state", "settled", ("product_no", "outcome", "reason")),
        ("outcome", UNRELATED, ("order_no",)),
    ],
}

INFO_OPTIONS: dict[str, dict[str, Any]] = {
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": ["subscriptions", "auto_renewal", "catalog", "billing_contacts", "orders"],
        "default": ["subscriptions"],
    },
    "product_no": {"type": "raw"},
    "expires_within": {"type": "int"},
    "plan": {"type": "str"},
    "raw": {"type": "bool", "default": False},
    "ledger_password": {"type": "str", "no_log": True},
    **POOL_OPTIONS,
    "now": {"type": "str"},
}

# What a first contact examines, and where it records what it was answered.
CONTACT_OPTIONS: dict[str, dict[str, Any]] = {
    "sample": {"type": "raw", "default": 5},
    "record": {"type": "path"},
    "billing_contact": {"type": "str"},
    **LEDGER_OPTIONS,
    **POOL_OPTIONS,
    "now": {"type": "str"},
}

SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "dest": {"type": "path"},
    "valid_for": {"type": "int", "default": 86_400},
}

# Only for a plan that buys nothing.
PRICES_OPTIONS: dict[str, dict[str, Any]] = {"prices_only": {"type": "bool", "default": False}}

APPLY_OPTIONS: dict[str, dict[str, Any]] = {
    "plan_file": {"type": "path"},
    "plan_digest": {"type": "str"},
}

RUN_LEVEL_OPTIONS = (*RENEWAL_RUN_OPTIONS, *RUN_WIDE, *SAVE_OPTIONS, *APPLY_OPTIONS)

# Rules between the options above, as keyword arguments of AnsibleModule.
RENEWAL_RULES: dict[str, Any] = {
    "mutually_exclusive": [("product_no", "subscriptions")],
    "required_one_of": [("product_no", "subscriptions")],
    "required_by": {
        "subscriptions": ["max_orders"],
        **{option: ["product_no"] for option in DECLARATION_OPTIONS if option not in RUN_WIDE},
    },
}
PLAN_RULES: dict[str, Any] = {
    **RENEWAL_RULES,
    "mutually_exclusive": [*RENEWAL_RULES["mutually_exclusive"], ("prices_only", "dest")],
}
APPLY_RULES: dict[str, Any] = {
    **RENEWAL_RULES,
    "mutually_exclusive": [
        ("product_no", "subscriptions", "plan_file"),
        *(("plan_file", option) for option in RUN_WIDE),
    ],
    "required_one_of": [("product_no", "subscriptions", "plan_file")],
    "required_together": [("plan_file", "plan_digest")],
}
