# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the PBXs that are due by the subscriptions alone: by the listing and, if that is not enough, by the details."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Union

from .._concurrency import Pool
from .._decide.planner import not_found, screen, settled, undecided
from .._model.dates import DAY
from .._model.decision import Decision, Terms
from .._model.declaration import Declaration, Policy
from .._model.vocabulary import Reason
from .._portal.errors import AccessError, ReadError
from .._portal.snapshot import Snapshot

# If a PBX of the listing becomes due within this time from now, its detail is read as well, since it may report an
# earlier expiry. The nearest come first, and no more than MOST_NEAR, since each is a request.
NEAR = 28 * DAY
MOST_NEAR = 25

_MAY_BE_OF_THE_ROW_ALONE = ("cannot_determine", "contradiction", "plan_switch_pending")

Screened = Union[Decision, Terms]


class Screening:
    """Decides about PBXs as far as the subscriptions alone allow; see `screen`."""

    def __init__(self, snapshot: Snapshot, policy: Policy, now: datetime, warn: Callable[[str], None]) -> None:
        """``snapshot`` must have its listing when this is used."""
        self._snapshot = snapshot
        self._policy = policy
        self._now = now
        self._warn = warn

    def screen_all(self, declarations: Mapping[str, Declaration], pool: Pool) -> dict[str, Screened]:
        """A decision for each PBX, or the terms of one that is due. Raises AccessError."""
        screened = dict(zip(declarations, pool.map(self._screen, declarations.values())))
        near = [declarations[number] for number, one in screened.items() if self._is_near(declarations[number], one)]
        near.sort(key=lambda one: screened[one.product_no].expires_at or self._now)
        if len(near) > MOST_NEAR:
            self._warn(
                f"of {len(near)} PBXs that are due within {NEAR.days} days after their window, the details of"
                f" {len(near) - MOST_NEAR} were not looked at: whether those report an expiry that is nearer than that"
                " of the product list is not known"
            )
            near = near[:MOST_NEAR]
        looked_at = pool.map(lambda one: self._look_closer(one, screened[one.product_no]), near)
        return {**screened, **dict(zip((one.product_no for one in near), looked_at))}

    def _screen(self, declaration: Declaration) -> Screened:
        """Screen by the listing's row and, if that does not say enough, by the detail as well."""
        product_no = declaration.product_no
        subscription = self._snapshot.subscriptions.get(product_no)
        if subscription is None:
            return not_found(product_no, self._snapshot.subscriptions, self._snapshot.why_not_found(product_no))
        screened = screen(declaration, subscription, self._policy, self._now)
        if isinstance(screened, Terms):
            # A listing that names no services may simply not report them, and they have a price of their own.
            is_told = screened.services or not (declaration.services or self._policy.needs_prices)
            # A declaration is checked against the detail as well, which may report what the listing does not.
            if is_told and not subscription.undetermined():
                return screened
        elif screened.reason not in _MAY_BE_OF_THE_ROW_ALONE:
            return screened
        try:
            return screen(declaration, self._snapshot.complete(product_no), self._policy, self._now)
        except AccessError:
            raise
        except ReadError as error:
            known = screened if isinstance(screened, Decision) else undecided(subscription, screened)
            return settled(known, Reason.NOT_READABLE, str(error))

    def _is_near(self, declaration: Declaration, screened: Screened) -> bool:
        """Whether a PBX with enough time left becomes due soon."""
        subscription = self._snapshot.subscriptions.get(declaration.product_no)
        if subscription is None or isinstance(screened, Terms) or screened.reason != Reason.ENOUGH_TIME:
            return False
        later = screen(declaration, subscription, self._policy, self._now + NEAR)
        return isinstance(later, Terms) or later.reason != Reason.ENOUGH_TIME

    def _look_closer(self, declaration: Declaration, screened: Screened) -> Screened:
        """Screen a PBX that is not due yet by its detail; if that cannot be read, keep what was decided."""
        try:
            subscription = self._snapshot.complete(declaration.product_no)
        except AccessError:
            raise
        except ReadError as error:
            self._warn(f"{declaration.product_no}: whether its detail reports another expiry is not known: {error}")
            return screened
        return screen(declaration, subscription, self._policy, self._now)
