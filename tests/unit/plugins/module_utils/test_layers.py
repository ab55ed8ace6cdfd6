# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers (docs/architecture.md, 6), held against what the files import and how long they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _model

UTILS = Path(_model.__file__).resolve().parent
PLUGINS = UTILS.parent
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
SOURCES = sorted(path for path in PLUGINS.rglob("*.py") if path.name != "__init__.py")

# From the bottom to the top: a file may import only what stands in an earlier line.
LAYERS = (
    {"_text", "_core"},
    {
        "_secrets",
        "_time",
        "_money",
        "_states",
        "_intent",
        "_files",
        "_folder",
        "_location",
        "_pool",
        "_progress",
        "_controller",
        "_blanks",
        "_templates",
    },
    {"_span", "_database", "_envelope"},
    {"_model"},
    {"_renewal_fields", "_postgresql"},
    {"_join", "_rows"},
    {"_fields", "_connect", "_terms", "_diff", "_tag", "_report", "_inventory", "_variables"},
    {"_caps", "_cycles"},
    {"_planner", "_windows", "_order_rows", "_services", "_accord", "_current_plan"},
    {
        "_settlement",
        "_saved_plan",
        "_changes",
        "_prices",
        "_auto_renewal",
        "_memory",
        "_names",
        "_surroundings",
        "_unpack",
    },
    {"_plan_file", "_schema", "_http"},
    {"_ledger"},
    {"_answer"},
    {"_errors"},
    {"_transport"},
    {"_listing"},
    {"_portal"},
    {"_snapshot", "_questions", "_results"},
    {"_info", "_facts", "_screening"},
    {"_run"},
    {"_follow", "_bookkeeping"},
    {"_executor"},
    {"_argument_specs"},
    {"_options"},
    {"_job", "_batch"},
    {"_runner", "_plugin_options"},
    {"_account"},
    {"_watch"},
)
PURE = (
    *("_inventory", "_windows", "_report", "_variables", "_order_rows", "_services", "_accord", "_current_plan"),
    *(
        "_planner",
        "_prices",
        "_settlement",
        "_tag",
        "_terms",
        "_join",
        "_rows",
        "_diff",
        "_fields",
        "_renewal_fields",
        "_auto_renewal",
        "_caps",
        "_span",
        "_cycles",
        "_changes",
    ),
    *("_model", "_intent", "_time", "_money", "_states", "_envelope", "_secrets", "_text", "_templates"),
)
PARSER = "urllib.parse"  # takes texts apart, and reaches nothing
NETWORK = {"requests", "urllib3", "urllib", "http", "socket", "ssl", "ansible", "ansible_collections"}
MAX_FILE, MAX_FUNCTION, MAX_MAIN = 400, 40, 40  # lines

NAMES = sorted(path.stem for path in UTILS.glob("*.py") if path.name != "__init__.py")
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _imports(path: Path) -> Iterator[str]:
    """The top-level names of what a file imports anywhere in it; of our own files, their stems with the underscore."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module) if node.module == PARSER else str(node.module).partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1, f"{path.name} imports from outside its directory"
            yield from ([node.module] if node.module else [alias.name for alias in node.names])


def _length(node: ast.AST) -> int:
    return int(node.end_lineno - node.lineno + 1)  # type: ignore[attr-defined]


def _functions(path: Path) -> Iterator[ast.AST]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_every_file_has_its_layer() -> None:
    assert sorted(LEVELS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_private(name: str) -> None:
    assert name.startswith("_")


@pytest.mark.parametrize("name", NAMES)
def test_arrows_point_down_only(name: str) -> None:
    own = {imported for imported in _imports(UTILS / f"{name}.py") if imported in LEVELS}
    assert {imported for imported in own if LEVELS[imported] >= LEVELS[name]} == set()


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_imports_neither_ansible_nor_network_nor_anything_that_does(name: str) -> None:
    imported = set(_imports(UTILS / f"{name}.py"))
    assert imported & NETWORK == set()
    assert {one for one in imported if one in LEVELS} <= set(PURE)


@pytest.mark.parametrize(
    "name",
    [
        "_planner",
        "_settlement",
        "_tag",
        "_terms",
        "_join",
        "_diff",
        "_report",
        "_inventory",
        "_windows",
        "_caps",
        "_span",
        "_cycles",
        "_changes",
        "_auto_renewal",
    ],
)
def test_what_decides_reads_no_clock(name: str) -> None:
    called = {node.attr for node in ast.walk(_tree(UTILS / f"{name}.py")) if isinstance(node, ast.Attribute)}
    named = {node.id for node in ast.walk(_tree(UTILS / f"{name}.py")) if isinstance(node, ast.Name)}
    assert (called | named) & {"now_utc", "utc_now", "utcnow", "today", "monotonic"} == set()
    assert "time" not in set(_imports(UTILS / f"{name}.py"))


def test_only_one_file_touches_the_network() -> None:
    assert [path.stem for path in SOURCES if {"requests", "urllib3"} & set(_imports(path))] == ["_http"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_paths_of_the_api_are_in_the_portal_and_the_token_path_in_the_transport(path: Path) -> None:
    texts = [node.value for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant)]
    held = {text for text in texts if isinstance(text, str) and "/openapi/" in text}
    if path.stem == "_portal":
        assert held
        assert not any(text.startswith("/auth/") for text in held)
    else:
        assert held == ({"/auth/openapi/v1/oauth/token"} if path.stem == "_transport" else set())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_function_is_too_long(path: Path) -> None:
    lengths = {getattr(node, "name", ""): _length(node) for node in _functions(path)}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_documentation_and_a_short_main(path: Path) -> None:
    functions = {getattr(node, "name", ""): _length(node) for node in _functions(path)}
    assert set(functions) <= {"main"}
    assert all(length <= MAX_MAIN for length in functions.values())
    held = {ast.unparse(node.targets[0]) for node in _tree(path).body if isinstance(node, ast.Assign)}
    assert held == {"DOCUMENTATION", "EXAMPLES", "RETURN"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_uses_the_options_and_the_frame_and_at_most_one_reader(path: Path) -> None:
    nodes = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom)]
    modules = {str(node.module).rpartition(".")[2] for node in nodes if str(node.module).startswith("ansible_coll")}
    assert modules <= {"_argument_specs", "_options", "_runner", "_info", "_bookkeeping"}
