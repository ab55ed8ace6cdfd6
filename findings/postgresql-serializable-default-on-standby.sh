#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A hot standby whose database has default_transaction_isolation = serializable refuses every query, even SELECT 1. The
# default is replicated with the database. SET works, but only for later messages, not for a query in the same message.
#
# Version: PostgreSQL 15.18 (Debian).
# Why it hurts our users: making a plan with a read replica fails before anything was read.
# Where we handle it: _session_of and prepare of plugins/module_utils/_ledger/postgresql.py set the isolation first.
# Needs: Debian's postgresql.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)")
as=
if [ "$(id -u)" = 0 ]; then # PostgreSQL does not run as root
  chown postgres "$work"
  as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd "$work"
trap 'for one in data standby; do $as "$bin/pg_ctl" -D "$work/$one" -m immediate stop >/dev/null 2>&1; done; rm -rf "$work"' EXIT
$as "$bin/initdb" -D "$work/data" -U admin -A trust -E UTF8 --no-locale >/dev/null
$as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-k $work -h ''" start >/dev/null
"$bin/postgres" --version
"$bin/psql" -q -h "$work" -U admin -d postgres \
  -c "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'"
$as "$bin/pg_basebackup" -h "$work" -U admin -D "$work/standby" --checkpoint=fast --write-recovery-conf
$as "$bin/pg_ctl" -D "$work/standby" -w -l "$work/log2" -o "-k $work -h '' -p 5433" start >/dev/null
ask() { "$bin/psql" -X -q -A -t -h "$work" -p 5433 -U admin -d postgres "$@" 2>&1 | head -n 1; }
set="SET default_transaction_isolation = 'read committed'"
alone=$(ask -c "SELECT 1")
together=$(ask -c "$set; SELECT 1")
after=$(ask -c "$set" -c "SELECT 1")
of_transaction=$(ask -c "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT 1")
printf '%s\n' "SELECT 1: $alone" "SET default, in one message with it: $together" "SET default, before it: $after" \
  "SET TRANSACTION, in one message with it: $of_transaction"
refused="ERROR:  cannot use serializable mode in a hot standby"
[ "$alone/$together/$after/$of_transaction" = "$refused/$refused/1/1" ] || { echo "this has changed" >&2; exit 1; }
