#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# If content of ansible.builtin.copy is a template that results in the text of a JSON object, ansible-core 2.18 writes
# different bytes: it parses the text and serializes it again, with blanks and without the final line feed. The filter
# string prevents that. 2.19 and newer write the text unchanged.
#
# Version: ansible-core 2.18.19.
# Why it hurts our users: a saved plan that is passed on in Base64 is no longer the file that was approved and signed.
# Where we handle it: examples/awx/renew.yml; tests/end_to_end/test_awx_handover.py checks it with a signature.
# Needs: Python 3.11 to 3.13 as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.18.19
export ANSIBLE_HOME="$work/home" ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
"$work/venv/bin/ansible" --version | sed -n 1p
printf '{"a":1,"b":[true]}\n' >"$work/plan.json"
cat >"$work/play.yml" <<'END'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ plan | b64decode }}", dest: "{{ playbook_dir }}/copied"}
    - ansible.builtin.copy: {content: "{{ plan | b64decode | string }}", dest: "{{ playbook_dir }}/kept"}
END
"$work/venv/bin/ansible-playbook" -e "plan=$(base64 <"$work/plan.json")" "$work/play.yml" >/dev/null
for file in plan.json copied kept; do echo "$file: $(cat -A "$work/$file")"; done
cmp "$work/plan.json" "$work/kept"
printf '{"a": 1, "b": [true]}' | cmp - "$work/copied" || { echo "this has changed"; exit 1; }
