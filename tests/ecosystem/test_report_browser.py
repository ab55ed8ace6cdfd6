# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the report in a browser, of six and of a thousand subscriptions. `make screenshots` keeps pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.simulator import Simulator
from tests.support.browser import DESKTOP, PHONE, Browser, axe_core, chromium
from tests.support.plays import ANNUAL, EXPIRED, FAR, MONTHLY, REPOSITORY, SELF_RENEWING, SWITCHING
from tests.support.processes import Ansible
from tests.support.reports import FILES, folder, report

FLEET = REPOSITORY / "tests" / "simulator" / "fleets" / "six.yml"
IMAGES = REPOSITORY / "docs" / "images"
# The pictures are of one and the same day, so that they change only with the page.
DAY = "2026-11-23T09:00:00Z"
NAMES = {
    ANNUAL: "Head office",
    MONTHLY: "Summer school",
    SELF_RENEWING: "Warehouse",
    EXPIRED: "Old showroom",
    FAR: "Call centre",
    SWITCHING: "Clinic",
}
OWNED = '<script>document.title = "owned"</script><img src="https://evil.example/x" onerror="document.title = 1">'
PBX, EXPIRES, PLAN, EXTENSIONS, CYCLE, STATE, RENEWAL = range(7)
LIMITS = {"markdown": 64 * 1024, "summary": 1024 * 1024}
ALLOWED_SECONDS = 100


@dataclass(frozen=True)
class Reported:
    """A report that was written, of how many PBXs, and how long that took."""

    count: int
    folder: Path
    seconds: float

    @property
    def page(self) -> Path:
        return self.folder / FILES["html"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> dict[str, Reported]:
    """The reports of both accounts, written by the role as it is installed."""

    def write(name: str, portal: Simulator, **variables: Any) -> Reported:
        ansible = Ansible(portal, tmp_path_factory.mktemp(name))
        start = time.monotonic()
        shown = report(ansible, list(FILES), now=DAY, **variables)
        assert shown.status == 0, shown.output
        return Reported(len(portal.pbxs), folder(ansible), time.monotonic() - start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))
        with Simulator(fleet=FLEET, now=DAY) as portal:
            for number, comment in NAMES.items():
                portal.pbx(number).comment = comment
            six = write("six", portal, prices="year")
        with Simulator(fleet={"generate": {"count": 1000, "due": 80}}, now=DAY) as portal:
            for pbx in portal.pbxs:
                portal.pbx(pbx.product_no).comment = f"Customer {pbx.product_no[6:-2].lstrip('0') or '0'}"
            last = max(portal.pbxs, key=lambda pbx: (pbx.expires_at, pbx.product_no))
            portal.pbx(last.product_no).comment = OWNED
            return {"six": six, "thousand": write("thousand", portal)}


@pytest.fixture(params=["six", "thousand"])
def reported(request: pytest.FixtureRequest, reports: dict[str, Reported]) -> Reported:
    return reports[request.param]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_core(tmp_path_factory.mktemp("axe"))


def keys(browser: Browser, column: int) -> list[str]:
    """What the rows that are shown are sorted by in a column, from top to bottom."""
    rows = "[...document.querySelectorAll('#subscriptions tbody tr:not([hidden])')]"
    found: list[str] = browser.run(f"return {rows}.map(row => row.cells[arguments[0]].dataset.key)", column)
    return found


def head(browser: Browser, column: int) -> Any:
    return browser.driver.find_elements(By.CSS_SELECTOR, "#subscriptions thead th")[column]


def told(browser: Browser) -> str:
    return str(browser.driver.find_element(By.ID, "count").text)


def test_a_thousand_subscriptions_are_written_in_time_and_within_the_limits(reports: dict[str, Reported]) -> None:
    thousand = reports["thousand"]
    assert thousand.seconds < ALLOWED_SECONDS
    sizes = {name: (thousand.folder / FILES[name]).stat().st_size for name in FILES}
    assert all(sizes[name] <= limit for name, limit in LIMITS.items()), sizes
    comment = (thousand.folder / FILES["markdown"]).read_text(encoding="utf-8")
    assert sizes["markdown"] > LIMITS["markdown"] * 0.95 and " more rows, left out" in comment
    assert "left out" not in (thousand.folder / FILES["summary"]).read_text(encoding="utf-8")


def test_the_page_loads_nothing_says_nothing_and_runs_no_foreign_script(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    browser.run("return document.querySelector('#subscriptions tbody tr:last-child').scrollIntoView()")
    assert browser.requests() == [reported.page.as_uri()]
    assert browser.complaints() == []
    assert browser.driver.title == "PBX subscriptions, 2026-11-23"
    rows = browser.driver.find_element(By.ID, "subscriptions").find_elements(By.CSS_SELECTOR, "tbody tr")
    assert len(rows) == reported.count
    assert (OWNED in rows[-1].text) == (reported.count == 1000)


def test_a_click_sorts_and_another_one_turns_it_round(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    assert head(browser, EXPIRES).get_attribute("aria-sort") == "ascending"
    before = keys(browser, EXTENSIONS)
    for direction, reverse in [("ascending", False), ("descending", True)]:
        head(browser, EXTENSIONS).find_element(By.TAG_NAME, "button").click()
        assert keys(browser, EXTENSIONS) == sorted(before, key=int, reverse=reverse) != before
        assert head(browser, EXTENSIONS).get_attribute("aria-sort") == direction
        assert head(browser, EXPIRES).get_attribute("aria-sort") is None
    head(browser, RENEWAL).find_element(By.TAG_NAME, "button").click()
    costs = keys(browser, RENEWAL)
    known = [cost for cost in costs if cost]
    assert costs == [*[""] * (len(costs) - len(known)), *sorted(known, key=float)], "what is not known stays first"
    assert browser.complaints() == []


def test_the_keyboard_reaches_every_column_and_sorts(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    browser.driver.find_element(By.ID, "reset").send_keys(Keys.TAB)  # to the region that scrolls
    for column, key in [(PBX, Keys.ENTER), (EXPIRES, None), (PLAN, Keys.SPACE)]:
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        focused = browser.driver.switch_to.active_element
        assert (focused.tag_name, focused.text) == ("button", head(browser, column).text)
        assert browser.run("return getComputedStyle(arguments[0]).outlineStyle", focused) == "solid"
        if key is not None:
            ActionChains(browser.driver).send_keys(key).perform()
            assert keys(browser, column) == sorted(keys(browser, column))
            assert head(browser, column).get_attribute("aria-sort") == "ascending"
            assert browser.driver.switch_to.active_element == focused


def test_search_and_choices_leave_what_fits_and_say_how_many(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    assert told(browser) == f"All {reported.count} shown"
    Select(browser.driver.find_element(By.ID, "state")).select_by_value("due")
    due = keys(browser, PBX)
    assert len(due) == (2 if reported.count == 6 else 80)
    assert told(browser) == f"{len(due)} of {reported.count} shown"
    browser.driver.find_element(By.ID, "search").send_keys("ULTIMATE high")
    assert 0 < len(keys(browser, PBX)) < len(due)
    assert all("Ultimate Plan" in plan for plan in keys(browser, PLAN))
    Select(browser.driver.find_element(By.ID, "band")).select_by_value("later")
    assert keys(browser, PBX) == [] and told(browser) == f"0 of {reported.count} shown"
    browser.driver.find_element(By.ID, "reset").click()
    assert len(keys(browser, PBX)) == reported.count
    assert browser.driver.switch_to.active_element.get_attribute("id") == "search"


def brightness(browser: Browser, selector: str, name: str) -> int:
    """The sum of red, green and blue of an element's colour."""
    colour = browser.run(f"return getComputedStyle(document.querySelector('{selector}')).{name}")
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_dark_mode_is_dark_and_light_mode_is_light(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, dark=True)
    assert brightness(browser, "body", "backgroundColor") < 120 and brightness(browser, "body", "color") > 600
    browser.prefer(dark=False)
    assert brightness(browser, "body", "backgroundColor") > 600 and brightness(browser, "body", "color") < 200


@pytest.mark.parametrize("width", [320, PHONE[0], 768, DESKTOP[0]])
def test_no_screen_has_to_be_scrolled_sideways(browser: Browser, reported: Reported, width: int) -> None:
    browser.open(reported.page, (width, 740))
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_a_phone_can_sort_too(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, PHONE)
    by = browser.driver.find_element(By.ID, "by")
    assert by.is_displayed()
    Select(by).select_by_value(f"{EXTENSIONS} descending")
    assert keys(browser, EXTENSIONS) == sorted(keys(browser, EXTENSIONS), key=int, reverse=True)
    browser.open(reported.page, DESKTOP)
    assert not browser.driver.find_element(By.ID, "by").is_displayed()


def test_without_scripts_it_is_a_plain_table(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, scripts=False)
    shown = browser.driver.find_element(By.ID, "subscriptions")
    assert len(shown.find_elements(By.CSS_SELECTOR, "tbody tr")) == reported.count
    assert not browser.driver.find_element(By.ID, "controls").is_displayed()
    assert shown.find_elements(By.TAG_NAME, "button") == []
    browser.open(reported.page)


def test_paper_has_the_table_and_no_controls(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    browser.prefer(media="print")
    assert not browser.driver.find_element(By.ID, "controls").is_displayed()
    assert browser.driver.find_element(By.ID, "subscriptions").is_displayed()
    browser.prefer()


@pytest.mark.parametrize(
    ("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (PHONE, False)], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing_serious(
    browser: Browser, reported: Reported, axe: str, size: tuple[int, int], dark: bool
) -> None:
    browser.open(reported.page, size, dark=dark)
    assert browser.findings(axe) == []


@pytest.mark.parametrize(
    ("name", "size", "dark", "height"),
    [
        ("six", DESKTOP, False, 1500),
        ("thousand", DESKTOP, False, 1300),
        ("thousand-dark", DESKTOP, True, 1300),
        ("six-phone", PHONE, False, 1400),
    ],
)
def test_a_picture_is_small_enough_to_be_kept(
    browser: Browser, reports: dict[str, Reported], name: str, size: tuple[int, int], dark: bool, height: int
) -> None:
    browser.open(reports[name.partition("-")[0]].page, size, dark=dark)
    picture = browser.picture(height)
    assert 10_000 < len(picture) < 300_000
    if os.environ.get("SCREENSHOTS"):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"report-{name}.png").write_bytes(picture)
