# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs, controllers, faults and people acting on one simulated account, in one process, without sockets or waiting.

`world` is the account and time, `wire` stands in for `Http`, `controller` is one run of the product,
`happenings` is what befalls a run, `faults` what the portal does wrong, `judge` what must hold, `machine` puts them
together.
"""
