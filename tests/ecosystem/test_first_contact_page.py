# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a first contact in a browser, written by the playbook as it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.browser import DESKTOP, PHONE, Browser, axe_core, chromium
from tests.support.processes import Ansible

OWNED = '<script>document.title = "owned"</script><img src="https://evil.example/x" onerror="document.title = 1">'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Path:
    """A portal whose names are all unknown, one of them markup."""
    folder = tmp_path_factory.mktemp("contact")
    shown = {"moved": {"seats": OWNED.replace(".", "")}}
    fleet = {"profile": "renamed", "generate": {"count": 40, "due": 12}, "shown": shown}
    with pytest.MonkeyPatch.context() as patch, Simulator(fleet=fleet) as portal:
        patch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))
        process = Ansible(portal, folder).playbook("pbxops.yeastar.first_contact", "-e", f"pce_contact_dest={folder}")
        assert process.returncode == 2 and "Not ready" in process.stdout, process.stdout
    return folder / "first_contact.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def test_it_loads_nothing_says_nothing_and_runs_no_foreign_script(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.requests() == [page.as_uri()] and browser.complaints() == []
    assert browser.driver.title == "First contact with the portal"
    assert browser.run("return document.querySelector('h2').textContent") == "Not ready"
    assert "evil" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everyone_can_read_it(browser: Browser, page: Path, tmp_path: Path, size: tuple[int, int], dark: bool) -> None:
    browser.open(page, size, dark=dark)
    assert browser.findings(axe_core(tmp_path)) == []
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
