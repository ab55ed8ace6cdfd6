# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the connection options."""

    DOCUMENTATION = r"""
options:
  base_url:
    description:
      - The address of the Partner Portal API, without a path.
      - Must be C(https), except for a loopback address, which is never reached through a proxy.
      - If not set, the environment variable E(YEASTAR_BASE_URL) is used.
    type: str
    default: https://openapi.partner.yeastar.com
  client_id:
    description:
      - The Client ID from the portal, under C(System > API).
      - If not set, the environment variable E(YEASTAR_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - The Client Secret, which the portal shows once, after a reset.
      - If not set, the environment variable E(YEASTAR_CLIENT_SECRET) is used.
    type: str
  access_token:
    description:
      - A valid access token, instead of O(client_id) and O(client_secret). It is not renewed when it expires.
      - If not set, the environment variable E(YEASTAR_ACCESS_TOKEN) is used.
    type: str
  timeout:
    description:
      - How long one request may take as a whole, in seconds. A read that takes longer is aborted and its connection
        closed.
    type: float
    default: 30.0
  retries:
    description:
      - How often a read is repeated after a temporary failure. An order is never repeated.
    type: int
    default: 3
  validate_certs:
    description:
      - Whether the certificate of the server is checked.
      - With V(false), nothing is ordered over C(https). A renewal is then refused, also in check mode.
    type: bool
    default: true
  ca_path:
    description:
      - A file with certificate authorities to trust instead of the usual ones.
    type: path
  user_agent:
    description:
      - The C(User-Agent) header, which the API requires.
    type: str
    default: OpenAPI
  field_map:
    description:
      - The names of response fields in your account, since the vendor does not publish them all.
      - The keys are C(expires_at), C(plan), C(plan_id), C(quantity), C(billing_cycle), C(services), C(service_id),
        C(service_name), C(auto_renewal), C(po_number), C(amount), C(currency), C(pricing_plan_id) and
        C(pricing_service_id).
      - A value is the name of the field, with dots if it is nested, or a list of such names. If a row has several of
        them, all must agree.
      - Map C(plan) to C(currentPlan) if that field always has the running plan. It then no longer means a pending
        switch by itself.
      - Use M(pbxops.yeastar.yeastar_pce_info) with O(pbxops.yeastar.yeastar_pce_info#module:raw=true) to find them.
    type: dict
    default: {}
  time_zone:
    description:
      - The IANA name of the time zone of the portal's dates that have no zone of their own, such as V(Asia/Shanghai).
      - It also applies to dates that you declare without a zone.
      - Without it, such a date may be in any zone. A PBX is then due according to the earliest instant that the date
        can mean, and counts as expired only after the latest. In between it may have expired, and is V(blocked). The
        expiry is shown as if it were in UTC, and RV(ignore:expires_between) has the two instants.
    type: str
    version_added: 0.2.0
requirements:
  - requests
"""
