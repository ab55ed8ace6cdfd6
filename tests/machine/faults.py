# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault verb of the simulator, with parameters that are possible for a truthful portal.

A lie is something that no client can detect: a definite refusal of an order that was carried out, or a wrong date or
status. Lies are not drawn. Anything missing, late, broken, duplicated or unreadable is, and so is the refusal, with an
unknown code, of an order that was placed.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.client import ORDER_LIST, PRODUCT_LIST
from ansible_collections.pbxops.yeastar.plugins.module_utils._portal.sender import ORDER_SAVE
from tests.machine.world import PRODUCTS
from tests.simulator.verbs import VERBS

ORDER, LIST, DETAIL, LISTING = "/order/v1/save", "/order/v1/page", "/instance_product/v1/detail", "product_list"
AUTO_RENEWAL, ORDER_DETAIL, TOKEN = "/check/existed_auto_renew", "/order/v1/get/", "oauth/token"
ANY_PATH = st.sampled_from([ORDER, ORDER, ORDER, LIST, LIST, DETAIL, LISTING, ORDER_DETAIL, AUTO_RENEWAL, TOKEN, None])
FLAG = st.booleans()
SECONDS = st.sampled_from([0.5, 10, 40, 200, 1000])
ORDER_DELAY = st.sampled_from([1, 20, 50, 120, 600, 1000, 5000])
SERVER_ERROR = st.sampled_from([408, 500, 502, 503, 504])
PRODUCT = st.sampled_from([None, *PRODUCTS])
READS = st.sampled_from([0, 1, 2, 5])

# Fields that an answer can lack, or have in an unreadable form, without becoming a lie.
GONE = ("code", "status", "requestId", "result", "detailMessage", "total", "results", "count", "totalPage", "id")
GONE_OF_ORDERS = ("orderNo", "orderStatus", "productNo", "poNumber", "customReferenceNo", "createTime", "transactionNo")
GONE_OF_PBXS = ("expireDate", "expirationDate", "quantity", "extensionNum", "planId", "serviceList", "billingCycle")
FIELDS = st.sampled_from([*GONE, *GONE_OF_ORDERS, *GONE_OF_PBXS])
ALTERED = st.one_of(
    st.builds(lambda name: {"name": name, "remove": True}, FIELDS),
    st.builds(lambda name: {"name": name, "rename": "renamed"}, FIELDS),
    st.builds(lambda name: {"name": name, "value": None}, FIELDS),
    st.sampled_from(
        [
            {"name": "orderStatus", "value": "a new word"},
            {"name": "expireDate", "value": "soon"},
            {"name": "createTime", "value": "lately"},
            {"name": "total", "value": 1},
            {"name": "total", "value": 99},
            {"name": "status", "value": 500},
            {"name": "code", "value": "a_new_code"},
        ]
    ),
)

PARAMETERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "delay": {"seconds": SECONDS, "when": st.sampled_from(["before", "after"]), "commit": FLAG},
    "drop_before": {"reset": FLAG},
    "drop_after": {"reset": FLAG},
    "error_before": {"status": st.one_of(SERVER_ERROR, st.sampled_from([400, 402, 404, 409])), "envelope": FLAG},
    "error_after": {"status": SERVER_ERROR, "envelope": FLAG},
    "html": {"commit": FLAG},
    "truncate": {"missing": st.sampled_from([0, 1, 20, 10_000])},
    "truncate_close": {"valid_json": FLAG},
    "empty": {"status": st.sampled_from([200, 204])},
    "oversize": {"size": st.sampled_from([1000, 1000, 11_000_000]), "gzip": FLAG},
    "packed": {"layers": st.sampled_from([1, 2])},
    "nested": {"levels": st.sampled_from([10, 100])},
    "close": {"announced": FLAG},
    "break_off": {
        "sent": st.sampled_from([1, 60, 10_000_000]),
        "how": st.sampled_from(["reset", "close", "half_close"]),
    },
    "drip": {"seconds": st.sampled_from([0.001, 0.02, 1.0])},
    "wrong_content_type": {"content_type": st.sampled_from(["text/html", "text/plain"])},
    "redirect": {"status": st.sampled_from([301, 302, 303, 307, 308])},
    "unauthorized": {"envelope": FLAG},
    "forbidden": {"envelope": FLAG},
    "rate_limited": {"retry_after": st.sampled_from([None, 1, 100, 300, 400]), "as_date": FLAG, "envelope": FLAG},
    "order_status": {"status": st.sampled_from(["failed", "invalid", "cancelled", "refunded", "confirming", "new"])},
    "list_lag": {"reads": READS, "seconds": ORDER_DELAY},
    "expiry_late": {"reads": READS, "seconds": ORDER_DELAY},
    "commit_late": {"seconds": ORDER_DELAY, "status": st.sampled_from([500, 503, None])},
    "wrong_advance": {"cycles": st.sampled_from([0, 2]), "product_no": PRODUCT},
    "shift_listing": {"action": st.just("insert")},
    "hide_product": {"product_no": st.sampled_from(PRODUCTS)},
    "quantity_change": {"quantity": st.sampled_from([7, 20, 100]), "product_no": PRODUCT},
    "renewed_by_person": {"order": FLAG, "product_no": PRODUCT},
    "price_change": {"factor": st.sampled_from([0.5, 2.0])},
}
BUSINESS_ERRORS = st.one_of(
    st.fixed_dictionaries({"status": st.sampled_from([200, 400, 402, 409, 500]), "as_200": FLAG}),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from([200, 400, 402, 409, 422, 500]),
            "as_200": FLAG,
            "commit": st.just(True),
            "order_status": st.sampled_from(["succeed", "pending", "pending", "confirming"]),
            "hidden_seconds": st.sampled_from([0, 10, 100, 800, 5000]),
        }
    ),
    st.fixed_dictionaries({"status": st.just(400), "code": st.just("parameter_validation_failed"), "as_200": FLAG}),
)
PAGING = st.one_of(
    st.fixed_dictionaries({"kind": st.sampled_from(["zero_pages", "endless"])}),
    st.fixed_dictionaries({"kind": st.just("size_ignored"), "size": st.integers(1, 3)}),
)
WHOLE: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "alter_field": ALTERED,
    "business_error": BUSINESS_ERRORS,
    "bad_paging": PAGING,
}
# These have a fixed path; for the others it is drawn.
OF_ORDERS = ("no_order_number", "order_pending", "order_status", "list_lag", "expiry_late", "commit_late")
OF_ORDERS += ("double_commit", "wrong_advance")
OF_LISTS = ("shift_listing", "short_listing", "repeat_page", "hide_product", "bad_paging")
OMITTED = ("hold",)  # it stops the server's thread; here whole runs happen in between instead
# Drawn more often, since they create the critical situation: an order that nobody can see.
FREQUENT = ("commit_late", "list_lag", "expiry_late", "order_pending", "drop_after", "error_after", "drop_before")
FREQUENT += ("business_error",)


def _fault(verb: str, params: dict[str, Any], path: str | None, times: int, skip: int) -> dict[str, Any]:
    return {"verb": verb, "path": path, "times": times, "skip": skip, **params}


def _of_verb(verb: str) -> st.SearchStrategy[dict[str, Any]]:
    params = WHOLE[verb] if verb in WHOLE else st.fixed_dictionaries(PARAMETERS.get(verb, {}))
    if verb in OF_ORDERS:
        path: st.SearchStrategy[str | None] = st.just(ORDER_SAVE)
    elif verb == "shift_listing":
        path = st.just(PRODUCT_LIST)
    elif verb in OF_LISTS:
        path = st.sampled_from([ORDER_LIST, PRODUCT_LIST])
    else:
        path = ANY_PATH
    return st.builds(
        _fault, st.just(verb), params, path, st.sampled_from([1, 1, 2, 4]), st.sampled_from([0, 0, 1, 2, 4])
    )


def faults() -> st.SearchStrategy[dict[str, Any]]:
    """A fault, as `Simulator.fault` takes it."""
    verbs = [verb for verb in VERBS if verb not in OMITTED]
    return st.sampled_from([*FREQUENT * 2, *verbs]).flatmap(_of_verb)
