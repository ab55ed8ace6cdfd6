# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium from Debian's packages: what a page requests, logs, and looks like."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.support.debian import provided

# axe-core is only on npm, where the constraints of pip do not apply; its version is only here.
AXE = "axe-core@4.14.1"
PHONE = (360, 740)
DESKTOP = (1280, 900)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """A browser that shows one page at a time."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, size: tuple[int, int] = DESKTOP, *, dark: bool = False, scripts: bool = True) -> None:
        """Show a page on a screen of that size, and discard earlier log entries."""
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._command("Emulation.setDeviceMetricsOverride", **screen)
        self.prefer(dark=dark)
        self._command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.complaints()
        self.requests()
        self.driver.get(page.as_uri())

    def prefer(self, *, dark: bool = False, media: str = "") -> None:
        """Prefer light or dark, on the screen or on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def complaints(self) -> list[str]:
        """The console's messages since the last call, including policy violations."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that the page has requested since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def findings(self, axe: str) -> list[str]:
        """The serious and critical findings of axe-core, with the first element of each."""
        self.run(axe)
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}: {one['nodes'][0]['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def picture(self, height: int) -> bytes:
        """A PNG of the page from its top, at most that many pixels high."""
        width, whole = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, whole), "scale": 1}
        shot = self._command("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def _command(self, name: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """A new browser with its profile below ``home``; ended on exit."""
    options = webdriver.ChromeOptions()
    options.binary_location = provided(partial(shutil.which, "chromium"), "chromium")
    for flag in (*_FLAGS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(provided(partial(shutil.which, "chromedriver"), "chromium-driver")))
    try:
        driver.set_script_timeout(120)
        yield Browser(driver)
    finally:
        driver.quit()


def axe_core(home: Path) -> str:
    """The source of axe-core, installed below ``home``."""
    npm = provided(partial(shutil.which, "npm"), "npm")
    command = [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", home, AXE]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return (home / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
