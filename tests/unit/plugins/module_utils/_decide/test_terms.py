# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import timedelta
from typing import Any, Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._decide import terms as _terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._decide.objection import Objection
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.catalog import Between, Catalog, CatalogEntry, Offer
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.decision import Terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.declaration import Declaration
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.subscription import Subscription
from ansible_collections.pbxops.yeastar.plugins.module_utils._model.undetermined import Undetermined
from ansible_collections.pbxops.yeastar.tests.unit.helpers.builders import (
    DAY,
    ENTERPRISE,
    EXPIRY,
    HA,
    RECORDING,
    SECOND,
    catalog,
    contact,
    declaration,
    full_declaration,
    silent_subscription,
    subscription,
    terms,
    unreadable,
    unreported,
    utc,
)

ESSENTIALS = ("expires_at", "plan", "services", "quantity", "billing_cycle")
NAMED = terms(plan=Offer(None, "Enterprise Plan"), services=(Offer(None, "High Availability"),))


def _unclear(declared: Declaration, reported: Subscription) -> Objection:
    with pytest.raises(Objection) as unclear:
        _terms.resolve_terms(declared, reported)
    return unclear.value


def _unclear_join(
    declared: Declaration, wanted: Terms, entries: Optional[Catalog] = None, reason: str = "cannot_determine"
) -> str:
    with pytest.raises(Objection) as unclear:
        _terms.identify(declared, wanted, entries if entries is not None else catalog())
    assert unclear.value.reason == reason
    return str(unclear.value)


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        pytest.param(timedelta(0), True, id="equal"),
        pytest.param(DAY - SECOND, True, id="a-second-short-of-a-day"),
        pytest.param(SECOND - DAY, True, id="a-second-short-of-a-day-before"),
        pytest.param(DAY, False, id="a-day"),
        pytest.param(-DAY, False, id="a-day-before"),
        pytest.param(28 * DAY, False, id="a-cycle"),
    ],
)
def test_an_expiry_is_the_same_within_less_than_a_day(apart: timedelta, expected: bool) -> None:
    assert _terms.same_expiry(EXPIRY, EXPIRY + apart) is expected


class TestResolve:
    def test_the_portal_alone_is_enough(self) -> None:
        assert _terms.resolve_terms(declaration(), subscription()) == terms()

    def test_the_declaration_alone_is_enough(self) -> None:
        assert _terms.resolve_terms(full_declaration(), silent_subscription()) == NAMED

    @pytest.mark.parametrize("concept", ESSENTIALS)
    def test_what_is_declared_stands_in_for_what_is_not_reported(self, concept: str) -> None:
        reported = subscription(**{concept: unreported(concept)})
        resolved = _terms.resolve_terms(full_declaration(), reported)
        assert getattr(resolved, concept) == getattr(NAMED, concept)

    @pytest.mark.parametrize("concept", ESSENTIALS)
    def test_what_is_declared_stands_in_for_what_cannot_be_read(self, concept: str) -> None:
        resolved = _terms.resolve_terms(full_declaration(), subscription(**{concept: unreadable(concept)}))
        assert getattr(resolved, concept) == getattr(NAMED, concept)
        assert resolved.stood_in == (unreadable(concept),)

    @pytest.mark.parametrize("concept", ESSENTIALS)
    def test_what_cannot_be_read_is_asked_for(self, concept: str) -> None:
        unclear = _unclear(declaration(), subscription(**{concept: unreadable(concept)}))
        assert unclear.reason == "cannot_determine"
        assert f"{concept}: x cannot be read" in str(unclear)
        assert f"declare {concept}" in str(unclear)

    @pytest.mark.parametrize(
        ("concept", "seen", "others"),
        [
            ("quantity", (50, 100), 70),
            ("billing_cycle", ("monthly", "annually"), None),
            ("billing_cycle", ("annually",), "monthly"),
            ("expires_at", (EXPIRY - 30 * DAY, EXPIRY), EXPIRY + DAY),
            ("expires_at", (EXPIRY + DAY - SECOND,), EXPIRY - DAY),
        ],
    )
    def test_of_fields_that_disagree_what_is_declared_must_be_one(
        self, concept: str, seen: tuple[Any, ...], others: Any
    ) -> None:
        reported = subscription(**{concept: Undetermined(concept, "they disagree", True, seen)})
        assert _terms.resolve_terms(full_declaration(), reported) == terms()
        if others is not None:
            unclear = _unclear(full_declaration(**{concept: others}), reported)
            assert unclear.reason == "contradiction"
            assert f"{concept} is declared as " in str(unclear)

    @pytest.mark.parametrize("concept", ESSENTIALS)
    def test_what_is_neither_reported_nor_declared_is_asked_for(self, concept: str) -> None:
        declared = full_declaration(**{concept: None})
        unclear = _unclear(declared, silent_subscription())
        assert unclear.reason == "cannot_determine"
        assert f"or declare {concept}" in str(unclear)
        assert "field_map" in str(unclear)

    def test_everything_that_is_missing_is_said_at_once(self) -> None:
        assert f"or declare {', '.join(ESSENTIALS)}" in str(_unclear(declaration(), silent_subscription()))

    def test_no_services_is_a_declaration(self) -> None:
        reported = subscription(services=unreported("services"))
        assert _terms.resolve_terms(declaration(services=()), reported).services == ()

    def test_a_declared_plan_of_digits_is_an_id(self) -> None:
        reported = subscription(plan=unreported("plan"))
        resolved = _terms.resolve_terms(declaration(plan=" 3048571730026938368 "), reported)
        assert resolved.plan == Offer("3048571730026938368", None)

    @pytest.mark.parametrize(
        ("declared", "values"),
        [
            pytest.param({"quantity": 50}, ("quantity", "50", "100"), id="quantity"),
            pytest.param({"billing_cycle": "monthly"}, ("billing_cycle", "monthly", "annually"), id="cycle"),
            pytest.param(
                {"expires_at": EXPIRY + DAY},
                ("expires_at", "2026-12-06T00:00:00Z", "2026-12-05T00:00:00Z"),
                id="expiry",
            ),
            pytest.param(
                {"quantity": 50, "billing_cycle": "monthly"}, ("50", "100", "monthly", "annually"), id="two-at-once"
            ),
        ],
    )
    def test_a_contradiction_says_what_is_declared_and_what_the_portal_says(
        self, declared: dict[str, Any], values: tuple[str, ...]
    ) -> None:
        unclear = _unclear(declaration(**declared), subscription())
        assert unclear.reason == "contradiction"
        assert all(value in str(unclear) for value in values)

    def test_a_contradiction_comes_before_what_is_missing(self) -> None:
        unclear = _unclear(declaration(quantity=50), subscription(plan=unreported("plan")))
        assert unclear.reason == "contradiction"

    def test_what_agrees_is_no_contradiction(self) -> None:
        assert _terms.resolve_terms(full_declaration(), subscription()) == terms()

    def test_a_declared_expiry_within_the_day_is_no_contradiction_and_the_portal_wins(self) -> None:
        declared = declaration(expires_at=EXPIRY + DAY - SECOND)
        assert _terms.resolve_terms(declared, subscription()).expires_at == EXPIRY


class TestIdentify:
    @pytest.mark.parametrize(
        "plan",
        [
            pytest.param(ENTERPRISE, id="id-and-name"),
            pytest.param(Offer(ENTERPRISE.id, None), id="id"),
            pytest.param(Offer(None, "Enterprise Plan"), id="name"),
            pytest.param(Offer(None, " enterprise plan "), id="name-in-another-case"),
        ],
    )
    def test_a_plan_is_joined_to_the_catalog(self, plan: Offer) -> None:
        assert _terms.identify(declaration(), terms(plan=plan), catalog()).plan == ENTERPRISE

    def test_services_are_joined_in_the_portals_order(self) -> None:
        wanted = terms(services=(Offer(None, "Recording Minutes"), Offer(HA.id, None)))
        assert _terms.identify(declaration(), wanted, catalog()).services == (RECORDING, HA)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"plan": Offer(None, "Basic Plan")}, id="plan-by-name"),
            pytest.param({"plan": Offer("5", "Enterprise Plan")}, id="plan-by-id-whatever-its-name"),
            pytest.param({"plan": Offer(None, "")}, id="plan-without-name"),
            pytest.param({"services": (Offer(None, "Basic Service"),)}, id="service-by-name"),
            pytest.param({"services": (HA, Offer("5", None))}, id="service-by-id"),
        ],
    )
    def test_what_the_catalog_lacks_blocks_and_lists_the_choices(self, changes: dict[str, Any]) -> None:
        message = _unclear_join(declaration(), terms(**changes))
        assert "not in the portal's catalog" in message
        choices = (HA, RECORDING) if "services" in changes else (ENTERPRISE,)
        assert all(f"{choice.name} (id {choice.id})" in message for choice in choices)

    def test_an_empty_catalog_blocks(self) -> None:
        assert "none" in _unclear_join(declaration(), terms(), Catalog())

    def test_two_plans_of_one_name_block(self) -> None:
        twice = Catalog((CatalogEntry(ENTERPRISE, "1"), CatalogEntry(Offer("5", "ENTERPRISE plan"), "2")))
        assert "2 times" in _unclear_join(declaration(), NAMED, twice)

    def test_an_id_decides_between_two_plans_of_one_name(self) -> None:
        twice = Catalog(
            (CatalogEntry(ENTERPRISE, "1"), CatalogEntry(Offer("5", "Enterprise Plan"), "2")), catalog().services
        )
        assert _terms.identify(declaration(), terms(), twice).plan == ENTERPRISE

    def test_the_same_entry_twice_is_one_choice(self) -> None:
        twice = Catalog((*catalog().plans, CatalogEntry(ENTERPRISE, "9")), catalog().services)
        assert _terms.identify(declaration(), NAMED, twice).plan == ENTERPRISE

    def test_an_id_that_has_another_name_in_the_catalog_blocks_and_says_both(self) -> None:
        message = _unclear_join(declaration(), terms(plan=Offer(ENTERPRISE.id, "Ultimate Plan")))
        assert "Ultimate Plan" in message
        assert "Enterprise Plan" in message

    @pytest.mark.parametrize("offer_id", ["BN5", "-5", "5.0", "", None, "²", "٣"])
    def test_an_id_that_cannot_stand_as_a_bare_number_in_the_body_blocks(self, offer_id: Optional[str]) -> None:
        odd = Catalog((CatalogEntry(Offer(offer_id, "Enterprise Plan"), "1"),), catalog().services)
        assert "expected digits" in _unclear_join(declaration(), NAMED, odd)

    def test_a_service_listed_twice_blocks(self) -> None:
        assert "twice" in _unclear_join(declaration(), terms(services=(HA, Offer(None, HA.name))))

    def test_a_service_of_another_plan_is_not_a_choice(self) -> None:
        other = Offer("5", "High Availability")
        entries = Catalog(catalog().plans, (CatalogEntry(other, "1", "999"), CatalogEntry(HA, "2", ENTERPRISE.id)))
        assert _terms.identify(declaration(), NAMED, entries).services == (HA,)

    @pytest.mark.parametrize(
        "declared",
        [
            pytest.param({"plan": "Enterprise Plan"}, id="plan-name"),
            pytest.param({"plan": "ENTERPRISE PLAN "}, id="plan-name-in-another-case"),
            pytest.param({"plan": ENTERPRISE.id}, id="plan-id"),
            pytest.param({"services": ("High Availability",)}, id="service-name"),
            pytest.param({"services": (HA.id,)}, id="service-id"),
            pytest.param({"services": (HA.id, "high availability")}, id="service-both-ways"),
        ],
    )
    def test_what_is_declared_and_agrees_passes(self, declared: dict[str, Any]) -> None:
        assert _terms.identify(declaration(**declared), terms(), catalog()) == terms()

    @pytest.mark.parametrize(
        ("declared", "reported", "values"),
        [
            pytest.param({"plan": "Ultimate Plan"}, {}, ("Ultimate Plan", "Enterprise Plan"), id="plan"),
            pytest.param({"plan": ""}, {}, ("Enterprise Plan",), id="plan-empty"),
            pytest.param({"services": ()}, {}, ("none", "High Availability"), id="none-declared"),
            pytest.param(
                {"services": ("High Availability",)}, {"services": ()}, ("High Availability", "none"), id="none"
            ),
            pytest.param(
                {"services": ("High Availability",)},
                {"services": (HA, RECORDING)},
                ("High Availability", "Recording Minutes"),
                id="one-more-reported",
            ),
            pytest.param(
                {"services": ("High Availability", "Recording Minutes")},
                {},
                ("Recording Minutes",),
                id="one-less-reported",
            ),
            pytest.param(
                {"plan": "Ultimate Plan", "services": ()},
                {},
                ("Ultimate Plan", "High Availability"),
                id="plan-and-services",
            ),
        ],
    )
    def test_what_is_declared_and_differs_blocks_and_says_both(
        self, declared: dict[str, Any], reported: dict[str, Any], values: tuple[str, ...]
    ) -> None:
        message = _unclear_join(declaration(**declared), terms(**reported), reason="contradiction")
        assert "the portal says" in message
        assert all(value in message for value in values)


class TestContact:
    ANNE = contact(billing_contact_id="1", email="anne@example.com")
    BERT = contact(billing_contact_id="2", email="bert@example.com")

    @pytest.mark.parametrize("wanted", ["1", " 1 ", "anne@example.com", "ANNE@Example.com "])
    def test_one_is_chosen_by_id_or_email(self, wanted: str) -> None:
        assert _terms.choose_contact(wanted, (self.BERT, self.ANNE)) == self.ANNE

    def test_the_only_one_needs_no_name(self) -> None:
        assert _terms.choose_contact(None, (self.BERT,)) == self.BERT

    @pytest.mark.parametrize(
        ("wanted", "contacts"),
        [
            pytest.param(None, (), id="none-there"),
            pytest.param(None, (ANNE, BERT), id="two-and-none-named"),
            pytest.param("carl@example.com", (ANNE, BERT), id="another-named"),
            pytest.param("carl@example.com", (ANNE,), id="another-named-than-the-only-one"),
            pytest.param("anne", (ANNE, BERT), id="part-of-the-email"),
            pytest.param(
                "anne@example.com", (ANNE, contact(billing_contact_id="3", email=ANNE.email)), id="email-shared"
            ),
            pytest.param(None, (contact(billing_contact_id="A1"),), id="id-not-digits"),
            pytest.param(None, (contact(billing_contact_id="²"),), id="id-not-plain-digits"),
            pytest.param(
                "", (ANNE, contact(billing_contact_id="3", email="")), id="empty-word-and-a-contact-without-email"
            ),
        ],
    )
    def test_anything_else_blocks_and_lists_the_choices(self, wanted: Optional[str], contacts: Any) -> None:
        with pytest.raises(Objection) as unclear:
            _terms.choose_contact(wanted, contacts)
        assert unclear.value.reason == "billing_contact"
        assert all(str(choice) in str(unclear.value) for choice in contacts)


def test_effective_prefers_the_portal_and_falls_back_to_the_declaration() -> None:
    assert _terms.effective(utc(2027, 1, 1), EXPIRY) == EXPIRY
    assert _terms.effective(EXPIRY, unreported("expires_at")) == EXPIRY
    assert _terms.effective(EXPIRY, unreadable("expires_at")) == EXPIRY
    assert _terms.effective(None, unreported("expires_at")) == unreported("expires_at")


def test_effective_does_not_fall_back_to_what_can_be_read_otherwise() -> None:
    reported = Undetermined("expires_at", "they disagree", True, (EXPIRY, EXPIRY + 31 * DAY))
    assert _terms.effective(EXPIRY - DAY, reported) == reported
    assert _terms.effective(EXPIRY + 31 * DAY, reported) == EXPIRY + 31 * DAY


WAYS_OUT = [
    (unreported("expires_at"), 'write field_map: {expires_at: THE_FIELD}, or expires_at: "2026-12-05"'),
    (unreadable("billing_cycle"), "write billing_cycle: annually"),
    (
        Undetermined("quantity", "", True, (50, 100), ("quantity: seats", "quantity: extensions")),
        "write field_map: {quantity: seats} or {quantity: extensions}, or quantity: 50 or 100",
    ),
    (
        Undetermined("expires_at", "", True, (EXPIRY, utc(2027, 1, 1)), ("expires_at: expireDate",)),
        'write field_map: {expires_at: expireDate}, or expires_at: "2026-12-05T00:00:00Z" or "2027-01-01T00:00:00Z"',
    ),
    (
        Undetermined("services", "", True, (Between((HA,), (HA, Offer("5", None))),)),
        'write services: [High Availability] or [High Availability, "5"]',
    ),
    (Undetermined("plan", "", True, (Offer("5", "A: #1"),)), 'write plan: "A: #1"'),
    (Undetermined("plan", "", True, (Offer("5", 'A", b: "é\\'),)), 'write plan: "A\\", b: \\"é\\\\"'),
    (unreported("auto_renewal"), "write field_map: {auto_renewal: THE_FIELD}, or auto_renewal: false"),
]


@pytest.mark.parametrize(("value", "lines"), WAYS_OUT, ids=[lines for dummy, lines in WAYS_OUT])
def test_the_way_out_is_the_lines_to_write(value: Undetermined, lines: str) -> None:
    assert _terms.way_out(value) == lines
