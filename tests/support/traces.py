# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process wrote, synced, sent and received, in order, according to `strace` (from Debian's packages).

The position of an event is the one that matters for durability: a send counts when it begins, since its bytes may be
on their way then; everything else when it has succeeded. So everything before a send was over when the send began.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian import provided

_KINDS = {
    "write": "write",
    "writev": "write",
    "pwrite64": "write",
    "pwritev": "write",
    "ftruncate": "write",
    "fsync": "sync",
    "fdatasync": "sync",
    "sendto": "send",
    "sendmsg": "send",
    "recvfrom": "receive",
    "recvmsg": "receive",
    "read": "receive",
}
_SHOWN = 512  # bytes of each call
_CALL = re.compile(
    r"(?P<name>\w+)\(\d+<(?P<target>(?:TCP|UNIX|UDP)\w*:\[[^]]*\]|[^>]*)>(?:\(deleted\))?(?P<rest>.*)", re.S
)
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_VECTOR = re.compile(rf"iov_base={_TEXT}")
_FIRST = re.compile(rf", {_TEXT}")
_RESULT = re.compile(r"\) += (-?\d+)(?: .*)?$")
_UNFINISHED, _RESUMED = " <unfinished ...>", re.compile(r"<\.\.\. \w+ resumed>")


@dataclass(frozen=True)
class Event:
    """``kind`` is write (to a file), sync, send or receive; ``target`` a path, or the ends of a connection as
    `TCP:[127.0.0.1:40480->127.0.0.1:443]`; ``data`` the first bytes.
    """

    kind: str
    target: str
    data: bytes = b""

    @property
    def is_of_socket(self) -> bool:
        """Whether it happens on a connection."""
        return re.match(r"(TCP|UDP|UNIX)\w*:\[", self.target) is not None


def tracer(output: Path) -> list[str]:
    """The command that runs another command and writes its trace; raises Unavailable without `strace`."""
    program = provided(lambda: shutil.which("strace"), "strace")
    calls = ",".join(_KINDS)
    return [
        program,
        "-f",
        "-qq",
        "-yy",
        "-s",
        str(_SHOWN),
        "-e",
        f"trace={calls}",
        "-e",
        "signal=none",
        "-o",
        str(output),
    ]


def read_trace(output: Path) -> list[Event]:
    """The events of a trace that `tracer` made."""
    return parse(output.read_text(encoding="utf-8", errors="replace").splitlines())


def parse(lines: Iterable[str]) -> list[Event]:
    """The events in the lines of a trace, from all threads and processes."""
    events: list[Event | None] = []
    begun: dict[str, tuple[str, int]] = {}
    for line in lines:
        pid, dummy, text = line.partition(" ")
        text = text.strip()
        resumed = _RESUMED.match(text)
        if resumed:
            start, place = begun.pop(pid, ("", 0))
            text = start + text[resumed.end() :]
        else:
            place = len(events)
            events.append(None)  # where it begins
        if text.endswith(_UNFINISHED):
            begun[pid] = (text.removesuffix(_UNFINISHED), place)
        _place(events, text, place)
    return [event for event in events if event is not None]


def _place(events: list[Event | None], text: str, place: int) -> None:
    event = _event(text)
    result = _RESULT.search(text)
    if event is None:
        return
    if event.kind == "send":
        events[place] = event
    elif result and int(result[1]) >= 0:
        events.append(event)


def _event(text: str) -> Event | None:
    call = _CALL.match(text)
    kind = _KINDS.get(call["name"]) if call else None
    if call is None or kind is None:
        return None
    texts = _VECTOR.findall(call["rest"]) or _FIRST.findall(call["rest"])[:1]
    event = Event(kind, call["target"], b"".join(map(_bytes, texts)))
    if event.is_of_socket:
        return Event("send", event.target, event.data) if kind == "write" else event
    return None if kind == "receive" else event


def _bytes(text: str) -> bytes:
    data = ast.literal_eval(f'b"{text}"')
    assert isinstance(data, bytes)
    return data


def find(events: Sequence[Event], kind: str, target: str = "", data: bytes = b"") -> list[int]:
    """The positions of events of a kind whose target and data match these patterns; AssertionError for none."""
    found = [
        place
        for place, event in enumerate(events)
        if event.kind == kind and re.search(target, event.target) and re.search(data, event.data)
    ]
    assert found, f"no {kind} to {target!r} with {data!r} among {len(events)} events"
    return found


def not_durable(events: Iterable[Event]) -> set[str]:
    """The files that were written to after they were last synced."""
    written: set[str] = set()
    for event in events:
        if event.kind == "write" and event.target.startswith("/"):
            written.add(event.target)
        elif event.kind == "sync":
            written.discard(event.target)
    return written
