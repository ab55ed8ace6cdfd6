# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator of the partner portal: stateful, strict, and able to fail in every way the collection must survive."""

from __future__ import annotations

from .clock import Clock
from .fleet import Contact, Fleet, FleetError
from .holds import POINTS, Held
from .profiles import PROFILES, Profile
from .records import Invoice, Order, Pbx
from .request_log import LogEntry
from .simulator import Simulator
from .verbs import VERBS

__all__ = [
    "POINTS",
    "PROFILES",
    "VERBS",
    "Clock",
    "Contact",
    "Fleet",
    "FleetError",
    "Held",
    "Invoice",
    "LogEntry",
    "Order",
    "Pbx",
    "Profile",
    "Simulator",
]
