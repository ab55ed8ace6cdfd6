# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault verbs. A verb acts before the request is carried out (and may answer in its place), shapes how it is
carried out, or changes the answer afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import verb_actions as act
from .account import Account
from .answer import Answer
from .endpoints import PRODUCT_LIST_PATH, SAVE_PATH, Effects, Request
from .holds import POINTS

HOLD = "hold"
REQUIRED = object()
NUMBER = (int, float)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a verb: its types (None among them makes it optional) and its default."""

    kinds: tuple[type, ...]
    default: Any = REQUIRED
    choices: tuple[Any, ...] = ()

    def check(self, name: str, value: Any) -> Any:
        """The value, or ValueError."""
        right = isinstance(value, self.kinds) and (bool in self.kinds or not isinstance(value, bool))
        if not right or (self.choices and value not in self.choices):
            wanted = self.choices or "/".join(kind.__name__ for kind in self.kinds)
            raise ValueError(f"{name} must be {wanted}, not {value!r}")
        return value


@dataclass(frozen=True)
class Exchange:
    """A request with a fault."""

    request: Request
    account: Account
    params: dict[str, Any]
    stopping: threading.Event


@dataclass(frozen=True)
class Verb:
    """The action of a fault. `path` is the path that it matches by default."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    before: Callable[[Exchange], Answer | None] | None = None
    shape: Callable[[Effects, dict[str, Any]], None] | None = None
    after: Callable[[Exchange, Answer], Answer] | None = None
    path: str | None = None


NONE = type(None)
FLAG = Parameter((bool,), True)
OFF = Parameter((bool,), False)
SECONDS = Parameter(NUMBER)
OPTIONAL_TEXT = Parameter((str, NONE), None)
STATUS = Parameter((int,), 500)


def _saving(shape: Callable[[Effects, dict[str, Any]], None], **parameters: Parameter) -> Verb:
    return Verb(parameters, shape=shape, path=SAVE_PATH)


def _listing(shape: Callable[[Effects, dict[str, Any]], None], **parameters: Parameter) -> Verb:
    return Verb(parameters, shape=shape, path=PRODUCT_LIST_PATH)


VERBS: dict[str, Verb] = {
    # when and whether an answer comes
    "delay": Verb(
        {"seconds": SECONDS, "when": Parameter((str,), "before", ("before", "after")), "commit": FLAG},
        before=act.delay_before,
        after=act.delay_after,
    ),
    HOLD: Verb({"point": Parameter((str,), REQUIRED, POINTS)}),
    "drop_before": Verb({"reset": OFF}, before=act.drop_before),
    "drop_after": Verb({"reset": OFF}, after=act.drop_after),
    "error_before": Verb({"status": STATUS, "envelope": FLAG}, before=act.error_before),
    "error_after": Verb({"status": STATUS, "envelope": FLAG}, after=act.error_after),
    "html": Verb({"commit": OFF}, before=act.html_before, after=act.html_after),
    # broken answers, after the state has changed
    "truncate": Verb({"missing": Parameter((int,), 20)}, after=act.truncate),
    "truncate_close": Verb({"valid_json": OFF}, after=act.truncate_close),
    "empty": Verb({"status": Parameter((int,), 200, (200, 204))}, after=act.empty),
    "no_order_number": Verb(after=act.no_order_number, path=SAVE_PATH),
    "duplicate_keys": Verb(after=act.duplicate_keys),
    "nan": Verb(after=act.nan),
    "oversize": Verb({"size": Parameter((int,), 11_000_000), "gzip": OFF}, after=act.oversize),
    "packed": Verb({"layers": Parameter((int,), 2)}, after=act.packed),
    "nested": Verb({"levels": Parameter((int,), 100)}, after=act.nested),
    "close": Verb({"announced": FLAG}, after=act.close),
    "break_off": Verb(
        {"sent": Parameter((int,), 1), "how": Parameter((str,), "reset", ("close", "reset", "half_close"))},
        after=act.break_off,
    ),
    "drip": Verb({"seconds": SECONDS}, after=act.drip),
    "wrong_content_type": Verb({"content_type": Parameter((str,), "text/html")}, after=act.wrong_content_type),
    "alter_field": Verb(
        {
            "name": Parameter((str,)),
            "value": Parameter((str, int, float, bool, list, dict, NONE), None),
            "remove": OFF,
            "rename": OPTIONAL_TEXT,
        },
        after=act.alter_field,
    ),
    # refusals; nothing is carried out
    "redirect": Verb(
        {
            "status": Parameter((int,), 302, (301, 302, 303, 307, 308)),
            "location": Parameter((str,), "https://elsewhere.example.com/login"),
        },
        before=act.redirect,
    ),
    "unauthorized": Verb({"envelope": FLAG}, before=act.unauthorized),
    "forbidden": Verb({"envelope": FLAG}, before=act.forbidden),
    "rate_limited": Verb(
        {"retry_after": Parameter((int, str, NONE), None), "as_date": OFF, "envelope": FLAG},
        before=act.rate_limited,
    ),
    "business_error": Verb(
        {
            "status": Parameter((int,), 200),
            "code": Parameter((str,), "order_refused"),
            "message": Parameter((str,), "The order was refused."),
            "as_200": OFF,
            "commit": OFF,
            "order_status": Parameter((str,), "succeed"),
            "hidden_seconds": Parameter(NUMBER, 0),
        },
        before=act.business_error_before,
        shape=act.business_error_shape,
        after=act.business_error_after,
    ),
    # what becomes of an order
    "order_pending": _saving(act.order_pending),
    "order_status": _saving(act.order_status, status=Parameter((str,), REQUIRED)),
    "list_lag": _saving(act.list_lag, reads=Parameter((int,), 0), seconds=Parameter(NUMBER, 0)),
    "expiry_late": _saving(act.expiry_late, reads=Parameter((int,), 0), seconds=Parameter(NUMBER, 0)),
    "commit_late": Verb(
        {"seconds": SECONDS, "status": Parameter((int, NONE), 500)},
        shape=act.commit_late,
        after=act.commit_late_after,
        path=SAVE_PATH,
    ),
    "double_commit": _saving(act.double_commit, copies=Parameter((int,), 2)),
    "wrong_advance": _saving(act.wrong_advance, cycles=Parameter((int,), 2), product_no=OPTIONAL_TEXT),
    # listings
    "shift_listing": Verb(
        {"action": Parameter((str,), "remove", ("insert", "remove")), "product_no": OPTIONAL_TEXT},
        after=act.shift_listing,
        path=PRODUCT_LIST_PATH,
    ),
    "short_listing": _listing(act.short_listing, missing=Parameter((int,), 1)),
    "repeat_page": _listing(act.repeat_page, page=Parameter((int,), 1)),
    "hide_product": _listing(act.hide_product, product_no=Parameter((str,))),
    "bad_paging": _listing(
        act.bad_paging,
        kind=Parameter((str,), REQUIRED, ("zero_pages", "endless", "size_ignored")),
        size=Parameter((int,), 10),
    ),
    # the account changes at that request, before it is carried out
    "quantity_change": Verb({"quantity": Parameter((int,)), "product_no": OPTIONAL_TEXT}, before=act.quantity_change),
    "renewed_by_person": Verb(
        {"cycles": Parameter((int,), 1), "order": OFF, "product_no": OPTIONAL_TEXT}, before=act.renewed_by_person
    ),
    "price_change": Verb({"factor": Parameter(NUMBER)}, before=act.price_change),
}


def checked_parameters(verb: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with their defaults; raises ValueError for a wrong, missing or unknown one."""
    known = VERBS[verb].parameters
    for name in params:
        if name not in known:
            raise ValueError(f"{verb}: unknown parameter {name!r}; it has {', '.join(known) or 'none'}")
    for name, parameter in known.items():
        if name not in params and parameter.default is REQUIRED:
            raise ValueError(f"{verb}: parameter {name} is missing")
    checked = {name: params.get(name, parameter.default) for name, parameter in known.items()}
    try:
        return {name: known[name].check(name, value) for name, value in checked.items()}
    except ValueError as error:
        raise ValueError(f"{verb}: {error}") from None
