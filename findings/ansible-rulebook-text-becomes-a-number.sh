#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-rulebook evaluates the text that a template returns as Python, even after the filter string: in extra_vars the
# text "3631E3418911" of an event becomes infinite, and "36580000012345" an integer. Quotes inside the template help.
#
# Version: ansible-rulebook 1.3.2, Jinja2 3.1.6.
# Why it hurts our users: a playbook or a job template gets a different serial number, or none.
# Where we handle it: the guide to inventories and events, and extensions/eda/rulebooks/plan_expiring.yml.
# Needs: Python 3.11 or 3.12 as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-rulebook==1.3.2 jinja2==3.1.6
cat >"$work/finding.py" <<'END'
import sys
from importlib.metadata import version
from ansible_rulebook.util import substitute_variables

print(f"ansible-rulebook {version('ansible-rulebook')}, Jinja2 {version('jinja2')}")
templates = ("{{ event.id }}", "{{ event.id | string }}", "'{{ event.id }}'")
seen = {}
for text in ("3631E3418911", "36580000012345"):
    extra_vars = {template: template for template in templates}
    seen[text] = list(substitute_variables(extra_vars, {"event": {"id": text}}).values())
    print(text, dict(zip(templates, seen[text])))
infinite = float("inf")
expected = {
    "3631E3418911": [infinite, infinite, "3631E3418911"],
    "36580000012345": [36580000012345, 36580000012345, "36580000012345"],
}
sys.exit(0 if seen == expected else "this has changed")
END
"$work/venv/bin/python" "$work/finding.py"
