# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin endpoints, for tests in another process. They are not logged and need no token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .answer import Answer

if TYPE_CHECKING:
    from .endpoints import Request
    from .records import Invoice
    from .simulator import Simulator

PREFIX = "/_admin/"


def answer(simulator: Simulator, request: Request) -> Answer:
    """Serve one admin request: 400 with the reason for wrong input, 404 for anything that does not exist."""
    name, dummy, tail = request.path.removeprefix(PREFIX).partition("/")
    serve = ROUTES.get((request.method, name, bool(tail)))
    if serve is None:
        return _json({"error": f"no admin endpoint {request.method} {request.path}"}, 404)
    try:
        body = json.loads(request.body) if request.body else None
        return serve(simulator, request, tail, body)
    except KeyError as error:
        return _json({"error": f"there is no {error.args[0]!r}"}, 404)
    except (ValueError, TypeError, TimeoutError) as error:
        return _json({"error": str(error)}, 400)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(
        status, body=json.dumps(value, default=_plain, indent=2).encode() + b"\n", content_type="application/json"
    )


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"cannot be shown: {value!r}")


def _log(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    return _json([asdict(entry) for entry in simulator.log])


def _orders(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    return _json([asdict(order) for order in simulator.orders])


def _faults(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    return _json(simulator.faults)


def _invoices(simulator: Simulator, request: Request, _tail: str, _body: Any) -> Answer:
    wanted = dict(request.query).get("format", "json")
    if wanted == "text":
        return Answer(200, body=invoice_table(simulator.invoices).encode(), content_type="text/plain;charset=UTF-8")
    if wanted != "json":
        raise ValueError("format must be json or text")
    return _json([asdict(invoice) for invoice in simulator.invoices])


def invoice_table(invoices: list[Invoice]) -> str:
    """The ledger in readable form."""
    rows = [("INVOICE", "ORDER", "PRODUCT", "AMOUNT", "CYCLE", "EXPIRY BEFORE", "EXPIRY AFTER", "PAID", "PO NUMBER")]
    for invoice in invoices:
        after = f"{invoice.expiry_after:%Y-%m-%d}" if invoice.expiry_after else "-"
        amount = f"{invoice.amount} {invoice.currency}"
        identity = (invoice.invoice_no, invoice.order_no, invoice.product_no, amount, invoice.cycle)
        paid = "yes" if invoice.paid else "open"
        before = f"{invoice.expiry_before:%Y-%m-%d}" if invoice.expiry_before else "-"
        rows.append((*identity, before, after, paid, invoice.po_number or "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = f"{len(invoices)} invoice{'' if len(invoices) == 1 else 's'}"
    return "\n".join([*lines, "", total, ""])


def _state(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    return _json(
        {
            "now": simulator.clock.now(),
            "url": simulator.url,
            "account": {"client_id": simulator.client_id, "client_secret": simulator.client_secret},
            "notes": simulator.account.gaps(),
            "profile": simulator.profile.name,
            "billing_contacts": [asdict(contact) for contact in simulator.account.contacts],
            "pbxs": [asdict(pbx) for pbx in simulator.pbxs],
            "orders": len(simulator.orders),
            "invoices": len(simulator.invoices),
            "requests": len(simulator.log),
        }
    )


def _add_faults(simulator: Simulator, _request: Request, _tail: str, body: Any) -> Answer:
    entries = body if isinstance(body, list) else [body]
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("verb"), str):
            raise ValueError("a fault is an object with a verb")
    for entry in entries:
        simulator.fault(**entry)
    return _json(simulator.faults)


def _clock(simulator: Simulator, _request: Request, _tail: str, body: Any) -> Answer:
    actions: dict[str, Callable[[Any], None]] = {
        "hold": simulator.clock.hold,
        "advance": simulator.clock.advance,
        "release": lambda _value: simulator.clock.release(),
    }
    if not isinstance(body, dict) or len(body) != 1 or next(iter(body)) not in actions:
        raise ValueError('the clock takes one of {"hold": instant}, {"advance": seconds}, {"release": true}')
    for action, value in body.items():
        actions[action](value)
    return _json({"now": simulator.clock.now()})


def _patch(simulator: Simulator, _request: Request, tail: str, body: Any) -> Answer:
    return _json(asdict(simulator.account.patch(tail, body)))


def _order(simulator: Simulator, _request: Request, tail: str, body: Any) -> Answer:
    if not isinstance(body, dict) or set(body) != {"status"}:
        raise ValueError('an order takes {"status": …}')
    return _json(asdict(simulator.set_order_status(tail, body["status"])))


def _held(simulator: Simulator, request: Request, _tail: str, _body: Any) -> Answer:
    timeout = dict(request.query).get("timeout")
    return _json([asdict(held) for held in (simulator.wait_held(float(timeout)) if timeout else simulator.held)])


def _release(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    simulator.release()
    return _json({"released": True})


def _reset(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    simulator.reset()
    return _json({"reset": True})


def _stop(simulator: Simulator, _request: Request, _tail: str, _body: Any) -> Answer:
    simulator.is_dismissed.set()
    return _json({"stopped": True})


Serve = Callable[["Simulator", "Request", str, Any], Answer]
ROUTES: dict[tuple[str, str, bool], Serve] = {
    ("GET", "log", False): _log,
    ("GET", "invoices", False): _invoices,
    ("GET", "orders", False): _orders,
    ("GET", "state", False): _state,
    ("GET", "faults", False): _faults,
    ("GET", "held", False): _held,
    ("POST", "faults", False): _add_faults,
    ("POST", "clock", False): _clock,
    ("POST", "pbx", True): _patch,
    ("POST", "orders", True): _order,
    ("POST", "release", False): _release,
    ("POST", "reset", False): _reset,
    ("POST", "stop", False): _stop,
}
