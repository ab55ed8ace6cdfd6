# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks every saved plan of a test's processes against the schema, see `tests.support.processes`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SCHEMA = Path(__file__).parents[2] / "docs" / "saved-plan.schema.json"
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=_FORMATS)


def problems_of_plan(document: Mapping[str, Any]) -> list[str]:
    """The schema's errors for a document, each with its place; none for a saved plan."""
    errors = sorted(_validator().iter_errors(document), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message}" for error in errors]


def plans_in(folder: Path, since: int) -> dict[Path, dict[str, Any]]:
    """The plans in a folder that were saved at ``since`` (ns) or later."""
    found = {}
    for path in folder.glob("*.json"):
        if path.stat().st_mtime_ns >= since:
            document = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(document, dict) and "digest" in document:
                found[path] = document
    return found
