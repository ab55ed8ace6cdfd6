# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: notification
version_added: 0.2.0
short_description: Shows the progress of a long renewal run
description:
  - While M(pbxops.yeastar.yeastar_pce_renewal), M(pbxops.yeastar.yeastar_pce_plan) or the role
    P(pbxops.yeastar.pce_renewal#role) process the due subscriptions, shows every few seconds how many are done and how
    many remain.
  - Modules and roles that run on the controller report their progress through a file in Ansible's temporary directory,
    which E(YEASTAR_PROGRESS_FILE) names. A module that runs on another host reports nothing.
author:
  - The pbxops.yeastar authors (@pbxops)
requirements:
  - Enable it in the configuration, as C(callbacks_enabled = pbxops.yeastar.progress) under C([defaults]).
options:
  interval:
    description:
      - How many seconds to wait between two lines.
    type: float
    default: 10.0
    ini:
      - section: callback_yeastar_progress
        key: interval
    env:
      - name: YEASTAR_PROGRESS_INTERVAL
"""

EXAMPLES = r"""
- name: Show the progress of a long run; ANSIBLE_CALLBACKS_ENABLED, or ansible.cfg, enables the plugin
  ansible.builtin.import_playbook: pbxops.yeastar.renew
"""

import os
import threading
from pathlib import Path
from typing import Any, Optional

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.pbxops.yeastar.plugins.module_utils._progress import VARIABLE, Reading

# Made for each run of ansible-playbook, seen by all its workers, and removed with it. Ansible defines it at run time.
RUN_DIRECTORY: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # pylint: disable=no-member


class CallbackModule(CallbackBase):
    """Names the file before the first task, reads it in a thread, and stops with the last one."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "pbxops.yeastar.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Reads nothing yet."""
        super().__init__(*arguments, **keywords)
        self._is_over = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Begin to listen."""
        path = Path(RUN_DIRECTORY) / "yeastar_progress"
        path.touch(mode=0o600)
        path.write_bytes(b"")  # a command may have several playbooks
        self._is_over.clear()
        os.environ[VARIABLE] = str(path)
        interval = float(self.get_option("interval"))  # type: ignore[no-untyped-call]
        self._thread = threading.Thread(target=self._show, args=(Reading(path), interval), daemon=True)
        self._thread.start()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Stop."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _show(self, reading: Reading, interval: float) -> None:
        while not self._is_over.wait(interval):
            for through, due in reading.latest():
                if 0 < through < due:
                    counts = f"{through} of {due} subscriptions are through, {due - through} to go"
                    self._display.display(f"pbxops.yeastar: {counts}")
