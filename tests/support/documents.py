# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents that users read, and the blocks in them that users copy.

A YAML block is run if the line before it is ``<!-- run: FLEET -->`` in Markdown and
``.. run: FLEET`` in reStructuredText. After the fleet may follow ``, rc N`` (0 unless given) and ``, orders N`` (any
number unless given), as in ``.. run: six, rc 2, orders 1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
MODULES = "ansible_collections.pbxops.yeastar.plugins.modules."
INVENTORY = "ansible_collections.pbxops.yeastar.plugins.inventory.yeastar_pce"
MODULE_NAMES = tuple(sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("yeastar_*.py")))
FILTERS = MODULES.replace("modules.", "filter.")
FILTER_NAMES = tuple(sorted(path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.py")))
# What comments and guides refer to by number; no YAML is in them.
REFERENCES = ("docs/architecture.md", "docs/portal-api.md")
LANGUAGES = frozenset({"yaml", "console", "python", "text"})

_FENCE = re.compile(r"^```(\w*)\s*$")
_DIRECTIVE = re.compile(r"^( *)\.\. code-block:: *(\w*)\s*$")
_MARKER = re.compile(r"^ *(?:<!-- run: (.*?) -->|\.\. run: (.*?)) *$")
_EXPECTATION = re.compile(r"(?P<fleet>\w+)(?:, rc (?P<status>\d+))?(?:, orders (?P<orders>\d+))?")


@dataclass(frozen=True)
class Expectation:
    """The expected result of running a block. ``orders`` is the number of invoices; None for any."""

    fleet: str
    status: int = 0
    orders: int | None = None

    @classmethod
    def parse(cls, text: str) -> Expectation:
        """Read the words of a marker. Raises ValueError for unknown words."""
        match = _EXPECTATION.fullmatch(text)
        if match is None:
            raise ValueError(f"expected FLEET[, rc N][, orders N] after run:, got {text!r}")
        orders = match["orders"]
        return cls(match["fleet"], int(match["status"] or 0), None if orders is None else int(orders))


@dataclass(frozen=True)
class Block:
    """A literal block of a document; ``line`` is the number of its first line."""

    path: str
    line: int
    language: str
    text: str
    expectation: Expectation | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people and for the ids of tests."""
        return f"{self.path}:{self.line}"

    def document(self) -> Any:
        """The YAML in it. Raises yaml.YAMLError, also for more than one document."""
        return yaml.safe_load(self.text)


def document_paths() -> list[str]:
    """Every document for users, and the files to which they link, relative to the repository."""
    patterns = ("README.md", "roles/*/README.md", "tests/simulator/README.md", "docs/docsite/rst/*.rst", *REFERENCES)
    return sorted(str(path.relative_to(REPOSITORY)) for pattern in patterns for path in REPOSITORY.glob(pattern))


def blocks_of(path: str, text: str | None = None) -> list[Block]:
    """The blocks of a document, whose text is read from the repository unless given.

    Raises ValueError for a marker without a YAML block after it, and for a block with an unknown or no language.
    """
    lines = ((REPOSITORY / path).read_text(encoding="utf-8") if text is None else text).splitlines()
    split = _split_rst if path.endswith(".rst") else _split_markdown
    blocks = []
    used_markers = set()
    for start, language, content in split(lines):
        if language not in LANGUAGES:
            raise ValueError(f"{path}:{start}: expected a block in one of {sorted(LANGUAGES)}, got {language!r}")
        marked = _marker_before(lines, start - 1)
        expectation = None
        if marked is not None and language == "yaml":
            used_markers.add(marked[0])
            expectation = Expectation.parse(marked[1])
        blocks.append(Block(path, start, language, "\n".join(content) + "\n", expectation))
    stray = [number for number, line in enumerate(lines) if _MARKER.match(line) and number not in used_markers]
    if stray:
        raise ValueError(f"{path}:{stray[0] + 1}: no YAML block follows this marker")
    return blocks


def examples_of(module_name: str) -> Block:
    """The EXAMPLES of a module. They are run against the tutorial's fleet, all of them."""
    text = import_module(MODULES + module_name).EXAMPLES
    return Block(f"plugins/modules/{module_name}.py", 1, "yaml", text.removeprefix("\n"), Expectation("tutorial"))


def examples_of_filter(name: str) -> Block:
    """The EXAMPLES of a filter."""
    return Block(f"plugins/filter/{name}.py", 1, "yaml", import_module(FILTERS + name).EXAMPLES.removeprefix("\n"))


def examples_of_inventory() -> list[Block]:
    """The EXAMPLES of the inventory plugin, one block for each file."""
    text = import_module(INVENTORY).EXAMPLES
    parts = [part for part in re.split(r"^---\n", text, flags=re.MULTILINE) if part.strip()]
    return [Block("plugins/inventory/yeastar_pce.py", 1, "yaml", part.rstrip("\n") + "\n") for part in parts]


def all_blocks(language: str) -> list[Block]:
    """Every block in that language, of all documents; for YAML also the EXAMPLES of all plugins."""
    blocks = [block for path in document_paths() for block in blocks_of(path)]
    examples: list[Block] = []
    if language == "yaml":
        examples = [
            *map(examples_of, MODULE_NAMES),
            *map(examples_of_filter, FILTER_NAMES),
            *examples_of_inventory(),
        ]
    return [block for block in blocks if block.language == language] + examples


def _split_markdown(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """The number of the first line, the language and the lines of each fenced block."""
    first, language = 0, ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence and not first:
            first, language = number, fence[1]
        elif fence:
            yield first + 1, language, lines[first : number - 1]
            first = 0
    if first:
        raise ValueError(f"line {first}: a block is not closed")


def _split_rst(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """As `_split_markdown`, for the code-block directive, without its options."""
    for number, line in enumerate(lines, start=1):
        directive = _DIRECTIVE.match(line)
        if not directive:
            continue
        margin = len(directive[1])
        end = number
        while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > margin):
            end += 1
        start = next((place for place in range(number, end) if not lines[place].strip()), end) + 1
        content = lines[start:end]
        while content and not content[-1].strip():
            content.pop()
        if not content:
            raise ValueError(f"line {number}: a block has no content")
        indent = min(_indent(one) for one in content if one.strip())
        yield start + 1, directive[2], [one[indent:] for one in content]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _marker_before(lines: list[str], content_start: int) -> tuple[int, str] | None:
    """Index and words of the marker in the line before the start of a block."""
    opening = content_start - 1
    while opening > 0 and not (_FENCE.match(lines[opening]) or _DIRECTIVE.match(lines[opening])):
        opening -= 1
    match = _MARKER.match(lines[opening - 1]) if opening > 0 else None
    return (opening - 1, match[1] or match[2]) if match else None
