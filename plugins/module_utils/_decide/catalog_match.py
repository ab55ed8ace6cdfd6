# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: find the catalog entries for the plan and the services of a PBX.

The catalog lists what may be bought by id and name, and a PBX reports ids, names, or both; nothing says how to match
them (docs/portal-api.md, 5.2). If they do not lead to exactly one entry, a declared id or name decides.
"""

from __future__ import annotations

from typing import Optional, Union

from .._model.catalog import Between, CatalogEntry, Offer, same_name
from .._model.undetermined import Undetermined
from .._model.vocabulary import Reason
from .._text import listed
from .objection import Objection

Entries = tuple[CatalogEntry, ...]
Texts = tuple[str, ...]
Offers = tuple[Offer, ...]

_OPTIONS = {"plan": "plan", "service": "services"}


def is_plain_number(text: str) -> bool:
    """Whether an id can be written as a bare integer in an order's body."""
    return text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0"))


def as_offer(text: str) -> Offer:
    """Read an operator's word for a plan or a service: an id if it is a number, and a name otherwise."""
    word = text.strip()
    return Offer(word, None) if is_plain_number(word) else Offer(None, word)


def join(kind: str, offers: Offers, declared: Texts, entries: Entries) -> tuple[Offers, tuple[Undetermined, ...]]:
    """Match plans or services to the catalog; if that fails for one, use a declared one in its place.

    Returns the matches, and why each declared one was needed. ``kind`` is ``plan`` or ``service``. Raises Objection for
    one that is not in the catalog, or there twice, if none of the declared ones can be it.
    """
    option = _OPTIONS[kind]
    joined: list[Offer] = []
    failed: list[tuple[Offer, Objection]] = []
    for offer in offers:
        try:
            joined.append(_entry_of(kind, offer, entries))
        except Objection as unclear:
            failed.append((offer, unclear))
    if failed and not declared:
        raise failed[0][1]
    left = [(text, _entry_of(kind, as_offer(text), entries)) for text in declared] if failed else []
    left = [(text, entry) for text, entry in left if entry.id not in {one.id for one in joined}]
    # Those with a telling id or name choose first, and the others get what is left.
    for offer, failure in sorted(failed, key=lambda pair: not _meant_by(pair[0], entries)):
        found = next((pair for pair in left if _can_be(offer, *pair, entries)), None)
        if found is None:
            texts = ", ".join(declared)
            raise Objection(
                Reason.CONTRADICTION, f"{option} declared as {texts} cannot be what the portal says: {failure}"
            )
        left.remove(found)
        joined.append(found[1])
    doubts = [Undetermined(option, failure.seen, reported=True) for dummy, failure in failed]
    return tuple(joined), tuple(doubts)


def is_possible(seen: tuple[Union[Offer, Between], ...], declared: Texts, offers: Offers, entries: Entries) -> bool:
    """Whether declared plans or services, matched as ``offers``, agree with one reading of what the portal says."""

    def agrees(between: Between) -> bool:
        pairs = list(zip(declared, offers))
        return all(any(_can_be(one, *pair, entries) for pair in pairs) for one in between.least) and all(
            any(_can_be(one, *pair, entries) for one in between.most) for pair in pairs
        )

    return not seen or any(agrees(Between((one,), (one,)) if isinstance(one, Offer) else one) for one in seen)


def _meant_by(offer: Offer, entries: Entries) -> list[Optional[str]]:
    """The ids of all entries that share the id or the name of an offer."""
    return [
        entry.offer.id
        for entry in entries
        if (offer.id is not None and offer.id == entry.offer.id)
        or (offer.name is not None and entry.offer.name is not None and same_name(offer.name, entry.offer.name))
    ]


def _can_be(offer: Offer, text: str, entry: Offer, entries: Entries) -> bool:
    """Whether an offer of the portal may be the entry that this text declares.

    An offer that the catalog knows by neither id nor name may be any entry, but only one declared by its id.
    """
    meant = _meant_by(offer, entries)
    return entry.id in meant if meant else is_plain_number(text.strip())


def _entry_of(kind: str, offer: Offer, entries: Entries) -> Offer:
    """Find the one entry with the id of an offer, or with its name if it has no id. Raises Objection."""
    matching = [
        entry.offer
        for entry in entries
        if (offer.id is not None and offer.id == entry.offer.id)
        or (offer.id is None and entry.offer.name is not None and same_name(offer.name or "", entry.offer.name))
    ]
    found = {one.id: one for one in sorted(matching, key=lambda one: one.name is not None)}
    choices = listed(sorted(_described(entry.offer) for entry in entries))
    advice = f"declare the id of the right one in {_OPTIONS[kind]}"
    if len(found) != 1:
        times = "not" if not found else f"{len(found)} times"
        seen = f"{kind} {_described(offer)} is {times} in the portal's catalog, which has: {choices}"
        raise Objection(Reason.CANNOT_DETERMINE, seen, advice)
    entry = next(iter(found.values()))
    if offer.name is not None and entry.name is not None and not same_name(offer.name, entry.name):
        seen = f"{kind} id {offer.id} is {offer.name} at the PBX and {entry.name} in the catalog, which has: {choices}"
        raise Objection(Reason.CANNOT_DETERMINE, seen, advice)
    if not is_plain_number(entry.id or ""):
        raise Objection(Reason.CANNOT_DETERMINE, f"{kind} {offer} has the id {entry.id}, expected digits")
    return Offer(entry.id, entry.name or offer.name)


def _described(offer: Offer) -> str:
    if offer.id is None or offer.name is None:
        return str(offer)
    return f"{offer.name} (id {offer.id})"
