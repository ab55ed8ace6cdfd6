# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE: which fields of a PBX can be read, and which others may be meant, one line for each concept."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence

from .._model.subscription import Subscription
from .._model.undetermined import Undetermined
from .inference import Candidate
from .line import Line, Standing

# What an order depends on, and whether the portal renews a PBX by itself.
OF_A_PBX = ("expires_at", "plan", "services", "quantity", "billing_cycle", "auto_renewal")
_SHOWN = 3  # candidates that a line names
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def unread_concepts(subscriptions: Sequence[Subscription]) -> frozenset[str]:
    """The concepts that cannot be read in every PBX."""
    concepts = {name for name in OF_A_PBX for one in subscriptions if isinstance(getattr(one, name), Undetermined)}
    return frozenset(concepts | {"plan_id"} if "plan" in concepts else concepts)


def field_lines(
    subscriptions: Sequence[Subscription],
    candidates: Mapping[str, Sequence[Candidate]],
    suggested: Mapping[str, str],
    answered: Collection[str] = (),
) -> list[Line]:
    """One line for each concept of the PBXs that were looked at closely. The portal has ``answered`` those that need
    no field.
    """
    if not subscriptions:
        return []
    return [_line(concept, subscriptions, candidates, suggested, concept in answered) for concept in OF_A_PBX]


def _line(
    concept: str,
    subscriptions: Sequence[Subscription],
    candidates: Mapping[str, Sequence[Candidate]],
    suggested: Mapping[str, str],
    is_answered: bool,
) -> Line:
    values = [getattr(one, concept) for one in subscriptions]
    unknown = [value for value in values if isinstance(value, Undetermined)]
    asked = f"{concept} in the rows and details of {len(values)} PBXs"
    topic = f"field {concept}"
    if not unknown:
        return Line(topic, Standing.OK, asked, f"readable in all {len(values)}", "no declaration is needed")
    if is_answered and not any(value.reported for value in unknown):
        seen = f"readable in {len(values) - len(unknown)} of {len(values)}; the portal answers when it is asked"
        return Line(topic, Standing.OK, asked, seen, "no field and no declaration is needed")
    seen = f"readable in {len(values) - len(unknown)} of {len(values)}; {unknown[0].why}"
    mappable = ("plan", "plan_id") if concept == "plan" else (concept,)
    found = [one for name in mappable for one in candidates.get(name, ())]
    lines = [f"{name}: {_yaml(suggested[name])}" for name in mappable if name in suggested]
    if found:
        seen += f". By value: {'; '.join(one.evidence for one in found[:_SHOWN])}"
    if lines:
        step = f"look whether that is right, and write field_map: {{{', '.join(lines)}}}"
        return Line(topic, Standing.ATTENTION, asked, seen, "a field of another name seems to have it", step)
    if found:
        options = " or ".join(f"{{{one.concept}: {_yaml(one.path)}}}" for one in found[:_SHOWN])
        step = f"find out whether that is right, and write field_map: {options}; or declare {concept}"
        means = "a field may have it" if len(found) == 1 else f"{len(found)} fields may have it"
        return Line(topic, Standing.ATTENTION, asked, seen, means, step)
    means = f"it must be declared for {len(unknown)} PBXs" if concept != "auto_renewal" else "it may stay unknown"
    return Line(topic, Standing.ATTENTION, asked, seen, means, f"declare {concept}, or map the field that has it")


def _yaml(path: str) -> str:
    """A path as it may be pasted between braces; in quotes if it is no plain name."""
    return path if _PLAIN.fullmatch(path) else json.dumps(path, ensure_ascii=False)
