# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/reliability.md, made of the faults, the tests that prove them, and what the tests have counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tomllib

FAULTS = Path(__file__).with_name("faults.toml")

# In parts, since the check of licences would take it for a second one of this file.
LICENCE = "-".join(("SPDX", "License", "Identifier"))
HEAD = f"""<!--
Copyright (c) The pbxops.yeastar authors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
{LICENCE}: GPL-3.0-or-later
-->

# Reliability

What can go wrong between a renewal and its invoice, what the collection then does, and the tests that show it. The
portal is the simulator, whose invoice ledger is the judge; processes, kills, sockets and databases are real. `make
reliability` runs these tests and writes this page; do not edit it.

"""
REMAINS = """
## What remains possible

No rule of ours can see these, and each may end in a second order or a lapse:

- The ledger is thrown away, or is another one, while the portal's list does not show the order yet. Keep it on a
  volume, or in a PostgreSQL that several controllers share.
- The portal takes longer than `settle_window` to show an order. Raise it if yours does.
- The portal refuses in the vendor's envelope with 401, 403, 429 or `parameter_validation_f…`, and carries it out.
- A module on another host does not learn that `ansible-playbook` was killed, and goes on to the end of its task.
- A person settles an intent with `force: true`, or says `not_ordered` where nothing is known, and is wrong.
- A person calls a renewal `unrelated`, and is wrong: its ledger is gone, and its `po_number` is one of your own.
- A PostgreSQL whose disk is set back to a snapshot, or an old primary or a standby that is started as a primary, before
  the portal shows the order. A failover to a replica that was promoted and has lost the intent is seen, and what is due
  waits for `settle_window`; one to a server without the ledger is not.
"""
# As they are counted, and as they are told. The last two are the promise.
TOTALS = {
    "schedules": "fault schedules run",
    "kills": "processes killed",
    "invoices": "invoices written",
    "duplicates": "**duplicate invoices**",
    "lost": "**lost renewals**",
}


@dataclass
class Proof:
    """One test, the faults that it proves, and what became of it. ``name`` is without parameters."""

    name: str
    rows: frozenset[int]
    has_passed: bool = False
    has_failed: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it has run to its end, and well."""
        return self.has_passed and not self.has_failed


def faults() -> dict[int, dict[str, str]]:
    """The faults, by number."""
    return {int(number): row for number, row in tomllib.loads(FAULTS.read_text(encoding="utf-8")).items()}


def page_of(proofs: Iterable[Proof], totals: Mapping[str, int]) -> tuple[str, list[str]]:
    """The page, and what is wrong: faults without a test, tests that failed, and totals that break the promise."""
    proofs = list(proofs)
    rows, problems = faults(), []
    lines = [HEAD, "| fault | what then | shown by | passed |\n|---|---|---|---|\n"]
    for number, row in rows.items():
        own = [proof for proof in proofs if number in proof.rows]
        if not own:
            problems.append(f"fault {number} has no test")
        problems += [f"fault {number}: {proof.name} has failed" for proof in own if not proof.is_good]
        lines.append(f"| {number}. {row['fault']} | {row['behaviour']} | {_names(own)} | {_passed(own)} |\n")
    problems += [f"{totals[name]} {told}" for name, told in list(TOTALS.items())[-2:] if totals[name]]
    return "".join([*lines, "\n", *_totals(totals), REMAINS]), problems


def _names(proofs: list[Proof]) -> str:
    names = sorted({proof.name for proof in proofs})
    shown = [f"[{name.rpartition('::')[2]}](../{name.partition('::')[0]})" for name in names]
    return "<br>".join(shown)


def _passed(proofs: list[Proof]) -> str:
    good = sum(proof.is_good for proof in proofs)
    return "-" if not proofs else f"{good}" if good == len(proofs) else f"**{good} of {len(proofs)}**"


def _totals(totals: Mapping[str, int]) -> list[str]:
    left = Counter({name.removeprefix("person: "): value for name, value in totals.items() if ": " in name})
    reasons = ", ".join(f"{count} `{reason}`" for reason, count in sorted(left.items()))
    table = [f"| {told} | {totals[name]} |\n" for name, told in TOTALS.items()]
    return ["| total | |\n|---|---|\n", *table, f"| runs left for a person | {reasons or 'none'} |\n"]
