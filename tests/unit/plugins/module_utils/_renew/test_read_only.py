# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only decides has no way to order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.errors import NotSent, ReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.transport import Transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew import job as _job
from ansible_collections.pbxops.yeastar.plugins.module_utils._renew.job import Job
from ansible_collections.pbxops.yeastar.plugins.module_utils._secrets import Secrets

PARAMS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9",
    "client_id": None,
    "client_secret": None,
    "access_token": "given",
    "timeout": 1.0,
    "retries": 0,
    "validate_certs": True,
    "ca_path": None,
    "user_agent": "OpenAPI",
    "field_map": None,
    "now": "2026-11-23",
    "product_no": "3658B431119665QJ",
    "subscriptions": None,
    "wait_timeout": 0,
    "settle_window": 900,
    "max_orders": 1,
    "ledger": "none",
    **dict.fromkeys(("plan", "services", "quantity", "billing_cycle", "expires_at", "billing_contact")),
    **dict.fromkeys(
        ("expected_expiry", "remaining_days", "po_number", "auto_renewal", "max_total", "max_amount_per_item")
    ),
    **dict.fromkeys(("currency", "max_price_increase_percent", "on_unknown_price", "run_id")),
    "include_expired": False,
    "on_unknown_auto_renewal": "allow",
    "term_starts": "expiry",
    "time_zone": None,
}


@pytest.mark.parametrize("use", [Job.decide, lambda job: job.renew(is_check_mode=True)], ids=["plan", "check mode"])
def test_what_only_decides_has_no_sender_and_a_transport_that_refuses_to_write(
    use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreachable(Transport):
        def get_dated(self, path: str, params: Any = None) -> Any:
            raise ReadError(f"GET {path}", "not asked here")

    senders: list[Any] = []
    monkeypatch.setattr(_job, "Transport", Unreachable)
    monkeypatch.setattr(_job, "OrderSender", senders.append)
    job = Job(PARAMS, secrets=Secrets(), on_warning=lambda warning: None)
    with pytest.raises(ReadError, match="not asked here"):
        use(job)
    assert isinstance(job._transport, Unreachable) and senders == []
    with pytest.raises(NotSent, match="this run only reads"):
        job._transport.exchange_now("POST", "/order/openapi/order/v1/save")
