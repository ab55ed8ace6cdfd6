# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal does on the wire, as the kernel sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.processes import Ansible, states
from tests.support.traces import find, read_trace, tracer

FIRST = "3658B431119665QJ"
SAVE = rb"^POST /order/openapi/order/v1/save "


def test_an_order_leaves_once_its_head_before_its_body(start: Callable[..., Ansible], tmp_path: Path) -> None:
    ansible, trace = start(), tmp_path / "trace"
    arguments = {"product_no": FIRST, "wait_timeout": 0}
    running = ansible.start("yeastar_pce_renewal", arguments, under=tracer(trace))
    assert states(running.result()) == {FIRST: "renewed"}
    events = read_trace(trace)
    (head,) = find(events, "send", "^TCP", SAVE)
    (body,) = find(events, "send", "^TCP", rb'"operationType"')
    assert head < body and events[head].target == events[body].target
    assert events[head].target.endswith(f"->{ansible.portal.url.removeprefix('http://')}]")
    assert any(place > body for place in find(events, "receive", "^TCP"))
