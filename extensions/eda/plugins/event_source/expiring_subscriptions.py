# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of Yeastar Cloud PBX subscriptions that are about to expire, for ansible-rulebook."""

from __future__ import annotations

import asyncio
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.watch import watch

DOCUMENTATION = r"""
name: expiring_subscriptions
short_description: An event for each Yeastar Cloud PBX subscription that comes close to its expiry
description:
  - Reads the PBXs (PCE Instances) of an account from the Partner Portal, again and again, and changes nothing.
  - One event is told for each subscription and each window that it enters with an expiry. The windows are 30, 14, 7 and
    1 days, and C(expired). One more event is told once the expiry has moved later by a day or more.
  - What passed through several windows while nobody was watching is told of the narrowest one alone. The same holds for
    the first poll of all.
  - What was told is remembered in O(state_file), so that it is told once, whatever is restarted. The file is written
    after the events of a poll were handed over. Who is killed in between tells them again. What was handed over, but
    not worked off when ansible-rulebook ended, is lost. So do not leave it to events alone that a subscription is
    renewed.
  - A portal that cannot be read is asked again less and less often, up to once an hour. That is logged once, and once
    more when it can be read again.
  - A subscription whose expiry cannot be determined has no events.
  - Days are counted by the portal's clock where it tells the time.
options:
  base_url:
    description: The address of the Partner Portal API, without a path. Default is the environment variable
      E(YEASTAR_BASE_URL), or else the vendor's.
    type: str
    default: https://openapi.partner.yeastar.com
  client_id:
    description: The Client ID from the portal. Default is the environment variable E(YEASTAR_CLIENT_ID).
    type: str
  client_secret:
    description: The Client Secret. Default is the environment variable E(YEASTAR_CLIENT_SECRET).
    type: str
  access_token:
    description: Refused, also from the environment, since it ends within the hour.
    type: str
  timeout:
    description: How long one request may take as a whole, in seconds.
    type: float
    default: 30.0
  retries:
    description: How often a read is repeated after a failure that may pass, within one poll.
    type: int
    default: 3
  validate_certs:
    description: Whether the certificate of the server is checked.
    type: bool
    default: true
  ca_path:
    description: A file with certificate authorities to trust instead of the usual ones.
    type: path
  user_agent:
    description: The C(User-Agent) header, which the API requires.
    type: str
    default: OpenAPI
  field_map:
    description: The names of response fields of your account, as in the modules.
    type: dict
    default: {}
  time_zone:
    description: The time zone that the portal shows its dates in, where they say none, as in the modules.
    type: str
  interval:
    description: Seconds from the end of a poll to the next.
    type: float
    default: 3600.0
  state_file:
    description: Where it is remembered what was told. Default is a file for each account in the folder
      C(pbxops.yeastar) below E(XDG_STATE_HOME) or C(~/.local/state). Sources that are to tell the same events each for
      themselves need a file each.
    type: path
"""

EXAMPLES = r"""
- name: Plan what is about to expire
  hosts: all
  sources:
    - name: Subscriptions of our account
      pbxops.yeastar.expiring_subscriptions:
        interval: 3600
  rules:
    - name: A subscription ends within a week
      condition: event.entered == "expires_in_7"
      action:
        print_event:
"""


async def main(queue: asyncio.Queue[dict[str, Any]], args: dict[str, Any]) -> None:
    """Watch an account until ansible-rulebook ends."""
    await watch(queue, args)
