#!/bin/sh
# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# requests accepts a proxy from the environment without a scheme only if its host is a number or contains a dot or an
# underscore, or if it has no port. It refuses proxyhost:3128 and localhost:3128, since urllib3 takes the host for a
# scheme. curl accepts all of them.
#
# Version: requests 2.34.2 with urllib3 2.8.0.
# Why it hurts our users: HTTPS_PROXY=proxyhost:3128 works with curl on the same machine, and the error names neither
# the variable nor what is missing, so the portal seems to be down.
# Where we handle it: check_proxy of plugins/module_utils/_portal/environment.py names the variable and the form.
# Needs: python3 with venv, and a package index.
# It fails if the behaviour is no longer this one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0
cat >"$work/finding.py" <<'END'
import sys
import requests
import urllib3

print(f"requests {requests.__version__}, urllib3 {urllib3.__version__}")
seen = {}
for proxy in ("proxyhost:3128", "localhost:3128", "proxyhost", "proxy_host:3128", "proxy.invalid:3128", "127.0.0.1:1"):
    try:
        requests.get("https://portal.invalid", proxies={"https": proxy}, timeout=5)
    except requests.exceptions.InvalidProxyURL as error:
        seen[proxy] = str(error)
    except requests.exceptions.ProxyError:
        seen[proxy] = "taken for an address"
    print(f"{proxy}: {seen[proxy]}")
refused = {proxy for proxy, said in seen.items() if said.startswith("Please check proxy URL. It is malformed")}
is_the_rest_tried = list(seen.values()).count("taken for an address") == 4
sys.exit(0 if refused == {"proxyhost:3128", "localhost:3128"} and is_the_rest_tried else "this has changed")
END
env -u HTTPS_PROXY -u https_proxy -u NO_PROXY -u no_proxy "$work/venv/bin/python" "$work/finding.py"
