#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-core 2.18 refuses an inline vault value for a variable that a role's argument specification marks as no_log,
# with the message "Unknown parameter type". Without no_log it accepts the value. 2.19 and newer accept it either way.
#
# Version: ansible-core 2.18.19.
# Why it hurts our users: exactly the variables with secrets cannot be encrypted, and the message does not say why.
# Where we handle it: roles/*/meta/argument_specs.yml do without no_log, which the modules have; decrypted of
# plugins/plugin_utils/_templates.py turns the values into text before our own actions validate them.
# Needs: Python 3.11 to 3.13 as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.18.19
export ANSIBLE_HOME="$work/home" ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
PATH="$work/venv/bin:$PATH"
echo password >"$work/password"
for option in marked plain; do
  mkdir -p "$work/roles/$option/meta"
  echo "argument_specs: {main: {options: {secret: {type: str}}}}" >"$work/roles/$option/meta/argument_specs.yml"
done
echo "argument_specs: {main: {options: {secret: {type: str, no_log: true}}}}" >"$work/roles/marked/meta/argument_specs.yml"
ansible --version | sed -n 1p
for role in marked plain; do
  {
    printf '%s\n' '- hosts: localhost' '  gather_facts: false' "  roles: [$role]" '  vars:'
    ansible-vault encrypt_string --vault-password-file "$work/password" --name secret canary | sed 's/^/    /'
  } >"$work/$role.yml"
  status=0
  ansible-playbook --vault-password-file "$work/password" "$work/$role.yml" >"$work/$role.log" 2>&1 || status=$?
  echo "no_log $role: ends with $status $(grep -o 'Unknown parameter type[^>]*>' "$work/$role.log" | sed -n 1p)"
  eval "$role=$status"
done
grep -q 'Unknown parameter type.*AnsibleVaultEncryptedUnicode' "$work/marked.log" && test "$marked $plain" = "2 0" ||
  { cat "$work/marked.log" "$work/plain.log"; echo "this has changed"; exit 1; }
