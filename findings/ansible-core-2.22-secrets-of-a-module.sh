#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In ansible-core 2.22, a value that a module adds to no_log_values while it runs is not hidden anywhere, without a
# warning, and the value of a no_log option is in the registered result of a task, and in a file that is written from
# that. Up to 2.21, both are masked in the result itself.
#
# Version: ansible-core 2.22.0rc1, next to 2.21.5.
# Why it hurts our users: a token that a server issues and repeats appears on the screen and in reports.
# Where we handle it: plugins/module_utils/_secrets.py hides secrets in every answer and result, on every core.
# Needs: python3.13 or python3.14, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
for python in python3.13 python3.14; do "$python" -c '' 2>/dev/null && break; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ANSIBLE_HOME="$work/home" ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
mkdir "$work/library"
cat >"$work/library/issues.py" <<'END'
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"password": {"no_log": True}})
module.no_log_values.add("issued-token")
module.exit_json(comment="it said issued-token and " + module.params["password"])
END
cat >"$work/play.yml" <<'END'
- hosts: localhost
  gather_facts: false
  tasks:
    - {issues: {password: own-password}, register: said}
    - ansible.builtin.debug: {var: said.comment}
    - ansible.builtin.copy: {content: "{{ said.comment }}", dest: "{{ playbook_dir }}/written"}
END
seen=
for version in 2.21.5 2.22.0rc1; do
  "$python" -m venv "$work/$version"
  "$work/$version/bin/pip" install --quiet --disable-pip-version-check "ansible-core==$version"
  shown=$("$work/$version/bin/ansible-playbook" "$work/play.yml" 2>&1 | sed -n 's/.*said.comment": //p')
  echo "$version: displayed $shown, written \"$(cat "$work/written")\""
  seen="$seen$shown$(cat "$work/written")
"
  rm "$work/written"
done
expected='"it said ******** and ********"it said ******** and ********
"it said issued-token and $REDACTED$"it said issued-token and own-password
'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }
