#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# From a database with the encoding SQL_ASCII, psycopg 3 returns bytes for every TEXT, even for plain ASCII that was
# written as str. With client_encoding='UTF8' it returns str, and the bytes in the database are the same.
#
# Version: psycopg 3.3.9, PostgreSQL 15.18 (Debian). This is intended:
# https://www.psycopg.org/psycopg3/docs/basic/adapt.html#strings-adaptation
# Why it hurts our users: a ledger in such a database reads b'...' where a date is expected: "was it edited by hand?"
# Where we handle it: plugins/module_utils/_ledger/postgresql.py always connects with client_encoding UTF8.
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
"$bin/psql" -q -h "$work" -U admin -d postgres -c "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0"
cat >"$work/finding.py" <<'END'
import sys
import psycopg

address = f"host={sys.argv[1]} user=admin dbname=ascii"
seen = []
for options in ({}, {"client_encoding": "UTF8"}):
    with psycopg.connect(address, **options) as connection:
        connection.execute("CREATE TEMP TABLE note (text TEXT)")
        connection.execute("INSERT INTO note VALUES (%s)", ("2026-12-05",))
        ((value,),) = connection.execute("SELECT text FROM note").fetchall()
    print(f"psycopg {psycopg.__version__}, {options or 'without client_encoding'}: '2026-12-05' came back as {value!r}")
    seen.append(value)
sys.exit(0 if seen == [b"2026-12-05", "2026-12-05"] else "this has changed")
END
env -u PGCLIENTENCODING "$work/venv/bin/python" "$work/finding.py" "$work"
