#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Behind PgBouncer, connection.info.backend_pid of psycopg (libpq's PQbackendPID) is PgBouncer's own number and not
# pg_backend_pid(), even if it pools whole sessions. If it pools transactions, two simultaneous connections use the same
# process and share advisory locks: pg_try_advisory_lock returns true to both.
#
# Version: PgBouncer 1.18.0 and PostgreSQL 15.18 (Debian), psycopg 3.3.9.
# Why it hurts our users: two runs both believe that they alone order a PBX.
# Where we handle it: _is_session_ours of plugins/module_utils/_ledger/postgresql.py refuses such a session for orders.
# Needs: Debian's postgresql and pgbouncer, python3 with venv, and a package index.
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
trap 'kill "$(cat "$work/pid")"; $as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1; rm -rf "$work"' EXIT
$as "$bin/initdb" -D "$work/data" -U admin -A trust -E UTF8 --no-locale >/dev/null
$as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-k $work -h ''" start >/dev/null
"$bin/postgres" --version
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9'
cat >"$work/pgbouncer.ini" <<END
[databases]
session = host=$work user=admin dbname=postgres pool_mode=session
transaction = host=$work user=admin dbname=postgres pool_mode=transaction
[pgbouncer]
unix_socket_dir = $work
listen_port = 6432
auth_type = any
pidfile = $work/pid
END
PATH="$PATH:/usr/sbin"
pgbouncer --version | head -n 1
$as pgbouncer --quiet --daemon "$work/pgbouncer.ini"
cat >"$work/finding.py" <<'END'
import sys
import psycopg

seen = {}
for name in ("session", "transaction"):
    address = f"host={sys.argv[1]} port=6432 user=admin dbname={name}"
    one, other = (psycopg.connect(address, autocommit=True, prepare_threshold=None) for _ in range(2))
    own, second = (each.execute("SELECT pg_backend_pid()").fetchone()[0] for each in (one, other))
    locks = [each.execute("SELECT pg_try_advisory_lock(1)").fetchone()[0] for each in (one, other)]
    seen[name] = (one.info.backend_pid == own, own == second, locks)
    print(f"{name}: libpq says {one.info.backend_pid}, pg_backend_pid() {own} and {second}, both lock 1: {locks}")
    one.close()
    other.close()
expected = {"session": (False, False, [True, False]), "transaction": (False, True, [True, True])}
sys.exit(0 if seen == expected else "this has changed")
END
"$work/venv/bin/python" "$work/finding.py" "$work"
