#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In a folder without __init__.py, which collections are free to leave out, pylint mixes up a file with the standard
# library's module of the same name: besides what it finds in our http.py, it reports the library's own unused imports
# for it, on lines that have no import. Under any other name the same file is judged alone.
#
# Version: pylint 4.1.4 with astroid 4.3.4, on Python 3.11 and newer; ansible-test of ansible-core 2.21.5 brings 4.0.5,
# which does the same.
# Why it hurts our users: ansible-test sanity fails for a correct file, and no line of that file explains why.
# Where we handle it: tests/unit/plugins/module_utils/test_rooms.py lets no file have such a name.
# Needs: python3 with venv, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pylint==4.1.4 astroid==4.3.4
mkdir -p "$work/collection/rooms"
cd "$work/collection"
printf '"""Three lines without an import, the last with an undefined name."""\n\nprint(undefined)\n' >rooms/http.py
cp rooms/http.py rooms/exchange.py
"$work/venv/bin/pylint" --version
for file in http exchange; do
  "$work/venv/bin/pylint" --disable=all --enable=unused-import,undefined-variable --score=n "rooms/$file.py" >"$file" || true
  echo "$file.py:"
  cat "$file"
done
own="3:6: E0602: Undefined variable 'undefined'"
if grep -q "rooms/http.py:2:.*Unused .* imported from enum" http && grep -q "$own" http &&
  grep -q "$own" exchange && [ "$(grep -c : exchange)" = 1 ]; then
  exit 0
fi
echo "this has changed"
exit 1
