# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check YAML that users copy against what exists: modules, options, the role's variables, playbooks, make targets.

Every function returns a list of problems in words, empty if there are none.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.block import Block as BlockOfTasks
from ansible.playbook.task import Task
from ansible.plugins.doc_fragments import constructed, inventory_cache
from yamllint import linter
from yamllint.config import YamlLintConfig

from tests.support.documents import MODULE_NAMES, MODULES, REPOSITORY, Block

SPECS = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.table")
RUN_OPTIONS = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.run")
PORTAL_OPTIONS = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.portal")
FILTERS = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.filters")
VALUES = import_module("ansible_collections.pbxops.yeastar.plugins.module_utils._options.values")
PLUGIN_OPTIONS = import_module("ansible_collections.pbxops.yeastar.plugins.plugin_utils._inventory.options")
EVENTS = import_module("ansible_collections.pbxops.yeastar.plugins.plugin_utils._events.options")
SOURCE_OF_EVENTS = "expiring_subscriptions"
COLLECTION = "pbxops.yeastar."
VARIABLE = re.compile(r"\bpce_(?:renewal|report)_[a-z_]*[a-z]\b")
ENVIRONMENT_VARIABLE = re.compile(r"\bYEASTAR_[A-Z_]*[A-Z]\b")
FULL_NAME = re.compile(r"(?<!ansible_collections\.)\bpbxops\.yeastar\.([a-z_]+)")
TASK_LISTS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")

# A value of each type, to replace templates.
_SAMPLES: dict[str, Any] = {
    "str": "text",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "list": [],
    "dict": {},
    "raw": "3658B431119665QJ",
    "path": "/dev/null",
}


def _load(path: str) -> Any:
    return yaml.safe_load((REPOSITORY / path).read_text(encoding="utf-8"))


def _stems(folder: str) -> set[str]:
    return {path.stem for path in (REPOSITORY / folder).iterdir() if not path.name.startswith(".")}


@cache
def spec_of(module_name: str) -> dict[str, Any]:
    """The arguments of AnsibleModule for a module; for one that is an action plugin, its documented options."""
    module = import_module(MODULES + module_name)
    if not hasattr(module, "main"):
        documented = yaml.safe_load(module.DOCUMENTATION).get("options", {})
        return {"argument_spec": {**SPECS.CONNECTION_OPTIONS, **documented}}
    stopped = patch.object(module, "Module", side_effect=StopIteration)
    with stopped as ansible_module, suppress(StopIteration):
        module.main()
    (call,) = ansible_module.call_args_list
    return {name: value for name, value in call.kwargs.items() if name != "supports_check_mode"}


@cache
def variables_of_role() -> dict[str, dict[str, Any]]:
    """The roles' variables, each with its row of the argument specs."""
    specs = [_load(str(path.relative_to(REPOSITORY))) for path in REPOSITORY.glob("roles/*/meta/argument_specs.yml")]
    entry_points = [entry_point for spec in specs for entry_point in spec["argument_specs"].values()]
    return {name: row for entry_point in entry_points for name, row in entry_point["options"].items()}


@cache
def known_names() -> frozenset[str]:
    """Every variable with a role's prefix, including those that roles and playbooks set or read."""
    files = [*REPOSITORY.glob("playbooks/*.yml"), *REPOSITORY.glob("roles/*/tasks/*.yml")]
    others = {name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}
    return frozenset({*variables_of_role(), *others})


@cache
def known_environment() -> frozenset[str]:
    """The environment variables that the options fall back to."""
    fallbacks = [option["fallback"][1] for option in SPECS.CONNECTION_OPTIONS.values() if "fallback" in option]
    return frozenset(name for names in fallbacks for name in names)


def problems_of_names(text: str) -> list[str]:
    """Names in a text, including prose, that do not exist: of modules, plugins, roles, playbooks and variables."""
    folders = (
        "roles",
        "playbooks",
        "plugins/callback",
        "plugins/filter",
        "plugins/inventory",
        "extensions/eda/plugins/event_source",
        "extensions/eda/rulebooks",
    )
    stems = {stem for folder in folders for stem in _stems(folder)}
    full_names = {*MODULE_NAMES, *stems, *_load("meta/runtime.yml")["action_groups"]}
    return [
        *(f"{COLLECTION}{name} does not exist" for name in FULL_NAME.findall(text) if name not in full_names),
        *(f"{name} is not read by the role" for name in VARIABLE.findall(text) if name not in known_names()),
        *(f"{name} is not read" for name in ENVIRONMENT_VARIABLE.findall(text) if name not in known_environment()),
    ]


def problems_of_commands(text: str) -> list[str]:
    """Commands that name a make target, playbook, module of ours or file in the repository that does not exist."""
    found = []
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in text.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        except ValueError as error:
            found.append(f"{line.strip()}: {error}")
            continue
        if words[:1] == ["make"]:
            found += [f"make {word}: no such target" for word in words[1:2] if word not in targets]
        playbooks = any(word.endswith("ansible-playbook") for word in words)
        for word in words:
            if playbooks and word.startswith(COLLECTION) and word.removeprefix(COLLECTION) not in _stems("playbooks"):
                found.append(f"{word}: no such playbook")
            if word.startswith(("examples/", "tests/")) and not (REPOSITORY / word).exists():
                found.append(f"{word}: no such file")
            if word.startswith("tests.") and not (REPOSITORY / word.replace(".", "/")).exists():
                found.append(f"{word}: no such package")
    return found


def problems_of_block(block: Block) -> list[str]:
    """All problems of a YAML block; the linter's findings have their line in the document."""
    lint = YamlLintConfig(file=str(REPOSITORY / ".yamllint"))
    found = [
        f"line {block.line - 1 + problem.line}: {problem.desc} ({problem.rule or 'syntax'})"
        for problem in linter.run(block.text, lint)
    ]
    try:
        return found + problems_of_document(block.document())
    except yaml.YAMLError as error:
        return [*found, str(error)]


def problems_of_document(document: Any) -> list[str]:
    """The problems of plays, tasks, inventories and variables in a YAML document."""
    found = [problem for text in _strings(document) for problem in problems_of_command_lines(text)]
    if isinstance(document, list):
        found += _problems_of_tasks(document)
    elif isinstance(document, Mapping) and "plugin" in document:
        found += problems_of_inventory(document)
    return found + _problems_within(document)


def problems_of_inventory(document: Mapping[str, Any]) -> list[str]:
    """Options in a file of the inventory plugin that it does not have, and values that it would refuse."""
    path = REPOSITORY / "plugins" / "inventory" / f"{str(document['plugin']).removeprefix(COLLECTION)}.py"
    if not path.exists():
        return [f"{document['plugin']} is no inventory plugin of ours"]
    ansibles = {"plugin", *(name for fragment in (constructed, inventory_cache) for name in _options_of(fragment))}
    table = {**SPECS.CONNECTION_OPTIONS, **PLUGIN_OPTIONS.INVENTORY_OPTIONS}
    values = {name: value for name, value in document.items() if name not in ansibles}
    validation = ArgumentSpecValidator(table).validate(_without_templates(values, table))
    return [f"{document['plugin']}: {message}" for message in validation.error_messages]


def _options_of(fragment: Any) -> set[str]:
    return set(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])


def problems_of_command_lines(text: str) -> list[str]:
    """As `problems_of_commands`, for the lines of a script that begin with a command of interest."""
    lines = [line for line in text.splitlines() if re.match(r"\s*(make|ansible-playbook|ansible)\s", line)]
    return problems_of_commands("\n".join(lines))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _problems_within(node: Any) -> list[str]:
    """The problems of every mapping in the document, at any depth."""
    if isinstance(node, list):
        return [problem for item in node for problem in _problems_within(item)]
    if not isinstance(node, Mapping):
        return []
    found = _problems_of_variables(node)
    for key, value in node.items():
        if key == COLLECTION + SOURCE_OF_EVENTS:
            table = {**SPECS.CONNECTION_OPTIONS, **EVENTS.EVENT_OPTIONS}
            found += ArgumentSpecValidator(table).validate(_without_templates(value, table)).error_messages
        elif isinstance(key, str) and key.startswith(COLLECTION):
            found += problems_of_arguments(key.removeprefix(COLLECTION), value or {})
        elif key == "module_defaults":
            found += _problems_of_defaults(value)
        elif key == "hosts" and isinstance(value, Mapping):
            found += [f"host {host!r}: expected text, quote it" for host in value if not isinstance(host, str)]
        elif key in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
            found += _problems_of_role(value)
        if key in TASK_LISTS and isinstance(value, list):
            found += _problems_of_tasks(value)
        found += _problems_within(value)
    return found


def _problems_of_tasks(tasks: list[Any]) -> list[str]:
    """Names that are missing, and keys that are neither a keyword nor the full name of a module."""
    found = []
    for task in tasks:
        if not isinstance(task, Mapping):
            return [f"expected plays or tasks, got {task!r}"]
        name = task.get("name")
        if not isinstance(name, str) or not name.strip():
            found.append(f"a play or task has no name: {sorted(map(str, task))}")
        if "hosts" in task or "ansible.builtin.import_playbook" in task:
            continue
        keywords = {*Task.fattributes, *BlockOfTasks.fattributes} - {"action", "local_action"}
        others = [str(key) for key in task if key not in keywords and key != "loop"]
        modules = [key for key in others if key.count(".") >= 2]
        found += [
            f"{name}: {key} is neither a keyword nor a module's full name" for key in others if key not in modules
        ]
        if len(modules) != (0 if "block" in task else 1):
            found.append(f"{name}: expected one module, got {modules}")
        if "until" in task or "retries" in task:
            found += [f"{name}: {key} is never repeated" for key in modules if key.endswith("yeastar_pce_renewal")]
    return found


def problems_of_arguments(module_name: str, arguments: Any) -> list[str]:
    """Check a task's arguments against the module's own spec and rules, and then read them as the module would."""
    if module_name not in MODULE_NAMES:
        return [f"{COLLECTION}{module_name} is no module"]
    if not isinstance(arguments, Mapping):
        return [f"{module_name}: expected options, got {arguments!r}"]
    spec = spec_of(module_name)
    values = _without_templates(arguments, spec["argument_spec"])
    validation = ArgumentSpecValidator(**spec).validate(values)
    if validation.error_messages:
        return [f"{module_name}: {message}" for message in validation.error_messages]
    return _problems_of_values(module_name, validation.validated_parameters)


def _problems_of_values(module_name: str, params: Mapping[str, Any]) -> list[str]:
    if params.get("plan_file") is not None:
        readers = [RUN_OPTIONS.policy_of]
    elif "subscriptions" in params:
        readers = [RUN_OPTIONS.declarations_of, RUN_OPTIONS.policy_of]
    else:
        readers = [FILTERS.filters_of] if "gather" in params else []
    found = []
    for reader in [*readers, PORTAL_OPTIONS.fields_of]:
        try:
            reader(params)
        except ValueError as error:
            found.append(f"{module_name}: {error}")
    return found


def _without_templates(values: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values, with templates replaced by a value of the right type."""

    def sample(name: str) -> Any:
        row = spec.get(name, {"type": "str"})
        return row["choices"][0] if row.get("choices") else _SAMPLES[row["type"]]

    return {name: sample(name) if _is_template(value) else value for name, value in values.items()}


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def _problems_of_defaults(defaults: Any) -> list[str]:
    """The options in `module_defaults` of our group: each must be one of a module in it."""
    modules = _load("meta/runtime.yml")["action_groups"]["yeastar"]
    options = {name for module in modules for name in spec_of(module)["argument_spec"]}
    values = defaults.get(f"group/{COLLECTION}yeastar", {})
    return [f"module_defaults: no module has the option {name}" for name in values if name not in options]


def _problems_of_role(arguments: Mapping[str, Any]) -> list[str]:
    role = str(arguments.get("name", "")).removeprefix(COLLECTION)
    tasks = REPOSITORY / "roles" / role / "tasks" / f"{arguments.get('tasks_from', 'main')}.yml"
    return [] if tasks.exists() else [f"the role {arguments} does not exist"]


def _problems_of_variables(mapping: Mapping[Any, Any]) -> list[str]:
    """The role's variables among the keys of a mapping, against the role's argument specs."""
    rows = variables_of_role()
    ours = {key: value for key, value in mapping.items() if isinstance(key, str) and VARIABLE.fullmatch(key)}
    unknown = [f"{name} is not read by the role" for name in ours if name not in known_names()]
    values = _without_templates({name: value for name, value in ours.items() if name in rows}, rows)
    found = unknown + list(ArgumentSpecValidator(rows).validate(values).error_messages)
    if "pce_renewal_product_no" in values:
        try:
            VALUES.product_no_of(values["pce_renewal_product_no"])
        except ValueError as error:
            found.append(str(error))
    return found
