# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder: the context from the collection's definition, and what it finds in the installed collection."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import yaml

from tests.support.plays import REPOSITORY
from tests.support.tools import Tools

NAME = "pbxops.yeastar"


def requirements(text: str) -> list[str]:
    """The requirements in the text of a file of pip's."""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def names(lines: list[str]) -> set[str]:
    """The packages that these requirements name, whatever the versions."""
    return {re.split(r"[^\w.-]", line)[0].lower() for line in lines}


def brought_along(packages: set[str]) -> set[str]:
    """What these packages need in any case; so `requests` brings urllib3, whose exceptions it lets through."""
    lines = [line for package in packages for line in metadata.requires(package) or [] if "extra ==" not in line]
    return names(lines)


def of_others(plugins: Path) -> set[str]:
    """The top-level packages that the plugins import and that neither Python nor Ansible brings along."""
    imported: set[str] = set()
    for path in plugins.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    return imported - sys.stdlib_module_names - {"ansible", "ansible_collections"}


def test_the_context_from_the_collections_definition_names_every_dependency(tools: Tools) -> None:
    definition, context = REPOSITORY / "meta" / "execution-environment.yml", tools.home / "context"
    process = tools.run("ansible-builder", "create", "--file", definition, "--context", context)
    assert process.returncode == 0, process.stdout
    named = context / "_build" / "requirements.txt"
    assert not named.is_symlink(), "a link leads nowhere once the context is sent to a container engine"
    wanted = requirements((REPOSITORY / "requirements.txt").read_text(encoding="utf-8"))
    assert wanted and requirements(named.read_text(encoding="utf-8")) == wanted
    (instructions,) = [path for path in context.iterdir() if path.is_file()]
    assert "COPY _build/requirements.txt requirements.txt" in instructions.read_text(encoding="utf-8")


def test_the_installed_collection_names_every_package_that_it_imports_and_none_of_the_tests(
    tools: Tools, collections: Path
) -> None:
    process = tools.run("ansible-builder", "introspect", collections)
    assert process.returncode == 0, process.stdout
    found = yaml.safe_load(process.stdout)
    source = f"# from collection {NAME}"
    assert all(line.endswith(source) for line in found["python"])
    named = [line.removesuffix(source).strip() for line in found["python"]]
    assert named == requirements((REPOSITORY / "requirements.txt").read_text(encoding="utf-8"))
    installed = collections / "ansible_collections" / "pbxops" / "yeastar"
    imported = of_others(installed / "plugins")
    assert names(named) <= imported <= names(named) | brought_along(names(named))
    assert found["system"] == []


def test_a_definition_with_the_tarball_makes_a_context_that_installs_it(tools: Tools, collections: Path) -> None:
    (tarball,) = collections.glob("*.tar.gz")
    definition = tools.home / "execution-environment.yml"
    content = {
        "version": 3,
        "dependencies": {
            "ansible_core": {"package_pip": "ansible-core"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "galaxy": {"collections": [{"name": f"/build/{tarball.name}", "type": "file"}]},
        },
        "additional_build_files": [{"src": str(tarball), "dest": "."}],
    }
    definition.write_text(yaml.safe_dump(content), encoding="utf-8")
    process = tools.run("ansible-builder", "create", "--file", definition, "--context", tools.home / "context")
    assert process.returncode == 0, process.stdout
    build = tools.home / "context" / "_build"
    assert (build / tarball.name).read_bytes() == tarball.read_bytes()
    assert tarball.name in (build / "requirements.yml").read_text(encoding="utf-8")
