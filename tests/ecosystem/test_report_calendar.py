# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's calendar, as khal shows it far from UTC, and as the CalDAV server Radicale keeps it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
import requests
from icalendar import Calendar

from tests.simulator import Simulator
from tests.support.processes import Ansible
from tests.support.reports import FILES, NOW, folder, hostile_fleet, report
from tests.support.tools import BIN

QUERY = """\
<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop><c:calendar-data/></d:prop><c:filter>
<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">
<c:time-range start="20261204T120000Z" end="20261205T120000Z"/>
</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"""
ZONES = ("America/Los_Angeles", "UTC", "Pacific/Auckland")
KHAL = """\
[calendars]
[[pbx]]
path = {home}/calendar
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = {zone}
default_timezone = {zone}
[sqlite]
path = {home}/khal.db
"""


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Iterator[Callable[[str], Path]]:
    """Report the same account at a portal of the given profile, and return the calendar."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_COLLECTIONS_PATH", str(collections))

        def written(profile: str) -> Path:
            with Simulator(profile=profile, fleet=hostile_fleet(), now=NOW) as portal:
                ansible = Ansible(portal, tmp_path_factory.mktemp("calendar"))
                shown = report(ansible, ["icalendar"], now=NOW)
                assert shown.status == 0, shown.output
                return folder(ansible) / FILES["icalendar"]

        yield written


def khal(home: Path, zone: str, file: Path) -> dict[str, str]:
    """The start of each event by the serial number, as khal shows it in a zone."""
    configuration = home / "khal.conf"
    configuration.write_text(KHAL.format(home=home, zone=zone), encoding="utf-8")
    command: list[str | Path] = [BIN / "khal", "--config", configuration]
    environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"}
    imported = [*command, "import", "--batch", "--include-calendar", "pbx", file]
    subprocess.run(imported, env=environment, check=True, capture_output=True, timeout=60)
    listed = [*command, "list", "--once", "--day-format", "", "--format", "{uid} {start}", "2026-11-01", "900d"]
    shown = subprocess.run(listed, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout
    events = (line.split(" ", 1) for line in shown.splitlines())
    return {uid.partition("@")[0]: start.strip() for uid, start in events}


@pytest.mark.parametrize("zone", ZONES)
def test_khal_shows_a_bare_date_on_that_date_in_every_zone(
    tmp_path: Path, calendar: Callable[[str], Path], zone: str
) -> None:
    assert khal(tmp_path, zone, calendar("documented")) == {
        "HOSTILE0": "2026-12-05",
        "HOSTILE1": "2026-11-20",
        "HOSTILE3": "2027-02-01",
        "HOSTILE4": "2027-05-01",
        "HOSTILE5": "2028-05-01",
    }


def test_khal_shows_a_time_of_day_in_its_own_zone(tmp_path: Path, calendar: Callable[[str], Path]) -> None:
    shown = khal(tmp_path, "America/Los_Angeles", calendar("datetime"))
    assert shown["HOSTILE0"] == "2026-12-04 16:00"


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[str]:
    """The address of a Radicale that keeps its calendars in a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [BIN / "python", "-m", "radicale", "--config", "", "--server-hosts", f"127.0.0.1:{port}"]
    command += ["--auth-type", "none", "--storage-filesystem-folder", str(tmp_path / "radicale")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            for dummy in range(100):
                try:
                    requests.get(url, timeout=5)
                    break
                except requests.ConnectionError:
                    time.sleep(0.1)
            yield url
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("profile", "start"),
    [("documented", date(2026, 12, 5)), ("datetime", datetime(2026, 12, 5, tzinfo=timezone.utc))],
)
def test_a_caldav_server_keeps_every_event_and_finds_it_by_its_time(
    radicale: str, calendar: Callable[[str], Path], profile: str, start: date
) -> None:
    collection = f"{radicale}/user/pbx/"
    content = calendar(profile).read_bytes()
    user = requests.Session()
    user.auth = ("user", "any password")
    put = user.put(collection, data=content, headers={"Content-Type": "text/calendar"}, timeout=10)
    assert put.status_code == 201, put.text
    kept = Calendar.from_ical(user.get(collection, timeout=10).content)
    sent = Calendar.from_ical(content)
    starts = [{str(event["UID"]): event.start for event in one.walk("VEVENT")} for one in (sent, kept)]
    assert starts[0] == starts[1] and len(starts[0]) == 5
    found = user.request("REPORT", collection, data=QUERY, headers={"Depth": "1"}, timeout=10)
    assert found.status_code == 207 and found.text.count("BEGIN:VEVENT") == 1
    assert "HOSTILE0@pce.pbxops.yeastar" in found.text and starts[1]["HOSTILE0@pce.pbxops.yeastar"] == start
