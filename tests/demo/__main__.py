# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan, check, renew, renew again, and look at the invoices. Ends with 1 if anything is wrong."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.simulator import Simulator
from tests.support.environment import isolated_environment

SERIAL_NUMBER = "3658B431119665QJ"
FLEET = Path(__file__).parents[1] / "simulator" / "fleets" / "tutorial.yml"
CAP = ("--extra-vars", "pce_renewal_max_orders=1")
RECAP = re.compile(rf"^{SERIAL_NUMBER}\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+).*failed=(?P<failed>\d+)", re.M)


class Demo:
    """The steps of the demonstration, each of which raises AssertionError if its result is wrong."""

    def __init__(self, portal: Simulator, home: Path, is_quiet: bool) -> None:
        self._portal = portal
        self._environment = isolated_environment(portal, home)
        self._is_quiet = is_quiet

    def run(self) -> None:
        self._say("1. The plan: what would a renewal do?")
        plan = self._play("pbxops.yeastar.plan")
        self._expect("in_window" in plan and not self._portal.invoices, "the plan must say that the PBX is due")

        self._say("2. Check mode, with the diff")
        check = self._play("pbxops.yeastar.renew", "--check", "--diff", changed=1)
        self._expect("-expires_at:" in check and "+expires_at:" in check, "check mode must show the diff")
        self._expect(not self._orders_sent(), "check mode must send no order")

        self._say("3. The renewal")
        renewal = self._play("pbxops.yeastar.renew", "--diff", changed=1)
        self._expect(len(self._portal.invoices) == 1, "there must be exactly one invoice")
        self._expect(self._portal.invoices[0].order_no in renewal, "the renewal must show the vendor's order number")

        self._say("4. The same again: nothing is left to do")
        self._play("pbxops.yeastar.renew", "--diff")

        self._say("5. The invoices that the portal has written")
        self._show_invoices()
        self._expect(len(self._portal.invoices) == 1, "there must still be exactly one invoice")
        self._expect(self._orders_sent() == 1, "exactly one order must have been sent")
        self._say("As expected: one renewal, one order, one invoice.")

    def _play(self, playbook: str, *options: str, changed: int = 0) -> str:
        command = ["ansible-playbook", "--inventory", f"{SERIAL_NUMBER},", *CAP, playbook, *options]
        print(f"$ {' '.join(command)}", flush=True)
        output = []
        with subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                output.append(line)
                if not self._is_quiet:
                    print(f"  {line}", end="", flush=True)
        text = "".join(output)
        recap = RECAP.search(text)
        is_right = process.returncode == 0 and recap is not None
        is_right = is_right and (int(recap["changed"]), int(recap["failed"])) == (changed, 0)
        self._expect(is_right, f"expected exit status 0 and changed={changed}, got {process.returncode} and:\n{text}")
        return text

    def _orders_sent(self) -> int:
        return sum(entry.method == "POST" and entry.path.endswith("/save") for entry in self._portal.log)

    def _show_invoices(self) -> None:
        for invoice in self._portal.invoices:
            print(
                f"  {invoice.invoice_no}  {invoice.order_no}  {invoice.product_no}  {invoice.amount} {invoice.currency}"
                f"  {invoice.expiry_before:%Y-%m-%d} -> {invoice.expiry_after:%Y-%m-%d}"
            )

    def _expect(self, is_so: bool, what: str) -> None:
        if not is_so:
            raise AssertionError(what)

    def _say(self, text: str) -> None:
        print(f"\n=== {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="show the steps without the output of Ansible")
    arguments = parser.parse_args()
    with Simulator(fleet=FLEET) as portal, tempfile.TemporaryDirectory() as home:
        print(f"The portal simulator listens on {portal.url}.")
        try:
            Demo(portal, Path(home), arguments.quiet).run()
        except AssertionError as error:
            print(f"\nUnexpected: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
