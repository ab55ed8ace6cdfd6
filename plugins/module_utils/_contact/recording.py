# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what the portal answers, and write it to a file in which nothing says anything about anyone."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Optional

from .._files import write_whole
from .._model.dates import format_instant
from .._portal.client import CATALOG
from .._portal.envelope import MAX_DIGITS
from .._portal.http_client import Answer, Exchanger
from .._portal.transport import TOKEN_PATH
from .._secrets import Secrets
from .._text import MAX_DEPTH
from .clear import Clear, FieldMap
from .disguise import Disguise
from .exchange import Exchange

FORMAT, VERSION = "pbxops.yeastar.recording", 1
_CONTENT_TYPE = re.compile(
    r"(?:application/(?:json|xml|problem\+json)|text/(?:html|plain|xml|json))(?: ?; ?charset=\"?utf-?8\"?)?",
    re.IGNORECASE,
)


class RecordingHttp:
    """Makes exchanges as another one does, and keeps them; ``exchanges`` has what was seen, not yet disguised."""

    def __init__(self, http: Exchanger, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``http`` makes the exchanges; ``monotonic`` returns seconds."""
        self._http = http
        self._monotonic = monotonic
        self.exchanges: list[Exchange] = []

    def exchange(self, method: str, path: str, token: Optional[str] = None, **payload: Any) -> Answer:
        """Make one exchange. Raises ExchangeError, as `Http` does; then there is nothing to keep."""
        query = {name: str(value) for name, value in (payload.get("params") or {}).items()}
        began = self._monotonic()
        answer = self._http.exchange(method, path, token, **payload)
        self.exchanges.append(Exchange(method, path, query, answer, began, self._monotonic() - began))
        return answer


def recording_of(
    exchanges: Sequence[Exchange],
    field_map: FieldMap,
    recorded_at: datetime,
    secrets: Secrets,
    choose: Optional[random.Random] = None,
) -> dict[str, Any]:
    """The document of a recording, with everything in it disguised.

    ``field_map`` is the map with which the account is read: its names are kept. ``choose`` makes the replacements, by
    default at random; nothing that would lead back from them is kept.
    """
    # Those side by side end in any order; otherwise the order of equal requests tells which answer came first.
    seen = sorted(exchanges, key=lambda one: (one.path, sorted(one.query.items())))
    bodies = [_body_of(one.answer.content) for one in seen]
    catalogs = [body for one, body in zip(seen, bodies) if one.path == CATALOG and not isinstance(body, str)]
    disguise = Disguise(Clear(field_map, catalogs, secrets), choose or random.SystemRandom())
    for one, body in zip(seen, bodies):
        disguise.learn(body)
        disguise.learn_path(one.path)
        disguise.learn(dict(one.query))
    return {
        "format": FORMAT,
        "version": VERSION,
        "recorded_at": format_instant(recorded_at),
        "field_map": {
            concept: list(names) if not isinstance(names, str) else names
            for concept, names in sorted(field_map.items())
        },
        "exchanges": [_document(one, body, disguise) for one, body in zip(seen, bodies)],
    }


def check_target(path: str) -> None:
    """Raise ValueError if a recording cannot be written to a path, as far as that shows without writing it."""
    folder = Path(path).parent
    if Path(path).is_dir():
        raise ValueError(f"the recording cannot be written to {path}: it is a folder; name a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"the recording cannot be written to {path}: no folder {folder} that may be written to")


def write_recording(path: str, document: Mapping[str, Any]) -> None:
    """Write a recording to a file that only its owner may read. Raises ValueError if that is impossible."""
    members = [f"{json.dumps(name)}: {_json(value)}" for name, value in document.items() if name != "exchanges"]
    lines = ",\n".join(map(_json, document["exchanges"]))
    text = "{" + ",\n".join([*members, f'"exchanges": [\n{lines}\n]']) + "}\n"
    try:
        write_whole(Path(path), text.encode("utf-8"))
    except OSError as error:
        raise ValueError(f"the recording cannot be written to {path}: {error.strerror}") from None


def _document(one: Exchange, body: Any, disguise: Disguise) -> dict[str, Any]:
    return {
        "method": one.method,
        "path": one.path if one.path == TOKEN_PATH else disguise.of_path(one.path),
        "query": dict(sorted(disguise.of(dict(one.query)).items())),
        "status": one.answer.status,
        "headers": _headers(one.answer.headers),
        ("text" if isinstance(body, str) else "body"): disguise.of(body),
        "seconds": round(one.seconds, 3),
    }


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are kept, if their value is of a known form."""
    found = {name.lower(): value.strip() for name, value in headers.items()}
    kept = {}
    if _CONTENT_TYPE.fullmatch(found.get("content-type", "")):
        kept["content-type"] = found["content-type"]
    for name in ("date", "retry-after"):
        value = found.get(name, "")
        if _is_http_date(value) or (name == "retry-after" and re.fullmatch("[0-9]{1,6}", value)):
            kept[name] = value
    return kept


def _is_http_date(value: str) -> bool:
    try:
        return value.endswith("GMT") and len(value) == 29 and parsedate_to_datetime(value) is not None
    except (ValueError, TypeError):
        return False


def _body_of(content: bytes) -> Any:
    """The JSON object or list of an answer, its numbers with every digit; its text if it is anything else."""
    try:
        body = json.loads(
            content.decode("utf-8-sig"),
            parse_int=lambda digits: int(_bounded(digits)),
            parse_float=lambda digits: Decimal(_bounded(digits)),
            parse_constant=_bounded,
            object_pairs_hook=_object,
        )
        if isinstance(body, (dict, list)) and _is_flat_enough(body, MAX_DEPTH):
            return body
    except (ValueError, RecursionError, ArithmeticError):
        pass
    return content.decode("utf-8", errors="replace")


def _bounded(digits: str) -> str:
    if len(digits) > MAX_DIGITS or not set(digits) & set("0123456789"):
        raise ValueError("not a number that an envelope may contain")
    return digits


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("it repeats a key")
    return dict(pairs)


def _is_flat_enough(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_flat_enough(item, depth - 1) for item in inner)


def _json(value: Any) -> str:
    """JSON in which a Decimal is a number with all its digits."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
