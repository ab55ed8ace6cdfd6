# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms (docs/architecture.md, 6), held against what the files import and how long they are."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils import _text

PLUGINS = Path(_text.__file__).resolve().parents[1]
PREFIX = "ansible_collections.pbxops.yeastar.plugins."
TREES = ("module_utils", "plugin_utils")
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
SOURCES = sorted(path for path in PLUGINS.rglob("*.py") if path.name != "__init__.py")
FILES = [path for path in SOURCES if path.relative_to(PLUGINS).parts[0] in TREES]

# A room is a package, or a file that needs none. What each may import besides itself: arrows point down only.
GROUND = {"_text", "_address", "_core", "_errors", "_files", "_concurrency", "_progress", "_controller"}
RULES = {
    **{room: set() for room in GROUND},
    "_secrets": {"_text"},
    "_model": {"_text"},
    "_decide": {"_model", "_errors", "_text"},
    "_portal": {"_model", "_secrets", "_errors", "_address", "_text", "_concurrency"},
    "_ledger": {"_decide", "_model", "_errors"},
    "_options": {"_ledger", "_portal", "_decide", "_model", "_address", "_text"},
    "_renew": {"_options", "_ledger", "_portal", "_decide", "_model", "_secrets", *GROUND},
    "_contact": {"_renew", "_options", "_ledger", "_portal", "_decide", "_model", "_secrets", *GROUND},
    "_info": {"_renew", "_portal", "_decide", "_model", "_secrets"},
    "_module": {"_secrets", *GROUND},
}
# Of the controller alone: a room of these may also import any of those above.
CONTROLLER_RULES = {
    "_templates": set(),
    "_variables": set(),
    "_report": set(),
    "_report_table": set(),
    "_inventory": set(),
    "_account": {"_inventory"},
    "_events": {"_account", "_inventory"},
    "_batch": {"_templates", "_variables"},
}
# What decides, and what reads an answer: no network, no Ansible, nothing that reaches for them.
PURE_ROOMS = {
    *("_model", "_decide", "_text", "_address", "_errors", "_secrets"),
    *("_report", "_report_table", "_variables", "_templates"),
}
PURE_FILES = {
    *("_portal/agreement", "_portal/auto_renewal_fields", "_portal/envelope", "_portal/fields", "_portal/order_rows"),
    *("_portal/pending_plan", "_portal/services", "_portal/suggestions"),
    *("_contact/evidence_of_answers", "_contact/evidence_of_expiries", "_contact/evidence_of_pbxs"),
    *(
        "_contact/evidence_of_plans",
        "_contact/evidence_of_services",
        "_contact/inference",
        "_contact/ranking",
        "_contact/sample",
    ),
    *("_renew/diff", "_inventory/hosts", "_events/windows"),
    *("_contact/clear", "_contact/disguise"),
}
# What decides reads no clock: `now` is an argument.
TIMELESS_ROOMS = {"_decide", "_report"}
TIMELESS_FILES = {"_model/span", "_model/po_number", "_renew/diff", "_inventory/hosts", "_events/windows"}
PARSER = "urllib.parse"  # takes texts apart, and reaches nothing
NETWORK = {"requests", "urllib3", "urllib", "http", "socket", "ssl", "ansible"}
MAX_FILE, MAX_FUNCTION, MAX_MAIN = 400, 40, 40  # lines


def _name(path: Path) -> str:
    """A file's room and name: `_portal/http_client`, `_text`."""
    return "/".join(path.relative_to(PLUGINS).with_suffix("").parts[1:])


def _room(path: Path) -> str:
    return _name(path).partition("/")[0]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _own(path: Path) -> Iterator[tuple[str, str]]:
    """What a file imports of ours, anywhere in it: the tree, and the room with the file."""
    place = path.relative_to(PLUGINS).parts
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            assert node.level < len(place), f"{path.name} imports from outside its tree"
            base = [*place[: -node.level], *(node.module.split(".") if node.module else [])]
        elif str(node.module).startswith(PREFIX):
            base = str(node.module)[len(PREFIX) :].split(".")
        else:
            continue
        for alias in node.names:
            found = "/".join([*base[1:], alias.name])
            yield base[0], found if (PLUGINS / base[0] / f"{found}.py").exists() else "/".join(base[1:])


def _foreign(path: Path) -> set[str]:
    """The top-level names of what a file imports of others."""
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and not str(node.module).startswith(PREFIX):
            found.add(str(node.module) if node.module == PARSER else str(node.module).partition(".")[0])
    return found


def _length(node: ast.AST) -> int:
    return int(node.end_lineno - node.lineno + 1)  # type: ignore[attr-defined]


def _functions(path: Path) -> Iterator[ast.AST]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _is_pure(name: str) -> bool:
    return name in PURE_FILES or name.partition("/")[0] in PURE_ROOMS


def test_every_room_has_its_rule() -> None:
    rooms = {tree: {_room(path) for path in FILES if path.is_relative_to(PLUGINS / tree)} for tree in TREES}
    assert rooms == {"module_utils": set(RULES), "plugin_utils": set(CONTROLLER_RULES)}


def test_the_rules_name_files_that_exist() -> None:
    assert {_name(path) for path in FILES} >= PURE_FILES | TIMELESS_FILES


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_room_is_private_and_its_files_have_plain_names(path: Path) -> None:
    room, dummy, file = _name(path).partition("/")
    assert room.startswith("_")
    assert not file.startswith("_")
    # Without __init__.py, pylint takes such a file for the module of that name, and judges its imports.
    assert file not in {*sys.stdlib_module_names, "requests"}
    assert "/" not in file


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_file_imports_only_from_its_own_room_and_from_those_that_it_may(path: Path) -> None:
    room = _room(path)
    is_of_controller = path.is_relative_to(PLUGINS / "plugin_utils")
    allowed = {("plugin_utils", one) for one in CONTROLLER_RULES.get(room, ()) if is_of_controller}
    allowed |= {("module_utils", one) for one in (RULES if is_of_controller else RULES[room])}
    allowed.add(("plugin_utils" if is_of_controller else "module_utils", room))
    assert {(tree, name.partition("/")[0]) for tree, name in _own(path)} - allowed == set()


@pytest.mark.parametrize("rules", [RULES, CONTROLLER_RULES], ids=TREES)
def test_the_rules_have_no_circle(rules: dict[str, set[str]]) -> None:
    graphlib.TopologicalSorter(rules).prepare()


def test_the_files_have_no_circle() -> None:
    graph = {_name(path): {name for dummy, name in _own(path)} for path in FILES}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", [path for path in FILES if _is_pure(_name(path))], ids=_name)
def test_what_is_pure_imports_neither_ansible_nor_network_nor_anything_that_does(path: Path) -> None:
    assert _foreign(path) & NETWORK == set()
    assert [name for dummy, name in _own(path) if not _is_pure(name)] == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if _room(path) in TIMELESS_ROOMS or _name(path) in TIMELESS_FILES], ids=_name
)
def test_what_decides_reads_no_clock(path: Path) -> None:
    called = {node.attr for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)}
    named = {node.id for node in ast.walk(_tree(path)) if isinstance(node, ast.Name)}
    assert (called | named) & {"now_utc", "utc_now", "utcnow", "today", "monotonic"} == set()
    assert "time" not in _foreign(path)


def test_only_one_file_touches_the_network() -> None:
    assert [_name(path) for path in SOURCES if {"requests", "urllib3"} & _foreign(path)] == ["_portal/http_client"]


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_paths_to_read_are_in_the_client_and_those_to_order_and_sign_in_each_in_a_file_of_its_own(
    path: Path,
) -> None:
    texts = [node.value for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant)]
    held = {text for text in texts if isinstance(text, str) and "/openapi/" in text}
    own = {"_portal/transport": {"/auth/openapi/v1/oauth/token"}, "_portal/sender": {"/order/openapi/order/v1/save"}}
    if _name(path) == "_portal/client":
        assert held
        assert held.isdisjoint(set().union(*own.values()))
    else:
        assert held == own.get(_name(path), set())


def test_orders_are_sent_by_one_file_that_a_run_is_given_in_one_place() -> None:
    users = {_name(path) for path in SOURCES if "_portal/sender" in {name for dummy, name in _own(path)}}
    assert users == {"_renew/job", "_renew/order", "_renew/run"}
    makers = [_name(path) for path in SOURCES for node in ast.walk(_tree(path)) if _calls(node, "OrderSender")]
    assert makers == ["_renew/job"]


def test_the_module_of_the_ledger_needs_no_http_client() -> None:
    reached = {"modules/yeastar_pce_ledger"}
    left = [PLUGINS / "modules/yeastar_pce_ledger.py"]
    while left:
        for tree, name in _own(left.pop()):
            if name not in reached:
                reached.add(name)
                left.append(PLUGINS / tree / f"{name}.py")
    assert [name for name in reached if name.startswith(("_portal", "_renew"))] == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE


@pytest.mark.parametrize("path", SOURCES, ids=_name)
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
    assert {name.partition("/")[0] for dummy, name in _own(path)} <= {
        "_options",
        "_module",
        "_contact",
        "_info",
        "_ledger",
        "_model",
        "_renew",
    }
