# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: infer from values which fields carry which concepts: suggestions for `field_map`, never used by themselves.

Expiry, quantity and services decide about money. A field is called certain only if its values show it in nearly all
rows and no other field is equally good; otherwise a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from .._model.undetermined import Undetermined
from .._portal.fields import Fields
from .._portal.order_rows import Row
from . import evidence_of_answers as _answers
from . import evidence_of_pbxs as _pbxs
from .evidence_of_expiries import expiries
from .evidence_of_plans import plans as plans_of
from .evidence_of_services import entries_of, service_ids, service_lists, service_names
from .ranking import Candidate, Judgement, Strength, ranked
from .sample import Facts, Field, Sample, facts_of, fields_of_pbxs, numbered, orders_of, read_rows

__all__ = ["Candidate", "Sample", "candidates", "suggested_map"]

# A field that reads these as something that the catalog does not have is not the right one.
_JUDGED_BY_CATALOG = ("plan", "plan_id", "service_id", "service_name")

FieldMap = Mapping[str, Union[str, Sequence[str]]]


def candidates(sample: Sample) -> dict[str, tuple[Candidate, ...]]:
    """The fields that may carry each concept of `field_map`, best first; a concept without any has an empty tuple."""
    facts = facts_of(sample)
    fields = fields_of_pbxs(sample)
    prices = [*sample.plan_prices, *sample.service_prices]
    plans, services = _answers.plan_entries(sample.catalog), _answers.service_entries(sample.catalog)
    cycles = _pbxs.billing_cycles(fields, facts)
    plan_ids, plan_names = plans_of(fields, facts)
    quantities = _pbxs.quantities(fields, facts, sample)
    rising = _rising(quantities, sample)
    found = {
        "plan": ranked("plan", plan_names, "PBXs"),
        "plan_id": ranked("plan_id", plan_ids, "PBXs"),
        "quantity": ranked("quantity", quantities, "PBXs"),
        "billing_cycle": ranked("billing_cycle", cycles, "PBXs"),
        "auto_renewal": ranked("auto_renewal", _pbxs.auto_renewals(fields), "PBXs"),
        "po_number": ranked("po_number", _answers.po_numbers(orders_of(sample)), "orders"),
        "amount": ranked("amount", _answers.amounts(sample.plan_prices, rising), "answers"),
        "currency": ranked("currency", _answers.currencies(prices), "answers"),
        "pricing_plan_id": ranked("pricing_plan_id", _answers.pricing_ids("pricing_plan_id", plans), "entries"),
        "pricing_service_id": ranked(
            "pricing_service_id", _answers.pricing_ids("pricing_service_id", services), "entries"
        ),
        **_of_services(fields, facts),
    }
    known_cycles = _known_cycles(cycles, found["billing_cycle"], facts)
    found["expires_at"] = ranked("expires_at", expiries(fields, known_cycles, sample.now), "PBXs")
    return found


def _rising(quantities: Sequence[Judgement], sample: Sample) -> set[tuple[str, ...]]:
    """The fields of prices that rise with a quantity that may be certain."""
    certain = [one.readings for one in quantities if one.may_be_certain]
    return {path for readings in certain for path in _pbxs.prices_that_rise(readings, sample)}


def _of_services(fields: Sequence[Field], facts: Facts) -> dict[str, tuple[Candidate, ...]]:
    """The lists of services, and the ids and names in those that are the best ones."""
    lists = service_lists(fields, facts)
    strongest = max((one.strength for one in lists), default=Strength.CONTRARY)
    entries = entries_of([one.field for one in lists if one.strength == strongest])
    return {
        "services": ranked("services", lists, "PBXs"),
        "service_id": ranked("service_id", service_ids(entries, facts), "services"),
        "service_name": ranked("service_name", service_names(entries, facts), "services"),
    }


def _known_cycles(judged: Sequence[Judgement], found: Sequence[Candidate], facts: Facts) -> dict[str, str]:
    """The billing cycles of PBXs, from the field that is certain, or else from the last orders."""
    certain = {one.path for one in found if one.is_certain}
    of_field = [one.readings for one in judged if one.field.name in certain]
    return dict(of_field[0]) if of_field else _pbxs.ordered_cycles(facts)


def suggested_map(sample: Sample, field_map: FieldMap) -> dict[str, str]:
    """What to add to ``field_map``: fields that are certain, for concepts that cannot be determined with it.

    Raises ValueError if ``field_map`` is not valid.
    """
    fields = Fields(field_map)
    found = {concept: some[0].path for concept, some in candidates(sample).items() if some and some[0].is_certain}
    rows = _rows(sample, fields, found)
    return {
        concept: path
        for concept, path in sorted(found.items())
        if not _is_determined(concept, rows[concept], fields, Fields({**field_map, concept: path}))
    }


def _rows(sample: Sample, fields: Fields, found: Mapping[str, str]) -> dict[str, list[Row]]:
    """The rows in which each concept is read."""
    pbxs = list(read_rows(sample).values())
    plan_entries = list(_answers.plan_entries(sample.catalog).values())
    service_entries = list(_answers.service_entries(sample.catalog).values())
    orders = orders_of(sample)
    entries = list(_entries(pbxs, fields, found.get("services")))
    return {
        **dict.fromkeys(("expires_at", "plan", "plan_id", "quantity", "billing_cycle", "services"), pbxs),
        "auto_renewal": pbxs,
        **dict.fromkeys(("service_id", "service_name"), entries),
        "po_number": orders,
        "amount": list(sample.plan_prices),
        "currency": [*sample.plan_prices, *sample.service_prices],
        "pricing_plan_id": plan_entries,
        "pricing_service_id": service_entries,
    }


def _entries(pbxs: Iterable[Row], fields: Fields, path: Union[str, None]) -> Iterable[Row]:
    for row in pbxs:
        entries: Any = fields.read(row, "services")
        if isinstance(entries, Undetermined) and path is not None:
            entries = Fields({"services": path}).read(row, "services")
        if not isinstance(entries, Undetermined):
            yield from numbered(one for one in entries if isinstance(one, Mapping)).values()


def _is_determined(concept: str, rows: Sequence[Row], fields: Fields, suggested: Fields) -> bool:
    """Whether a concept is read in all rows; that of orders, which need not have one, in any."""
    values = [fields.read(row, concept) for row in rows]
    unread = [value for value in values if isinstance(value, Undetermined)]
    if concept == "po_number":
        return len(unread) < len(values) and not any(value.reported for value in unread)
    if unread:
        return False
    return concept not in _JUDGED_BY_CATALOG or values == [suggested.read(row, concept) for row in rows]
