# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: everything that a first contact says: the verdict, the lines, a field_map to paste, what would happen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._model.money import Money
from .inference import Candidate
from .line import Line, Standing, quoted_problems
from .readiness import Forecast, Group, Prospect, counts_of, is_ready, verdict

_MOST_NUMBERS = 10  # PBXs that the text names for one reason; the result has all


@dataclass(frozen=True)
class Diagnosis:
    """What was found. ``suggested`` is what was inferred for `field_map`, and ``given`` what the user set;
    ``unread`` are the concepts that cannot be read in every PBX that was looked at.
    """

    examined: Sequence[Line]
    forecast: Forecast
    candidates: Mapping[str, Sequence[Candidate]]
    suggested: Mapping[str, str]
    given: Mapping[str, Any]
    listed: int
    unread: frozenset[str]

    def as_result(self) -> dict[str, Any]:
        """The report for people and machines."""
        prospects = self.forecast.prospects
        lines = self._lines()
        failed = [line.topic for line in lines if line.standing == Standing.FAILED]
        said = verdict(prospects, self.suggested, self.listed, failed)
        return {
            "ready": is_ready(prospects, self.suggested, bool(failed)),
            "verdict": said,
            "lines": [line.as_result() for line in lines],
            "field_map": {**self.given, **self.suggested},
            "suggested": dict(self.suggested),
            "candidates": [_candidate(one) for ranked in self.candidates.values() for one in ranked],
            "groups": counts_of(prospects),
            "prospects": [one.as_result() for one in prospects],
            "listed": self.listed,
            "report": [said, "", *_text(lines), *self._map_as_text(), *_prospects_as_text(prospects)],
        }

    def _lines(self) -> list[Line]:
        lines = list(self.examined)
        asked = "what a renewal today would decide"
        if self.forecast.problem is not None:
            means = "what a renewal would do is not known"
            lines.append(Line("decisions", Standing.NOT_TRIED, asked, self.forecast.problem, means))
            return lines
        return [*lines, *_price_line(self.forecast)]

    def _map_as_text(self) -> list[str]:
        """The suggested map as YAML; what is not certain is commented out, for a person to decide."""
        pairs = {**self.given, **self.suggested}
        open_ones = [one for ranked in self.candidates.values() for one in ranked if self._is_open(one)]
        if not self.suggested and not open_ones:
            return []
        return [
            "",
            "A field_map to paste, once you have looked whether it is right:",
            "field_map:",
            *(f"  {concept}: {json.dumps(path, ensure_ascii=False)}" for concept, path in pairs.items()),
            *(f"  # {one.concept}: {json.dumps(one.path, ensure_ascii=False)}  # not certain" for one in open_ones),
        ]

    def _is_open(self, candidate: Candidate) -> bool:
        """Whether it may be what a concept that cannot be read needs, and only a person can say."""
        concept = candidate.concept
        return concept in self.unread and concept not in self.suggested and not candidate.is_certain


def _price_line(forecast: Forecast) -> list[Line]:
    asked = [one.decision for one in forecast.prospects if one.decision.price_asked]
    if not asked:
        return []
    prices = [one.price for one in asked if one.price is not None]
    call, seen = f"the prices of {len(asked)} renewals", f"known for {len(prices)} of {len(asked)}"
    if len(prices) == len(asked):
        return [Line("prices", Standing.OK, call, f"{seen}, such as {_money(prices[0])}", "limits on money can be set")]
    means = "with a limit on money, these are not ordered; without one, nobody sees what they cost"
    step = "map amount, currency, pricing_plan_id or pricing_service_id, or set on_unknown_price"
    return [Line("prices", Standing.ATTENTION, call, seen + quoted_problems(forecast.price_problems), means, step)]


def _money(price: Money) -> str:
    return f"{price.amount:f} {price.currency}"


def _text(lines: Sequence[Line]) -> list[str]:
    """Each line for the terminal; what it means and what to do only where somebody should know."""
    width = max((len(line.topic) for line in lines), default=0)
    text = []
    for line in lines:
        text.append(f"{line.standing.value:<9} {line.topic:<{width}} {line.seen}")
        if line.standing in (Standing.ATTENTION, Standing.FAILED):
            text.append(f"{'':9} {'means':>{width}} {line.means}")
            text += [f"{'':9} {'next step':>{width}} {line.next_step}"] if line.next_step else []
    return text


def _prospects_as_text(prospects: Sequence[Prospect]) -> list[str]:
    """The PBXs of each group; those that need something with the reason, once for all that have the same."""
    text = []
    for group in (Group.NEEDS_DECLARATION, Group.BLOCKED, Group.HANDLED, Group.READY):
        members: dict[str, list[str]] = {}
        for one in prospects:
            if one.group == group:
                why = "" if group == Group.READY else one.decision.message
                members.setdefault(why, []).append(one.decision.product_no)
        if members:
            count = sum(map(len, members.values()))
            text += ["", f"{group.value.replace('_', ' ')}: {count}"]
            text += [f"  {_listed(numbers)}{': ' if why else ''}{why}" for why, numbers in members.items()]
    return text


def _listed(numbers: Sequence[str]) -> str:
    more = f" and {len(numbers) - _MOST_NUMBERS} more" if len(numbers) > _MOST_NUMBERS else ""
    return ", ".join(numbers[:_MOST_NUMBERS]) + more


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "concept": candidate.concept,
        "path": candidate.path,
        "matched": candidate.matched,
        "of": candidate.of,
        "evidence": candidate.evidence,
        "is_certain": candidate.is_certain,
    }
