#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# statement_timeout does not end a COMMIT that waits for a missing synchronous standby. If it is cancelled, it SUCCEEDS:
# psycopg's commit() returns normally, the row is there, and only a WARNING says that no standby has it.
#
# Version: PostgreSQL 15.18 (Debian), psycopg 3.3.9.
# Why it hurts our users: a run hangs without a message, or takes a record for safe that a failover loses.
# Where we handle it: _commit of plugins/module_utils/_ledger/postgresql.py cancels after 30 s and fails on a warning.
# Needs: Debian's postgresql, python3 with venv, and a package index.
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
trap '$as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1; rm -rf "$work"' EXIT
$as "$bin/initdb" -D "$work/data" -U admin -A trust -E UTF8 --no-locale >/dev/null
$as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-k $work -h ''" start >/dev/null
"$bin/postgres" --version
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9'
cat >"$work/finding.py" <<'END'
import sys, threading, time
import psycopg

address = f"host={sys.argv[1]} user=admin dbname=postgres"
connection = psycopg.connect(address, autocommit=True)
connection.execute("CREATE TABLE note (text TEXT)")
connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
connection.execute("SELECT pg_reload_conf()")
time.sleep(1)
notices = []
connection.add_notice_handler(lambda notice: notices.append((notice.severity_nonlocalized, notice.message_primary)))
connection.execute("SET statement_timeout = '1s'")
connection.execute("BEGIN")
connection.execute("INSERT INTO note VALUES ('kept?')")
threading.Timer(4, connection.cancel).start()
began = time.monotonic()
connection.commit()
took = time.monotonic() - began
rows = connection.execute("SELECT text FROM note").fetchall()
print(f"psycopg {psycopg.__version__}: with statement_timeout = 1 s, commit() took {took:.1f} s, no exception")
print(f"notices: {notices}; rows: {rows}")
as_seen = took > 3.5 and rows == [("kept?",)] and [kind for kind, text in notices] == ["WARNING"]
sys.exit(0 if as_seen else "this has changed")
END
"$work/venv/bin/python" "$work/finding.py" "$work"
