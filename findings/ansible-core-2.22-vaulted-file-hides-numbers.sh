#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-core 2.22 treats every number in a vault-encrypted variables file as a secret, regardless of its length: with
# "n: 1" in the file, each displayed 1 becomes $REDACTED$, even in hashes and in the play recap, and the output of
# ansible-inventory --list is not valid JSON if a number contains one.
#
# Version: ansible-core 2.22.0rc1.
# Why it hurts our users: the digest of a plan that needs approval cannot be copied from the screen.
# Where we handle it: the guide to credentials says what belongs in such a file; a saved plan contains its own digest.
# Needs: python3.13 or python3.14, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
for python in python3.13 python3.14; do "$python" -c '' 2>/dev/null && break; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.22.0rc1
export ANSIBLE_HOME="$work/home" ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_NOCOLOR=1
PATH="$work/venv/bin:$PATH"
ansible --version | sed -n 1p
mkdir -p "$work/group_vars"
echo password >"$work/password"
echo 'n: 1' >"$work/group_vars/all.yml"
ansible-vault encrypt --vault-password-file "$work/password" "$work/group_vars/all.yml" >/dev/null
echo 'localhost ansible_connection=local number=3128' >"$work/hosts"
cat >"$work/play.yml" <<'END'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ n + 0 }} and 9f86d081"}
END
shown=$(ansible-playbook --vault-password-file "$work/password" -i "$work/hosts" "$work/play.yml" | grep -E 'msg|ok=')
listed=$(ansible-inventory --vault-password-file "$work/password" -i "$work/hosts" --list)
printf '%s\n' "$shown" "$(echo "$listed" | grep number)"
case $shown in *'and 9f86d08$REDACTED$'*'ok=$REDACTED$'*) ;; *) echo "this has changed"; exit 1 ;; esac
if echo "$listed" | "$work/venv/bin/python" -m json.tool >/dev/null 2>&1; then
  echo "this has changed: it is JSON"
  exit 1
fi
echo "ansible-inventory --list: no JSON"
