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
      - How long one request may take as a whole, in seconds. A read that takes longer is given up, and its connection
        ended.
    type: float
    default: 30.0
  retries:
    description:
      - How often a read is repeated after a failure that may pass. An order is never repeated.
    type: int
    default: 3
  validate_certs:
    description:
      - Whether the certificate of the server is checked.
      - Nothing is ordered over C(https) while this is V(false). A renewal is refused then, in check mode as well.
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
      - The names of response fields of your account, where the vendor does not publish them.
      - The keys are C(expires_at), C(plan), C(plan_id), C(quantity), C(billing_cycle), C(services), C(service_id),
        C(service_name), C(auto_renewal), C(po_number), C(amount), C(currency), C(pricing_plan_id) and
        C(pricing_service_id).
      - A value is the name of the field, with dots where it is nested, or a list of such names. Of several that a row
        has, all must say the same.
      - With C(plan) as C(currentPlan), that field always has the running plan, and alone tells of no pending switch.
      - Use M(pbxops.yeastar.yeastar_pce_info) with O(pbxops.yeastar.yeastar_pce_info#module:raw=true) to find them.
    type: dict
    default: {}
  time_zone:
    description:
      - The IANA name of the time zone that the portal shows its dates in if they say none, such as V(Asia/Shanghai).
      - Dates that you declare without a zone are read in it as well.
      - Without it, such a date may be of any zone. A PBX is then due by the earliest instant that it can mean, and is
        called expired only by the latest. Between them it may have expired, and is V(blocked). What is shown is the
        reading in UTC, and RV(ignore:expires_between) says where the instant lies.
    type: str
    version_added: 0.2.0
requirements:
  - requests
"""
