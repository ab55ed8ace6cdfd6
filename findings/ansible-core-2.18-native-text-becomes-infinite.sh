#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# With jinja2_native, ansible-core 2.18 evaluates text as Python even if a template only passes it on: a play with
# hosts: "{{ chosen }}" cannot select the host 3631E3418911, since its name becomes infinite, however it is quoted.
# 2.19 and newer, which are always native, leave text unchanged.
#
# Version: ansible-core 2.18.19.
# Why it hurts our users: a PBX with such a serial number can be neither selected nor settled by hand.
# Where we handle it: the playbooks end such templates in | string; textual of plugins/plugin_utils/_templates.py.
# Needs: Python 3.11 to 3.13 as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.18.19
export ANSIBLE_HOME="$work/home" ANSIBLE_JINJA2_NATIVE=true
"$work/venv/bin/ansible" --version | sed -n 1p
cat >"$work/play.yml" <<'END'
- hosts: "{{ chosen }}"
  gather_facts: false
  tasks: []
END
status=0
"$work/venv/bin/ansible-playbook" -i 3631E3418911, -e '{"chosen": "3631E3418911"}' "$work/play.yml" \
  >"$work/log" 2>&1 || status=$?
echo "ends with $status: $(tr -s '\n' ' ' <"$work/log")"
test "$status" != 0 && grep -q 'inf' "$work/log" || { echo "this has changed"; exit 1; }
sed -i 's/chosen }}/chosen | string }}/' "$work/play.yml"
"$work/venv/bin/ansible-playbook" -i 3631E3418911, -e '{"chosen": "3631E3418911"}' "$work/play.yml" | grep 'PLAY \[3631E'
