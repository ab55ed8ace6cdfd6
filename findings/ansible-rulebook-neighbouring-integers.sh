#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The rule engine of ansible-rulebook compares integers as floating-point numbers. Above 2**53 neighbouring integers are
# equal, so a condition on one id also fires for the next. The event itself keeps the correct number.
#
# Version: ansible-rulebook 1.3.2 with drools_jpy 0.4.1, ansible-core 2.19.14, Java 17.
# Why it hurts our users: ids of the portal are integers of 19 digits. A rule for one PBX would act for another.
# Where we handle it: events of plugins/plugin_utils/_events/windows.py contain text and one small number.
# Needs: Python 3.11 or 3.12 as python3, Java 17, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ansible-rulebook==1.3.2 drools_jpy==0.4.1 ansible-core==2.19.14 ansible-runner==2.4.3
cat >"$work/rulebook.yml" <<'END'
- name: Compare
  hosts: all
  sources:
    - eda.builtin.generic:
        payload:
          - {id: 9007199254740991}
          - {id: 9007199254740992}
          - {id: 9007199254740993}
          - {id: "9007199254740993"}
        shutdown_after: 5
  rules:
    - name: One id
      condition: event.id == 9007199254740992
      action:
        debug:
          msg: "FIRED {{ event.id }}"
END
echo 'localhost ansible_connection=local' >"$work/inventory"
"$work/venv/bin/ansible-rulebook" --version | grep -E 'rulebook .1|Drools|Java version|Ansible core'
PATH="$work/venv/bin:$PATH" HOME="$work" "$work/venv/bin/ansible-rulebook" --inventory "$work/inventory" \
  --rulebook "$work/rulebook.yml" >"$work/output" 2>&1 || true
fired=$(grep -o 'FIRED [0-9]*' "$work/output" | sort | tr '\n' ' ')
echo "a rule for 9007199254740992: $fired"
test "$fired" = "FIRED 9007199254740992 FIRED 9007199254740993 " || { cat "$work/output"; echo "this has changed"; exit 1; }
