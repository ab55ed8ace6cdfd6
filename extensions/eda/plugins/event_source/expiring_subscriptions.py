# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of Yeastar Cloud PBX subscriptions that are about to expire, for ansible-rulebook."""

from __future__ import annotations

import asyncio
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._watch import watch

DOCUMENTATION = r"""
name: expiring_subscriptions
short_description: Emit an event for each Yeastar Cloud PBX subscription that is about to expire
description:
  - Polls the PBXs (PCE Instances) of an account from the Partner Portal, and changes nothing.
  - Emits one event for each subscription and each window that it enters with an expiry. The windows are 30, 14, 7 and 1
    days, and C(expired). Another event is emitted once the expiry has moved to a date at least a day later.
  - For a subscription that passed through several windows while the source was not running, only the event of the
    narrowest one is emitted. The same applies to the very first poll.
  - Emitted events are recorded in O(state_file), so that each is emitted once, even after a restart. The file is
    written after the events of a poll have been handed over. A source that is killed in between emits them again.
    Events that were handed over, but not yet processed when ansible-rulebook ended, are lost. So do not rely on events
    alone to renew a subscription.
  - While the portal cannot be read, it is polled less and less often, down to once an hour. That is logged once, and
    again when the portal is back.
  - A subscription whose expiry cannot be determined has no events.
  - Days are counted by the portal's clock if its answers contain the time.
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
    description: Refused, also from the environment, since it expires within the hour.
    type: str
  timeout:
    description: How long one request may take as a whole, in seconds.
    type: float
    default: 30.0
  retries:
    description: How often a read is repeated after a temporary failure, within one poll.
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
    description: The time zone of the portal's dates that have no zone of their own, as in the modules.
    type: str
  interval:
    description: Seconds from the end of a poll to the next.
    type: float
    default: 3600.0
  state_file:
    description: Where emitted events are recorded. Default is a file for each account in the folder C(pbxops.yeastar)
      below E(XDG_STATE_HOME) or C(~/.local/state). Sources that are to emit the same events independently need a file
      each.
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
