# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulator`: the portal simulator as a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from .fleet import Fleet, FleetError
from .profiles import PROFILES
from .simulator import Simulator


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT, a request to stop, or the end of the lifetime; 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    if options.list_profiles:
        for profile in PROFILES.values():
            print(f"{profile.name:20} {profile.about}")
        return 0
    try:
        simulator = Simulator(
            _fleet(options),
            options.profile,
            options.now,
            port=options.port,
            latency=options.latency / 1000,
            recording=options.recording,
        )
    except (FleetError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: simulator.is_dismissed.set())
    with simulator:
        _announce(simulator)
        if options.port_file:
            _write(options.port_file, simulator.url.rpartition(":")[2])
        simulator.is_dismissed.wait(options.lifetime)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--fleet", type=Path, help="YAML file (default: the tutorial's single PBX)")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="serve a recorded account instead of a fleet")
    parser.add_argument("--generate", type=int, metavar="N", help="generate N PBXs in addition to those of the fleet")
    parser.add_argument("--due", type=int, default=0, metavar="K", help="how many of them are due within 30 days")
    parser.add_argument("--profile", choices=PROFILES, help="overrides the fleet's")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--now", metavar="ISO", help="hold the clock at this instant")
    parser.add_argument("--port-file", type=Path, help="file for the port number, written once the port listens")
    parser.add_argument("--list-profiles", action="store_true", help="list the profiles and exit")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="delay every answer")
    parser.add_argument("--lifetime", type=float, metavar="S", help="end after so many seconds")
    return parser


def _fleet(options: argparse.Namespace) -> Fleet | Path | None:
    if options.generate is None:
        return options.fleet
    if options.fleet:
        generated = Fleet.generated(options.generate, options.due)
        loaded = Fleet.load(options.fleet)
        return replace(loaded, pbxs=loaded.pbxs + generated.pbxs)
    return Fleet.generated(options.generate, options.due)


def _announce(simulator: Simulator) -> None:
    print(f"The portal simulator serves {len(simulator.pbxs)} PBXs as profile {simulator.profile.name}. To use it:")
    print(f"export YEASTAR_BASE_URL={simulator.url}")
    print(f"export YEASTAR_CLIENT_ID={simulator.client_id}")
    print(f"export YEASTAR_CLIENT_SECRET={simulator.client_secret}")
    for gap in simulator.account.gaps():
        print(f"Note: {gap}")
    print(f"Invoices: {simulator.url}/_admin/invoices?format=text", flush=True)


def _write(path: Path, text: str) -> None:
    """Write a file atomically."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text + "\n", encoding="ascii")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
