# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that are measured, as data; JSON is YAML too."""

from __future__ import annotations

from typing import Any

POOL = 16  # of everything here that has a pool

_URL = "{{ lookup('env', 'YEASTAR_BASE_URL') }}"
_PRODUCT = "/product/openapi/instance_product/v1"
_ROLE = "pbxops.yeastar.pce_renewal"


def play(hosts: str, tasks: list[dict[str, Any]], **variables: Any) -> list[dict[str, Any]]:
    """A playbook of one play."""
    common = {"name": "Measure", "connection": "local", "gather_facts": False}
    return [{**common, "hosts": hosts, "vars": variables, "tasks": tasks}]


def empty() -> list[dict[str, Any]]:
    """C: what Ansible takes to start and end."""
    return play("localhost", [])


def no_op(tasks: int = 1) -> list[dict[str, Any]]:
    """C: what Ansible takes to tell the results of so many tasks of each host."""
    return play("all", [{"name": "Do nothing", "ansible.builtin.debug": {"msg": "nothing"}}] * tasks)


def module(name: str, **options: Any) -> list[dict[str, Any]]:
    """D and F: one call of a module."""
    return play("localhost", [{"name": "Call", f"pbxops.yeastar.{name}": options}])


def role() -> list[dict[str, Any]]:
    """E: the role for each host."""
    take = {"name": _ROLE, "rolespec_validate": False}
    variables = {"max_orders": 10_000, "wait_timeout": 0, "concurrency": POOL}
    prefixed = {f"pce_renewal_{name}": value for name, value in variables.items()}
    return play("all", [{"name": "Renew", "ansible.builtin.import_role": take}], **prefixed)


def tutorial(is_naive: bool) -> list[dict[str, Any]]:
    """B: the tutorial's requests with `ansible.builtin.uri`; common reads once, or naively by each host."""
    common = [
        _uri("login", "/auth/openapi/v1/oauth/token", method="POST", body_format="form-urlencoded", body=_FORM),
        _read("listing", f"{_PRODUCT}/client/instance_product_list?productId=13"),
        _read("catalog", "/pricing/openapi/purchase/v1/purchase_product_info?productId=13"),
        _read("contacts", "/user/openapi/user/v1/client/billing_contact_list"),
        _read("orders", "/order/openapi/order/v1/page"),
    ]
    detail = f"{_PRODUCT}/detail?productId=13&productNo={{{{ inventory_hostname }}}}"
    order = {"method": "POST", "body_format": "json", "body": _ORDER, "headers": _HEADERS}
    own = [
        _read("detail", detail),
        _uri("ordered", "/order/openapi/order/v1/save", **order),
        _read("after", detail),
    ]
    once = {} if is_naive else {"run_once": True}
    return play("all", [*({**task, **once} for task in common), *own])


_HEADERS = {"User-Agent": "OpenAPI", "Authorization": "Bearer {{ login.json.result.token }}"}
_FORM = {
    "client_id": "{{ lookup('env', 'YEASTAR_CLIENT_ID') }}",
    "client_secret": "{{ lookup('env', 'YEASTAR_CLIENT_SECRET') }}",
    "grant_type": "pp_credentials",
}
# Ids are bare integers in the body, which only a template of the whole can give.
_ORDER = """{{ {'operationType': 'renew_plan', 'productId': 13, 'productNo': inventory_hostname,
 'billingId': contacts.json.result[0].billingContactId | int,
 'serviceList': [{'serviceType': 'plan', 'serviceId': detail.json.result.planId | int,
  'quantity': detail.json.result.extensionNum | int, 'billingModel': 'recurring', 'purchaseType': 'renew',
  'billingCycle': detail.json.result.billingCycle, 'multiCycle': 0}] + services } }}"""


def _uri(register: str, path: str, **options: Any) -> dict[str, Any]:
    arguments = {"url": _URL + path, "headers": {"User-Agent": "OpenAPI"}, **options}
    task: dict[str, Any] = {"name": register.capitalize(), "ansible.builtin.uri": arguments, "register": register}
    if register == "ordered":
        task["vars"] = {"services": _SERVICES}
    return task


def _read(register: str, path: str) -> dict[str, Any]:
    return _uri(register, path, headers=_HEADERS)


_SERVICES = """{%- set found = namespace(lines=[]) -%}{%- for service in detail.json.result.serviceList -%}
{%- if service.serviceType | default('service') != 'plan' -%}{%- set found.lines = found.lines + [{
 'serviceType': 'service', 'serviceId': service.serviceId | int, 'connectionPlanId': detail.json.result.planId | int,
 'purchaseType': 'renew', 'billingCycle': detail.json.result.billingCycle, 'multiCycle': 0}] -%}{%- endif -%}
{%- endfor -%}{{ found.lines }}"""
