# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: yeastar_pce
short_description: Every Yeastar Cloud PBX of an account as a host
version_added: 0.2.0
description:
  - Reads the P-Series Cloud PBXs (PCE Instances) of an account from the Partner Portal. Each is a host.
  - The file's name must end in C(.yeastar_pce.yml) or C(.yeastar_pce.yaml).
  - The account is read completely or not at all. If the listing returns fewer PBXs than it announces, keeps changing or
    is refused, if two PBXs would have the same name, or one the name of a group, or if an expression cannot be
    evaluated, the source fails and has no hosts. For O(compose), O(groups) and O(keyed_groups) this applies only with
    O(strict=true).
  - If a source fails, Ansible only prints a warning and continues with other sources, or with no hosts. To make it stop
    instead, set C(any_unparsed_is_failed) in the section C([inventory]) of C(ansible.cfg).
  - Every host is in the groups C(expires_in_7), C(expires_in_14) and C(expires_in_30) if it expires within that many
    days, or in C(expired), or in C(expiry_unknown). These groups exist even if they are empty. A host whose plan is
    known is also in a group named C(plan_) plus the name of the plan, in which Ansible replaces characters that are not
    allowed in group names.
  - Each host has C(pce_renewal_product_no), so that the role P(pbxops.yeastar.pce_renewal#role) finds its PBX whatever
    the host is called. It also has a variable of that role for each connection option that the file sets, except
    O(client_secret) and O(access_token). Secrets are not in any variable or cache. Pass them to the role through the
    environment, or in your own variables.
  - The portal's data is not passed to the role as declarations. It would only be compared with itself.
author:
  - The pbxops.yeastar authors (@pbxops)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - pbxops.yeastar.connection
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [pbxops.yeastar.yeastar_pce]
  base_url:
    env:
      - name: YEASTAR_BASE_URL
  client_id:
    env:
      - name: YEASTAR_CLIENT_ID
  client_secret:
    env:
      - name: YEASTAR_CLIENT_SECRET
  access_token:
    env:
      - name: YEASTAR_ACCESS_TOKEN
  plan:
    description:
      - Only PBXs with this plan, by name or id, and those whose plan cannot be determined.
    type: str
  expires_within:
    description:
      - Only PBXs that expire within this many days or have expired, and those whose expiry cannot be determined.
    type: int
  include:
    description:
      - Conditions on the host variables. If there are any, a PBX that meets none of them is excluded.
    type: list
    elements: str
    default: []
  exclude:
    description:
      - Conditions on the host variables. A PBX that meets one of them is excluded.
    type: list
    elements: str
    default: []
  hostname:
    description:
      - A template for the host's name that can use the host variables. By default, the serial number is the name.
      - It is an error if two PBXs have the same name, or if a name contains characters other than letters, digits and
        C(. _ @ -).
    type: str
  hostvars_prefix:
    description:
      - The prefix of the variables that contain the portal's data.
    type: str
    default: yeastar_
notes:
  - The variables are those of the return value C(subscriptions) of M(pbxops.yeastar.yeastar_pce_info), prefixed with
    O(hostvars_prefix). Values that cannot be determined are null.
  - O(base_url), O(client_id), O(client_secret), O(access_token), O(user_agent) and O(ca_path) may be templates with
    extra variables and lookups.
  - The cache holds the data of the whole account. Filters, days and groups are evaluated each time it is used. It is
    ignored if address, account, O(field_map) or O(time_zone) have changed.
  - With a cache, groups may be as old as O(cache_timeout). An order never depends on them, since the role reads the PBX
    again before it decides.
"""

EXAMPLES = r"""
---
# account.yeastar_pce.yml: every PBX of the account whose credentials are in the environment
plugin: pbxops.yeastar.yeastar_pce

---
# partners.yeastar_pce.yml: a second account, some of its PBXs, with custom names and groups, and a cache
plugin: pbxops.yeastar.yeastar_pce
client_id: "{{ lookup('ansible.builtin.env', 'PARTNERS_CLIENT_ID') }}"
client_secret: "{{ lookup('ansible.builtin.env', 'PARTNERS_CLIENT_SECRET') }}"
plan: Enterprise Plan
exclude:
  - yeastar_auto_renewal is true
hostname: >-
  {{ yeastar_comment | default('pbx', true) | regex_replace('[^A-Za-z0-9]+', '-') }}-{{ yeastar_product_no }}
keyed_groups:
  - key: yeastar_billing_cycle | default('unknown', true)
    prefix: billed
strict: true
compose:
  # Renew a PBX only if it still expires when the inventory says so.
  pce_renewal_expected_expiry: yeastar_expires_at
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/yeastar
"""

from collections.abc import Callable, Container, Mapping
from typing import Any

from ansible import template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.vars import combine_vars

from ansible_collections.pbxops.yeastar.plugins.module_utils._account import Account, AccountError
from ansible_collections.pbxops.yeastar.plugins.module_utils._inventory import (
    EVERY_GROUP,
    Host,
    Row,
    cached_rows,
    check_not_taken,
    hosts_of,
    payload_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._plugin_options import (
    READ_OPTIONS,
    SECRET_OPTIONS,
    TEMPLATED_OPTIONS,
    check_known,
    choice_of,
    inventory_account_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets
from ansible_collections.pbxops.yeastar.plugins.module_utils._templates import textual
from ansible_collections.pbxops.yeastar.plugins.module_utils._time import utc_now

# Since 2.19 Ansible evaluates only text that is marked as a template; before, all text that is not wrapped.
as_data: Callable[[str], Any] = str
if not hasattr(template, "trust_as_template"):
    from ansible.utils import unsafe_proxy

    as_data = unsafe_proxy.wrap_var


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Fills an inventory with the PBXs of an account."""

    NAME = "pbxops.yeastar.yeastar_pce"

    # ansible-core has no types for these.
    inventory: Any
    _vars: Any
    get_option: Any
    set_options: Any
    _read_config_data: Any
    _set_composite_vars: Any
    _add_host_to_composed_groups: Any
    _add_host_to_keyed_groups: Any

    def verify_file(self, path: str) -> bool:
        """Whether a file is meant for this plugin."""
        is_readable: bool = super().verify_file(path)  # type: ignore[no-untyped-call]
        return is_readable and path.endswith((".yeastar_pce.yml", ".yeastar_pce.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory with the whole account. If this raises AnsibleParserError, nothing has been added."""
        super().parse(inventory, loader, path, cache)
        self.templar = textual(self.templar)
        config: Mapping[str, Any] = {}
        try:
            config = self._configure(path)
            params = {name: self.get_option(name) for name in READ_OPTIONS}
            choice = choice_of(params, config, utc_now())
            hosts = hosts_of(self._rows(path, cache, params), choice, self._compose, self._render)
            for host in hosts:
                check_not_taken(host, inventory.get_host(host.name))
            # Rehearse in a throwaway inventory, so that an expression that fails for one host leaves no hosts behind.
            own = [self._sanitize_group_name(group) for host in hosts for group in host.groups]
            _refuse_groups(hosts, {*EVERY_GROUP, *own, *inventory.groups})
            for target in (InventoryData(), inventory):
                self.inventory = target
                self._fill(hosts)
                _refuse_groups(hosts, target.groups)
        except (AnsibleError, AccountError, ValueError) as error:
            given = config or _plain(loader, path)
            secrets = [str(given[name]) for name in SECRET_OPTIONS if given.get(name)]
            raise AnsibleParserError(Secrets(secrets).hide(str(error))) from None

    def _configure(self, path: str) -> Mapping[str, Any]:
        """Read the options of a file and evaluate their templates."""
        given = self._read_config_data(path)
        check_known(given, self._options)
        self.templar.available_variables = self._vars
        config = {**given, **{name: self.templar.template(given[name]) for name in TEMPLATED_OPTIONS if name in given}}
        self.set_options(direct=config, var_options=self._vars)
        return config

    def _rows(self, path: str, cache: bool, params: Mapping[str, Any]) -> list[Row]:
        """The cached rows of this account, or else those of the portal, which are then cached."""
        account, key = inventory_account_of(params), self.get_cache_key(path)
        is_cached = self.get_option("cache")
        rows = cached_rows(self._cached(key), account) if is_cached and cache else None
        if rows is None:
            rows = Account(params, self.display.warning).read()[0]
            if is_cached:
                self._cache[key] = payload_of(rows, account)
        return [inert(row) for row in rows]

    def _cached(self, key: str) -> Any:
        """The cached value, unchecked; None if there is none or the cache cannot be read."""
        try:
            return self._cache[key]
        except KeyError:
            pass
        except Exception as error:
            self.display.warning(f"reading the portal, since the cache of the inventory cannot be read: {error}")
        return None

    def _render(self, template: str, variables: Mapping[str, Any]) -> Any:
        extra = self._vars if self.get_option("use_extra_vars") else {}
        self.templar.available_variables = combine_vars(dict(variables), extra)
        return self.templar.template(template)

    def _fill(self, hosts: list[Host]) -> None:
        for group in EVERY_GROUP:
            self.inventory.add_group(group)
        strict = self.get_option("strict")
        for host in hosts:
            self.inventory.add_host(host.name)
            for name, value in host.variables.items():
                self.inventory.set_variable(host.name, name, value)
            for group in host.groups:
                self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), host.name)
            self._set_composite_vars(self.get_option("compose"), host.variables, host.name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), host.variables, host.name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), host.variables, host.name, strict)


def _refuse_groups(hosts: list[Host], groups: Container[str]) -> None:
    """Raise ValueError for a host with the name of a group, since Ansible would confuse the two."""
    for host in hosts:
        if host.name in groups:
            raise ValueError(f"hostname: {host.name} is also the name of a group; change it with filters")


def _plain(loader: Any, path: str) -> Mapping[str, Any]:
    """The content of a file whose options cannot be read: the error may repeat secrets from it."""
    try:
        given = loader.load_from_file(path)
    except AnsibleError:
        return {}
    return given if isinstance(given, Mapping) else {}


def inert(value: Any) -> Any:
    """Data from the portal, marked so that Ansible does not evaluate it as a template."""
    if isinstance(value, Mapping):
        return {inert(name): inert(item) for name, item in value.items()}
    if isinstance(value, list):
        return [inert(item) for item in value]
    # ansible-core 2.18 accepts a header at the start of a text that defines other delimiters.
    return as_data(value) if isinstance(value, str) and ("{" in value or "#jinja2" in value) else value
