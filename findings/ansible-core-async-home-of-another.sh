#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where HOME is not the home of the user in the passwd database, as in many containers and pipelines, async starts a job
# with its results in $HOME/.ansible_async, and async_status looks for them in the other home: it answers "could not find
# job", with finished set, although the job is running. An absolute ansible_async_dir prevents that.
#
# Version: ansible-core 2.19.14.
# Why it hurts our users: a play that starts something in the background takes it for ended, without its error.
# Where we handle it: playbooks/rehearse.yml starts its server without async; its test has such a HOME.
# Needs: Python 3.11 to 3.13 as python3, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14
export HOME="$work/home" ANSIBLE_HOME="$work/home" ANSIBLE_LOCALHOST_WARNING=false
export ANSIBLE_INVENTORY_UNPARSED_WARNING=false
mkdir "$HOME"
"$work/venv/bin/ansible" --version | sed -n 1p
cat >"$work/play.yml" <<'END'
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.command: sleep 8
      async: 60
      poll: 0
      register: job
    - ansible.builtin.pause: {seconds: 3}
    - ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
      register: status
      failed_when: false
    - ansible.builtin.copy:
        content: "finished: {{ status.finished | int }}, {{ status.msg | default('no message') }}\n"
        dest: "{{ playbook_dir }}/{{ seen }}"
END
"$work/venv/bin/ansible-playbook" -e seen=default "$work/play.yml" >/dev/null
"$work/venv/bin/ansible-playbook" -e seen=absolute -e "ansible_async_dir=$work/jobs" "$work/play.yml" >/dev/null
for name in default absolute; do echo "$name: $(cat "$work/$name")"; done
[ "$(cat "$work/default")" = "finished: 1, could not find job" ] || { echo "this has changed"; exit 1; }
[ "$(cat "$work/absolute")" = "finished: 0, no message" ] || { echo "this has changed"; exit 1; }
