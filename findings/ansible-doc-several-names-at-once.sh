#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A plugin that assigns several names in one line, outside of functions, is valid Python and works. ansible-doc shows its
# documentation and ends with 0, but warns on standard error that it cannot assign an id to an ast.Tuple. ansible-test's
# sanity test ansible-doc takes any such output for an error, so that a collection with one such line cannot pass it.
#
# Version: ansible-core 2.21.5.
# Why it hurts our users: anyone who reads the documentation of a plugin sees a warning that is about nothing.
# Where we handle it: plugins assign one name in a line (plugins/filter/workbook.py).
# Needs: Python 3.12 or newer as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.21.5
export HOME="$work/home" ANSIBLE_HOME="$work/home" ANSIBLE_COLLECTIONS_PATH="$work" NO_COLOR=1
folder="$work/ansible_collections/some/thing/plugins/filter"
mkdir -p "$HOME" "$folder"
cat >"$folder/twice.py" <<'END'
DOCUMENTATION = """
name: twice
short_description: Double a number
description: Doubles it.
author: [somebody]
options: {_input: {description: The number., type: int, required: true}}
"""
RETURN = """
_value: {description: Twice the number., type: int}
"""

ONCE, TWICE = 1, 2


class FilterModule:
    def filters(self):
        return {"twice": lambda number: number * TWICE}
END
"$work/venv/bin/ansible" --version | sed -n 1p
"$work/venv/bin/ansible" localhost -m debug -a "msg={{ 21 | some.thing.twice }}" 2>/dev/null | grep '"msg"'
status=0
"$work/venv/bin/ansible-doc" -t filter some.thing.twice >"$work/out" 2>"$work/err" || status=$?
echo "ansible-doc ends with $status; its standard error:"
sed "s|$work|WORK|; s/ at 0x[0-9a-f]*//" "$work/err"
grep --quiet 'Doubles it' "$work/out"
[ "$status" -eq 0 ] && grep --quiet 'failed to assign id for <ast.Tuple' "$work/err"
